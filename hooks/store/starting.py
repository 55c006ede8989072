"""What a start owes the runs that were there before it: held in a copy, moved along when the clock was set back.

A million of them are looked through part by part, after webhooks are taken again and before anything is carried out.
How far that has come stands in the table ``marks``, so that a crash leaves no part out and does none twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from hooks.store.engine import Engine, Reading, Transaction
from hooks.store.moments import COPIED, HELD_BEFORE, held_before, note, restored_from
from hooks.store.rows import moment
from hooks.store.shifting import move_instants, move_part

PART = 5_000
"""Places in the order of runs that one transaction looks at."""

HOLD, MOVE = "start: held", "start: moved"
_UP_TO, _BY = ", up to", ", by milliseconds"


def settle_restored(transaction: Transaction) -> tuple[datetime, int] | None:
    """At the start of a server, before anything else: note that what was not over in a copy has to be held.

    Gives the copy's moment and how many runs there are; None when this is no copy. A server does this once.
    """
    row = transaction.execute("DELETE FROM moments WHERE name = ? RETURNING at", (COPIED,)).fetchone()
    if row is None:
        return None
    note(transaction, HELD_BEFORE, row[0])
    owe(transaction, HOLD)
    running = transaction.execute(
        "UPDATE runs SET state = 'held', reason = ?, owner = NULL, lease_until = NULL, fence = fence + 1 "
        "WHERE state = 'running'",
        (restored_from(row[0]),),
    ).rowcount
    transaction.count("runs.running", -running)
    transaction.count("runs.held", running)
    counted = "SELECT coalesce(sum(value), 0) FROM counters WHERE name = ? OR name LIKE ?"
    (waiting,) = transaction.execute(counted, ("runs.waiting", "runs.waiting#%")).fetchone()
    return moment(row[0]), running + waiting


def owe(transaction: Transaction, what: str, by: int = 0) -> None:
    """Note that all runs there are now have to be looked through: ``by`` is how far they are moved."""
    first, last = transaction.execute("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM runs").fetchone()
    for name, value in ((what, first), (what + _UP_TO, last), (what + _BY, by)):
        transaction.execute(
            "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )


def owes(reading: Reading) -> list[str]:
    """What a start, this one or one before it, has not done yet."""
    rows = reading.execute("SELECT name FROM marks WHERE name IN (?, ?) ORDER BY name", (HOLD, MOVE))
    return [name for (name,) in rows]


async def settle(engine: Engine, reasons: Sequence[str]) -> None:
    """Do all that is owed. ``reasons``: for which a run may be held that goes on by itself. Raises StoreError."""
    for what in await engine.read(owes):
        while await engine.write(partial(part, what=what, reasons=reasons)):
            pass


def part(transaction: Transaction, *, what: str, reasons: Sequence[str]) -> bool:
    """Look the next runs through; whether there may be more."""
    names = (what, what + _UP_TO, what + _BY)
    mine = transaction.execute("UPDATE marks SET value = value WHERE name = ? RETURNING value", (what,)).fetchone()
    if mine is None:
        return False  # another server has done the rest
    marks = dict(transaction.execute("SELECT name, value FROM marks WHERE name IN (?, ?, ?)", names).fetchall())
    first, end, by = (marks[name] for name in names)
    last = min(end, first + PART - 1)
    if what == HOLD:
        _hold(transaction, first, last, reasons)
    else:
        move_part(transaction, first=first, last=last, by=by, now=None)
    if last < end:
        transaction.execute("UPDATE marks SET value = ? WHERE name = ?", (last + 1, what))
        return True
    if what == MOVE:
        move_instants(transaction, by=by)
    transaction.execute("DELETE FROM marks WHERE name IN (?, ?, ?)", names)
    return False


def _hold(transaction: Transaction, first: int, last: int, reasons: Sequence[str]) -> None:
    """Hold runs of a copy for a person: those that wait, and those that a connection would let go by itself."""
    before = held_before(transaction)
    assert before is not None, "it was noted with what is owed"
    reason = before[1]
    held = transaction.execute(
        "UPDATE runs SET state = 'held', reason = ?, fence = fence + 1 WHERE seq >= ? AND seq <= ? "
        "AND state = 'waiting'",
        (reason, first, last),
    ).rowcount
    transaction.count("runs.waiting", -held)
    transaction.count("runs.held", held)
    transaction.execute(
        "UPDATE runs SET reason = ? WHERE seq >= ? AND seq <= ? AND state = 'held' "
        f"AND reason IN ({', '.join('?' * len(reasons))})",
        (reason, first, last, *reasons),
    )
