"""What to do after a try that did not end well: decided from values alone, without a clock or a store.

The schedule is 1 s, 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, each with 20 % jitter:
twelve retries over 76 hours, then the dead letter. A vendor's Retry-After wins when it is longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hooks.errors import DeliveryError, Permanent, Transient, Unconfigured
from hooks.events import AttemptVerdict
from hooks.ports import OnUnknown

SCHEDULE: tuple[float, ...] = (1, 5, 30, 120, 600, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Seconds before each retry."""

JITTER = 0.2
UNCONFIGURED_WAIT = 60.0
"""Seconds between two tries while a connection's credentials are refused: no lock-out, and nothing dies."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A rule's own schedule (``retry:`` in routes.yaml); ``waits`` has one entry per retry."""

    waits: tuple[float, ...] = SCHEDULE

    @classmethod
    def of(cls, attempts: int, first_wait: float, max_wait: float, exponential: bool) -> Retry:
        """``attempts`` tries in all: the first wait, doubled each time or not, never longer than ``max_wait``."""
        waits = [min(max_wait, first_wait * (2**number if exponential else 1)) for number in range(attempts - 1)]
        return cls(tuple(waits))


Next = Literal["again", "resolve", "wait", "hold", "fail"]
"""``again``: send it again after the delay. ``resolve``: it may have acted, so find out first. ``wait``: the whole
connection waits, and this try does not count. ``hold``: a person decides. ``fail``: dead letter."""


@dataclass(frozen=True, slots=True)
class Decision:
    next: Next
    verdict: AttemptVerdict
    delay: float = 0.0


def decide(
    error: DeliveryError,
    *,
    tries: int,
    schedule: Retry,
    repeatable: bool,
    on_unknown: OnUnknown,
    chance: float,
    counts: bool = True,
) -> Decision:
    """What follows the try number ``tries`` (from 1) that ended with ``error``. ``chance`` is a number in [0, 1).

    One that does not count, because it was for finding out whether the account works again, is never the last.
    """
    if isinstance(error, Unconfigured):
        return Decision("wait", "unconfigured", UNCONFIGURED_WAIT)
    if isinstance(error, Permanent) or not isinstance(error, Transient):
        return Decision("fail", "permanent")
    unknown = error.unknown and not repeatable
    verdict: AttemptVerdict = "unknown" if error.unknown else "transient"
    if unknown and on_unknown == "hold":
        return Decision("hold", verdict)
    delay = 0.0
    if counts:
        if tries > len(schedule.waits):
            return Decision("fail", verdict)
        delay = schedule.waits[tries - 1] * (1 - JITTER + 2 * JITTER * chance)
    if error.retry_after is not None:
        delay = max(delay, error.retry_after)
    return Decision("resolve" if unknown and on_unknown == "lookup" else "again", verdict, delay)
