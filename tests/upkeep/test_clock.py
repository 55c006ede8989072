"""A clock that is set while the server runs or is away: nothing fires at once, and nothing waits longer for it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hooks.clock import APART, EngineClock
from hooks.events import Receipt, new_id
from hooks.store.moments import ALIVE, note
from hooks.store.opening import open_store
from hooks.store.rows import millis
from hooks.store.shifting import shift, shift_late
from tests.faults.conftest import Tell
from tests.faults.table import Row
from tests.journeys.world import NOTE, OFFICE, SOURCES, World
from tests.store.test_retention import happened

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
DAY = 86400.0
TEN_YEARS = 3653 * DAY
SOON = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE.replace("    do:", "    delay: 4s\n    do:")


class SetClock:
    """The machine's clock, whose wall part can be set apart from the other one."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def test_the_engine_goes_on_evenly_when_the_wall_clock_is_set_and_follows_when_told() -> None:
    wall = SetClock()
    clock = EngineClock(wall)
    before = clock.now()
    for jump in (DAY, -DAY, TEN_YEARS):
        wall.ahead = jump
        assert abs((clock.now() - before).total_seconds()) < 2
        assert abs(clock.jump - jump) < 2
    clock.follow(clock.jump)
    assert abs((clock.now() - wall.now()).total_seconds()) < 1
    assert 0 == clock.jump


def test_small_corrections_are_followed_at_once() -> None:
    wall = SetClock()
    clock = EngineClock(wall)
    for _ in range(10):
        wall.ahead += APART - 1
        assert abs((clock.now() - wall.now()).total_seconds()) < 1
        assert 0 == clock.jump


@pytest.mark.parametrize("jump", [DAY, -DAY, TEN_YEARS, -3600.0])
async def test_what_waits_keeps_its_time(tmp_path: Path, jump: float) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'hooks.db'}", relaxed=True)
    try:
        [later] = await happened(store, "waiting", at=NOW + timedelta(seconds=30))
        [overdue] = await happened(store, "waiting", at=NOW - timedelta(seconds=30))
        [held] = await happened(store, "held", at=NOW + timedelta(seconds=30))
        await shift(store.engine, jump, NOW)
        due = dict(
            await store.engine.read(lambda reading: reading.execute("SELECT event, due_at FROM runs").fetchall())
        )
    finally:
        await store.close()
    now = millis(NOW + timedelta(seconds=jump))
    assert (30_000, 30_000) == (due[later] - now, due[held] - now)
    assert due[overdue] <= now, "what was due is due"


async def test_what_was_worked_out_before_and_written_after_is_moved_too(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'hooks.db'}", relaxed=True)
    try:
        await shift(store.engine, -DAY, NOW)
        [event] = await happened(store, "waiting", at=NOW)
        [later] = await happened(store, "waiting", at=NOW - timedelta(days=1) + timedelta(seconds=30))
        assert 1 == await shift_late(store.engine, -DAY, NOW)
        due = dict(
            await store.engine.read(lambda reading: reading.execute("SELECT event, due_at FROM runs").fetchall())
        )
    finally:
        await store.close()
    assert millis(NOW - timedelta(days=1)) == due[event]
    assert millis(NOW - timedelta(days=1) + timedelta(seconds=30)) == due[later]


@pytest.mark.parametrize("jump", [DAY, -DAY, pytest.param(TEN_YEARS, marks=pytest.mark.slow)])
async def test_a_clock_that_is_set_while_runs_wait_fires_none_early_and_delays_none(
    world: World, tell: Tell, jump: float
) -> None:
    clock = SetClock()
    world.clock = clock  # type: ignore[assignment]  # a clock of another kind
    await world.serve(SOON)
    began = time.monotonic()
    sent = [(await world.lead({"full_name": f"Invented Person {number}"})).json()["events"][0] for number in range(5)]
    for event in sent:
        await world.run(event, "waiting")
    clock.ahead = jump

    while len(world.notes()) < 5:
        assert time.monotonic() - began < 14, "a jump delays nothing by a day"
        early = time.monotonic() - began < 3.9
        assert not (early and world.notes()), "nothing fires before its time"
        await asyncio.sleep(0.05)

    after = (await world.lead({"full_name": "Another Person"})).json()["events"][0]
    await world.run(after)
    assert 6 == len(world.notes()), "each once"
    assert (await world.stats())["books_balance"]
    seen = "5 waiting runs: 0 early, 0 late"
    tell(Row(f"F12 clock {jump / DAY:+.0f} days", "set while runs wait", "0 early, 0 late", seen, 0, 0, 0))


@pytest.mark.parametrize("jump", [2 * DAY, -2 * DAY])
async def test_whom_a_rule_has_acted_for_once_is_known_as_long_as_it_said(world: World, jump: float) -> None:
    clock = SetClock()
    world.clock = clock  # type: ignore[assignment]  # a clock of another kind
    once = NOTE.replace("    do:", "    once_per: data.customer.email\n    once_within: 24h\n    do:")
    await world.serve(SOURCES + "connections:\n" + OFFICE + "rules:\n" + once)
    await world.run((await world.lead({"full_name": "Invented Person", "email": "p@example.org"})).json()["events"][0])
    clock.ahead = jump
    await world.until(lambda: world.read("health"), lambda health: "the clock was set" in str(health))
    again = (await world.lead({"full_name": "The same Person", "email": "p@example.org"})).json()["events"][0]
    await world.run(again, "skipped")
    assert 1 == len(world.notes()), "a day has not passed because the clock was set"
    with closing(sqlite3.connect(world.folder / "data" / "hooks.db")) as database:
        ends = database.execute("SELECT expires_at FROM onces").fetchone()[0]
    left = ends / 1000 - clock.now().timestamp()
    assert DAY - 60 < left <= DAY, "nor is the next one kept waiting for longer"


async def test_a_clock_that_went_back_while_the_server_was_away_delays_nothing(world: World) -> None:
    clock = SetClock()
    clock.ahead = DAY
    world.clock = clock  # type: ignore[assignment]
    await world.serve(SOON)
    event = (await world.lead({"full_name": "Maya Ortiz"})).json()["events"][0]
    await world.run(event, "waiting")
    await asyncio.sleep(0.1)
    await world.stop()
    clock.ahead = 0.0

    await world.serve(SOON)

    await world.run(event)


@pytest.mark.parametrize(("ahead", "told"), [(3600.0, "1h more"), (-8.0, "8s less"), (1.0, None)])
async def test_a_clock_that_parts_from_the_one_that_servers_share_is_told(
    tmp_path: Path, postgres_database: str, caplog: pytest.LogCaptureFixture, ahead: float, told: str | None
) -> None:
    clock = SetClock()
    clock.ahead = ahead
    async with World(tmp_path, postgres_database) as world:
        world.clock = clock  # type: ignore[assignment]
        await world.serve(SOURCES)
        health = await world.read("health")
    found = [finding["what"] for finding in health["findings"] if "than the database's" in finding["what"]]
    assert [told is not None] == [len(found) == 1]
    assert len(found) == sum("than the database's" in message for message in caplog.messages)
    if told is not None:
        assert f"shows {told} than" in found[0]
        assert (abs(ahead) > 15) == ("take runs that are under way from each other" in found[0])


async def test_nothing_is_pruned_by_a_clock_that_was_set(world: World) -> None:
    clock = SetClock()
    world.clock = clock  # type: ignore[assignment]
    await world.serve(SOURCES)
    event = (await world.lead({"full_name": "Maya Ortiz"})).json()["events"][0]
    await world.event(event)
    await world.stop()
    clock.ahead = TEN_YEARS
    await world.serve(SOURCES)
    assert world._app is not None
    keeper = world._app.keeper
    assert keeper is not None

    await keeper._round()
    kept = (await world.stats())["events"]["total"]
    answer = await world.api("prune", "POST", {})

    assert (1, 1) == (kept, answer.json()["events"])
    assert 0 == (await world.stats())["events"]["total"], "a person has said that the clock is right"


async def test_a_lease_of_our_own_does_not_run_out_by_the_clock(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'hooks.db'}", relaxed=True)
    try:
        await happened(store, "running")
        assert 0 == await store.recover("me", NOW + timedelta(days=3650))
        assert 1 == await store.recover("another", NOW)
    finally:
        await store.close()


async def test_the_last_moment_of_work_is_kept_for_the_next_start(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'hooks.db'}", relaxed=True)
    try:
        await store.record(Receipt(new_id("rcp"), "hcp", "housecall_pro", NOW, "ping"), None, 0)
        await store.engine.write(lambda transaction: note(transaction, ALIVE, 1))
        await store.engine.write(lambda transaction: note(transaction, ALIVE, 2))
        rows = await store.engine.read(lambda reading: reading.execute("SELECT at FROM moments").fetchall())
        assert [2] == [row[0] for row in rows]
    finally:
        await store.close()
