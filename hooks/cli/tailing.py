"""`hooks events tail`: events as they come and how their runs end, a line each, for people and for scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from hooks.cli.completing import RuleId, SourceName
from hooks.cli.options import Data, SearchText, TypePattern
from hooks.cli.output import TONES, coloured, note, plain
from hooks.cli.records import Matched, Since, events, instant, unknown_name
from hooks.names import name_in
from hooks.settings import load_settings

_OPEN = frozenset({"waiting", "running"})


def add_to(app: typer.Typer) -> None:
    """Add the command of this module to its group."""
    events.command("tail", epilog="Example: hooks events tail --type 'job.*' --json | jq .subject")(tail)


def tail(
    type_: TypePattern = None,
    source: SourceName = None,
    state: Matched = None,
    rule: RuleId = None,
    q: SearchText = None,
    since: Since = None,
    last: Annotated[
        int,
        typer.Option(
            "--last", "-n", min=0, max=500, metavar="N", help="Begin with the last so many; --since goes before."
        ),
    ] = 10,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="End after the first ones.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One event as JSON per line, as it stands when it comes; nothing else.")
    ] = False,
    data: Data = None,
) -> None:
    """Show events as they come in, and how their runs end, until Ctrl-C. Needs the running server.

    When the server is started anew it goes on by itself and shows what it missed.
    """
    from hooks.cli.following import Following

    query = {"type": type_, "source": source, "state": state, "rule": rule, "q": q}
    following = Following(load_settings({"data": data}), query, note)
    try:
        for event in following.begin(last, instant(since, "--since")):
            _print_event(event, as_json)
        for kind, name in (("source", source), ("rule", rule)):
            if name and (said := unknown_name(data, kind, name)):
                note(said.strip())  # else it is waited for what never comes
        if no_follow:
            return
        for one in following.news():
            if one.kind == "event":
                _print_event(one.event, as_json)
            elif one.run is not None and one.run["state"] not in _OPEN and not as_json:
                _print_end(one.event, one.run)
    except KeyboardInterrupt:
        return


def _print_event(event: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(event, ensure_ascii=False, separators=(",", ":")), flush=True)
        return
    runs = ", ".join(f"{plain(run['rule'])} {_state(run['state'])}" for run in event["runs"])
    source, type_ = coloured(f"{plain(event['source']):<10}", "cyan"), coloured(f"{plain(event['type']):<22}", "bold")
    print(f"{_when(event)}  {source}  {type_}  {_about(event):<26}  {runs or coloured('no rule', 'dim')}", flush=True)


def _print_end(event: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    type_ = coloured(f"{plain(event['type']):<22}", "dim")
    before = " " * (len(_time(event)) + 12)
    print(f"{before}  {type_}  {_about(event):<26}  {plain(run['rule'])} {_state(run['state'])}", flush=True)


def _about(event: Mapping[str, Any]) -> str:
    """Whom it is about, else which record."""
    return plain(name_in(event["data"])) or plain(event["subject"]) or "-"


def _state(state: str) -> str:
    return coloured(plain(state), TONES.get(state))


def _when(event: Mapping[str, Any]) -> str:
    return coloured(_time(event), "dim")


def _time(event: Mapping[str, Any]) -> str:
    """When it was received, to the second, UTC."""
    text = str(event["received_at"])
    return f"{text[:10]} {text[11:19]}Z"
