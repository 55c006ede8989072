"""Unknown outcomes: which steps have one, and a person's word (or a look-up's find) on what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hooks.events import CANCELLED, RunState
from hooks.ports import Resolution, UnknownStep
from hooks.store import step_records, timing
from hooks.store.engine import Reading, Transaction
from hooks.store.leasing import moved
from hooks.store.rows import EVENT_COLUMNS, STEP_COLUMNS, dump, event_from_row, millis, step_from_row, storable

SCANNED = 5_000
"""Held or failed runs that one reading looks at."""

_UNKNOWN = "({0}state = 'intended' OR ({0}state = 'failed' AND {0}intended_at IS NOT NULL))"


def resolve(transaction: Transaction, run: str, resolution: Resolution, now: datetime) -> bool:
    """Write down what became of the step of a held or failed run; False when none of it is unknown."""
    row = transaction.execute("SELECT state FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None or row[0] not in ("held", "failed"):
        return False
    step = transaction.execute(
        f"SELECT position, id, tries FROM steps WHERE run = ? AND {_UNKNOWN.format('')} ORDER BY position LIMIT 1",
        (run,),
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
        step_records.remember(transaction, [(run, resolution.output)])
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


def unknown_steps(
    reading: Reading, state: RunState, connection: str | None, after: int, limit: int
) -> tuple[int | None, list[tuple[int, UnknownStep]]]:
    """Steps whose outcome is unknown, of the next `SCANNED` runs that are held or have failed, oldest first.

    Each has its run's place before it. Gives the place to go on from too, None at the end: few of a million runs that
    are held may have such a step, and nobody else should have to wait while all are looked at.
    """
    there = "r.state = ? AND r.state IN ('held', 'failed', 'skipped') AND r.seq > ?"  # names the partial index
    last = reading.execute(
        f"SELECT max(seq) FROM (SELECT r.seq FROM runs r WHERE {there} ORDER BY r.seq LIMIT ?) AS part",
        (state, after, SCANNED),
    ).fetchone()[0]
    if last is None:
        return None, []
    where, values = ("", ()) if connection is None else ("AND s.connection = ? ", (connection,))
    columns = ", ".join(f"s.{name.strip()}" for name in STEP_COLUMNS.split(","))
    rows: list[Any] = reading.execute(
        f"SELECT r.seq, r.id, r.rule, r.rules_version, r.key_generation, r.state, r.event, {columns} "
        f"FROM runs r JOIN steps s ON s.run = r.id WHERE {there} AND r.seq <= ? "
        f"AND {_UNKNOWN.format('s.')} {where}ORDER BY r.seq LIMIT ?",
        (state, after, last, *values, limit),
    ).fetchall()
    found = []
    for seq, run, rule, version, generation, _, event, *step in rows:
        row = reading.execute(f"SELECT {EVENT_COLUMNS} FROM events WHERE id = ?", (event,)).fetchone()
        known = event_from_row(row)
        found.append((seq, UnknownStep(run, rule, version, generation, state, known, step_from_row(tuple(step)))))
    return (last if len(rows) < limit else None), found
