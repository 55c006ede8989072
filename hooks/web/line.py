"""The line before the store: whoever comes while it has enough before it waits here, and goes in as he came.

A sender who is told "not now" sends again at once, if he heeds nothing, and a thousand of those leave no time for
anybody's delivery. So nobody is told before his patience is over. That alone holds a flood back: one connection costs
at most one refusal in that time, and what it sends meanwhile stays in its own kernel. It is fair as well: a connection
has one place, who comes later does not get in first, and who had his turn just now, whatever came of it, lets those
pass who had not, three of four times. So who comes again when he was told to goes in before who does not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from hooks.web.whole import Sender

Turn = Callable[[bool], None]
"""Called once, in the loop: with True to go in, with False when that cannot be. It does not raise."""


SOON = 4.0
"""Seconds after its turn in which a connection comes too soon: who is put off is told to come again in five."""

HASTY_PART = 4
"""One of so many that go in is one of those who came too soon, while there are others."""


class _Place(NamedTuple):
    until: float
    size: int
    turn: Turn
    sender: Sender | None


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
        self._hasty: deque[_Place] = deque()  # those who came again too soon
        self._passed = 0  # how many have gone in since one of those
        self._late: deque[_Place] = deque()  # those who cannot go in any more, and are not to be told yet
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = 0
        """How many wait for the store."""
        self.held = 0
        """Bytes of bodies in memory, those of the line left out."""
        self.shut = False
        """Whether who comes now has to join: there is no room, or somebody waits already."""

    def __len__(self) -> int:
        return sum(map(len, self._all()))

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

    async def turn(self, sender: Sender | None) -> bool:
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

        self.join(0, called, sender)
        try:
            return await told
        except asyncio.CancelledError:
            if told.done() and not told.cancelled() and told.result():
                self.leave(0)  # its turn has come, and it goes nowhere
            raise

    def join(self, size: int, turn: Turn, sender: Sender | None) -> bool:
        """Take the last place. False: so many bytes are too much here. Keep none of them, the turn will be False."""
        now = asyncio.get_running_loop().time()
        if self._lined + size > self._limit:
            places, size = self._late, 0
        elif sender is not None and now - sender.turn_at >= SOON:
            places = self._places
        else:
            places = self._hasty
        self._lined += size
        places.append(_Place(now + self._patience, size, turn, sender))
        self._watch()
        return places is not self._late

    def _advance(self) -> None:
        while self.waiting < self._capacity and (self._places or self._hasty):
            hasty = bool(self._hasty) and (not self._places or self._passed >= HASTY_PART - 1)
            self._passed = 0 if hasty else self._passed + 1
            self._call(self._hasty if hasty else self._places, True)
        self.shut = bool(self._places or self._hasty) or self.waiting >= self._capacity

    def close(self) -> None:
        """Put everybody off now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for places in self._all():
            while places:
                self._call(places, False)

    def _all(self) -> tuple[deque[_Place], ...]:
        return self._places, self._hasty, self._late

    def _call(self, places: deque[_Place], turn: bool) -> None:
        place = places.popleft()
        self._lined -= place.size
        if place.sender is not None:
            place.sender.turn_at = asyncio.get_running_loop().time()
        place.turn(turn)

    def _watch(self) -> None:
        """One timer for all: everybody has the same patience, so the first of a line loses it first."""
        if self._timer is None and len(self):
            until = min(places[0].until for places in self._all() if places)
            self._timer = asyncio.get_running_loop().call_at(until, self._lose_patience)

    def _lose_patience(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for places in self._all():
            while places and places[0].until <= now:
                self._put_off()
                self._call(places, False)
        self._watch()
