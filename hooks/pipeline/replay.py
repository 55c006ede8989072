"""Replay: what carrying events out once more would do, decided from what was done. Pure.

A replay keeps the event's id, and the keys of its calls, so that what an earlier run made is found again: at the
vendor where it can be asked, else in the books. Only ``force`` acts again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from hooks.events import CANCELLED, given_up
from hooks.pipeline.match import plan, planned_run
from hooks.ports import OLDER_PART, Chosen, PastRun, PlannedRun, Repeated, Replay, ReplayMode
from hooks.rules.ruleset import Rule, RuleSet

_ALARM = "it is an alarm (`expect`), and whether that came in time is past: only force gives it"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a replay does for one event and one rule. ``run`` is the one to be made, or that is there already."""

    event: str
    rule: str
    action: Literal["make", "retry", "nothing"]
    run: str | None
    why: str
    replay: Replay | None = None
    connections: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For people."""
        planned = None if self.replay is None else self.replay.planned
        repeated = None if planned is None or planned.replay is None else planned.replay.of
        return {
            "event": self.event,
            "rule": self.rule,
            "action": self.action,
            "run": self.run,
            "replay_of": repeated,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a replay is decided with. ``version`` gives the rules of a version, ``only`` the one rule that is meant."""

    mode: ReplayMode
    current: RuleSet
    version: Mapping[str, RuleSet | None]
    only: str | None
    now: datetime
    obstacle: Callable[[str], str | None]


def choices(chosen: Chosen, given: Circumstances) -> list[Choice]:
    """What is done for an event, by rule: those in force in the order of the file, then those that acted before."""
    if chosen.event.flag is not None:
        return [Choice(chosen.event.id, given.only or "", "nothing", None, f"it cannot be read: {chosen.event.flag}")]
    latest = {run.rule: run for run in chosen.runs}
    if given.mode == "same-version":
        made = [_same_version(chosen, run, given) for run in latest.values()]
    else:
        made = list(_by_rules_in_force(chosen, latest, given))
    found = [_as_its_rule_allows(choice, chosen, given) for choice in made if given.only in (None, choice.rule)]
    if not found:
        wanted = "no rule matches it" if given.only is None else f"rule {given.only!r} has nothing to do with it"
        if chosen.receipt is not None:
            wanted = f"it is read as {chosen.event.type} now, and {wanted}"
        return [Choice(chosen.event.id, given.only or "", "nothing", None, wanted)]
    return found


def _as_its_rule_allows(choice: Choice, chosen: Chosen, given: Circumstances) -> Choice:
    """The same, or nothing: the rule in force may say that it is not for replays (``replay``)."""
    rule = given.current.rule(choice.rule)
    why = None if rule is None or choice.replay is None else rule.not_again(chosen.event, given.now)
    if why is None:
        return choice
    return Choice(choice.event, choice.rule, "nothing", choice.run if choice.action == "retry" else None, why)


def _by_rules_in_force(chosen: Chosen, latest: Mapping[str, PastRun], given: Circumstances) -> Iterator[Choice]:
    event = chosen.event
    planned = {run.rule: run for run in plan(event, given.current, given.now, given.obstacle).runs}
    for rule, run in planned.items():
        if ":" in rule and rule != given.only and chosen.receipt is None:
            continue  # a subscriber: what it was told of is between it and the past
        past = latest.get(rule)
        of = given.current.rule(rule)
        connections = () if of is None else _connections(of)
        if past is None:
            if run.timing.deadline is not None and given.mode != "force":
                yield Choice(event.id, rule, "nothing", None, _ALARM)
                continue
            made = _at_once(run, given.now)._replace(replay=Repeated(given.now))
            to_make = Replay(event.id, made.id, given.current.version, made)
            why = "it matches and nothing was done"
            if chosen.receipt is not None:
                why = f"it is read as {event.type} now, and matches"
            yield Choice(event.id, rule, "make", made.id, why, to_make, connections)
        elif given.mode == "missing-only":
            yield _missing(event.id, past, connections)
        else:
            yield _again(event.id, past, run, given.current.version, connections, given)
    if given.mode == "missing-only":
        for past in latest.values():
            if past.rule not in planned and past.state == "failed":
                rules = given.version.get(past.version)
                of = None if rules is None else rules.rule(past.rule)
                yield _missing(event.id, past, () if of is None else _connections(of))


def _missing(event: str, past: PastRun, connections: tuple[str, ...]) -> Choice:
    if past.state == "failed" and not given_up(past.state, past.reason):
        to_go_on = Replay(event, past.id, past.version)
        why = "it failed and goes on at its first unfinished step"
        return Choice(event, past.rule, "retry", past.id, why, to_go_on, connections)
    what = f"was {CANCELLED}" if past.state == "failed" else f"is {past.state}"
    return Choice(event, past.rule, "nothing", past.id, f"{past.id} {what}")


def _same_version(chosen: Chosen, past: PastRun, given: Circumstances) -> Choice:
    rules = given.version.get(past.version)
    rule = None if rules is None else rules.rule(past.rule)
    if rules is None or rule is None:
        return Choice(
            chosen.event.id, past.rule, "nothing", past.id, "the rules it began with cannot be loaded any more"
        )
    names = rules.names(chosen.event)
    run = planned_run(rule.branch(names) or rule, rules, chosen.event, names, given.now, given.obstacle)
    return _again(chosen.event.id, past, run, past.version, _connections(rule), given)


def _again(
    event: str, past: PastRun, run: PlannedRun, version: str, connections: tuple[str, ...], given: Circumstances
) -> Choice:
    if past.state in ("waiting", "running", "held"):
        return Choice(event, past.rule, "nothing", past.id, f"{past.id} is {past.state}: it has not ended yet")
    force = given.mode == "force"
    if run.timing.deadline is not None and not force:
        return Choice(event, past.rule, "nothing", past.id, _ALARM)
    made = _at_once(run, given.now)._replace(replay=Repeated(given.now, past.id, force))
    why = "it acts again" if force else "once more; what was made before is found and not made again"
    return Choice(event, past.rule, "make", made.id, why, Replay(event, made.id, version, made), connections)


def _at_once(run: PlannedRun, now: datetime) -> PlannedRun:
    """An alarm is given without waiting for what should have come long ago."""
    if run.timing.deadline is None or run.state == "skipped":
        return run
    return run._replace(due_at=now, reason=None, timing=replace(run.timing, expects=None, deadline=None))


def _connections(rule: Rule) -> tuple[str, ...]:
    return tuple(step.connection for step in rule.steps)


def requests_of(chosen: Iterable[Choice]) -> Mapping[str, int]:
    """How many requests go to which connection at least."""
    return Counter(connection for choice in chosen if choice.replay is not None for connection in choice.connections)


def forecast(requests: Mapping[str, int], rates: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """How long so many requests take at the rate of each connection, None without one.

    ``seconds`` while nothing else goes there, ``seconds_when_busy`` beside live events that take all that they may.
    """
    shown = []
    for connection, number in sorted(requests.items()):
        rate = rates.get(connection)
        alone = None if rate is None else round(number / rate, 1)
        busy = None if rate is None else round(OLDER_PART * number / rate, 1)
        told = {"requests": number, "rate": rate, "seconds": alone, "seconds_when_busy": busy}
        shown.append({"connection": connection, **told})
    return shown
