"""PostgreSQL as the store's database: any number of servers on it, each with a few connections and no state in them.

Nothing is kept in a session, so a pooler that hands out transactions may stand between. A connection that is lost is
made again at the next use; whether the transaction under way was committed is then not known, and every verb can be
asked again: receipts by their digest, plans by their receipt, results by the fence of their lease.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.types.numeric import IntLoader

from hooks.errors import StoreError, StoreRefused
from hooks.store.accept import accept_rows
from hooks.store.auditing import noted
from hooks.store.dialect import statement
from hooks.store.engine import COUNT_TRAFFIC, Cursor, Engine, Reader, Reading, Transaction
from hooks.store.fitness import check_fit, make_tables
from hooks.store.groupcommit import GroupCommit, Hear, Work, run_batch
from hooks.store.history import SqlHistory
from hooks.store.session import (
    CONNECTING,
    READS,
    RECEIPTS,
    WRITES,
    Address,
    Away,
    Busy,
    Session,
    is_gone,
    no_way_in,
    said,
)
from hooks.store.tuning import measured
from hooks.store.verbs import SqlStore

T = TypeVar("T")

log = logging.getLogger("hooks.store")

SHARDS = 32
"""Each server counts in rows of its own, so that servers do not wait for each other's totals."""

AGAIN_FIRST, AGAIN_LAST = 0.1, 1.0
"""Seconds between two tries whether a database that was away is back: doubled each time, up to the last."""

START_TRIES, MIGRATION_TRIES = 3, 10

RECOVERY_TRIES = 120
"""Tries at the start while the database says that it is there and not ready: after a crash it reads its log first."""

NOT_READY = "the database system is"
"""How PostgreSQL says so: starting up, shutting down, in recovery, not yet accepting connections."""

MEASURE_EVERY = 15.0
"""Seconds between two looks at what PostgreSQL's vacuum has to do."""

READERS = 3
"""Connections for the engine's own reads and for what people look at."""


class PostgresTransaction:
    """A transaction as the verbs see it."""

    skip_locked = " FOR UPDATE SKIP LOCKED"
    alone = False

    def __init__(self, connection: psycopg.Connection[Any], shard: int, *, single: bool = False) -> None:
        """``single``: one piece of work is all that it is for, so when that fails all of it is taken back."""
        self._connection = connection
        self._shard = shard
        self._single = single
        self._saved = False
        self._deltas: dict[str, int] = {}
        self._tallies: dict[tuple[int, str, str], int] = {}

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        # the usual cursor would read a statement of many parameters anew each time, to number them
        return psycopg.RawCursor(self._connection).execute(statement(sql), parameters)

    def count(self, name: str, by: int = 1) -> None:
        self._deltas[name] = self._deltas.get(name, 0) + by

    def tally(self, at: int, kind: str, name: str, by: int = 1) -> None:
        place = (at // 60_000, kind, name)
        self._tallies[place] = self._tallies.get(place, 0) + by

    def flush(self) -> None:
        for place, by in sorted(self._tallies.items()):
            self.execute(COUNT_TRAFFIC, (*place, self._shard, by))
        for name, by in sorted(self._deltas.items()):  # in one order, so that two servers cannot block each other
            if by:
                self.execute(
                    "INSERT INTO counters (name, value) VALUES (?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value",
                    (f"{name}#{self._shard}", by),
                )

    def apart(self, work: Work) -> Any:
        """Inside a savepoint: what the work gave, or the exception by which it failed."""
        totals, tallies = dict(self._deltas), dict(self._tallies)
        if not self._single:
            # The savepoint of the work before goes in the same breath: each word to the database costs as much as work.
            self._connection.execute("RELEASE work; SAVEPOINT work" if self._saved else "SAVEPOINT work")
            self._saved = True
        try:
            return work(self)
        except Exception as error:
            if isinstance(error, psycopg.errors.DeadlockDetected):
                raise  # others wait for what the works before have locked: all of them stand back, and are tried anew
            if isinstance(error, psycopg.Error) and is_gone(error, self._connection):
                raise
            self._connection.execute("ROLLBACK; BEGIN" if self._single else "ROLLBACK TO work")
            self._deltas, self._tallies = totals, tallies
            return (
                StoreError(f"the database did not take it: {said(error)}")
                if isinstance(error, psycopg.Error)
                else error
            )


class PostgresEngine:
    """A database with three ways in: receipts, everything else that is written, and reads. Make it with `open`.

    While it is away everything is refused at once, and one task asks whether it is back.
    """

    def __init__(self, address: Address) -> None:
        self._receipts = Session(address.dsn, RECEIPTS, address.prepare)
        self._writes = Session(address.dsn, WRITES, address.prepare)
        self._reader = PostgresReader(address, 1)
        self.migrated: Sequence[str] = ()
        self._shard = secrets.randbelow(SHARDS)
        self._accepts = GroupCommit(lambda rows, works: self._commit(self._receipts, rows, works))
        self._works = GroupCommit(lambda rows, works: self._commit(self._writes, rows, works))
        self._figures: Mapping[str, int] = {}
        self._measured_at = float("-inf")
        self._away: str | None = None
        self._returning: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, dsn: str, *, relaxed: bool = False) -> PostgresEngine:
        """Connect, check that the server keeps what it commits, and bring its tables to this release.

        Raises StoreRefused with what is wrong and what to do.
        """
        engine = cls(Address.read(dsn))
        try:
            await engine._checked(relaxed)
            engine.migrated = tuple(await engine._migrated())
            for name in engine.migrated:
                log.debug("%s applied to the database", name)
        except StoreRefused:
            await engine.close()
            raise
        except StoreError as error:
            await engine.close()
            raise StoreRefused(str(error)) from None
        except BaseException:
            await engine.close()
            raise
        return engine

    async def _checked(self, relaxed: bool) -> None:
        """Check the server. One that cannot be reached is given a moment, one that is just starting too its time."""
        tries = 1
        while True:
            try:
                return await self._writes.run(lambda connection: check_fit(connection, relaxed), limited=False)
            except Away as error:
                if tries >= (RECOVERY_TRIES if NOT_READY in str(error) else START_TRIES):
                    raise
                log.warning("%s", error)
            tries += 1
            await asyncio.sleep(AGAIN_LAST)

    async def _migrated(self) -> Sequence[str]:
        """Bring the tables to this release; while a table is in use for long, again and again for a while."""
        for _ in range(MIGRATION_TRIES - 1):
            try:
                return await self._writes.run(make_tables, limited=False)
            except Busy as error:
                log.warning("the tables cannot be changed now: %s", error)
                await asyncio.sleep(AGAIN_LAST)
        return await self._writes.run(make_tables, limited=False)

    @property
    def broken(self) -> str | None:
        return self._away

    @property
    def file(self) -> None:
        return None

    @property
    def scarce(self) -> bool:
        return False  # its disk is not ours to look at

    @property
    def crowded(self) -> bool:
        return False

    @property
    def commits(self) -> int:
        return self._accepts.commits + self._works.commits

    @property
    def alone(self) -> bool:
        return False

    def accept(self, row: Any) -> asyncio.Future[Any]:
        return self._accepts.accept(row)

    def hand(self, row: Any, hear: Hear) -> None:
        self._accepts.hand(row, hear)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._works.write(noted(work))

    async def read(self, read: Callable[[Reading], T]) -> T:
        self._check_there()
        try:
            return await self._reader.read(read)
        except Away as error:
            self._lost(error)
            raise

    async def tidy(self) -> None:
        """PostgreSQL does that by itself; here it is looked whether it can."""
        if time.monotonic() - self._measured_at > MEASURE_EVERY:
            self._measured_at = time.monotonic()
            self._figures = await self.read(measured)

    async def settle(self) -> None:
        return  # nothing is known to one of its servers alone

    async def examine(self) -> None:
        return  # its pages are PostgreSQL's own business

    def figures(self) -> Mapping[str, int]:
        return self._figures

    async def scrub(self) -> None:
        """Nothing: PostgreSQL overwrites old rows when it vacuums, and its log in its own time."""

    async def close(self) -> None:
        await self._accepts.close()
        await self._works.close()
        if self._returning is not None:
            self._returning.cancel()
            await asyncio.wait([self._returning])
        await self._receipts.close()
        await self._writes.close()
        await self._reader.close()

    async def _commit(
        self, session: Session, rows: Sequence[Any], works: Sequence[Work]
    ) -> tuple[list[Any], list[Any]]:
        self._check_there()
        shard, single = self._shard, not rows and len(works) == 1
        try:
            return await session.run(
                lambda connection: run_batch(
                    PostgresTransaction(connection, shard, single=single), accept_rows, rows, works
                )
            )
        except Away as error:
            self._lost(error)
            raise

    def _check_there(self) -> None:
        if self._away is not None:
            raise Away(self._away)

    def _lost(self, error: Away) -> None:
        if self._away is None:
            log.error("%s; until it is back deliveries are put off and nothing is begun", error)
            self._away = str(error)
            self._returning = asyncio.create_task(self._come_back(), name="waiting-for-the-database")

    async def _come_back(self) -> None:
        """Return when the database can be written to again. Its address is asked anew each time."""
        began = time.monotonic()
        wait = AGAIN_FIRST
        while True:
            try:
                await self._receipts.run(_check_writable)
            except StoreError as error:
                self._away = str(error)
                await asyncio.sleep(wait)
                wait = min(AGAIN_LAST, wait * 2)
            else:
                break
        self._away = None
        log.warning("the database is back after %.1f s", time.monotonic() - began)


class PostgresReader:
    """A few connections that cannot write, and a time limit for what they are asked."""

    def __init__(self, address: Address, connections: int = READERS) -> None:
        self._free: asyncio.Queue[Session] = asyncio.Queue()
        self._sessions = [Session(address.dsn, READS, address.prepare) for _ in range(connections)]
        for session in self._sessions:
            self._free.put_nowait(session)

    async def read(self, read: Callable[[Reading], T]) -> T:
        session = await self._free.get()
        try:
            return await session.run(lambda connection: read(PostgresTransaction(connection, 0)))
        finally:
            self._free.put_nowait(session)

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()


async def open_postgres(dsn: str, *, relaxed: bool = False) -> SqlStore:
    """A store on a PostgreSQL database, shared with any number of other servers.

    ``relaxed`` takes a server that may lose commits. Raises StoreRefused when it cannot be reached or is too old, when
    its tables are newer than this program, or when it does not keep what it commits.
    """
    return SqlStore(await PostgresEngine.open(dsn, relaxed=relaxed))


async def open_postgres_history(dsn: str) -> SqlHistory:
    """What people read of a database. Raises StoreError when it cannot be reached or is no database of ours."""
    reader = PostgresReader(Address.read(dsn))
    try:
        await reader.read(_require_tables)
    except StoreError:
        await reader.close()
        raise
    return SqlHistory(reader)


@contextmanager
def reading_of(dsn: str) -> Iterator[Reading]:
    """A view for whoever reads in the calling thread, without an event loop. Raises StoreError, then and later."""
    address = Address.read(dsn)
    threshold = 5 if address.prepare else None
    try:
        connection = psycopg.connect(address.dsn, autocommit=True, prepare_threshold=threshold, **CONNECTING)
    except psycopg.Error as error:
        raise StoreError(no_way_in(error)) from None
    try:
        with connection:
            connection.read_only = True
            connection.adapters.register_loader("numeric", IntLoader)
            reading = PostgresTransaction(connection, 0)
            _require_tables(reading)
            yield reading
    except psycopg.Error as error:
        raise StoreError(f"the database cannot be read: {said(error)}") from None


def _require_tables(reading: Reading) -> None:
    """Raises StoreError unless the tables of a server are there."""
    if reading.execute("SELECT to_regclass('counters') IS NULL").fetchone()[0]:
        raise StoreError("nothing of hooks is in this database yet: start `hooks serve` on it first")


def _check_writable(connection: psycopg.Connection[Any]) -> None:
    """Raises Away on a standby: it may become the first, or our address may lead to that by then.

    The same for one that may only be read: whoever runs it for us may have set that because its disk is full.
    """
    asked = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"
    standby, read_only = connection.execute(asked).fetchone() or (False, False)
    if standby:
        raise Away("the database that the address leads to is a standby: nothing can be written to it")
    if read_only:
        raise Away(
            f"the database {connection.info.dbname} may only be read: default_transaction_read_only is on, which some "
            "set when its disk is full"
        )


_: type[Engine] = PostgresEngine
_reader: type[Reader] = PostgresReader
