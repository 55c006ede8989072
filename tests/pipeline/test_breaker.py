"""When an account is left alone, and what that costs the runs that wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hooks.kit.sandbox import Fault
from hooks.pipeline.breaker import FAILURES, FIRST_WAIT, LONGEST_WAIT, Breaker
from tests.pipeline.engine import RULES, Engine


def opened(breaker: Breaker, at: float = 0.0) -> Breaker:
    for number in range(FAILURES):
        breaker.fail(f"run_{number % 3}", at, "503")
    return breaker


def test_a_run_of_failures_of_several_runs_opens_it() -> None:
    breaker = opened(Breaker())
    assert ("open", "503") == (breaker.state(0.0), breaker.reason)
    assert "half_open" == breaker.state(FIRST_WAIT)


def test_one_event_that_a_vendor_stumbles_over_does_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(10 * FAILURES):
        assert breaker.fail("run_1", 0.0, "500")
        assert breaker.fail("run_2", 0.0, "500")
    assert "closed" == breaker.state(0.0)


def test_one_call_that_works_in_between_keeps_it_closed() -> None:
    breaker = Breaker()
    for number in range(5 * FAILURES):
        breaker.fail(f"run_{number}", 0.0, "503")
        if number % (FAILURES - 1) == 0:
            breaker.works()
    assert "closed" == breaker.state(0.0)


def test_one_run_tries_and_what_it_finds_does_not_count() -> None:
    breaker = opened(Breaker())
    assert breaker.keeps_out("run_a", 0.0)
    assert not breaker.keeps_out("run_a", FIRST_WAIT)
    assert breaker.keeps_out("run_b", FIRST_WAIT), "another one is trying"
    assert not breaker.fail("run_a", FIRST_WAIT, "503")
    breaker.leave("run_a")
    assert 3 * FIRST_WAIT == breaker.until, "twice as long as the first time"
    assert not breaker.keeps_out("run_b", breaker.until)
    breaker.works()
    assert not breaker.keeps_out("run_c", 0.0)


def test_the_waits_grow_up_to_a_bound() -> None:
    breaker, at, waits = opened(Breaker()), 0.0, []
    for number in range(8):
        at = breaker.until
        breaker.keeps_out(f"run_{number}", at)
        breaker.fail(f"run_{number}", at, "503")
        waits.append(breaker.until - at)
        breaker.leave(f"run_{number}")
    assert [2 * FIRST_WAIT, 4 * FIRST_WAIT] == waits[:2]
    assert LONGEST_WAIT == waits[-1] == max(waits)


def test_a_call_that_was_on_its_way_when_it_opened_counts_and_changes_nothing() -> None:
    breaker = opened(Breaker())
    assert breaker.fail("run_late", 1.0, "timed out")
    assert FIRST_WAIT == breaker.until


# --- in the engine ---


@pytest.fixture
async def engine(tmp_path: Path, server_database: str | None) -> AsyncIterator[Engine]:
    engine = await Engine.open(tmp_path, database=server_database)
    yield engine
    await engine.close()


async def test_an_outage_longer_than_all_retries_kills_no_event(engine: Engine) -> None:
    for _ in range(8):
        await engine.receive()
    await engine.dispatcher.turn()
    fault = Fault(kind="status", status=503, count=10**6)
    engine.box.faults.append(fault)
    for _ in range(600):
        await engine.turn()
        engine.clock.seconds += 1.0
    states = {run["state"] for run in await engine.runs()}
    assert {"waiting"} == states, "three tries each would have been used up in two seconds"
    assert engine.accounts["friend"].breaker.reason is not None
    asked = len(engine.box.requests)
    assert asked < 8 * 3 + 600 / FIRST_WAIT

    engine.box.faults.remove(fault)
    for _ in range(120):
        await engine.turn()
        engine.clock.seconds += 1.0
    assert {"done"} == {run["state"] for run in await engine.runs()}
    assert 8 == len(engine.box.of("greetings"))


async def test_while_it_is_open_one_call_at_a_time_is_made(engine: Engine) -> None:
    for _ in range(8):
        await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="status", status=503, count=10**6))
    breaker = engine.accounts["friend"].breaker
    while breaker.state(engine.clock.monotonic()) == "closed":
        await engine.turn()
        engine.clock.seconds += 1.0
    before = len(engine.box.requests)
    await engine.turn()
    assert before == len(engine.box.requests)
    engine.clock.seconds = breaker.until
    await engine.turn()
    assert before + 1 == len(engine.box.requests)


async def test_a_run_that_always_fails_is_a_dead_letter_and_holds_up_nobody(engine: Engine) -> None:
    await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="status", status=503, count=3))
    for _ in range(4):
        await engine.turn()
        engine.clock.seconds += 2.0
    assert ["failed"] == [run["state"] for run in await engine.runs()]
    assert "closed" == engine.accounts["friend"].breaker.state(engine.clock.monotonic())


async def test_live_events_go_before_those_that_are_tried_again(engine: Engine) -> None:
    engine.accounts["friend"].settings = engine.accounts["friend"].settings.model_copy(update={"concurrency": 1})
    first = await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="status", status=503, count=1))
    await engine.turn()
    engine.clock.seconds += 60.0
    live = await engine.receive()
    await engine.dispatcher.turn()
    await engine.turn()
    await engine.turn()
    assert [live.event_ids[0], first.event_ids[0]] == [one["ref"] for one in engine.box.of("greetings")]


async def test_look_ups_take_their_turn_too(tmp_path: Path) -> None:
    engine = await Engine.open(
        tmp_path, RULES.replace("lookup_wait: 10s", "lookup_wait: 10s, rate: 0.5, concurrency: 1")
    )
    await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="hang"))
    await engine.worker.turn()
    while not engine.box.requests:
        await asyncio.sleep(0)
    await engine.worker.drain(0.05)
    engine.worker = engine.new_worker()
    await engine.turn()
    assert 2.0 <= engine.clock.monotonic(), "the look-up waited for the turn after the call"
    await engine.close()


async def test_too_many_requests_lets_the_account_rest_as_long_as_it_asked(engine: Engine) -> None:
    await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="rate", retry_after=20))
    await engine.turn()
    await engine.receive()
    await engine.dispatcher.turn()
    engine.clock.seconds += 19.0
    assert 0 == await engine.turn()
    engine.clock.seconds += 2.0
    assert 2 == await engine.turn()
