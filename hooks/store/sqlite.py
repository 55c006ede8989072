"""The store in one SQLite file: the verbs of `hooks.ports.Store` and of the intake, each one durable transaction.

Exactly one connection writes (`hooks.store.writer`), behind an advisory lock that keeps other processes out. All verbs
that write share commits with whatever else is asked for at that moment. Reading for people is in `history`. The verbs
stand in one module, because what one writes another relies on.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hooks.errors import LeaseLost, StoreError, StoreRefused
from hooks.events import Receipt
from hooks.ports import Claimed, Intake, Plan, PlannedRun, Progress, Store
from hooks.store.lock import WriterLock
from hooks.store.migrate import migrate
from hooks.store.rows import (
    EVENT_COLUMNS,
    RECEIPT_COLUMNS,
    STEP_COLUMNS,
    attempt_to_row,
    dump,
    event_from_row,
    event_to_row,
    millis,
    moment,
    receipt_from_row,
    step_from_row,
    step_to_row,
    storable,
)
from hooks.store.writer import SqliteConnection, Transaction, Writer, connect, open_writing

T = TypeVar("T")

log = logging.getLogger("hooks.store")

ROWS_PER_STATEMENT = 64
"""A multi-row INSERT's longest form: its 13 columns stay far below SQLite's limit on parameters."""


CLAIM_SIZE = 1024 * 1024
"""Characters of events that one claim takes for one connection, and one event more."""

PENDING_BYTES = 2 * 1024 * 1024
"""Bodies that are planned at once: each is in memory several times over meanwhile, as text and as values."""


class SqliteStore:
    """A store on one file. Make it with `open`, end it with `close`."""

    def __init__(self, path: Path, connection: SqliteConnection, reader: SqliteConnection, lock: WriterLock) -> None:
        self.path = path
        self._connection = connection
        self._reader = reader  # what is read for the engine must not wait behind commits, nor commits behind it
        self._lock = lock
        self._writer = Writer(connection, _accept_rows)

    @classmethod
    async def open(cls, path: Path) -> SqliteStore:
        """Take the file for this process, check it, and bring its tables to this release.

        Raises StoreRefused when another server has it, when it is newer than this program or damaged, or when the
        file system does not let SQLite keep its promise.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = WriterLock(path)
            lock.acquire()
        except OSError as error:
            raise StoreRefused(f"the data folder {path.parent} cannot be used: {error.strerror}") from None
        try:
            connection = await open_writing(path)
        except BaseException:
            lock.release()
            raise
        reader = connect(path, readonly=True)
        try:
            for name in await connection.run(migrate):
                log.info("migration applied", extra={"migration": name})
            path.chmod(0o600)
            await reader
        except BaseException as error:
            await connection.close()
            lock.release()
            if isinstance(error, sqlite3.Error):
                raise StoreRefused(f"{path.name} cannot be used: {error}") from None
            raise
        return cls(path, connection, reader, lock)

    async def close(self) -> None:
        """Finish what was asked for and free the file."""
        await self._writer.close()
        try:
            await self._reader.close()
            await self._connection.close()
        finally:
            self._lock.release()

    @property
    def broken(self) -> str | None:
        """Why nothing can be written any more, or None."""
        return self._writer.broken

    @property
    def commits(self) -> int:
        """Transactions committed since the start."""
        return self._writer.commits

    # --- receive ---

    async def record(self, receipt: Receipt, key: bytes | None, window: float) -> str | None:
        """Commit a receipt and give None, or the id of the receipt that it duplicates.

        ``key`` names the delivery for ``window`` seconds; a receipt without one is never a duplicate.
        """
        duplicate_of: str | None = await self._writer.accept(_accepted(receipt, key, window))
        return duplicate_of

    # --- dispatch ---

    async def pending(self, limit: int) -> list[Receipt]:
        def read(connection: sqlite3.Connection) -> list[Receipt]:
            rows = connection.execute(
                f"SELECT {RECEIPT_COLUMNS} FROM receipts WHERE pending = 1 ORDER BY seq LIMIT ?", (limit,)
            )
            found: list[Receipt] = []
            size = 0
            for row in rows:
                found.append(receipt_from_row(row))
                size += len(found[-1].body)
                if size > PENDING_BYTES:
                    break
            return found

        return await self._read(read)

    async def plan(self, receipts: Sequence[str], plans: Sequence[Plan], rules_version: str) -> int:
        return await self._writer.write(lambda transaction: _plan(transaction, receipts, plans, rules_version))

    async def keep_rules(self, version: str, files: Mapping[str, str], now: datetime) -> None:
        def work(transaction: Transaction) -> None:
            transaction.execute(
                "INSERT INTO rule_sets (version, loaded_at, files) VALUES (?, ?, ?) "
                "ON CONFLICT (version) DO UPDATE SET loaded_at = excluded.loaded_at",
                (version, millis(now), dump(dict(files))),
            )

        await self._writer.write(work)

    async def rules(self, version: str) -> Mapping[str, str] | None:
        def read(connection: sqlite3.Connection) -> Any:
            return connection.execute("SELECT files FROM rule_sets WHERE version = ?", (version,)).fetchone()

        row = await self._read(read)
        return None if row is None else dict(json.loads(row[0]))

    async def latest_rules(self) -> tuple[str, Mapping[str, str]] | None:
        def read(connection: sqlite3.Connection) -> Any:
            return connection.execute(
                "SELECT version, files FROM rule_sets ORDER BY loaded_at DESC, rowid DESC LIMIT 1"
            ).fetchone()

        row = await self._read(read)
        return None if row is None else (row[0], dict(json.loads(row[1])))

    # --- deliver ---

    async def claim(
        self, owner: str, slots: Mapping[str, int], now: datetime, lease: float
    ) -> list[tuple[Claimed, str]]:
        wanted = {connection: free for connection, free in slots.items() if free > 0}
        if not wanted:
            return []
        return await self._writer.write(lambda transaction: _claim(transaction, owner, wanted, now, lease))

    async def progress(self, change: Progress) -> None:
        await self._writer.write(lambda transaction: _progress(transaction, change))

    async def renew(self, owner: str, now: datetime, lease: float) -> None:
        until = millis(now + timedelta(seconds=lease))

        def work(transaction: Transaction) -> None:
            transaction.execute("UPDATE runs SET lease_until = ? WHERE state = 'running' AND owner = ?", (until, owner))

        await self._writer.write(work)

    async def recover(self, owner: str, now: datetime) -> int:
        def work(transaction: Transaction) -> int:
            # One process writes this file, so a lease of anybody else's belongs to a process that is no more.
            found = transaction.execute(
                "UPDATE runs SET state = 'waiting', due_at = ?, owner = NULL, lease_until = NULL "
                "WHERE state = 'running' AND (owner IS NOT ? OR lease_until < ?)",
                (millis(now), owner, millis(now)),
            ).rowcount
            _moved(transaction, "running", "waiting", found)
            return found

        return await self._writer.write(work)

    async def next_due(self, connections: Sequence[str]) -> datetime | None:
        def read(connection: sqlite3.Connection) -> Any:
            due = [
                connection.execute(
                    "SELECT min(due_at) FROM runs WHERE state = 'waiting' AND connection = ?", (name,)
                ).fetchone()[0]
                for name in connections
            ]
            return min((at for at in due if at is not None), default=None)

        found = await self._read(read)
        return None if found is None else moment(found)

    async def hold(self, runs: Mapping[str, str]) -> int:
        def work(transaction: Transaction) -> int:
            held = 0
            for connection, reason in runs.items():
                held += transaction.execute(
                    "UPDATE runs SET state = 'held', reason = ? WHERE state = 'waiting' AND connection = ?",
                    (reason, connection),
                ).rowcount
            _moved(transaction, "waiting", "held", held)
            return held

        return await self._writer.write(work)

    async def release(self, connections: Sequence[str], reasons: Sequence[str], now: datetime) -> int:
        def work(transaction: Transaction) -> int:
            freed = 0
            for connection in connections:
                for reason in reasons:
                    freed += transaction.execute(
                        "UPDATE runs SET state = 'waiting', reason = NULL, due_at = max(due_at, ?) "
                        "WHERE state = 'held' AND connection = ? AND reason = ?",
                        (millis(now), connection, reason),
                    ).rowcount
            _moved(transaction, "held", "waiting", freed)
            return freed

        return await self._writer.write(work)

    async def absent_connections(self, known: Sequence[str]) -> list[str]:
        def read(connection: sqlite3.Connection) -> list[str]:
            # A loose index scan: one look per connection name, however many runs wait.
            names: list[str] = []
            row = connection.execute("SELECT min(connection) FROM runs WHERE state = 'waiting'").fetchone()
            while row[0] is not None:
                names.append(row[0])
                row = connection.execute(
                    "SELECT min(connection) FROM runs WHERE state = 'waiting' AND connection > ?", row
                ).fetchone()
            return [name for name in names if name not in known]

        return await self._read(read)

    async def retry(self, run: str, now: datetime) -> bool:
        def work(transaction: Transaction) -> bool:
            row = transaction.execute("SELECT state FROM runs WHERE id = ?", (run,)).fetchone()
            if row is None or row[0] not in ("failed", "held"):
                return False
            transaction.execute(
                "UPDATE runs SET state = 'waiting', reason = NULL, due_at = ?, finished_at = NULL, fence = fence + 1 "
                "WHERE id = ?",
                (millis(now), run),
            )
            # A failed step whose outcome was never found out is looked up first. For a held one a person has looked.
            transaction.execute(
                "UPDATE steps SET tries = 0, "
                "state = CASE WHEN state = 'failed' AND intended_at IS NOT NULL THEN 'intended' ELSE 'waiting' END "
                "WHERE run = ? AND (state = 'failed' OR (state = 'intended' AND ? = 'held'))",
                (run, row[0]),
            )
            _moved(transaction, row[0], "waiting", 1)
            return True

        return await self._writer.write(work)

    async def cancel(self, run: str, reason: str, now: datetime) -> bool:
        def work(transaction: Transaction) -> bool:
            row = transaction.execute("SELECT state FROM runs WHERE id = ?", (run,)).fetchone()
            if row is None or row[0] not in ("waiting", "held"):
                return False
            transaction.execute(
                "UPDATE runs SET state = 'failed', reason = ?, finished_at = ?, fence = fence + 1 WHERE id = ?",
                (reason, millis(now), run),
            )
            _moved(transaction, row[0], "failed", 1)
            return True

        return await self._writer.write(work)

    async def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._reader.run(read)
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"the database cannot be read: {error}") from None


# --- what happens inside a transaction, in the writing thread ---


class _Accepted(NamedTuple):
    """A receipt as a row, made in the loop: the writing thread should hold the interpreter as briefly as it can."""

    values: list[Any]
    digest: bytes | None
    receipt: bytes
    at: int
    expires_at: int
    events: int


def _accepted(receipt: Receipt, key: bytes | None, window: float) -> _Accepted:
    at = receipt.received_at.timestamp()
    values = [
        receipt.id,
        receipt.source,
        receipt.vendor,
        round(at * 1000),
        receipt.verdict,
        receipt.path,
        dump(receipt.query) if receipt.query else "[]",
        dump(dict(receipt.headers)),
        receipt.body,
        receipt.events if receipt.verdict == "accepted" else 0,
        receipt.reason,
        receipt.duplicate_of,
        1 if receipt.verdict == "accepted" else 0,
    ]
    # 16 bytes of a SHA-256 tell deliveries apart as well as 32, in half the pages.
    digest = None if key is None else key[:16]
    return _Accepted(values, digest, bytes.fromhex(receipt.id[4:]), int(at), int(at + window), receipt.events)


def _accept_rows(transaction: Transaction, rows: list[_Accepted]) -> list[str | None]:
    """Insert receipts, at most one per digest; gives for each None or the receipt that was there first."""
    results = _duplicates(transaction, rows)
    verdicts: dict[str, int] = {}
    events = 0
    for row, original in zip(rows, results, strict=True):
        values = row.values
        if original is not None:
            values[4], values[9], values[11], values[12] = "duplicate", 0, original, 0
        verdicts[values[4]] = verdicts.get(values[4], 0) + 1
        events += values[9]
    _insert_many(
        transaction,
        "INSERT INTO receipts (id, source, vendor, received_at, verdict, path, query, headers, body, events, reason, "
        "duplicate_of, pending) VALUES ",
        [row.values for row in rows],
    )
    for verdict, number in verdicts.items():
        transaction.count(f"receipts.{verdict}", number)
    transaction.count("events.accepted", events)
    return results


def _duplicates(transaction: Transaction, rows: list[_Accepted]) -> list[str | None]:
    """Take the rows' digests, and give for each row None or the receipt that had its digest before."""
    results: list[str | None] = [None] * len(rows)
    keyed = [(number, row) for number, row in enumerate(rows) if row.digest is not None]
    for start in range(0, len(keyed), ROWS_PER_STATEMENT):
        chunk = keyed[start : start + ROWS_PER_STATEMENT]
        sql = "INSERT OR IGNORE INTO duplicates (digest, receipt, expires_at) VALUES " + ",".join(
            ["(?,?,?)"] * len(chunk)
        )
        values = [value for _, row in chunk for value in (row.digest, row.receipt, row.expires_at)]
        if transaction.execute(sql, values).rowcount == len(chunk):
            continue  # nobody has been here before: the usual case costs one statement
        for number, row in chunk:
            results[number] = _first_of(transaction, row)
    return results


def _first_of(transaction: Transaction, row: _Accepted) -> str | None:
    """Whose digest it is: None when it is the row's own, or has run out and is taken over."""
    receipt, expires_at = transaction.execute(
        "SELECT receipt, expires_at FROM duplicates WHERE digest = ?", (row.digest,)
    ).fetchone()
    if receipt == row.receipt:
        return None
    if expires_at <= row.at:
        transaction.execute(
            "UPDATE duplicates SET receipt = ?, expires_at = ? WHERE digest = ?",
            (row.receipt, row.expires_at, row.digest),
        )
        return None
    return f"rcp_{receipt.hex()}"


def _insert_many(transaction: Transaction, head: str, rows: Sequence[Sequence[Any]]) -> None:
    """One statement for up to `ROWS_PER_STATEMENT` rows: a statement per row costs twice as much."""
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        chunk = rows[start : start + ROWS_PER_STATEMENT]
        marks = "(" + ",".join("?" * len(chunk[0])) + ")"
        sql = head + ",".join([marks] * len(chunk))
        transaction.execute(sql, [value for row in chunk for value in row])


def _plan(transaction: Transaction, receipts: Sequence[str], plans: Sequence[Plan], version: str) -> int:
    open_receipts = {
        receipt
        for receipt in receipts
        if transaction.execute("UPDATE receipts SET pending = 0 WHERE id = ? AND pending = 1", (receipt,)).rowcount
    }
    waiting = 0
    events: list[tuple[Any, ...]] = []
    for plan in plans:
        if plan.event.receipt not in open_receipts:
            continue
        state = "matched" if plan.runs else "unmatched"
        events.append((*event_to_row(plan.event), state, version))
        transaction.count(f"events.{state}")
        for run in plan.runs:
            waiting += _insert_run(transaction, plan.event.id, plan.event.received_at, run, version)
    _insert_many(transaction, f"INSERT INTO events ({EVENT_COLUMNS}, state, rules_version) VALUES ", events)
    return waiting


def _insert_run(transaction: Transaction, event: str, received_at: datetime, run: PlannedRun, version: str) -> int:
    state, reason = run.state, run.reason
    created = millis(received_at)
    if run.once is not None and state != "skipped":
        digest, window = run.once
        holder = transaction.execute(
            "INSERT INTO onces (rule, digest, run, expires_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (rule, digest) DO UPDATE SET run = excluded.run, expires_at = excluded.expires_at "
            "WHERE onces.expires_at <= ? RETURNING run",
            (run.rule, digest, run.id, created + round(window * 1000), created),
        ).fetchone()
        if holder is None:
            first = transaction.execute(
                "SELECT run FROM onces WHERE rule = ? AND digest = ?", (run.rule, digest)
            ).fetchone()[0]
            state, reason = "skipped", f"once_per: {first} has acted for this key already"
    finished = created if state == "skipped" else None
    transaction.execute(
        "INSERT INTO runs (id, event, rule, rules_version, generation, state, reason, connection, due_at, created_at, "
        "finished_at, attempts, fence) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, 0, 0)",
        (run.id, event, run.rule, version, state, reason, run.connection, millis(run.due_at), created, finished),
    )
    transaction.count(f"runs.{state}")
    return 1 if state == "waiting" else 0


def _claim(
    transaction: Transaction, owner: str, slots: Mapping[str, int], now: datetime, lease: float
) -> list[tuple[Claimed, str]]:
    at, until = millis(now), millis(now + timedelta(seconds=lease))
    claimed: list[tuple[Claimed, str]] = []
    for connection, free in slots.items():
        rows = transaction.execute(
            "UPDATE runs SET state = 'running', owner = ?, lease_until = ?, fence = fence + 1 WHERE seq IN "
            "(SELECT seq FROM runs WHERE state = 'waiting' AND connection = ? AND due_at <= ? "
            "ORDER BY due_at, seq LIMIT ?) RETURNING id, rule, rules_version, generation, fence, attempts, event",
            (owner, until, connection, at, free),
        ).fetchall()
        size = 0
        for row in rows:
            if size > CLAIM_SIZE:
                transaction.execute(
                    "UPDATE runs SET state = 'waiting', owner = NULL, lease_until = NULL WHERE id = ?", (row[0],)
                )
                continue
            event = transaction.execute(
                f"SELECT {EVENT_COLUMNS} FROM events WHERE id = ?",
                (row[6],),
            ).fetchone()
            size += len(event[9]) + len(event[10])
            steps = transaction.execute(
                f"SELECT {STEP_COLUMNS} FROM steps WHERE run = ? ORDER BY position",
                (row[0],),
            )
            identifier, rule, version, generation, fence, attempts, _ = row
            run = Claimed(
                identifier,
                rule,
                version,
                generation,
                fence,
                attempts,
                event_from_row(event),
                tuple(step_from_row(step) for step in steps),
                len(event[9]) + len(event[10]),
            )
            claimed.append((run, connection))
    _moved(transaction, "waiting", "running", len(claimed))
    return claimed


def _progress(transaction: Transaction, change: Progress) -> None:
    row = transaction.execute(
        "UPDATE runs SET attempts = attempts + ? WHERE id = ? AND fence = ? AND state = 'running' RETURNING seq",
        (len(change.attempts), change.run, change.fence),
    ).fetchone()
    if row is None:
        raise LeaseLost(f"{change.run} has been taken over")
    for step in change.steps:
        transaction.execute(
            f"INSERT OR REPLACE INTO steps (run, {STEP_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            step_to_row(change.run, step),
        )
    for attempt in change.attempts:
        transaction.execute(
            "INSERT INTO attempts (id, run, position, number, started_at, duration_ms, verdict, status, error, "
            "exchanges) VALUES (?,?,?,?,?,?,?,?,?,?)",
            attempt_to_row(change.run, attempt),
        )
    if change.state is None:
        return
    ended = change.state in ("done", "failed", "skipped")
    transaction.execute(
        "UPDATE runs SET state = ?, reason = ?, due_at = coalesce(?, due_at), connection = coalesce(?, connection), "
        "finished_at = ?, owner = NULL, lease_until = NULL WHERE seq = ?",
        (
            change.state,
            None if change.reason is None else storable(change.reason),
            None if change.due_at is None else millis(change.due_at),
            change.connection,
            millis(change.at) if ended else None,
            row[0],
        ),
    )
    _moved(transaction, "running", change.state, 1)


def _moved(transaction: Transaction, before: str, after: str, number: int) -> None:
    if number:
        transaction.count(f"runs.{before}", -number)
        transaction.count(f"runs.{after}", number)


_: type[Store] = SqliteStore
_intake: type[Intake] = SqliteStore
