"""Poison: events that make the reader raise, spin, take a gigabyte or end the process harm nobody but themselves."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.conftest import Tell
from tests.faults.processes import ProcessWorld, forbidden
from tests.faults.table import Row
from tests.journeys.world import NOTE, OFFICE, SOURCES

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
POISONED = Path(__file__).parent / "poisoned"
KINDS = ("raise", "spin", "memory")


async def _sent(world: ProcessWorld, **changed: Any) -> tuple[str, float]:
    """A job, sent until it has been taken, as senders do: its event, and the seconds that the last try took."""
    body = {"event": "job.completed", "job": world.some_job(**changed)}
    while True:
        began = time.monotonic()
        try:
            answer = await world.hcp(body)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
            continue
        assert 202 == answer.status_code
        return answer.json()["events"][0], time.monotonic() - began


async def _supervised(world: ProcessWorld) -> int:
    """Start the server each time that it has died, as a supervisor does, until it lives; gives how often it died."""
    deaths = 0
    while True:
        assert world.process is not None, "serve first"
        died = await asyncio.to_thread(_ended, world.process)
        if not died:
            return deaths
        deaths += 1
        with contextlib.suppress(AssertionError, httpx.TransportError):  # it may die before it is ready
            await world.serve()


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(6)
    except subprocess.TimeoutExpired:
        return False
    return True


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_poison_harms_nobody_but_itself(world: ProcessWorld, tell: Tell) -> None:
    world.environment["PYTHONPATH"] = str(POISONED)
    await world.serve(RULES)
    good: list[str] = []
    poison: dict[str, str] = {}
    took: list[float] = []
    for number in range(300):
        if number % 100 == 50:
            kind = KINDS[number // 100]
            poison[kind], _ = await _sent(world, description=f"poison: {kind}")
        event, seconds = await _sent(world)
        good.append(event)
        took.append(seconds)
    began = time.monotonic()
    for kind in KINDS:
        shown = await world.event(poison[kind])
        assert "unmatched" == shown["state"]
        assert shown["flag"]
    visible = time.monotonic() - began

    await world.quiet()  # a call that is cut by a death is another matter
    poison["kill"], _ = await _sent(world, description="poison: kill")
    deaths = await _supervised(world)
    assert "3 times" in (await world.event(poison["kill"]))["flag"]
    again = (await world.api("replays", "POST", {"flagged": True, "since": "1h"})).json()
    assert (len(poison), 0) == (again["events"], again["read"]), "what ended the program is not read by accident"
    after, _ = await _sent(world)
    await world.run(after)
    await world.quiet()

    told = [note["event"] for note in world.notes()]
    unacted = [event for event in (*good, after) if event not in told]
    double = [event for event in told if told.count(event) > 1]
    assert ([], [], 3) == (unacted, double, deaths)
    assert (await world.stats())["books_balance"]
    assert [] == forbidden(world.said())
    assert "Maya" not in world.said()
    took.sort()
    seen = (
        f"{len(good)} others: p50 {took[len(took) // 2] * 1000:.0f} ms, slowest {took[-1]:.1f} s (the one behind the "
        f"spin); flagged {visible:.1f} s later; {deaths} deaths, then set aside"
    )
    how = "reader raises, spins, takes 1 GiB, kills the process"
    tell(Row("F33 poison, F34 crash loop", how, "others 0 lost, 3 crashes", seen, 0, len(unacted), len(double)))
