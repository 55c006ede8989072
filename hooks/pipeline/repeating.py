"""Replay, one step: what is done about a step that an earlier run of the same event may have made. Pure."""

from __future__ import annotations

from typing import Literal

from hooks.ports import Claimed, OnUnknown, Step

Repeat = Literal["send", "look", "adopt", "hold"]
"""``send``: it does no harm or was not done. ``look``: ask the vendor. ``adopt``: it was done, its output is in the
books. ``hold``: whether it was done is not known and cannot be found out."""


def how_to_repeat(run: Claimed, step: Step, *, repeatable: bool, policy: OnUnknown) -> Repeat:
    """What to do with a step of a replay that has not begun yet."""
    if run.earlier is None or repeatable:
        return "send"
    if policy == "lookup":
        return "look"
    earlier = run.earlier.get(step.id)
    if earlier is None or earlier.action != step.action:
        return "send"
    if earlier.state == "done":
        return "adopt"
    return "hold" if policy == "hold" and is_unknown(earlier) else "send"


def done_before(run: Claimed, step: Step) -> Step | None:
    """The step of an earlier run that made the very same request, where it ended well."""
    earlier = None if run.earlier is None else run.earlier.get(step.id)
    if earlier is None or earlier.state != "done" or earlier.action != step.action:
        return None
    return earlier if earlier.request == step.request else None


def is_unknown(step: Step) -> bool:
    """Whether nobody knows what became of it."""
    return step.state == "intended" or (step.state == "failed" and step.intended_at is not None)
