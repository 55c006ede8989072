"""What changes, as it does: server-sent events for the console and for whoever follows along.

However many follow, the store is asked once a second, and not at all while nobody does. An ``event: event`` carries one
new event as in a listing, with its id; ``event: change`` says that something has become different, with the counts. Who
comes back with the id of the last event he has seen (``Last-Event-ID``, as browsers do) is told what he missed.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from hooks.errors import StoreError
from hooks.ports import Clock, EventFilter, History
from hooks.web.problem import as_json

EVENT_STREAM = "text/event-stream"
PERIOD = 1.0
KEEP_ALIVE = 15.0
NEWEST = 100
"""Events sent for one period at most; the counts tell of the rest."""

MISSED = 500
"""Events sent to a follower who comes back at most."""

REMEMBERED = 2_000
WAITING = 500
"""Messages that one follower may be behind; who is further behind is told of a change only."""


class Changes:
    """One watch over the store for all followers."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._followers: set[asyncio.Queue[bytes]] = set()
        self._watching: asyncio.Task[None] | None = None

    async def follow(self, last: str | None = None) -> AsyncGenerator[bytes, None]:
        """What one follower is sent, without an end: first what came after the event ``last``."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._followers.add(queue)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="watch-changes")
        try:
            yield b": hooks\n\n"
            for message in await self._missed(last):
                yield message
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE):
                        message = await queue.get()
                except TimeoutError:
                    message = b": still here\n\n"
                yield message
        finally:
            self._followers.discard(queue)

    async def _missed(self, last: str | None) -> list[bytes]:
        """What came after an event, oldest first: the newest `MISSED` of it, or nothing where the store cannot say."""
        if last is None:
            return []
        try:
            page = await self._history.events(EventFilter(limit=MISSED))
        except StoreError:
            return []
        newer = list(itertools.takewhile(lambda event: event["id"] != last, page.items))
        return [_message("event", event) for event in reversed(newer)]

    async def _watch(self) -> None:
        counts: Mapping[str, Any] | None = None
        seen: deque[str] = deque(maxlen=REMEMBERED)
        known: set[str] = set()
        while self._followers:
            try:
                now = await self._history.stats()
                if now != counts:
                    page = await self._history.events(EventFilter(limit=NEWEST))
                    fresh = [event for event in reversed(page.items) if event["id"] not in known]
                    for event in fresh if counts is not None else ():
                        self._tell("event", event)
                    self._tell("change", now)
                    seen.extend(event["id"] for event in fresh)
                    known = set(seen)
                    counts = now
            except StoreError:
                pass  # followers hear of it by its end
            await self._clock.sleep(PERIOD)

    def _tell(self, kind: str, value: Mapping[str, Any]) -> None:
        message = _message(kind, value)
        for queue in self._followers:
            if not queue.full():
                queue.put_nowait(message)


def _message(kind: str, value: Mapping[str, Any]) -> bytes:
    name = b"id: " + str(value["id"]).encode() + b"\n" if kind == "event" else b""
    return name + b"event: " + kind.encode() + b"\ndata: " + as_json(value) + b"\n\n"
