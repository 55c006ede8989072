"""The commands that start something: `serve`, `demo` and `sandbox`."""

from __future__ import annotations

import gc
import signal
from typing import Annotated

import typer

from hooks.cli.options import Data, Database, Routes
from hooks.cli.output import Exit
from hooks.settings import Role, load_settings

_PANEL = "Start something"


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(rich_help_panel=_PANEL, epilog="Example: hooks demo --keep")(demo)
    app.command(rich_help_panel=_PANEL, epilog="Example: hooks serve --routes routes.yaml --port 8080")(serve)
    app.command(rich_help_panel=_PANEL, epilog="Example: hooks sandbox --port 9099")(sandbox)


def serve(
    routes: Routes = None,
    data: Data = None,
    database: Database = None,
    host: Annotated[
        str | None, typer.Option(metavar="H", help="Where webhooks come in (HOOKS_HOST).", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="P", min=0, max=65535, help="Its port (HOOKS_PORT); 0 picks one.", show_default="8080"),
    ] = None,
    admin: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The admin listener (HOOKS_ADMIN).", show_default="127.0.0.1:8081"),
    ] = None,
    role: Annotated[
        Role | None, typer.Option(help="Receive, carry out, or both (HOOKS_ROLE).", show_default="all")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Do not start with a broken rules file (HOOKS_STRICT).")
    ] = False,
) -> None:
    """Receive webhooks and carry out the rules, until SIGTERM or Ctrl-C."""
    settings = load_settings(
        {
            "routes": routes,
            "data": data,
            "database": database,
            "host": host,
            "port": port,
            "admin": admin,
            "role": role,
            "strict": "true" if strict else None,
        }
    )
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # who asks for a reload of what is just starting means it no harm
    gc.disable()  # what is loaded for a start stays: `keep_calm` goes through it once, instead of hundreds of times
    try:
        from hooks.serving import run

        _log_to_stderr()
        raise typer.Exit(run(settings))
    finally:
        gc.enable()


def _log_to_stderr() -> None:
    """One line per happening, UTC, on standard error. Libraries are heard when something is wrong."""
    import logging
    import time

    from hooks.serving import Repeated

    handler = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)sZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(Repeated())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("hooks").setLevel(logging.INFO)


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="P", help="The port; 0 picks a free one.")] = 9099,
) -> None:
    """Stand in for the vendors on this machine: stateful, with their sign-in, their errors and their quirks."""
    import asyncio

    from hooks.cli.sandboxes import serve_sandboxes

    asyncio.run(serve_sandboxes(port))


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Stay up at the end and print the addresses.")] = False,
    speed: Annotated[float, typer.Option(min=0.1, max=100.0, metavar="N", help="2 is twice as fast.")] = 1.0,
) -> None:
    """Play a morning: invented businesses send webhooks, sandboxes stand in for the vendors, nothing leaves here."""
    import asyncio

    from hooks.cli.demo.play import play

    good = asyncio.run(play(keep=keep, speed=speed))
    raise typer.Exit(Exit.FINE if good else Exit.FAILED)
