"""What a listing tells of rules: the same with a running server and from the file alone."""

from __future__ import annotations

from typing import Any

from hooks.rules.ruleset import RuleSet, StepSpec


def listed_rules(rules: RuleSet) -> list[dict[str, Any]]:
    """Every rule with what it looks at and what it does."""
    return [
        {
            **rule.as_json(),
            "when": [clause.text for clause in rule.clauses],
            "steps": [_step(step) for step in rule.steps],
            "else": [_step(step) for step in rule.otherwise],
            "fallback": [_step(step) for step in rule.fallback],
            "version": rules.version,
        }
        for rule in rules.rules
    ]


def _step(step: StepSpec) -> dict[str, str]:
    return {"id": step.id, "action": step.action_name, "connection": step.connection}
