"""What servers tell each other of the connections by the store, so that ten of them ask no more than one would.

A server that finds an account refusing or failing says so, the others leave it alone too, and when its time is up one
of them tries it for all. They look every second: by then each may have found it out for itself, at the cost of a call.
A server that has the store to itself tells the one that is started after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from hooks.errors import StoreError
from hooks.pipeline.accounts import Account
from hooks.pipeline.breaker import LONGEST_WAIT
from hooks.ports import Clock, ConnectionStates, Opened, TokenShelf, TokenStore

TRY = 10.0
"""Seconds that one server has for a try before another one may make it: no run may be due at the one."""

FETCH = 10.0
"""Seconds that one server has for fetching a token before another one does: it may have died."""

NEAR = 0.5
"""Seconds by which two times may differ and be the same."""


class Shared:
    """The connections of one server beside those of the others."""

    def __init__(
        self, states: ConnectionStates, clock: Clock, accounts: Callable[[], Mapping[str, Account]], *, works: bool
    ) -> None:
        """``works``: this server carries runs out, so it finds out how accounts are; one that does not only looks."""
        self._states = states
        self._clock = clock
        self._accounts = accounts
        self._works = works
        self._known: set[str] = set()
        """Connections that were left alone when the store was looked at last."""
        self._mine: dict[str, float] = {}
        """Until when this server may try a connection, by the monotonic clock."""
        self._before: dict[str, Opened] | None = None
        """What the server before this one had found out, of connections that this one has not had yet."""
        self._told: dict[str, float] = {}
        """Until when the connections are left alone that stand in the store, where nobody else writes them."""

    async def look(self) -> None:
        """Take over what others have found out, and tell what this server has. Raises StoreError."""
        if self._states.alone:
            if self._works:
                await self._keep()
            return
        kept, busy = await self._states.connection_states()
        pauses = await self._states.pauses()
        accounts = self._accounts()
        for name, account in accounts.items():
            account.pause = pauses.get(name)
        for name, account in accounts.items():
            account.everywhere = busy.get(name, 0)
            await self._compare(account, kept.get(name))

    async def may_try(self, account: Account) -> bool:
        """Whether an account that was left alone may be called now by this server. Raises StoreError."""
        name, breaker = account.name, account.breaker
        now = self._clock.monotonic()
        if self._states.alone or not breaker.probing or name not in self._known or now < self._mine.get(name, 0.0):
            return True
        wall = self._clock.now()
        if await self._states.take_try(name, wall, wall + timedelta(seconds=TRY)):
            self._mine[name] = now + TRY
            return True
        breaker.follow(now + 1.0, breaker.reason or "", breaker.refused)  # the next look says until when
        return False

    async def _keep(self) -> None:
        """Alone with the store: go on from what the server before had found out, and write what has changed since."""
        if self._before is None:
            self._before = dict((await self._states.connection_states())[0])
        for name, account in self._accounts().items():
            breaker = account.breaker
            if (found := self._before.pop(name, None)) is not None:
                breaker.follow(self._ends(found), found.reason, found.refused)
                self._told[name] = breaker.until
            if breaker.probing and breaker.until > self._told.get(name, float("-inf")):
                await self._tell(account)
                self._told[name] = breaker.until
            elif not breaker.probing and name in self._told:
                await self._states.close_breaker(name)
                del self._told[name]

    def _ends(self, found: Opened) -> float:
        """When a connection may be tried again, by the monotonic clock: never later than a breaker ever waits."""
        return self._clock.monotonic() + min((found.until - self._clock.now()).total_seconds(), LONGEST_WAIT)

    async def _compare(self, account: Account, kept: Opened | None) -> None:
        name, breaker = account.name, account.breaker
        now = self._clock.monotonic()
        if kept is None:
            if name in self._known:
                self._known.discard(name)
                self._mine.pop(name, None)
                breaker.works()  # somebody has tried it
            elif breaker.probing:
                await self._tell(account)
            return
        until = self._ends(kept)
        if not breaker.probing and name in self._known and self._works:
            self._known.discard(name)
            self._mine.pop(name, None)
            await self._states.close_breaker(name)  # this server has tried it
        elif breaker.probing and breaker.until > until + NEAR:
            await self._tell(account)
        else:
            self._known.add(name)
            if now >= self._mine.get(name, 0.0):
                breaker.follow(until, kept.reason, kept.refused)

    async def _tell(self, account: Account) -> None:
        breaker = account.breaker
        left = timedelta(seconds=breaker.until - self._clock.monotonic())
        await self._states.open_breaker(
            Opened(account.name, self._clock.now() + left, breaker.reason or "", breaker.refused)
        )
        self._known.add(account.name)
        self._mine.pop(account.name, None)


class Shelf:
    """The tokens that servers on one store share, as one of them sees it. Where the store fails, each fetches one."""

    def __init__(self, tokens: TokenStore, clock: Clock, owner: str) -> None:
        self._tokens = tokens
        self._clock = clock
        self._owner = owner

    async def look(self, account: str) -> tuple[int, bytes | None, float]:
        with suppress(StoreError):
            if (kept := await self._tokens.kept(account)) is not None:
                return kept.number, kept.sealed, (kept.until - self._clock.now()).total_seconds()
        return 0, None, 0.0

    async def begin(self, account: str, number: int) -> bool:
        now = self._clock.now()
        try:
            return await self._tokens.begin(account, number, self._owner, now, now + timedelta(seconds=FETCH))
        except StoreError:
            return True

    async def put(self, account: str, sealed: bytes, seconds: float) -> None:
        with suppress(StoreError):
            await self._tokens.keep(account, self._owner, sealed, self._clock.now() + timedelta(seconds=seconds))

    async def leave(self, account: str) -> None:
        with suppress(StoreError):
            await self._tokens.leave(account, self._owner)


_: type[TokenShelf] = Shelf
