"""When the wall clock was set: what is due some time from now stays due that time from now.

Every stored instant that work waits for is moved by as much as the clock was. Forward, what is due already stays due,
and what is not due yet is moved before the engine looks at the new time; back, everything is moved, after it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from hooks.store import silences
from hooks.store.engine import Engine, Reading, Transaction
from hooks.store.rows import millis

PART = 5_000
"""Rows that are looked at in one transaction."""

_OTHERS: Sequence[tuple[str, str, str]] = (
    ("runs", "deadline", "expects IS NOT NULL"),
    ("bursts", "deadline", "deadline IS NOT NULL"),
    ("gates", "opens_at", "opens_at IS NOT NULL"),
    ("gates", "idle_at", "idle_at IS NOT NULL"),
    ("starts", "at", "at IS NOT NULL"),
    ("echoes", "expires_at", "expires_at IS NOT NULL"),
    ("onces", "expires_at", "expires_at IS NOT NULL"),
    ("silences", "since", "told = 0"),
)
"""Instants that a run waits for or is judged by, beside its own ``due_at``: table, column, which rows."""


async def shift(engine: Engine, by: float, now: datetime) -> int:
    """Move what is stored by so many seconds; ``now`` is the time before the clock was set. Gives how many runs."""
    milliseconds = round(by * 1000)
    await silences.refresh(engine)
    first, last = await engine.read(_bounds)
    moved = 0
    while first <= last:
        part = partial(move_part, first=first, last=min(last, first + PART - 1), by=milliseconds, now=millis(now))
        moved += await engine.write(part)
        first += PART
    await engine.write(partial(move_instants, by=milliseconds))
    return moved


async def shift_late(engine: Engine, by: float, now: datetime) -> int:
    """Move back what was worked out by the old time and written after `shift`: due now by a clock that was ahead."""
    return await engine.write(partial(_late, by=round(by * 1000), now=millis(now)))


def _bounds(reading: Reading) -> tuple[int, int]:
    row = reading.execute("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM runs").fetchone()
    return row[0], row[1]


def move_part(transaction: Transaction, *, first: int, last: int, by: int, now: int | None) -> int:
    """Move the runs of these places, where the clock went forward only those not due at ``now``; gives how many."""
    since = now if now is not None and by > 0 else -1
    return transaction.execute(
        "UPDATE runs SET due_at = due_at + ? WHERE seq >= ? AND seq <= ? AND state IN ('waiting', 'held') "
        "AND due_at > ?",
        (by, first, last, since),
    ).rowcount


def move_instants(transaction: Transaction, *, by: int) -> None:
    """Move what runs wait for or are judged by beside their own time."""
    for table, column, which in _OTHERS:
        transaction.execute(f"UPDATE {table} SET {column} = {column} + ? WHERE {which}", (by,))


def _late(transaction: Transaction, *, by: int, now: int) -> int:
    return transaction.execute(
        "UPDATE runs SET due_at = due_at + ? WHERE state = 'waiting' AND due_at > ? AND due_at <= ?",
        (by, now - 10_000, now),
    ).rowcount
