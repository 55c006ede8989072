"""Deliver: when the next call of an account may leave, so that its rate holds.

One server alone counts for itself. Servers that share a store take their turns there, several at a time, so that the
rate holds over all of them and the row of a busy account is not what they wait for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from hooks.errors import StoreError
from hooks.pipeline.accounts import Account
from hooks.ports import Clock, Store

PORTION = 10
"""Turns taken from the store at once, at most: a second's worth, and never more than this."""


class Turns:
    """The turns of all accounts of this server."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._taken: dict[str, deque[datetime]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def wait_for(self, account: Account) -> float:
        """Take the next turn and give the seconds until it. While the store cannot be asked, this server counts."""
        rate = account.settings.rate
        if rate is None:
            return 0.0
        if self._store.alone:
            return account.reserve(self._clock.monotonic())
        async with self._asking.setdefault(account.name, asyncio.Lock()):
            try:
                at = await self._next(account.name, rate, account.spacing)
            except StoreError:
                return account.reserve(self._clock.monotonic())
        return max(0.0, (at - self._clock.now()).total_seconds())

    def leaving(self, account: Account) -> Callable[[], Awaitable[bool]] | None:
        """What a call waits for just before it leaves, None where nothing can be in its way."""
        return None if account.settings.rate is None else partial(self._leave, account)

    async def _leave(self, account: Account) -> bool:
        """Wait until a call whose turn has come may really leave: those before it may have been held up.

        Gives whether it had to wait.
        """
        waited = account.leaving.locked()
        async with account.leaving:
            while (wait := account.leave(self._clock.monotonic())) > 0:
                waited = True
                await self._clock.sleep(wait)
        return waited

    async def _next(self, name: str, rate: float, seconds: float) -> datetime:
        mine = self._taken.setdefault(name, deque())
        spacing = timedelta(seconds=seconds)
        now = self._clock.now()
        while mine and mine[0] + spacing < now:
            mine.popleft()  # not used in its time: used later it would make a burst
        if not mine:
            number = max(1, min(PORTION, int(rate)))
            first = await self._store.take_turns(name, number, seconds, now)
            mine.extend(first + place * spacing for place in range(number))
        return mine.popleft()
