"""A disk that fails, is slow, or is held by somebody else: no 2xx that is not kept, and a clean restart."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import Tell
from tests.faults.processes import ProcessWorld, forbidden
from tests.faults.table import Row
from tests.faults.test_bad_input_memory import ALLOWED_GROWTH, resident
from tests.journeys.world import NOTE, OFFICE, SOURCES

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
STARTED = 30
"""Calls of a kind that a start makes at most: faults begin after it."""


def failing(tracer: str, log: Path, call: str, fault: str) -> list[str]:
    """A server whose system call fails; it stays our own child, so that signals reach it."""
    return [tracer, "-D", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:{fault}"]


async def _send(world: ProcessWorld, number: int) -> tuple[list[str], list[int]]:
    """Leads one after the other: the receipts that were told, and every status in order."""
    told: list[str] = []
    statuses: list[int] = []
    for sent in range(number):
        try:
            answer = await world.lead({"full_name": f"Invented Person {sent}", "note": str(time.monotonic_ns())})
        except httpx.TransportError:
            statuses.append(0)
            continue
        statuses.append(answer.status_code)
        if answer.status_code == 202:
            told.append(answer.json()["receipt"])
    return told, statuses


def _lost(world: ProcessWorld, told: list[str]) -> int:
    with closing(sqlite3.connect(world.data / "hooks.db")) as database:
        assert [("ok",)] == database.execute("PRAGMA integrity_check").fetchall()
        there = {row[0] for row in database.execute("SELECT id FROM receipts WHERE verdict = 'accepted'")}
    return len([receipt for receipt in told if receipt not in there])


async def _restarted(world: ProcessWorld) -> float:
    """Seconds from a clean start to the first 2xx."""
    world.under = []
    began = time.monotonic()
    await world.serve()
    assert 202 == (await world.lead({"full_name": "After The Fault"})).status_code
    return time.monotonic() - began


async def _unacted(world: ProcessWorld) -> tuple[int, int]:
    """Events without a note that nobody is asked about either, and notes beyond one each."""
    await world.quiet()
    notes = [note["event"] for note in world.notes()]
    held = {run["event"] for run in (await world.read("runs?state=held&limit=500"))["items"]}
    events = {row[0] for row in world.stored("SELECT id FROM events")}
    return len(events - set(notes) - held), len(notes) - len(set(notes))


async def _ready_database(world: ProcessWorld) -> None:
    """Let the tables be made, so that a start under a fault writes little before it takes requests."""
    await world.serve(RULES)
    await world.stop()


async def test_after_a_sync_that_failed_nothing_is_acknowledged_until_a_restart(
    world: ProcessWorld, tracer: str, tell: Tell
) -> None:
    await _ready_database(world)
    world.under = failing(tracer, world.folder / "trace", "fdatasync", f"error=EIO:when={STARTED}+")
    await world.serve(RULES)
    told, statuses = await _send(world, 120)
    first = next(number for number, status in enumerate(statuses) if status != 202)
    ready = (await world.get("/readyz")).status_code
    await world.kill()

    recovery = await _restarted(world)

    assert {429} == set(statuses[first:]), "no 2xx after the first failure"
    assert 503 == ready
    lost = _lost(world, told)
    unacted, double = await _unacted(world)
    assert (0, 0) == (lost, unacted)
    seen = f"{len(told)} kept, then {len(statuses) - first} put off"
    tell(Row("F5 fsync fails", "strace: fdatasync EIO", "no 2xx afterwards", seen, lost, unacted, double, recovery))


@pytest.mark.parametrize("at", [5, *(pytest.param(n, marks=pytest.mark.slow) for n in range(10, 200, 10))])
async def test_a_write_that_fails_loses_nothing_that_was_acknowledged(
    world: ProcessWorld, tracer: str, tell: Tell, at: int
) -> None:
    await _ready_database(world)
    at = 160 + 7 * at  # a start writes less than that
    world.under = failing(tracer, world.folder / "trace", "pwrite64", f"error=EIO:when={at}..{at + 2}")
    await world.serve(RULES)
    told, statuses = await _send(world, 150)
    await world.kill()

    recovery = await _restarted(world)

    assert 429 in statuses, "the fault came"
    lost = _lost(world, told)
    unacted, double = await _unacted(world)
    assert (0, 0) == (lost, unacted)
    seen = f"from write {at} on: {len(told)} kept, {statuses.count(429)} put off"
    tell(Row("F6 write fails", "strace: pwrite64 EIO", "lost 0, sound", seen, lost, unacted, double, recovery))


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_slow_disk_makes_answers_slow_and_memory_no_larger(
    world: ProcessWorld, tracer: str, tell: Tell
) -> None:
    await _ready_database(world)
    world.under = failing(tracer, world.folder / "trace", "fdatasync", f"delay_enter=300000:when={STARTED}+")
    await world.serve(RULES)
    await _send(world, STARTED)
    assert world.process is not None
    before = resident(world.process.pid)
    took: list[float] = []

    async def sender() -> None:
        for _ in range(5):
            began = time.monotonic()
            answer = await world.lead({"full_name": f"Invented Person {time.monotonic_ns()}"})
            took.append(time.monotonic() - began)
            assert answer.status_code in (202, 429)

    await asyncio.gather(*(sender() for _ in range(40)))
    grown = resident(world.process.pid) - before

    slowest = max(took)
    assert slowest < 8
    assert grown < ALLOWED_GROWTH
    seen = f"median {statistics.median(took):.1f} s, slowest {slowest:.1f} s, memory +{grown >> 20} MiB"
    tell(Row("F7 slow disk", "strace: fdatasync +300 ms, 40 senders", "slow, bounded", seen, 0, 0, 0))
    await world.kill()


@pytest.mark.parametrize("seconds", [1.5, pytest.param(8.0, marks=pytest.mark.slow)])
async def test_a_database_that_somebody_else_holds_is_waited_for_and_then_goes_on(
    world: ProcessWorld, tell: Tell, seconds: float
) -> None:
    await world.serve(RULES)
    await _send(world, 3)
    with closing(sqlite3.connect(world.data / "hooks.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        sending = [asyncio.create_task(_send(world, 4)) for _ in range(5)]
        await asyncio.sleep(seconds)
        other.execute("ROLLBACK")
    freed = time.monotonic()
    assert 202 == (await world.lead({"full_name": "After The Lock"})).status_code
    recovery = time.monotonic() - freed
    sent = [await one for one in sending]

    told = [receipt for receipts, _ in sent for receipt in receipts]
    statuses = [status for _, statuses in sent for status in statuses]
    assert {202, 429} >= set(statuses)
    assert (seconds > 5) == (429 in statuses), "it waits for as long as a request can, and then says so"
    assert recovery < 5
    unacted, double = await _unacted(world)
    lost = _lost(world, told)
    assert (0, 0, 0) == (lost, unacted, double)
    await world.stop()
    assert [] == forbidden(world.said())
    seen = f"{statuses.count(202)} waited, {statuses.count(429)} put off"
    tell(
        Row(f"F14 locked {seconds:g} s", "BEGIN EXCLUSIVE elsewhere", "goes on", seen, lost, unacted, double, recovery)
    )


async def test_senders_that_go_away_at_any_moment_leave_no_lock_behind(world: ProcessWorld, tell: Tell) -> None:
    await world.serve(RULES)
    port = int(str(world.inbox).rpartition(":")[2])
    body = b'{"full_name": "Gone Away", "n": %d}'

    async def vanish(number: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = body % number
        writer.write(
            b"POST /in/leads HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"X-Api-Key: a-key-for-leads-of-a-journey\r\nContent-Length: %d\r\n\r\n" % len(sent)
        )
        writer.write(sent[: len(sent) - number % 3])
        await writer.drain()
        for _ in range(number % 7):
            await asyncio.sleep(0)
        writer.transport.abort()

    slowest = 0.0
    for start in range(0, 200, 20):
        await asyncio.gather(*(vanish(start + number) for number in range(20)))
        began = time.monotonic()
        assert 202 == (await world.lead({"full_name": f"Stayed {start}"})).status_code
        slowest = max(slowest, time.monotonic() - began)

    assert slowest < 8, "a lock that stays is waited for longer"
    unacted, double = await _unacted(world)
    assert (0, 0) == (unacted, double)
    await world.stop()
    assert [] == forbidden(world.said())
    seen = f"slowest answer between them {slowest * 1000:.0f} ms"
    tell(Row("F15 senders vanish", "200 connections cut", "no lock stays", seen, 0, unacted, double))


async def test_without_file_handles_it_refuses_and_recovers_alone(world: ProcessWorld, tell: Tell) -> None:
    world.open_files = 64
    await world.serve(RULES)
    port = int(str(world.inbox).rpartition(":")[2])
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(120)]
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=10) as client:
        crowded = await client.get(f"{world.inbox}/healthz")
    for _, writer in idle:
        writer.transport.abort()
    began = time.monotonic()
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
        assert 200 == (await client.get(f"{world.inbox}/healthz")).status_code
    event = (await world.lead({"full_name": "After The Crowd"})).json()["events"][0]
    recovery = time.monotonic() - began
    await world.run(event)

    assert (503, "5") == (crowded.status_code, crowded.headers["retry-after"])
    await world.stop()
    assert [] == forbidden(world.said())
    seen = "one connection too many is told 503"
    tell(Row("F11 no file handles", "limit of 64, 120 connections", "recovers alone", seen, 0, 0, 0, recovery))
