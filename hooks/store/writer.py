"""The one writing connection of a SQLite file, in the only mode that keeps the promise.

Each piece of work of a batch runs inside a savepoint, so that one that fails takes back its own changes only. After an
error of the disk itself nothing is written until the process is started again, because a failed sync must not be tried
again: the kernel may have dropped the pages (what PostgreSQL does too).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from hooks.errors import StoreError, StoreRefused
from hooks.store.engine import COUNT_TRAFFIC
from hooks.store.groupcommit import AcceptRows, Work, run_batch

T = TypeVar("T")

CHECKED_BYTES = 256 * 1024 * 1024
"""Files up to this size are checked at each start; the check of a larger one would delay the first answer."""

LOG_PAGES = 1_000
"""Pages of the log between two checkpoints: 8 MiB. While one runs nobody is answered, so a log of twice as many makes
the slowest hundredth wait half as long again, and is read back from memory that the processor no longer holds near."""

_BROKEN = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


def is_full(error: Exception) -> bool:
    """Whether it is for want of room on the disk, and nothing worse."""
    return getattr(error, "sqlite_errorcode", 0) in _FULL


class SqliteTransaction:
    """What a piece of work gets: the connection, and totals that are written once per batch."""

    __slots__ = ("_deltas", "_tallies", "connection")

    skip_locked = ""
    alone = True

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._deltas: dict[str, int] = {}
        self._tallies: dict[tuple[int, str, str], int] = {}

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> sqlite3.Cursor:
        return self.connection.execute(sql, parameters)

    def count(self, name: str, by: int = 1) -> None:
        """Change a total of the table ``counters`` when the batch commits."""
        self._deltas[name] = self._deltas.get(name, 0) + by

    def tally(self, at: int, kind: str, name: str, by: int = 1) -> None:
        place = (at // 60_000, kind, name)
        self._tallies[place] = self._tallies.get(place, 0) + by

    def flush(self) -> None:
        for place, by in self._tallies.items():
            self.connection.execute(COUNT_TRAFFIC, (*place, 0, by))
        changed = [value for name, by in self._deltas.items() if by for value in (name, by)]
        if changed:
            self.connection.execute(
                f"INSERT INTO counters (name, value) VALUES {','.join(['(?,?)'] * (len(changed) // 2))} "
                "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                changed,
            )

    def apart(self, work: Work) -> Any:
        """Inside a savepoint: what the work gave, or the exception by which it failed."""
        totals, tallies = dict(self._deltas), dict(self._tallies)
        self.connection.execute("SAVEPOINT work")
        try:
            result = work(self)
        except Exception as error:
            if not self.connection.in_transaction or is_full(error):
                raise  # SQLite took the whole transaction back by itself: disk full, I/O error
            self.connection.execute("ROLLBACK TO work")
            self.connection.execute("RELEASE work")
            self._deltas, self._tallies = totals, tallies
            if isinstance(error, sqlite3.Error):
                return StoreError(f"the database did not take it: {error}")
            return error  # ours, or a value that no row can hold: trying again would not help
        self.connection.execute("RELEASE work")
        return result


class SqliteConnection(aiosqlite.Connection):
    """An aiosqlite connection that takes a whole function per hop into its thread.

    One call per statement costs twice the processor time of one call per batch.
    """

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        done: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # aiosqlite leaves it untyped
        return done

    def begin(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """The same, handed over to the thread now and not when it is awaited."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._connection is None:
            future.set_exception(StoreError("the connection is closed"))
        else:
            self._tx.put_nowait((future, partial(work, self._connection)))
        return future


def connect(path: Path, *, readonly: bool = False) -> SqliteConnection:
    """A connection to await. Autocommit mode: transactions are begun and ended in so many words."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}"

    def connector() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=512, timeout=5)

    return SqliteConnection(connector, iter_chunk_size=64)


class Passage:
    """Lets the writing thread have the interpreter until it comes to the commit, which needs none.

    The event loop lets go of the interpreter after each of its callbacks, and has it again before a thread that was
    woken for it is there. So for each of its statements the writing thread would be woken a dozen times in vain, which
    takes more than the statements do. What both do is done one after the other anyhow, so here the loop waits, for a
    moment at most: whatever a statement may wait for, a disk or a lock, the loop does not.
    """

    LONGEST = 0.002
    """Seconds. A batch of 256 receipts takes about as long."""

    def __init__(self) -> None:
        self._gate = threading.Lock()

    def close(self) -> None:
        """In the loop, before a batch is handed over."""
        self._gate.acquire(blocking=False)

    def open(self) -> None:
        """In the thread, once for each batch: only the commit is left to do."""
        self._gate.release()

    def wait(self) -> None:
        """In the loop, when the batch has been handed over."""
        self._gate.acquire(timeout=self.LONGEST)


def commit_batch(
    connection: sqlite3.Connection,
    accept_rows: AcceptRows,
    rows: Sequence[Any],
    works: Sequence[Work],
    written: Callable[[], None] = lambda: None,
) -> tuple[list[Any], list[Any]]:
    """In the connection's thread: one transaction. ``written`` is called before its commit."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = run_batch(SqliteTransaction(connection), accept_rows, rows, works)
        written()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return results


def broken_by(error: Exception) -> str | None:
    """Why nothing may be written any more after this error, None when the next try may succeed."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN and not is_full(error):
        return f"the disk or the database file is damaged ({error}); see `hooks db check`, then restart"
    return None


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
        raw.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
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
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN:
            raise StoreRefused(
                f"{path.name} is damaged ({error}): restore a backup, or see docs/operating.md"
            ) from None
        raise StoreRefused(f"{path.name} cannot be opened: {error}") from None
    except BaseException:
        await connection.close()
        raise
    return connection
