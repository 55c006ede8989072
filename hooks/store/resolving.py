"""Unknown outcomes: which steps have one, and a person's word (or a look-up's find) on what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hooks.ports import Resolution, UnknownStep
from hooks.store import step_records, timing
from hooks.store.engine import Reading, Transaction
from hooks.store.leasing import moved
from hooks.store.retention import CANCELLED
from hooks.store.rows import EVENT_COLUMNS, STEP_COLUMNS, dump, event_from_row, millis, step_from_row, storable

_UNKNOWN = "(state = 'intended' OR (state = 'failed' AND intended_at IS NOT NULL))"


def resolve(transaction: Transaction, run: str, resolution: Resolution, now: datetime) -> bool:
    """Write down what became of the step of a held or failed run; False when none of it is unknown."""
    row = transaction.execute("SELECT state FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None or row[0] not in ("held", "failed"):
        return False
    step = transaction.execute(
        f"SELECT position, id, tries FROM steps WHERE run = ? AND {_UNKNOWN} ORDER BY position LIMIT 1", (run,)
    ).fetchone()
    if step is None:
        return False
    position, name, tries = step
    at = millis(now)
    if resolution.outcome == "sent":
        transaction.execute(
            "UPDATE steps SET state = 'done', output = ?, error = NULL, intended_at = NULL, finished_at = ? "
            "WHERE run = ? AND position = ?",
            (dump(resolution.output), at, run, position),
        )
        step_records.remember(transaction, run, resolution.output)
    elif resolution.outcome == "not_sent":
        transaction.execute(
            "UPDATE steps SET state = 'waiting', error = NULL, intended_at = NULL, finished_at = NULL, tries = 1 "
            "WHERE run = ? AND position = ?",
            (run, position),
        )
    ended = resolution.outcome == "give_up"
    if ended:
        timing.give_up(transaction, run, at)
    transaction.execute(
        "UPDATE runs SET state = ?, reason = ?, due_at = ?, finished_at = ?, fence = fence + 1, crashes = 0 "
        "WHERE id = ?",
        (
            "failed" if ended else "waiting",
            f"{CANCELLED}: what became of step {name!r} stays unknown" if ended else None,
            at,
            at if ended else None,
            run,
        ),
    )
    transaction.execute(
        "INSERT INTO attempts (id, run, position, number, started_at, duration_ms, verdict, status, error, exchanges) "
        "VALUES (?, ?, ?, ?, ?, 0, ?, NULL, ?, '[]')",
        (
            resolution.attempt,
            run,
            position,
            tries,
            at,
            "adopted" if resolution.outcome == "sent" else "unknown",
            storable(resolution.said),
        ),
    )
    moved(transaction, row[0], "failed" if ended else "waiting", 1)
    return True


def unknown_steps(reading: Reading, connection: str | None, limit: int) -> list[UnknownStep]:
    """Steps of held and failed runs whose outcome is unknown, oldest first."""
    where, values = ("", ()) if connection is None else ("AND s.connection = ? ", (connection,))
    columns = ", ".join(f"s.{name.strip()}" for name in STEP_COLUMNS.split(","))
    rows: list[Any] = reading.execute(
        f"SELECT r.id, r.rule, r.rules_version, r.key_generation, r.state, r.event, {columns} "
        "FROM runs r JOIN steps s ON s.run = r.id WHERE r.state IN ('held', 'failed') "
        "AND (s.state = 'intended' OR (s.state = 'failed' AND s.intended_at IS NOT NULL)) "
        f"{where}ORDER BY r.seq LIMIT ?",
        (*values, limit),
    ).fetchall()
    found = []
    for run, rule, version, generation, state, event, *step in rows:
        row = reading.execute(f"SELECT {EVENT_COLUMNS} FROM events WHERE id = ?", (event,)).fetchone()
        found.append(
            UnknownStep(run, rule, version, generation, state, event_from_row(row), step_from_row(tuple(step)))
        )
    return found
