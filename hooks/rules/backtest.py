"""Backtest: stored events under two rule sets, and how the requests that they make differ. Pure; nothing is sent.

Answers of earlier steps are those that were recorded for the event, where there are any; else a visible placeholder
such as ``<steps.customer.customerId>`` stands for what is not known. Steps are taken to succeed. ``once_per`` holds
within the events that are looked at, on both sides; give them in the order in which they came. ``throttle``,
``debounce``, ``in_order_by`` and ``expect`` are not looked at, and which rules have them is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hooks.events import Event
from hooks.rules.differences import ABSENT, differences
from hooks.rules.faults import EvaluationError
from hooks.rules.nodes import show_keys
from hooks.rules.placeholders import step_placeholders
from hooks.rules.rehearsal import Made, Rehearsal, rehearse
from hooks.rules.ruleset import Rule, RuleSet, StepSpec

Effect = Literal["same", "added", "removed", "changed"]
EFFECTS: tuple[Effect, ...] = ("same", "added", "removed", "changed")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a step of a run was answered."""

    rule: str
    step: str
    action: str
    output: Any


@dataclass(frozen=True, slots=True)
class PastEvent:
    """A stored event and the answers that were recorded for it."""

    event: Event
    answers: tuple[Answered, ...] = ()


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


@dataclass(slots=True)
class _Side:
    """One of the two rule sets, with what ``once_per`` remembers under it."""

    rules: RuleSet
    onces: dict[tuple[str, str], float] = field(default_factory=dict)
    read: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By rule: placeholders for the answers that its steps read."""

    def candidates(self, event: Event, only: str | None) -> dict[str, Rule]:
        found = self.rules.candidates(event.type, event.source)
        return {rule.id: rule for rule in found if only in (None, rule.id)}

    def placeholders(self, rule: Rule) -> Mapping[str, Any]:
        if rule.id not in self.read:
            self.read[rule.id] = step_placeholders(rule.all_steps)
        return self.read[rule.id]

    def has_acted(self, rule: Rule, event: Event) -> bool:
        """Whether the rule has acted for this event's key already; if not, it does now."""
        if rule.once_per is None or rule.once_within is None:
            return False
        try:
            key = rule.once_key(self.rules.names(event))
        except EvaluationError:
            return False
        if key is None:
            return False
        place = (rule.id, json.dumps(key, ensure_ascii=False, sort_keys=True))
        at = event.received_at.timestamp()
        if self.onces.get(place, at) > at:
            return True
        self.onces[place] = at + rule.once_within
        return False


class Backtest:
    """Compares event by event and counts. ``only`` narrows it to one rule."""

    def __init__(self, old: RuleSet, new: RuleSet, only: str | None = None) -> None:
        self._old = _Side(old)
        self._new = _Side(new)
        self._only = only
        self.events = 0
        self.changes: list[Change] = []
        self.rules: dict[str, dict[Effect, int]] = {}
        """By rule: how many of its runs are same, added, removed and changed."""
        self.recorded = 0
        """Answers of earlier steps that were recorded, as the new rules read them."""
        self.stood_in = 0
        """Answers of earlier steps that nobody knows, as the new rules read them."""
        self.untimed: dict[str, list[str]] = {}
        """By rule that acted: its keys of time, which were not looked at. Each event is taken as if it acted alone."""

    @property
    def summary(self) -> dict[str, int]:
        return {effect: sum(counts[effect] for counts in self.rules.values()) for effect in EFFECTS}

    def as_json(self) -> dict[str, Any]:
        return {
            "summary": self.summary,
            "events": [change.as_json() for change in self.changes],
            "answers": {"recorded": self.recorded, "placeholders": self.stood_in},
            "untimed": self.untimed,
        }

    def compare(self, past: PastEvent) -> None:
        """Take one event in."""
        self.events += 1
        old, new = self._old.candidates(past.event, self._only), self._new.candidates(past.event, self._only)
        for id in dict.fromkeys([*new, *old]):
            before = self._outcome(self._old, old.get(id), past)
            after = self._outcome(self._new, new.get(id), past)
            effect, fields = _effect(before, after)
            if effect is None:
                continue
            counts = self.rules.setdefault(id, dict.fromkeys(EFFECTS, 0))
            counts[effect] += 1
            if effect != "same":
                self.changes.append(Change(past.event.id, id, effect, fields))

    def _outcome(self, side: _Side, rule: Rule | None, past: PastEvent) -> Rehearsal | None:
        """What the rule makes of the event; None when it does not act for it."""
        if rule is None:
            return None
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
        if not rehearsal.acts or side.has_acted(rule, past.event):
            return None
        if rule.timing.lines:
            self.untimed[rule.id] = sorted({*self.untimed.get(rule.id, ()), *rule.timing.lines})
        return rehearsal


def _recorded(answers: Sequence[Answered], rule: Rule, step: StepSpec) -> Answered | None:
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
