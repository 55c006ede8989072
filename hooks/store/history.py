"""What people read of a store: lists, details, counts. Its connection cannot write.

Lists are newest first and a page is bounded. A filter that few rows fit reads on until the page is full or the table
ends; it holds up other readers meanwhile, and never a writer.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from hooks.events import CANCELLED, Receipt, RunState, Verdict, utc_text
from hooks.names import name_in
from hooks.ports import EventFilter, Heard, History, Page, ReceiptFilter, RunFilter
from hooks.store import books, silences
from hooks.store.conditions import Where, page_of
from hooks.store.engine import Reader, Reading
from hooks.store.eventlists import list_events
from hooks.store.rows import (
    EVENT_COLUMNS,
    RECEIPT_COLUMNS,
    bytes_to_json,
    event_from_row,
    millis,
    moment,
    receipt_from_row,
)

_RUN_COLUMNS = (
    "r.id, r.event, r.rule, r.state, r.reason, r.created_at, r.due_at, r.finished_at, r.attempts, r.rules_version, "
    "r.replay_of"
)

FEW = 10_000
"""Up to so many waiting or running runs are looked up by their own small indexes."""

LONG = 50_000
"""Characters of an event's data beyond which a list does not look for a name in it."""

_BEGINS = f"substr(coalesce(r.reason, ''), 1, {len(CANCELLED)})"
_GIVEN_UP = f"r.state = 'failed' AND {_BEGINS} = '{CANCELLED}'"
OPEN = f"r.state = 'failed' AND {_BEGINS} <> '{CANCELLED}'"
"""Dead letters that nobody has given up: it names the partial index ``runs_open``."""

_UNDER_WAY = (
    "SELECT w.seq FROM runs w WHERE w.state = 'waiting' AND w.behind IS NULL UNION ALL "
    "SELECT w.seq FROM runs w WHERE w.behind IS NOT NULL UNION ALL SELECT w.seq FROM runs w WHERE w.state = 'running'"
)


class SqlHistory:
    """A read-only view of one database, also while servers are writing it."""

    def __init__(self, reader: Reader, another: Callable[[], Awaitable[Reader]] | None = None) -> None:
        """``another`` opens one more reader, for what takes long, where everybody who reads waits for the first."""
        self._reader = reader
        self._another = another
        self._differences: list[str] = []
        self.live: Callable[[], Mapping[str, Any]] = dict
        """Further numbers of `stats` that only the running server knows."""

    @property
    def reader(self) -> Reader:
        """For other views of the same database."""
        return self._reader

    async def close(self) -> None:
        await self._reader.close()

    async def events(self, filter: EventFilter) -> Page:
        return await self._reader.read(lambda raw: list_events(raw, filter))

    async def event(self, event_id: str) -> Mapping[str, Any] | None:
        def read(raw: Reading) -> Mapping[str, Any] | None:
            row = raw.execute(
                f"SELECT {EVENT_COLUMNS}, state, cause, depth FROM events WHERE id = ?", (event_id,)
            ).fetchone()
            if row is None:
                return _pending_event(raw, event_id)
            event = event_from_row(row[:12])
            runs = raw.execute(f"SELECT {_RUN_COLUMNS} FROM runs r WHERE r.event = ? ORDER BY r.seq", (event_id,))
            return {
                **event.attributes(),
                "raw": event.raw,
                "state": row[12],
                "cause": None if row[13] is None else {"run": row[13], "depth": row[14]},
                "runs": [_run_in_full(raw, run) for run in runs.fetchall()],
            }

        return await self._reader.read(read)

    async def runs(self, filter: RunFilter) -> Page:
        where = Where()
        if filter.state == "failed" and filter.given_up is False:
            where.add(OPEN)
        else:
            where.equal("r.state", filter.state)
            if filter.state in ("held", "failed", "skipped"):
                where.add("r.state IN ('held', 'failed', 'skipped')")  # names the partial index
            if filter.given_up is not None:
                where.add(_GIVEN_UP if filter.given_up else f"NOT ({_GIVEN_UP})")
        where.equal("r.rule", filter.rule)
        where.equal("r.event", filter.event)
        where.equal("r.connection", filter.connection)
        if filter.since is not None:
            where.add("r.created_at >= ?", millis(filter.since))
        if filter.until is not None:
            where.add("r.created_at < ?", millis(filter.until))
        where.before("r.seq", "runs", filter.cursor)

        def read(raw: Reading) -> Page:
            if filter.state in ("waiting", "running"):
                counted = books.totals(raw)
                if counted.get("runs.waiting", 0) + counted.get("runs.running", 0) <= FEW:
                    where.add(f"r.seq IN ({_UNDER_WAY})")
            rows = raw.execute(
                f"SELECT {_RUN_COLUMNS} FROM runs r {where} ORDER BY r.seq DESC LIMIT ?",
                [*where.values, filter.limit + 1],
            ).fetchall()
            items = [{**_run(row), "about": _about(raw, row[1])} for row in rows[: filter.limit]]
            return page_of(items, rows, filter.limit)

        return await self._reader.read(read)

    async def run(self, run_id: str) -> Mapping[str, Any] | None:
        def read(raw: Reading) -> Mapping[str, Any] | None:
            row = raw.execute(f"SELECT {_RUN_COLUMNS} FROM runs r WHERE r.id = ?", (run_id,)).fetchone()
            return None if row is None else {**_run_in_full(raw, row), "about": _about(raw, row[1])}

        return await self._reader.read(read)

    async def receipts(self, filter: ReceiptFilter) -> Page:
        where = Where()
        where.equal("c.source", filter.source)
        where.equal("c.verdict", filter.verdict)
        if filter.verdict is not None and filter.verdict != "accepted":
            where.add("c.verdict <> 'accepted'")  # names the partial index
        if filter.since is not None:
            where.add("c.received_at >= ?", millis(filter.since))
        if filter.until is not None:
            where.add("c.received_at < ?", millis(filter.until))
        timed = filter.since is not None or filter.until is not None
        if timed and filter.cursor is not None:
            where.add(
                "(c.received_at, c.seq) < (SELECT k.received_at, k.seq FROM receipts k WHERE k.id = ?)", filter.cursor
            )
        else:
            where.before("c.seq", "receipts", filter.cursor)
        order = "c.received_at DESC, c.seq DESC" if timed else "c.seq DESC"

        def read(raw: Reading) -> Page:
            columns = ", ".join(
                "NULL" if name.strip() == "body" else f"c.{name.strip()}" for name in RECEIPT_COLUMNS.split(",")
            )
            rows = raw.execute(
                f"SELECT {columns}, length(c.body) FROM receipts c {where} ORDER BY {order} LIMIT ?",
                [*where.values, filter.limit + 1],
            ).fetchall()
            items = [_receipt(receipt_from_row(row[:12]), row[12]) for row in rows[: filter.limit]]
            return page_of(items, rows, filter.limit)

        return await self._reader.read(read)

    async def receipt(self, receipt_id: str) -> Mapping[str, Any] | None:
        def read(raw: Reading) -> Mapping[str, Any] | None:
            row = raw.execute(f"SELECT {RECEIPT_COLUMNS} FROM receipts WHERE id = ?", (receipt_id,)).fetchone()
            if row is None:
                return None
            receipt = receipt_from_row(row)
            return {**_receipt(receipt, len(receipt.body)), "body": bytes_to_json(receipt.body)}

        return await self._reader.read(read)

    async def traffic(self, since: datetime) -> Sequence[tuple[datetime, str, str, int]]:
        def read(raw: Reading) -> Sequence[tuple[datetime, str, str, int]]:
            rows = raw.execute(
                "SELECT minute, kind, name, sum(number) FROM traffic WHERE minute >= ? "
                "GROUP BY minute, kind, name ORDER BY minute, kind, name",
                (millis(since) // 60_000,),
            )
            return [(moment(minute * 60_000), kind, name, int(number)) for minute, kind, name, number in rows]

        return await self._reader.read(read)

    async def heard(self, sources: Collection[str]) -> Mapping[str, Heard]:
        return await self._reader.read(lambda raw: silences.heard(raw, sources))

    async def stats(self) -> Mapping[str, Any]:
        def read(raw: Reading) -> Mapping[str, Any]:
            counted = books.totals(raw)
            pending_receipts, pending_events = books.unread(raw)
            wrong = books.contradictions(counted, pending_events)
            if books.rows_of(counted) <= books.COUNTED_AT_ONCE:
                wrong += books.differences(raw, counted)
            else:
                wrong += self._differences
            first = raw.execute("SELECT received_at FROM receipts WHERE pending = 1 ORDER BY seq LIMIT 1").fetchone()
            oldest = None if first is None else first[0]
            events = {state: counted.get(f"events.{state}", 0) for state in ("matched", "unmatched")}
            runs = {state: counted.get(f"runs.{state}", 0) for state in get_args(RunState)}
            total = sum(events.values())
            still_open = raw.execute(f"SELECT count(*) FROM runs r WHERE {OPEN}").fetchone()[0]
            return {
                "receipts": {verdict: counted.get(f"receipts.{verdict}", 0) for verdict in get_args(Verdict)},
                "events": {"total": total, **events, "pending": pending_events},
                "runs": runs,
                "given_up": max(0, runs["failed"] - int(still_open)),
                "books_balance": not wrong,
                "pending_receipts": pending_receipts,
                "oldest_pending": None if oldest is None else utc_text(moment(oldest)),
                **self.live(),
            }

        return await self._reader.read(read)

    async def audit(self) -> list[str]:
        """Count the tables anew, whatever their size; gives what is wrong with the books, as sentences.

        What it found stands in `stats` until the next time.
        """

        def read(raw: Reading) -> list[str]:
            counted = books.totals(raw)
            self._differences = books.differences(raw, counted)
            return [*books.contradictions(counted, books.unread(raw)[1]), *self._differences]

        if self._another is None:
            return await self._reader.read(read)
        apart = await self._another()
        try:
            return await apart.read(read)
        finally:
            await apart.close()


def _pending_event(raw: Reading, event_id: str) -> Mapping[str, Any] | None:
    """An event whose receipt is stored and not yet normalized: known, but not read."""
    try:
        number = int(event_id.removeprefix("evt_"), 16)
    except ValueError:
        return None
    row = raw.execute(
        f"SELECT {RECEIPT_COLUMNS} FROM receipts WHERE id <= ? AND pending = 1 ORDER BY id DESC LIMIT 1",
        (f"rcp_{number:032x}",),
    ).fetchone()
    if row is None or event_id not in receipt_from_row(row).event_ids:
        return None
    receipt = receipt_from_row(row)
    return {
        "specversion": "1.0",
        "id": event_id,
        "type": None,
        "source": receipt.source,
        "vendor": receipt.vendor,
        "vendor_type": None,
        "subject": None,
        "time": utc_text(receipt.received_at),
        "received_at": utc_text(receipt.received_at),
        "receipt": receipt.id,
        "data": None,
        "raw": None,
        "cause": None,
        "state": "pending",
        "runs": [],
    }


def _receipt(receipt: Receipt, size: int) -> dict[str, Any]:
    return {
        "id": receipt.id,
        "source": receipt.source,
        "vendor": receipt.vendor,
        "received_at": utc_text(receipt.received_at),
        "verdict": receipt.verdict,
        "reason": receipt.reason,
        "duplicate_of": receipt.duplicate_of,
        "events": receipt.event_ids,
        "path": receipt.path,
        "query": [list(pair) for pair in receipt.query],
        "headers": dict(receipt.headers),
        "size": size,
    }


def _run(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "id": row[0],
        "event": row[1],
        "rule": row[2],
        "rules_version": row[9],
        "replay_of": row[10],
        "state": row[3],
        "reason": row[4],
        "created_at": utc_text(moment(row[5])),
        "due_at": utc_text(moment(row[6])),
        "finished_at": None if row[7] is None else utc_text(moment(row[7])),
        "attempts": row[8],
    }


def _about(raw: Reading, event: str) -> dict[str, Any] | None:
    """What a run's event is about: its type, its subject, and the name of whoever it is about."""
    row = raw.execute(
        f"SELECT type, subject, CASE WHEN length(data) <= {LONG} THEN data END FROM events WHERE id = ?", (event,)
    ).fetchone()
    if row is None:
        return None
    data = None if row[2] is None else json.loads(row[2])
    return {"type": row[0], "subject": row[1], "display_name": name_in(data)}


def _run_in_full(raw: Reading, row: tuple[Any, ...]) -> dict[str, Any]:
    steps = raw.execute(
        "SELECT position, id, action, connection, state, request, output, error FROM steps WHERE run = ? "
        "ORDER BY position",
        (row[0],),
    ).fetchall()
    attempts = raw.execute(
        "SELECT position, id, number, started_at, duration_ms, verdict, status, error, exchanges FROM attempts "
        "WHERE run = ? ORDER BY seq",
        (row[0],),
    ).fetchall()
    return {**_run(row), "steps": [_step(step, attempts) for step in steps]}


def _step(row: tuple[Any, ...], attempts: list[tuple[Any, ...]]) -> dict[str, Any]:
    made = [
        {
            "id": attempt[1],
            "number": attempt[2],
            "started_at": utc_text(moment(attempt[3])),
            "duration_ms": attempt[4],
            "verdict": attempt[5],
            "status": attempt[6],
            "error": attempt[7],
            "exchanges": json.loads(attempt[8]),
        }
        for attempt in attempts
        if attempt[0] == row[0]
    ]
    return {
        "id": row[1],
        "position": row[0],
        "action": row[2],
        "connection": row[3],
        "state": row[4],
        "request": None if row[5] is None else _request(json.loads(row[5])),
        "output": None if row[6] is None else json.loads(row[6]),
        "error": row[7],
        "attempts": made,
    }


def _request(frozen: Mapping[str, Any]) -> dict[str, Any]:
    """The frozen request as people read it: JSON bodies as JSON."""
    body = frozen["body"]
    if isinstance(body, str):
        with contextlib.suppress(ValueError):
            body = json.loads(body)
    return {"method": frozen["method"], "url": frozen["url"] or frozen["path"], "body": body}


_: type[History] = SqlHistory
