"""What steers runs from outside their course: connections that rest or come back, and a person's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from hooks.store.engine import Transaction
from hooks.store.leasing import moved
from hooks.store.rows import millis


def hold(transaction: Transaction, runs: Mapping[str, str]) -> int:
    held = 0
    for connection, reason in runs.items():
        held += transaction.execute(
            "UPDATE runs SET state = 'held', reason = ? WHERE state = 'waiting' AND connection = ?",
            (reason, connection),
        ).rowcount
    moved(transaction, "waiting", "held", held)
    return held


def release(transaction: Transaction, connections: Sequence[str], reasons: Sequence[str], now: datetime) -> int:
    freed = 0
    for connection in connections:
        for reason in reasons:
            freed += transaction.execute(
                "UPDATE runs SET state = 'waiting', reason = NULL, "
                "due_at = CASE WHEN due_at < ? THEN ? ELSE due_at END "
                "WHERE state = 'held' AND connection = ? AND reason = ?",
                (millis(now), millis(now), connection, reason),
            ).rowcount
    moved(transaction, "held", "waiting", freed)
    return freed


def retry(transaction: Transaction, run: str, now: datetime) -> bool:
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
    moved(transaction, row[0], "waiting", 1)
    return True


def cancel(transaction: Transaction, run: str, reason: str, now: datetime) -> bool:
    row = transaction.execute("SELECT state FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None or row[0] not in ("waiting", "held"):
        return False
    transaction.execute(
        "UPDATE runs SET state = 'failed', reason = ?, finished_at = ?, fence = fence + 1 WHERE id = ?",
        (reason, millis(now), run),
    )
    moved(transaction, row[0], "failed", 1)
    return True
