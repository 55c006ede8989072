"""Slots: as many calls at once as an account takes, and nothing else waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hooks.kit.sandbox import Fault
from hooks.pipeline.slots import Slot, Slots
from hooks.ports import Progress
from tests.pipeline.engine import RULES, Engine

NARROW = RULES.replace("lookup_wait: 10s", "lookup_wait: 10s, concurrency: 1")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = await Engine.open(tmp_path, NARROW)
    engine.accounts["friend"].took(0.0)  # calls are quick, so runs are claimed ahead
    yield engine
    await engine.close()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_has_waited_longest_has_the_next_slot() -> None:
    slots = Slots(2)
    told: list[int] = []

    async def one(number: int) -> None:
        slot = Slot(slots)
        if not slot.take():
            await slot.wait()
        told.append(number)
        await turns()
        assert slots.taken <= 2
        slot.leave()
        slot.leave()

    await asyncio.gather(*(one(number) for number in range(7)))
    assert (list(range(7)), 0) == (told, slots.taken)


@pytest.mark.parametrize("late", [False, True], ids=["while it waits", "as its turn comes"])
async def test_the_turn_of_one_who_has_gone_is_anothers(late: bool) -> None:
    slots = Slots(1)
    assert slots.take()
    assert not slots.take()
    gone, next_ = asyncio.create_task(slots.wait()), asyncio.create_task(slots.wait())
    await turns()
    if late:
        slots.free()
    gone.cancel()
    if not late:
        slots.free()
    await asyncio.wait([gone, next_], timeout=5)
    assert (True, True, 1) == (gone.cancelled(), next_.done(), slots.taken)
    slots.free()
    assert slots.take()


def slow_ends(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """From now on a run's end is written when what this gives is set."""
    written = asyncio.Event()
    progress: Any = engine.store.progress

    async def slow(change: Progress) -> None:
        if change.state == "done":
            await written.wait()
        await progress(change)

    monkeypatch.setattr(engine.store, "progress", slow)
    return written


async def test_the_next_call_is_made_while_a_result_is_written(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    written = slow_ends(engine, monkeypatch)
    for _ in range(2):
        await engine.receive()
    await engine.dispatcher.turn()
    assert 2 == await engine.worker.turn()
    while len(engine.box.of("greetings")) < 2:
        await asyncio.sleep(0)
    assert ["running", "running"] == [run["state"] for run in await engine.runs()]
    written.set()
    while engine.accounts["friend"].in_flight:
        await asyncio.sleep(0)
    assert ["done", "done"] == [run["state"] for run in await engine.runs()]


async def test_the_next_run_is_claimed_while_a_result_is_written(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = slow_ends(engine, monkeypatch)
    for _ in range(5):
        await engine.receive()
    while await engine.dispatcher.turn():
        pass
    working = asyncio.create_task(engine.worker.run())
    while len(engine.box.of("greetings")) < 3:
        await asyncio.sleep(0)
    assert ["running"] * 3 == [run["state"] for run in await engine.runs() if run["state"] != "waiting"]
    written.set()
    while not all(run["state"] == "done" for run in await engine.runs()):
        await asyncio.sleep(0)
    await engine.worker.drain(5.0)
    await working
    account = engine.accounts["friend"]
    assert (0, 0, 0) == (account.in_flight, account.ending, account.held)
    assert 5 == len(engine.box.of("greetings"))


async def test_a_run_that_waits_for_its_call_is_given_back_at_a_stop(engine: Engine) -> None:
    for _ in range(2):
        await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="delay", seconds=0.05))
    assert 2 == await engine.worker.turn()
    while not engine.box.requests:
        await asyncio.sleep(0)

    assert 0 == await engine.worker.drain(5.0)

    assert {"done", "waiting"} == {run["state"] for run in await engine.runs()}
    assert 1 == len(engine.box.of("greetings"))
    assert 0 == await engine.store.recover("the next server", engine.clock.now()), "it is no part of a crash"
