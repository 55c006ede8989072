"""The identity map as people steer it: link, unlink, review, export, forget."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from hooks.errors import Conflict
from hooks.events import new_id
from hooks.ports import Clock, PeopleDesk
from hooks.store.engine import Reading, Transaction
from hooks.store.forgetting import Forgetter
from hooks.store.history import SqlHistory
from hooks.store.people import merge, pair, take_turn
from hooks.store.people_book import PeopleBook, person_in_full, person_row, present
from hooks.store.rows import millis
from hooks.store.verbs import SqlStore

log = logging.getLogger("hooks.people")


class SqlPeopleDesk(PeopleBook):
    """Who is who, read and steered."""

    def __init__(self, store: SqlStore, history: SqlHistory, clock: Clock) -> None:
        super().__init__(history)
        self._engine = store.engine
        self._clock = clock

    async def link(self, one: str, other: str) -> Mapping[str, Any] | None:
        at = millis(self._clock.now())
        return await self._engine.write(lambda transaction: _link(transaction, one, other, at))

    async def unlink(self, person: str, record: str) -> Mapping[str, Any] | None:
        at = millis(self._clock.now())
        return await self._engine.write(lambda transaction: _unlink(transaction, person, record, at))

    async def forget(self, person: str) -> Mapping[str, Any] | None:
        known = await self._reader.read(lambda reading: present(reading, person))
        if known is None:
            return None
        counts = await Forgetter(self._engine, self._reader).forget(known, millis(self._clock.now()))
        log.info("%s was forgotten: %d events, %d receipts, %d runs", known, *list(counts.values())[:3])
        return {"person": known, **counts}


def _link(transaction: Transaction, one: str, other: str, at: int) -> Mapping[str, Any] | None:
    take_turn(transaction)
    kept, gone = present(transaction, one), present(transaction, other)
    if kept is None or gone is None:
        return None
    if kept == gone:
        raise Conflict("they are one person already")
    merge(transaction, gone, kept, at)
    return person_in_full(transaction, kept)


def _unlink(transaction: Transaction, person: str, record: str, at: int) -> Mapping[str, Any] | None:
    take_turn(transaction)
    known = present(transaction, person)
    if known is None:
        return None
    other = present(transaction, record)
    if other is None:
        other = _record_apart(transaction, known, record, at)
    elif other == known:
        raise Conflict("they are one person: take a record away from it, by the record's id")
    transaction.execute(
        "INSERT INTO person_doubts (one, other, confidence, why, origin, noticed_at, state) "
        "VALUES (?, ?, 0, 'a person has said that they are two', '', ?, 'apart') "
        "ON CONFLICT (one, other) DO UPDATE SET state = 'apart'",
        (*pair(known, other), at),
    )
    return {"person": person_row(transaction, known), "other": person_row(transaction, other)}


def _record_apart(transaction: Transaction, person: str, record: str, at: int) -> str:
    """Give a record of a person to somebody new, whose name the vendor's next word on it will tell."""
    side, account, kind, identity = _one_record(transaction, person, record)
    other = new_id("per")
    transaction.execute(
        "INSERT INTO people (id, search, created_at, updated_at) VALUES (?, '', ?, ?)",
        (other, at, at),
    )
    transaction.execute(
        "UPDATE person_records SET person = ?, confidence = 100, why = 'a person has said so' "
        "WHERE side = ? AND account = ? AND kind = ? AND record = ?",
        (other, side, account, kind, identity),
    )
    return other


def _one_record(reading: Reading, person: str, record: str) -> tuple[str, str, str, str]:
    rows = reading.execute(
        "SELECT side, account, kind, record FROM person_records WHERE person = ? ORDER BY account, record", (person,)
    ).fetchall()
    found = [row for row in rows if record in (row[3], f"{row[1]}/{row[3]}")]
    if len(found) == 1:
        side, account, kind, identity = found[0]
        return side, account, kind, identity
    if not found:
        known = ", ".join(f"{row[1]}/{row[3]}" for row in rows[:10]) or "none"
        raise Conflict(f"this person has no such record; there is {known}")
    raise Conflict(f"several records have this id; write one of {', '.join(f'{row[1]}/{row[3]}' for row in found)}")


_: type[PeopleDesk] = SqlPeopleDesk
