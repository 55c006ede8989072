"""Which runs of a rule set come to act, and when, over stored events in the order in which they came. Pure.

``once_per``, ``throttle``, ``debounce``, ``expect``, ``delay`` and ``within`` are worked out as the engine does it,
from the times of acceptance and for runs that begin as soon as they may. They hold within the events that are given:
what was before the first is not known. How long a run takes is not known either, so when the turn of an
``in_order_by`` comes is left open; that it comes is not.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hooks.events import Event
from hooks.rules.clauses import Clause
from hooks.rules.faults import EvaluationError
from hooks.rules.keys import key_text
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.timing import Debounce, Expect, Throttle
from hooks.rules.with_tree import is_empty

_MOMENT = timedelta(microseconds=1)
"""What comes at the deadline is in time."""


@dataclass(slots=True)
class Fate:
    """What becomes of a run: whether it acts, None while that is open, and when it begins."""

    decided: Callable[[], None] = field(default=lambda: None, repr=False)
    """Called once both are known."""
    acts: bool | None = None
    at: datetime | None = None
    place: int = 0
    gate: _Gate | None = None


@dataclass(slots=True)
class _Gate:
    """What one key of a ``throttle`` lets through: its latest starts, and who waits, in the order of acceptance."""

    throttle: Throttle
    starts: deque[datetime]
    waiting: list[tuple[int, Fate]] = field(default_factory=list)
    opens: bool = False
    """Whether its next opening is among what happens by itself."""

    def room(self, at: datetime) -> datetime:
        """When there is room, from this time on."""
        if len(self.starts) < self.throttle.most:
            return at
        return max(at, self.starts[0] + timedelta(seconds=self.throttle.per))


@dataclass(slots=True)
class _Burst:
    """Events of one key of ``debounce``, and the one run that stands for them."""

    rule: Rule
    key: str
    stands: Fate
    due: datetime
    settles_by: datetime


@dataclass(slots=True)
class _Awaited:
    """A run that acts unless what it expects comes in time."""

    fate: Fate
    deadline: datetime
    due: datetime


class Timeline:
    """Takes events one after the other; each is `pass_by` first, then its rules `enter`."""

    def __init__(self, rules: RuleSet, only: str | None = None) -> None:
        """``only``: the one rule that is looked at."""
        self._rules = rules
        self._only = only
        self._onces: dict[tuple[str, str], float] = {}
        self._gates: dict[tuple[str, str], _Gate] = {}
        self._bursts: dict[tuple[str, str], _Burst] = {}
        self._awaited: dict[tuple[str, str], list[_Awaited]] = {}
        self._ahead: list[tuple[datetime, int, _Burst | _Awaited | _Gate | Fate]] = []
        """What happens by itself, by its time: bursts settle, deadlines pass, gates open, runs come to their gate."""
        self._order = itertools.count()
        self._last: datetime | None = None

    def pass_by(self, event: Event) -> None:
        """What waited until now is decided, and what waited for such an event does not act any more."""
        self._last = event.received_at if self._last is None else max(self._last, event.received_at)
        self._settle(self._last)
        if event.flag is not None:
            return
        expecting = [
            each
            for each in self._rules.expecting(event.type, event.source)
            if self._only in (None, each.rule) and self._followed(each)
        ]
        if not expecting:
            return
        names = self._rules.names(event)
        for expect in expecting:
            if expect.is_met_by(names) and (key := _key(expect.then, names)) is not None:
                waiting = self._awaited.get((expect.rule, key), [])
                for awaited in [each for each in waiting if each.deadline >= event.received_at]:
                    waiting.remove(awaited)
                    _decide(awaited.fate, None)

    def enter(self, rule: Rule, event: Event, fate: Fate) -> None:
        """A rule matches an event: decide its fate, now or when a later event passes by."""
        at, keys, fate.place = event.received_at, rule.timing, next(self._order)
        names = self._rules.names(event) if keys.lines or rule.once_per is not None else {}
        gate = self._gate(rule, names)
        skipping = gate is not None and gate.throttle.over == "skip"
        full = skipping and gate is not None and gate.room(at) > at
        if full or self._has_acted(rule, names, at):
            _decide(fate, None)
            return
        if gate is not None and skipping:
            gate.starts.append(at)
        else:
            fate.gate = gate
        live = rule.mode == "live"
        if live and keys.debounce is not None:
            self._join(rule, keys.debounce, names, at, fate)
        elif live and keys.expect is not None:
            self._await(rule, keys.expect, names, at, fate)
        else:
            self._begin(fate, rule.begins(at) or at + timedelta(seconds=rule.delay or 0.0))

    def finish(self, end: datetime | None) -> None:
        """Nothing came until ``end``, None for the last event: what waits longer than that stays open."""
        if end is not None and (self._last is None or end > self._last):
            self._last = end
        if self._last is not None:
            self._settle(self._last + _MOMENT)
        # What is only late will act, and nobody comes in between. Bursts and what is expected stay open.
        self._ahead = [each for each in self._ahead if not isinstance(each[2], _Burst | _Awaited)]
        heapq.heapify(self._ahead)
        self._settle(None)

    # --- inside ---

    def _settle(self, until: datetime | None) -> None:
        """Let happen what does until then, None for all there is, in the order of its time."""
        while self._ahead and (until is None or self._ahead[0][0] <= until):
            at, _, what = heapq.heappop(self._ahead)
            if isinstance(what, _Gate):
                what.opens = False
                self._open(what, at)
            elif isinstance(what, Fate):
                assert what.gate is not None, "only those with a gate come to one"
                heapq.heappush(what.gate.waiting, (what.place, what))
                self._open(what.gate, at)
            elif isinstance(what, _Awaited):
                if what.fate.acts is None:
                    self._begin(what.fate, what.due)
            elif what.due == at and self._bursts.get((what.rule.id, what.key)) is what:
                del self._bursts[what.rule.id, what.key]
                self._begin(what.stands, at)

    def _open(self, gate: _Gate, at: datetime) -> None:
        """Let through whom there is room for."""
        while gate.waiting and gate.room(at) <= at:
            gate.starts.append(at)
            _decide(heapq.heappop(gate.waiting)[1], at)
        if gate.waiting and not gate.opens:
            gate.opens = True
            self._later(gate.room(at), gate)

    def _later(self, at: datetime, what: _Burst | _Awaited | _Gate | Fate) -> None:
        heapq.heappush(self._ahead, (at, next(self._order), what))

    def _followed(self, expect: Expect) -> bool:
        rule = self._rules.rule(expect.rule)
        return rule is not None and rule.mode == "live"

    def _begin(self, fate: Fate, due: datetime) -> None:
        """A run may begin then, or when its throttle has room for it."""
        if fate.gate is None:
            _decide(fate, due)
        else:
            self._later(due, fate)

    def _gate(self, rule: Rule, names: Mapping[str, Any]) -> _Gate | None:
        throttle = rule.timing.throttle
        key = None if throttle is None else _key(throttle.by, names, shared=True)
        if throttle is None or key is None:
            return None
        place = (rule.id, key)
        if place not in self._gates:
            self._gates[place] = _Gate(throttle, deque(maxlen=throttle.most))
        return self._gates[place]

    def _has_acted(self, rule: Rule, names: Mapping[str, Any], at: datetime) -> bool:
        """Whether the rule has acted for this event's key already; if not, it does now."""
        if rule.once_per is None or rule.once_within is None:
            return False
        try:
            key = rule.once_key(names)
        except EvaluationError:
            return False
        if key is None:
            return False
        place, now = (rule.id, key_text(key)), at.timestamp()
        if self._onces.get(place, now) > now:
            return True
        self._onces[place] = now + rule.once_within
        return False

    def _join(self, rule: Rule, debounce: Debounce, names: Mapping[str, Any], at: datetime, fate: Fate) -> None:
        quiet = rule.opens(at + timedelta(seconds=debounce.wait))
        key = _key(debounce.by, names)
        if key is None:
            self._begin(fate, quiet)
            return
        place = (rule.id, key)
        burst = self._bursts.get(place)
        if burst is None:
            settles_by = rule.opens(at + timedelta(seconds=debounce.max_wait))
            burst = _Burst(rule, key, fate, quiet, settles_by)
            self._bursts[place] = burst
        elif debounce.keep == "first":
            _decide(fate, None)
        else:
            _decide(burst.stands, None)
            burst.stands = fate
        burst.due = min(quiet, burst.settles_by)
        self._later(burst.due, burst)

    def _await(self, rule: Rule, expect: Expect, names: Mapping[str, Any], at: datetime, fate: Fate) -> None:
        deadline = at + timedelta(seconds=expect.within)
        awaited = _Awaited(fate, deadline, rule.opens(deadline))
        self._later(deadline + _MOMENT, awaited)
        if (key := _key(expect.first, names)) is not None:
            waiting = self._awaited.setdefault((rule.id, key), [])
            waiting[:] = [each for each in waiting if each.fate.acts is None]
            waiting.append(awaited)


def _decide(fate: Fate, at: datetime | None) -> None:
    """The run begins at this time, or with None does not act."""
    fate.acts, fate.at = at is not None, at
    fate.decided()


def _key(by: Clause | None, names: Mapping[str, Any], *, shared: bool = False) -> str | None:
    """The value that a key goes by; None where there is none, unless those are all one (``shared``)."""
    try:
        value = None if by is None else by.expression.evaluate(names)
    except EvaluationError:
        return None
    if is_empty(value) and not shared:
        return None
    return key_text(value)
