"""Who is who, kept: what events and results say of people is joined to those who are known already.

What is decided stands in `hooks.people`; here are the rows. Every verb that joins or parts people takes its turn, so
that two servers never make two people of one at the same moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hooks.events import new_id
from hooks.names import plain_name
from hooks.people import Candidate, Decision, Doubt, KeptAt, Key, Sighting, VendorRecord, decide
from hooks.ports import Mention
from hooks.store.accept import insert_many
from hooks.store.engine import Reading, Transaction
from hooks.store.fresh import Fresh
from hooks.store.rows import load, millis

MAX_CANDIDATES = 40
"""People with a key in common that a message is compared with: a number that more have identifies nobody."""

_HOLDS = "SELECT DISTINCT vendor, side, account, kind FROM person_records WHERE person = ?"


def mentions(reading: Reading, limit: int, fresh: Fresh | None = None) -> list[Mention]:
    """Events that wait to be looked at, oldest first."""
    waiting = reading.execute("SELECT event FROM person_queue ORDER BY event LIMIT ?", (limit,)).fetchall()
    known = {} if fresh is None else {id: found[0] for (id,) in waiting if (found := fresh.event(id)) is not None}
    others = [id for (id,) in waiting if id not in known]
    read: dict[str, Mention] = {}
    if others:
        rows = reading.execute(
            "SELECT id, type, source, vendor, received_at, data FROM events "
            f"WHERE id IN ({', '.join('?' * len(others))})",
            others,
        )
        for event, type_, source, vendor, received_at, data in rows:
            read[event] = Mention(event, type_, source, vendor, datetime.fromisoformat(received_at), load(data))
    for id, event in known.items():
        read[id] = Mention(id, event.type, event.source, event.vendor, event.received_at, event.data)
    return [read[id] for (id,) in waiting if id in read]


def take_turn(transaction: Transaction) -> None:
    """Wait for whoever changes people at the same moment, until the transaction ends."""
    if not transaction.alone:
        transaction.execute(
            "INSERT INTO counters (name, value) VALUES ('people.turns', 1) "
            "ON CONFLICT (name) DO UPDATE SET value = counters.value + 1"
        )


def learn(transaction: Transaction, seen: Sighting) -> str:
    """Join a sighting to the person it is of, or to a new one; gives the person. The turn must have been taken."""
    found = candidates(transaction, seen)
    decision = decide(seen, found)
    at = millis(seen.at)
    person = decision.person
    known: frozenset[Key] = frozenset()
    if person is None:
        row = new_person(seen)
        person = str(row[0])
        add_people(transaction, [row])
    else:
        before = next(one for one in found if one.id == person)
        known = before.shared
        wanted = name_of(before, seen, by_record=before.has_record)
        if wanted != (before.name, before.company):
            rename(transaction, person, *wanted, at)
    for other in decision.merged:
        if not _apart(transaction, person, other):
            merge(transaction, other, person, at)
    for doubt in decision.doubts:
        _note_doubt(transaction, person, doubt, seen)
    add_keys(transaction, [(*key, person, seen.origin, at) for key in seen.keys if key not in known])
    add_events(transaction, [(person, seen.event)])
    if seen.gone is not None:
        transaction.execute(
            "DELETE FROM person_records WHERE side = ? AND account = ? AND kind = ? AND record = ?",
            record_key(seen.gone),
        )
    if seen.record is not None:
        keep_records(transaction, [record_row(person, seen, seen.record, decision)])
    return person


def meet(
    transaction: Transaction, seen: Sighting, kept_at: KeptAt, run: str, until: datetime
) -> tuple[str | None, Mapping[str, str]]:
    """Before a run finds or makes a person's record at an account: the run that is at it already, or None; and the
    person's newest records there, by kind.

    The run has the lane then: others for the same person wait until it leaves, or ``until``.
    """
    take_turn(transaction)
    person = decide(seen, candidates(transaction, seen)).person
    marks = [f"{kind}:{value}" for kind, value in seen.keys] + ([person] if person else [])
    digests = [hashlib.sha256(mark.encode()).digest()[:16] for mark in marks]
    holder = enter_lane(transaction, kept_at.name, digests, run, seen.at, until)
    if holder is not None or person is None:
        return holder, {}
    rows = transaction.execute(
        "SELECT kind, record FROM person_records WHERE person = ? AND side = ? AND account = ? AND vendor = ? "
        "ORDER BY seen_at, record",
        (person, kept_at.side, kept_at.name, kept_at.vendor),
    )
    return None, dict(iter(rows))


def candidates(reading: Reading, seen: Sighting) -> list[Candidate]:
    """Everybody who shares a key with a sighting, or has the record that it is about."""
    shared: dict[str, set[Key]] = {}
    if seen.keys:
        rows = reading.execute(
            "SELECT person, kind, value FROM person_keys WHERE "
            + " OR ".join(["(kind = ? AND value = ?)"] * len(seen.keys))
            + " ORDER BY person LIMIT ?",
            [*(part for key in seen.keys for part in key), MAX_CANDIDATES],
        )
        for person, kind, value in rows:
            shared.setdefault(person, set()).add((kind, value))
    owner = None if seen.record is None else _owner(reading, seen.record)
    if owner is not None:
        shared.setdefault(owner, set())
    return [
        _candidate(reading, person, frozenset(keys), person == owner, alone=len(shared) == 1)
        for person, keys in shared.items()
    ]


def _candidate(reading: Reading, person: str, shared: frozenset[Key], has_record: bool, *, alone: bool) -> Candidate:
    """``alone``: nobody else is in question. What it holds is then of no account, and can be thousands of records."""
    order, name, company = reading.execute("SELECT seq, name, company FROM people WHERE id = ?", (person,)).fetchone()
    reachable = any(kind != "place" for kind, _ in shared) or bool(
        reading.execute("SELECT 1 FROM person_keys WHERE person = ? AND kind <> 'place' LIMIT 1", (person,)).fetchone()
    )
    holds = () if alone else reading.execute(_HOLDS, (person,))
    held = frozenset((KeptAt(vendor, side, account), kind) for vendor, side, account, kind in holds)
    return Candidate(person, order, name, company, shared, has_record, reachable, held)


def _owner(reading: Reading, record: VendorRecord) -> str | None:
    row = reading.execute(
        "SELECT person FROM person_records WHERE side = ? AND account = ? AND kind = ? AND record = ? AND vendor = ?",
        (*record_key(record), record.kept_at.vendor),
    ).fetchone()
    return None if row is None else str(row[0])


def record_key(record: VendorRecord) -> tuple[str, str, str, str]:
    return record.kept_at.side, record.kept_at.name, record.kind, record.id


# --- one person's rows ---


def new_person(seen: Sighting) -> list[Any]:
    """The row of somebody new, for `add_people`: the id comes first."""
    at = millis(seen.at)
    return [new_id("per"), seen.name, seen.company, search_text(seen.name, seen.company), at, at]


def add_people(transaction: Transaction, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows of `new_person`."""
    head = "INSERT INTO people (id, name, company, search, created_at, updated_at) VALUES "
    insert_many(transaction, head, rows)


def add_keys(transaction: Transaction, rows: Sequence[Sequence[Any]]) -> None:
    """Add what people are known by: kind, value, person, origin, and when it was seen."""
    head = "INSERT INTO person_keys (kind, value, person, origin, seen_at) VALUES "
    insert_many(transaction, head, rows, " ON CONFLICT (kind, value, person) DO NOTHING")


def add_events(transaction: Transaction, rows: Sequence[tuple[str, str]]) -> None:
    """Note which events are about whom: person and event."""
    head = "INSERT INTO person_events (person, event) VALUES "
    insert_many(transaction, head, rows, " ON CONFLICT (person, event) DO NOTHING")


def name_of(person: Candidate, seen: Sighting, *, by_record: bool) -> tuple[str | None, str | None]:
    """Name and company after a sighting: taken over where there was none or less of one; the vendor's own record says
    how somebody is called now.
    """
    name, company = person.name, person.company
    fuller = seen.name is not None and (name is None or by_record or len(plain_name(seen.name)) > len(plain_name(name)))
    return seen.name if fuller else name, company or seen.company


def rename(transaction: Transaction, person: str, name: str | None, company: str | None, at: int) -> None:
    transaction.execute(
        "UPDATE people SET name = ?, company = ?, search = ?, updated_at = ? WHERE id = ?",
        (name, company, search_text(name, company), at, person),
    )


def search_text(*names: str | None) -> str:
    """What names are searched in: small letters without accents."""
    return " | ".join(" ".join(plain_name(name)) for name in names if name)


def record_row(person: str, seen: Sighting, record: VendorRecord, decision: Decision) -> list[Any]:
    """A vendor's record with its person, for `keep_records`."""
    sure = decision.person is not None
    return [
        record.kept_at.vendor,
        *record_key(record),
        person,
        round(decision.confidence * 100),
        decision.why if sure else "first seen with this record",
        seen.origin,
        millis(seen.at),
    ]


def keep_records(transaction: Transaction, rows: Sequence[Sequence[Any]]) -> None:
    """Keep rows of `record_row`, each of another record, with the reason of the first time."""
    insert_many(
        transaction,
        "INSERT INTO person_records (vendor, side, account, kind, record, person, confidence, why, origin, seen_at) "
        "VALUES ",
        rows,
        " ON CONFLICT (side, account, kind, record) DO UPDATE SET "
        "vendor = excluded.vendor, person = excluded.person, seen_at = excluded.seen_at",
    )


def _note_doubt(transaction: Transaction, person: str, doubt: Doubt, seen: Sighting) -> None:
    if doubt.person == person:
        return
    transaction.execute(
        "INSERT INTO person_doubts (one, other, confidence, why, origin, noticed_at, state) "
        "VALUES (?, ?, ?, ?, ?, ?, 'open') ON CONFLICT (one, other) DO NOTHING",
        (*pair(person, doubt.person), round(doubt.confidence * 100), doubt.why, seen.origin, millis(seen.at)),
    )


def pair(one: str, other: str) -> tuple[str, str]:
    """Two people in the order in which a pair is stored."""
    return (one, other) if one < other else (other, one)


def _apart(reading: Reading, one: str, other: str) -> bool:
    """Whether a person has said that these are two."""
    row = reading.execute(
        "SELECT 1 FROM person_doubts WHERE one = ? AND other = ? AND state = 'apart'", pair(one, other)
    ).fetchone()
    return row is not None


def merge(transaction: Transaction, gone: str, into: str, at: int) -> None:
    """Make one person of two: everything of ``gone`` becomes ``into``'s, and its id leads there."""
    for table, columns in (
        ("person_keys", "kind, value, origin, seen_at"),
        ("person_events", "event"),
    ):
        transaction.execute(
            f"INSERT INTO {table} (person, {columns}) SELECT ?, {columns} FROM {table} WHERE person = ? "
            "ON CONFLICT DO NOTHING",
            (into, gone),
        )
        transaction.execute(f"DELETE FROM {table} WHERE person = ?", (gone,))
    transaction.execute("UPDATE person_records SET person = ? WHERE person = ?", (into, gone))
    _move_doubts(transaction, gone, into)
    name, company = transaction.execute("SELECT name, company FROM people WHERE id = ?", (gone,)).fetchone()
    transaction.execute(
        "UPDATE people SET name = NULL, company = NULL, search = '', merged_into = ?, updated_at = ? WHERE id = ?",
        (into, at, gone),
    )
    transaction.execute("UPDATE people SET merged_into = ? WHERE merged_into = ?", (into, gone))
    kept = transaction.execute("SELECT name, company FROM people WHERE id = ?", (into,)).fetchone()
    rename(transaction, into, kept[0] or name, kept[1] or company, at)


def _move_doubts(transaction: Transaction, gone: str, into: str) -> None:
    rows = transaction.execute(
        "SELECT one, other, confidence, why, origin, noticed_at, state FROM person_doubts WHERE one = ? OR other = ?",
        (gone, gone),
    ).fetchall()
    transaction.execute("DELETE FROM person_doubts WHERE one = ? OR other = ?", (gone, gone))
    for one, other, *rest in rows:
        third = other if one == gone else one
        if third != into:
            transaction.execute(
                "INSERT INTO person_doubts (one, other, confidence, why, origin, noticed_at, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (one, other) DO NOTHING",
                (*pair(third, into), *rest),
            )


# --- lanes ---


def enter_lane(
    transaction: Transaction, connection: str, digests: Iterable[bytes], run: str, now: datetime, until: datetime
) -> str | None:
    """Take a person's lane at an account for a run, all of it or nothing; gives the run that is in it, or None."""
    for digest in sorted(digests):
        taken = transaction.execute(
            "INSERT INTO person_lanes (connection, digest, run, until) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (connection, digest) DO UPDATE SET run = excluded.run, until = excluded.until "
            "WHERE person_lanes.until <= ? OR person_lanes.run = excluded.run RETURNING run",
            (connection, digest, run, millis(until), millis(now)),
        ).fetchone()
        if taken is None:
            holder = transaction.execute(
                "SELECT run FROM person_lanes WHERE connection = ? AND digest = ?", (connection, digest)
            ).fetchone()
            leave_lane(transaction, run)
            return "another run" if holder is None else str(holder[0])
    return None


def leave_lane(transaction: Transaction, run: str) -> None:
    transaction.execute("DELETE FROM person_lanes WHERE run = ?", (run,))
