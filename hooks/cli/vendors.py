"""The command that shows the vendors: their actions, the inputs of one, pick lists, and the page of the reference."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from hooks.cli.completing import complete_connections, complete_vendors
from hooks.cli.options import AsJson, Routes
from hooks.cli.output import coloured, note, plain, print_json, print_table, wrong_use
from hooks.settings import load_settings


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(rich_help_panel="Write rules", epilog="Example: hooks vendors homebase360.create_job")(vendors)


def vendors(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME[.ACTION]]", help="A vendor, or one of its actions.", autocompletion=complete_vendors
        ),
    ] = None,
    pick: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="The entries of a pick list, read at the vendor: technicians, jobs, ..."),
    ] = None,
    connection: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The account to read the pick list in; needed when several are of the vendor.",
            autocompletion=complete_connections,
        ),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="The page docs/reference/vendors.md.")] = False,
    as_json: AsJson = False,
    routes: Routes = None,
) -> None:
    """List the vendors, the actions of one, the inputs of an action, or ids to choose from at a vendor."""
    from hooks.registry import describe
    from hooks.rules.findings import did_you_mean, meant_by

    if markdown:
        if name is not None or pick is not None or as_json:
            raise wrong_use("--markdown prints the whole page: give it alone")
        from hooks.cli.reference import vendors_page
        from hooks.registry import VENDORS

        print(vendors_page(VENDORS), end="")
        return
    shown = describe()
    wanted, _, action = (name or "").partition(".")
    if wanted:
        known = [vendor["vendor"] for vendor in shown]
        shown = [vendor for vendor in shown if vendor["vendor"] == wanted]
        if not shown:
            hint = did_you_mean(wanted, known) or "there are " + ", ".join(known)
            raise wrong_use(f"there is no vendor {plain(wanted)!r}: {hint}")
    if pick is not None:
        if not wanted or action:
            raise wrong_use("say whose pick list: hooks vendors servicetitan --pick technicians")
        _print_pick(wanted, pick, connection, as_json, routes)
        return
    if action:
        known = [one["name"].partition(".")[2] for one in shown[0]["actions"]]
        found = [one for one in shown[0]["actions"] if name in (one["name"], *one["aliases"])]
        if not found:
            near = meant_by(did_you_mean(action, known))
            hint = f"did you mean '{wanted}.{near}'?" if near else f"`hooks vendors {wanted}` lists its actions"
            raise wrong_use(f"there is no action {plain(name)!r}: {hint}")
        shown[0]["actions"] = found
    if as_json:
        print_json(shown)
    elif not wanted:
        rows = [(one["vendor"], len(one["actions"]), len(one["events"]), one["title"]) for one in shown]
        print_table(("vendor", "actions", "events", "name"), rows)
    elif not action:
        _print_vendor(shown[0])
    else:
        _print_action(shown[0]["actions"][0])


# --- pick lists ---


def _print_pick(vendor: str, pick: str, connection: str | None, as_json: bool, routes: Path | None) -> None:
    """The entries, in the form that the vendor's own pick lists have: ``{"result": [{"key", "label"}]}``."""
    from hooks.cli.accounts import SECONDS, opened, pick_connection
    from hooks.cli.living import picks_of
    from hooks.cli.loading import load_rules
    from hooks.kit.picks import whole_list

    picks = {name: one for name, one in picks_of(vendor).items() if one.listed}
    if not picks:
        raise wrong_use(f"{vendor} has no pick lists")
    chosen = picks[pick_name(pick, picks)]
    account = pick_connection(load_rules(load_settings({"routes": routes})), connection, vendor)

    async def read() -> list[dict[str, str]]:
        async with opened(account) as client:
            return await whole_list(client, chosen, 2 * SECONDS)

    entries = asyncio.run(read())
    if as_json:
        print_json({"result": entries})
        return
    print_table(("key", "label"), [(entry["key"], entry["label"]) for entry in entries])
    if not entries:
        note("The list is empty.")


def pick_name(given: str, known: Mapping[str, Any]) -> str:
    """The pick list that was meant: ``technicians``, ``select_technician`` and ``selectTechnician`` are one."""
    from hooks.rules.findings import did_you_mean

    short = {_short(name): name for name in known}
    found = short.get(_short(given))
    if found is None:
        names = ", ".join(name.removeprefix("select_") for name in known)
        hint = did_you_mean(_short(given), short)
        raise wrong_use(f"there is no pick list {plain(given)!r}. {hint} There are {names}".replace("  ", " "))
    return found


def _short(name: str) -> str:
    words = re.sub(r"[^a-z]", "", name.lower()).removeprefix("select")
    return words.removesuffix("s")


# --- for people ---


def _print_vendor(vendor: Mapping[str, Any]) -> None:
    if vendor["actions"]:
        rows = [(one["name"], one["method"], one["path"]) for one in vendor["actions"]]
        print_table(("action", "method", "path"), rows)
    if vendor["events"]:
        print(coloured("events", "bold"))
        for event in vendor["events"]:
            print(f"  {plain(event)}")


def _print_action(action: Mapping[str, Any]) -> None:
    print(coloured(action["name"], "bold") + f"  {action['method']} {action['path']}")
    print(plain(action["summary"]))
    if action["aliases"]:
        print(f"also called {', '.join(action['aliases'])}")
    schema = action["inputs"]
    required = set(schema.get("required", ()))
    rows = [
        (field, "required" if field in required else "", _type_of(about), about.get("description", ""))
        for field, about in sorted(schema.get("properties", {}).items(), key=lambda pair: pair[0] not in required)
    ]
    if rows:
        print()
        print_table(("field", "", "type", "what"), rows)


def _type_of(about: Mapping[str, Any]) -> str:
    """A JSON schema's type in a word or two."""
    if "$ref" in about:
        return str(about["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in about:
        return " or ".join(dict.fromkeys(_type_of(one) for one in about["anyOf"] if one.get("type") != "null"))
    if "enum" in about:
        return " or ".join(map(str, about["enum"]))
    if about.get("type") == "array":
        return f"list of {_type_of(about.get('items', {}))}"
    return str(about.get("type", "anything"))
