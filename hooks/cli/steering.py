"""The commands that steer what goes out: `connections pause` and `resume`."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from hooks.cli.options import AsJson, Data
from hooks.cli.output import print_json
from hooks.cli.ruling import connections

Name = Annotated[str, typer.Argument(metavar="NAME", help="The connection.")]


def add_to(_app: typer.Typer) -> None:
    """Add the commands of this module to their groups."""
    connections.command("pause", epilog="Example: hooks connections pause titan --reason 'their maintenance'")(pause)
    connections.command("resume", epilog="Example: hooks connections resume titan --drain-rate 5")(resume)


def pause(
    name: Name,
    reason: Annotated[str | None, typer.Option(help="Why: shown with the connection.")] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Hold everything for a connection until `resume`, restarts included. Nothing is lost. Needs the running server."""
    answer = _act(f"/api/v1/connections/{quote(name, safe='')}/pause", data, {"reason": reason})
    _told(answer, as_json, f"{name} is paused: what is for it is held.")


def resume(
    name: Name,
    drain_rate: Annotated[
        float | None,
        typer.Option(min=0.001, max=1000, metavar="N", help="How many of the held runs go on per second."),
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Let what was held go on, the oldest first. Needs the running server."""
    answer = _act(f"/api/v1/connections/{quote(name, safe='')}/resume", data, {"drain_rate": drain_rate})
    _told(answer, as_json, f"{name} goes on.")


def _act(path: str, data: object, body: dict[str, object]) -> Any:
    from hooks.cli.reader import act

    return act(path, {"data": data}, {name: value for name, value in body.items() if value is not None})


def _told(answer: Any, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(answer)
    else:
        print(sentence)
