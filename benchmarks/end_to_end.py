"""From the webhook to the call: ``python -m benchmarks.end_to_end [--events 2000] [--rounds 3]``.

A signed Housecall Pro job comes in, is committed, answered 202, normalized, matched by one rule of two, and sent on by
one HTTP call to a sink on this machine that answers at once; the run is over when the result is recorded. Sent, stored
and delivered are compared by id: every event answered 202 was delivered, none twice, and the server counts as many runs
``done``. Both the rate and the processor time of an event are against durable ingest of the same webhooks by a server
that only receives, in the same round: before it or after it, in turn.

Then the same with a ``kill -9`` in the middle of it and a second server on the same folder. Calls in progress at that
moment are sent again (`on_unknown: repeat`, with the same idempotency key), so the sink may hear of those twice, and
no event is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, cast

import uvloop

from benchmarks.ingest import prepared
from benchmarks.load import Figures, drive
from benchmarks.servers import Server, hooks, stats

CONNECTIONS = 64
WARM = 200
"""Events that are sent before the clock starts: the first calls import and connect."""

PATIENCE = 120.0
"""Seconds until what has not been delivered counts as lost."""

ROUTES = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.BENCH_SECRET}"}
connections:
  sink: {vendor: http, base_url: "http://127.0.0.1:%d", concurrency: 16}
rules:
  - id: pass-it-on
    event: job.completed
    when: data.total_cents > 0
    do:
      - action: http.request
        on_unknown: repeat
        with: {method: POST, path: /jobs, json: {event: "${id}", job: "${data.id}", total: "${data.total_cents}"}}
  - id: not-this-one
    event: customer.created
    do:
      - action: http.request
        with: {method: POST, path: /customers, json: {id: "${id}"}}
"""


class Sink(asyncio.Protocol):
    """Answers every request with 200 and counts the events that it names."""

    def __init__(self, seen: Counter[str]) -> None:
        self._seen = seen
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head[head.find(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._seen[json.loads(body)["event"]] += 1
            assert self._transport is not None
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")


class Cost(NamedTuple):
    """Events a second, and the microseconds of processor time that one takes, all threads."""

    rate: float
    cpu: float


def measure(rounds: int, events: int) -> dict[str, Any]:
    """Rounds of both, and one with a kill in the middle."""
    numbers = iter(range(10**9))
    whole: list[Cost] = []
    ingest: list[Cost] = []
    for number in range(rounds):
        if number % 2:
            ingest.append(_ingest(numbers, events))
        whole.append(uvloop.run(_whole(numbers, events)))
        if not number % 2:
            ingest.append(_ingest(numbers, events))
        print(f"end to end: round {number + 1} of {rounds} done", file=sys.stderr)
    pairs = list(zip(whole, ingest, strict=True))
    return {
        "rounds": rounds,
        "events": events,
        "rate": round(median(cost.rate for cost in whole)),
        "cpu_us": round(median(cost.cpu for cost in whole)),
        "ingest_cpu_us": round(median(cost.cpu for cost in ingest)),
        "ingest_ratio": round(median(one.rate / other.rate for one, other in pairs), 3),
        "ingest_cpu_ratio": round(median(other.cpu / one.cpu for one, other in pairs), 3),
        "kill": uvloop.run(killed(numbers, events)),
    }


def _ingest(numbers: Iterator[int], events: int) -> Cost:
    with hooks(role="receive") as server:
        for number in (WARM, events):
            requests = prepared(numbers, server.port, number)
            used = server.cpu()
            figures = uvloop.run(drive(server.port, requests, connections=CONNECTIONS, seconds=PATIENCE))
            used = server.cpu() - used
    if figures.statuses != {202: events}:
        raise SystemExit(f"not a measurement: answered {figures.statuses}")
    return Cost(figures.rate, used / events * 1e6)


async def _whole(numbers: Iterator[int], events: int) -> Cost:
    seen: Counter[str] = Counter()
    sink = await asyncio.get_running_loop().create_server(lambda: Sink(seen), "127.0.0.1", 0)
    async with sink:
        with hooks(ROUTES % sink.sockets[0].getsockname()[1]) as server:
            await _pass(server, prepared(numbers, server.port, WARM), seen)
            requests = prepared(numbers, server.port, events)
            used, began = server.cpu(), time.perf_counter()
            await _pass(server, requests, seen)
            seconds = time.perf_counter() - began
            await _until_done(server, WARM + events)
            used = server.cpu() - used
    if set(seen.values()) != {1} or len(seen) != WARM + events:
        raise SystemExit(f"not a measurement: {WARM + events} sent, {len(seen)} delivered, {seen.total()} calls")
    return Cost(events / seconds, used / events * 1e6)


async def _pass(server: Server, requests: Iterator[bytes], seen: Mapping[str, int]) -> None:
    figures = await drive(server.port, requests, connections=CONNECTIONS, seconds=PATIENCE, keep=True)
    await _until_delivered(_told(figures), seen)


async def killed(numbers: Iterator[int], events: int) -> dict[str, int]:
    """Kill the server when about half is in, start another on its folder, and see that nothing is missing."""
    seen: Counter[str] = Counter()
    sink = await asyncio.get_running_loop().create_server(lambda: Sink(seen), "127.0.0.1", 0)
    with tempfile.TemporaryDirectory(prefix="hooks-bench-") as folder:
        routes, data = ROUTES % sink.sockets[0].getsockname()[1], Path(folder) / "data"
        async with sink:
            with hooks(routes, data=data) as server:
                figures = Figures()
                requests = prepared(numbers, server.port, events)
                driving = asyncio.create_task(
                    drive(server.port, requests, connections=CONNECTIONS, seconds=PATIENCE, keep=True, into=figures)
                )
                while len(figures.bodies) < events // 2 and not driving.done():
                    await asyncio.sleep(0.005)
                server.process.kill()
                await asyncio.wait([driving])
                driving.exception()
            told = _told(figures)
            with hooks(routes, data=data) as server:
                await _until_delivered(told, seen)
                await _until_done(server, len(seen))
                stored = stats(server)["events"]["total"]
    missing = len(told - seen.keys())
    if missing or stored != len(seen):
        raise SystemExit(f"lost: {missing} of {len(told)} answered 202; {stored} stored, {len(seen)} delivered")
    return {
        "answered": len(told),
        "stored": stored,
        "delivered": len(seen),
        "missing": missing,
        "called_again": seen.total() - len(seen),
    }


def _told(figures: Figures) -> set[str]:
    return {event for body in figures.bodies for event in json.loads(body)["events"]}


async def _until_delivered(told: set[str], seen: Mapping[str, int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not told <= seen.keys() and time.monotonic() < deadline:
        await asyncio.sleep(0.01)


async def _until_done(server: Server, runs: int) -> None:
    """The server itself says that so many runs are done, and no other is open."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        counted = (await asyncio.to_thread(stats, server))["runs"]
        if counted["done"] >= runs and not counted["waiting"] + counted["running"]:
            return
        await asyncio.sleep(0.3)  # asking costs the server some milliseconds
    raise SystemExit(f"not a measurement: the server counts {counted}, and {runs} should be done")


def show(found: Mapping[str, Any]) -> None:
    """The result in words."""
    kill = found["kill"]
    print(f"end to end: medians of {found['rounds']} rounds of {found['events']} events, {CONNECTIONS} connections")
    print(
        f"  {found['cpu_us']} us of processor time an event, {found['ingest_cpu_us']} us in ingest: "
        f"{found['ingest_cpu_ratio']} of ingest by processor time; sent = stored = delivered, by id"
    )
    print(f"  {found['rate']} events a second delivered and recorded, {found['ingest_ratio']} of ingest by rate")
    print(
        f"  killed in the middle: {kill['answered']} answered 202, {kill['stored']} stored, {kill['delivered']} "
        f"delivered, {kill['missing']} missing, {kill['called_again']} calls sent again"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    show(measure(given.rounds, given.events))


if __name__ == "__main__":
    main()
