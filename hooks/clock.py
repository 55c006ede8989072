"""The clocks of the running program: `SystemClock` is the machine's, `EngineClock` the one that work is done by.

The wall clock may be set, by a person, by NTP or by whoever moved the virtual machine. What is due in ten seconds is
due ten seconds later all the same. So the engine's time follows the wall clock only as long as that goes as evenly as
the monotonic one; when both part, it goes on evenly, and says by how much (`EngineClock.jump`), until what is stored
has been moved along (`hooks.store.shifting`).
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from hooks.ports import Clock

APART = 5.0
"""Seconds by which wall and monotonic clock may part before that is a jump and no correction."""

_EVEN = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps


class SystemClock:
    """The machine's wall clock and its monotonic clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_EVEN)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class EngineClock:
    """A clock whose `now` goes evenly: the wall clock's time, or what it would be if it had not been set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart = clock.now().timestamp() - clock.monotonic()
        self._jump = 0.0

    def now(self) -> datetime:
        wall = self._clock.now()
        even = self._clock.monotonic() + self._apart
        jump = wall.timestamp() - even
        if abs(jump) <= APART:
            self._apart += jump
            self._jump = 0.0
            return wall
        self._jump = jump
        return datetime.fromtimestamp(even, UTC)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    @property
    def jump(self) -> float:
        """Seconds by which the wall clock has been set and that have not been followed yet; 0 as a rule."""
        self.now()
        return self._jump

    def follow(self, jump: float) -> None:
        """Go by the wall clock again, after a jump of so many seconds."""
        self._apart += jump


_: tuple[type[Clock], type[Clock]] = (SystemClock, EngineClock)
