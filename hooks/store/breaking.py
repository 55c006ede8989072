"""Breakers that servers share: which connections are left alone, and which server may try one again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hooks.ports import Opened
from hooks.store.engine import Reading, Transaction
from hooks.store.rows import millis, moment, storable


def opened(reading: Reading) -> Mapping[str, Opened]:
    """By connection."""
    rows = reading.execute("SELECT connection, until, reason, refused FROM breakers")
    return {name: Opened(name, moment(until), reason, refused == 1) for name, until, reason, refused in rows}


def open_breaker(transaction: Transaction, found: Opened) -> None:
    """Keep that a connection is left alone; of two times the later one counts."""
    transaction.execute(
        "INSERT INTO breakers (connection, until, reason, refused) VALUES (?, ?, ?, ?) ON CONFLICT (connection) "
        "DO UPDATE SET until = excluded.until, reason = excluded.reason, refused = excluded.refused "
        "WHERE breakers.until < excluded.until",
        (found.connection, millis(found.until), storable(found.reason), int(found.refused)),
    )


def take_try(transaction: Transaction, connection: str, now: datetime, until: datetime) -> bool:
    """Whether the caller may try a connection until then, and nobody else: not before its time, and not two at once."""
    taken = transaction.execute(
        "UPDATE breakers SET until = ? WHERE connection = ? AND until <= ?", (millis(until), connection, millis(now))
    )
    return taken.rowcount == 1


def close_breaker(transaction: Transaction, connection: str) -> None:
    """The connection works."""
    transaction.execute("DELETE FROM breakers WHERE connection = ?", (connection,))


def under_way(reading: Reading) -> Mapping[str, int]:
    """How many runs of each connection all servers together carry out now."""
    rows = reading.execute("SELECT connection, count(*) FROM runs WHERE state = 'running' GROUP BY connection")
    return {name: int(number) for name, number in rows}
