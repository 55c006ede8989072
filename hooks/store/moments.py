"""Moments that outlive a server, kept in the database: above all, of which moment it is a copy.

After a restore nobody knows what was done between the copy and now. What was not over in the copy is therefore held for
a person, who can look at the vendor; so are the runs of what had been accepted and not been read yet.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from hooks.events import utc_text
from hooks.store.engine import Reading, Transaction
from hooks.store.rows import moment

COPIED = "copied"
"""Of which moment this database is a copy, until a server has been started on it."""

ALIVE = "alive"
"""When a server was last seen working on this database."""

HELD_BEFORE = "held_before"
"""Until when what came is held, in a database that was restored."""


class _Writing(Protocol):
    def execute(self, sql: str, parameters: Any = ..., /) -> Any: ...


def note(connection: _Writing, name: str, at: int) -> None:
    """Keep a moment, in milliseconds, in the place of an earlier one of this name."""
    connection.execute(
        "INSERT INTO moments (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at", (name, at)
    )


def recall(reading: Reading, name: str) -> datetime | None:
    """The moment of this name, if one was kept."""
    row = reading.execute("SELECT at FROM moments WHERE name = ?", (name,)).fetchone()
    return None if row is None else moment(row[0])


def held_before(transaction: Transaction) -> tuple[int, str] | None:
    """Until when what came is held when its runs are made, in milliseconds, and why; None in a database as usual."""
    row = transaction.execute("SELECT at FROM moments WHERE name = ?", (HELD_BEFORE,)).fetchone()
    if row is None:
        return None
    return row[0], restored_from(row[0])


def restored_from(at: int) -> str:
    """Why runs are held in a copy of this moment, in milliseconds."""
    copied = utc_text(moment(at).replace(microsecond=0))
    return f"restored from a copy of {copied}, it may have been done since: look at the vendor, then `hooks runs retry`"
