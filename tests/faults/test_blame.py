"""Who is blamed for the death of a server that shares its PostgreSQL: what it died of, however often it is killed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hooks.events import new_id
from tests.faults.conftest import Tell
from tests.faults.processes import ProcessWorld
from tests.faults.table import Row
from tests.journeys.world import NOTE, OFFICE, SOURCES

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
POISONED = Path(__file__).parent / "poisoned"
KILLS = 20
BURST = 40


class Replica(ProcessWorld):
    """One of several servers on one database. ``keeps``: its data folder outlives its process."""

    def __init__(self, folder: Path, database: str, *, keeps: bool) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.database = database
        self.environment["PYTHONPATH"] = str(POISONED)
        self.keeps = keeps

    async def begin(self) -> None:
        """Start it, where it is not running; it may die again before it is ready."""
        if self.process is not None and self.process.poll() is None:
            return
        if not self.keeps:
            shutil.rmtree(self.data, ignore_errors=True)
        with contextlib.suppress(AssertionError, httpx.TransportError):
            await self.serve(RULES)

    async def sent(self, **changed: Any) -> str | None:
        """A webhook: its event, None where the server has gone."""
        with contextlib.suppress(httpx.TransportError):
            answer = await self.hcp({"event": "job.completed", "job": self.some_job(id=new_id("run"), **changed)})
            if answer.status_code == 202:
                return str(answer.json()["events"][0])
        return None


@pytest.fixture(params=[True, False], ids=["kept", "lost"])
async def replicas(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_database: str
) -> AsyncIterator[list[Replica]]:
    made = [Replica(tmp_path / f"server-{number}", postgres_database, keeps=request.param) for number in range(2)]
    async with made[0], made[1]:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_only_what_a_server_dies_of_is_set_aside(replicas: list[Replica], tell: Tell) -> None:
    chance = random.Random(7)
    one, other = replicas
    await one.begin()
    told: list[str | None] = []
    for _ in range(KILLS):  # soon after it has begun to read what the one before was given
        burst = [asyncio.create_task(one.sent()) for _ in range(BURST)]
        await asyncio.sleep(chance.uniform(0.02, 0.4))
        await one.kill()
        told += await asyncio.gather(*burst)
        await one.begin()
    await one.until(one.stats, lambda stats: stats["events"]["pending"] == 0, seconds=60)
    innocent = one.stored("SELECT count(*) FROM events WHERE state <> 'matched' OR flag IS NOT NULL")[0][0]

    await other.begin()
    poison = None
    while poison is None:
        poison = await one.sent(description="poison: kill")
    deaths = 0
    while not (found := _flags(other, poison)):
        for replica in replicas:
            if replica.process is not None and replica.process.poll() is not None:
                deaths += 1
                replica.process = None
            await replica.begin()
        await asyncio.sleep(0.1)
    after = await other.sent()
    await other.until(lambda: _matched(other, after), bool, seconds=40)

    taken = [event for event in told if event is not None]
    assert len(taken) > KILLS
    assert ("3 times" in found, 0) == (True, innocent)
    assert deaths == 3
    kept = "its folder kept" if one.keeps else "its folder lost each time"
    seen = f"{len(taken)} taken in {KILLS} lives, 0 set aside; then poison at two servers: {deaths} deaths, set aside"
    tell(
        Row(f"F34 who is blamed, {kept}", "kill -9 soon after the start, then poison", "0 innocent, 3 deaths", seen, 0)
    )


def _flags(world: ProcessWorld, event: str) -> str:
    return " ".join(flag or "" for identity, flag in world.stored("SELECT id, flag FROM events") if identity == event)


async def _matched(world: ProcessWorld, event: str | None) -> bool:
    return (event, "matched") in world.stored("SELECT id, state FROM events")
