"""Accepting receipts: the hot path of the store. All that wait at one moment are inserted together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from hooks.events import Receipt
from hooks.store.engine import Transaction
from hooks.store.rows import dump, dump_read, storable

ROWS_PER_STATEMENT = 128
"""A multi-row INSERT's longest form: its 15 columns stay far below SQLite's limit on parameters."""

Originals = Callable[[Transaction, Sequence["Accepted"]], list[str | None]]
"""Gives for each row None, or the receipt that had its digest before."""


class Accepted(NamedTuple):
    """A receipt as a row, made in the loop: the writing thread should hold the interpreter as briefly as it can."""

    values: list[Any]
    digest: bytes | None
    receipt: bytes
    at: int
    expires_at: int
    events: int
    size: int
    """Bytes that it will take, about."""


def accepted_row(receipt: Receipt, key: bytes | None, window: float) -> Accepted:
    id, source, vendor, received_at, verdict, path, query, headers, body, events, reason, duplicate_of, _ = receipt
    at = received_at.timestamp()
    accepted = verdict == "accepted"
    values = [
        id,
        source,
        vendor,
        round(at * 1000),
        verdict,
        storable(path),
        dump(query) if query else "[]",
        _headers_text(tuple(headers.items())),
        body,
        events if accepted else 0,
        None if reason is None else storable(reason),
        duplicate_of,
        1 if accepted else 0,
        None,
        None,
    ]
    # 16 bytes of a SHA-256 tell deliveries apart as well as 32, in half the pages.
    digest = None if key is None else key[:16]
    return Accepted(values, digest, bytes.fromhex(id[4:]), int(at), int(at + window), events, len(body) + 500)


@lru_cache(maxsize=256)
def _headers_text(headers: tuple[tuple[str, str], ...]) -> str:
    """The headers as they are stored. A sender sends the same few kept ones every time."""
    return dump(dict(headers))


def accept_rows(transaction: Transaction, rows: list[Accepted], originals: Originals | None = None) -> list[str | None]:
    """Insert receipts, at most one per digest; gives for each None or the receipt that was there first.

    ``originals``: who knows the digests, where that is not the table itself (`hooks.store.recent`); then each receipt
    carries its own.
    """
    results = _duplicates(transaction, rows) if originals is None else originals(transaction, rows)
    verdicts: dict[str, int] = {}
    traffic: dict[tuple[int, str, str], int] = {}
    events = 0
    for row, original in zip(rows, results, strict=True):
        values = row.values
        if original is not None:
            values[4], values[9], values[11], values[12] = "duplicate", 0, original, 0
        elif originals is not None and row.digest is not None:
            values[13], values[14] = row.digest, row.expires_at
        verdicts[values[4]] = verdicts.get(values[4], 0) + 1
        events += values[9]
        place = (values[3] // 60_000 * 60_000, values[4], values[1])
        traffic[place] = traffic.get(place, 0) + 1
    if originals is None:
        _insert_as_document(transaction, [row.values for row in rows])
    else:
        insert_many(transaction, f"{_INTO} VALUES ", [row.values for row in rows])
    for verdict, number in verdicts.items():
        transaction.count(f"receipts.{verdict}", number)
    transaction.count("events.accepted", events)
    for (at, verdict, source), number in traffic.items():
        transaction.tally(at, f"receipt.{verdict}", source, number)
    return results


_INTO = (
    "INSERT INTO receipts (id, source, vendor, received_at, verdict, path, query, headers, body, events, reason, "
    "duplicate_of, pending, digest, expires_at)"
)
_NAMES = ("id", "source", "vendor", "received_at", "verdict", "path", "query", "headers", "first", "events", "reason",
          "duplicate_of", "pending", "size")  # fmt: skip
_FROM_DOCUMENT = (
    f"{_INTO} SELECT id, source, vendor, received_at, verdict, path, query, headers, "
    "substring(CAST(? AS bytea) FROM first FOR size), events, reason, duplicate_of, pending, NULL, NULL "
    "FROM json_to_recordset(CAST(? AS json)) AS given (id text, source text, vendor text, received_at bigint, "
    "verdict text, path text, query text, headers text, first int, events bigint, reason text, duplicate_of text, "
    "pending bigint, size int)"
)


def _insert_as_document(transaction: Transaction, rows: Sequence[Sequence[Any]]) -> None:
    """For PostgreSQL: all rows in one parameter and their bodies in another. The statement is always the same, so that
    neither its driver nor the database reads a thousand parameters each time, which took twice as long as the rest."""
    first, given = 1, []
    for row in rows:
        size = len(row[8])
        given.append(dict(zip(_NAMES, (*row[:8], first, *row[9:13], size), strict=True)))
        first += size
    transaction.execute(_FROM_DOCUMENT, (b"".join([row[8] for row in rows]), dump_read(given)))


_DUPLICATES_FROM_DOCUMENT = (
    "INSERT INTO duplicates (digest, receipt, expires_at) SELECT decode(digest, 'hex'), decode(receipt, 'hex'), "
    "expires_at FROM json_to_recordset(CAST(? AS json)) AS given (digest text, receipt text, expires_at bigint) "
    "ON CONFLICT (digest) DO NOTHING"
)


def _duplicates(transaction: Transaction, rows: list[Accepted]) -> list[str | None]:
    """Take the rows' digests, and give for each row None or the receipt that had its digest before."""
    results: list[str | None] = [None] * len(rows)
    keyed = [(number, row) for number, row in enumerate(rows) if row.digest is not None]
    # In one order, the earlier of two in front: servers that are sent the same deliveries do not block each other.
    keyed.sort(key=lambda each: each[1].digest or b"")
    given = [
        {"digest": (row.digest or b"").hex(), "receipt": row.receipt.hex(), "expires_at": row.expires_at}
        for _, row in keyed
    ]
    if keyed and transaction.execute(_DUPLICATES_FROM_DOCUMENT, (dump_read(given),)).rowcount < len(keyed):
        for number, row in keyed:  # else nobody has been here before: the usual case costs one statement
            results[number] = _first_of(transaction, row)
    return results


def _first_of(transaction: Transaction, row: Accepted) -> str | None:
    """Whose digest it is: None when it is the row's own, or has run out and is taken over."""
    found = transaction.execute("SELECT receipt, expires_at FROM duplicates WHERE digest = ?", (row.digest,)).fetchone()
    if found is None:  # its time had run out, and another server has deleted it since
        taken = transaction.execute(
            "INSERT INTO duplicates (digest, receipt, expires_at) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
            (row.digest, row.receipt, row.expires_at),
        )
        return None if taken.rowcount else _first_of(transaction, row)
    receipt, expires_at = found
    if receipt == row.receipt:
        return None
    if expires_at <= row.at:
        transaction.execute(
            "UPDATE duplicates SET receipt = ?, expires_at = ? WHERE digest = ?",
            (row.receipt, row.expires_at, row.digest),
        )
        return None
    return f"rcp_{receipt.hex()}"


def insert_many(transaction: Transaction, head: str, rows: Sequence[Sequence[Any]], tail: str = "") -> None:
    """One statement for up to `ROWS_PER_STATEMENT` rows: a statement per row costs twice as much.

    ``head`` ends before the rows, ``tail`` says what becomes of those that are there already.
    """
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        chunk = rows[start : start + ROWS_PER_STATEMENT]
        marks = "(" + ",".join("?" * len(chunk[0])) + ")"
        sql = head + ",".join([marks] * len(chunk)) + tail
        transaction.execute(sql, [value for row in chunk for value in row])
