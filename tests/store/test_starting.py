"""What a start owes the runs that were there before it: looked through in parts, none left out and none done twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hooks.events import RunState
from hooks.pipeline.accounts import OBSTACLES, PAUSED
from hooks.ports import PlannedRun, Progress
from hooks.store import starting
from hooks.store.history import SqlHistory
from hooks.store.moments import COPIED, note
from hooks.store.rows import millis
from hooks.store.verbs import SqlStore
from tests.store.test_store_conformance import NOW, planned, run_to

DAY = 86_400_000
COPIED_AT = NOW - timedelta(seconds=1)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "PART", 2)


async def some_runs(store: SqlStore) -> list[str]:
    """Nine runs: done, running, held for a person and for a connection, and five that wait."""
    first, waiting = [run_to() for _ in range(4)], [run_to() for _ in range(5)]
    for run in first:
        await planned(store, run)
    claimed = {run.id: run for run, _ in await store.claim("me", {"titan": 4}, NOW, 20)}
    ends: dict[int, tuple[RunState, str | None]] = {0: ("done", None), 2: ("held", "look there"), 3: ("held", PAUSED)}
    for number, (state, reason) in ends.items():
        run_there = claimed[first[number].id]
        await store.progress(Progress(run_there.id, run_there.fence, NOW, state, reason))
    for run in waiting:
        await planned(store, run)
    return [run.id for run in (*first, *waiting)]


async def shown(history: SqlHistory, run: str) -> tuple[str, str]:
    found = await history.run(run)
    assert found is not None
    return found["state"], (found["reason"] or "")[:13]


async def test_what_was_not_over_in_a_copy_is_held_part_by_part(store: SqlStore, history: SqlHistory) -> None:
    runs = await some_runs(store)
    await store.engine.write(lambda transaction: note(transaction, COPIED, millis(COPIED_AT)))
    assert (COPIED_AT, 6) == await store.settle_restored()
    assert [starting.HOLD] == await store.engine.read(starting.owes)
    new = run_to()
    await planned(store, new)

    await starting.settle(store.engine, OBSTACLES)

    restored = ("held", "restored from")
    assert [("done", ""), restored, ("held", "look there"), restored] == [await shown(history, r) for r in runs[:4]]
    assert [restored] * 5 == [await shown(history, run) for run in runs[4:]]
    assert ("waiting", "") == await shown(history, new.id), "it came after the start"
    assert 0 == await store.release(["titan"], OBSTACLES, NOW), "no connection lets any of them go by itself"
    assert (await history.stats())["books_balance"]
    assert [] == await store.engine.read(starting.owes)
    assert await store.settle_restored() is None, "a copy is settled once"


async def test_what_a_copy_had_accepted_and_not_read_is_held_by_no_connection(
    store: SqlStore, history: SqlHistory
) -> None:
    await store.engine.write(lambda transaction: note(transaction, COPIED, millis(NOW)))
    await store.settle_restored()
    paused = PlannedRun("run_1", "rule-1", "titan", NOW, state="held", reason=PAUSED)
    await planned(store, paused)
    assert ("held", "restored from") == await shown(history, "run_1")


async def test_a_crash_among_the_parts_leaves_none_out_and_moves_none_twice(store: SqlStore) -> None:
    runs = await some_runs(store)
    await store.engine.write(lambda transaction: starting.owe(transaction, starting.MOVE, -DAY))
    for _ in range(2):
        assert await store.engine.write(
            lambda transaction: starting.part(transaction, what=starting.MOVE, reasons=OBSTACLES)
        )
    later = run_to()
    await planned(store, later)

    await asyncio.gather(*(starting.settle(store.engine, OBSTACLES) for _ in range(2)))  # two servers start at once

    due = dict(await store.engine.read(lambda reading: reading.execute("SELECT id, due_at FROM runs").fetchall()))
    assert set(runs[2:]) == {run for run, at in due.items() if at == millis(NOW) - DAY}, "once, what was not over"
    assert millis(NOW) == due[later.id], "and only what was there"
