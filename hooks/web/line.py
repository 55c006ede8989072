"""The line before the store: whoever comes while it has enough before it waits here, and goes in as he came.

A sender who is told "not now" sends again at once, if he heeds nothing, and a thousand of those leave no time for
anybody's delivery. So nobody is told before his patience is over. That alone holds a flood back: one connection costs
at most one refusal in that time, and what it sends meanwhile stays in its own kernel. It is fair as well: a connection
has one place, and who comes later does not get in first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

Turn = Callable[[bool], None]
"""Called once, in the loop: with True to go in, with False when that cannot be. It does not raise."""


class _Place(NamedTuple):
    until: float
    size: int
    turn: Turn


class Line:
    """At most ``capacity`` wait for the store at once. Who comes then may wait here, for up to ``patience`` seconds and
    with up to ``limit`` bytes in all. ``put_off`` is called for each whose patience is over.
    """

    def __init__(self, capacity: int, *, patience: float, limit: int, put_off: Callable[[], None]) -> None:
        self._capacity = capacity
        self._patience = patience
        self._limit = limit
        self._put_off = put_off
        self._lined = 0
        self._places: deque[_Place] = deque()
        self._late: deque[_Place] = deque()  # those who cannot go in any more, and are not to be told yet
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = 0
        """How many wait for the store."""
        self.held = 0
        """Bytes of bodies in memory, those of the line left out."""
        self.shut = False
        """Whether who comes now has to join: there is no room, or somebody waits already."""

    def __len__(self) -> int:
        return len(self._places) + len(self._late)

    def enter(self, size: int) -> None:
        """Count one more before the store, and the bytes that it holds. Not while it is `shut`, but by a turn."""
        self.waiting += 1
        self.held += size
        if self.waiting >= self._capacity:
            self.shut = True

    def leave(self, size: int) -> None:
        """One has been answered, so the first in the line may go in."""
        self.waiting -= 1
        self.held -= size
        if self.shut:
            self._advance()

    async def turn(self) -> bool:
        """Enter, now or after waiting in the line: True, and somebody is to leave. False: it cannot be."""
        if not self.shut:
            self.enter(0)
            return True
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def called(go: bool) -> None:
            if not told.done():
                if go:
                    self.enter(0)
                told.set_result(go)

        self.join(0, called)
        try:
            return await told
        except asyncio.CancelledError:
            if told.done() and not told.cancelled() and told.result():
                self.leave(0)  # its turn has come, and it goes nowhere
            raise

    def join(self, size: int, turn: Turn) -> bool:
        """Take the last place. False: so many bytes are too much here. Keep none of them, the turn will be False."""
        kept = self._lined + size <= self._limit
        if not kept:
            size = 0
        place = _Place(asyncio.get_running_loop().time() + self._patience, size, turn)
        self._lined += size
        (self._places if kept else self._late).append(place)
        self._watch()
        return kept

    def _advance(self) -> None:
        while self._places and self.waiting < self._capacity:
            self._call(self._places, True)
        self.shut = bool(self._places) or self.waiting >= self._capacity

    def close(self) -> None:
        """Put everybody off now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for places in (self._places, self._late):
            while places:
                self._call(places, False)

    def _call(self, places: deque[_Place], turn: bool) -> None:
        place = places.popleft()
        self._lined -= place.size
        place.turn(turn)

    def _watch(self) -> None:
        """One timer for all: everybody has the same patience, so the first in a line loses it first."""
        if self._timer is None and len(self):
            until = min(places[0].until for places in (self._places, self._late) if places)
            self._timer = asyncio.get_running_loop().call_at(until, self._lose_patience)

    def _lose_patience(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for places in (self._places, self._late):
            while places and places[0].until <= now:
                self._put_off()
                self._call(places, False)
        self._watch()
