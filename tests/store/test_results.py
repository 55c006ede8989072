"""Results of many runs are written together, and each is answered for by itself."""

from __future__ import annotations

import asyncio

from hooks.errors import LeaseLost
from hooks.events import new_id
from hooks.ports import Attempt, Claimed, Progress, Step
from hooks.store.history import SqlHistory
from hooks.store.verbs import SqlStore
from tests.store.test_store_conformance import NOW, claimed_one, planned, receipt, run_to


async def _claimed(store: SqlStore, number: int) -> list[Claimed]:
    for _ in range(number):
        await planned(store, run_to())
    return [run for run, _ in await store.claim("me", {"titan": number}, NOW, 20)]


def _intent(run: Claimed) -> Progress:
    return Progress(run.id, run.fence, NOW, steps=(Step(0, "book", "http.request", "titan", "intended", tries=1),))


def _result(run: Claimed, number: int) -> Progress:
    step = Step(0, "book", "http.request", "titan", "done", output={"id": f"lead-{number}"}, tries=1, finished_at=NOW)
    return Progress(
        run.id, run.fence, NOW, "done", steps=(step,), attempts=(Attempt(new_id("att"), 0, 1, NOW, 5, "done", 200),)
    )


async def test_what_many_runs_came_to_is_in_few_commits_and_whole(store: SqlStore, history: SqlHistory) -> None:
    runs = await _claimed(store, 100)
    before = store.commits
    await asyncio.gather(*(store.progress(_intent(run)) for run in runs))
    await asyncio.gather(*(store.progress(_result(run, number)) for number, run in enumerate(runs)))
    assert store.commits - before < 10
    for number, run in enumerate(runs):
        shown = await history.run(run.id)
        assert shown is not None
        assert "done" == shown["state"]
        [step] = shown["steps"]
        assert ("done", {"id": f"lead-{number}"}) == (step["state"], step["output"])
    stats = await history.stats()
    assert (100, 0, 0) == (stats["runs"]["done"], stats["runs"]["running"], stats["runs"]["waiting"])
    assert stats["books_balance"]


async def test_what_comes_with_the_next_look_at_the_sockets_shares_the_commit(store: SqlStore) -> None:
    runs = await _claimed(store, 5)
    before, asked = store.commits, []
    for run in runs:
        asked.append(asyncio.create_task(store.progress(_intent(run))))
        await asyncio.sleep(0)
    await asyncio.gather(*asked)
    assert 1 == store.commits - before


async def test_one_that_no_row_can_hold_takes_nobody_else_down(store: SqlStore, history: SqlHistory) -> None:
    first, bad, last = await _claimed(store, 3)
    wrong = Attempt(new_id("att"), 0, 1, NOW, 2**70, "done")
    changes = [
        _result(first, 1),
        Progress(bad.id, bad.fence, NOW, "done", attempts=(wrong,)),
        Progress(bad.id, bad.fence + 1, NOW, "failed"),
        _result(last, 2),
    ]
    results = await asyncio.gather(*map(store.progress, changes), return_exceptions=True)
    assert [None, None] == [results[0], results[3]]
    assert isinstance(results[1], Exception) and not isinstance(results[1], LeaseLost)
    assert isinstance(results[2], LeaseLost)
    stats = await history.stats()
    assert (2, 1, 0) == (stats["runs"]["done"], stats["runs"]["running"], stats["runs"]["failed"])
    assert stats["books_balance"]


async def test_two_changes_of_one_run_are_written_in_the_order_they_were_asked_for(store: SqlStore) -> None:
    await planned(store, run_to())
    run = await claimed_one(store)
    results = await asyncio.gather(
        store.progress(_intent(run)),
        store.progress(_result(run, 1)),
        store.progress(Progress(run.id, run.fence, NOW, "failed")),
        store.record(receipt(), None, 0),
        return_exceptions=True,
    )
    assert results[0] is None
    assert results[1] is None
    assert isinstance(results[2], LeaseLost)
