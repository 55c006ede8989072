"""The commands that show what happened: `events`, `receipts`, `runs` and `stats`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from hooks.cli.completing import RuleId, SourceName, complete_connections
from hooks.cli.options import AsJson, Data, Database, Limit, SearchText, TypePattern
from hooks.cli.output import coloured, note, plain, print_fields, print_json, print_table, wrong_use
from hooks.events import RunState, Verdict, unreadable

events = typer.Typer(help="Events: the facts that were made of what arrived.", no_args_is_help=True)
receipts = typer.Typer(help="Receipts: what arrived, byte for byte.", no_args_is_help=True)
runs = typer.Typer(help="Runs: rules carried out for events.", no_args_is_help=True)

EventState = Literal["pending", "matched", "unmatched"]  # as in hooks.ports, which is too heavy for --help
Matched = Annotated[
    EventState | None, typer.Option(metavar="STATE", help=f"Whether a rule matched: {' '.join(get_args(EventState))}.")
]
Flagged = Annotated[
    bool | None,
    typer.Option("--flagged/--not-flagged", help="Only events that could not be read, or all others."),
]
Standing = Annotated[
    Literal[EventState, RunState] | None,
    typer.Option(
        metavar="STATE",
        help=f"Whether a rule matched ({' '.join(get_args(EventState))}), or how one of its runs stands "
        f"({' '.join(get_args(RunState))}).",
    ),
]
Since = Annotated[str | None, typer.Option(metavar="WHEN", help="From then on: 2h, 7d or 2026-05-06T17:30:00Z.")]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Up to then, written as for --since.")]
EventId = Annotated[str, typer.Argument(metavar="EVENT", help="The event's id, evt_...")]
ReceiptId = Annotated[str, typer.Argument(metavar="RECEIPT", help="The receipt's id, rcp_...")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, run_...")]
Cursor = Annotated[str | None, typer.Option(metavar="ID", help="Go on after a listing: its `next`.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(events, name="events", rich_help_panel="What happened")
    app.add_typer(receipts, name="receipts", rich_help_panel="What happened")
    app.add_typer(runs, name="runs", rich_help_panel="What happened")
    app.command(rich_help_panel="What happened", epilog="Example: hooks stats --json")(stats)


@events.command("list", epilog="Example: hooks events list --type 'job.*' --since 2h")
def events_list(
    source: SourceName = None,
    type_: TypePattern = None,
    state: Standing = None,
    flagged: Flagged = None,
    rule: RuleId = None,
    q: SearchText = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """List events, the newest first."""
    query = {"source": source, "type": type_, "state": state, "rule": rule, "q": q, "cursor": cursor}
    query["flagged"] = _flag(flagged)
    listing = _ask("/api/v1/events", data, database, {**query, **_times(since, until), "limit": limit})
    _list(listing, as_json, ("id", "received_at", "source", "type", "about", "runs"), data, source=source, rule=rule)


@events.command("show", epilog="Example: hooks events show evt_0190c0de000070008000000000000001")
def events_show(event: EventId, as_json: AsJson = False, data: Data = None, database: Database = None) -> None:
    """Show one event: its data, where it came from and the runs it led to."""
    _show(_ask(f"/api/v1/events/{record_id(event, 'evt_')}", data, database), as_json)


@receipts.command("list", epilog="Example: hooks receipts list --verdict refused --since 1d")
def receipts_list(
    source: SourceName = None,
    verdict: Annotated[
        Verdict | None, typer.Option(metavar="VERDICT", help=f"Only with this verdict: {' '.join(get_args(Verdict))}.")
    ] = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """List receipts, the newest first."""
    query = {"source": source, "verdict": verdict, "cursor": cursor, **_times(since, until), "limit": limit}
    listing = _ask("/api/v1/receipts", data, database, query)
    _list(listing, as_json, ("id", "received_at", "source", "verdict", "reason"), data, source=source)


@receipts.command("show", epilog="Example: hooks receipts show rcp_0190c0de000070008000000000000001 --json")
def receipts_show(receipt: ReceiptId, as_json: AsJson = False, data: Data = None, database: Database = None) -> None:
    """Show one receipt: listed headers, body, verdict and the true reason for it."""
    _show(_ask(f"/api/v1/receipts/{record_id(receipt, 'rcp_')}", data, database), as_json)


@runs.command("list", epilog="Example: hooks runs list --state failed")
def runs_list(
    state: Annotated[
        RunState | None, typer.Option(metavar="STATE", help=f"Only in this state: {' '.join(get_args(RunState))}.")
    ] = None,
    rule: RuleId = None,
    event: Annotated[str | None, typer.Option(metavar="ID", help="Only of this event.")] = None,
    connection: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only those that act in it.", autocompletion=complete_connections),
    ] = None,
    since: Since = None,
    until: Until = None,
    given_up: Annotated[
        bool | None,
        typer.Option("--given-up/--not-given-up", help="Only failed ones that a person has given up, or all others."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """List runs, the newest first."""
    query = {"state": state, "rule": rule, "event": event, "connection": connection, "cursor": cursor}
    query["given_up"] = _flag(given_up)
    listing = _ask("/api/v1/runs", data, database, {**query, **_times(since, until), "limit": limit})
    columns = ("id", "created_at", "rule", "state", "about", "reason")
    _list(listing, as_json, columns, data, rule=rule, connection=connection)


@runs.command("show", epilog="Example: hooks runs show run_0190c0de000070008000000000000003")
def runs_show(run: RunId, as_json: AsJson = False, data: Data = None, database: Database = None) -> None:
    """Show one run: its steps, and every try with its request and answer."""
    _show(_ask(f"/api/v1/runs/{record_id(run, 'run_')}", data, database), as_json)


@runs.command("case", epilog="Example: hooks runs case run_0190c0de000070008000000000000003 --out case.md")
def runs_case(
    run: RunId,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there instead; nothing is overwritten.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Make a case file for a vendor's support: one run with its requests and answers, the people in it invented."""
    from hooks.web.casefile import as_markdown, case_file

    found = _ask(f"/api/v1/runs/{record_id(run, 'run_')}", data, database)
    event = _ask(f"/api/v1/events/{found['event']}", data, database)
    case = case_file(found, event, datetime.now(UTC))
    text = json.dumps(case, ensure_ascii=False, indent=2) + "\n" if as_json else as_markdown(case)
    if out is None:
        print(text, end="")
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise wrong_use(f"{out} cannot be written: {error.strerror}") from None
    note(f"{out} is written. Names, phones, addresses and notes in it are not real.")


def stats(as_json: AsJson = False, data: Data = None, database: Database = None) -> None:
    """Count receipts by verdict, events and runs by state, and say whether the books balance."""
    counts = _ask("/api/v1/stats", data, database)
    if as_json:
        print_json(counts)
        return
    for name in ("receipts", "events", "runs"):
        words = [f"{count} {coloured(word, 'bold')}" for word, count in counts[name].items()]
        if name == "runs" and (given_up := counts.get("given_up")):
            words.append(f"{given_up} of the failed ones {coloured('given up', 'bold')}")
        print(f"{name:<9} {', '.join(words)}")
    balance = counts.get("books_balance", True)
    print(f"{'books':<9} {'balance' if balance else coloured('do not balance: run `hooks db check`', 'red')}")


def record_id(text: str, prefix: str) -> str:
    """An id of the kind with this prefix, or the end of the command."""
    if not text.startswith(prefix) or not text[len(prefix) :].isalnum():
        raise wrong_use(f"{plain(text)!r} is not such an id: it begins with {prefix}")
    return text


def _times(since: str | None, until: str | None) -> dict[str, str | None]:
    return {"since": instant(since, "--since"), "until": instant(until, "--until")}


def instant(text: str | None, option: str) -> str | None:
    """An instant as the API takes it, from an instant or from a duration before now."""
    if text is None:
        return None
    from hooks.events import utc_text
    from hooks.values import parse_duration

    try:
        moment = datetime.fromisoformat(text)
        return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except ValueError:
        pass
    try:
        return utc_text(datetime.now(UTC) - timedelta(seconds=parse_duration(text)))
    except ValueError:
        raise wrong_use(f"{option} is {plain(text)!r}: write 2h, 7d or 2026-05-06T17:30:00Z") from None


def _flag(given: bool | None) -> str | None:
    return None if given is None else str(given).lower()


def _ask(path: str, data: object, database: object, query: Mapping[str, object] | None = None) -> Any:
    from hooks.cli.reader import ask

    return ask(path, {"data": data, "database": database}, query or {})


def _list(listing: Mapping[str, Any], as_json: bool, columns: Sequence[str], data: object, **named: str | None) -> None:
    """``named``: what the list was narrowed by, in case that nothing goes by such a name."""
    if as_json:
        print_json(listing)
        return
    items = listing["items"]
    if not items:
        note("Nothing found." + "".join(unknown_name(data, kind, name) for kind, name in named.items() if name))
        return
    print_table(columns, [[_cell(item, column) for column in columns] for item in items])
    if listing.get("next"):
        note(f"There is more: --cursor {listing['next']}")


def unknown_name(data: object, kind: str, name: str) -> str:
    """That the running server has nothing of this name, with the nearest one; "" where it has, or none runs."""
    from hooks.cli.reader import find_server
    from hooks.rules.findings import did_you_mean
    from hooks.settings import load_settings

    server = find_server(load_settings({"data": data}))
    if server is None or ":" in name:
        return ""
    known = [one.get("name") or one["id"] for one in server.ask("GET", f"/api/v1/{kind}s")["items"]]
    if name in known:
        return ""
    hint = did_you_mean(name, known)
    return f" There is no {kind} {plain(name)!r} now{', ' + hint if hint else ''}"


def _cell(item: Mapping[str, Any], column: str) -> object:
    """A value as a list shows it: instants to the second, runs by their rule and state, whom a record is about."""
    value = item.get(column)
    if column.endswith("_at") and isinstance(value, str):
        return f"{value[:10]} {value[11:19]}Z"
    if column == "runs":
        none = "could not be read" if unreadable(item.get("flag")) else "no rule"
        return ", ".join(f"{run['rule']} {run['state']}" for run in value or ()) or none
    if column == "about":
        from hooks.names import name_in

        about = value or {}
        return about.get("display_name") or name_in(item.get("data")) or about.get("subject") or item.get("subject")
    return value


def _show(record: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    print_fields({name: value for name, value in record.items() if not isinstance(value, (dict, list))})
    for name, value in record.items():
        if isinstance(value, (dict, list)) and value:
            print(f"\n{coloured(name, 'bold')}")
            _print_tree(value)


def _print_tree(value: object, indent: str = "  ") -> None:
    """Objects and lists as indented lines, one value each."""
    pairs: list[tuple[str, object]]
    if isinstance(value, dict):
        pairs = [(plain(name), inner) for name, inner in value.items() if inner not in (None, "", [], {})]
    elif isinstance(value, list):
        pairs = [("-", inner) for inner in value]
    else:
        pairs = [("", value)]
    for name, inner in pairs:
        if isinstance(inner, (dict, list)) and inner:
            print(f"{indent}{name}")
            _print_tree(inner, indent + "  ")
        else:
            print(f"{indent}{name}  {plain(inner)}".rstrip())
