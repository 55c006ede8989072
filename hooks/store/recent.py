"""Recent deliveries of a SQLite file: known from memory at once, written to the table ``duplicates`` a little later.

That table lies in the order of digests, which is no order of time: written with each receipt, almost every delivery
changes a page of its own, which costs more than all the rest of the receipt. So each receipt carries its digest, which
is committed with it, and the table gets thousands of them at once, in its order, a part with each commit that comes by.
What a crash leaves unwritten is read from the receipts at the next start. One process writes the file, so its memory
and the table together know every delivery.
"""

from __future__ import annotations

import asyncio
import sqlite3
import struct
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from hooks.store.accept import Accepted
from hooks.store.engine import Transaction
from hooks.store.groupcommit import Work

MOST = 32_768
"""Deliveries in memory, about 5 MB, before they go to the table. The more, the more of them share a page of it."""

MOST_BYTES = 128 * 1024 * 1024
"""What the receipts of those may hold: a digest stands behind its body, and a start after a crash reads past all."""

PART = 128
"""Rows in one transaction: what a sender who shares it waits for takes a few milliseconds at worst."""

_READ = 4_096

_Known = tuple[bytes, int]
"""The receipt that was first, and until when (in seconds) it stands for its digest."""

_FIRST = struct.Struct(">16sq")  # the same in 24 bytes, because there are many of them

# what is recent has been taken in its turn, so whatever the table has of it has run out
_REMEMBER = " ON CONFLICT (digest) DO UPDATE SET receipt = excluded.receipt, expires_at = excluded.expires_at"
_MARK = (
    "INSERT INTO marks (name, value) VALUES ('duplicates', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class Recent:
    """What one server has taken and not written to the table yet. Its engine tells it of every commit."""

    def __init__(self, write: Callable[[Work], Awaitable[Any]]) -> None:
        """``write`` runs a piece of work in a transaction and returns after its commit."""
        self._write = write
        self._at_once = False  # also for what is being written when somebody stops
        self._known: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})  # those that come, those being written
        self._last: str | None = None
        self._bytes = 0
        self._one = asyncio.Lock()

    @property
    def full(self) -> bool:
        """Whether it is time to `settle`."""
        return len(self._known[0]) >= MOST or self._bytes >= MOST_BYTES

    def originals(self, transaction: Transaction, rows: Sequence[Accepted]) -> list[str | None]:
        """For each row None, or the receipt that had its digest before. In the writing thread."""
        coming, going = self._known
        known: dict[bytes, _Known] = {}
        unknown: list[bytes] = []
        for row in rows:
            if (digest := row.digest) is not None:
                if (found := coming.get(digest) or going.get(digest)) is not None:
                    known[digest] = _FIRST.unpack(found)
                else:
                    unknown.append(digest)
        for start in range(0, len(unknown), PART):
            asked = unknown[start : start + PART]
            marks = ",".join("?" * len(asked))
            for digest, receipt, expires_at in transaction.execute(
                f"SELECT digest, receipt, expires_at FROM duplicates WHERE digest IN ({marks})", asked
            ):
                known[digest] = (receipt, expires_at)
        results: list[str | None] = []
        for row in rows:
            original = None
            if row.digest is not None:
                first = known.get(row.digest)
                if first is not None and first[1] > row.at:
                    original = f"rcp_{first[0].hex()}"
                else:
                    known[row.digest] = (row.receipt, row.expires_at)
            results.append(original)
        return results

    def took(self, rows: Sequence[Accepted], originals: Sequence[str | None]) -> None:
        """These rows are committed. In the loop, before the next transaction begins."""
        coming = self._known[0]
        for row, original in zip(rows, originals, strict=True):
            if original is None and row.digest is not None:
                coming[row.digest] = _FIRST.pack(row.receipt, row.expires_at)
            self._bytes += row.size
        if rows:
            self._last = rows[-1].values[0]

    async def settle(self, *, at_once: bool = False) -> None:
        """Write to the table what has come so far. Raises StoreError, and can be called again then.

        ``at_once``: in one transaction, for somebody who stops. Else in parts, so that nobody waits for all of it.
        """
        self._at_once |= at_once
        async with self._one:
            await self._settle()

    async def _settle(self) -> None:
        coming, going = self._known
        if going:  # an earlier try has failed: nothing of it is lost, and what came later is newer
            coming = {**going, **coming}
        last = self._last
        self._known = ({}, coming)
        self._bytes = 0
        entries = sorted(coming.items())
        parts: list[Awaitable[None]] = []
        for start in range(0, len(entries), PART):
            part = [(digest, *_FIRST.unpack(known)) for digest, known in entries[start : start + PART]]
            parts.append(self._write(partial(_remember, rows=part)))
            if not self._at_once:
                await parts.pop()
        await asyncio.gather(*parts)
        if last is not None:
            await self._write(partial(_mark_receipt, receipt=last))
        self._known = (self._known[0], {})


def settle_stored(raw: sqlite3.Connection) -> None:
    """Write to the table what a server that ended before its time has left to be read from its receipts."""
    raw.execute("BEGIN IMMEDIATE")
    try:
        found = raw.execute("SELECT value FROM marks WHERE name = 'duplicates'").fetchone()
        mark = 0 if found is None else found[0]
        while rows := raw.execute(
            "SELECT seq, id, digest, expires_at FROM receipts WHERE seq > ? ORDER BY seq LIMIT ?", (mark, _READ)
        ).fetchall():
            mark = rows[-1][0]
            known = {row[2]: (bytes.fromhex(row[1][4:]), row[3]) for row in rows if row[2] is not None}
            entries = [(digest, *known[digest]) for digest in sorted(known)]
            for start in range(0, len(entries), PART):
                _remember(raw, entries[start : start + PART])
            raw.execute(_MARK, (mark,))
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise


def lower_mark(transaction: Transaction) -> None:
    """After receipts were deleted: numbers of the last ones are given anew, so the mark must not lie beyond them."""
    transaction.execute(
        "UPDATE marks SET value = (SELECT coalesce(max(seq), 0) FROM receipts) "
        "WHERE name = 'duplicates' AND value > (SELECT coalesce(max(seq), 0) FROM receipts)"
    )


def _remember(transaction: Transaction | sqlite3.Connection, rows: Sequence[tuple[bytes, bytes, int]]) -> None:
    marks = ",".join(["(?,?,?)"] * len(rows))
    transaction.execute(
        f"INSERT INTO duplicates (digest, receipt, expires_at) VALUES {marks}{_REMEMBER}",
        [value for row in rows for value in row],
    )


def _mark_receipt(transaction: Transaction, receipt: str) -> None:
    found = transaction.execute("SELECT seq FROM receipts WHERE id = ?", (receipt,)).fetchone()
    if found is not None:  # else it has been deleted since, and a mark that stays behind only costs time at a start
        transaction.execute(_MARK, (found[0],))
