"""The commands for whoever writes rules: `check`, `explain`, and lists of what a rules file holds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hooks.cli import describing, rule_history, shadowing
from hooks.cli.completing import complete_sources
from hooks.cli.options import AsJson, Data, Database, Headers, Routes, SampleName, check_event_id
from hooks.cli.output import Exit, coloured, note, print_json, print_table, wrong_use
from hooks.plurals import so_many
from hooks.settings import load_settings, unread

if TYPE_CHECKING:
    from hooks.cli.living import Live
    from hooks.rules.findings import Finding
    from hooks.rules.ruleset import RuleSet

rules = typer.Typer(help="Rules: what is done about what.", no_args_is_help=True)
sources = typer.Typer(help="Sources: where webhooks come in.", no_args_is_help=True)
connections = typer.Typer(help="Connections: accounts to act in.", no_args_is_help=True)

_PANEL = "Write rules"


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(rich_help_panel=_PANEL, epilog="Example: hooks check routes.yaml")(check)
    app.command(rich_help_panel=_PANEL, epilog="Example: hooks explain --sample housecall_pro/job.completed")(explain)
    app.add_typer(rules, name="rules", rich_help_panel=_PANEL)
    describing.add_to(rules)
    rule_history.add_to(rules)
    shadowing.add_to(rules)
    app.add_typer(sources, name="sources", rich_help_panel=_PANEL)
    app.add_typer(connections, name="connections", rich_help_panel=_PANEL)


def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The rules file.", show_default="routes.yaml")
    ] = None,
    without_secrets: Annotated[
        bool, typer.Option("--without-secrets", help="Do not ask for secrets that are not set: for CI.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the vendors whether the ids in the rules are there. Writes nothing.")
    ] = False,
    format: Annotated[Format, typer.Option(help="github: annotations of a pull request.")] = Format.TEXT,
    as_json: AsJson = False,
    routes: Routes = None,
) -> None:
    """Say what is wrong with a rules file, with line, caret and hint. Changes nothing; sends nothing but by --live."""
    from hooks.cli.loading import load_rules
    from hooks.rules.findings import RulesInvalid

    if live and without_secrets:
        raise wrong_use("--live signs in at the vendors, so it needs the secrets: leave --without-secrets out")
    settings = load_settings({"routes": file or routes})
    format = Format.JSON if as_json else format
    try:
        loaded = load_rules(settings, all_secrets=not without_secrets)
    except RulesInvalid as invalid:
        _print_findings(invalid.findings, format)
        raise typer.Exit(Exit.INVALID) from None
    finally:
        for sentence in unread():
            note(f"warning: {sentence}")
    found = _ask_vendors(loaded) if live else None
    _print_findings([*loaded.warnings, *(found.findings if found else ())], format)
    if found is not None and found.missing:
        raise typer.Exit(Exit.INVALID)
    if format is not Format.TEXT:
        raise typer.Exit(Exit.PARTLY if found and found.unasked else Exit.FINE)
    sources = [source for source in loaded.sources.values() if source.emitted is None]
    connections = [connection for connection in loaded.connections.values() if not connection.built_in]
    held = [(len(loaded.rules), "rule"), (len(sources), "source"), (len(connections), "connection")]
    counted = ", ".join(so_many(number, word) for number, word in held)
    print(coloured(f"{settings.routes} is good: {counted}.", "green"))
    if found is not None:
        print(f"{found.asked} {'id is' if found.asked == 1 else 'ids are'} there, as the vendors say.")
        raise typer.Exit(Exit.PARTLY if found.unasked else Exit.FINE)


def _ask_vendors(loaded: RuleSet) -> Live:
    from hooks.cli.living import live_findings

    return asyncio.run(live_findings(loaded))


def _print_findings(findings: Sequence[Finding], format: Format) -> None:
    from hooks.cli.annotations import annotation

    errors = sum(finding.severity == "error" for finding in findings)
    if format is Format.GITHUB:
        for finding in findings:
            print(annotation(finding))
        return
    if format is Format.JSON:
        print_json({"ok": errors == 0, "findings": [finding.as_json() for finding in findings]})
        return
    painted = coloured("x", "red") != "x"
    for finding in findings:
        print(finding.render(painted))
        print()
    if errors:
        print(coloured(f"{so_many(errors, 'error')}. Nothing was changed.", "red"))


def explain(
    event: Annotated[str | None, typer.Argument(metavar="[EVENT]", help="A stored event: evt_...")] = None,
    sample: SampleName = None,
    payload: Annotated[Path | None, typer.Option(metavar="FILE", help="The body of a webhook.")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The source it would come in at; needed when several are of the vendor.",
            autocompletion=complete_sources,
        ),
    ] = None,
    header: Headers = None,
    as_json: AsJson = False,
    routes: Routes = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Show which rules match an event and why, and the requests each would send. Sends nothing."""
    from hooks.cli import explaining
    from hooks.cli.bodies import headers_of

    if sum(given is not None for given in (event, sample, payload)) != 1:
        raise wrong_use("give one of EVENT, --sample VENDOR/NAME or --payload FILE")
    given = {"routes": routes, "data": data, "database": database}
    if event is not None:
        check_event_id(event)
        explained = [explaining.of_stored(event, given)]
    else:
        explained = explaining.of_body(sample, payload, source, given, headers_of(header or ()))
    if as_json:
        print_json(explained[0] if len(explained) == 1 else explained)
        return
    for one in explained:
        explaining.print_explained(one)


@rules.command("list", epilog="Example: hooks rules list --json")
def rules_list(as_json: AsJson = False, routes: Routes = None, data: Data = None) -> None:
    """List the rules: those in force when a server runs, else those of the file."""
    listing = _listing("rules", routes, data)
    file = listing.get("file", {"ok": True})
    if not file["ok"] and not as_json:
        _tell_of_broken(file)
        note("These rules are in force:" if listing["items"] else "Nothing is acted on.")
    _print(listing, as_json, ("id", "event", "source", "enabled", "mode", "description"))


def _tell_of_broken(file: Mapping[str, Any]) -> None:
    """What the server finds wrong: `hooks check` would look at secrets of its own environment, and may find nothing."""
    from hooks.rules.findings import Finding

    errors = [Finding(**finding) for finding in file["findings"] if finding["severity"] == "error"]
    note(f"{file['path']} is broken ({so_many(len(errors), 'error')}) and not in force. The server says:")
    for error in errors:
        note(error.render())


@sources.command("list", epilog="Example: hooks sources list")
def sources_list(as_json: AsJson = False, routes: Routes = None, data: Data = None) -> None:
    """List the sources, the paths they take webhooks at, and when each was heard last."""
    listing = _listing("sources", routes, data)
    watched = any(item.get("quiet_after") for item in listing["items"])
    columns = ("name", "vendor", "path", "last_received_at", *(("quiet_after", "quiet") if watched else ()))
    _print(listing, as_json, columns)


@connections.command("list", epilog="Example: hooks connections list")
def connections_list(as_json: AsJson = False, routes: Routes = None, data: Data = None) -> None:
    """List the connections and the addresses they act at. Credentials are not shown."""
    listing = _listing("connections", routes, data)
    live = any("breaker" in item for item in listing["items"])  # only a running server knows
    columns = ("name", "vendor", "base_url", "paused", *(("breaker", "in_flight") if live else ()), "reason")
    if not as_json:
        for item in listing["items"]:
            item["reason"] = item.get("pause_reason") or item.get("breaker_reason")
    _print(listing, as_json, columns)


def _listing(kind: str, routes: Path | None, data: Path | None) -> Mapping[str, Any]:
    from hooks.cli.loading import listed
    from hooks.cli.reader import find_server

    settings = load_settings({"routes": routes, "data": data})
    server = find_server(settings) if routes is None else None
    if server is not None:
        listing: Mapping[str, Any] = server.ask("GET", f"/api/v1/{kind}")
        return listing
    return {"items": listed(kind, settings), "next": None}


def _print(listing: Mapping[str, Any], as_json: bool, columns: Sequence[str]) -> None:
    if as_json:
        print_json(listing)
        return
    rows = [[_short(column, item.get(column)) for column in columns] for item in listing["items"]]
    print_table(columns, rows)


def _short(column: str, value: object) -> object:
    if column.endswith("_at") and isinstance(value, str):
        return f"{value[:10]} {value[11:19]}Z"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
