"""A small HTTP/1.1 load generator: prebuilt requests over keep-alive connections, one event loop, no client library.

It stands beside the server on the same cores, as any generator here does, so only ratios between servers that were
driven by it in one run mean anything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast


@dataclass(slots=True)
class Figures:
    """What one run gave. ``latencies`` in seconds, ``bodies`` the answers where they were kept."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    def percentile(self, part: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


class _Connection(asyncio.Protocol):
    def __init__(
        self,
        requests: Iterator[bytes],
        until: float,
        figures: Figures,
        keep: bool,
        every: float = 0.0,
        first: float = 0,
    ) -> None:
        """``every``: seconds from one request to the next, the first one at ``first``; 0: each as soon as it may."""
        self._every = every
        self._due = first
        self._requests = requests
        self._until = until
        self._figures = figures
        self._keep = keep
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._next()

    def _next(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is None or time.perf_counter() >= self._until:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        early = self._due - time.perf_counter() if self._every else 0.0
        self._due += self._every
        if early > 0:
            asyncio.get_running_loop().call_later(early, self._send, request)
        else:
            self._send(request)

    def _send(self, request: bytes) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        figures = self._figures
        figures.latencies.append(time.perf_counter() - self._sent_at)
        status = int(head[9:12])
        figures.statuses[status] = figures.statuses.get(status, 0) + 1
        if self._keep:
            figures.bodies.append(self._buffer[end + 4 : end + 4 + length])
        self._buffer = self._buffer[end + 4 + length :]
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)


async def drive(
    port: int,
    requests: Iterator[bytes],
    *,
    connections: int,
    seconds: float,
    keep: bool = False,
    into: Figures | None = None,
    pace: float | None = None,
) -> Figures:
    """Send requests over so many connections, one at a time on each, for so many seconds or until there are no more.

    ``into`` is where it counts, for somebody who looks at it meanwhile. ``pace``: so many a second and not more. Raises
    OSError when the server goes away.
    """
    figures = into or Figures()
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    every = connections / pace if pace else 0.0

    def connection(number: int) -> _Connection:
        return _Connection(requests, started + seconds, figures, keep, every, started + number * every / connections)

    made = [
        (await loop.create_connection(partial(connection, number), "127.0.0.1", port))[1]
        for number in range(connections)
    ]
    await asyncio.gather(*(connection.done for connection in made))
    figures.seconds = time.perf_counter() - started
    return figures
