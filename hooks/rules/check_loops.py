"""Check: rules that may set themselves off: they write the kind of record that their own trigger watches, or emit what
they take themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hooks.rules.emitted import ANY
from hooks.rules.index import type_matches
from hooks.rules.ruleset import SourceConfig
from hooks.rules.step import StepSpec
from hooks.rules.with_tree import Literal

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def sets_itself_off(
    events: Sequence[str], taken: Sequence[str], steps: Iterable[StepSpec], sources: Mapping[str, SourceConfig | None]
) -> tuple[str, str] | None:
    """What to say of the first step that may bring the rule back, and a hint.

    It writes, at a vendor whose webhooks the rule takes, the kind of record that they are about; or it emits an event
    that the rule takes. ``events`` and ``taken`` are the rule's event patterns and sources; no sources are all of them.
    """
    configs = [config for name, config in sources.items() if config and (not taken or name in taken)]
    own = {config.vendor for config in configs if config.emitted is not None}
    vendors = {config.vendor for config in configs if config.emitted is None}
    kinds = {pattern.partition(".")[0] for pattern in events}
    for step in steps:
        if step.vendor in own and _emits(step, events):
            return (
                f"this rule sets itself off: its step '{step.id}' emits what it takes",
                "after 5 events in a chain it is held; emit another type, or name the sources that it takes",
            )
        if step.vendor in vendors and step.action.method in _WRITES:
            words = set(step.action.name.split("_"))
            if "*" in kinds or kinds & words:
                return (
                    f"this rule may set itself off: its step '{step.id}' writes what it watches",
                    "echoes are skipped and a loop is held; a `when` on what has changed is better",
                )
    return None


def _emits(step: StepSpec, events: Sequence[str]) -> bool:
    """Whether what a step emits is surely one of these. A type that is only known later is anything at all."""
    for name, tree in step.inputs.entries:
        if name == "type" and isinstance(tree, Literal) and isinstance(tree.value, str):
            return any(type_matches(pattern, tree.value) for pattern in events)
    return ANY in events
