"""Backtest: stored events under two rule sets, and how the requests that they make differ. Pure; nothing is sent.

Answers of earlier steps are those that were recorded for the event, where there are any; else a visible placeholder
such as ``<steps.customer.customerId>`` stands for what is not known. Steps are taken to succeed. ``once_per``,
``throttle``, ``debounce``, ``expect``, ``delay`` and ``within`` are followed on both sides, within the events that are
looked at (`hooks.rules.timeline`): give them in the order in which they came, and say when there are no more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from hooks.events import Event
from hooks.ports import PastEvent, StepAnswer
from hooks.rules.differences import ABSENT, differences
from hooks.rules.nodes import show_keys
from hooks.rules.placeholders import step_placeholders
from hooks.rules.rehearsal import Made, Rehearsal, rehearse
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.step import StepSpec
from hooks.rules.timeline import Fate, Timeline

Effect = Literal["same", "added", "removed", "changed"]
EFFECTS: tuple[Effect, ...] = ("same", "added", "removed", "changed")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One place of a request that differs: ``step.body.title``; None where there is nothing on that side."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Change:
    """A rule that acts differently for an event."""

    event: str
    rule: str
    effect: Effect
    fields: tuple[FieldChange, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "event": self.event,
            "rule": self.rule,
            "change": self.effect,
            "fields": [{"path": each.path, "old": each.old, "new": each.new} for each in self.fields],
        }


@dataclass(frozen=True, slots=True)
class Moved:
    """Requests that are the same and leave at another time: of how many runs, and by how many seconds at most."""

    runs: int
    seconds: float


class _Side:
    """One of the two rule sets, with what its keys of time remember."""

    def __init__(self, rules: RuleSet, only: str | None) -> None:
        self.rules = rules
        self.timeline = Timeline(rules, only)
        self._only = only
        self._read: dict[str, Mapping[str, Any]] = {}

    def candidates(self, event: Event) -> dict[str, Rule]:
        found = self.rules.candidates(event.type, event.source)
        return {rule.id: rule for rule in found if self._only in (None, rule.id)}

    def placeholders(self, rule: Rule) -> Mapping[str, Any]:
        """For the answers that the rule's steps read."""
        if rule.id not in self._read:
            self._read[rule.id] = step_placeholders(rule.all_steps)
        return self._read[rule.id]


@dataclass(slots=True)
class _Outcome:
    """What a rule makes of an event under one rule set, and what becomes of it."""

    rehearsal: Rehearsal | None
    fate: Fate

    @property
    def made(self) -> Rehearsal | None:
        return self.rehearsal if self.fate.acts else None


class Backtest:
    """Compares event by event and counts. ``only`` narrows it to one rule.

    ``whole``: whether the events are all that came, and not those of one source alone; without the others nobody knows
    whether what a rule expects has come.
    """

    def __init__(self, old: RuleSet, new: RuleSet, only: str | None = None, *, whole: bool = True) -> None:
        self._old = _Side(old, only)
        self._new = _Side(new, only)
        self._whole = whole
        self._open: dict[tuple[int, str], tuple[_Outcome, _Outcome]] = {}
        self._found: list[tuple[int, Change]] = []
        self.events = 0
        self.rules: dict[str, dict[Effect, int]] = {}
        """By rule: how many of its runs are same, added, removed and changed."""
        self.moved: dict[str, Moved] = {}
        """By rule: its requests that would leave at another time."""
        self.recorded = 0
        """Answers of earlier steps that were recorded, as the new rules read them."""
        self.stood_in = 0
        """Answers of earlier steps that nobody knows, as the new rules read them."""
        self.untimed: dict[str, list[str]] = {}
        """By rule that acted: keys of time whose effect stored events do not tell."""

    @property
    def changes(self) -> list[Change]:
        """In the order in which the events came."""
        self._found.sort(key=lambda found: found[0])
        return [change for _, change in self._found]

    @property
    def summary(self) -> dict[str, int]:
        return {effect: sum(counts[effect] for counts in self.rules.values()) for effect in EFFECTS}

    @property
    def open(self) -> dict[str, int]:
        """By rule: runs of which it is not known yet whether they act, because their time is not over."""
        counted: dict[str, int] = {}
        for _, rule in self._open:
            counted[rule] = counted.get(rule, 0) + 1
        return counted

    def as_json(self) -> dict[str, Any]:
        return {
            "summary": self.summary,
            "events": [change.as_json() for change in self.changes],
            "answers": {"recorded": self.recorded, "placeholders": self.stood_in},
            "moved": {rule: {"runs": each.runs, "seconds": each.seconds} for rule, each in self.moved.items()},
            "open": self.open,
            "untimed": self.untimed,
        }

    def compare(self, past: PastEvent) -> None:
        """Take one event in."""
        self.events += 1
        place = self.events
        self._old.timeline.pass_by(past.event)
        self._new.timeline.pass_by(past.event)
        old, new = self._old.candidates(past.event), self._new.candidates(past.event)
        for id in dict.fromkeys([*new, *old]):
            before = self._outcome(self._old, old.get(id), past)
            after = self._outcome(self._new, new.get(id), past)
            if before.rehearsal is None and after.rehearsal is None:
                continue
            self._open[place, id] = before, after

            def decided(place: int = place, id: str = id, event: str = past.event.id) -> None:
                self._decided(place, id, event)

            before.fate.decided = after.fate.decided = decided
            self._enter(self._old, old.get(id), before, past.event)
            self._enter(self._new, new.get(id), after, past.event)

    def finish(self, end: datetime | None = None) -> None:
        """There are no more events until ``end`` (None: the last one): what waited is decided, or stays open."""
        self._old.timeline.finish(end)
        self._new.timeline.finish(end)

    def _outcome(self, side: _Side, rule: Rule | None, past: PastEvent) -> _Outcome:
        """What the rule makes of the event, if it comes to act."""
        if rule is None:
            return _Outcome(None, Fate(acts=False))
        read = side.placeholders(rule)

        def answer(step: StepSpec) -> Any:
            if step.id not in read:
                return None
            found = _recorded(past.answers, rule, step)
            if side is self._new:
                self.recorded += found is not None
                self.stood_in += found is None
            return read[step.id] if found is None else found.output

        rehearsal = rehearse(side.rules, rule, past.event, answer)
        return _Outcome(rehearsal, Fate()) if rehearsal.acts else _Outcome(None, Fate(acts=False))

    def _enter(self, side: _Side, rule: Rule | None, outcome: _Outcome, event: Event) -> None:
        if rule is None or outcome.rehearsal is None:
            return
        keys = rule.timing
        unknown = [key for key in ("in_order_by",) if key in keys.lines]
        if keys.expect is not None and not self._whole:
            unknown.append("expect")
            rule = replace(rule, timing=replace(keys, expect=None))
        if unknown:
            self.untimed[rule.id] = sorted({*self.untimed.get(rule.id, ()), *unknown})
        side.timeline.enter(rule, event, outcome.fate)

    def _decided(self, place: int, id: str, event: str) -> None:
        """Count what a rule makes of an event, once both sides know."""
        before, after = self._open[place, id]
        if before.fate.acts is None or after.fate.acts is None:
            return
        del self._open[place, id]
        effect, fields = _effect(before.made, after.made)
        if effect is None:
            return
        counts = self.rules.setdefault(id, dict.fromkeys(EFFECTS, 0))
        counts[effect] += 1
        if effect != "same":
            self._found.append((place, Change(event, id, effect, fields)))
        if before.fate.at is not None and after.fate.at is not None:
            later = (after.fate.at - before.fate.at).total_seconds()
            if abs(later) >= 1:
                known = self.moved.get(id, Moved(0, 0.0))
                self.moved[id] = Moved(known.runs + 1, max(known.seconds, later, key=abs))


def _recorded(answers: Sequence[StepAnswer], rule: Rule, step: StepSpec) -> StepAnswer | None:
    """The answer to this step; else to one of the same action, because rules and steps may have been renamed."""
    alike = [each for each in answers if each.action == step.action_name]
    for ours in ((rule.id, step.id), (rule.id, None), (None, None)):
        for each in alike:
            if ours[0] in (None, each.rule) and ours[1] in (None, each.step):
                return each
    return None


def _effect(old: Rehearsal | None, new: Rehearsal | None) -> tuple[Effect | None, tuple[FieldChange, ...]]:
    if old is None and new is None:
        return None, ()
    fields = tuple(_fields(old, new))
    if old is None:
        return "added", fields
    if new is None:
        return "removed", fields
    return ("changed" if fields else "same"), fields


def _fields(old: Rehearsal | None, new: Rehearsal | None) -> list[FieldChange]:
    before, after = old.made if old is not None else (), new.made if new is not None else ()
    found: list[FieldChange] = []
    pairs = _pairs(before, after)
    renamed = {one.step.id: two.step.id for one, two in pairs if one is not None and two is not None}
    for one, two in pairs:
        if one is None or two is None:
            made = two if one is None else one
            assert made is not None, "a pair has one side at least"
            shown = made.shown()
            found.append(FieldChange(made.step.id, None if one is None else shown, None if two is None else shown))
            continue
        found += [
            FieldChange(two.step.id + show_keys(each.path), _plain(each.old), _plain(each.new))
            for each in differences(_shown_as(one, renamed), two.shown())
        ]
    errors = (old.error if old is not None else None), (new.error if new is not None else None)
    if errors[0] != errors[1]:
        found.append(FieldChange("error", *errors))
    return found


def _pairs(old: Sequence[Made], new: Sequence[Made]) -> list[tuple[Made | None, Made | None]]:
    """Requests of both sides that belong together: by place when the actions are the same, else by the step's id."""
    if [made.step.action_name for made in old] == [made.step.action_name for made in new]:
        return list(zip(old, new, strict=True))
    before = {made.step.id: made for made in old}
    after = {made.step.id: made for made in new}
    return [(before.get(id), after.get(id)) for id in dict.fromkeys([*after, *before])]


def _shown_as(made: Made, renamed: Mapping[str, str]) -> dict[str, Any]:
    """The old request, its placeholders named after the new steps."""
    shown = made.shown()
    moved = {old: new for old, new in renamed.items() if old != new}
    text = json.dumps(shown) if moved else ""
    if "<steps." not in text:
        return shown
    for old, new in moved.items():
        text = text.replace(f"<steps.{old}.", f"<steps.{new}.")
    renewed: dict[str, Any] = json.loads(text)
    return renewed


def _plain(value: Any) -> Any:
    return None if value is ABSENT else value
