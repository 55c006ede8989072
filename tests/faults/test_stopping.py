"""SIGTERM, SIGHUP and refused starts: what an operator, a supervisor and a second server meet."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time

import httpx
import pytest

from tests.faults.conftest import Tell
from tests.faults.processes import ProcessWorld, forbidden
from tests.faults.table import Row
from tests.journeys.world import BOOK, NOTE, OFFICE, SOURCES

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE


async def test_a_stop_under_load_answers_what_is_in_progress_and_loses_nothing(world: ProcessWorld, tell: Tell) -> None:
    await world.serve(RULES)
    told: list[str] = []

    async def sender() -> None:
        while True:
            try:
                answer = await world.hcp({"event": "job.completed", "job": world.some_job()})
            except httpx.TransportError:
                return
            if answer.status_code != 202:
                assert (503, True) == (answer.status_code, "retry-after" in answer.headers)
                return
            told.append(answer.json()["events"][0])

    senders = [asyncio.create_task(sender()) for _ in range(6)]
    await world.until(world.stats, lambda stats: stats["runs"]["done"] > 20)
    assert world.process is not None
    began = time.monotonic()
    world.process.terminate()
    world.process.terminate()
    code = await world.ended()
    took = time.monotonic() - began
    await asyncio.gather(*senders)

    assert 0 == code, world.said()
    assert took < 10
    assert [] == forbidden(world.said())
    await world.serve()
    await world.quiet()
    assert sorted(told) == sorted({note["event"] for note in world.notes()} & set(told))
    assert len(world.notes()) == (await world.stats())["events"]["total"], "each was told once"
    seen = f"{len(told)} accepted, exit 0 after {took:.1f} s"
    tell(Row("F2 SIGTERM under load", "twice in a row, 6 senders", "lost 0, within 30 s", seen, 0, 0, 0))


@pytest.mark.parametrize("timeout", ["1s", pytest.param("60s", marks=pytest.mark.slow)])
@pytest.mark.timeout(90)
async def test_a_stop_during_a_call_that_hangs_keeps_its_intent_and_is_resumed(
    world: ProcessWorld, timeout: str
) -> None:
    await world.serve(BOOK.replace("timeout: 2s", f"timeout: {timeout}"))
    world.fault("servicetitan", kind="hang", path="/bookings")
    event = await world.job()
    await world.asked_for("servicetitan", "/bookings")

    assert world.process is not None
    world.process.terminate()
    assert 0 == await world.ended(30)
    with sqlite3.connect(world.data / "hooks.db") as database:
        left = database.execute("SELECT state FROM steps").fetchall()
    await world.serve()
    await world.run(event)

    assert [("intended",)] == left
    assert [event] == [booking["externalId"] for booking in world.records("servicetitan", "bookings")]
    assert [] == forbidden(world.said())


async def test_a_stop_while_runs_wait_for_their_turn_is_quick(world: ProcessWorld) -> None:
    await world.serve(RULES.replace("timeout: 2s", "timeout: 2s, rate: 0.1"))
    for _ in range(4):
        await world.job()
    await world.until(world.stats, lambda stats: (stats["runs"]["done"], stats["runs"]["running"]) == (1, 3))

    began = time.monotonic()
    await world.stop()

    assert time.monotonic() - began < 5
    await world.serve(RULES)
    assert 4 == (await world.quiet())["runs"]["done"]
    assert 4 == len(world.notes())


async def test_hangup_loads_the_rules_again(world: ProcessWorld) -> None:
    await world.serve(RULES)
    world.routes.write_text(RULES.replace("/notes", "/changed").replace("SANDBOX", world.sandbox_url), encoding="utf-8")
    assert world.process is not None

    world.process.send_signal(signal.SIGHUP)

    async def loaded() -> int:
        return world.said().count("loaded: 1 rule,")

    await world.until(loaded, lambda times: times >= 2)
    await world.run(await world.job())
    assert world.asked("http", "POST", "/changed")
    await world.stop()
    assert [] == forbidden(world.said())


async def test_a_second_server_is_refused_by_the_firsts_number(world: ProcessWorld, tell: Tell) -> None:
    await world.serve(RULES)
    assert world.process is not None

    second = world.spawn()
    code = await asyncio.to_thread(second.wait, 30)

    assert 1 == code
    assert f"process {world.process.pid}" in world.said()
    assert [] == forbidden(world.said())
    await world.run(await world.job())
    await world.kill()
    await world.serve()
    tell(Row("F16 two servers, one file", "a second start", "refused, lock freed by kill -9", f"exit {code}, named"))


async def test_a_database_of_a_newer_release_is_refused_by_name_and_left_alone(world: ProcessWorld) -> None:
    await world.serve(RULES)
    await world.stop()
    path = world.data / "hooks.db"
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO migrations VALUES (9999, '9999_from_tomorrow.sql', 'x', datetime('now'))")
    database.close()
    before = path.read_bytes()

    code = await asyncio.to_thread(world.spawn().wait, 30)

    assert 1 == code
    assert "9999_from_tomorrow.sql" in world.said()
    assert [] == forbidden(world.said())
    assert before == path.read_bytes()


async def test_a_damaged_database_is_refused_and_never_quietly_used(world: ProcessWorld) -> None:
    await world.serve(RULES)
    for _ in range(20):
        await world.job()
    await world.quiet()
    await world.stop()
    path = world.data / "hooks.db"
    content = bytearray(path.read_bytes())
    content[8192 * 2 : 8192 * 6] = b"\xa5" * (8192 * 4)
    path.write_bytes(content)

    code = await asyncio.to_thread(world.spawn().wait, 30)

    assert 1 == code
    assert "damaged" in world.said() or "malformed" in world.said() or "cannot be" in world.said()
    assert [] == forbidden(world.said())


async def test_strict_refuses_a_broken_file_with_its_own_exit_code(world: ProcessWorld) -> None:
    world.write(RULES.replace("http.request", "http.reqest"))

    code = await asyncio.to_thread(world.spawn("--strict").wait, 30)

    assert 3 == code
    assert "routes.yaml:" in world.said()
    assert [] == forbidden(world.said())


async def test_a_port_that_is_taken_is_said_and_nothing_is_left_running(world: ProcessWorld) -> None:
    await world.serve(RULES)
    taken = str(world.inbox).rpartition(":")[2]
    own = world.data
    world.data = world.folder / "another"

    code = await asyncio.to_thread(world.spawn("--port", taken).wait, 30)
    world.data = own

    assert code in (1, 3)
    assert f"cannot listen at 127.0.0.1:{taken}" in world.said()
    assert [] == forbidden(world.said())
