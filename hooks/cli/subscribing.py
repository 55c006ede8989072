"""The commands about subscriptions at a sender: `subscriptions list`, `create`, `delete` and `doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hooks.cli.options import AsJson, Data, Routes
from hooks.cli.output import TONES, Exit, coloured, note, plain, print_json, print_table, wrong_use
from hooks.errors import DeliveryError
from hooks.settings import load_settings

if TYPE_CHECKING:
    from hooks.cli.subscriptions import Way
    from hooks.rules.ruleset import ConnectionConfig, RuleSet, SourceConfig

subscriptions = typer.Typer(help="Subscriptions: what a sender is told by API.", no_args_is_help=True)

ConnectionName = Annotated[
    str | None,
    typer.Option("--connection", metavar="NAME", help="The sender's account; needed when several could be meant."),
]
SourceName = Annotated[
    str | None,
    typer.Option("--source", metavar="NAME", help="The source it sends to; needed when several could be meant."),
]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The public address: https://your-host, or up to /in/NAME.")
]
Api = Annotated[
    str | None,
    typer.Option(
        "--api",
        metavar="WAY",
        help="Another of the vendor's ways; for Housecall Pro `webhooks`, which its own document does not have.",
        show_default="its first",
    ),
]

_T = TypeVar("_T")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(subscriptions, name="subscriptions", rich_help_panel="Keep it running")


@subscriptions.command("list", epilog="Example: hooks subscriptions list --connection hcp --api webhooks")
def subscriptions_list(
    connection: ConnectionName = None, api: Api = None, as_json: AsJson = False, routes: Routes = None
) -> None:
    """List what the sender has been told, where it has a list."""
    from hooks.cli.subscriptions import listed

    _, account, way, page = _way(connection, api, routes)
    items = _asked(listed(account, way))
    if as_json:
        print_json({"items": items, "next": None, "listable": way.list is not None})
    elif way.list is not None:
        print_table(("id", "url", "events"), [(one.get("id"), one.get("url"), one.get("events")) for one in items])
    if way.list is None:
        note(f"The vendor has no list: look at {page}.")


@subscriptions.command("create", epilog="Example: hooks subscriptions create --connection hcp")
def subscriptions_create(
    connection: ConnectionName = None,
    source: SourceName = None,
    url: Url = None,
    api: Api = None,
    as_json: AsJson = False,
    routes: Routes = None,
) -> None:
    """Have the sender send, for the events that enabled rules need."""
    from hooks.cli.subscriptions import address_of, create, needed_events

    rules, account, way, page = _way(connection, api, routes)
    inbound = _source(rules, account.vendor, source)
    if way.sends_address and url is None:
        raise wrong_use(f"say where to, with --url https://your-host/in/{inbound.name}")
    address = None if url is None else address_of(url, inbound.name)
    needed = needed_events(rules, inbound)
    if way.sends_address and not needed:
        raise wrong_use(f"no enabled rule takes anything from {inbound.name}: write one first")
    said = _asked(create(account, way, address, [one.event for one in needed]))
    if as_json:
        print_json({"result": said, "url": address, "events": [one.as_json() for one in needed]})
        return
    print(said)
    if not way.sends_address:
        where = address or f"https://YOUR-HOST/in/{inbound.name}"
        print(f"Its call takes no address: {where} must stand at {page}, with these events ticked:")
        for one in needed:
            print(f"  {one.on_page}")


@subscriptions.command("delete", epilog="Example: hooks subscriptions delete --connection hcp")
def subscriptions_delete(
    connection: ConnectionName = None,
    source: SourceName = None,
    url: Url = None,
    identity: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The subscription's id at the vendor.")
    ] = None,
    api: Api = None,
    as_json: AsJson = False,
    routes: Routes = None,
) -> None:
    """Have the sender stop: one subscription by its id or address, or all where it knows no single ones."""
    from hooks.cli.subscriptions import address_of, delete

    rules, account, way, _ = _way(connection, api, routes)
    if way.sends_address and url is None and identity is None:
        raise wrong_use("say which with --id or --url")
    address = None if url is None else address_of(url, _source(rules, account.vendor, source).name)
    said = _asked(delete(account, way, identity, address))
    if as_json:
        print_json({"result": said})
    else:
        print(said)


@subscriptions.command("doctor", epilog="Example: hooks subscriptions doctor --source hcp --url https://your-host")
def subscriptions_doctor(
    connection: ConnectionName = None,
    source: SourceName = None,
    url: Url = None,
    api: Api = None,
    as_json: AsJson = False,
    routes: Routes = None,
    data: Data = None,
) -> None:
    """Follow a webhook's way from the sender to the accounts, and say what is wrong and how to mend it."""
    from hooks.cli.doctoring import Patient, examine
    from hooks.cli.loading import load_rules
    from hooks.cli.reader import find_server
    from hooks.cli.subscriptions import SENDERS, address_of, pick_way

    settings = load_settings({"routes": routes, "data": data})
    rules = load_rules(settings)
    account = None if connection is None else _account(rules, connection)
    inbound = _source(rules, None if account is None else account.vendor, source)
    if account is None:
        fitting = [one for one in rules.connections.values() if one.vendor == inbound.vendor]
        account = fitting[0] if len(fitting) == 1 else None
    known = account is not None and account.vendor == inbound.vendor and inbound.vendor in SENDERS
    way = pick_way(inbound.vendor, api)[1] if known or api is not None else None
    address = None if url is None else address_of(url, inbound.name)
    patient = Patient(rules, inbound, account, way, find_server(settings), address)
    checks = examine(patient)
    failed = any(check.result == "failed" for check in checks)
    if as_json:
        print_json(
            {
                "ok": not failed,
                "source": inbound.name,
                "url": address,
                "checks": [check.as_json() for check in checks],
                "events": [one.as_json() for one in patient.needed],
            }
        )
    else:
        for check in checks:
            result = coloured(check.result.ljust(7), TONES.get(check.result))
            print(f"{result}  {coloured(check.name, 'bold')}: {plain(check.found)}")
            if check.mend:
                print(f"         {plain(check.mend)}")
    if failed:
        raise typer.Exit(Exit.FAILED)


def _way(name: str | None, api: str | None, routes: Path | None) -> tuple[RuleSet, ConnectionConfig, Way, str]:
    from hooks.cli.loading import load_rules
    from hooks.cli.subscriptions import pick_way

    rules = load_rules(load_settings({"routes": routes}))
    account = _account(rules, name)
    sender, way = pick_way(account.vendor, api)
    return rules, account, way, sender.page


def _account(rules: RuleSet, name: str | None) -> ConnectionConfig:
    """The connection that is meant: of those that can be asked, when none is named."""
    from hooks.cli.accounts import pick_connection
    from hooks.cli.subscriptions import SENDERS

    if name is not None:
        return pick_connection(rules, name)
    fitting = [one for one in rules.connections.values() if one.vendor in SENDERS]
    if len(fitting) != 1:
        which = ", ".join(one.name for one in fitting) or f"the rules file has none of {', '.join(SENDERS)}"
        raise wrong_use(f"say which connection with --connection: {which}")
    return fitting[0]


def _source(rules: RuleSet, vendor: str | None, name: str | None) -> SourceConfig:
    from hooks.cli.loading import pick_source

    found = pick_source(rules, name, vendor)
    if vendor is not None and found.vendor != vendor:
        raise wrong_use(f"the source {found.name} is one of {found.vendor}, not of {vendor}")
    return found


def _asked(asking: Coroutine[Any, Any, _T]) -> _T:
    """What a vendor answers. Ends the command with its refusal."""
    try:
        return asyncio.run(asking)
    except DeliveryError as error:
        note(f"hooks: {plain(error.message)}")
        note("`hooks connections test` says whether the account works at all.")
        raise typer.Exit(Exit.FAILED) from None
