"""SQLite as the store's database: one file, one writing connection, one that reads for the engine.

Exactly one connection writes (`hooks.store.writer`), behind an advisory lock that keeps other processes out. All verbs
that write share commits with whatever else is asked for at that moment.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hooks.errors import StoreError, StoreRefused
from hooks.store.accept import accept_rows
from hooks.store.auditing import noted
from hooks.store.copying import clear_killed, copy_before_migrating
from hooks.store.engine import Engine, Reader, Reading, Transaction
from hooks.store.groupcommit import GroupCommit, Hear, Results, Work
from hooks.store.history import SqlHistory
from hooks.store.lock import WriterLock
from hooks.store.migrate import migrate
from hooks.store.recent import Recent, settle_stored
from hooks.store.room import Room
from hooks.store.storage import fleeting
from hooks.store.verbs import SqlStore
from hooks.store.writer import Passage, SqliteConnection, broken_by, commit_batch, connect, is_full, open_writing

T = TypeVar("T")

_FULL = "too little room is left on the disk"

log = logging.getLogger("hooks.store")


class SqliteEngine:
    """One file, taken for this process. Make it with `open`."""

    def __init__(
        self,
        path: Path,
        connection: SqliteConnection,
        reader: SqliteConnection,
        lock: WriterLock,
        room: Room,
        migrated: Sequence[str],
    ) -> None:
        self._path = path
        self._files = _identities(path)
        self._connection = connection
        self.room = room
        self._reader = reader  # what is read for the engine must not wait behind commits, nor commits behind it
        self._lock = lock
        self._writer = GroupCommit(self._begin, broken_by)
        self._passage = Passage()
        self._recent = Recent(self._writer.write)
        self._accept_rows = partial(accept_rows, originals=self._recent.originals)
        self._settling: asyncio.Task[None] | None = None
        self.migrated = tuple(migrated)

    @classmethod
    async def open(cls, path: Path, *, relaxed: bool = False, free_space: int | None = 0) -> SqliteEngine:
        """Take the file for this process, check it, and bring its tables to this release. Raises StoreRefused.

        ``free_space``: bytes that intake leaves free on the disk, None for the default, 0 for none.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = WriterLock(path)
            lock.acquire()
            room = Room(path, free_space, time.monotonic)
        except OSError as error:
            raise StoreRefused(f"the data folder {path.parent} cannot be used: {error.strerror}") from None
        try:
            if not relaxed and (kind := fleeting(path.parent)):
                raise StoreRefused(
                    f"{path.parent} is on a {kind}, which forgets everything when the machine stops: put the data "
                    "folder on a disk, or set HOOKS_DURABILITY=relaxed when that may be"
                )
            clear_killed(path)
            room.restore()
            _make_private(path)
            connection = await open_writing(path)
        except BaseException:
            lock.release()
            raise
        reader = connect(path, readonly=True)
        try:
            now = datetime.now(UTC)
            if copy := await connection.run(lambda raw: copy_before_migrating(path, raw, now)):
                log.info("%s is the database as it was before its tables are changed", copy.file)
            migrated = await connection.run(migrate)
            for name in migrated:
                log.debug("%s applied to the database", name)
            await connection.run(settle_stored)
            # what a statement may have to take back is a few pages from here on: for a file it takes ten calls a commit
            await connection.run(lambda raw: raw.execute("PRAGMA temp_store = MEMORY"))
            await reader
        except BaseException as error:
            await connection.close()
            lock.release()
            if isinstance(error, sqlite3.Error):
                raise StoreRefused(f"{path.name} cannot be used: {error}") from None
            raise
        return cls(path, connection, reader, lock, room, migrated)

    def _begin(self, rows: Sequence[Any], works: Sequence[Work]) -> Awaitable[Results]:
        """Hand a batch over to the writing thread, which has come to the commit when this returns."""
        self._passage.close()
        begun = self._connection.begin(
            lambda raw: commit_batch(raw, self._accept_rows, rows, works, self._passage.open)
        )
        self._passage.wait()
        return self._end(begun, rows, works)

    async def _end(self, begun: Awaitable[Results], rows: Sequence[Any], works: Sequence[Work]) -> Results:
        try:
            accepted, written = await begun
        except sqlite3.Error as error:
            if not (is_full(error) and works and self.room.give_up()):
                raise
        else:
            self._recent.took(rows, accepted)
            if self._recent.full and (self._settling is None or self._settling.done()):
                self._settling = asyncio.create_task(self._settle(), name="recent deliveries")
            return accepted, written
        # Only what is under way goes into the place of the reserve: receipts can be sent again.
        _, written = await self._connection.run(lambda raw: commit_batch(raw, self._accept_rows, [], works))
        return [StoreError(_FULL)] * len(rows), written

    async def _settle(self, *, at_once: bool = False) -> None:
        try:
            await self._recent.settle(at_once=at_once)
        except StoreError as error:
            log.debug("recent deliveries are written to their table later: %s", error)

    @property
    def broken(self) -> str | None:
        return self._writer.broken

    @property
    def alone(self) -> bool:
        return True

    @property
    def commits(self) -> int:
        return self._writer.commits

    @property
    def file(self) -> Path:
        return self._path

    @property
    def scarce(self) -> bool:
        return self.room.given_up

    @property
    def crowded(self) -> bool:
        return self.room.crowded

    def accept(self, row: Any) -> asyncio.Future[Any]:
        if self.room.low(row.size):
            raise StoreError(_FULL)
        return self._writer.accept(row)

    def hand(self, row: Any, hear: Hear) -> None:
        if self.room.low(row.size):
            raise StoreError(_FULL)
        self._writer.hand(row, hear)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._writer.write(noted(work))

    async def read(self, read: Callable[[Reading], T]) -> T:
        try:
            return await self._reader.run(read)
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"the database cannot be read: {error}") from None

    async def tidy(self) -> None:
        if await asyncio.to_thread(self._gone):
            return
        await asyncio.to_thread(self.room.restore)

        def unused(reading: Reading) -> int:
            pages: int = reading.execute("PRAGMA freelist_count").fetchone()[0]
            size: int = reading.execute("PRAGMA page_size").fetchone()[0]
            return pages * size

        self.room.reusable = await self.read(unused)
        self.room.look()

    def _gone(self) -> bool:
        """Whether somebody took the files away: what is written to them then is found by nobody any more."""
        # inodes stay while somebody has them open; one that was not there yet may come
        pairs = zip(self._files, _identities(self._path), strict=True)
        if all(then is None or then == now for then, now in pairs):
            return False
        if self._writer.broken is None:
            self._writer.broken = (
                f"{self._path.name} was deleted, or something else was put in its place, while this server ran: "
                "put it back with its -wal beside it, or a copy of it, and restart"
            )
            log.error("%s; until then webhooks are put off and nothing is carried out", self._writer.broken)
        return True

    async def settle(self) -> None:
        await self._recent.settle()

    async def examine(self) -> str | None:
        raw = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        reading = asyncio.create_task(asyncio.to_thread(_damage, raw))
        try:
            wrong = await asyncio.shield(reading)
        except asyncio.CancelledError:
            raw.interrupt()
            await asyncio.wait([reading])
            raise
        finally:
            raw.close()
        if wrong is not None:
            self._writer.broken = f"the database file is damaged ({wrong})"
        return wrong

    def figures(self) -> Mapping[str, int]:
        try:
            return {
                "free_bytes": self.room.free,
                "free_bytes_wanted": self.room.mark,
                "database_bytes": self._path.stat().st_size,
                "reusable_bytes": self.room.reusable,
            }
        except FileNotFoundError:
            return {}  # it was taken away, which `tidy` says

    async def scrub(self) -> None:
        """Empty the log, which holds pages as they were before."""
        try:
            await self._connection.run(lambda raw: raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
        except sqlite3.Error as error:
            raise StoreError(f"the log cannot be emptied now: {error}") from None

    async def close(self) -> None:
        if self._writer.broken is None:
            await self._settle(at_once=True)
        await self._writer.close()
        try:
            await self._reader.close()
            await self._connection.close()
        finally:
            self._lock.release()


def _identities(path: Path) -> list[tuple[int, int] | None]:
    """Which files the database and its log are, by device and number; None where there is none."""
    found: list[tuple[int, int] | None] = []
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            known = file.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((known.st_dev, known.st_ino))
    return found


def _damage(raw: sqlite3.Connection) -> str | None:
    try:
        found: str = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError:
        return None  # interrupted by a stop, or busy: it is looked at another time
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else found


def _make_private(path: Path) -> None:
    """The file, for its owner only before anything is in it: SQLite makes those beside it with the same mode.

    Raises StoreRefused when it cannot be written.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        for file in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))):
            if file.exists():
                file.chmod(0o600)
    except OSError as error:
        raise StoreRefused(f"{path} cannot be used as a database: {error.strerror}") from None


async def open_sqlite(path: Path, *, relaxed: bool = False, free_space: int | None = 0) -> SqlStore:
    """A store on one file. ``relaxed`` takes a file system that lives in memory; ``free_space`` as for the engine.

    Raises StoreRefused when another server has it, when it is newer than this program or damaged, or when the
    file system does not let SQLite keep its promise.
    """
    return SqlStore(await SqliteEngine.open(path, relaxed=relaxed, free_space=free_space))


class SqliteReader:
    """A connection of its own that cannot write, nor checkpoint."""

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection

    async def read(self, read: Callable[[Reading], T]) -> T:
        def of_one_moment(raw: sqlite3.Connection) -> T:
            raw.execute("BEGIN")  # between two statements the writer goes on
            try:
                return read(raw)
            finally:
                raw.execute("COMMIT")

        try:
            return await self._connection.run(of_one_moment)
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"the database cannot be read: {error}") from None

    async def close(self) -> None:
        await self._connection.close()


async def open_sqlite_history(path: Path) -> SqlHistory:
    """What people read of a file. Raises StoreError when it is not there or is no database of ours."""
    if not path.is_file():
        raise StoreError(f"there is no database at {path}: start `hooks serve` first, or name its --data folder")
    return SqlHistory(await _open_reader(path), partial(_open_reader, path))


async def _open_reader(path: Path) -> SqliteReader:
    connection = connect(path, readonly=True)
    try:
        await connection
        await connection.run(lambda raw: raw.execute("SELECT count(*) FROM counters").fetchone())
    except sqlite3.Error as error:
        await connection.close()
        raise StoreError(f"{path} cannot be read: {error}") from None
    return SqliteReader(connection)


_: type[Engine] = SqliteEngine
_reader: type[Reader] = SqliteReader
