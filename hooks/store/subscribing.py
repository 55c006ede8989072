"""Subscribers: who outside is told of which events. Few rows, read whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hooks.ports import Subscriber
from hooks.store.engine import Reading, Transaction
from hooks.store.rows import millis, moment, moment_or_none

_COLUMNS = "id, source, event, url, created_at, expires_at"


def subscribe(transaction: Transaction, wanted: Subscriber, limit: int) -> Subscriber | None:
    """The subscriber as it is stored now: the one of this address and event that was there, or the one that is wanted.

    None when the source has ``limit`` of them already.
    """
    expires_at = None if wanted.expires_at is None else millis(wanted.expires_at)
    key = (wanted.source, wanted.event, wanted.url)
    others = "SELECT count(*) FROM subscribers WHERE source = ? AND NOT (event = ? AND url = ?)"
    if transaction.execute(others, key).fetchone()[0] >= limit:
        return None
    kept = transaction.execute(
        f"INSERT INTO subscribers ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) "
        f"ON CONFLICT (source, event, url) DO UPDATE SET expires_at = excluded.expires_at RETURNING {_COLUMNS}",
        (wanted.id, *key, millis(wanted.created_at), expires_at),
    ).fetchone()
    return _subscriber(kept)


def unsubscribe(transaction: Transaction, id: str, source: str | None) -> bool:
    """Forget a subscriber, where it is one of this source; False when there is none."""
    if source is None:
        return bool(transaction.execute("DELETE FROM subscribers WHERE id = ?", (id,)).rowcount)
    return bool(transaction.execute("DELETE FROM subscribers WHERE id = ? AND source = ?", (id, source)).rowcount)


def forget_expired(transaction: Transaction, before: datetime) -> int:
    return transaction.execute("DELETE FROM subscribers WHERE expires_at < ?", (millis(before),)).rowcount


def subscribers(reading: Reading) -> list[Subscriber]:
    return [_subscriber(row) for row in reading.execute(f"SELECT {_COLUMNS} FROM subscribers ORDER BY id")]


def _subscriber(row: tuple[Any, ...]) -> Subscriber:
    return Subscriber(row[0], row[1], row[2], row[3], moment(row[4]), moment_or_none(row[5]))
