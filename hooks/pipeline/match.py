"""Fourth step, match: an event and the rules give a plan. Pure: values in, values out, the same every time.

A rule that stumbles over an event does not match it; `hooks.rules.explain` shows where and why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hooks.events import Event, new_id
from hooks.pipeline.shadow import in_shadow
from hooks.pipeline.timing import meets, when
from hooks.ports import Plan, PlannedRun
from hooks.rules.faults import EvaluationError
from hooks.rules.keys import key_text
from hooks.rules.ruleset import Rule, RuleSet


def plan(
    event: Event, rules: RuleSet, now: datetime, obstacle: Callable[[str], str | None] = lambda connection: None
) -> Plan:
    """The runs to be made for an event: one for each rule that matches it.

    A flagged event makes none: what its fields mean is not known, and a rule would send blanks. A run whose first
    connection has an ``obstacle`` (it is paused) is made held, with the reason.
    """
    if event.flag is not None:
        return Plan(event)
    met = meets(rules, event)
    candidates = rules.candidates(event.type, event.source)
    if not candidates:
        return Plan(event, meets=met)
    names = rules.names(event)
    branches = (rule.branch(names) for rule in candidates)
    runs = tuple(planned_run(rule, rules, event, names, now, obstacle) for rule in branches if rule is not None)
    return Plan(event, runs, met)


def planned_run(
    rule: Rule,
    rules: RuleSet,
    event: Event,
    names: Mapping[str, Any],
    now: datetime,
    obstacle: Callable[[str], str | None],
) -> PlannedRun:
    """The run of a rule, or of its `Rule.branch`, for an event, whether it matches or not."""
    run = _run(rule, event, names, now, obstacle)
    return run if rule.mode == "live" else in_shadow(run, rules.rule(rule.id) or rule, rules, event)


def _run(
    rule: Rule, event: Event, names: Mapping[str, Any], now: datetime, obstacle: Callable[[str], str | None]
) -> PlannedRun:
    once, reason = None, None
    try:
        key = rule.once_key(names)
    except EvaluationError as error:
        key, reason = None, f"once_per could not be worked out, so it was not applied: {error.message}"
    if key is not None and rule.once_within is not None:
        text = f"{rule.id}\0{key_text(key)}"
        if rule.mode == "shadow":
            text += "\0shadow"  # what it takes in shadow does not hold it back when it goes live
        once = (hashlib.sha256(text.encode("utf-8", "replace")).digest(), rule.once_within)
    connection = rule.steps[0].connection
    held = obstacle(connection)
    begins = when(rule, event, names, now)
    return PlannedRun(
        id=new_id("run"),
        rule=rule.id,
        connection=connection,
        due_at=begins.due_at,
        state="waiting" if held is None else "held",
        reason=held or "; ".join(filter(None, (reason, begins.reason))) or None,
        once=once,
        timing=begins.timing,
    )
