"""Senders that heed nothing, in a process of their own: ``python -m tests.faults.flood PORT --connections 1000``.

Each connection sends its next delivery as soon as it has heard of the last, whatever it was told; with ``--fresh`` it
goes on over a new connection each time. One object of JSON at the end says what came of them, with the waiting of the
accepted.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import cast

import uvloop

from tests.faults.senders import delivery

AGAIN = 0.05
"""Seconds until a connection that was cut or could not be made is tried again."""

REST = 20.0
"""Seconds that what is still unanswered at the end is waited for."""


class _Sender(asyncio.Protocol):
    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._flood.open_now += 1
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._flood.requests))

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._flood.heard(int(head[9:12]), time.perf_counter() - self._sent_at)
        if self._flood.over:
            self._transport.abort()
        elif self._flood.fresh:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._flood.open_now -= 1
        if error is not None:
            self._flood.cut += 1
        self._flood.reopen()


class Flood:
    """So many connections at once, and what they heard."""

    def __init__(self, port: int, requests: Iterator[bytes], *, fresh: bool) -> None:
        self.requests = requests
        self.fresh = fresh
        self.over = False
        self.cut = self.open_now = 0
        self.statuses: Counter[int] = Counter()
        self.accepted: list[float] = []
        self._port = port
        self._opening: set[asyncio.Task[None]] = set()

    def heard(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        if status == 202:
            self.accepted.append(seconds)

    def reopen(self) -> None:
        if not self.over:
            task = asyncio.get_running_loop().create_task(self.open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def open(self) -> None:
        while not self.over:
            try:
                await asyncio.get_running_loop().create_connection(lambda: _Sender(self), "127.0.0.1", self._port)
            except OSError:
                self.cut += 1
                await asyncio.sleep(AGAIN)
            else:
                return

    async def run(self, connections: int, seconds: float) -> dict[str, object]:
        began = time.perf_counter()
        for _ in range(connections):
            self.reopen()
        await asyncio.sleep(seconds)
        self.over = True
        took, heard, waited = time.perf_counter() - began, dict(self.statuses), sorted(self.accepted) or [0.0]
        while (self.open_now or self._opening) and time.perf_counter() - began < took + REST:
            await asyncio.sleep(AGAIN)
        return {
            "seconds": took,
            "statuses": heard,
            "p99": waited[int(len(waited) * 0.99)],
            "cut": self.cut + self.open_now,
            "accepted_in_all": self.statuses[202],
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.flood", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--name", default="flood", help="what its jobs are called, so that no two floods are copies")
    parser.add_argument("--fresh", action="store_true", help="a new connection for each delivery")
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    requests = (delivery(f"{given.name}_{number}") for number in itertools.count())
    flood = Flood(given.port, requests, fresh=given.fresh)
    json.dump(uvloop.run(flood.run(given.connections, given.seconds)), sys.stdout)


if __name__ == "__main__":
    main()
