"""Hints between servers that share a PostgreSQL: one has stored something, so another need not wait for its next look.

A hint is never relied upon: each server looks at the tables every second anyway. PostgreSQL holds one lock over all
commits of a server while a transaction that has notified commits, so hints leave outside of all others, and a server
sends `EVERY` one at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal

import psycopg

from hooks.store.session import CONNECTING, Address, said

log = logging.getLogger("hooks.store")

Kind = Literal["receipts", "runs"]

CHANNEL = "hooks"

EVERY = 0.05
"""Seconds between two hints of a server, at least."""

AGAIN = 5.0
"""Seconds after which a connection that was lost is made again."""

QUIET = 30.0
"""Seconds without a hint after which it is asked whether the other side is still there."""

ANSWER = 5.0
"""Seconds in which a connection is made, and a word of ours answered."""


class Hints:
    """The hints of one server. ``tell`` from anywhere in the loop; ``send`` and ``listen`` go on until cancelled."""

    def __init__(self, address: Address) -> None:
        self._dsn = address.dsn
        self._told: set[Kind] = set()
        self._signal = asyncio.Event()

    def tell(self, kind: Kind) -> None:
        """Other servers should look for receipts to read, or for runs to carry out."""
        self._told.add(kind)
        self._signal.set()

    async def send(self) -> None:
        connection: psycopg.AsyncConnection[Any] | None = None
        try:
            while True:
                await self._signal.wait()
                self._signal.clear()
                told, self._told = sorted(self._told), set()
                try:
                    async with asyncio.timeout(ANSWER):
                        connection = connection or await self._connected()
                        for kind in told:
                            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, kind))
                except (psycopg.Error, OSError, TimeoutError) as error:
                    log.debug("other servers cannot be woken now: %s", said(error))
                    if connection is not None:
                        await connection.close()
                        connection = None
                    await asyncio.sleep(AGAIN)
                await asyncio.sleep(EVERY)
        finally:
            if connection is not None:
                await connection.close()

    async def listen(self, wake: Mapping[str, Callable[[], None]]) -> None:
        """Call what is named like a hint whenever one comes, and all of them after a time without a connection."""
        while True:
            try:
                await self._listen(wake)
            except (psycopg.Error, OSError, TimeoutError) as error:
                log.debug("other servers cannot wake this one now: %s", said(error))
            await asyncio.sleep(AGAIN)

    async def _listen(self, wake: Mapping[str, Callable[[], None]]) -> None:
        async with asyncio.timeout(ANSWER):
            connection = await self._connected()
        try:
            await connection.execute(f"LISTEN {CHANNEL}")
            for look in wake.values():
                look()
            while True:
                async for hint in connection.notifies(timeout=QUIET):
                    if hint.payload in wake:
                        wake[hint.payload]()
                async with asyncio.timeout(ANSWER):
                    await connection.execute("SELECT 1")
        finally:
            await connection.close()

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, prepare_threshold=None, **CONNECTING)
