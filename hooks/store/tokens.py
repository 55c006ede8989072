"""Sealed access tokens that servers share, and whose turn it is to fetch the next one."""

from __future__ import annotations

from datetime import datetime

from hooks.ports import KeptToken, TokenStore
from hooks.store.engine import Engine, Reading, Transaction
from hooks.store.rows import millis, moment

FORGOTTEN_AFTER = 7 * 86_400_000
"""Milliseconds after a token's end when its row is dropped: its connection is not used, or has other credentials."""


class SqlTokens:
    """The verbs of `TokenStore` on a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def kept(self, account: str) -> KeptToken | None:
        return await self._engine.read(lambda reading: _kept(reading, account))

    async def begin(self, account: str, number: int, owner: str, now: datetime, until: datetime) -> bool:
        return await self._engine.write(lambda transaction: _begin(transaction, account, number, owner, now, until))

    async def keep(self, account: str, owner: str, sealed: bytes, until: datetime) -> None:
        await self._engine.write(lambda transaction: _keep(transaction, account, owner, sealed, until))

    async def leave(self, account: str, owner: str) -> None:
        await self._engine.write(lambda transaction: _leave(transaction, account, owner))


def _kept(reading: Reading, account: str) -> KeptToken | None:
    row = reading.execute("SELECT number, sealed, good_until FROM tokens WHERE account = ?", (account,)).fetchone()
    return None if row is None else KeptToken(row[0], None if row[1] is None else bytes(row[1]), moment(row[2]))


def _begin(transaction: Transaction, account: str, number: int, owner: str, now: datetime, until: datetime) -> bool:
    taken = transaction.execute(
        "INSERT INTO tokens (account, number, good_until, fetcher, fetch_until) VALUES (?, 0, ?, ?, ?) "
        "ON CONFLICT (account) DO UPDATE SET fetcher = excluded.fetcher, fetch_until = excluded.fetch_until "
        "WHERE tokens.number = ? AND (tokens.fetch_until IS NULL OR tokens.fetch_until <= ?) RETURNING number",
        (account, millis(now), owner, millis(until), number, millis(now)),
    )
    return taken.fetchone() is not None


def _keep(transaction: Transaction, account: str, owner: str, sealed: bytes, until: datetime) -> None:
    transaction.execute(
        "UPDATE tokens SET number = number + 1, sealed = ?, good_until = ?, fetcher = NULL, fetch_until = NULL "
        "WHERE account = ? AND fetcher = ?",
        (sealed, millis(until), account, owner),
    )
    transaction.execute(
        "DELETE FROM tokens WHERE fetcher IS NULL AND good_until < ?", (millis(until) - FORGOTTEN_AFTER,)
    )


def _leave(transaction: Transaction, account: str, owner: str) -> None:
    transaction.execute(
        "UPDATE tokens SET fetcher = NULL, fetch_until = NULL WHERE account = ? AND fetcher = ?", (account, owner)
    )


_: type[TokenStore] = SqlTokens
