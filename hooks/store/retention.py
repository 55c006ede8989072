"""Retention: what has ended and is old enough is deleted, a little at a time, so that intake hardly notices.

Never deleted: receipts whose events have not been made, events with a run that waits, runs, is held or has failed
without anybody having looked (a person's `cancel` is such a look), and what has ended only lately. Deleted pages are
overwritten with zeros (``secure_delete``) and used again, so the file stops growing; it does not become smaller.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from hooks.errors import StoreError
from hooks.events import event_id
from hooks.store.engine import Engine, Reading, Transaction
from hooks.store.rows import millis

CANCELLED = "cancelled by a person"
"""How the reason of a failed run begins when a person has looked at it and given it up."""

SCANNED = 250
"""Rows that are looked at in one reading."""

LONGEST = 0.02
"""Seconds that one transaction may delete for; the number of rows adapts to it."""

MINUTES = 10_000
"""Minutes of old traffic that one pass forgets: a week of them each hour."""

QUARANTINED = 1_000
"""Unreadable deliveries that are kept at most, the latest ones."""

OF_A_RUN = ("attempts", "steps", "person_lanes")
"""Tables whose rows belong to a run, by their column ``run``, and go with it."""

OF_AN_EVENT = ("person_events", "person_queue")
"""Tables whose rows belong to an event, by their column ``event``, and go with it."""

Stage = Literal["events", "receipts", "quarantine", "duplicates", "onces", "traffic", "done"]
_STAGES: tuple[Stage, ...] = ("events", "receipts", "quarantine", "duplicates", "onces", "traffic", "done")


@dataclass(frozen=True, slots=True)
class Swept:
    """How far pruning has come: a stage, the last row it looked at there, and what it has deleted so far.

    ``kept`` counts old events that stay because of one of their runs. ``keys`` are remembered deliveries and
    ``once_per`` keys whose time has run out.
    """

    stage: Stage = "events"
    after: int | str = 0
    events: int = 0
    runs: int = 0
    receipts: int = 0
    keys: int = 0
    kept: int = 0


class Pruner:
    """Deletes what is older than a moment. ``monotonic`` and ``sleep`` are a clock's."""

    def __init__(
        self,
        engine: Engine,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        share: float = 0.25,
    ) -> None:
        """``share``: how much of the time may go to deleting; the rest is left to what senders wait for."""
        self._engine = engine
        self._monotonic = monotonic
        self._sleep = sleep
        self._share = share
        self._size = 16

    async def prune(
        self, before: datetime, now: datetime, start: Swept | None = None, *, dry_run: bool = False
    ) -> AsyncGenerator[Swept, None]:
        """Go through all stages; gives how far it has come after each batch. ``dry_run`` only counts.

        ``before``: what ended earlier goes. ``now``: keys whose time ran out before this go.
        """
        swept = start or Swept()
        while swept.stage != "done":
            began = self._monotonic()
            rows, swept = await self._engine.read(partial(_candidates, swept=swept, before=before, now=now))
            if dry_run:
                swept = await self._engine.read(partial(_counted, swept=swept, rows=rows, before=before))
            await self._rest(self._monotonic() - began)
            while rows and not dry_run:
                batch, rows = rows[: self._size], rows[self._size :]
                began = self._monotonic()
                swept = await self._engine.write(partial(_deleted, swept=swept, rows=batch, before=before))
                await self._rest(self._adapted(self._monotonic() - began))
            yield swept

    def _adapted(self, took: float) -> float:
        """Fewer rows next time when it took long, more when it was quick."""
        if took > LONGEST:
            self._size = max(1, self._size // 2)
        elif took < LONGEST / 2:
            self._size = min(SCANNED, self._size + max(1, self._size // 4))
        return took

    async def _rest(self, took: float) -> None:
        """Leave the others their share of the time."""
        await self._sleep(took * (1 / self._share - 1))


def _candidates(reading: Reading, *, swept: Swept, before: datetime, now: datetime) -> tuple[list[Any], Swept]:
    """The next rows that may go, and how far that looked. A stage without more rows gives way to the next one."""
    rows, last = _SCANS[swept.stage](reading, swept.after, before, now)
    if last is None:
        following = _STAGES[_STAGES.index(swept.stage) + 1]
        return rows, replace(swept, stage=following, after="" if following in ("duplicates", "onces") else 0)
    return rows, replace(swept, after=last)


def _old_events(reading: Reading, after: Any, before: datetime, now: datetime) -> tuple[list[Any], Any]:
    rows = reading.execute(
        "SELECT seq, id, received_at, state FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, SCANNED)
    ).fetchall()
    limit = before.isoformat()
    old = [("event", row[1], row[3]) for row in rows if row[2] < limit]
    # They come in the order of their arrival, more or less: a clock that jumped must not keep the others for ever.
    return old, rows[-1][0] if old and len(rows) == SCANNED else None


def _old_receipts(reading: Reading, after: Any, before: datetime, now: datetime) -> tuple[list[Any], Any]:
    rows = reading.execute(
        "SELECT seq, id, received_at, verdict, events, pending FROM receipts WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, SCANNED),
    ).fetchall()
    limit = millis(before)
    old = [row for row in rows if row[2] < limit]
    found = [("receipt", row[1], row[3], row[4]) for row in old if not row[5]]
    return found, rows[-1][0] if old and len(rows) == SCANNED else None


def _too_many_quarantined(reading: Reading, after: Any, before: datetime, now: datetime) -> tuple[list[Any], Any]:
    rows = reading.execute(
        "SELECT id, verdict FROM receipts WHERE verdict <> 'accepted' AND verdict = 'quarantined' "
        "ORDER BY seq DESC LIMIT ? OFFSET ?",
        (SCANNED, QUARANTINED),
    ).fetchall()
    return [("receipt", row[0], row[1], 0) for row in rows], None


def _old_duplicates(reading: Reading, after: Any, before: datetime, now: datetime) -> tuple[list[Any], Any]:
    rows = reading.execute(
        "SELECT digest, expires_at FROM duplicates WHERE digest > ? ORDER BY digest LIMIT ?",
        (bytes.fromhex(after), SCANNED * 4),
    ).fetchall()
    limit = int(now.timestamp())
    found = [("duplicate", bytes(row[0]), row[1]) for row in rows if row[1] <= limit]
    return found, bytes(rows[-1][0]).hex() if len(rows) == SCANNED * 4 else None


def _old_onces(reading: Reading, after: Any, before: datetime, now: datetime) -> tuple[list[Any], Any]:
    rule, _, digest = str(after).rpartition("/")
    rows = reading.execute(
        "SELECT rule, digest, expires_at FROM onces WHERE rule > ? OR (rule = ? AND digest > ?) "
        "ORDER BY rule, digest LIMIT ?",
        (rule, rule, bytes.fromhex(digest), SCANNED * 4),
    ).fetchall()
    limit = millis(now)
    found = [("once", row[0], bytes(row[1]), row[2]) for row in rows if row[2] <= limit]
    return found, f"{rows[-1][0]}/{bytes(rows[-1][1]).hex()}" if len(rows) == SCANNED * 4 else None


def _old_traffic(reading: Reading, after: Any, before: datetime, now: datetime) -> tuple[list[Any], Any]:
    rows = reading.execute(
        "SELECT DISTINCT minute FROM traffic WHERE minute < ? ORDER BY minute LIMIT ?",
        (millis(before) // 60_000, MINUTES),
    ).fetchall()
    return [("minute", row[0]) for row in rows], None


_SCANS: dict[Stage, Callable[[Reading, Any, datetime, datetime], tuple[list[Any], Any]]] = {
    "events": _old_events,
    "receipts": _old_receipts,
    "quarantine": _too_many_quarantined,
    "duplicates": _old_duplicates,
    "onces": _old_onces,
    "traffic": _old_traffic,
}


def _counted(reading: Reading, *, swept: Swept, rows: Sequence[Any], before: datetime) -> Swept:
    """As `_deleted`, without deleting anything."""
    return _gone(reading, None, swept, rows, millis(before))


def _deleted(transaction: Transaction, *, swept: Swept, rows: Sequence[Any], before: datetime) -> Swept:
    """Delete these rows, those that may still go, and what belongs to them."""
    return _gone(transaction, transaction, swept, rows, millis(before))


def _gone(reading: Reading, transaction: Transaction | None, swept: Swept, rows: Sequence[Any], before: int) -> Swept:
    for kind, *found in rows:
        if kind == "event":
            swept = _event(reading, transaction, swept, found[0], found[1], before)
        elif kind == "receipt":
            swept = _receipt(reading, transaction, swept, found[0], found[1], found[2], before)
        elif kind == "minute":
            if transaction is not None:
                transaction.execute("DELETE FROM traffic WHERE minute = ?", found)
        else:
            if transaction is not None:
                _key(transaction, kind, found)
            swept = replace(swept, keys=swept.keys + 1)
    return swept


def _event(reading: Reading, transaction: Transaction | None, swept: Swept, id: str, state: str, before: int) -> Swept:
    runs = _runs_of(reading, id)
    if not all(_may_go(run, before) for run in runs):
        return replace(swept, kept=swept.kept + 1)
    if transaction is not None:
        if not transaction.execute("DELETE FROM events WHERE id = ?", (id,)).rowcount:
            return swept  # another server prunes too
        for table in OF_AN_EVENT:
            transaction.execute(f"DELETE FROM {table} WHERE event = ?", (id,))
        transaction.count(f"events.{state}", -1)
        transaction.count("events.accepted", -1)
        for run, ended, _, _ in runs:
            for table in OF_A_RUN:
                transaction.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
            if not transaction.execute("DELETE FROM runs WHERE id = ? AND state = ?", (run, ended)).rowcount:
                raise StoreError(f"{run} changed while it was being deleted: its event stays this time")
            transaction.count(f"runs.{ended}", -1)
    return replace(swept, events=swept.events + 1, runs=swept.runs + len(runs))


def _runs_of(reading: Reading, event: str) -> list[Any]:
    return reading.execute("SELECT id, state, reason, finished_at FROM runs WHERE event = ?", (event,)).fetchall()


def _may_go(run: Sequence[Any], before: int) -> bool:
    _, state, reason, finished_at = run
    if state == "failed" and not (reason or "").startswith(CANCELLED):
        return False
    return state in ("done", "skipped", "failed") and finished_at is not None and finished_at < before


def _receipt(
    reading: Reading, transaction: Transaction | None, swept: Swept, id: str, verdict: str, events: int, before: int
) -> Swept:
    if events:
        # The events of a receipt have ids that follow each other.
        left = reading.execute(
            "SELECT id FROM events WHERE id >= ? AND id <= ?", (event_id(id, 0), event_id(id, events - 1))
        ).fetchall()
        if transaction is None:  # nothing has been deleted: what would be, counts as gone
            left = [row for row in left if not all(_may_go(run, before) for run in _runs_of(reading, row[0]))]
        if left:
            return swept
    if transaction is not None:
        if not transaction.execute("DELETE FROM receipts WHERE id = ? AND pending = 0", (id,)).rowcount:
            return swept
        transaction.count(f"receipts.{verdict}", -1)
    return replace(swept, receipts=swept.receipts + 1)


def _key(transaction: Transaction, kind: str, found: Sequence[Any]) -> None:
    """Each only as it was seen: one that was taken anew meanwhile stays."""
    if kind == "duplicate":
        transaction.execute("DELETE FROM duplicates WHERE digest = ? AND expires_at = ?", found)
    else:
        transaction.execute("DELETE FROM onces WHERE rule = ? AND digest = ? AND expires_at = ?", found)
