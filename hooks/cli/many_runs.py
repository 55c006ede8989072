"""`runs retry` and `runs cancel`: one run, several, or all that fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from hooks.cli.completing import RuleId, complete_connections
from hooks.cli.options import AsJson, Data
from hooks.cli.output import Exit, note, print_json, print_table, wrong_use
from hooks.cli.records import Since, Until, instant, record_id, runs
from hooks.plurals import so_many

AT_ONCE = 200
"""Runs in one request."""

SHOWN = 20
"""Runs that are named one by one, for people."""

Act = Literal["retry", "cancel"]
RunIds = Annotated[
    list[str] | None, typer.Argument(metavar="[RUN]...", help="Ids of runs, run_...; or choose by options.")
]
StateToRetry = Annotated[Literal["failed", "held"] | None, typer.Option(help="All runs in this state.")]
StateToCancel = Annotated[Literal["failed", "held", "waiting"] | None, typer.Option(help="All runs in this state.")]
OfEvent = Annotated[str | None, typer.Option(metavar="ID", help="Only of this event.")]
OfConnection = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Only those that act in this connection.", autocompletion=complete_connections),
]
GivenUp = Annotated[
    bool, typer.Option("--given-up", help="The failed ones that a person has given up, instead of the others.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")]

_ENDS: Mapping[Act, tuple[str, str]] = {"retry": ("goes on", "would go on"), "cancel": ("is cancelled", "would end")}


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to their group."""
    selected = "--state failed --connection titan --since 2d"
    runs.command("retry", epilog=f"Example: hooks runs retry {selected} --dry-run")(retry)
    runs.command("cancel", epilog="Example: hooks runs cancel run_0190c0de000070008000000000000003")(cancel)


def retry(
    run: RunIds = None,
    state: StateToRetry = None,
    rule: RuleId = None,
    event: OfEvent = None,
    connection: OfConnection = None,
    since: Since = None,
    until: Until = None,
    given_up: GivenUp = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Let failed or held runs go on from their first unfinished step. Needs the running server.

    A held step whose outcome is unknown is sent again where its run is named; `hooks runs resolve` says what became of
    it instead. By --state such runs are left alone, and given-up ones, unless --given-up asks for them.
    """
    given = _narrowed(rule, event, connection, since, until, given_up)
    _carry_out("retry", run or [], state, given, dry_run, as_json, data)


def cancel(
    run: RunIds = None,
    state: StateToCancel = None,
    rule: RuleId = None,
    event: OfEvent = None,
    connection: OfConnection = None,
    since: Since = None,
    until: Until = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """End waiting or held runs, or give failed ones up. Needs the running server."""
    given = _narrowed(rule, event, connection, since, until, False)
    _carry_out("cancel", run or [], state, given, dry_run, as_json, data)


def _narrowed(
    rule: str | None, event: str | None, connection: str | None, since: str | None, until: str | None, given_up: bool
) -> dict[str, object]:
    given = {
        "rule": rule,
        "event": None if event is None else record_id(event, "evt_"),
        "connection": connection,
        "since": instant(since, "--since"),
        "until": instant(until, "--until"),
        "given_up": given_up or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _carry_out(
    act: Act, ids: list[str], state: str | None, given: dict[str, object], dry_run: bool, as_json: bool, data: object
) -> None:
    from hooks.cli.reader import act as ask

    known = [record_id(id, "run_") for id in ids]
    if bool(known) == bool(state):
        raise wrong_use("say which runs: their ids, or --state and what narrows it")
    if known and given:
        raise wrong_use("ids of runs need no further choice: leave the other options")
    if len(known) == 1 and not dry_run:
        answer = ask(f"/api/v1/runs/{known[0]}/{act}", {"data": data})
        if as_json:
            print_json(answer)
        else:
            print(f"{known[0]} {_ENDS[act][0]}.")
        return
    body: dict[str, object] = {"runs": known} if known else {"state": state, **given}
    told = _told_of_all(act, {**body, "dry_run": dry_run}, data)
    if as_json:
        print_json(told)
    else:
        _print(act, told)
    if told["refused"]:
        raise typer.Exit(Exit.PARTLY if told["done"] else Exit.FAILED)


def _told_of_all(act: Act, body: dict[str, object], data: object) -> dict[str, Any]:
    """The answers for many runs as one: all in one request would take too long."""
    from hooks.cli.progress import progress
    from hooks.cli.reader import act as ask

    parts = [body]
    if isinstance(ids := body.get("runs"), list):
        parts = [{**body, "runs": ids[start : start + AT_ONCE]} for start in range(0, len(ids), AT_ONCE)]
    whole: dict[str, Any] = {}
    with progress() as tell:
        for part in parts:
            after: dict[str, object] = {} if "runs" in part else {"limit": AT_ONCE}
            while True:
                answer = ask(f"/api/v1/runs/{act}", {"data": data}, {**part, **after}, timeout=120.0)
                counted = {name: whole.get(name, 0) + answer[name] for name in ("runs", "done", "refused")}
                whole = {**answer, **counted, "items": [*whole.get("items", ()), *answer["items"]]}
                tell("runs", whole["runs"])
                if answer["next"] is None:
                    break
                after["after"] = answer["next"]
    return whole


def _print(act: Act, told: Mapping[str, Any]) -> None:
    refused = [item for item in told["items"] if not item["done"]]
    shown = refused or (told["items"] if told["dry_run"] else [])
    if shown:
        columns = ("run", "rule", "state", "why") if refused else ("run", "rule", "state")
        print_table(columns, [[item[column] for column in columns] for item in shown[:SHOWN]])
        print()
    ends = _ENDS[act][told["dry_run"]].replace("goes", "go").replace("is ", "are ")
    said = f"{so_many(told['runs'], 'run')}: {told['done']:,} {ends}"
    print(f"{said}, {told['refused']:,} cannot." if refused else f"{said}.")
    if len(shown) > SHOWN:
        note(f"{len(shown) - SHOWN:,} more are not shown: --json has all.")
