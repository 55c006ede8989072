"""The command that tests connections: `connections test`, one harmless call for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hooks.cli.completing import complete_connections
from hooks.cli.options import AsJson, Routes
from hooks.cli.output import Exit, coloured, plain, print_json, print_table
from hooks.cli.ruling import connections
from hooks.settings import load_settings

if TYPE_CHECKING:
    from hooks.pipeline.probing import Probed
    from hooks.rules.ruleset import RuleSet


def add_to(_app: typer.Typer) -> None:
    """Add the command of this module to its group."""
    connections.command("test", epilog="Example: hooks connections test titan")(connections_test)


def connections_test(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="One connection.", show_default="all", autocompletion=complete_connections
        ),
    ] = None,
    as_json: AsJson = False,
    routes: Routes = None,
) -> None:
    """Ask each vendor one harmless question that proves address and credentials. Exit code 1 if one does not work."""
    from hooks.cli.accounts import pick_connection
    from hooks.cli.loading import load_rules

    rules = load_rules(load_settings({"routes": routes}))
    names = list(rules.connections) if name is None else [pick_connection(rules, name).name]
    found = asyncio.run(probed(rules, names))
    if as_json:
        print_json({"ok": all(one.result != "failed" for one in found), "items": [one.as_json() for one in found]})
    else:
        print_probed(found)
    if any(one.result == "failed" for one in found):
        raise typer.Exit(Exit.FAILED)


async def probed(rules: RuleSet, names: Sequence[str]) -> list[Probed]:
    """What became of testing these connections, in their order."""
    from hooks.cli.accounts import vendor_of
    from hooks.pipeline.probing import probe_all

    configured = [rules.connections[name] for name in names]
    return await probe_all({one.name: (vendor_of(one), one.settings) for one in configured})


def print_probed(found: Sequence[Probed]) -> None:
    """A row for each, and below what is wrong and how to mend it."""
    rows = [
        (one.connection, one.vendor, one.result, f"{one.duration_ms} ms", one.asked or one.base_url) for one in found
    ]
    print_table(("connection", "vendor", "result", "took", "asked"), rows)
    for one in found:
        if one.problem:
            print()
            print(f"{coloured(one.connection, 'bold')}: {plain(one.problem)}")
            if one.mend:
                print(f"  {plain(one.mend)}")
