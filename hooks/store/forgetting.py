"""Forgetting a person: what identifies somebody is deleted from every row that holds it, and the counts stay.

Their events lose data and raw, their receipts and copies of those the bytes, their runs requests, answers and reasons;
then whatever else holds one of their phone numbers (in any writing) or e-mail addresses is looked for in all tables
and emptied too. A run that had not ended is ended. The map's own rows go last, so that a forgetting that was
interrupted can be asked for again. Names are not searched as text, nor is a number that another known person has too:
what these say of others is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from hooks.events import FORGOTTEN
from hooks.people import Key, in_any_writing
from hooks.store import step_records, timing
from hooks.store.engine import Engine, Reader, Reading, Transaction
from hooks.store.leasing import moved
from hooks.store.people import take_turn
from hooks.store.people_book import events_of

SCANNED = 200
"""Rows that are looked at in one reading."""

AT_ONCE = 50
"""Rows that one transaction empties."""

Found = tuple[str, ...]
"""What is to be emptied: a table's part, and which row."""

_EMPTIED_STEP = "UPDATE steps SET inputs = NULL, request = NULL, output = NULL, error = NULL"


class Forgetter:
    """Deletes what a database holds of somebody, a little at a time."""

    def __init__(self, engine: Engine, reader: Reader) -> None:
        self._engine = engine
        self._reader = reader

    async def forget(self, person: str, at: int) -> dict[str, int]:
        """Gives how many events, receipts, runs and further texts were emptied, and keys and records deleted."""
        keys, found = await self._reader.read(lambda reading: _held(reading, person))
        counts = dict.fromkeys(("events", "receipts", "runs", "texts", "keys", "records"), 0)
        await self._empty(found, at, counts)
        if pattern := in_any_writing(keys):
            for scan in _SCANS:
                await self._search(scan, pattern, at, counts)
        gone = await self._engine.write(lambda transaction: _delete_person(transaction, person, at))
        await self._engine.scrub()
        return counts | gone

    async def _search(self, scan: _Scan, pattern: re.Pattern[str], at: int, counts: dict[str, int]) -> None:
        after: int | None = 0
        while after is not None:
            after, found = await self._reader.read(partial(_next_found, scan=scan, after=after, pattern=pattern))
            await self._empty(found, at, counts)

    async def _empty(self, found: Sequence[Found], at: int, counts: dict[str, int]) -> None:
        for start in range(0, len(found), AT_ONCE):
            part = found[start : start + AT_ONCE]
            emptied = await self._engine.write(partial(_emptied, found=part, at=at))
            for name, number in emptied.items():
                counts[name] += number


def _held(reading: Reading, person: str) -> tuple[list[Key], list[Found]]:
    """The keys that are nobody else's too, and the person's events."""
    keys = reading.execute(
        "SELECT k.kind, k.value FROM person_keys k WHERE k.person = ? AND NOT EXISTS "
        "(SELECT 1 FROM person_keys o WHERE o.kind = k.kind AND o.value = k.value AND o.person <> k.person)",
        (person,),
    ).fetchall()
    return [(kind, value) for kind, value in keys], [("event", event) for event in events_of(reading, person)]


# --- looking everywhere ---

_Row = tuple[int, Found, Sequence[Any]]
_Scan = Callable[[Reading, int], list[_Row]]


def _events(reading: Reading, after: int) -> list[_Row]:
    rows = reading.execute(
        "SELECT seq, id, data, raw, subject FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, SCANNED)
    )
    return [(seq, ("event", id), texts) for seq, id, *texts in rows]


def _receipts(reading: Reading, after: int) -> list[_Row]:
    """Those without events: the bodies of the others are what their events were made of."""
    rows = reading.execute(
        "SELECT seq, id, body, query FROM receipts WHERE seq > ? AND verdict <> 'accepted' ORDER BY seq LIMIT ?",
        (after, SCANNED),
    )
    return [(seq, ("receipt", id), texts) for seq, id, *texts in rows]


def _attempts(reading: Reading, after: int) -> list[_Row]:
    rows = reading.execute(
        "SELECT seq, id, exchanges, error FROM attempts WHERE seq > ? ORDER BY seq LIMIT ?", (after, SCANNED)
    )
    return [(seq, ("attempt", id), texts) for seq, id, *texts in rows]


def _steps(reading: Reading, after: int) -> list[_Row]:
    rows = reading.execute(
        "SELECT r.seq, r.id, r.reason, s.position, s.inputs, s.request, s.output, s.error FROM "
        "(SELECT seq, id, reason FROM runs WHERE seq > ? ORDER BY seq LIMIT ?) r "
        "LEFT JOIN steps s ON s.run = r.id ORDER BY r.seq, s.position",
        (after, SCANNED),
    )
    return [(seq, ("step", run, str(position or 0)), texts) for seq, run, reason, position, *texts in rows]


_SCANS: tuple[_Scan, ...] = (_events, _receipts, _attempts, _steps)


def _next_found(
    reading: Reading, *, scan: _Scan, after: int, pattern: re.Pattern[str]
) -> tuple[int | None, list[Found]]:
    """The last row that was looked at, None at the end, and what holds one of the keys. In the reading thread."""
    rows = scan(reading, after)
    return rows[-1][0] if rows else None, [what for _, what, texts in rows if _holds(texts, pattern)]


def _holds(texts: Sequence[Any], pattern: re.Pattern[str]) -> bool:
    for given in texts:
        text = bytes(given).decode("utf-8", "replace") if isinstance(given, bytes | memoryview) else given
        if text and (pattern.search(text) or ("%" in text and pattern.search(unquote_plus(text)))):
            return True
    return False


# --- emptying ---


def _emptied(transaction: Transaction, *, found: Sequence[Found], at: int) -> dict[str, int]:
    counts = dict.fromkeys(("events", "receipts", "runs", "texts"), 0)
    for kind, id, *rest in found:
        if kind == "event":
            _empty_event(transaction, id, at, counts)
        elif kind == "receipt":
            counts["receipts"] += _empty_receipt(transaction, id)
        elif kind == "attempt":
            transaction.execute("UPDATE attempts SET exchanges = '[]', error = NULL WHERE id = ?", (id,))
            counts["texts"] += 1
        else:
            transaction.execute(_EMPTIED_STEP + " WHERE run = ? AND position = ?", (id, int(rest[0])))
            step_records.forget(transaction, id)
            counts["texts"] += 1
    return counts


def _empty_event(transaction: Transaction, event: str, at: int, counts: dict[str, int]) -> None:
    row = transaction.execute(
        "UPDATE events SET data = '{}', raw = 'null', subject = NULL, flag = ? WHERE id = ? RETURNING receipt",
        (FORGOTTEN, event),
    ).fetchone()
    if row is None:
        return
    counts["events"] += 1
    transaction.execute("DELETE FROM person_queue WHERE event = ?", (event,))
    copies = transaction.execute(
        "SELECT id FROM receipts WHERE verdict <> 'accepted' AND verdict = 'duplicate' AND duplicate_of = ?", (row[0],)
    ).fetchall()
    for receipt in (row, *copies):
        counts["receipts"] += _empty_receipt(transaction, receipt[0])
    for run, state in transaction.execute("SELECT id, state FROM runs WHERE event = ?", (event,)).fetchall():
        _empty_run(transaction, run, state, at)
        counts["runs"] += 1


def _empty_receipt(transaction: Transaction, receipt: str) -> int:
    return transaction.execute(
        "UPDATE receipts SET body = ?, headers = '{}', query = '[]' WHERE id = ? AND pending = 0", (b"", receipt)
    ).rowcount


def _empty_run(transaction: Transaction, run: str, state: str, at: int) -> None:
    """One that has not ended well ends now: there is nothing left that it could send."""
    if state in ("waiting", "running", "held", "failed"):
        timing.give_up(transaction, run, at)
        transaction.execute(
            "UPDATE runs SET state = 'skipped', reason = ?, finished_at = ?, owner = NULL, lease_until = NULL, "
            "fence = fence + 1 WHERE id = ?",
            (FORGOTTEN, at, run),
        )
        moved(transaction, state, "skipped", 1)
    else:
        transaction.execute("UPDATE runs SET reason = ? WHERE id = ? AND reason IS NOT NULL", (FORGOTTEN, run))
    transaction.execute(_EMPTIED_STEP + " WHERE run = ?", (run,))
    transaction.execute("UPDATE attempts SET exchanges = '[]', error = NULL WHERE run = ?", (run,))
    for table in ("person_lanes", "echoes", "step_records"):
        transaction.execute(f"DELETE FROM {table} WHERE run = ?", (run,))


def _delete_person(transaction: Transaction, person: str, at: int) -> dict[str, int]:
    take_turn(transaction)
    keys = transaction.execute("DELETE FROM person_keys WHERE person = ?", (person,)).rowcount
    records = transaction.execute("DELETE FROM person_records WHERE person = ?", (person,)).rowcount
    transaction.execute("DELETE FROM person_events WHERE person = ?", (person,))
    transaction.execute("DELETE FROM person_doubts WHERE one = ? OR other = ?", (person, person))
    transaction.execute(
        "UPDATE people SET name = NULL, company = NULL, search = '', forgotten_at = ? WHERE id = ? OR merged_into = ?",
        (at, person, person),
    )
    return {"keys": keys, "records": records}
