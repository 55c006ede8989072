"""Throttles: at most so many runs of a key begin in any stretch of time, exactly, over restarts and several servers.

A gate's key says its limit: ``60/60000/<digest>`` lets 60 runs begin in 60,000 milliseconds. The last starts are kept,
as many as the limit, each with its number: the next run may begin when the start that is as many before it as the
limit is old enough. Runs for which there is no room wait behind the gate and are let go, oldest first, when it opens.
"""

from __future__ import annotations

from hooks.store.engine import Reading, Transaction

OPENED_AT_ONCE = 64
"""Gates that one claim opens."""

FORGOTTEN_AT_ONCE = 2
"""Idle gates forgotten whenever a run passes one: so they do not pile up."""

LET_GO = "behind = NULL, reason = CASE WHEN state = 'held' THEN reason ELSE NULL END"
"""What is set of a run that has waited behind others; one that is held for another reason stays so."""

_WAITS = "throttle: it waits for room"


def _limit(gate: str) -> tuple[int, int]:
    most, per, _ = gate.split("/", 2)
    return int(most), int(per)


def pass_gate(transaction: Transaction, gate: str, at: int) -> str | None:
    """Let one run through at this instant, and count it: None; or why it has to wait, and then the gate will open."""
    most, per = _limit(gate)
    number = _locked(transaction, gate, at + per)
    opens_at = _opens_at(transaction, gate, number, at)
    if opens_at is not None:
        transaction.execute("UPDATE gates SET opens_at = ? WHERE gate = ?", (opens_at, gate))
        return _WAITS
    transaction.execute("INSERT INTO starts (gate, number, at) VALUES (?, ?, ?)", (gate, number + 1, at))
    transaction.execute("DELETE FROM starts WHERE gate = ? AND number <= ?", (gate, number + 1 - most))
    transaction.execute("UPDATE gates SET number = ?, idle_at = ? WHERE gate = ?", (number + 1, at + per, gate))
    _forget(transaction, at)
    return None


def has_room(transaction: Transaction, gate: str, at: int) -> bool:
    """Whether a run may pass at this instant; it is not counted."""
    _, per = _limit(gate)
    return _opens_at(transaction, gate, _locked(transaction, gate, at + per), at) is None


def wait_at_gate(transaction: Transaction, gate: str) -> str | None:
    """Why a new run has to wait: others do already, and they come first. None when nobody waits."""
    row = transaction.execute("SELECT opens_at FROM gates WHERE gate = ?", (gate,)).fetchone()
    return None if row is None or row[0] is None else _WAITS


def open_gates(transaction: Transaction, at: int) -> None:
    """Let go what there is room for again."""
    due = transaction.execute(
        "SELECT gate FROM gates WHERE opens_at <= ? ORDER BY opens_at, gate "
        f"LIMIT {OPENED_AT_ONCE}{transaction.skip_locked}",
        (at,),
    ).fetchall()
    for (gate,) in due:
        most, per = _limit(gate)
        number = _locked(transaction, gate, at + per)
        recent = "FROM starts WHERE gate = ? AND number > ? AND at > ?"
        taken, oldest = transaction.execute(
            f"SELECT count(*), min(at) {recent}", (gate, number - most, at - per)
        ).fetchone()
        transaction.execute(
            f"UPDATE runs SET {LET_GO} "
            "WHERE seq IN (SELECT seq FROM runs WHERE behind = ? ORDER BY event, seq LIMIT ?)",
            (gate, most - taken),
        )
        more = transaction.execute("SELECT 1 FROM runs WHERE behind = ? LIMIT 1", (gate,)).fetchone()
        opens_at = None if more is None else (at if oldest is None else oldest) + per
        transaction.execute("UPDATE gates SET opens_at = ? WHERE gate = ?", (opens_at, gate))


def next_opening(reading: Reading) -> int | None:
    """When the next gate opens that runs wait behind."""
    first: int | None = reading.execute("SELECT min(opens_at) FROM gates WHERE opens_at IS NOT NULL").fetchone()[0]
    return first


def _locked(transaction: Transaction, gate: str, idle_at: int) -> int:
    """The number of the last start, the gate's row locked against other servers."""
    (number,) = transaction.execute(
        "INSERT INTO gates (gate, number, idle_at) VALUES (?, 0, ?) "
        "ON CONFLICT (gate) DO UPDATE SET gate = excluded.gate RETURNING number",
        (gate, idle_at),
    ).fetchone()
    return int(number)


def _opens_at(transaction: Transaction, gate: str, number: int, at: int) -> int | None:
    """When the next run may begin, None for now."""
    most, per = _limit(gate)
    row = transaction.execute(
        "SELECT at FROM starts WHERE gate = ? AND number = ?", (gate, number + 1 - most)
    ).fetchone()
    return None if row is None or row[0] + per <= at else int(row[0]) + per


def _forget(transaction: Transaction, at: int) -> None:
    idle = transaction.execute(
        "SELECT gate FROM gates WHERE opens_at IS NULL AND idle_at < ? ORDER BY idle_at "
        f"LIMIT {FORGOTTEN_AT_ONCE}{transaction.skip_locked}",
        (at,),
    ).fetchall()
    for row in idle:
        transaction.execute("DELETE FROM starts WHERE gate = ?", row)
        transaction.execute("DELETE FROM gates WHERE gate = ?", row)
