"""`within` in the engine: runs outside hours wait for the next opening, however they came to be due."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hooks.kit.sandbox import Fault
from tests.pipeline.engine import RULES, Engine

# The engine's clock begins on Friday 2026-05-08, 12:00 UTC.
OFFICE = "calendars:\n  office: {zone: UTC, hours: {mon-fri: 13:00-18:00}}\nrules:"
WITHIN = RULES.replace("rules:", OFFICE).replace("    retry:", "    within: office\n    retry:")
Open = Callable[[str], Awaitable[Engine]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    """Opens engines, and closes them when the test has ended."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(text: str) -> Engine:
            engine = await Engine.open(tmp_path, text)
            stack.push_async_callback(engine.close)
            return engine

        yield start


async def test_a_run_waits_until_the_hours_begin_and_says_so(opened: Open) -> None:
    engine = await opened(WITHIN)
    await engine.receive()
    await engine.dispatcher.turn()
    assert 0 == await engine.turn()
    (run,) = await engine.runs()
    assert ("waiting", "2026-05-08T13:00:00Z") == (run["state"], run["due_at"])
    assert "office is closed until Fri 2026-05-08 13:00 (UTC)" == run["reason"]

    engine.worker = engine.new_worker()  # a restart forgets nothing
    engine.clock.seconds = 3600
    assert 1 == await engine.turn()
    assert "done" == (await engine.runs())[0]["state"]


async def test_a_run_that_is_due_at_night_is_put_back(opened: Open) -> None:
    """What a debounce gathered, or a paused connection held up, is not done at night because it ended there."""
    engine = await opened(WITHIN)
    engine.clock.seconds = 5 * 3600  # open
    await engine.receive()
    await engine.dispatcher.turn()
    engine.clock.seconds = 6 * 3600  # closed: nobody came to it in time
    assert 1 == await engine.turn()
    (run,) = await engine.runs()
    assert ("waiting", "2026-05-11T13:00:00Z", []) == (run["state"], run["due_at"], run["steps"])
    engine.clock.seconds = 3 * 86400 + 3600  # Monday, when it opens
    assert 1 == await engine.turn()
    assert "done" == (await engine.runs())[0]["state"]


async def test_a_run_that_has_begun_goes_on_after_hours(opened: Open) -> None:
    twice = WITHIN.replace("1s, backoff: fixed", "10m, backoff: fixed")
    engine = await opened(twice)
    engine.clock.seconds = 6 * 3600 - 60
    engine.box.faults.append(Fault(kind="status", status=503, method="POST"))
    await engine.receive()
    await engine.dispatcher.turn()
    assert 1 == await engine.turn()
    engine.clock.seconds += 1200
    await engine.turn()
    (run,) = await engine.runs()
    assert ("done", 2) == (run["state"], run["attempts"])


async def test_debounce_and_within_hold_together(opened: Open) -> None:
    quiet = WITHIN.replace("    retry:", "    debounce: {by: data.display_name, wait: 5m}\n    retry:")
    engine = await opened(quiet)
    for _ in range(3):
        await engine.receive()
        await engine.dispatcher.turn()
    engine.clock.seconds = 600
    await engine.turn()
    waiting = [run for run in await engine.runs() if run["state"] == "waiting"]
    assert ["2026-05-08T13:00:00Z"] * 3 == [run["due_at"] for run in waiting]  # what comes at night joins the burst
    engine.clock.seconds = 3601
    await engine.turn()
    assert ["done", "skipped", "skipped"] == sorted(run["state"] for run in await engine.runs())
