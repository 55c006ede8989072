"""Many sightings at once: who they could be is read for all of them together, and what they add is written together.

Nearly every message is of somebody new, or of one who is known beyond doubt. Where more than one could be meant, or
something must be looked up for it, `hooks.store.people.learn` decides, with all that came before it written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hooks.people import Candidate, Key, Sighting, decide
from hooks.store.engine import Transaction
from hooks.store.people import (
    add_events,
    add_keys,
    add_people,
    keep_records,
    learn,
    name_of,
    new_person,
    record_key,
    record_row,
    rename,
    search_text,
    take_turn,
)
from hooks.store.rows import millis

_KEYS: Final = (
    "SELECT kind, value, "
    "(SELECT min(person) FROM person_keys WHERE kind = asked.kind AND value = asked.value), "
    "(SELECT max(person) FROM person_keys WHERE kind = asked.kind AND value = asked.value) FROM asked"
)
_RECORDS: Final = (
    "SELECT r.side, r.account, r.kind, r.record, r.vendor, r.person FROM asked JOIN person_records r "
    "ON r.side = asked.side AND r.account = asked.account AND r.kind = asked.kind AND r.record = asked.record"
)

_RecordKey = tuple[str, str, str, str]


def sight(transaction: Transaction, events: Sequence[str], sightings: Sequence[Sighting]) -> None:
    """Learn what these events say of people. An event that is no longer in the queue has been looked at before."""
    take_turn(transaction)
    marks = ", ".join("?" * len(events))
    waiting = {
        event
        for (event,) in transaction.execute(
            f"DELETE FROM person_queue WHERE event IN ({marks}) RETURNING event", list(events)
        ).fetchall()
    }
    learn_all(transaction, [seen for seen in sightings if seen.event in waiting])


def learn_all(transaction: Transaction, sightings: Sequence[Sighting]) -> None:
    """`learn` of each of them, in their order. The turn must have been taken."""
    done = 0
    while done < len(sightings):
        known = _Known(transaction, sightings[done:])
        while done < len(sightings) and known.learn(sightings[done]):
            done += 1
        known.write()
        if done < len(sightings):
            learn(transaction, sightings[done])
            done += 1


class _Known:
    """Those that some sightings could be of, and what has been learned of them and is not written yet."""

    def __init__(self, transaction: Transaction, sightings: Sequence[Sighting]) -> None:
        self._transaction = transaction
        self._people: dict[str, tuple[str | None, str | None]] = {}
        self._by_key: dict[Key, set[str]] = {}  # of those who share a key two, which is too many already
        self._by_record: dict[_RecordKey, tuple[str, str]] = {}  # the vendor, and whose it is
        self._new: dict[str, list[Any]] = {}
        self._renamed: dict[str, int] = {}
        self._keys: list[tuple[Any, ...]] = []
        self._events: list[tuple[str, str]] = []
        self._records: dict[_RecordKey, list[Any]] = {}
        self._read(sightings)

    def _read(self, sightings: Sequence[Sighting]) -> None:
        keys = list(dict.fromkeys(key for seen in sightings for key in seen.keys))
        for kind, value, one, other in self._asked("kind, value", keys, _KEYS):
            if one is not None:
                self._by_key[kind, value] = {one, other}
        records = list(dict.fromkeys(record_key(seen.record) for seen in sightings if seen.record is not None))
        for *key, vendor, person in self._asked("side, account, kind, record", records, _RECORDS):
            self._by_record[tuple(key)] = (vendor, person)
        people = list({*(one for some in self._by_key.values() for one in some)})
        people += [person for _, person in self._by_record.values()]
        if people:
            marks = ", ".join("?" * len(people))
            for person, name, company in self._transaction.execute(
                f"SELECT id, name, company FROM people WHERE id IN ({marks})", people
            ):
                self._people[person] = (name, company)

    def _asked(self, columns: str, rows: Sequence[tuple[str, ...]], sql: str) -> list[Any]:
        if not rows:
            return []
        marks = ", ".join(["(" + ", ".join("?" * len(rows[0])) + ")"] * len(rows))
        values = [value for row in rows for value in row]
        return self._transaction.execute(f"WITH asked ({columns}) AS (VALUES {marks}) {sql}", values).fetchall()

    def learn(self, seen: Sighting) -> bool:
        """False: nothing is learned of it here, it must be looked at alone."""
        owner = self._owner(seen)
        persons = set() if owner is None else {owner}
        for key in seen.keys:
            persons |= self._by_key.get(key, set())
        if len(persons) > 1 or seen.gone is not None:
            return False
        found = [self._candidate(seen, person, owner) for person in persons]
        decision = decide(seen, found)
        if decision.merged or decision.doubts:
            return False
        if decision.person is None:
            person = self._somebody_new(seen)
        else:
            person = decision.person
            self._rename(found[0], seen, by_record=person == owner)
        for kind, value in seen.keys:
            if person not in (holders := self._by_key.setdefault((kind, value), set())):
                holders.add(person)
                self._keys.append((kind, value, person, seen.origin, millis(seen.at)))
        self._events.append((person, seen.event))
        if seen.record is not None:
            record, row = record_key(seen.record), record_row(person, seen, seen.record, decision)
            if (before := self._records.get(record)) is not None:  # the reason is that of the first time
                row[6:9] = before[6:9]
            self._records[record] = row
            self._by_record[record] = (seen.record.kept_at.vendor, person)
        return True

    def _owner(self, seen: Sighting) -> str | None:
        if seen.record is None:
            return None
        vendor, person = self._by_record.get(record_key(seen.record), (None, None))
        return person if vendor == seen.record.kept_at.vendor else None

    def _candidate(self, seen: Sighting, person: str, owner: str | None) -> Candidate:
        # who shares no more than a place is in doubt here: whether there is a number of theirs is not asked
        shared = frozenset(key for key in seen.keys if person in self._by_key.get(key, ()))
        return Candidate(person, 0, *self._people[person], shared, person == owner)

    def _somebody_new(self, seen: Sighting) -> str:
        row = new_person(seen)
        person = str(row[0])
        self._people[person] = (seen.name, seen.company)
        self._new[person] = row
        return person

    def _rename(self, person: Candidate, seen: Sighting, *, by_record: bool) -> None:
        wanted = name_of(person, seen, by_record=by_record)
        if wanted == (person.name, person.company):
            return
        self._people[person.id] = wanted
        if (row := self._new.get(person.id)) is not None:
            row[1:4], row[5] = (*wanted, search_text(*wanted)), millis(seen.at)
        else:
            self._renamed[person.id] = millis(seen.at)

    def write(self) -> None:
        """Write what has been learned."""
        add_people(self._transaction, list(self._new.values()))
        for person, at in self._renamed.items():
            rename(self._transaction, person, *self._people[person], at)
        add_keys(self._transaction, self._keys)
        add_events(self._transaction, self._events)
        keep_records(self._transaction, list(self._records.values()))
