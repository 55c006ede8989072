"""Deliver: which run a call belongs to, told along with it, so that what comes back to us is known as caused by it.

Calls to any API of one's own choosing carry the header ``Hooks-Cause: run_...;2``: the run, and how many events caused
one another up to it. Whoever passes it on with what he sends us, and we ourselves where a rule posts to our own
addresses, lets a ring be seen that no record's id would show.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

CAUSE_HEADER = "hooks-cause"

_FORM = re.compile(r"(run_[0-9a-f]{32});([0-9]{1,4})")
_carried: ContextVar[tuple[str, int] | None] = ContextVar("hooks_carried", default=None)


class carrying:  # noqa: N801  # read as `with carrying(...):`, for each call of each run
    """Inside, what this task calls or emits is caused by this run, whose event is so deep in a chain of events."""

    __slots__ = ("_before", "_cause")

    def __init__(self, run: str, depth: int) -> None:
        self._cause = (run, depth)

    def __enter__(self) -> None:
        self._before = _carried.set(self._cause)

    def __exit__(self, *_: object) -> None:
        _carried.reset(self._before)


def carried() -> tuple[str, int] | None:
    """The run that this task carries out, and how deep in a chain of events its event is."""
    return _carried.get()


def cause_header() -> dict[str, str]:
    """The header for a call that this task makes; empty outside of runs."""
    found = _carried.get()
    return {} if found is None else {CAUSE_HEADER: f"{found[0]};{found[1]}"}


def read_cause(value: str) -> tuple[str, int] | None:
    """The run of such a header and the depth of an event that it has caused; None when it says nothing of the kind."""
    said = _FORM.fullmatch(value)
    return None if said is None else (said[1], int(said[2]) + 1)
