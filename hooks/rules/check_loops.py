"""Check: rules that may set themselves off: they write the kind of record that their own trigger watches. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hooks.rules.ruleset import SourceConfig, StepSpec

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def sets_itself_off(
    events: Sequence[str], taken: Sequence[str], steps: Iterable[StepSpec], sources: Mapping[str, SourceConfig | None]
) -> StepSpec | None:
    """The first step that writes, at a vendor whose webhooks the rule takes, the kind of record that they are about.

    ``events`` and ``taken`` are the rule's event patterns and sources; no sources are all of them.
    """
    vendors = {config.vendor for name, config in sources.items() if config and (not taken or name in taken)}
    kinds = {pattern.partition(".")[0] for pattern in events}
    for step in steps:
        if step.vendor in vendors and step.action.method in _WRITES:
            words = set(step.action.name.split("_"))
            if "*" in kinds or kinds & words:
                return step
    return None
