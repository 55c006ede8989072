"""`hooks top`: the server at a glance on the whole terminal, renewed every second or so until q."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hooks.cli.options import AsJson, Data
from hooks.cli.output import note, print_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_ENDS = frozenset("qQ\x03\x04\x1b")


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(rich_help_panel="What happened", epilog="Example: hooks top --every 2")(top)


def top(
    once: Annotated[bool, typer.Option("--once", help="Print it once and end.")] = False,
    every: Annotated[float, typer.Option(min=0.2, max=60.0, metavar="SECONDS", help="How often it is renewed.")] = 1.0,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Watch the server: what waits, what fails, how fast it goes. q or Ctrl-C ends. Needs the running server."""
    from hooks.cli.board import board, figures
    from hooks.cli.reader import server_of

    given = {"data": data}
    if as_json:
        print_json(figures(server_of(given)))
        return
    console = _console()
    if once or not sys.stdout.isatty():
        console.print(board(figures(server_of(given)), None, console.width, 60))
        return
    try:
        _watch(console, given, every)
    except KeyboardInterrupt:
        return


def _console() -> Console:
    from rich.console import Console

    from hooks.settings import colour_wanted

    return Console(no_color=not colour_wanted(), highlight=False)


def _watch(console: Console, given: dict[str, Any], every: float) -> None:
    from rich.console import Group
    from rich.live import Live

    from hooks.cli.board import board, figures
    from hooks.cli.reader import NoServer, server_of
    from hooks.cli.wire import Unreachable

    before: dict[str, Any] | None = None
    now = figures(server_of(given))
    footer = _footer("")
    with _keys() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(Group(board(now, before, console.width, console.height - 1), footer), refresh=True)
            if pressed(every) & _ENDS:
                return
            try:
                latest = figures(server_of(given))
            except (Unreachable, NoServer):
                footer = _footer("the server does not answer: this is how it was")
                continue
            before, now, footer = now, latest, _footer("")


def _footer(trouble: str) -> Text:
    from rich.text import Text

    return Text(trouble, "bold red") if trouble else Text("q ends", "dim")


@contextlib.contextmanager
def _keys() -> Iterator[Any]:
    """A function that waits for so many seconds at most and gives the keys that were pressed meanwhile."""
    try:
        import select
        import termios
        import tty

        handle = sys.stdin.fileno()
        kept = termios.tcgetattr(handle)
    except (ImportError, OSError, ValueError):  # no terminal to read keys from: Ctrl-C ends it
        note("Ctrl-C ends it.")

        def wait(seconds: float) -> set[str]:
            time.sleep(seconds)
            return set()

        yield wait
        return

    def pressed(seconds: float) -> set[str]:
        ready, _, _ = select.select([handle], [], [], seconds)
        return set(os.read(handle, 64).decode("utf-8", "replace")) if ready else set()

    try:
        tty.setcbreak(handle)
        yield pressed
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, kept)
