"""What people have said of connections: paused, or going on, and how fast."""

from __future__ import annotations

from collections.abc import Mapping

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


def pauses(reading: Reading) -> Mapping[str, Pause]:
    """By connection."""
    rows = reading.execute("SELECT connection, paused, reason, drain_ms, changed_at FROM pauses")
    return {
        name: Pause(name, paused == 1, moment(changed_at), reason, 1000 / drain_ms if drain_ms else None)
        for name, paused, reason, drain_ms, changed_at in rows
    }
