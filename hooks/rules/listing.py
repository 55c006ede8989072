"""What listings tell of rules and sources: the same with a running server and from the file alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hooks.events import utc_text
from hooks.ports import Heard, SourceSettings
from hooks.rules.ruleset import RuleSet
from hooks.rules.step import StepSpec
from hooks.values import show_duration


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


def listed_source(
    name: str, vendor: str, settings: SourceSettings, below: Iterable[str], heard: Heard | None
) -> dict[str, Any]:
    """A source, where it is reached, and its sender's last sign of life.

    ``below``: its paths, as they follow ``/in/{source}``. ``heard`` is None where nobody knows. ``quiet`` is null
    there, and where the source does not say for how long it may be quiet.
    """
    last, after = None if heard is None else heard.last_received_at, settings.quiet_after
    return {
        "name": name,
        "vendor": vendor,
        "path": f"/in/{name}",
        "paths": sorted(f"/in/{name}{path}" for path in below),
        "type": settings.type,
        "max_bytes": settings.max_bytes,
        "duplicate_window": show_duration(settings.duplicate_window),
        "last_received_at": None if last is None else utc_text(last),
        "quiet_after": None if after is None else show_duration(after),
        "quiet_within": settings.quiet_within,
        "quiet": None if after is None or heard is None else heard.quiet_since is not None,
    }


def _step(step: StepSpec) -> dict[str, str]:
    return {"id": step.id, "action": step.action_name, "connection": step.connection}
