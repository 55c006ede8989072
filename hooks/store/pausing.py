"""What holds connections back: what people have said of them, and the turns of their rates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hooks.ports import Pause
from hooks.store.engine import Reading, Transaction
from hooks.store.rows import millis, moment, storable


def set_pause(transaction: Transaction, pause: Pause) -> None:
    """Keep what was said of a connection, in the place of what was said before."""
    transaction.execute(
        "INSERT INTO pauses (connection, paused, reason, drain_ms, changed_at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (connection) DO UPDATE SET paused = excluded.paused, reason = excluded.reason, "
        "drain_ms = excluded.drain_ms, changed_at = excluded.changed_at",
        (
            pause.connection,
            int(pause.paused),
            None if pause.reason is None else storable(pause.reason),
            0 if pause.drain_rate is None else max(1, round(1000 / pause.drain_rate)),
            millis(pause.changed_at),
        ),
    )
    transaction.execute("DELETE FROM turns WHERE connection = ?", (_draining(pause.connection),))


def pauses(reading: Reading) -> Mapping[str, Pause]:
    """By connection."""
    rows = reading.execute("SELECT connection, paused, reason, drain_ms, changed_at FROM pauses")
    return {
        name: Pause(name, paused == 1, moment(changed_at), reason, 1000 / drain_ms if drain_ms else None)
        for name, paused, reason, drain_ms, changed_at in rows
    }


def take_turns(transaction: Transaction, connection: str, number: int, spacing: float, now: datetime) -> datetime:
    """The first of ``number`` turns, ``spacing`` seconds apart, that are nobody else's. None lies in the past."""
    span, at = round(number * spacing * 1000), millis(now)
    row = transaction.execute(
        "INSERT INTO turns (connection, next_at) VALUES (?, ?) ON CONFLICT (connection) DO UPDATE SET next_at = "
        "CASE WHEN turns.next_at < ? THEN ? ELSE turns.next_at END + ? RETURNING next_at",
        (connection, at + span, at, at, span),
    ).fetchone()
    return moment(row[0] - span)


def drain_turns(transaction: Transaction, connection: str, number: int, spacing: float, now: datetime) -> datetime:
    """The same for runs that are let go after a pause: until the next pause they are one row, however it is cut."""
    return take_turns(transaction, _draining(connection), number, spacing, now)


def _draining(connection: str) -> str:
    """The name under which it is kept: no connection is called so."""
    return f"{connection} after a pause"
