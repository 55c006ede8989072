"""A request that comes in one piece is taken below ASGI: it is answered and recorded as one in pieces is."""

from __future__ import annotations

import asyncio
import re

import pytest

from hooks.web.inbox import Inbox
from hooks.web.listener import Listener
from tests.web.doors import SMALL_LIMIT, Heard, MemoryIntake, StillClock, Wire, post, signed_headers, some_doors

_ID = re.compile(rb"(?:rcp|evt)_[0-9a-f]{32}")


def _signed(body: bytes, **changed: str) -> bytes:
    headers = signed_headers(body) | {name.replace("_", "-"): value for name, value in changed.items()}
    return post("/in/signed", body, *(f"{name}: {value}" for name, value in headers.items()))


REQUESTS = {
    "good": post("/in/open", b'{"a":1}'),
    "several": post("/in/open", b'[{"a":1},{"a":2}]'),
    "signed": _signed(b'{"a":1}'),
    "query": post("/in/open?token=abc&x=%41", b'{"a":1}'),
    "ping": post("/in/open", b'{"foo":"bar"}'),
    "refused": _signed(b'{"a":1}', x_signature="0" * 64),
    "dropped": post("/in/dropping", b'{"a":1}'),
    "unreadable": post("/in/open", b"{nope"),
    "empty": post("/in/open", b""),
    "nobody's": post("/in/nobody", b"{}"),
    "below": post("/in/open/below", b"{}"),
    "escaped": post("/in/%6fpen", b'{"a":1}'),
    "large": post("/in/open", b'{"a":"' + b"x" * SMALL_LIMIT + b'"}'),
    "compressed": post("/in/open", b"{}", "Content-Encoding: gzip"),
    "closing": post("/in/open", b'{"a":1}', "Connection: close"),
    "HTTP/1.0": post("/in/open", b'{"a":1}').replace(b"HTTP/1.1", b"HTTP/1.0"),
}


async def _asked(pieces: list[bytes]) -> tuple[Heard, MemoryIntake]:
    intake, doors = MemoryIntake(), some_doors()
    listener = Listener(Inbox(lambda: doors, intake, StillClock(), lambda: True), port=0)
    await listener.start()
    try:
        async with await Wire.to(listener.port) as wire:
            hearing = asyncio.create_task(wire.hear())
            for piece in pieces:
                await wire.say(piece)
                await asyncio.wait({hearing}, timeout=0.02)  # so that the next piece comes by itself
            heard = await hearing
            heard.headers.pop("date", None)
            return heard, intake
    finally:
        await listener.stop(0)


@pytest.mark.parametrize("name", REQUESTS)
async def test_in_one_piece_or_two_the_answer_and_the_receipts_are_the_same(name: str) -> None:
    request = REQUESTS[name]
    whole, kept_whole = await _asked([request])
    middle = request.index(b"\r\n\r\n") + 4
    parted, kept_parted = await _asked([request[:middle], request[middle:]] if request[middle:] else [request])
    assert (parted.status, parted.headers) == (whole.status, whole.headers)
    assert _ID.sub(b"id", parted.body) == _ID.sub(b"id", whole.body)
    shapes = [
        [(one.verdict, one.path, one.query, dict(one.headers), one.body, one.events, one.reason) for one in kept]
        for kept in (kept_parted.receipts, kept_whole.receipts)
    ]
    assert shapes[0] == shapes[1]


async def test_a_sender_that_leaves_before_its_commit_leaves_a_receipt_and_no_error() -> None:
    intake, doors = MemoryIntake(gate=asyncio.Event()), some_doors()
    inbox = Inbox(lambda: doors, intake, StillClock(), lambda: True)
    listener = Listener(inbox, port=0)
    await listener.start()
    try:
        async with await Wire.to(listener.port) as wire:
            await wire.say(REQUESTS["good"])
            await intake.entered.wait()
            assert (1, 7) == (inbox.line.waiting, inbox.line.held)
        assert intake.gate is not None
        intake.gate.set()
        async with await Wire.to(listener.port) as wire:
            await wire.say(REQUESTS["good"])
            assert 202 == (await wire.hear()).status
        assert 2 == len(intake.receipts)
        assert (0, 0) == (inbox.line.waiting, inbox.line.held)
    finally:
        await listener.stop(0)
