"""Replays: which events are chosen, what was done for each, and the runs that are made for them once more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hooks.events import FORGOTTEN, Receipt, parse_utc, unreadable
from hooks.people import customer_in
from hooks.ports import Chosen, PastRun, Plan, Replay, ReplaySelection
from hooks.store import timing
from hooks.store.conditions import could_be_read, like
from hooks.store.engine import Reading, Transaction
from hooks.store.planning import insert_run
from hooks.store.rows import EVENT_COLUMNS, RECEIPT_COLUMNS, event_from_row, event_to_row, receipt_from_row
from hooks.store.steering import retry

SCANNED = 20_000
"""Events that one reading looks at."""

_ANY = "SELECT 1 FROM runs WHERE event = ? AND rule = ? LIMIT 1"
_UNDER_WAY = "SELECT 1 FROM runs WHERE event = ? AND rule = ? AND state IN ('waiting', 'running', 'held') LIMIT 1"
_WITH_RUN = "EXISTS (SELECT 1 FROM runs x WHERE x.event = e.id AND x.state = ?)"


def place_of(reading: Reading, event: str) -> int | None:
    """The place in the order of arrival, None for an event that is not there."""
    row = reading.execute("SELECT seq FROM events WHERE id = ?", (event,)).fetchone()
    return None if row is None else int(row[0])


def chosen(reading: Reading, selection: ReplaySelection, after: int, limit: int) -> tuple[int | None, list[Chosen]]:
    """Events of a selection with their runs, oldest first: up to ``limit`` of the next `SCANNED` after a place.

    Gives the place to go on from too, None at the end. Few of millions may fit, and no reading should take long.
    """
    last = None
    if selection.events is None:
        last = reading.execute(
            "SELECT max(seq) FROM (SELECT seq FROM events WHERE seq > ? ORDER BY seq LIMIT ?) AS part", (after, SCANNED)
        ).fetchone()[0]
        if last is None:
            return None, []
    conditions, values = _where(selection)
    conditions.append("e.seq > ?")
    values.append(after)
    if last is not None:
        conditions.append("e.seq <= ?")
        values.append(last)
    columns = ", ".join(f"e.{name.strip()}" for name in EVENT_COLUMNS.split(","))
    rows = reading.execute(
        f"SELECT {columns} FROM events e WHERE {' AND '.join(conditions)} ORDER BY e.seq LIMIT ?",
        [*values, limit],
    ).fetchall()
    found = []
    receipts: dict[str, Receipt | None] = {}
    for row in rows:
        event = event_from_row(row)
        runs = reading.execute(
            "SELECT id, rule, rules_version, state, reason FROM runs WHERE event = ? ORDER BY seq", (event.id,)
        )
        receipt = None
        if unreadable(event.flag):
            if event.receipt not in receipts:
                receipts[event.receipt] = _receipt(reading, event.receipt)
            receipt = receipts[event.receipt]
        found.append(Chosen(event, tuple(PastRun(*run) for run in runs), receipt))
    return last, found


def _receipt(reading: Reading, id: str) -> Receipt | None:
    row = reading.execute(f"SELECT {RECEIPT_COLUMNS}, crashes FROM receipts WHERE id = ?", (id,)).fetchone()
    return None if row is None else receipt_from_row(row)._replace(crashes=row[-1])


def _where(selection: ReplaySelection) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []

    def add(condition: str, *given: Any) -> None:
        conditions.append(condition)
        values.extend(given)

    if selection.events is not None:
        add(f"e.id IN ({', '.join('?' * len(selection.events))})", *selection.events)
    if selection.source is not None:
        add("e.source = ?", selection.source)
    if selection.type is not None:
        if "*" in selection.type:
            add("e.type LIKE ? ESCAPE '\\'", like(selection.type).replace("*", "%"))
        else:
            add("e.type = ?", selection.type)
    if selection.state in ("matched", "unmatched"):
        add("e.state = ?", selection.state)
    elif selection.state is not None and selection.rule is not None:
        add(
            "EXISTS (SELECT 1 FROM runs x WHERE x.event = e.id AND x.state = ? AND x.rule = ?)",
            selection.state,
            selection.rule,
        )
    elif selection.state is not None:
        add(_WITH_RUN, selection.state)
    if selection.flagged is not None:
        add(could_be_read(not selection.flagged))
    if selection.since is not None:
        add("e.received_at >= ?", selection.since.isoformat())
    if selection.until is not None:
        add("e.received_at < ?", selection.until.isoformat())
    return conditions, values


_READ = (
    "UPDATE events SET type = ?, vendor_type = ?, subject = ?, time = ?, data = ?, raw = ?, flag = NULL, "
    "rules_version = ? WHERE id = ? AND flag IS NOT NULL AND flag <> ?"
)


def read_anew(transaction: Transaction, plans: Sequence[Plan], version: str) -> None:
    """Keep events that could be read this time. One that has been read meanwhile, or was forgotten, stays as it is."""
    for plan in plans:
        id, type_, _, _, vendor_type, _, subject, time, _, data, raw, _ = event_to_row(plan.event)
        row = (type_, vendor_type, subject, time, data, raw, version, id, FORGOTTEN)
        if not transaction.execute(_READ, row).rowcount:
            continue
        if customer_in(plan.event.type, plan.event.data):
            transaction.execute("INSERT INTO person_queue (event) VALUES (?) ON CONFLICT DO NOTHING", (id,))
        if plan.meets:
            timing.meet(transaction, plan)


def add(transaction: Transaction, replays: Sequence[Replay], now: datetime) -> int:
    """Make the runs of replays, or let failed ones go on; gives how many. One that is there meanwhile is left alone."""
    made = 0
    for replay in replays:
        if replay.planned is None:
            made += retry(transaction, replay.run, now)
            continue
        run = replay.planned
        missing = run.replay is None or run.replay.of is None
        there = transaction.execute(_ANY if missing else _UNDER_WAY, (replay.event, run.rule)).fetchone()
        if there is not None:
            continue
        row = transaction.execute("SELECT received_at, state FROM events WHERE id = ?", (replay.event,)).fetchone()
        if row is None:
            continue
        insert_run(transaction, replay.event, parse_utc(row[0]), run, replay.version)
        if row[1] == "unmatched":
            transaction.execute("UPDATE events SET state = 'matched' WHERE id = ?", (replay.event,))
            transaction.count("events.unmatched", -1)
            transaction.count("events.matched")
        made += 1
    return made
