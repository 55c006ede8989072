"""Too much at once: who finds no room before the store waits in line, goes in as he came, and is put off in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import pytest

from hooks.pipeline.receive import Door
from hooks.web.inbox import Inbox
from hooks.web.line import Line
from hooks.web.listener import Listener
from tests.web.doors import MemoryIntake, OpenSettings, OpenSource, StillClock, Wire, ask, post, some_doors

LONG = 60.0
"""A patience that no test waits for."""


class House:
    """A door with room for one delivery before the store, and as many senders as are wanted."""

    def __init__(self, **limits: Any) -> None:
        self.intake = MemoryIntake(gate=asyncio.Event())
        doors = some_doors()
        self.inbox = Inbox(
            lambda: doors,
            self.intake,
            StillClock(),
            lambda: True,
            put_off=self._was_put_off,
            **({"capacity": 1, "patience": LONG} | limits),
        )
        self.put_off = 0
        doors["large"] = Door("large", "webhook", OpenSettings(max_bytes=100_000), OpenSource())
        self.listener = Listener(self.inbox, port=0)
        self._wires = AsyncExitStack()

    def _was_put_off(self) -> None:
        self.put_off += 1

    def open(self) -> None:
        assert self.intake.gate is not None
        self.intake.gate.set()

    def let_pass(self) -> None:
        """What waits at the gate passes, what comes later does not."""
        assert self.intake.gate is not None
        self.intake.gate.set()
        self.intake.gate.clear()

    async def send(self, *pieces: bytes) -> Wire:
        """Somebody who sends, once this has been noticed: before the store, or in the line."""
        wire = await self._wires.enter_async_context(await Wire.to(self.listener.port))
        line = self.inbox.line
        before = line.waiting + len(line)
        for piece in pieces[:-1]:
            held = line.held
            await wire.say(piece)
            while line.held == held:
                await asyncio.sleep(0)
        await wire.say(pieces[-1])
        while line.waiting + len(line) == before:
            await asyncio.sleep(0)
        return wire

    def bodies(self) -> list[bytes]:
        return [receipt.body for receipt in self.intake.receipts]

    @property
    def counts(self) -> tuple[int, int, int]:
        line = self.inbox.line
        return line.waiting, line.held, len(line)

    async def close(self) -> None:
        await self._wires.aclose()
        await self.listener.stop(0)


@asynccontextmanager
async def house(**limits: Any) -> AsyncIterator[House]:
    one = House(**limits)
    await one.listener.start()
    try:
        yield one
    finally:
        await one.close()


def numbered(number: int, path: str = "/in/open") -> bytes:
    return post(path, b'{"n":%d}' % number)


def in_two(request: bytes) -> list[bytes]:
    """The same so that it does not come whole: it goes the ASGI way."""
    return [request[:-3], request[-3:]]


async def test_who_waits_in_line_goes_in_in_the_order_of_coming() -> None:
    async with house() as one:
        senders = [await one.send(numbered(0)), await one.send(numbered(1))]
        senders += [await one.send(*in_two(numbered(2))), await one.send(numbered(3))]
        assert (1, 3) == (one.inbox.line.waiting, len(one.inbox.line))
        one.open()
        assert [202] * 4 == [(await sender.hear()).status for sender in senders]
        assert [b'{"n":%d}' % number for number in range(4)] == one.bodies()
        assert (0, 0, 0) == one.counts


async def test_a_sender_that_asks_again_at_once_does_not_push_ahead_of_one_that_waits() -> None:
    async with house() as one:
        hot = await one.send(numbered(0))
        patient = await one.send(numbered(1))
        line = one.inbox.line
        one.let_pass()
        assert 202 == (await hot.hear()).status
        await hot.say(numbered(2))
        while len(line) != 1:
            await asyncio.sleep(0)
        one.open()
        assert [202, 202] == [(await patient.hear()).status, (await hot.hear()).status]
        assert [b'{"n":0}', b'{"n":1}', b'{"n":2}'] == one.bodies()


@pytest.mark.parametrize("again", [[numbered(3)], in_two(numbered(3))], ids=["whole", "in two"])
async def test_who_had_its_turn_just_now_lets_those_pass_who_had_not(again: list[bytes]) -> None:
    async with house() as one:
        first, hot = await one.send(numbered(0)), await one.send(numbered(1))
        one.let_pass()
        assert 202 == (await first.hear()).status
        other = await one.send(numbered(2))
        one.let_pass()
        assert 202 == (await hot.hear()).status
        for piece in again:
            await hot.say(piece)
            await asyncio.sleep(0)
        while len(one.inbox.line) != 1:
            await asyncio.sleep(0)
        last = await one.send(numbered(4))
        one.open()
        assert [202] * 3 == [(await sender.hear()).status for sender in (other, last, hot)]
        assert [b'{"n":%d}' % number for number in (0, 1, 2, 4, 3)] == one.bodies()


async def test_who_comes_too_soon_is_one_of_four_who_go_in() -> None:
    class One:
        turn_at = float("-inf")

    line, order = Line(1, patience=LONG, limit=0, put_off=lambda: None), []
    hot = One()
    hot.turn_at = asyncio.get_running_loop().time()

    def turn(name: str, go: bool) -> None:
        order.append(name)
        line.enter(0)

    line.enter(0)
    for name in ("hot", "hot"):
        line.join(0, partial(turn, name), hot)
    for number in range(5):
        line.join(0, partial(turn, str(number)), One())
    for _ in range(7):
        line.leave(0)
    assert ["0", "1", "2", "hot", "3", "4", "hot"] == order
    line.leave(0)
    assert (0, False) == (line.waiting, line.shut)
    line.close()


@pytest.mark.parametrize("pieces", [[numbered(1)], in_two(numbered(1))], ids=["whole", "in two"])
async def test_whose_patience_is_over_is_told_when_to_come_again(pieces: list[bytes]) -> None:
    async with house(patience=0.02) as one:
        first = await one.send(numbered(0))
        late = await one.send(*pieces)
        told = await late.hear()
        assert (503, "5") == (told.status, told.headers["retry-after"])
        one.open()
        assert 202 == (await first.hear()).status
        await late.say(numbered(1))  # on the same connection
        assert 202 == (await late.hear()).status
        assert [b'{"n":0}', b'{"n":1}'] == one.bodies()
        assert (0, 0, 0, 1) == (*one.counts, one.put_off)


async def test_a_source_puts_off_in_its_own_words() -> None:
    async with house(patience=0.02) as one:
        await one.send(numbered(0))
        assert 429 == (await ask(one.listener.port, numbered(1, "/in/envelope/api/lead?key=x"))).status
        told = await ask(one.listener.port, numbered(1, "/in/envelope"))
        assert (429, "5") == (told.status, told.headers["retry-after"])


async def test_what_is_too_large_for_the_line_is_put_off_in_the_end_and_not_kept() -> None:
    async with house(lined=2000) as one:
        first = await one.send(numbered(0))
        large = await one.send(post("/in/large", b'{"a":"' + b"x" * 3000 + b'"}'))
        small = await one.send(numbered(1))
        assert 2 == len(one.inbox.line)
        one.open()
        assert [202, 202] == [(await first.hear()).status, (await small.hear()).status]
        assert 1 == len(one.inbox.line), "it is told later, so that it does not ask again at once"
        one.inbox.close()
        assert 503 == (await large.hear()).status
        assert [b'{"n":0}', b'{"n":1}'] == one.bodies()
        assert (0, 0, 0) == one.counts


async def test_a_server_that_stops_answers_everybody_in_the_line_at_once() -> None:
    async with house() as one:
        first = await one.send(numbered(0))
        lined = [await one.send(numbered(1)), await one.send(*in_two(numbered(2)))]
        one.inbox.close()
        assert [503, 503] == [(await sender.hear()).status for sender in lined]
        stopping = asyncio.create_task(one.listener.stop(LONG))
        one.open()
        assert 202 == (await first.hear()).status
        await stopping
        assert (0, 0, 0) == one.counts
        assert [b'{"n":0}'] == one.bodies()


async def test_a_stop_whose_time_is_over_still_answers_the_line() -> None:
    async with house() as one:
        await one.send(numbered(0))
        lined = [await one.send(numbered(1)), await one.send(*in_two(numbered(2)))]
        await one.listener.stop(0)  # without a word to the inbox before
        for sender in lined:
            assert (await sender.rest())[:12] in (b"HTTP/1.1 503", b"")
        one.open()
        while one.inbox.line.waiting:
            await asyncio.sleep(0)
        assert (0, 0, 0) == one.counts
        assert b'{"n":1}' not in one.bodies(), "nobody may hear 503 and be stored afterwards without need"


async def test_what_the_store_refuses_leaves_no_place_taken() -> None:
    async with house() as one:
        senders = [await one.send(numbered(0)), await one.send(numbered(1)), await one.send(*in_two(numbered(2)))]
        one.intake.broken = True
        one.open()
        told = [await sender.hear() for sender in senders]
        assert [(503, "30")] * 3 == [(each.status, each.headers["retry-after"]) for each in told]
        assert (0, 0, 0) == one.counts


async def test_a_sender_that_leaves_the_line_takes_nobodys_place() -> None:
    async with house() as one:
        first = await one.send(numbered(0))
        for request in ([numbered(1)], in_two(numbered(2))):
            await (await one.send(*request)).__aexit__()
        last = await one.send(numbered(3))
        one.open()
        assert [202, 202] == [(await first.hear()).status, (await last.hear()).status]
        assert (0, 0, 0) == one.counts


async def test_probes_and_refusals_by_the_head_need_no_place() -> None:
    async with house() as one:
        await one.send(numbered(0))
        await one.send(numbered(1))
        port = one.listener.port
        for path in ("/healthz", "/readyz", "/in/open"):
            assert 200 == (await ask(port, b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode())).status
        assert 404 == (await ask(port, numbered(2, "/in/nobody"))).status
        assert 413 == (await ask(port, post("/in/open", b"x" * 5000))).status


async def test_pipelined_requests_keep_their_order_in_a_crowd() -> None:
    async with house() as one:
        first = await one.send(numbered(0))
        two = await one.send(numbered(1) + b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" + numbered(2))
        assert 1 == len(one.inbox.line), "one place for a connection"
        one.open()
        assert 202 == (await first.hear()).status
        assert [202, 200, 202] == [(await two.hear()).status for _ in range(3)]
        assert [b'{"n":0}', b'{"n":1}', b'{"n":2}'] == one.bodies()


async def test_a_turn_that_is_cancelled_as_it_comes_is_given_to_the_next() -> None:
    line = Line(1, patience=LONG, limit=0, put_off=lambda: None)
    line.enter(0)
    gone, next_ = asyncio.create_task(line.turn(None)), asyncio.create_task(line.turn(None))
    while len(line) < 2:
        await asyncio.sleep(0)
    line.leave(0)  # its turn has come, and it has not heard of it yet
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await next_
    assert 1 == line.waiting
    line.leave(0)
    assert (0, False) == (line.waiting, line.shut)
    line.close()
