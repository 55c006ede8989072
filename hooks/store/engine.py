"""What a database must offer so that the store's verbs run on it: the two ways in, and what a transaction can do.

A verb is an ordinary function over a `Transaction` (or over a `Reading`), written in the SQL that SQLite and PostgreSQL
share: ``?`` for parameters, ``ON CONFLICT``, ``RETURNING``. The engine calls it in a thread of its own, inside a
transaction, and answers when that has been committed and synced. So each verb is written once, and what differs between
the databases stands in their engines and in the few words of `Transaction`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Values = Sequence[Any]

COUNT_TRAFFIC = (
    "INSERT INTO traffic (minute, kind, name, shard, number) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (minute, kind, name, shard) DO UPDATE SET number = traffic.number + excluded.number"
)


class Cursor(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Reading(Protocol):
    """A view of one moment."""

    def execute(self, sql: str, parameters: Values = ..., /) -> Cursor: ...


class Transaction(Protocol):
    """What a verb that writes gets."""

    @property
    def skip_locked(self) -> str:
        """What follows a SELECT of rows to take, so that it passes over those that another replica is taking."""
        ...

    @property
    def alone(self) -> bool:
        """Whether no other process can write this database: then a lease of anybody else's is nobody's."""
        ...

    def execute(self, sql: str, parameters: Values = ..., /) -> Cursor: ...

    def count(self, name: str, by: int = 1) -> None:
        """Change a total of the table ``counters`` when the transaction commits."""
        ...

    def tally(self, at: int, kind: str, name: str, by: int = 1) -> None:
        """Count something in the minute of this instant (milliseconds) when the transaction commits."""
        ...


class Engine(Protocol):
    """A database, open."""

    @property
    def broken(self) -> str | None:
        """Why nothing can be written any more, or None."""
        ...

    @property
    def alone(self) -> bool:
        """Whether no other process can write this database."""
        ...

    @property
    def migrated(self) -> Sequence[str]:
        """The migrations that were applied when it was opened."""
        ...

    @property
    def file(self) -> Path | None:
        """Where the database lies on this machine, None when it is somewhere else."""
        ...

    @property
    def scarce(self) -> bool:
        """Whether there is just room enough to end what has been begun."""
        ...

    @property
    def crowded(self) -> bool:
        """Whether receipts are put off for want of room."""
        ...

    @property
    def commits(self) -> int:
        """Transactions committed since the start."""
        ...

    def accept(self, row: Any) -> asyncio.Future[Any]:
        """Hand a receipt to `hooks.store.accept.accept_rows`, together with all that wait at this moment.

        Raises StoreError when there is no room for it.
        """
        ...

    def hand(self, row: Any, hear: Callable[[Any], None]) -> None:
        """As `accept`, for somebody who is called instead of waiting: see `hooks.store.groupcommit.Hear`."""
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run it in a transaction and give what it returned, after the commit is synced. Raises StoreError."""
        ...

    async def read(self, read: Callable[[Reading], T]) -> T:
        """Run it on a view of one moment. Raises StoreError."""
        ...

    async def tidy(self) -> None:
        """What is to be done every few seconds: take back what was given up on a full disk. Raises StoreError."""
        ...

    async def settle(self) -> None:
        """Bring into the tables what is known beside them until then. Raises StoreError."""
        ...

    async def examine(self) -> str | None:
        """Read all pages; what is wrong with them, or None. From then on nothing is written to damaged ones."""
        ...

    def figures(self) -> Mapping[str, int]:
        """Numbers about the database's place, for people and for Prometheus."""
        ...

    async def scrub(self) -> None:
        """See that what was deleted is not left beside the tables either, as far as this database lets us."""
        ...

    async def close(self) -> None:
        """Finish what was asked for, and let the database go."""
        ...


class Reader(Protocol):
    """A way to read a database only, beside whoever writes it."""

    async def read(self, read: Callable[[Reading], T]) -> T:
        """Run it on a view of one moment. Raises StoreError."""
        ...

    async def close(self) -> None: ...
