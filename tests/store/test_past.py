"""Reading back what was stored, in order and in batches, from the file alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hooks.errors import StoreError
from hooks.events import Event, Receipt, Request, event_id, new_id
from hooks.ports import Plan, PlannedRun, Progress, Step, StepAnswer
from hooks.store.opening import open_store
from hooks.store.past import BATCH, Past

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)


async def fill(database: str, count: int, *, answered: int = 0) -> list[Event]:
    """A database of events a minute apart, every other one of the source ``leads``; the first have a finished run."""
    store = await open_store(database, relaxed=True)
    events = []
    for number in range(count):
        source = "leads" if number % 2 else "hcp"
        at = NOW + timedelta(minutes=number)
        receipt = Receipt(new_id("rcp"), source, "vendor", at, "accepted", body=b"{}", events=1)
        assert await store.record(receipt, None, 0) is None
        event = Event(event_id(receipt.id), "job.completed", source, "vendor", "job.completed", receipt.id, at, at,
                      None, {"number": number}, {})  # fmt: skip
        runs = (PlannedRun(new_id("run"), "rule-1", "titan", at),) if number < answered else ()
        await store.plan([receipt.id], [Plan(event, runs)], "v1")
        events.append(event)
    for run, _ in await store.claim("me", {"titan": 50}, NOW + timedelta(days=1), 20):
        done = Step(0, "customer", "home.upsert", "titan", "done", {}, Request("POST", "/"), "x", {"id": run.event.id})
        left = Step(1, "job", "home.create", "titan", "failed", {}, None, None, None, "no")
        await store.progress(Progress(run.id, run.fence, NOW, "failed", steps=(done, left)))
    await store.keep_rules("v1", {"routes.yaml": "old"}, NOW)
    await store.keep_rules("v2", {"routes.yaml": "new", "more.yaml": "x"}, NOW + timedelta(seconds=1))
    await store.close()
    return events


async def test_events_come_back_in_the_order_they_came_over_all_batches(database: str) -> None:
    events = await fill(database, BATCH + 3)

    with Past.open(database) as past:
        assert events == [event for event, _ in past.events()]
        assert BATCH + 3 == past.count()


async def test_a_range_and_a_source_narrow_it(database: str) -> None:
    events = await fill(database, 6)

    with Past.open(database) as past:
        since, until = NOW + timedelta(minutes=1), NOW + timedelta(minutes=4)
        assert events[1:4] == [event for event, _ in past.events(since, until)]
        assert [events[2]] == [event for event, _ in past.events(since, until, "hcp")]
        assert (3, 1, 0) == (past.count(since, until), past.count(since, until, "hcp"), past.count(source="nobody"))


async def test_answers_of_steps_that_were_done_come_with_their_event(database: str) -> None:
    events = await fill(database, 3, answered=2)

    with Past.open(database) as past:
        expected = [[StepAnswer("rule-1", "customer", "home.upsert", {"id": event.id})] for event in events[:2]]
        assert [*expected, []] == [answers for _, answers in past.events()]
        assert (events[1], expected[1]) == past.event(events[1].id)
        assert past.event("evt_0") is None


async def test_the_rules_that_were_loaded_last_are_known(database: str) -> None:
    await fill(database, 0)

    with Past.open(database) as past:
        texts = past.latest_rules()

    assert texts is not None
    assert [("routes.yaml", "new"), ("more.yaml", "x")] == list(texts.items())


def test_a_file_that_is_not_there_or_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, but long enough to be looked at" * 50)

    with pytest.raises(StoreError, match="there is no database"), Past.open(f"sqlite:///{tmp_path}/none.db"):
        pass
    with pytest.raises(StoreError, match="cannot be read"), Past.open(f"sqlite:///{tmp_path}/text.db") as past:
        past.count()
