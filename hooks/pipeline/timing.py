"""Match: when a run may begin, worked out from its rule and its event. Pure; the store keeps to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hooks.events import Event
from hooks.ports import UNTIMED, Timing
from hooks.rules.calendar import Within
from hooks.rules.clauses import Clause
from hooks.rules.faults import EvaluationError
from hooks.rules.keys import key_text
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.with_tree import is_empty
from hooks.values import show_duration


class When(NamedTuple):
    """When a run may begin, and what is to be said of it."""

    due_at: datetime
    timing: Timing
    reason: str | None


def when(rule: Rule, event: Event, names: Mapping[str, Any], now: datetime) -> When:
    """For a run that is planned now. A key that cannot be worked out does not hold the run back, and says so."""
    keys = rule.timing
    undelayed = now + timedelta(seconds=rule.delay or 0.0)
    due_at = rule.begins(now) or undelayed
    reasons: list[str] = []
    if rule.within is not None and due_at > undelayed and keys.debounce is None and keys.expect is None:
        reasons.append(waits_until(rule.within, due_at))
    if not keys.lines:
        return When(due_at, UNTIMED, "; ".join(reasons) or None)
    given: dict[str, Any] = {}

    def key(name: str, by: Clause | None, *, shared: bool = False) -> str | None:
        """The digest of the value that a key goes by; None without a value, unless all those are one ``shared``."""
        try:
            value = None if by is None else by.expression.evaluate(names)
        except EvaluationError as error:
            reasons.append(f"{name} could not be worked out, so it was not applied: {error.message}")
            return None
        of = rule.id if rule.mode == "live" else f"{rule.id}\0{rule.mode}"
        return None if is_empty(value) and not shared else digest(of, name, value)

    if keys.throttle is not None and (found := key("throttle", keys.throttle.by, shared=True)) is not None:
        limit = f"{keys.throttle.most}/{round(keys.throttle.per * 1000)}"
        given |= {"gate": f"{limit}/{found}", "over": keys.throttle.over}
    if keys.debounce is not None:
        due_at = rule.opens(now + timedelta(seconds=keys.debounce.wait))
        settles_by = rule.opens(now + timedelta(seconds=keys.debounce.max_wait))
        given |= {"burst": key("debounce", keys.debounce.by), "keep": keys.debounce.keep, "settles_by": settles_by}
    if keys.in_order is not None:
        given |= {"lane": key("in_order_by", keys.in_order.by), "on_stuck": keys.in_order.on_stuck}
    if keys.expect is not None:
        # The time of the acceptance counts on both sides, however late the planning is.
        deadline = event.received_at + timedelta(seconds=keys.expect.within)
        due_at = rule.opens(deadline)
        given |= {"expects": key("expect", keys.expect.first), "deadline": deadline}
        awaited = " or ".join(keys.expect.events)
        reasons.append(f"expect: it acts unless {awaited} comes within {show_duration(keys.expect.within)}")
    return When(due_at, Timing(**given), "; ".join(reasons) or None)


def waits_until(within: Within, opens: datetime) -> str:
    """Why a run waits that would begin outside the hours of its rule."""
    calendar = within.calendar
    return f"{calendar.name} is closed until {calendar.local(opens)} ({calendar.zone.key})"


def meets(rules: RuleSet, event: Event) -> tuple[str, ...]:
    """The keys of what waits to see whether such an event comes."""
    expecting = rules.expecting(event.type, event.source)
    if not expecting:
        return ()
    names = rules.names(event)
    found: dict[str, None] = {}
    for expect in expecting:
        if not expect.is_met_by(names):
            continue
        try:
            value = expect.then.expression.evaluate(names)
        except EvaluationError:
            continue
        if not is_empty(value):
            found[digest(expect.rule, "expect", value)] = None
    return tuple(found)


def digest(rule: str, name: str, value: Any) -> str:
    """A key of a rule for one value, 32 hexadecimal digits: the value itself is not stored."""
    return hashlib.sha256(f"{rule}\0{name}\0{key_text(value)}".encode("utf-8", "replace")).hexdigest()[:32]
