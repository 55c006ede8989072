"""Runs under way: claimed under a lease, written back as far as they came, given back when their owner is no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from hooks.errors import LeaseLost
from hooks.ports import Claimed, Progress
from hooks.store.engine import Reading, Transaction
from hooks.store.people import learn, leave_lane, take_turn
from hooks.store.rows import (
    EVENT_COLUMNS,
    STEP_COLUMNS,
    attempt_to_row,
    event_from_row,
    millis,
    moment,
    step_from_row,
    step_to_row,
    storable,
)

CLAIM_SIZE = 1024 * 1024
"""Characters of events that one claim takes for one connection, and one event more."""

_WRITE_STEP = (
    f"INSERT INTO steps (run, {STEP_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) "
    "ON CONFLICT (run, position) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in STEP_COLUMNS.split(", ") if name != "position")
)


def claim(
    transaction: Transaction, owner: str, slots: Mapping[str, int], now: datetime, lease: float
) -> list[tuple[Claimed, str]]:
    at, until = millis(now), millis(now + timedelta(seconds=lease))
    claimed: list[tuple[Claimed, str]] = []
    for connection, free in slots.items():
        rows = transaction.execute(
            "UPDATE runs SET state = 'running', owner = ?, lease_until = ?, fence = fence + 1 WHERE seq IN "
            "(SELECT seq FROM runs WHERE state = 'waiting' AND connection = ? AND due_at <= ? "
            f"ORDER BY due_at, seq LIMIT ?{transaction.skip_locked}) "
            "RETURNING id, rule, rules_version, generation, fence, attempts, event, due_at, seq",
            (owner, until, connection, at, free),
        ).fetchall()
        size = 0
        for row in sorted(rows, key=lambda row: row[7:]):  # RETURNING promises no order
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
            identifier, rule, version, generation, fence, attempts, *_ = row
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
    moved(transaction, "waiting", "running", len(claimed))
    return claimed


def progress(transaction: Transaction, change: Progress) -> None:
    row = transaction.execute(
        "UPDATE runs SET attempts = attempts + ? WHERE id = ? AND fence = ? AND state = 'running' "
        "RETURNING seq, connection",
        (len(change.attempts), change.run, change.fence),
    ).fetchone()
    if row is None:
        raise LeaseLost(f"{change.run} has been taken over")
    for step in change.steps:
        transaction.execute(
            _WRITE_STEP,
            step_to_row(change.run, step),
        )
    for attempt in change.attempts:
        transaction.execute(
            "INSERT INTO attempts (id, run, position, number, started_at, duration_ms, verdict, status, error, "
            "exchanges) VALUES (?,?,?,?,?,?,?,?,?,?)",
            attempt_to_row(change.run, attempt),
        )
    if change.sightings:
        take_turn(transaction)
        for seen in change.sightings:
            learn(transaction, seen)
    if change.leaves:
        leave_lane(transaction, change.run)
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
    moved(transaction, "running", change.state, 1)
    if ended:
        transaction.tally(millis(change.at), f"run.{change.state}", row[1])


def renew(transaction: Transaction, owner: str, now: datetime, lease: float) -> None:
    until = millis(now + timedelta(seconds=lease))
    transaction.execute("UPDATE runs SET lease_until = ? WHERE state = 'running' AND owner = ?", (until, owner))


def recover(transaction: Transaction, owner: str, now: datetime) -> int:
    lost = "lease_until < ?"
    values: list[int | str] = [millis(now), millis(now)]
    if transaction.alone:
        lost = f"({lost} OR owner IS NULL OR owner <> ?)"
        values.append(owner)
    found = transaction.execute(
        "UPDATE runs SET state = 'waiting', due_at = ?, owner = NULL, lease_until = NULL "
        f"WHERE state = 'running' AND {lost}",
        values,
    ).rowcount
    moved(transaction, "running", "waiting", found)
    return found


def next_due(reading: Reading, connections: Sequence[str]) -> datetime | None:
    due = [
        reading.execute("SELECT min(due_at) FROM runs WHERE state = 'waiting' AND connection = ?", (name,)).fetchone()[
            0
        ]
        for name in connections
    ]
    first = min((at for at in due if at is not None), default=None)
    return None if first is None else moment(first)


def absent_connections(reading: Reading, known: Sequence[str]) -> list[str]:
    # A loose index scan: one look per connection name, however many runs wait.
    names: list[str] = []
    row = reading.execute("SELECT min(connection) FROM runs WHERE state = 'waiting'").fetchone()
    while row[0] is not None:
        names.append(row[0])
        row = reading.execute(
            "SELECT min(connection) FROM runs WHERE state = 'waiting' AND connection > ?", (row[0],)
        ).fetchone()
    return [name for name in names if name not in known]


def moved(transaction: Transaction, before: str, after: str, number: int) -> None:
    if number:
        transaction.count(f"runs.{before}", -number)
        transaction.count(f"runs.{after}", number)
