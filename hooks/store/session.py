"""One connection to PostgreSQL, in a thread of its own: every wait on it ends, whatever becomes of the other side.

The server is told how long a statement may take, and this side does not believe that it hears the answer: a connection
on which nothing comes back is cut from here after the limit. Then nobody knows whether a commit under way happened,
which is what `Away` says; every verb can be asked again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import IntLoader

from hooks.errors import SettingsError, StoreError

T = TypeVar("T")

CONNECTING: dict[str, Any] = {
    "application_name": "hooks",
    "client_encoding": "utf8",
    "connect_timeout": 4,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Beside what the address says: a connection whose other end is gone is noticed while it is idle too, and every name
goes through, whatever a database, a user or the environment (``PGCLIENTENCODING``) has set for its clients."""

IDLE_LIMIT = 30
"""Seconds after which the server ends a transaction of ours that says nothing more: a process that was stopped."""


DEADLOCKS = 5
"""Times that a transaction is tried that PostgreSQL ends because two wait for each other, which it sees in a second."""

MAKE_WAY = 0.05
"""Seconds before the next try: the other one is to get what it waited for first."""

ORDERLY = 60.0
"""Seconds for which a server that was in another's way takes its turn with those that were too, one transaction after
the other: each such encounter costs both a second."""

TURN = 7_415_002
"""Any number, the same in all releases: who holds it has the turn."""

NO_TURN = 1.5
"""Seconds after which it goes on without its turn: longer than PostgreSQL takes to end one of two that wait for each
other. Who has the turn may have been stopped in the middle."""


class Away(StoreError):
    """The database is not there, or has not answered in time. A commit under way may have happened or not."""


class Busy(StoreError):
    """Somebody else has held what this transaction needs for longer than it waits."""


class Address(NamedTuple):
    """An address of ours, read: what psycopg takes, and what is for us."""

    dsn: str
    prepare: bool
    """Whether statements may be prepared: not behind a pooler that hands out transactions (``pooler=transaction``)."""
    notify: bool
    """Whether servers may wake each other through the database: not behind such a pooler, nor with ``notify=off``."""

    @classmethod
    def read(cls, address: str) -> Address:
        """Raises SettingsError for one that leads nowhere, and quotes no part that may be of a password."""
        head, mark, query = address.partition("?")
        parts = [part for part in query.split("&") if part]
        _check_written(head, parts)
        pooled = "pooler=transaction" in parts
        wanted = [part for part in parts if part not in _OURS]
        dsn = head + (mark if wanted else "") + "&".join(wanted)
        try:
            conninfo_to_dict(dsn)
        except psycopg.ProgrammingError as error:
            raise SettingsError(_unreadable(said(error))) from None
        return cls(dsn, not pooled, not pooled and "notify=off" not in parts)


_OURS = ("pooler=transaction", "notify=off", "notify=on")


def _check_written(head: str, parts: Sequence[str]) -> None:
    """What the driver would read otherwise than it was meant, or blame on something else."""
    servers, _, name = head.partition("://")[2].partition("/")
    if servers.count("@") > 1 or "@" in name:
        raise SettingsError(
            "the address of the database has an @ or a / too many: in a user's name or a password write %40 for @, "
            "%2F for /, %3A for : and %25 for %"
        )
    for key, may_be in (("pooler", "transaction"), ("notify", "on or off")):
        if any(part.partition("=")[0] == key and part not in _OURS for part in parts):
            raise SettingsError(f"the address of the database has {key}=, which may be {may_be}")


def _unreadable(why: str) -> str:
    if "percent" in why:  # the driver quotes the password here
        return "the address of the database has a % that stands for nothing: in a password write %25 for it"
    return f"the address of the database cannot be read: {why}"


class Kind(NamedTuple):
    """What a session is for: how its transactions begin, and how long one may take."""

    begin: str
    statement: int
    """Seconds for one statement, held by the server."""
    whole: float
    """Seconds for a transaction, held by us."""

    @property
    def opening(self) -> str:
        return (
            f"{self.begin}; SET LOCAL statement_timeout = '{self.statement}s'; "
            f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_LIMIT}s'"
        )


RECEIPTS = Kind("BEGIN", 4, 5.0)
"""A sender waits: after this it is told to come again, which costs nothing."""

WRITES = Kind("BEGIN", 8, 9.0)
"""Shorter than a lease, and than the time after which a loop counts as stuck."""

READS = Kind("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 10, 12.0)
"""Long enough to count large tables, too short to keep the server from clearing away old rows."""


class Session:
    """A connection that is made when it is first used, and again when it was lost."""

    def __init__(self, dsn: str, kind: Kind, prepare: bool) -> None:
        self._dsn = dsn
        self._kind = kind
        self._prepare = prepare
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="postgres")
        self._connection: psycopg.Connection[Any] | None = None
        self._closing = threading.Lock()
        """Held while the connection is closed or cut: its descriptor must not be another's by then."""
        self._given_up = False
        self._orderly_until = float("-inf")

    async def run(self, work: Callable[[psycopg.Connection[Any]], T], *, limited: bool = True) -> T:
        """Run it in a transaction of its own, and commit. It is run anew when others were in its way.

        Raises Away when the database is not there or does not answer in time, and StoreError for what it says.
        """
        doing = asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)
        doing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody may be left to hear it
        done, _ = await asyncio.wait([doing], timeout=self._kind.whole if limited else None)
        if not done:
            self._cut()
            raise Away(f"the database has not answered for {self._kind.whole:g} s")
        return doing.result()

    async def close(self) -> None:
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
        done, _ = await asyncio.wait([closing], timeout=self._kind.whole)
        if not done:
            self._cut()
        self._thread.shutdown(wait=False)

    # --- in the thread ---

    def _transact(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        self._given_up = False
        tries = DEADLOCKS
        while True:
            try:
                return self._tried(work)
            except psycopg.errors.DeadlockDetected as error:
                # Two servers stood in each other's way, and this one was made to stand back: nothing of it is written.
                self._orderly_until = time.monotonic() + ORDERLY
                tries -= 1
                if not tries or self._given_up:
                    raise StoreError(said(error)) from None
            time.sleep(MAKE_WAY)

    def _tried(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        connection = self._begun()
        try:
            if time.monotonic() < self._orderly_until:
                _take_turn(connection)
            result = work(connection)
            connection.execute("COMMIT")
        except psycopg.Error as error:
            if is_gone(error, connection):
                self._drop()
                raise Away(f"the database is not there: {said(error)}") from None
            self._take_back(connection)
            if isinstance(error, psycopg.errors.DeadlockDetected):
                raise
            refused = Busy if isinstance(error, psycopg.errors.LockNotAvailable) else StoreError
            raise refused(f"the database did not take it: {said(error)}") from None
        except Away:
            self._drop()
            raise
        except BaseException:
            self._take_back(connection)
            raise
        return result

    def _begun(self) -> psycopg.Connection[Any]:
        """A connection with a transaction begun. One that died while it was idle is made again without a word."""
        for last in (self._connection is None, True):
            try:
                connection = self._connection or self._connected()
                connection.execute(self._kind.opening)
            except psycopg.Error as error:
                self._drop()
                if last or self._given_up:
                    raise Away(no_way_in(error)) from None
            else:
                return connection
        raise AssertionError("unreachable")

    def _connected(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._dsn, autocommit=True, prepare_threshold=5 if self._prepare else None, **CONNECTING
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
        with self._closing:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    # --- from the loop ---

    def _cut(self) -> None:
        """End the connection under the thread that waits on it; the thread hears of it and drops it."""
        self._given_up = True
        with self._closing, contextlib.suppress(psycopg.Error, OSError):
            if self._connection is not None:
                with socket.socket(fileno=os.dup(self._connection.fileno())) as ours:
                    ours.shutdown(socket.SHUT_RDWR)


def _take_turn(connection: psycopg.Connection[Any]) -> None:
    """Wait until no other transaction has the turn, which it loses at its end, but not for long."""
    deadline = time.monotonic() + NO_TURN
    while time.monotonic() < deadline:
        row = connection.execute(f"SELECT pg_try_advisory_xact_lock({TURN})").fetchone()
        if row is None or row[0]:
            return
        time.sleep(0.003)


def is_gone(error: psycopg.Error, connection: psycopg.Connection[Any]) -> bool:
    """Whether this error ends the connection: it was lost, its server stops or starts, or may not be written to.

    A server that may not be written to is a standby, or was the first until a moment ago: its address leads to the
    right one only when it is asked anew.
    """
    if connection.closed or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return True
    state = error.sqlstate or ""
    lost = isinstance(error, psycopg.OperationalError) and not state
    return lost or state.startswith(("08", "57P"))


def no_way_in(error: Exception) -> str:
    """Why no connection was made: nobody is there, or somebody who does not let us in, and what may be done."""
    why = said(error).removeprefix("connection failed: ")
    mend = next((f": {mend}" for known, mend in _MENDS.items() if known in why), "")
    before, fatal, words = why.partition("FATAL:  ")
    if fatal and not words.startswith("the database system is"):  # that one is starting or stopping
        return f"PostgreSQL does not let us in ({before.strip(' :')}): {words}{mend}"
    return f"the database is not there: {why}{mend}"


_MENDS = {
    "password authentication failed": "look at the user and the password in its address",
    "no password supplied": "write user:password@host in its address",
    "no pg_hba.conf entry": "let the user in there, or add sslmode=require to its address",
    "does not exist": "make it first, or correct its address",
    "too many c": "each server takes 7 of its connections; raise its limit, or put a pooler between",
    "connection slots are reserved": "each server takes 7 of its connections; raise its limit, or put a pooler between",
}


def said(error: Exception) -> str:
    """The first line of what the database said, without the values that it may quote after that."""
    message = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return (message or str(error) or type(error).__name__).splitlines()[0]
