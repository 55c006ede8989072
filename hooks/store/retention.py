"""Retention: what has ended and is old enough is deleted, a little at a time, so that intake hardly notices.

Never deleted: receipts whose events have not been made, events with a run that waits, runs, is held or has failed
without anybody having looked (a person's `cancel` is such a look), and what has ended only lately. Deleted pages are
overwritten with zeros (``secure_delete``) and used again, so the file stops growing; it does not become smaller.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from hooks.errors import StoreError
from hooks.events import event_id, given_up
from hooks.store import silences
from hooks.store.engine import Engine, Reading, Transaction
from hooks.store.recent import lower_mark
from hooks.store.rows import millis

SCANNED = 250
"""Rows that are looked at in one reading."""

AT_ONCE = 500
"""Runs that one statement deletes."""

LONGEST_WORK = 10.0
"""Seconds that one piece of work is taken to have lasted at most: a process that was stopped meanwhile owes no rest."""

LONGEST = 0.02
"""Seconds that one transaction may delete for; the number of rows adapts to it."""

MINUTES = 10_000
"""Minutes of old traffic that one pass forgets: a week of them each hour."""

QUARANTINED = 1_000
"""Unreadable deliveries that are kept at most, the latest ones."""

OF_A_RUN = ("attempts", "steps", "step_records", "person_lanes")
"""Tables whose rows belong to a run, by their column ``run``, and go with it."""

OF_AN_EVENT = ("person_events", "person_queue")
"""Tables whose rows belong to an event, by their column ``event``, and go with it."""

Stage = Literal["events", "receipts", "quarantine", "duplicates", "onces", "traffic", "done"]
_STAGES: tuple[Stage, ...] = ("events", "receipts", "quarantine", "duplicates", "onces", "traffic", "done")
OF_KEYS = ("duplicates", "onces")
"""Stages that go through all of their table: its rows lie in no order of time."""


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
        self,
        before: datetime,
        now: datetime,
        start: Swept | None = None,
        *,
        dry_run: bool = False,
        keys: bool = True,
    ) -> AsyncGenerator[Swept, None]:
        """Go through all stages; gives how far it has come after each batch. ``dry_run`` only counts.

        ``before``: what ended earlier goes. ``now``: keys whose time ran out before this go, unless ``keys`` is False.
        """
        swept = start or Swept()
        if not dry_run:
            await silences.refresh(self._engine)
        await self._engine.settle()  # a receipt that goes must not take along what tells its repetitions
        while swept.stage != "done":
            if swept.stage in OF_KEYS and not keys:
                swept = _next(swept)
                continue
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
        await self._sleep(min(took, LONGEST_WORK) * (1 / self._share - 1))


def _candidates(reading: Reading, *, swept: Swept, before: datetime, now: datetime) -> tuple[list[Any], Swept]:
    """The next rows that may go, and how far that looked. A stage without more rows gives way to the next one."""
    rows, last = _SCANS[swept.stage](reading, swept.after, before, now)
    return rows, (_next(swept) if last is None else replace(swept, after=last))


def _next(swept: Swept) -> Swept:
    stage = _STAGES[_STAGES.index(swept.stage) + 1]
    return replace(swept, stage=stage, after="" if stage in OF_KEYS else 0)


def _old_events(reading: Reading, after: Any, before: datetime, now: datetime) -> tuple[list[Any], Any]:
    rows = reading.execute(
        "SELECT seq, id, received_at FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, SCANNED)
    ).fetchall()
    limit = before.isoformat()
    old = [("event", row[1]) for row in rows if row[2] < limit]
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
    """Rows of one kind, all in a few statements: each word to the database costs as much as several rows."""
    if not rows:
        return swept
    kind, found = rows[0][0], [row[1:] for row in rows]
    if kind == "event":
        return _events(reading, transaction, swept, [row[0] for row in found], before)
    if kind == "receipt":
        return _receipts(reading, transaction, swept, found, before)
    if kind == "minute":
        if transaction is not None:
            transaction.execute(f"DELETE FROM traffic WHERE minute {_among(found)}", [row[0] for row in found])
        return swept
    if transaction is not None:
        _keys(transaction, kind, found)
    return replace(swept, keys=swept.keys + len(found))


def _among(values: Sequence[Any]) -> str:
    return f"IN ({', '.join('?' * len(values))})"


def _events(reading: Reading, transaction: Transaction | None, swept: Swept, ids: Sequence[str], before: int) -> Swept:
    runs = _runs_of(reading, ids)
    going = [id for id in ids if all(_may_go(run, before) for run in runs.get(id, ()))]
    swept = replace(swept, kept=swept.kept + len(ids) - len(going))
    if not going:
        return swept
    if transaction is not None:
        gone = transaction.execute(f"DELETE FROM events WHERE id {_among(going)} RETURNING id, state", going).fetchall()
        going = [row[0] for row in gone]  # another server prunes too
        for table in OF_AN_EVENT if going else ():
            transaction.execute(f"DELETE FROM {table} WHERE event {_among(going)}", going)
        for _, state in gone:
            transaction.count(f"events.{state}", -1)
            transaction.count("events.accepted", -1)
        ended = {run[0]: run[1] for id in going for run in runs.get(id, ())}
        for start in range(0, len(ended), AT_ONCE):
            _delete_runs(transaction, dict(list(ended.items())[start : start + AT_ONCE]))
    return replace(
        swept, events=swept.events + len(going), runs=swept.runs + sum(len(runs.get(id, ())) for id in going)
    )


def _delete_runs(transaction: Transaction, ended: Mapping[str, str]) -> None:
    """Delete runs, by the state that each was found in, and what belongs to them."""
    ids = list(ended)
    for table in OF_A_RUN:
        transaction.execute(f"DELETE FROM {table} WHERE run {_among(ids)}", ids)
    found = transaction.execute(f"DELETE FROM runs WHERE id {_among(ids)} RETURNING id, state", ids)
    gone = {row[0]: row[1] for row in found}
    for id, state in ended.items():
        if gone.get(id) != state:
            raise StoreError(f"{id} changed while it was being deleted: its event stays this time")
        transaction.count(f"runs.{state}", -1)


def _runs_of(reading: Reading, events: Sequence[str]) -> dict[str, list[Any]]:
    """The runs of each of these events: id, state, reason, and when it ended."""
    found: dict[str, list[Any]] = {}
    rows = reading.execute(
        f"SELECT event, id, state, reason, finished_at FROM runs WHERE event {_among(events)}", events
    )
    for event, *run in rows:
        found.setdefault(event, []).append(run)
    return found


def _may_go(run: Sequence[Any], before: int) -> bool:
    _, state, reason, finished_at = run
    over = state in ("done", "skipped") or given_up(state, reason)
    return over and finished_at is not None and finished_at < before


def _receipts(
    reading: Reading, transaction: Transaction | None, swept: Swept, rows: Sequence[Any], before: int
) -> Swept:
    """Receipts of which no event is left. Each of the rows: id, verdict, how many events it had."""
    left = _events_left(reading, rows)
    if transaction is None and left:  # nothing has been deleted: what would be, counts as gone
        runs = _runs_of(reading, [event for _, event in left])
        left = [(id, event) for id, event in left if not all(_may_go(run, before) for run in runs.get(event, ()))]
    staying = {id for id, _ in left}
    going = [row[0] for row in rows if row[0] not in staying]
    if transaction is not None and going:
        gone = transaction.execute(
            f"DELETE FROM receipts WHERE pending = 0 AND id {_among(going)} RETURNING id, verdict", going
        ).fetchall()
        going = [row[0] for row in gone]
        for _, verdict in gone:
            transaction.count(f"receipts.{verdict}", -1)
        lower_mark(transaction)
    return replace(swept, receipts=swept.receipts + len(going))


def _events_left(reading: Reading, rows: Sequence[Any]) -> list[tuple[str, str]]:
    """The events of these receipts that are there still, each after its receipt."""
    single = {event_id(id, 0): id for id, _, events in rows if events == 1}
    left: list[tuple[str, str]] = []
    if single:
        events = list(single)
        found = reading.execute(f"SELECT id FROM events WHERE id {_among(events)}", events)
        left += [(single[row[0]], row[0]) for row in found]
    for id, _, events in rows:
        if events > 1:  # their ids follow each other
            ends = event_id(id, 0), event_id(id, events - 1)
            left += [(id, row[0]) for row in reading.execute("SELECT id FROM events WHERE id >= ? AND id <= ?", ends)]
    return left


def _keys(transaction: Transaction, kind: str, found: Sequence[Any]) -> None:
    """Each only when its time has run out still: one that was taken anew meanwhile stays."""
    if kind == "duplicate":
        digests, latest = [row[0] for row in found], max(row[1] for row in found)
        transaction.execute(
            f"DELETE FROM duplicates WHERE digest {_among(digests)} AND expires_at <= ?", (*digests, latest)
        )
        return
    for rule in dict.fromkeys(row[0] for row in found):
        digests = [row[1] for row in found if row[0] == rule]
        latest = max(row[2] for row in found if row[0] == rule)
        transaction.execute(
            f"DELETE FROM onces WHERE rule = ? AND digest {_among(digests)} AND expires_at <= ?",
            (rule, *digests, latest),
        )
