"""What few of very many rows fit is looked for a part at a time, and found all the same, over each store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from hooks.events import RunState, StepState
from hooks.ports import Progress, ReplaySelection, Step
from hooks.store import replaying, resolving
from hooks.store.opening import open_store
from hooks.store.verbs import SqlStore
from tests.store.test_retention import NOW, happened


@pytest.fixture
async def store(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqlStore]:
    monkeypatch.setattr(replaying, "SCANNED", 2)
    monkeypatch.setattr(resolving, "SCANNED", 2)
    opened = await open_store(database, relaxed=True)
    yield opened
    await opened.close()


async def test_a_selection_is_found_page_by_page_in_the_order_of_arrival(store: SqlStore) -> None:
    events = [(await happened(store, "done" if number % 4 else "failed"))[0] for number in range(13)]
    wanted = events[::4]
    selection = ReplaySelection(state="failed")

    first = [one.event.id for one in await store.chosen(selection, None, 3)]
    rest = [one.event.id for one in await store.chosen(selection, first[-1], 3)]

    assert (wanted[:3], wanted[3:]) == (first, rest)
    assert [] == await store.chosen(selection, rest[-1], 3)
    assert [] == await store.chosen(selection, "evt_of_nobody", 3)
    named = ReplaySelection(events=(events[11], events[2], "evt_of_nobody"))
    assert [events[2], events[11]] == [one.event.id for one in await store.chosen(named, None, 9)]


async def test_steps_with_unknown_outcomes_are_found_among_many_runs_that_have_none(store: SqlStore) -> None:
    for _ in range(9):
        await happened(store, "waiting")
    claimed = [run for run, _ in await store.claim("me", {"titan": 9}, NOW + timedelta(days=1), 20)]
    claimed.sort(key=lambda run: run.event.id)
    for number, run in enumerate(claimed):
        state: StepState = "intended" if number % 3 == 1 else "waiting"
        step = Step(0, "one", "http.request", "titan", state, inputs={}, tries=1, intended_at=NOW)
        ends: RunState = "failed" if number < 5 else "held"
        await store.progress(Progress(run.id, run.fence, NOW, ends, "a reason", steps=(step,)))
    wanted = [run.id for number, run in enumerate(claimed) if number % 3 == 1]

    assert wanted == [one.run for one in await store.unknown_steps(None, 9)]
    assert wanted == [one.run for one in await store.unknown_steps("titan", 9)]
    assert wanted[:1] == [one.run for one in await store.unknown_steps("titan", 1)]
    assert [] == await store.unknown_steps("another", 9)
