"""The network between the engine and a vendor, seeded: it refuses, cuts, answers 5xx, delivers late, and stalls."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.pipeline.engine import SetClock

TROUBLE = ("refuse", "cut before", "cut after", "status", "status after", "late", "stall before", "stall after")
LATEST = 8.0
"""Seconds by which a late request has reached the vendor: less than `lookup_wait` of the connection."""

STALL = 25.0
"""Seconds of a stall: longer than a lease."""


class VendorNetwork(httpx.AsyncBaseTransport):
    """Carries calls to an application. ``trouble`` is the share of calls that go wrong, 0 for none, in these kinds."""

    def __init__(
        self, app: Any, clock: SetClock, chance: random.Random, trouble: float, kinds: tuple[str, ...]
    ) -> None:
        self._inner = httpx.ASGITransport(app)
        self._clock = clock
        self._chance = chance
        self.trouble = trouble
        self._kinds = kinds
        self.stalled: Callable[[], Awaitable[None]] | None = None
        self.calls: list[str] = []
        self._on_their_way: list[tuple[float, httpx.Request, bytes]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        await self.arrive()
        kind = self._chance.choice(self._kinds) if self._chance.random() < self.trouble else "none"
        self.calls.append(f"{self._clock.seconds:g} {request.method} {kind}")
        if kind == "refuse":
            raise httpx.ConnectError("refused", request=request)
        if kind == "cut before":
            raise httpx.ReadError("cut", request=request)
        if kind == "status":
            return self._status(request)
        if kind == "late":
            self._on_their_way.append((self._clock.seconds + self._chance.random() * LATEST, request, body))
            raise httpx.ReadTimeout("no answer", request=request)
        if kind == "stall before":
            await self._stall()
        answer = await self._deliver(request, body)
        if kind == "stall after":
            await self._stall()
        if kind == "cut after":
            raise httpx.ReadError("cut", request=request)
        return self._status(request) if kind == "status after" else answer

    async def arrive(self) -> None:
        """Let what was on its way reach the vendor, as far as its time has come."""
        due = [one for one in self._on_their_way if one[0] <= self._clock.seconds]
        self._on_their_way = [one for one in self._on_their_way if one[0] > self._clock.seconds]
        for _, request, body in due:
            await self._deliver(request, body)

    async def _stall(self) -> None:
        """Hold the call up beyond its lease, while others look after what seems to have been left behind."""
        self._clock.seconds += STALL
        again, self.stalled = self.stalled, None
        if again is not None:
            await again()
            self.stalled = again

    async def _deliver(self, request: httpx.Request, body: bytes) -> httpx.Response:
        again = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        answer = await self._inner.handle_async_request(again)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

    def _status(self, request: httpx.Request) -> httpx.Response:
        """An answer that leaves open whether the vendor has acted."""
        return httpx.Response(self._chance.choice((500, 502, 504)), json={"error": "trouble"}, request=request)
