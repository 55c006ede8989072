"""Our own writes at vendors, remembered for a while, and how often rules fire for the records that we write to."""

from __future__ import annotations

import json

from hooks.ports import Echo, Wrote
from hooks.store.engine import Transaction

KEPT = 600_000
"""Milliseconds for which a write is remembered, and in which the firings of a rule are counted."""

_CHAIN = 8


def remember(transaction: Transaction, run: str, wrote: tuple[Wrote, ...], at: int) -> None:
    """Remember what a run has written, and forget what was written long ago."""
    transaction.execute("DELETE FROM echoes WHERE expires_at < ?", (at,))
    transaction.execute("DELETE FROM firings WHERE since < ?", (at - KEPT,))
    for one in wrote:
        transaction.execute(
            "INSERT INTO echoes (vendor, record, run, fields, expires_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (vendor, record, run) DO UPDATE SET fields = excluded.fields, "
            "expires_at = excluded.expires_at",
            (one.vendor, one.record, run, json.dumps(one.fields, separators=(",", ":")), at + KEPT),
        )


def any_writes(transaction: Transaction) -> bool:
    """Whether anything is remembered at all."""
    return transaction.execute("SELECT 1 FROM echoes LIMIT 1").fetchone() is not None


def echoes_of(transaction: Transaction, vendor: str, record: str, at: int) -> tuple[Echo, ...]:
    """The writes to a record that are remembered, the latest first, each with the chain that led to it."""
    rows = transaction.execute(
        "SELECT k.run, k.fields, e.depth FROM echoes k JOIN runs r ON r.id = k.run JOIN events e ON e.id = r.event "
        "WHERE k.vendor = ? AND k.record = ? AND k.expires_at > ? ORDER BY k.expires_at DESC, k.run DESC LIMIT 30",
        (vendor, record, at),
    ).fetchall()
    return tuple(Echo(run, json.loads(fields), depth, _chain(transaction, run)) for run, fields, depth in rows)


def _chain(transaction: Transaction, run: str | None) -> tuple[tuple[str, str], ...]:
    """Rule and event's vendor of a run, of the run that caused its event, and so on."""
    found: list[tuple[str, str]] = []
    while run is not None and len(found) < _CHAIN:
        row = transaction.execute(
            "SELECT r.rule, e.vendor, e.cause FROM runs r JOIN events e ON e.id = r.event WHERE r.id = ?", (run,)
        ).fetchone()
        if row is None:
            break
        found.append((row[0], row[1]))
        run = row[2]
    return tuple(found)


def fired(transaction: Transaction, rule: str, record: str, at: int) -> int:
    """Count that a rule fires for a record; gives how often it has within the time that is counted."""
    row = transaction.execute(
        "INSERT INTO firings (rule, record, since, fired) VALUES (?, ?, ?, 1) ON CONFLICT (rule, record) DO UPDATE SET "
        "fired = CASE WHEN firings.since < ? THEN 1 ELSE firings.fired + 1 END, "
        "since = CASE WHEN firings.since < ? THEN excluded.since ELSE firings.since END RETURNING fired",
        (rule, record, at, at - KEPT, at - KEPT),
    ).fetchone()
    return int(row[0])


def forgive(transaction: Transaction, run: str) -> None:
    """A person lets a run go on: what its rule has fired is forgotten."""
    transaction.execute("DELETE FROM firings WHERE rule = (SELECT rule FROM runs WHERE id = ?)", (run,))


def caused(transaction: Transaction, event: str, cause: str, depth: int) -> None:
    """Note which run has caused an event, and how many events were caused one by another up to it."""
    transaction.execute("UPDATE events SET cause = ?, depth = ? WHERE id = ?", (cause, depth, event))
