"""What people read of the identity map: who is known, by what, from where, and who may be somebody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hooks.events import utc_text
from hooks.ports import Page
from hooks.store.engine import Reader, Reading
from hooks.store.history import SqlHistory
from hooks.store.people_search import KNOWN, searched
from hooks.store.rows import moment

LATEST = 50
"""Events that a person is shown with."""


class PeopleBook:
    """A read-only view of who is who."""

    def __init__(self, history: SqlHistory) -> None:
        self._history = history
        self._reader: Reader = history.reader

    async def find(self, q: str | None, cursor: str | None, limit: int) -> Page:
        condition, values = searched(q)
        if cursor is not None:
            condition += " AND seq < (SELECT seq FROM people WHERE id = ?)"
            values.append(cursor)

        def read(reading: Reading) -> Page:
            rows = reading.execute(
                f"SELECT id FROM people WHERE {KNOWN} AND {condition} ORDER BY seq DESC LIMIT ?", [*values, limit + 1]
            ).fetchall()
            items = [person_row(reading, row[0]) for row in rows[:limit]]
            return Page(items, rows[limit - 1][0] if len(rows) > limit else None)

        return await self._reader.read(read)

    async def show(self, person: str) -> Mapping[str, Any] | None:
        return await self._reader.read(lambda reading: person_in_full(reading, person))

    async def review(self, cursor: str | None, limit: int) -> Page:
        before = int(cursor) if cursor is not None else None

        def read(reading: Reading) -> Page:
            rows = reading.execute(
                "SELECT seq, one, other, confidence, why, origin, noticed_at FROM person_doubts WHERE state = 'open' "
                + ("AND seq < ? " if before is not None else "")
                + "ORDER BY seq DESC LIMIT ?",
                [*([before] if before is not None else []), limit + 1],
            ).fetchall()
            return Page(
                [_doubt(reading, row) for row in rows[:limit]], str(rows[limit - 1][0]) if rows[limit:] else None
            )

        return await self._reader.read(read)

    async def export(self, person: str) -> Mapping[str, Any] | None:
        shown = await self.show(person)
        if shown is None:
            return None
        identities = await self._reader.read(lambda reading: events_of(reading, shown["id"]))
        events = [event for id in identities if (event := await self._history.event(id)) is not None]
        receipts = [await self._history.receipt(id) for id in dict.fromkeys(event["receipt"] for event in events)]
        return {"person": shown, "events": events, "receipts": [one for one in receipts if one is not None]}


def present(reading: Reading, person: str) -> str | None:
    """The id that this one leads to; None when nobody has it or had it and was forgotten."""
    row = reading.execute(
        "SELECT coalesce(merged_into, id) FROM people WHERE id = ? AND forgotten_at IS NULL", (person,)
    ).fetchone()
    return None if row is None else str(row[0])


def events_of(reading: Reading, person: str) -> list[str]:
    """The events that are about somebody, in the order they came."""
    rows = reading.execute("SELECT event FROM person_events WHERE person = ? ORDER BY event", (person,))
    return [row[0] for row in rows]


def person_row(reading: Reading, person: str) -> dict[str, Any]:
    """A person as lists show one."""
    name, company, created, updated = reading.execute(
        "SELECT name, company, created_at, updated_at FROM people WHERE id = ?", (person,)
    ).fetchone()
    keys = _keys(reading, person)
    records = reading.execute(
        "SELECT vendor, side, account, kind, record, confidence, why, origin FROM person_records WHERE person = ? "
        "ORDER BY side, account, kind, seen_at, record",
        (person,),
    )
    return {
        "id": person,
        "name": name,
        "company": company,
        "phones": keys.get("phone", []),
        "emails": keys.get("email", []),
        "records": [_record(row) for row in records],
        "created_at": utc_text(moment(created)),
        "updated_at": utc_text(moment(updated)),
    }


def _keys(reading: Reading, person: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    rows = reading.execute(
        "SELECT kind, value FROM person_keys WHERE person = ? ORDER BY kind, seen_at, value", (person,)
    )
    for kind, value in rows:
        found.setdefault(kind, []).append(value)
    return found


def _record(row: Sequence[Any]) -> dict[str, Any]:
    vendor, side, account, kind, record, confidence, why, origin = row
    return {
        "vendor": vendor,
        side: account,
        "kind": kind,
        "id": record,
        "confidence": confidence / 100,
        "why": why,
        "origin": origin,
    }


def person_in_full(reading: Reading, asked: str) -> dict[str, Any] | None:
    person = present(reading, asked)
    if person is None:
        return None
    doubts = reading.execute(
        "SELECT seq, one, other, confidence, why, origin, noticed_at FROM person_doubts "
        "WHERE (one = ? OR other = ?) AND state = 'open' ORDER BY seq",
        (person, person),
    ).fetchall()
    merged = reading.execute("SELECT id FROM people WHERE merged_into = ? ORDER BY seq", (person,)).fetchall()
    events = reading.execute(
        "SELECT e.id, e.type, e.source, e.received_at FROM person_events p JOIN events e ON e.id = p.event "
        "WHERE p.person = ? ORDER BY p.event DESC LIMIT ?",
        (person, LATEST),
    )
    return {
        **person_row(reading, person),
        "places": _keys(reading, person).get("place", []),
        "review": [_doubt(reading, row) for row in doubts],
        "merged": [row[0] for row in merged],
        "events": [
            {"id": id, "type": type_, "source": source, "received_at": utc_text(datetime.fromisoformat(received_at))}
            for id, type_, source, received_at in events.fetchall()
        ],
    }


def _doubt(reading: Reading, row: Sequence[Any]) -> dict[str, Any]:
    _, one, other, confidence, why, origin, noticed_at = row
    return {
        "one": person_row(reading, one),
        "other": person_row(reading, other),
        "confidence": confidence / 100,
        "why": why,
        "origin": origin,
        "noticed_at": utc_text(moment(noticed_at)),
    }
