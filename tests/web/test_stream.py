"""The stream of changes: what a follower is told, from its first second and after it was away."""

from __future__ import annotations

import json
from typing import Any

from hooks.clock import SystemClock
from hooks.errors import StoreError
from hooks.ports import EventFilter, Page
from hooks.web.stream import Changes


class Past:
    """A history of events, newest first."""

    def __init__(self, *events: str) -> None:
        self.events_there = [{"id": event} for event in events]
        self.broken = False

    async def events(self, filter: EventFilter) -> Page:
        if self.broken:
            raise StoreError("no")
        return Page(self.events_there[: filter.limit])

    async def stats(self) -> dict[str, Any]:
        return {"events": len(self.events_there)}


async def told(past: Past, number: int, last: str | None = None) -> list[tuple[str, Any]]:
    """The first messages, with what they hold."""
    following = Changes(past, SystemClock()).follow(last)  # type: ignore[arg-type]
    assert b": hooks\n\n" == await anext(following)
    messages = []
    for _ in range(number):
        fields = dict(line.split(": ", 1) for line in (await anext(following)).decode().strip().split("\n"))
        assert fields.get("id") == (json.loads(fields["data"])["id"] if fields["event"] == "event" else None)
        messages.append((fields["event"], json.loads(fields["data"])))
    await following.aclose()
    return messages


async def test_a_follower_begins_with_the_counts() -> None:
    assert [("change", {"events": 2})] == await told(Past("b", "a"), 1)


async def test_who_comes_back_is_told_what_it_missed_oldest_first() -> None:
    messages = await told(Past("d", "c", "b", "a"), 3, last="b")
    assert [("event", {"id": "c"}), ("event", {"id": "d"}), ("change", {"events": 4})] == messages


async def test_who_missed_nothing_is_told_nothing_old() -> None:
    assert [("change", {"events": 2})] == await told(Past("b", "a"), 1, last="b")


async def test_a_store_that_cannot_answer_does_not_end_the_stream() -> None:
    past = Past("b", "a")
    past.broken = True
    following = Changes(past, SystemClock()).follow("a")  # type: ignore[arg-type]
    assert b": hooks\n\n" == await anext(following)
    await following.aclose()
