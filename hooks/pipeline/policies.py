"""Deliver: what a step's rule and action say of how it is tried. Pure."""

from __future__ import annotations

import hashlib

from hooks.pipeline.retry import Retry
from hooks.ports import OnUnknown, Step
from hooks.rules.step import StepSpec


def schedule_of(spec: StepSpec) -> Retry:
    """The waits between its tries."""
    own = spec.retry
    if own is None:
        return Retry()
    return Retry.of(own.attempts, own.first_wait, own.longest_wait, own.backoff == "exponential")


def policy_of(spec: StepSpec) -> OnUnknown:
    """How an unknown outcome of it is resolved."""
    if spec.action.repeatable:
        return "repeat"
    return spec.on_unknown or spec.action.on_unknown


def idempotency_key(event: str, rule: str, step: str, generation: int) -> str:
    """The same over all tries of a step and over its replays, another for a replay that acts again."""
    return hashlib.sha256(f"{event}\0{rule}\0{step}\0{generation}".encode()).hexdigest()


def unknown_reason(step: Step) -> str:
    """Why its run is held."""
    return (
        f"step {step.id!r} was sent and its outcome is unknown: look at the vendor, then say `hooks runs resolve` with "
        "--sent, --not-sent (it is sent again) or --give-up"
    )
