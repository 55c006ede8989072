"""PostgreSQL as the store's database: any number of servers on it, each with a few connections and no state in them.

Nothing is kept in a session, so a pooler that hands out transactions may stand between. A connection that is lost is
made again at the next use; whether the transaction under way was committed is then not known, and every verb can be
asked again: receipts by their digest, plans by their receipt, results by the fence of their lease.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.types.numeric import IntLoader

from hooks.errors import StoreError, StoreRefused
from hooks.store.accept import accept_rows
from hooks.store.auditing import noted
from hooks.store.dialect import statement
from hooks.store.engine import COUNT_TRAFFIC, Cursor, Engine, Reader, Reading, Transaction
from hooks.store.groupcommit import GroupCommit, Work, run_batch
from hooks.store.history import SqlHistory
from hooks.store.migrate import migrate_postgres
from hooks.store.verbs import SqlStore

T = TypeVar("T")

log = logging.getLogger("hooks.store")

OLDEST = 15
"""The first PostgreSQL that this is tested with."""

SHARDS = 32
"""Each server counts in rows of its own, so that servers do not wait for each other's totals."""

WRITE_LIMIT, READ_LIMIT = 15, 10
"""Seconds for one statement; longer than any of ours takes, shorter than a lease."""

READERS = 3
"""Connections for the engine's own reads and for what people look at."""

_CONNECTING = {
    "application_name": "hooks",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class PostgresTransaction:
    """A transaction as the verbs see it."""

    skip_locked = " FOR UPDATE SKIP LOCKED"
    alone = False

    def __init__(self, connection: psycopg.Connection[Any], shard: int) -> None:
        self._connection = connection
        self._shard = shard
        self._deltas: dict[str, int] = {}
        self._tallies: dict[tuple[int, str, str], int] = {}

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        return self._connection.execute(statement(sql), parameters)

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
        self._connection.execute("SAVEPOINT work")
        try:
            result = work(self)
        except psycopg.OperationalError:
            raise  # the connection, and with it the transaction, is gone
        except Exception as error:
            self._connection.execute("ROLLBACK TO work")
            self._connection.execute("RELEASE work")
            self._deltas, self._tallies = totals, tallies
            return StoreError(f"the database did not take it: {_said(error)}") if _is_sql(error) else error
        self._connection.execute("RELEASE work")
        return result


class Session:
    """One connection in a thread of its own. ``begin`` is what each transaction starts with."""

    def __init__(self, dsn: str, begin: str, prepare: bool) -> None:
        self._dsn = dsn
        self._begin = begin
        self._prepare = prepare
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="postgres")
        self._connection: psycopg.Connection[Any] | None = None

    async def run(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Run it in a transaction of its own, and commit. Raises StoreError for what the database says."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def close(self) -> None:
        def close() -> None:
            if self._connection is not None:
                self._connection.close()

        await asyncio.get_running_loop().run_in_executor(self._thread, close)
        self._thread.shutdown(wait=False)

    def _transact(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        connection = self._begun()
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except psycopg.OperationalError as error:
            self._drop()
            raise StoreError(f"the database is not there: {_said(error)}") from None
        except psycopg.Error as error:
            self._take_back(connection)
            raise StoreError(f"the database did not take it: {_said(error)}") from None
        except BaseException:
            self._take_back(connection)
            raise
        return result

    def _begun(self) -> psycopg.Connection[Any]:
        """A connection with a transaction begun. One that died while it was idle is made again without a word."""
        for last in (False, True):
            try:
                connection = self._connection or self._connected()
                connection.execute(self._begin)
            except psycopg.OperationalError as error:
                self._drop()
                if last:
                    raise StoreError(f"the database is not there: {_said(error)}") from None
            except psycopg.Error as error:
                self._drop()
                raise StoreError(f"the database did not take it: {_said(error)}") from None
            else:
                return connection
        raise AssertionError("unreachable")

    def _connected(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._dsn,
            autocommit=True,
            prepare_threshold=5 if self._prepare else None,
            **_CONNECTING,  # type: ignore[arg-type]
        )
        connection.adapters.register_loader("numeric", IntLoader)  # sums of our integers
        self._connection = connection
        return connection

    def _take_back(self, connection: psycopg.Connection[Any]) -> None:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class PostgresEngine:
    """A database with three ways in: receipts, everything else that is written, and reads. Make it with `open`."""

    def __init__(self, dsn: str, prepare: bool) -> None:
        writing = (
            "BEGIN; "
            f"SET LOCAL statement_timeout = '{WRITE_LIMIT}s'; SET LOCAL idle_in_transaction_session_timeout = '30s'"
        )
        self._receipts = Session(dsn, writing, prepare)
        self._writes = Session(dsn, writing, prepare)
        self._reader = PostgresReader(dsn, prepare, 1)
        self.migrated: Sequence[str] = ()
        self._shard = secrets.randbelow(SHARDS)
        self._accepts = GroupCommit(lambda rows, works: self._commit(self._receipts, rows, works))
        self._works = GroupCommit(lambda rows, works: self._commit(self._writes, rows, works))

    @classmethod
    async def open(cls, dsn: str, *, relaxed: bool = False) -> PostgresEngine:
        """Connect, check that the server keeps what it commits, and bring its tables to this release.

        Raises StoreRefused with what is wrong and what to do.
        """
        plain, prepare = _split(dsn)
        engine = cls(plain, prepare)
        try:
            await engine._writes.run(lambda connection: _check(connection, relaxed))
            engine.migrated = tuple(await engine._writes.run(lambda connection: migrate_postgres(connection)))
            for name in engine.migrated:
                log.info("migration applied", extra={"migration": name})
        except StoreError as error:
            await engine.close()
            raise StoreRefused(f"PostgreSQL cannot be used: {error}") from None
        except BaseException:
            await engine.close()
            raise
        return engine

    @property
    def broken(self) -> str | None:
        return None  # a database that is away comes back; until then each try says so

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

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._works.write(noted(work))

    async def read(self, read: Callable[[Reading], T]) -> T:
        return await self._reader.read(read)

    async def tidy(self) -> None:
        return  # PostgreSQL does that by itself

    async def examine(self) -> None:
        return  # its pages are PostgreSQL's own business

    def figures(self) -> Mapping[str, int]:
        return {}

    async def scrub(self) -> None:
        """Nothing: PostgreSQL overwrites old rows when it vacuums, and its log in its own time."""

    async def close(self) -> None:
        await self._accepts.close()
        await self._works.close()
        await self._receipts.close()
        await self._writes.close()
        await self._reader.close()

    async def _commit(
        self, session: Session, rows: Sequence[Any], works: Sequence[Work]
    ) -> tuple[list[Any], list[Any]]:
        shard = self._shard
        return await session.run(
            lambda connection: run_batch(PostgresTransaction(connection, shard), accept_rows, rows, works)
        )


class PostgresReader:
    """A few connections that cannot write, and a time limit for what they are asked."""

    def __init__(self, dsn: str, prepare: bool, connections: int = READERS) -> None:
        begin = (
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
            f"SET LOCAL statement_timeout = '{READ_LIMIT}s'; SET LOCAL idle_in_transaction_session_timeout = '30s'"
        )
        self._free: asyncio.Queue[Session] = asyncio.Queue()
        self._sessions = [Session(dsn, begin, prepare) for _ in range(connections)]
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
    plain, prepare = _split(dsn)
    reader = PostgresReader(plain, prepare)
    try:
        await reader.read(lambda reading: reading.execute("SELECT count(*) FROM counters").fetchone())
    except StoreError:
        await reader.close()
        raise
    return SqlHistory(reader)


@contextmanager
def reading_of(dsn: str) -> Iterator[Reading]:
    """A view for whoever reads in the calling thread, without an event loop. Raises StoreError, then and later."""
    plain, prepare = _split(dsn)
    try:
        with psycopg.connect(plain, autocommit=True, prepare_threshold=5 if prepare else None) as connection:
            connection.read_only = True
            connection.adapters.register_loader("numeric", IntLoader)
            yield PostgresTransaction(connection, 0)
    except psycopg.Error as error:
        raise StoreError(f"the database cannot be read: {_said(error)}") from None


def _split(dsn: str) -> tuple[str, bool]:
    """The address for psycopg, and whether statements may be prepared: not behind a pooler that was named in it."""
    head, mark, query = dsn.partition("?")
    wanted = [part for part in query.split("&") if part and part != "pooler=transaction"]
    return head + (mark if wanted else "") + "&".join(wanted), "pooler=transaction" not in query.split("&")


def _check(connection: psycopg.Connection[Any], relaxed: bool) -> None:
    """Raises StoreRefused unless the server is new enough and keeps what it commits."""
    version = connection.info.server_version // 10000
    if version < OLDEST:
        raise StoreRefused(f"PostgreSQL {version} is too old: {OLDEST} or newer is needed")
    rows = connection.execute(
        "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
    ).fetchall()
    if not relaxed and (off := sorted(name for name, setting in rows if setting == "off")):
        raise StoreRefused(
            f"PostgreSQL would lose what it has committed: {', '.join(off)} is off. Switch it on, or set "
            "HOOKS_DURABILITY=relaxed when that may be"
        )


def _is_sql(error: Exception) -> bool:
    return isinstance(error, psycopg.Error)


def _said(error: Exception) -> str:
    """The first line of what the database said, without the values that it may quote after that."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return (said or str(error) or type(error).__name__).splitlines()[0]


_: type[Engine] = PostgresEngine
_reader: type[Reader] = PostgresReader
