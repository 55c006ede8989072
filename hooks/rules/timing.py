"""When a matching rule acts: its keys ``throttle``, ``debounce``, ``in_order_by`` and ``expect``, compiled. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hooks.rules.clauses import Clause
from hooks.rules.faults import EvaluationError
from hooks.values import show_duration


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most ``most`` runs begin in ``per`` seconds, for each value of ``by`` where there is one."""

    by: Clause | None
    most: int
    per: float
    over: Literal["queue", "skip"]


@dataclass(frozen=True, slots=True)
class Debounce:
    """Events of one value of ``by`` become one run when it has been quiet for ``wait`` seconds."""

    by: Clause
    wait: float
    max_wait: float
    keep: Literal["last", "first"]


@dataclass(frozen=True, slots=True)
class InOrder:
    """Runs of one value of ``by`` go one after the other."""

    by: Clause
    on_stuck: Literal["skip", "wait"]


@dataclass(frozen=True, slots=True)
class Expect:
    """The rule acts unless such an event comes ``within`` seconds: one whose ``then`` is what ``first`` was."""

    rule: str
    events: tuple[str, ...]
    sources: tuple[str, ...]
    clauses: tuple[Clause, ...]
    first: Clause
    then: Clause
    within: float

    def is_met_by(self, names: Mapping[str, Any]) -> bool:
        """Whether the conditions hold for an event that has the type and the source. Never raises."""
        return all(clause.judge(names).verdict == "true" for clause in self.clauses)


@dataclass(frozen=True, slots=True)
class TimingKeys:
    """Those of a rule; None where it has none. ``lines`` is where each that it has stands."""

    throttle: Throttle | None = None
    debounce: Debounce | None = None
    in_order: InOrder | None = None
    expect: Expect | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    def sentences(self) -> Iterator[tuple[str, str, Clause | None]]:
        """Each key with what it does, as the end of a sentence, and the expression that it goes by."""
        if self.expect is not None:
            awaited, within = " or ".join(self.expect.events), show_duration(self.expect.within)
            yield "expect", f"acts {within} later, unless {awaited} comes before that", self.expect.first
        if self.debounce is not None:
            each = self.debounce
            quiet = (
                f"when it has been quiet for {show_duration(each.wait)}, after {show_duration(each.max_wait)} at most"
            )
            yield "debounce", f"acts once for many events, {quiet}; the {each.keep} one counts", each.by
        if self.in_order is not None:
            stuck = "is passed" if self.in_order.on_stuck == "skip" else "holds up those after it"
            yield "in_order_by", f"acts for one event after the other; one that fails {stuck}", self.in_order.by
        if self.throttle is not None:
            rest = "the others wait" if self.throttle.over == "queue" else "the others are skipped"
            most = f"at most {self.throttle.most} times in {show_duration(self.throttle.per)}"
            yield "throttle", f"acts {most}; {rest}", self.throttle.by


def explain_timing(keys: TimingKeys, names: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For `hooks explain`: each key, its line, what it does, and the value it goes by for this event."""
    return [_told(key, keys.lines[key], text, by, names) for key, text, by in keys.sentences()]


def explain_met(expect: Expect, line: int, names: Mapping[str, Any]) -> dict[str, Any]:
    """For an event that may be what a rule waits for: whether it is, and by which value it is found."""
    for clause in expect.clauses:
        if clause.judge(names).verdict != "true":
            text = f"this event is not what the rule waits for: {clause.text} does not hold"
            return _told("expect", clause.line, text, None, names)
    text = "this event is what the rule waits for: what waits for this value does not act any more"
    return _told("expect", line, text, expect.then, names)


def _told(key: str, line: int, text: str, by: Clause | None, names: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    hint = None
    if by is not None:
        try:
            values = {by.text: by.expression.evaluate(names)}
        except EvaluationError as error:
            hint = error.message
    return {"key": key, "line": line, "text": text, "by": values, "hint": hint}
