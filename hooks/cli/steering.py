"""The commands that steer what goes out: pauses, unknown outcomes, replays, and what the vendors show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from hooks.cli.completing import SourceName, complete_connections, complete_rules
from hooks.cli.options import AsJson, Data, TypePattern
from hooks.cli.output import Exit, note, print_json, print_table, wrong_use
from hooks.cli.records import Since, Until, events, instant, record_id, runs
from hooks.cli.ruling import connections
from hooks.plurals import so_many

ReplayMode = Literal["missing-only", "same-version", "current-version", "force"]  # as in hooks.ports
REPLAYED_AT_ONCE = 200
"""Events in one request of a replay."""

ReplayState = Literal["matched", "unmatched", "failed", "held", "done", "skipped"]

Name = Annotated[str, typer.Argument(metavar="NAME", help="The connection.", autocompletion=complete_connections)]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to their groups."""
    connections.command("pause", epilog="Example: hooks connections pause titan --reason 'their maintenance'")(pause)
    connections.command("resume", epilog="Example: hooks connections resume titan --drain-rate 5")(resume)
    runs.command("resolve", epilog="Example: hooks runs resolve run_0190c0de000070008000000000000003 --sent")(resolve)
    events.command("replay", epilog="Example: hooks events replay --state failed --since 2d --dry-run")(replay)
    app.command(rich_help_panel="What happened", epilog="Example: hooks reconcile --mend")(reconcile)


def pause(
    name: Name,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why: shown with the connection.")] = None,
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


def resolve(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run.")],
    sent: Annotated[bool, typer.Option("--sent", help="The vendor has carried it out: go on after it.")] = False,
    not_sent: Annotated[bool, typer.Option("--not-sent", help="The vendor has not: send it again.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Nobody will find out: end the run.")] = False,
    output: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="With --sent: the vendor's answer, which later steps read."),
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Say what became of a step whose outcome is unknown, after a look at the vendor. Needs the running server."""
    outcomes = {"sent": sent, "not_sent": not_sent, "give_up": give_up}
    said = [name for name, given in outcomes.items() if given]
    if len(said) != 1:
        raise wrong_use("say one of --sent, --not-sent and --give-up")
    if output is not None and not sent:
        raise wrong_use("--output goes with --sent")
    body: dict[str, object] = {"outcome": said[0]}
    if output is not None:
        try:
            body["output"] = json.loads(output)
        except ValueError:
            raise wrong_use("--output is not JSON") from None
    answer = _act(f"/api/v1/runs/{record_id(run, 'run_')}/resolve", data, body)
    ends = {"sent": "goes on after the step", "not_sent": "sends the step again", "give_up": "is given up"}
    _told(answer, as_json, f"{run} {ends[said[0]]}.")


def replay(
    event: Annotated[
        list[str] | None, typer.Argument(metavar="[EVENT]...", help="Ids of events; or choose by options.")
    ] = None,
    since: Since = None,
    until: Until = None,
    type_: TypePattern = None,
    source: SourceName = None,
    state: Annotated[ReplayState | None, typer.Option(help="Only with or without a match, or with such a run.")] = None,
    flagged: Annotated[
        bool | None,
        typer.Option("--flagged/--not-flagged", help="Only events that could not be read, or none of them."),
    ] = None,
    rule: Annotated[
        str | None, typer.Option(metavar="ID", help="Only runs of this rule.", autocompletion=complete_rules)
    ] = None,
    mode: Annotated[
        ReplayMode | None,
        typer.Option(
            help="missing-only does what nobody has done; only force acts again at the vendors.",
            show_default="missing-only",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Short for --mode force.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="How many events at most.")] = 1000,
    after: Annotated[str | None, typer.Option(metavar="EVENT", help="Go on after an answer: its `next`.")] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Carry events out once more. Needs the running server.

    Without a mode it makes the runs that are missing by the rules in force, and lets failed ones go on: never twice.

    same-version and current-version carry ended runs out once more, and find what was made before. force acts again.

    An event that could not be read is read anew from its receipt, in each mode.
    """
    ids = [record_id(one, "evt_") for one in event or []]
    chosen: dict[str, object] = {
        "events": ids or None,
        "source": source,
        "type": type_,
        "state": state,
        "flagged": flagged,
        "rule": rule,
        "since": instant(since, "--since"),
        "until": instant(until, "--until"),
    }
    if not any(chosen.values()):
        raise wrong_use("say which events: their ids, --since, --type, --source, --state, --flagged or --rule")
    if force and mode not in (None, "force"):
        raise wrong_use(f"--force is a mode itself: it does not go with --mode {mode}")
    mode = "force" if force else mode or "missing-only"
    body = {**chosen, "mode": mode, "dry_run": dry_run, "limit": limit, "after": after}
    answer = _replayed(data, body, limit)
    if as_json:
        print_json(answer)
    else:
        _print_replay(answer)
    if ids and not answer["events"]:
        raise typer.Exit(Exit.FAILED)


def _replayed(data: object, body: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """The answers to a replay in steps, as one: a long one would be too long for one request."""
    from hooks.cli.progress import progress

    whole: dict[str, Any] = {}
    with progress() as tell:
        while True:
            left = limit - whole.get("events", 0)
            answer = _act("/api/v1/replays", data, {**body, "limit": min(left, REPLAYED_AT_ONCE)})
            whole = _joined(whole, answer) if whole else answer
            tell("events", whole["events"], None if whole["next"] else whole["events"])
            if whole["next"] is None or whole["events"] >= limit:
                return whole
            body = {**body, "after": whole["next"]}


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    from hooks.pipeline.replay import forecast

    counted = {name: one[name] + other[name] for name in ("events", "make", "retry", "nothing", "made", "read")}
    requests = {each["connection"]: each["requests"] for each in one["forecast"]}
    rates = {each["connection"]: each["rate"] for each in (*one["forecast"], *other["forecast"])}
    for each in other["forecast"]:
        requests[each["connection"]] = requests.get(each["connection"], 0) + each["requests"]
    items = [*one["items"], *other["items"]]
    return {**other, **counted, "items": items, "forecast": forecast(requests, rates)}


def _print_replay(answer: Mapping[str, Any]) -> None:
    items = answer["items"]
    shown = [one for one in items if one["action"] != "nothing"] or items[:FEW]
    if shown:
        print_table(_SHOWN, [[one[key] for key in _SHOWN] for one in shown])
        print()
    for one in answer["forecast"]:
        time = "as fast as it takes them"
        if one["rate"] is not None:
            time = f"{one['seconds']:g} s at {one['rate']:g} a second, {one['seconds_when_busy']:g} s when live events"
            time = f"{time} take all that they may"
        print(f"{one['connection']}: {so_many(one['requests'], 'request')} or more, {time}")
    events, make, retry, nothing = (answer[name] for name in ("events", "make", "retry", "nothing"))
    if answer["dry_run"]:
        acts = f"{so_many(make, 'run')} would be made, {retry} would go on"
    else:
        acts = f"{so_many(make, 'run')} made, {retry} going on"
    if answer["read"]:
        acts += f", {answer['read']} {'would be ' if answer['dry_run'] else ''}read anew"
    print(f"{so_many(events, 'event')}: {acts}, {nothing} with nothing to do.")
    if answer["next"]:
        note(f"There is more: --after {answer['next']}")


_SHOWN = ("event", "rule", "action", "why")
FEW = 5
"""Where nothing is to be done, the reasons are told for so many."""


def reconcile(
    mend: Annotated[bool, typer.Option("--mend", help="Adopt what is found, so that those runs go on.")] = False,
    connection: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Only steps that act in this connection.", autocompletion=complete_connections
        ),
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Ask the vendors about every step whose outcome is unknown. Writes nothing there. Needs the running server.

    Exit code 10 when a vendor has something that the books do not know of.
    """
    answer = _act("/api/v1/reconcile", data, {"mend": mend, "connection": connection})
    if as_json:
        print_json(answer)
    elif not answer["items"]:
        print("No outcome is unknown.")
    else:
        columns = ("run", "step", "action", "connection", "found", "mended", "why")
        print_table(columns, [[_word(item[column]) for column in columns] for item in answer["items"]])
    if answer["found"] > answer["mended"]:
        raise typer.Exit(Exit.DIFFERENT)


def _word(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _act(path: str, data: object, body: dict[str, object]) -> Any:
    from hooks.cli.reader import act

    return act(path, {"data": data}, {name: value for name, value in body.items() if value is not None})


def _told(answer: Any, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(answer)
    else:
        print(sentence)
