"""Match, for a rule in shadow: what it would send is worked out and kept, and never sent. Pure.

The run is made as skipped, a state that nothing claims, so no socket is opened whatever happens later. Its steps hold
the request that each would send; what a later step would read from an answer that nobody gave is a visible placeholder,
such as ``<steps.customer.customerId>``.
"""

from __future__ import annotations

from hooks.events import Event
from hooks.ports import PlannedRun, Step
from hooks.rules.placeholders import step_placeholders
from hooks.rules.rehearsal import Rehearsal, rehearse
from hooks.rules.ruleset import Rule, RuleSet

SHADOW = "shadow"
"""How the reason of such a run begins."""


def in_shadow(run: PlannedRun, rule: Rule, rules: RuleSet, event: Event) -> PlannedRun:
    """The run as a shadow: with what it would do, and skipped."""
    read = step_placeholders(rule.all_steps)
    rehearsal = rehearse(rules, rule, event, lambda step: read.get(step.id))
    why = SHADOW if rehearsal.error is None else f"{SHADOW}: {rehearsal.error}"
    return run._replace(state="skipped", reason=why, steps=_steps(rule, rehearsal))


def _steps(rule: Rule, rehearsal: Rehearsal) -> tuple[Step, ...]:
    made = {each.step.id: each for each in rehearsal.made}
    left_out = {each.step.id for each in rehearsal.reached if each.applies is False}
    steps = []
    for position, spec in enumerate(rule.all_steps):
        step = Step(position, spec.id, spec.action_name, spec.connection, "skipped")
        if spec.id in made:
            steps.append(step._replace(request=made[spec.id].request, url=made[spec.id].url))
        elif spec.id in left_out:
            steps.append(step._replace(error="its `if` does not hold"))
        elif rehearsal.error is not None and spec.line == rehearsal.at:
            steps.append(step._replace(state="failed", error=rehearsal.error))
    return tuple(steps)
