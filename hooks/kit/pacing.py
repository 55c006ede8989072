"""Deliver: the turns that calls take, so that every call of an account keeps to its rate."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar


class Pace:
    """The turns of the calls of one action: each waits for ``turn``, but for the first where that was taken before.

    Then, when nothing but sending is left to do, each waits for ``leave``: those before it may have been held up until
    now, by a slow connection for instance, and so may it.
    """

    def __init__(
        self, turn: Callable[[], Awaitable[None]], *, taken: bool, leave: Callable[[], Awaitable[bool]] | None
    ) -> None:
        """``leave`` gives whether it has waited; None: nothing holds a call up."""
        self._turn = turn
        self._taken = taken
        self._leave = leave
        self.waited = 0.0
        """Seconds that calls have waited."""

    async def wait(self) -> None:
        began = time.monotonic()
        if self._taken:
            self._taken = False
        else:
            await self._turn()
        self.waited += time.monotonic() - began

    @property
    def holds(self) -> bool:
        """Whether a call may have to wait just before it leaves."""
        return self._leave is not None

    async def leave(self) -> float:
        """Wait, and give the seconds that it took; 0 when nothing was in the way."""
        began = time.monotonic()
        if self._leave is None or not await self._leave():
            return 0.0
        took = time.monotonic() - began
        self.waited += took
        return took


_pace: ContextVar[Pace | None] = ContextVar("hooks_pace", default=None)


def current_pace() -> Pace | None:
    """What the calls of this task keep to, None when nothing holds them."""
    return _pace.get()


def waited() -> float:
    """Seconds that the calls of this task have waited for their turns."""
    pace = _pace.get()
    return 0.0 if pace is None else pace.waited


class paced:  # noqa: N801  # read as `with paced(...):`, for each call of each run
    """Inside, every call of this task, and of tasks begun by it, waits for its turn. Signing in does not."""

    __slots__ = ("_before", "_kept")

    def __init__(
        self, turn: Callable[[], Awaitable[None]], *, taken: bool, leave: Callable[[], Awaitable[bool]] | None
    ) -> None:
        self._kept = Pace(turn, taken=taken, leave=leave)

    def __enter__(self) -> None:
        self._before = _pace.set(self._kept)

    def __exit__(self, *_: object) -> None:
        _pace.reset(self._before)
