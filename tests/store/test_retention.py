"""Retention over each store: what ended goes, what somebody may still need stays, and the books balance throughout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from hooks.events import Event, Receipt, RunState, event_id, new_id
from hooks.ports import Attempt, Plan, PlannedRun, Progress, Step
from hooks.store.accept import accept_rows, accepted_row
from hooks.store.history import SqlHistory
from hooks.store.opening import open_store
from hooks.store.postgres import PostgresTransaction
from hooks.store.retention import QUARANTINED, Pruner, Swept
from hooks.store.verbs import SqlStore

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
OLD = NOW - timedelta(days=40)
LIMIT = NOW - timedelta(days=30)


class Watch:
    """A clock for the pruner that notes how long it rested."""

    def __init__(self) -> None:
        self.rested = 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.rested += seconds


async def prune(
    store: SqlStore, *, before: datetime = LIMIT, now: datetime = NOW, dry_run: bool = False, keys: bool = True
) -> Swept:
    watch = Watch()
    last = Swept()
    pruner = Pruner(store.engine, monotonic=watch.monotonic, sleep=watch.sleep)
    async for swept in pruner.prune(before, now, dry_run=dry_run, keys=keys):
        last = swept
    assert "done" == last.stage
    return last


async def happened(
    store: SqlStore, *ends: RunState, at: datetime = OLD, ended: datetime | None = None, events: int = 1
) -> list[str]:
    """A receipt with events, each with a run per state; gives the events' ids."""
    stored = Receipt(new_id("rcp"), "hcp", "housecall_pro", at, "accepted", body=b"{}", events=events)
    await store.record(stored, stored.id.encode().ljust(32), 86400)
    ids = [event_id(stored.id, index) for index in range(events)]
    plans = []
    for id in ids:
        event = Event(id, "job.completed", "hcp", "housecall_pro", "job.completed", stored.id, at, at, None, {}, {})
        runs = tuple(PlannedRun(new_id("run"), f"rule-{number}", "titan", at) for number, _ in enumerate(ends))
        plans.append(Plan(event, runs))
    await store.plan([stored.id], plans, "v1")
    for plan in plans:
        for run, state in zip(plan.runs, ends, strict=True):
            await _end(store, run.id, state, ended or at)
    return ids


async def _end(store: SqlStore, id: str, state: RunState, at: datetime) -> None:
    if state == "waiting":
        return
    claimed = {run.id: run for run, _ in await store.claim("me", {"titan": 100}, NOW + timedelta(days=1), 20)}
    for other, run in claimed.items():
        if other != id:
            await store.progress(Progress(other, run.fence, at, "waiting"))
    if state == "running":
        return
    step = Step(0, "one", "http.request", "titan", "done", inputs={}, output={"id": "bk_1"}, tries=1, finished_at=at)
    attempt = Attempt(new_id("att"), 0, 1, at, 5, "done", 200)
    await store.progress(Progress(id, claimed[id].fence, at, state, "a reason", steps=(step,), attempts=(attempt,)))


async def rows(store: SqlStore) -> dict[str, int]:
    def count(reading: Any) -> dict[str, int]:
        tables = ("receipts", "events", "runs", "steps", "step_records", "attempts", "duplicates", "onces", "traffic")
        return {table: reading.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}

    return await store.engine.read(count)


async def test_what_ended_long_ago_goes_with_all_that_belongs_to_it(store: SqlStore, history: SqlHistory) -> None:
    for _ in range(40):
        await happened(store, "done", "skipped", events=2)

    swept = await prune(store)

    assert (80, 160, 40, 40) == (swept.events, swept.runs, swept.receipts, swept.keys)
    assert {0} == set((await rows(store)).values())
    stats = await history.stats()
    assert stats["books_balance"]
    assert (0, 0, 0) == (stats["receipts"]["accepted"], stats["events"]["total"], stats["runs"]["done"])


@pytest.mark.parametrize("state", ["waiting", "running", "held", "failed"])
async def test_what_somebody_may_still_need_stays(store: SqlStore, history: SqlHistory, state: RunState) -> None:
    [event] = await happened(store, "done", state)
    before = await rows(store)

    swept = await prune(store)

    assert (0, 0, 1) == (swept.events, swept.receipts, swept.kept)
    assert {**before, "duplicates": 0, "traffic": 0} == await rows(store)
    assert await history.event(event) is not None
    assert (await history.stats())["books_balance"]


async def test_keys_can_be_left_for_another_time(store: SqlStore) -> None:
    await happened(store, "done")
    swept = await prune(store, keys=False)
    assert (1, 1, 0) == (swept.events, swept.receipts, swept.keys)
    assert (1, 0) == ((left := await rows(store))["duplicates"], left["traffic"])


async def test_what_ended_lately_or_came_lately_stays(store: SqlStore) -> None:
    await happened(store, "done", ended=LIMIT + timedelta(seconds=1))
    await happened(store, "done", at=LIMIT)

    assert 0 == (await prune(store)).events


@pytest.mark.parametrize("state", ["held", "failed"])
async def test_a_failed_run_that_a_person_gave_up_goes(store: SqlStore, history: SqlHistory, state: RunState) -> None:
    [event] = await happened(store, state)
    assert 0 == (await prune(store)).events
    shown = await history.event(event)
    assert shown is not None
    assert await store.cancel(shown["runs"][0]["id"], "cancelled by a person", OLD)

    assert 1 == (await prune(store)).events
    assert (await history.stats())["books_balance"]


async def test_one_of_two_events_that_stays_keeps_the_receipt(store: SqlStore, history: SqlHistory) -> None:
    first, second = await happened(store, "done", events=2)
    shown = await history.event(second)
    assert shown is not None
    await store.engine.write(
        lambda t: t.execute("UPDATE events SET received_at = ? WHERE id = ?", (NOW.isoformat(), second))
    )

    swept = await prune(store)

    assert (1, 0) == (swept.events, swept.receipts)
    assert await history.event(first) is None
    assert await history.receipt(shown["receipt"]) is not None
    assert (await history.stats())["books_balance"]


async def test_a_receipt_that_is_not_planned_yet_stays_however_old(store: SqlStore) -> None:
    stored = Receipt(new_id("rcp"), "hcp", "housecall_pro", OLD, "accepted", body=b"{}", events=1)
    await store.record(stored, None, 0)

    assert 0 == (await prune(store)).receipts
    assert [stored] == await store.pending("me", 10, NOW)


async def test_a_dry_run_says_what_would_go_and_changes_nothing(store: SqlStore) -> None:
    await happened(store, "done", events=2)
    await happened(store, "failed")
    await store.engine.settle()
    before = await rows(store)

    told = await prune(store, dry_run=True)

    assert before == await rows(store)
    assert replace(told, after=0) == replace(await prune(store), after=0)


async def test_a_key_may_be_forgotten_after_its_window_and_not_before(store: SqlStore) -> None:
    young = Receipt(new_id("rcp"), "hcp", "housecall_pro", NOW, "accepted", body=b"{}", events=1)
    await store.record(young, b"y" * 32, 60)
    await prune(store, now=NOW + timedelta(seconds=59))
    again = young._replace(id=new_id("rcp"))
    assert young.id == await store.record(again, b"y" * 32, 60)

    await prune(store, now=NOW + timedelta(seconds=60))

    assert 0 == (await rows(store))["duplicates"]


async def test_unreadable_deliveries_are_kept_up_to_a_number_the_latest_ones(
    store: SqlStore, history: SqlHistory
) -> None:
    for number in range(QUARANTINED + 3):
        odd = Receipt(new_id("rcp"), "hcp", "housecall_pro", NOW, "quarantined", body=b"%d" % number)
        await store.record(odd, None, 0)

    assert 3 == (await prune(store)).receipts
    assert QUARANTINED == (await history.stats())["receipts"]["quarantined"]
    assert (await history.stats())["books_balance"]


async def test_it_rests_three_times_as_long_as_it_works(store: SqlStore) -> None:
    for _ in range(30):
        await happened(store, "done")
    watch = Watch()
    worked = iter(range(10_000))
    pruner = Pruner(store.engine, monotonic=lambda: float(next(worked)), sleep=watch.sleep)

    batches = [swept async for swept in pruner.prune(LIMIT, NOW)]

    assert batches[-1].events == 30
    assert watch.rested >= 3 * 5  # five stages at least, each a second by this clock


async def test_a_delivery_whose_earlier_copy_is_deleted_at_that_moment_is_taken(postgres_database: str) -> None:
    store = await open_store(postgres_database, relaxed=True)
    first, again = (
        accepted_row(
            Receipt(new_id("rcp"), "hcp", "housecall_pro", at, "accepted", body=b"{}", events=1), b"k" * 32, 9.0
        )
        for at in (OLD, NOW)
    )

    class Deleting(PostgresTransaction):
        """Another server deletes what has run out between two statements of this one."""

        def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
            if sql.startswith("SELECT receipt"):
                other.execute("DELETE FROM duplicates")
            return super().execute(sql, parameters)

    with (
        psycopg.connect(postgres_database) as connection,
        psycopg.connect(postgres_database, autocommit=True) as other,
    ):
        assert [None] == accept_rows(PostgresTransaction(connection, 0), [first])
        connection.commit()
        assert [None] == accept_rows(Deleting(connection, 0), [again])
        connection.commit()
    assert 1 == (await rows(store))["duplicates"]
    await store.close()
