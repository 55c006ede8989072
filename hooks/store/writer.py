"""Group commit: the one writing connection, and transactions that share one sync.

Whatever has been asked for while the last commit was on its way to the disk is the next batch: one hop into the
connection's thread, one transaction, one sync, and then every caller hears at once. There is no timer: a lone request
is committed at once, and under load the batches grow by themselves.

Each piece of work runs inside a savepoint, so that one that fails takes back its own changes only. A commit that the
disk refuses is nobody's success: every caller of the batch gets StoreError. After an error of the disk itself the
writer stays closed until the process is started again, because a failed sync must not be tried again: the kernel may
have dropped the pages (what PostgreSQL does too).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from hooks.errors import StoreError, StoreRefused
from hooks.store.engine import Transaction

T = TypeVar("T")

MAX_BATCH = 256
"""Pieces of work in one transaction: enough to make the sync cheap, few enough to answer the first one soon."""

CHECKED_BYTES = 256 * 1024 * 1024
"""Files up to this size are checked at each start; the check of a larger one would delay the first answer."""

_BROKEN = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class SqliteTransaction:
    """What a piece of work gets: the connection, and totals that are written once per batch."""

    __slots__ = ("_deltas", "connection")

    skip_locked = ""
    alone = True

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._deltas: dict[str, int] = {}

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> sqlite3.Cursor:
        return self.connection.execute(sql, parameters)

    def count(self, name: str, by: int = 1) -> None:
        """Change a total of the table ``counters`` when the batch commits."""
        self._deltas[name] = self._deltas.get(name, 0) + by

    def totals(self) -> dict[str, int]:
        """A copy, to go back to when a piece of work fails."""
        return dict(self._deltas)

    def reset(self, totals: dict[str, int]) -> None:
        self._deltas = totals

    def flush(self) -> None:
        for name, by in self._deltas.items():
            if by:
                self.connection.execute(
                    "INSERT INTO counters (name, value) VALUES (?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                    (name, by),
                )


class SqliteConnection(aiosqlite.Connection):
    """An aiosqlite connection that takes a whole function per hop into its thread.

    One call per statement costs twice the processor time of one call per batch.
    """

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        done: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # aiosqlite leaves it untyped
        return done


def connect(path: Path, *, readonly: bool = False) -> SqliteConnection:
    """A connection to await. Autocommit mode: transactions are begun and ended in so many words."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}"

    def connector() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=512, timeout=5)

    return SqliteConnection(connector, iter_chunk_size=64)


Work = Callable[[Transaction], Any]
AcceptRows = Callable[[Transaction, list[Any]], list[Any]]


class Writer:
    """The only writer of a database file.

    ``accept`` is the hot path: rows of one shape, handed to ``accept_rows`` together (one statement for all of them).
    ``write`` is for everything else. Both give what the work returned, after the commit has been synced.
    """

    def __init__(self, connection: SqliteConnection, accept_rows: AcceptRows) -> None:
        self._connection = connection
        self._accept_rows = accept_rows
        self._rows: list[tuple[Any, asyncio.Future[Any]]] = []
        self._works: list[tuple[Work, asyncio.Future[Any]]] = []
        self._busy = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self.broken: str | None = None
        """Why nothing is written any more until a restart, or None."""
        self.commits = 0
        """Transactions committed since the start."""

    def accept(self, row: Any) -> asyncio.Future[Any]:
        return self._enqueue(self._rows, row)

    def write(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        return self._enqueue(self._works, work)

    def _enqueue(self, queue: list[tuple[Any, asyncio.Future[Any]]], item: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.broken is not None or self._closed:
            future.set_exception(StoreError(self.broken or "the store is closed"))
            return future
        queue.append((item, future))
        if not self._busy:
            self._busy = True
            self._task = asyncio.create_task(self._drain(), name="group-commit")
        return future

    async def _drain(self) -> None:
        try:
            while self._rows or self._works:
                rows, self._rows = self._rows[:MAX_BATCH], self._rows[MAX_BATCH:]
                works, self._works = self._works[:MAX_BATCH], self._works[MAX_BATCH:]
                await self._commit(rows, works)
        finally:
            self._busy = False

    async def _commit(
        self, rows: list[tuple[Any, asyncio.Future[Any]]], works: list[tuple[Work, asyncio.Future[Any]]]
    ) -> None:
        def batch(connection: sqlite3.Connection) -> tuple[list[Any], list[Any]]:
            return self._batch(connection, [row for row, _ in rows], [work for work, _ in works])

        futures = [future for _, future in rows] + [future for _, future in works]
        try:
            accepted, written = await self._connection.run(batch)
        except Exception as error:
            # whatever it was, nobody may be left waiting for an answer that does not come
            failure = StoreError(f"the database did not take it: {error}")
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _BROKEN:
                self.broken = f"the disk or the database file is damaged ({error}); see `hooks db check`, then restart"
            for future in futures:
                if not future.done():
                    future.set_exception(failure)
            return
        self.commits += 1
        for future, result in zip(futures, [*accepted, *written], strict=True):
            if future.done():
                continue  # its caller has gone: the work is committed all the same
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _batch(self, connection: sqlite3.Connection, rows: list[Any], works: list[Work]) -> tuple[list[Any], list[Any]]:
        """In the connection's thread: one transaction. A work that fails gives its exception in its place."""
        transaction = SqliteTransaction(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            accepted = self._accept_rows(transaction, rows) if rows else []
            written = [self._apart(transaction, work) for work in works]
            transaction.flush()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return accepted, written

    @staticmethod
    def _apart(transaction: SqliteTransaction, work: Work) -> Any:
        connection, totals = transaction.connection, transaction.totals()
        connection.execute("SAVEPOINT work")
        try:
            result = work(transaction)
        except Exception as error:
            if not connection.in_transaction:
                raise  # SQLite took the whole transaction back by itself: disk full, I/O error
            connection.execute("ROLLBACK TO work")
            connection.execute("RELEASE work")
            transaction.reset(totals)
            if isinstance(error, sqlite3.Error):
                return StoreError(f"the database did not take it: {error}")
            return error  # ours, or a value that no row can hold: trying again would not help
        connection.execute("RELEASE work")
        return result

    async def close(self) -> None:
        """Finish what was asked for, then take nothing more."""
        self._closed = True
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])


async def open_writing(path: Path) -> SqliteConnection:
    """The writing connection, in the only mode that keeps the promise: WAL, every commit synced.

    Raises StoreRefused when SQLite does not grant it.
    """
    connection = connect(path)
    await connection

    def prepare(raw: sqlite3.Connection) -> None:
        raw.execute("PRAGMA page_size = 8192")
        mode = raw.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("PRAGMA secure_delete = ON")
        raw.execute("PRAGMA wal_autocheckpoint = 2000")
        if mode != "wal" or raw.execute("PRAGMA synchronous").fetchone()[0] != 2:
            raise StoreRefused(
                f"{path.name} cannot be kept durable here: SQLite answered journal_mode={mode}; "
                "put the data folder on a local file system"
            )
        if path.stat().st_size > CHECKED_BYTES:
            return
        found = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreRefused(f"{path.name} is damaged ({found}): restore a backup, or see docs/operating.md")

    try:
        await connection.run(prepare)
    except sqlite3.Error as error:
        await connection.close()
        raise StoreRefused(f"{path.name} cannot be opened: {error}") from None
    except BaseException:
        await connection.close()
        raise
    return connection
