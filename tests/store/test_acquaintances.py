"""Many sightings at once come to what each of them alone would have come to."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.people import KeptAt, Key, Sighting, VendorRecord
from hooks.store.acquaintances import learn_all
from hooks.store.engine import Transaction
from hooks.store.migrate import migrate
from hooks.store.people import learn
from hooks.store.verbs import SqlStore
from hooks.store.writer import SqliteTransaction

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)

names = st.sampled_from([None, "Maya Ortiz", "Maya", "M. Ortiz", "Leo Ortiz", "Ana Silva", "Ana de Silva"])
keys = st.sampled_from(
    [("phone", f"+1303555010{n}") for n in range(4)]
    + [("email", f"{who}@example.org") for who in ("maya", "leo", "ana")]
    + [("place", f"ortiz|{n} birch rd|80401") for n in range(2)]
)
records = st.builds(
    VendorRecord,
    st.builds(KeptAt, st.sampled_from(["servicetitan", "zapier"]), st.just("source"), st.sampled_from(["one", "two"])),
    st.just("customer"),
    st.sampled_from(["1", "2", "3"]),
)
sightings = st.lists(
    st.builds(
        Sighting,
        origin=st.just(""),
        event=st.just(""),
        at=st.just(NOW),
        name=names,
        company=st.sampled_from([None, None, None, "Ortiz Plumbing"]),
        keys=st.lists(keys, max_size=3, unique=True).map(tuple),
        record=st.none() | records,
        gone=st.none() | st.none() | st.none() | records,
    ),
    max_size=12,
)


def numbered(found: Sequence[Sighting]) -> list[Sighting]:
    return [
        replace(seen, origin=f"run_{number}", event=f"evt_{number}", at=NOW + timedelta(minutes=number))
        for number, seen in enumerate(found)
    ]


def learn_each(transaction: Transaction, found: Sequence[Sighting]) -> None:
    for seen in found:
        learn(transaction, seen)


def learn_in_two(transaction: Transaction, found: Sequence[Sighting]) -> None:
    """Those of the second half meet what is in the tables already."""
    learn_all(transaction, found[: len(found) // 2])
    learn_all(transaction, found[len(found) // 2 :])


def known(transaction: Transaction) -> dict[str, list[Any]]:
    """All that is known, with people called by their turn instead of by their ids, which are new each time."""
    rows = transaction.execute("SELECT id, name, company, search, updated_at, merged_into FROM people ORDER BY seq")
    people = list(rows.fetchall())
    turn = {row[0]: number for number, row in enumerate(people)}
    keys = transaction.execute("SELECT kind, value, person, origin, seen_at FROM person_keys").fetchall()
    events = transaction.execute("SELECT person, event FROM person_events").fetchall()
    records = transaction.execute(
        "SELECT vendor, side, account, kind, record, confidence, why, origin, seen_at, person FROM person_records"
    ).fetchall()
    doubts = transaction.execute("SELECT one, other, confidence, why, origin, state FROM person_doubts").fetchall()
    return {
        "people": [(*row[1:5], turn.get(row[5])) for row in people],
        "keys": sorted((*row[:2], turn[row[2]], *row[3:]) for row in keys),
        "events": sorted((turn[person], event) for person, event in events),
        "records": sorted((*row[:-1], turn[row[-1]]) for row in records),
        "doubts": sorted((sorted((turn[row[0]], turn[row[1]])), *row[2:]) for row in doubts),
    }


def outcome(learning: Callable[[Transaction, Sequence[Sighting]], None], found: Sequence[Sighting]) -> dict[str, Any]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        migrate(raw)
        transaction = SqliteTransaction(raw)
        learning(transaction, found)
        return known(transaction)


@given(sightings)
@settings(deadline=None)
def test_many_at_once_come_to_the_same_as_one_by_one(found: list[Sighting]) -> None:
    alone = outcome(learn_each, numbered(found))
    assert outcome(learn_all, numbered(found)) == alone
    assert outcome(learn_in_two, numbered(found)) == alone


@pytest.mark.parametrize("learning", [learn_each, learn_all, learn_in_two])
async def test_every_store_learns_the_same_of_them(
    store: SqlStore, learning: Callable[[Transaction, Sequence[Sighting]], None]
) -> None:
    maya: Key = ("phone", "+13035550101")
    leo: Key = ("email", "leo@example.org")
    at = KeptAt("servicetitan", "source", "titan")
    found = numbered(
        [
            Sighting("", "", NOW, "Maya", None, (maya,), VendorRecord(at, "customer", "1")),
            Sighting("", "", NOW, "Maya Ortiz", None, (maya, ("place", "maya|18 birch rd|80401"))),
            Sighting("", "", NOW, "Leo Ortiz", None, (leo,), VendorRecord(at, "customer", "2")),
            Sighting("", "", NOW, "Leo Ortiz", None, (maya,)),
            Sighting("", "", NOW, "Maya Ortiz", "Ortiz Plumbing", (), VendorRecord(at, "customer", "1")),
            Sighting("", "", NOW, "Ana Silva", None, (("email", "ana@example.org"),)),
        ]
    )

    def work(transaction: Transaction) -> dict[str, Any]:
        learning(transaction, found)
        return known(transaction)

    kept = await store.engine.write(work)
    assert [row[:2] for row in kept["people"]] == [
        ("Maya Ortiz", "Ortiz Plumbing"),
        ("Leo Ortiz", None),
        ("Leo Ortiz", None),
        ("Ana Silva", None),
    ]
    assert [row[-1] for row in kept["records"]] == [0, 1]
    assert kept["events"] == [(0, "evt_0"), (0, "evt_1"), (0, "evt_4"), (1, "evt_2"), (2, "evt_3"), (3, "evt_5")]
    assert len(kept["doubts"]) == 1
