"""Who is who, kept: what every store promises of the identity map."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hooks.events import Event, Receipt, event_id, new_id
from hooks.people import KeptAt, Sighting, VendorRecord, sighting
from hooks.pipeline.people import Sighter
from hooks.ports import Plan
from hooks.store import people
from hooks.store.migrate import migrate
from hooks.store.opening import open_store
from hooks.store.verbs import SqlStore
from hooks.store.writer import SqliteTransaction
from tests.pipeline.engine import SetClock

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
TITAN = KeptAt("servicetitan", "connection", "titan")
MAYA = {"display_name": "Maya Ortiz", "phone": "(303) 555-0142"}


async def planned(store: SqlStore, customer: Any, type: str = "lead.created") -> Event:
    receipt = Receipt(new_id("rcp"), "leads", "zapier", NOW, "accepted", body=b"{}", events=1)
    await store.record(receipt, None, 0)
    event = Event(
        event_id(receipt.id), type, "leads", "zapier", type, receipt.id, NOW, NOW, None, {"customer": customer}, {}
    )
    await store.plan([receipt.id], [Plan(event)], "v1")
    return event


def seen(customer: dict[str, Any], record: str | None = None, *, gone: str | None = None) -> Sighting:
    at_titan = None if record is None else VendorRecord(TITAN, "customer", record)
    found = sighting(customer, origin="run_1", event=new_id("evt"), at=NOW, record=at_titan)
    assert found is not None
    return replace(found, gone=None if gone is None else VendorRecord(TITAN, "customer", gone))


async def learn(store: SqlStore, *sightings: Sighting) -> None:
    """As the result of a step would."""
    for one in sightings:
        await store._engine.write(lambda transaction, one=one: people.learn(transaction, one))  # type: ignore[misc]


async def known(store: SqlStore, customer: dict[str, Any], run: str = "run_9") -> dict[str, str]:
    found = sighting(customer, origin=run, event="evt_9", at=NOW)
    assert found is not None
    busy, records = await store.meet(found, TITAN, run, NOW + timedelta(seconds=60))
    assert busy is None
    return dict(records)


async def test_an_event_about_somebody_is_looked_at_once(store: SqlStore) -> None:
    event = await planned(store, MAYA)
    await planned(store, None)
    sighter = Sighter(store, SetClock())
    [mention] = await store.mentions(10)
    assert (event.id, {"customer": MAYA}) == (mention.event, mention.data)
    assert (1, 0) == (await sighter.turn(), await sighter.turn())
    await store.sight([event.id], [seen(MAYA, "7")])  # late, by another server: it changes nothing
    assert {} == await known(store, MAYA)


async def test_an_event_that_cannot_be_learned_from_holds_up_no_other(store: SqlStore) -> None:
    for customer in (
        MAYA,
        {"phone": ["x" * 9], "display_name": {"a": 1}, "id": "\ud800"},
        {"email": "leo@example.org"},
    ):
        await planned(store, customer)
    assert 3 == await Sighter(store, SetClock()).turn()
    assert [] == await store.mentions(10)


async def test_a_record_is_known_by_any_key_of_its_person(store: SqlStore) -> None:
    await learn(store, seen({**MAYA, "email": "maya@example.org"}, "7"))
    assert {"customer": "7"} == await known(store, MAYA)
    assert {"customer": "7"} == await known(store, {"email": "MAYA@example.org"})
    assert {} == await known(store, {"email": "leo@example.org"})
    assert {} == await known(store, {**MAYA, "display_name": "Leo Ortiz"})


async def test_two_whom_a_third_message_joins_are_one(store: SqlStore) -> None:
    await learn(store, seen(MAYA, "7"), seen({"display_name": "Maya Ortiz", "email": "maya@example.org"}))
    assert {} == await known(store, {"email": "maya@example.org"})
    await learn(store, seen({**MAYA, "email": "maya@example.org"}))
    assert {"customer": "7"} == await known(store, {"email": "maya@example.org"})


async def test_the_newest_record_is_the_known_one_and_a_gone_one_is_none(store: SqlStore) -> None:
    await learn(store, seen(MAYA, "7"), replace(seen(MAYA, "8"), at=NOW + timedelta(seconds=1)))
    assert {"customer": "8"} == await known(store, MAYA)
    await learn(store, seen(MAYA, "9", gone="8"))
    assert {"customer": "9"} == await known(store, MAYA)


def test_somebody_with_hundreds_of_records_is_recognised_as_quickly_as_anybody() -> None:
    """An office's telephone stands in hundreds of a vendor's customer records. Counted in steps of SQLite's machine."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        migrate(raw)
        transaction = SqliteTransaction(raw)
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        def costs(record: int) -> int:
            nonlocal steps
            steps = 0
            raw.set_progress_handler(step, 10)
            people.learn(transaction, seen(MAYA, f"cus_{record}"))
            raw.set_progress_handler(None, 0)
            return steps

        few = [costs(record) for record in range(3)][-1]
        many = [costs(record) for record in range(3, 303)][-1]
        assert 0 < many <= few + 5
        assert (1,) == raw.execute("SELECT count(*) FROM people").fetchone()


async def test_a_record_of_another_account_is_not_told(store: SqlStore) -> None:
    await learn(store, seen(MAYA, "7"))
    found = sighting(MAYA, origin="run_1", event="evt_1", at=NOW)
    assert found is not None
    for other in (replace(TITAN, name="other"), replace(TITAN, side="source"), replace(TITAN, vendor="homebase360")):
        assert (None, {}) == await store.meet(found, other, "run_1", NOW)


async def test_one_run_at_a_time_is_at_a_persons_record(store: SqlStore) -> None:
    found = sighting({**MAYA, "email": "maya@example.org"}, origin="run_1", event="evt_1", at=NOW)
    other = sighting({"email": "maya@example.org"}, origin="run_2", event="evt_2", at=NOW)
    assert found is not None
    assert other is not None
    until = NOW + timedelta(seconds=30)
    assert (None, {}) == await store.meet(found, TITAN, "run_1", until)
    assert (None, {}) == await store.meet(found, TITAN, "run_1", until)
    assert ("run_1", {}) == await store.meet(other, TITAN, "run_2", until)
    assert (None, {}) == await store.meet(other, replace(TITAN, name="elsewhere"), "run_2", until)
    later = replace(other, at=until)
    assert (None, {}) == await store.meet(later, TITAN, "run_2", until + timedelta(seconds=30))


async def test_a_person_known_by_two_keys_has_one_lane(store: SqlStore) -> None:
    await learn(store, seen({**MAYA, "email": "maya@example.org"}))
    by_phone = sighting(MAYA, origin="run_1", event="evt_1", at=NOW)
    by_mail = sighting({"email": "maya@example.org"}, origin="run_2", event="evt_2", at=NOW)
    assert by_phone is not None
    assert by_mail is not None
    until = NOW + timedelta(seconds=30)
    assert (None, {}) == await store.meet(by_phone, TITAN, "run_1", until)
    assert ("run_1", {}) == await store.meet(by_mail, TITAN, "run_2", until)


async def test_two_servers_that_see_somebody_new_make_one_person(ready_postgres: str) -> None:
    store = await open_store(ready_postgres, relaxed=True)
    other = await open_store(ready_postgres, relaxed=True)
    events = [await planned(store, MAYA) for _ in range(20)]
    found = [replace(seen(MAYA), event=event.id) for event in events]
    await asyncio.gather(
        *(server.sight([one.event], [one]) for one, server in zip(found, [store, other] * 10, strict=True))
    )
    people = await store._engine.read(lambda reading: reading.execute("SELECT count(*) FROM people").fetchone()[0])
    await store.close()
    await other.close()
    assert 1 == people
