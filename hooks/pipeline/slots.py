"""Deliver: the calls that an account takes at once. A run holds one of its slots from before its intent to its answer.

What comes after the answer needs no slot: while one result is on its way to the disk the next call is made.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque


class Slots:
    """So many slots; who finds none waits, first come first served."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._queue: deque[asyncio.Future[None]] = deque()
        self.taken = 0

    def take(self) -> bool:
        """Take one if there is one and nobody waits."""
        if self.taken >= self._number or self._queue:
            return False
        self.taken += 1
        return True

    async def wait(self) -> None:
        """Wait for a slot, which is then taken."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):
                    self._queue.remove(turn)
            else:
                self.free()  # it came in the same moment
            raise

    def free(self) -> None:
        """Give one back: whoever has waited longest has it then."""
        self.taken -= 1
        while self._queue and self.taken < self._number:
            turn = self._queue.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)


class Slot:
    """The slot of one run, while it has it."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._mine = False

    def take(self) -> bool:
        """Whether it has one now, without waiting."""
        self._mine = self._mine or self._slots.take()
        return self._mine

    async def wait(self) -> None:
        await self._slots.wait()
        self._mine = True

    def leave(self) -> None:
        """Give it back. Does nothing when it has none."""
        if self._mine:
            self._mine = False
            self._slots.free()
