"""The commands about subscribers, who are told of our events: `subscribers list` and `subscribers end`."""

from __future__ import annotations

from typing import Annotated

import typer

from hooks.cli.options import AsJson, Data
from hooks.cli.output import coloured, note, print_json, print_table, wrong_use

subscribers = typer.Typer(help="Subscribers: Zaps that are told of events.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(subscribers, name="subscribers", rich_help_panel="Keep it running")


@subscribers.command("list", epilog="Example: hooks subscribers list")
def subscribers_list(as_json: AsJson = False, data: Data = None) -> None:
    """List who is told of which events. Their addresses are not shown. Needs the running server."""
    from hooks.cli.reader import server_of

    listing = server_of({"data": data}).ask("GET", "/api/v1/subscribers")
    if as_json:
        print_json(listing)
        return
    columns = ("id", "source", "event", "host", "created_at", "expires_at")
    print_table(columns, [tuple(one[name] or "" for name in columns) for one in listing["items"]])
    if not listing["items"]:
        note("Nobody has subscribed.")


@subscribers.command("end", epilog="Example: hooks subscribers end sub_0190c0de000070008000000000000001")
def subscribers_end(
    id: Annotated[str, typer.Argument(metavar="SUBSCRIBER", help="Its id: sub_...")],
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Tell a subscriber nothing more. A Zap that is switched off and on again comes back by itself."""
    from hooks.cli.reader import act

    if not id.startswith("sub_") or not id[4:].isalnum():
        raise wrong_use("a subscriber's id begins with sub_: `hooks subscribers list` shows them")
    ended = act(f"/api/v1/subscribers/{id}/end", {"data": data})
    if as_json:
        print_json(ended)
    else:
        print(coloured(f"{id} is told nothing more.", "green"))
