"""What steers runs from outside their course: connections that rest or come back, and a person's word.

What is let go waits among older work (`hooks.store.fairness`), so that a pause of hours holds up no live event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hooks.events import CANCELLABLE, given_up
from hooks.store import echoing, pausing, timing
from hooks.store.engine import Reading, Transaction
from hooks.store.fairness import AGAIN, LIVE
from hooks.store.leasing import moved
from hooks.store.rows import millis

_OLDER = f"priority = CASE WHEN priority = {LIVE} THEN {AGAIN} ELSE priority END"


def hold(transaction: Transaction, connection: str, reason: str, limit: int) -> int:
    """Hold up to ``limit`` waiting runs of a connection; gives how many."""
    held = transaction.execute(
        "UPDATE runs SET state = 'held', reason = ? WHERE seq IN "
        "(SELECT seq FROM runs WHERE state = 'waiting' AND behind IS NULL AND connection = ? "
        f"ORDER BY priority, due_at, seq LIMIT ?{transaction.skip_locked})",
        (reason, connection, limit),
    ).rowcount
    moved(transaction, "waiting", "held", held)
    return held


def is_held(reading: Reading, connections: Sequence[str], reasons: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of connection and reason for which a run is held."""
    return [
        (connection, reason)
        for connection in connections
        for reason in reasons
        if reading.execute(
            "SELECT 1 FROM runs WHERE state = 'held' AND connection = ? AND reason = ? LIMIT 1", (connection, reason)
        ).fetchone()
    ]


def release(transaction: Transaction, connection: str, reason: str, now: datetime, every: float, limit: int) -> int:
    """Let up to ``limit`` held runs wait again, oldest first, ``every`` seconds apart; gives how many.

    They follow those that were let go before, since the pause ended.
    """
    rows = transaction.execute(
        "SELECT seq FROM runs WHERE state = 'held' AND connection = ? AND reason = ? "
        f"ORDER BY seq LIMIT ?{transaction.skip_locked}",
        (connection, reason, limit),
    ).fetchall()
    first = pausing.drain_turns(transaction, connection, len(rows), every, now) if every else now
    for number, (seq,) in enumerate(rows):
        at = millis(first) + round(number * every * 1000)
        transaction.execute(
            f"UPDATE runs SET state = 'waiting', reason = NULL, {_OLDER}, "
            "due_at = CASE WHEN due_at < ? THEN ? ELSE due_at END WHERE seq = ?",
            (at, at, seq),
        )
    moved(transaction, "held", "waiting", len(rows))
    return len(rows)


def retry(transaction: Transaction, run: str, now: datetime) -> bool:
    row = transaction.execute("SELECT state FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None or row[0] not in ("failed", "held"):
        return False
    transaction.execute(
        f"UPDATE runs SET state = 'waiting', reason = NULL, {_OLDER}, due_at = ?, finished_at = NULL, "
        "fence = fence + 1, crashes = 0 WHERE id = ?",
        (millis(now), run),
    )
    echoing.forgive(transaction, run)
    # A failed step whose outcome was never found out is looked up first. For a held one a person has looked.
    transaction.execute(
        "UPDATE steps SET tries = CASE WHEN state = 'intended' THEN 1 ELSE 0 END, "
        "state = CASE WHEN state = 'failed' AND intended_at IS NOT NULL THEN 'intended' ELSE 'waiting' END "
        "WHERE run = ? AND (state = 'failed' OR (state = 'intended' AND ? = 'held'))",
        (run, row[0]),
    )
    moved(transaction, row[0], "waiting", 1)
    return True


def cancel(transaction: Transaction, run: str, reason: str, now: datetime) -> bool:
    row = transaction.execute("SELECT state, reason FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None or row[0] not in CANCELLABLE:
        return False
    followed = timing.give_up(transaction, run, millis(now))
    if not followed and given_up(*row):
        return False
    transaction.execute(
        "UPDATE runs SET state = 'failed', reason = ?, finished_at = ?, fence = fence + 1 WHERE id = ?",
        (reason, millis(now), run),
    )
    moved(transaction, row[0], "failed", 1)
    return True
