"""All commands joined, and the guard around them: bad input ends in a sentence and an exit code, never in a traceback.

Exit codes: 0 fine, 1 failure, 2 wrong use, 3 configuration invalid, 4 partly done, 10 differences found.
"""

from __future__ import annotations

import copy
import io
import os
import sys
from collections.abc import Sequence
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from pathlib import Path

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

from hooks.cli import (
    beginning,
    connecting,
    databases,
    keeping,
    many_runs,
    people,
    records,
    ruling,
    sending,
    serving,
    steering,
    subscribers,
    subscribing,
    tailing,
    trying,
    vendors,
    watching,
)
from hooks.cli.output import Exit, note
from hooks.errors import ConfigError, HooksError

app = typer.Typer(
    name="hooks",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Receive the webhooks of home-service software, and do what routes.yaml says.",
    epilog="Example: hooks demo shows everything at once; hooks COMMAND --help has an example for each command.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from hooks import __version__

        print(f"hooks {__version__}")
        raise typer.Exit


@app.callback()
def hooks(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="The version, and exit."),
) -> None:
    """Receive the webhooks of home-service software, and do what routes.yaml says."""


serving.add_to(app)
beginning.add_to(app)
ruling.add_to(app)
trying.add_to(app)
vendors.add_to(app)
connecting.add_to(app)
many_runs.add_to(app)
steering.add_to(app)
tailing.add_to(app)
subscribing.add_to(app)
subscribers.add_to(app)
sending.add_to(app)
records.add_to(app)
people.add_to(app)
watching.add_to(app)
keeping.add_to(app)
databases.add_to(app)


_NO_ROOM = (EDQUOT, EFBIG, EIO, ENOSPC)
"""A full disk behind the standard output, for instance: nothing that we could mend."""


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and give its exit code."""
    _ready_streams()
    try:
        _narrowed(arguments)(args=list(arguments), prog_name="hooks")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the last resort for people: a line instead of a traceback
        return _told(error)
    return Exit.FINE


def _narrowed(arguments: Sequence[str]) -> typer.Typer:
    """The tree with nothing but the command that is meant, where that shows: to build all takes 40 ms."""
    wanted = arguments[0] if arguments else None
    groups = [each for each in app.registered_groups if each.name == wanted]
    commands = [each for each in app.registered_commands if _name_of(each) == wanted]
    if not groups and not commands:
        return app
    narrowed = copy.copy(app)
    narrowed.registered_groups, narrowed.registered_commands = groups, commands
    return narrowed


def _name_of(command: CommandInfo) -> str:
    return command.name or get_command_name(command.callback.__name__) if command.callback else ""


def _ready_streams() -> None:
    """A stream that the caller has closed takes anything, and one of few letters has ``?`` for those it lacks."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # it is open as long as the process
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _told(error: Exception) -> int:
    """Say what went wrong and give the exit code for it."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, HooksError):
        note(f"hooks: {error}")
        return Exit.INVALID if isinstance(error, ConfigError) else Exit.FAILED
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        note(f"hooks: this cannot be written: {error.strerror}")
        return Exit.FAILED
    return _unexpected(error)


def _unexpected(error: Exception) -> int:
    from hooks.settings import environment

    if environment("HOOKS_DEBUG"):
        raise error
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace is not None else "?"
    note(f"hooks: this is a fault of hooks, not yours: {type(error).__name__} at {place}")
    note("Please report it with that line and the command; HOOKS_DEBUG=1 shows all of it.")
    sys.stderr.flush()
    return Exit.FAILED
