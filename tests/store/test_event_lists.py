"""Lists and the search of events on every store: whichever index serves, each event once, newest first, none lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from hooks.events import Event, Receipt, RunState, event_id, new_id
from hooks.pipeline.people import Sighter
from hooks.ports import EventFilter, History, Plan, PlannedRun, Progress, ReceiptFilter, Resolution, Step
from hooks.store import eventlists, step_records
from hooks.store.history import SqlHistory
from hooks.store.verbs import SqlStore
from tests.pipeline.engine import SetClock

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
MAYA = {"first_name": "Maya", "last_name": "Ortíz", "phone": "+13035550142", "email": "maya@example.org"}


async def arrived(
    store: SqlStore,
    minute: int,
    type: str = "job.completed",
    *,
    source: str = "hcp",
    rule: str | None = "bill",
    data: Any = None,
    subject: str | None = None,
) -> str:
    at = NOW + timedelta(minutes=minute)
    receipt = Receipt(new_id("rcp"), source, "housecall_pro", at, "accepted", body=b"{}", events=1)
    await store.record(receipt, None, 60)
    event = Event(
        event_id(receipt.id), type, source, "housecall_pro", type, receipt.id, at, at, subject, data or {}, {}, None
    )
    runs = () if rule is None else (PlannedRun(new_id("run"), rule, "office", at),)
    await store.plan([receipt.id], [Plan(event, runs)], "v" * 64)
    await Sighter(store, SetClock()).turn()
    return event.id


async def listed(history: History, filter: EventFilter) -> list[str]:
    """All pages of a list."""
    ids: list[str] = []
    while True:
        page = await history.events(filter)
        ids += [item["id"] for item in page.items]
        if page.next is None:
            return ids
        filter = replace(filter, cursor=page.next)


@pytest.mark.parametrize(
    ("filter", "wanted"),
    [
        (EventFilter(), range(12)),
        (EventFilter(source="leads"), (1, 4, 7, 10)),
        (EventFilter(type="lead.*"), (1, 2, 4, 5, 7, 8, 10, 11)),
        (EventFilter(type="lead.lost"), (2, 5, 8, 11)),
        (EventFilter(type="*"), range(12)),
        (EventFilter(type="none.*"), ()),
        (EventFilter(state="unmatched"), (2, 5, 8, 11)),
        (EventFilter(rule="book"), (1, 4, 7, 10)),
        (EventFilter(rule="book", source="leads", type="lead.*"), (1, 4, 7, 10)),
        (EventFilter(since=NOW + timedelta(minutes=3), until=NOW + timedelta(minutes=9)), range(3, 9)),
        (EventFilter(since=NOW + timedelta(minutes=3), source="leads"), (4, 7, 10)),
        (EventFilter(until=NOW + timedelta(minutes=6), rule="book"), (1, 4)),
        (EventFilter(type="lead.*", state="unmatched"), (2, 5, 8, 11)),
    ],
)
async def test_every_list_is_whole_over_its_pages(
    store: SqlStore, history: SqlHistory, filter: EventFilter, wanted: Any
) -> None:
    kinds = (("job.completed", "hcp", "bill"), ("lead.created", "leads", "book"), ("lead.lost", "hcp", None))
    ids = []
    for minute in range(12):
        type, source, rule = kinds[minute % 3]
        ids.append(await arrived(store, minute, type, source=source, rule=rule))
    expected = [ids[place] for place in reversed(list(wanted))]
    for limit in (1, 3, 50):
        assert expected == await listed(history, replace(filter, limit=limit))


async def test_receipts_of_a_time_are_whole_over_their_pages(store: SqlStore, history: SqlHistory) -> None:
    for minute in range(7):
        await arrived(store, minute)
    filter = ReceiptFilter(since=NOW + timedelta(minutes=2), until=NOW + timedelta(minutes=6), limit=3)
    first = await history.receipts(filter)
    rest = await history.receipts(replace(filter, cursor=first.next))
    assert (3, 1, None) == (len(first.items), len(rest.items), rest.next)
    assert 7 == len((await history.receipts(ReceiptFilter(source="hcp"))).items)


@pytest.mark.parametrize("text", ["Ortiz", "maya ortíz", "(303) 555-0142", "303.555.0142", "MAYA@example.org"])
async def test_an_event_is_found_by_whom_it_is_about_however_old_it_is(
    store: SqlStore, history: SqlHistory, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventlists, "WINDOW", 3)
    hers = [await arrived(store, minute, data={"customer": MAYA}) for minute in range(2)]
    for minute in range(2, 10):
        await arrived(store, minute)
    assert hers[::-1] == [item["id"] for item in (await history.events(EventFilter(q=text))).items]
    assert hers[::-1] == await listed(history, EventFilter(q=text, limit=1))


@pytest.mark.parametrize("text", ["job_41", "job/job_41"])
async def test_an_event_is_found_by_the_vendors_id_of_its_record(
    store: SqlStore, history: SqlHistory, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventlists, "WINDOW", 1)
    wanted = await arrived(store, 0, subject="job/job_41")
    for minute in range(1, 6):
        await arrived(store, minute, subject=f"job/job_{minute}")
    assert [wanted] == await listed(history, EventFilter(q=text))


async def test_text_is_looked_for_page_by_page_until_the_oldest_event(
    store: SqlStore, history: SqlHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventlists, "WINDOW", 4)
    ids = [
        await arrived(store, minute, data={"note": "50 % off_" if minute in (1, 2, 9) else "-"}) for minute in range(12)
    ]
    wanted = [ids[9], ids[2], ids[1]]
    page = await history.events(EventFilter(q="50 % OFF_"))
    assert ([ids[9]], True) == ([item["id"] for item in page.items], page.next is not None)
    for limit in (1, 2, 50):
        assert wanted == await listed(history, EventFilter(q="50 % off_", limit=limit))
    assert [] == await listed(history, EventFilter(q="no such text"))
    assert [ids[9]] == await listed(history, EventFilter(q="% off_", since=NOW + timedelta(minutes=5)))


# --- what steps were answered ---


async def answered(store: SqlStore, event: str, output: Any) -> None:
    """Let the run of an event end, its one step with this answer."""
    (run, _), *_ = await store.claim("me", {"office": 1}, NOW + timedelta(days=1), 20)
    assert event == run.event.id
    step = Step(0, "book", "servicetitan.create_booking_by_provider", "office", "done", {}, output=output, tries=1)
    await store.progress(Progress(run.id, run.fence, NOW, "done", steps=(step,)))


@pytest.mark.parametrize("few", [0, eventlists.FEW])
async def test_events_are_listed_by_how_their_runs_stand(
    store: SqlStore, history: SqlHistory, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventlists, "FEW", few)
    failed = await arrived(store, 0, data={"note": "gate"})
    (run, _), *_ = await store.claim("me", {"office": 1}, NOW + timedelta(days=1), 20)
    await store.progress(Progress(run.id, run.fence, NOW, "failed", reason="answered 400"))
    done = await arrived(store, 1, rule="book", data={"note": "gate"})
    await answered(store, done, {})
    waiting = await arrived(store, 2, data={"note": "gate"})
    await arrived(store, 3, rule=None)
    for state, wanted in (("failed", [failed]), ("done", [done]), ("waiting", [waiting]), ("held", [])):
        filter = EventFilter(state=cast("RunState", state))
        for narrowed in (filter, replace(filter, q="gate"), replace(filter, since=NOW), replace(filter, limit=1)):
            assert wanted == await listed(history, narrowed)
    assert [done] == await listed(history, EventFilter(state="done", rule="book"))
    assert [] == await listed(history, EventFilter(state="done", rule="bill"))


async def test_an_event_is_found_by_the_id_of_what_it_led_to(
    store: SqlStore, history: SqlHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventlists, "WINDOW", 1)
    wanted = await arrived(store, 0, "lead.created")
    await answered(store, wanted, {"id": 40717, "booking": {"bookingId": "bk-40717A", "guid": "1B4E28BA"}})
    for minute in range(1, 4):
        await answered(store, await arrived(store, minute), {"id": minute + 1000, "note": "bk-40717A"})
    for text in ("bk-40717A", " BK-40717a ", "40717", "1b4e28ba"):
        assert [wanted] == await listed(history, EventFilter(q=text, limit=1))
        assert [wanted] == await listed(history, EventFilter(q=text))
    assert [] == await listed(history, EventFilter(q="bk-40717a", type="job.*"))
    assert [] == await listed(history, EventFilter(q="4071"))


async def test_an_outcome_that_a_person_named_is_found_too(store: SqlStore, history: SqlHistory) -> None:
    wanted = await arrived(store, 0)
    ((run, _),) = await store.claim("me", {"office": 1}, NOW + timedelta(days=1), 20)
    unknown = Step(0, "book", "x.y", "office", "failed", {}, tries=3, intended_at=NOW, finished_at=NOW)
    await store.progress(Progress(run.id, run.fence, NOW, "held", "unknown", steps=(unknown,)))
    assert await store.resolve(run.id, Resolution("sent", new_id("att"), "seen", {"id": "found_at_titan"}), NOW)
    assert [wanted] == await listed(history, EventFilter(q="found_at_titan"))


@pytest.mark.parametrize(
    ("output", "ids"),
    [
        ({"id": 1204, "customerId": "cus_9", "job_number": "J-77"}, ["1204", "cus_9", "j-77"]),
        ({"data": {"leadId": "lea_1"}, "uuid": "AB-12"}, ["ab-12", "lea_1"]),
        ([{"id": 501}, {"id": 502}], ["501", "502"]),
        (90210, ["90210"]),
        ("lead_7", ["lead_7"]),
        ({"id": True, "valid": "maybe", "paid": 5000, "name": "Maya", "phoneNumber": "3035550142"}, []),
        ({"tenantId": 998877, "houseNumber": "1801", "id": "no id", "externalId": None}, []),
        ({"id": "x" * 101, "otherId": "12", "jobId": "a\0b"}, []),
        ({"a": {"b": {"c": {"id": "too_deep"}}}}, []),
        (None, []),
        ("Success", ["success"]),
    ],
)
def test_the_ids_in_an_answer_are_told_by_their_keys(output: Any, ids: list[str]) -> None:
    assert ids == step_records.ids_in(output)


def test_of_a_long_answer_the_first_ids_are_kept() -> None:
    found = step_records.ids_in({f"a{number}Id": 1000 + number for number in range(50)})
    assert ["1000", "1019", 20] == [found[0], found[-1], len(found)]
