"""Traffic: copies, replays, floods of bad signatures, and a vendor that hangs or allows little."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.load import Figures, drive
from tests.faults.conftest import Tell
from tests.faults.processes import ProcessWorld
from tests.faults.senders import delivery, others, port_of, restamped
from tests.faults.table import Row
from tests.journeys.world import NOTE, OFFICE, SECRETS, SOURCES, World

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE

slow = pytest.mark.slow


class Vendor:
    """A vendor of a few lines that notes when each call came, and hangs while it is told to."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.answering = asyncio.Event()
        self.answering.set()
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.calls.append(time.monotonic())
                lines = head.lower().split(b"\r\n")
                length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
                await reader.readexactly(length)
                await self.answering.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def vendor() -> AsyncIterator[Vendor]:
    one = Vendor()
    server = await asyncio.start_server(one._serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield one
    finally:
        one.answering.set()
        server.close()


async def paced(port: int, requests: Iterator[bytes], *, rate: float, seconds: float, connections: int = 8) -> Figures:
    """So many requests a second, over so many connections."""
    figures = Figures()
    began = time.monotonic()
    places = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    number = itertools.count()

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (turn := next(number) / rate) < seconds:
            await asyncio.sleep(max(0.0, began + turn - time.monotonic()))
            sent = time.perf_counter()
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            figures.latencies.append(time.perf_counter() - sent)
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            figures.bodies.append(head + await reader.readexactly(length))
            figures.statuses[int(head[9:12])] = figures.statuses.get(int(head[9:12]), 0) + 1
        writer.close()

    await asyncio.gather(*(send(*place) for place in places))
    figures.seconds = time.monotonic() - began
    return figures


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


async def test_a_clock_that_is_wrong_from_the_start_is_named_as_the_likely_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    world = World(tmp_path)
    world.clock.leap(600)
    async with world:
        await world.serve(RULES)
        answers = {(await world.hcp({"event": "job.completed", "job": world.some_job()})).status_code for _ in range(5)}
        health = await world.read("health")
    assert ({401}, "red") == (answers, health["status"])
    [said] = [one for one in health["findings"] if "clock is probably wrong" in one["what"]]
    assert "NTP" in said["mend"]
    tell(Row("F13 clock 10 min off at the start", "set before", "health says why", "refused, and health says why"))


@slow
@pytest.mark.timeout(120)
async def test_one_body_ten_thousand_times_acts_once(world: ProcessWorld, tell: Tell) -> None:
    await world.serve(RULES)
    body = delivery("one")

    figures = await drive(port_of(world), itertools.repeat(body, 10_000), connections=32, seconds=90)
    await world.quiet()

    accepted = sum(figures.statuses.values())
    assert 10_000 == accepted
    assert {2} == {status // 100 for status in figures.statuses}
    assert 1 == len(world.notes())
    assert (await world.stats())["receipts"]["duplicate"] == 9_999
    seen = f"{accepted} answered 2xx, 1 effect, p99 {milliseconds(figures.percentile(0.99))}"
    tell(Row("F30 10,000 copies", "one body, 32 connections", "acted once, all 2xx", seen, 0, 0, 0))


@slow
@pytest.mark.timeout(120)
async def test_recorded_deliveries_act_once_whatever_is_done_to_them(world: ProcessWorld, tell: Tell) -> None:
    await world.serve(RULES)
    now = int(time.time())
    good = [delivery(number) for number in range(100)]
    port = port_of(world)
    first = await drive(port, iter(good), connections=4, seconds=60)
    await world.quiet()

    again = await drive(port, iter(good), connections=4, seconds=60)
    stamped = []
    for one in good:
        head, _, body = one.partition(b"\r\n\r\n")
        old = head.split(b"Api-Signature: ")[1].split(b"\r\n")[0].decode()
        stamped.append(restamped(body, str(now + 1), old))
    newer = await drive(port, iter(stamped), connections=4, seconds=60)
    hours = [delivery(f"old_{number}", stamp=now - 3600 + number) for number in range(100)]
    older = await drive(port, iter(hours), connections=4, seconds=60)
    await world.quiet()

    assert ({202: 100}, {401: 100}, {401: 100}) == (first.statuses, newer.statuses, older.statuses)
    assert {2} == {status // 100 for status in again.statuses}
    assert 100 == len(world.notes())
    stats = await world.stats()
    assert (100, 100, 200) == tuple(stats["receipts"][name] for name in ("accepted", "duplicate", "refused"))
    seen = "100 sent again: duplicates; with new timestamps, and of an hour ago: refused; acted on none"
    tell(Row("F32 replay attack", "recorded requests, as they were and changed", "acted 0", seen, 0, 0, 0))


TWO = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.HCP_SIGNING_SECRET}"}
connections:
  steady: {vendor: http, base_url: STEADY, timeout: 30s}
  shaky: {vendor: http, base_url: SHAKY, timeout: 30s}
rules:
  - id: steady
    event: job.completed
    do: [{action: http.request, connection: steady, on_unknown: repeat, with: {method: POST, path: /s, json: "${id}"}}]
  - id: shaky
    event: job.completed
    do: [{action: http.request, connection: shaky, on_unknown: repeat, with: {method: POST, path: /s, json: "${id}"}}]
"""


@slow
@pytest.mark.timeout(150)
async def test_a_vendor_that_hangs_slows_nobody_else(world: ProcessWorld, tell: Tell) -> None:
    async with vendor() as steady, vendor() as shaky:
        await world.serve(TWO.replace("STEADY", steady.url).replace("SHAKY", shaky.url))
        port, requests = port_of(world), others("f27")
        await paced(port, requests, rate=30, seconds=2)
        took: dict[bool, list[float]] = {False: [], True: []}
        calls: dict[bool, list[float]] = {False: [], True: []}
        for hangs in (False, True) * 4:
            shaky.answering.clear() if hangs else shaky.answering.set()
            before = len(steady.calls)
            figures = await paced(port, requests, rate=30, seconds=4)
            assert {202} == set(figures.statuses)
            took[hangs] += figures.latencies
            calls[hangs].append((len(steady.calls) - before) / figures.seconds)
        shaky.answering.set()
        await world.until(world.stats, lambda stats: stats["runs"]["waiting"] == 0, seconds=60)
    p99 = {hangs: statistics.quantiles(each, n=100)[98] for hangs, each in took.items()}
    rate = statistics.median(calls[True]) / statistics.median(calls[False])
    ratio = p99[True] / p99[False]
    seen = f"the other's rate × {rate:.2f}, accept p99 × {ratio:.2f} ({milliseconds(p99[True])})"
    print(seen)
    tell(Row("F27 one vendor hangs", "2 vendors, equal load, 4 × 4 s by turns", "rate × ≥ 0.8, p99 × ≤ 1.2", seen))
    assert rate >= 0.8
    assert ratio <= 1.2 or p99[True] - p99[False] < 0.01, "or by less than a busy machine's own trembling"


@slow
@pytest.mark.timeout(90)
async def test_a_rate_is_kept_in_every_second_and_over_a_pause(world: ProcessWorld, tell: Tell) -> None:
    async with vendor() as strict:
        await world.serve(RULES.replace("SANDBOX/http, timeout: 2s", f"{strict.url}, rate: 5"))
        port, requests = port_of(world), others("f38")
        await drive(port, itertools.islice(requests, 20), connections=4, seconds=10)
        await world.until(world.stats, lambda stats: stats["runs"]["done"] >= 10, seconds=30)
        await world.api("connections/office/pause", "POST", {})
        await drive(port, itertools.islice(requests, 10), connections=4, seconds=10)
        await world.until(world.stats, lambda stats: stats["runs"]["running"] == 0, seconds=30)
        await asyncio.sleep(2)  # a pause in which a bucket would fill
        await world.api("connections/office/resume", "POST", {})
        await world.until(world.stats, lambda stats: stats["runs"]["done"] == 30, seconds=30)
    most = max(sum(at <= other < at + 1 for other in strict.calls) for at in strict.calls)
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(strict.calls))
    seen = f"{len(strict.calls)} calls, {most} in the fullest second, the shortest gap {milliseconds(gaps[0])}"
    print(seen)
    tell(Row("F38 rate limit", "5/s, 30 runs at once, a pause between", "at most 5 in any second", seen, None, 0, 0))
    assert most <= 5
    assert 30 == len(strict.calls)


@slow
@pytest.mark.timeout(90)
async def test_a_flood_of_bad_signatures_does_not_harm_the_good_ones(world: ProcessWorld, tell: Tell) -> None:
    await world.serve(RULES)
    port, good = port_of(world), others("f49")
    wrong = itertools.cycle([delivery(f"wrong_{number}", secret="not the secret") for number in range(500)])
    calm = await paced(port, good, rate=50, seconds=5)
    flooded, flood = await asyncio.gather(
        paced(port, good, rate=50, seconds=8), paced(port, wrong, rate=1000, seconds=8, connections=32)
    )
    await world.quiet()
    assert ({202}, {202}) == (set(calm.statuses), set(flooded.statuses))
    assert set(flood.statuses) <= {401, 429, 503}
    sent = sum(calm.statuses.values()) + sum(flooded.statuses.values())
    assert sent == len(world.notes())
    seen = (
        f"{flood.rate:.0f}/s wrong and refused; right ones: 0 of {sent} failed, p99 "
        f"{milliseconds(flooded.percentile(0.99))} ({milliseconds(calm.percentile(0.99))} without)"
    )
    print(seen)
    tell(Row("F49 flood of bad signatures", "1,000/s wrong, 50/s right", "right ones' errors 0", seen, 0, 0, 0))
