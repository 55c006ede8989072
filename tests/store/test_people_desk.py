"""The identity map as people use it: find, review, link, unlink, export and forget, on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hooks.errors import Conflict, LeaseLost
from hooks.events import Event, Exchange, Receipt, Request, event_id, new_id, utc_text
from hooks.people import KeptAt, VendorRecord, sighting
from hooks.pipeline.people import Sighter
from hooks.ports import Attempt, EventFilter, Plan, PlannedRun, Progress, Step, Timing
from hooks.store.history import SqlHistory
from hooks.store.people_desk import SqlPeopleDesk
from hooks.store.retention import Pruner
from hooks.store.verbs import SqlStore
from tests.pipeline.engine import SetClock

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
TITAN = KeptAt("servicetitan", "connection", "titan")
MAYA = {"id": "cus_1", "first_name": "Maya", "last_name": "Ortíz", "phone": "+13035550142", "email": "maya@example.org"}
LEO = {"id": "cus_2", "first_name": "Leo", "last_name": "Ortiz", "phone": "+13035550142"}


@pytest.fixture
def desk(store: SqlStore, history: SqlHistory) -> SqlPeopleDesk:
    return SqlPeopleDesk(store, history, SetClock())


async def arrived(
    store: SqlStore, customer: Any, *runs: PlannedRun, body: bytes = b"{}", type: str = "lead.created"
) -> Event:
    """An event about somebody, looked at."""
    receipt = Receipt(new_id("rcp"), "hcp", "housecall_pro", NOW, "accepted", body=body, events=1)
    await store.record(receipt, None if body == b"{}" else body, 60)
    event = Event(
        event_id(receipt.id),
        type,
        "hcp",
        "housecall_pro",
        type,
        receipt.id,
        NOW,
        NOW,
        "lead/1",
        {"customer": customer},
        {"customer": customer},
    )
    await store.plan([receipt.id], [Plan(event, runs)], "v1")
    await Sighter(store, SetClock()).turn()
    return event


async def learned(store: SqlStore, customer: dict[str, Any], record: str) -> None:
    """What the result of a step at ServiceTitan says."""
    run = PlannedRun(new_id("run"), "rule", "titan", NOW)
    event = await arrived(store, None, run)
    [(claimed, _)] = await store.claim("me", {"titan": 1}, NOW, 20)
    seen = sighting(customer, origin=run.id, event=event.id, at=NOW, record=VendorRecord(TITAN, "customer", record))
    assert seen is not None
    await store.progress(Progress(claimed.id, claimed.fence, NOW, "done", sightings=(seen,), leaves=True))


async def ids(desk: SqlPeopleDesk, q: str | None) -> list[str]:
    return [item["id"] for item in (await desk.find(q, None, 50)).items]


# --- find and show ---


WAYS = (
    "(303) 555-0142",
    "303.555.0142",
    "555-0142",
    "Maya@Example.org",
    "@example.org",
    "maya",
    "ORTIZ maya",
    "ortíz",
    "cus_1",
    "titan-7",
)
NO_WAYS = ("nobody", "303-555-0177", "%", "_", "cus", "maya@example.com", "'; DROP TABLE people", "(((")


async def test_somebody_is_found_by_whatever_is_known(store: SqlStore, desk: SqlPeopleDesk) -> None:
    await arrived(store, MAYA)
    await learned(store, {"display_name": "Maya Ortiz", "email": "maya@example.org"}, "titan-7")
    await arrived(store, {"display_name": "Ben Wu", "email": "ben@example.com", "phone": "303-555-0199"})
    for q in WAYS:
        [found] = (await desk.find(q, None, 50)).items
        assert ("Maya Ortíz", ["+13035550142"], ["maya@example.org"]) == (
            found["name"],
            found["phones"],
            found["emails"],
        )
    assert [("titan", "titan-7", 0.98), ("hcp", "cus_1", 1.0)] == [
        (one.get("connection") or one["source"], one["id"], one["confidence"]) for one in found["records"]
    ]
    for q in NO_WAYS:
        assert [] == await ids(desk, q)


async def test_people_are_listed_in_pages_newest_first(store: SqlStore, desk: SqlPeopleDesk) -> None:
    for letter in "abc":
        await arrived(store, {"email": f"{letter}@example.org"})
    first = await desk.find(None, None, 2)
    assert [["c@example.org"], ["b@example.org"]] == [item["emails"] for item in first.items]
    second = await desk.find(None, first.next, 2)
    assert ([["a@example.org"]], None) == ([item["emails"] for item in second.items], second.next)


async def test_a_person_is_shown_with_what_it_is_known_from(store: SqlStore, desk: SqlPeopleDesk) -> None:
    event = await arrived(store, MAYA)
    [person] = await ids(desk, None)
    shown = await desk.show(person)
    assert shown is not None
    assert [(event.id, utc_text(event.received_at))] == [(one["id"], one["received_at"]) for one in shown["events"]]
    assert (event.id, "nobody known has this") != (shown["records"][0]["origin"], shown["records"][0]["why"])
    assert "first seen with this record" == shown["records"][0]["why"]
    assert await desk.show("per_nobody") is None


# --- review, link, unlink ---


async def test_a_family_is_on_the_review_list_until_somebody_decides(store: SqlStore, desk: SqlPeopleDesk) -> None:
    await arrived(store, MAYA)
    await arrived(store, LEO)
    [pair] = (await desk.review(None, 50)).items
    assert {"Maya Ortíz", "Leo Ortiz"} == {pair["one"]["name"], pair["other"]["name"]}
    assert (0.5, "the same phone and the same last name and another first name: a family?") == (
        pair["confidence"],
        pair["why"],
    )
    assert await desk.unlink(pair["one"]["id"], pair["other"]["id"]) is not None
    await arrived(store, LEO)
    assert [] == (await desk.review(None, 50)).items
    assert 2 == len(await ids(desk, "303-555-0142"))


async def test_two_that_are_linked_are_one_from_then_on(store: SqlStore, desk: SqlPeopleDesk) -> None:
    await arrived(store, MAYA)
    await arrived(store, LEO)
    leo, maya = await ids(desk, None)
    linked = await desk.link(maya, leo)
    assert linked is not None
    assert (maya, [leo], []) == (linked["id"], linked["merged"], linked["review"])
    assert {"cus_1", "cus_2"} == {one["id"] for one in linked["records"]}
    again = await desk.show(leo)
    assert again is not None
    assert maya == again["id"]
    assert [maya] == await ids(desk, "ortiz")
    with pytest.raises(Conflict):
        await desk.link(leo, maya)
    assert await desk.link(maya, "per_nobody") is None


async def test_a_record_that_was_taken_away_does_not_come_back(store: SqlStore, desk: SqlPeopleDesk) -> None:
    await arrived(store, MAYA)
    await learned(store, {"display_name": "Maya Ortiz", "phone": "303-555-0142"}, "7")
    [maya] = await ids(desk, None)
    parted = await desk.unlink(maya, "titan/7")
    assert parted is not None
    assert ["cus_1"] == [one["id"] for one in parted["person"]["records"]]
    assert ["7"] == [one["id"] for one in parted["other"]["records"]]
    await learned(store, {"display_name": "Maya Ortiz", "phone": "303-555-0142"}, "7")
    assert 2 == len(await ids(desk, None))


async def test_only_a_record_of_this_person_can_be_taken_away(store: SqlStore, desk: SqlPeopleDesk) -> None:
    await arrived(store, {**MAYA, "id": "7"})
    await learned(store, {"display_name": "Maya Ortiz", "phone": "303-555-0142"}, "7")
    [maya] = await ids(desk, None)
    with pytest.raises(Conflict, match="there is hcp/7, titan/7"):
        await desk.unlink(maya, "8")
    with pytest.raises(Conflict, match="several records have this id; write one of hcp/7, titan/7"):
        await desk.unlink(maya, "7")
    with pytest.raises(Conflict, match="one person"):
        await desk.unlink(maya, maya)
    assert await desk.unlink("per_nobody", "7") is None


# --- export and forget ---


async def test_runs_of_a_forgotten_person_let_those_behind_them_go(store: SqlStore, desk: SqlPeopleDesk) -> None:
    in_order = Timing(lane="lane", on_stuck="wait")
    runs = [PlannedRun(new_id("run"), "rule", "titan", NOW, timing=in_order) for _ in range(4)]
    for customer, run in zip((MAYA, None, MAYA, None), runs, strict=True):
        await arrived(store, customer, run)
    [maya] = await ids(desk, None)
    await desk.forget(maya)
    for run in (runs[1], runs[3]):
        [(claimed, _)] = await store.claim("me", {"titan": 9}, NOW, 20)
        assert run.id == claimed.id
        await store.progress(Progress(claimed.id, claimed.fence, NOW, "done"))


def attempt(text: str) -> Attempt:
    exchange = Exchange("GET", "http://127.0.0.1/customers", None, 200, text.encode(), None, 5)
    return Attempt(new_id("att"), 0, 1, NOW, 5, "done", 200, None, (exchange,))


async def test_everything_that_is_stored_of_a_person_is_exported(store: SqlStore, desk: SqlPeopleDesk) -> None:
    event = await arrived(store, MAYA, PlannedRun(new_id("run"), "rule", "titan", NOW), body=b'{"name":"Maya"}')
    await arrived(store, {"email": "ben@example.org"})
    [_, maya] = await ids(desk, None)
    exported = await desk.export(maya)
    assert exported is not None
    assert (maya, [event.id]) == (exported["person"]["id"], [one["id"] for one in exported["events"]])
    assert MAYA == exported["events"][0]["data"]["customer"]
    assert "rule" == exported["events"][0]["runs"][0]["rule"]
    assert ['{"name":"Maya"}'] == [receipt["body"] for receipt in exported["receipts"]]
    assert await desk.export("per_nobody") is None


async def test_nothing_that_identifies_a_forgotten_person_is_left(
    store: SqlStore, history: SqlHistory, desk: SqlPeopleDesk, database: str, tmp_path: Path
) -> None:
    body = b'{"customer":{"name":"Maya Ort\xc3\xadz","phone":"303.555.0142"}}'
    done, waiting = (PlannedRun(new_id("run"), rule, rule, NOW) for rule in ("titan", "later"))
    event = await arrived(store, MAYA, done, waiting, body=body)
    copy = Receipt(new_id("rcp"), "hcp", "housecall_pro", NOW, "accepted", body=body, events=1)
    assert await store.record(copy, body, 60) is not None
    unread = Receipt(new_id("rcp"), "hcp", "housecall_pro", NOW, "quarantined", body=b"phone=%28303%29+555-0142&x")
    await store.record(unread, None, 0)
    [(claimed, _)] = await store.claim("me", {"titan": 1}, NOW, 20)
    request = Request("POST", "/customers", body=b'{"name":"Maya Ort\xc3\xadz"}')
    step = Step(0, "s", "servicetitan.create_customer", "titan", "done", MAYA, request, "http://x", {"id": "cus_1"})
    change = Progress(claimed.id, claimed.fence, NOW, "done", "for Maya", steps=(step,), attempts=(attempt("Maya"),))
    await store.progress(change)
    # somebody else's run saw her in a list of customers
    ben = await arrived(
        store, {"display_name": "Ben Wu", "email": "ben@example.org"}, PlannedRun(new_id("run"), "b", "titan", NOW)
    )
    [(other, _)] = await store.claim("me", {"titan": 1}, NOW, 20)
    await store.progress(Progress(other.id, other.fence, NOW, "done", attempts=(attempt('["(303) 555-0142"]'),)))
    before = await history.stats()
    assert [event.id] == [item["id"] for item in (await history.events(EventFilter(q="cus_1"))).items]
    [maya] = await ids(desk, "maya")

    counts = await desk.forget(maya)

    assert {"person": maya, "events": 1, "receipts": 3, "runs": 2, "texts": 1, "keys": 2, "records": 1} == counts
    assert [] == await ids(desk, "maya")
    assert await desk.show(maya) is None
    assert await desk.forget(maya) is None
    shown = await history.event(event.id)
    assert shown is not None
    assert ({}, None, "the person was forgotten") == (shown["data"], shown["raw"], shown["flag"])
    assert {("titan", "done"), ("later", "skipped")} == {(run["rule"], run["state"]) for run in shown["runs"]}
    kept = await history.event(ben.id)
    assert kept is not None
    assert "Ben Wu" == kept["data"]["customer"]["display_name"]
    after = await history.stats()
    assert (before["receipts"], before["events"], True) == (
        after["receipts"],
        after["events"],
        after["books_balance"],
    )
    assert not await store.retry(waiting.id, NOW)
    assert [] == (await history.events(EventFilter(q="cus_1"))).items
    if database.startswith("sqlite"):
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("hooks.db*"))
        for secret in (b"3035550142", b"555.0142", b"555-0142", b"maya@example.org", b"Maya", b"cus_1"):
            assert secret not in stored, secret


async def test_a_run_under_way_does_not_bring_a_forgotten_person_back(
    store: SqlStore, history: SqlHistory, desk: SqlPeopleDesk
) -> None:
    event = await arrived(store, MAYA, PlannedRun(new_id("run"), "rule", "titan", NOW))
    [(claimed, _)] = await store.claim("me", {"titan": 1}, NOW, 20)
    [maya] = await ids(desk, None)
    assert await desk.forget(maya) is not None
    seen = sighting(MAYA, origin=claimed.id, event=event.id, at=NOW)
    assert seen is not None
    with pytest.raises(LeaseLost):
        await store.progress(Progress(claimed.id, claimed.fence, NOW, "done", sightings=(seen,)))
    assert [] == await ids(desk, None)
    assert 1 == len((await history.events(EventFilter())).items)


async def test_a_person_stays_when_retention_has_deleted_the_events(store: SqlStore, desk: SqlPeopleDesk) -> None:
    await arrived(store, MAYA)
    clock = SetClock()
    pruner = Pruner(store.engine, monotonic=clock.monotonic, sleep=clock.sleep)
    async for _ in pruner.prune(NOW + timedelta(days=1), NOW + timedelta(days=1)):
        pass
    [maya] = await ids(desk, "maya")
    shown = await desk.show(maya)
    assert shown is not None
    assert ([], ["+13035550142"]) == (shown["events"], shown["phones"])
    left = await store.engine.read(lambda reading: reading.execute("SELECT count(*) FROM person_events").fetchone()[0])
    assert 0 == left
    assert {"person": maya, "events": [], "receipts": []} == {**(await desk.export(maya) or {}), "person": maya}


async def test_somebody_who_writes_again_is_somebody_new(store: SqlStore, desk: SqlPeopleDesk) -> None:
    await arrived(store, MAYA)
    [maya] = await ids(desk, None)
    await desk.forget(maya)
    await arrived(store, MAYA)
    [again] = await ids(desk, None)
    assert maya != again
