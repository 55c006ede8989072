"""The server under the doors: deadlines, limits, pipelining, lingering, starting and stopping, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooks.errors import SettingsError
from hooks.web.inbox import Inbox
from hooks.web.listener import Application, Listener
from hooks.web.problem import Prepared
from hooks.web.protocol import Limits
from tests.web.doors import SMALL_LIMIT, MemoryIntake, StillClock, Wire, ask, post, some_doors

QUICK = Limits(header_deadline=0.2, body_deadline=0.2, idle=0.2, unread=0.2, linger=0.2)
PATIENT = Limits(linger=0.2)
HEAD = b"POST /in/open HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def serving(app: Application, limits: Limits = PATIENT) -> AsyncIterator[Listener]:
    listener = Listener(app, port=0, limits=limits)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop(0)


@asynccontextmanager
async def inbox(limits: Limits = PATIENT) -> AsyncIterator[tuple[int, MemoryIntake]]:
    intake, doors = MemoryIntake(), some_doors()
    async with serving(Inbox(lambda: doors, intake, StillClock(), lambda: True), limits) as listener:
        yield listener.port, intake


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("this application is never called")


# --- slow peers ---


async def test_a_silent_connection_is_closed_without_a_word() -> None:
    async with inbox(QUICK) as (port, _), await Wire.to(port) as wire:
        assert b"" == await wire.rest()


@pytest.mark.parametrize("sent", [b"P", b"POST /in/open HTTP/1.1\r\n", HEAD, HEAD + b"X-Slow: a"])
async def test_half_a_header_is_told_408(sent: bytes) -> None:
    async with inbox(QUICK) as (port, intake), await Wire.to(port) as wire:
        await wire.say(sent)
        heard = await wire.hear()
        assert (408, "close", 408) == (heard.status, heard.headers["connection"], heard.json()["status"])
        assert b"" == await wire.rest()
        assert [] == intake.receipts


async def test_a_header_that_drips_does_not_gain_time() -> None:
    async with inbox(QUICK) as (port, _), await Wire.to(port) as wire:
        begun = time.monotonic()
        hearing = asyncio.create_task(wire.hear())
        with contextlib.suppress(ConnectionError):
            for byte in HEAD:
                if hearing.done():
                    break
                await wire.say(bytes([byte]))
                await asyncio.wait({hearing}, timeout=0.03)
        assert 408 == (await hearing).status
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("sent", [b"Content-Length: 10\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"])
async def test_half_a_body_is_told_408_and_leaves_nothing(sent: bytes) -> None:
    async with inbox(QUICK) as (port, intake), await Wire.to(port) as wire:
        await wire.say(HEAD + sent)
        heard = await wire.hear()
        assert 408 == heard.status
        assert b"" == await wire.rest()
        assert [] == intake.receipts
        assert 202 == (await ask(port, post("/in/open"))).status


async def test_empty_lines_are_silence() -> None:
    async with inbox(QUICK) as (port, _), await Wire.to(port) as wire:
        await wire.say(b"\r\n\r")
        assert b"" == await wire.rest()


async def test_an_idle_connection_is_closed_after_its_answer() -> None:
    async with inbox(QUICK) as (port, _), await Wire.to(port) as wire:
        await wire.say(post("/in/open"))
        assert 202 == (await wire.hear()).status
        assert b"" == await wire.rest()


async def test_empty_lines_do_not_keep_a_connection() -> None:
    async with inbox(QUICK) as (port, _), await Wire.to(port) as wire:
        await wire.say(post("/in/open"))
        assert 202 == (await wire.hear()).status
        closing = asyncio.create_task(wire.rest())
        with contextlib.suppress(ConnectionError):
            while not closing.done():
                await wire.say(b"\r\n")
                await asyncio.wait({closing}, timeout=0.03)
        assert b"" == await closing


async def test_a_slow_store_is_not_a_slow_sender() -> None:
    async with inbox(QUICK) as (port, intake), await Wire.to(port) as wire:
        intake.gate = asyncio.Event()
        await wire.say(post("/in/open"))
        asyncio.get_running_loop().call_later(0.5, intake.gate.set)
        assert 202 == (await wire.hear()).status


async def test_many_half_requests_do_not_keep_others_out() -> None:
    async with inbox() as (port, _), contextlib.AsyncExitStack() as stack:
        for number in range(300):
            wire = await stack.enter_async_context(await Wire.to(port))
            await wire.say((HEAD + b"Content-Length: 100\r\n\r\n{", HEAD, b"")[number % 3])
        assert 202 == (await ask(port, post("/in/open"))).status


async def test_an_answer_that_nobody_reads_does_not_hold_a_connection_for_ever() -> None:
    flood = Prepared(200, b"x" * 4_000_000, b"text/plain")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await flood(send)

    async with serving(app, QUICK) as listener:
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(plain, ("127.0.0.1", listener.port))
        await loop.sock_sendall(plain, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        async with asyncio.timeout(5):
            while listener.connections == 0:
                await asyncio.sleep(0.01)
            while listener.connections > 0:
                await asyncio.sleep(0.01)
        plain.close()


async def test_a_large_answer_that_is_read_slowly_comes_whole() -> None:
    large = Prepared(200, b"x" * 4_000_000, b"text/plain")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await large(send)

    async with serving(app) as listener, await Wire.to(listener.port) as wire:
        await wire.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        assert [4_000_000, 4_000_000] == [len((await wire.hear()).body) for _ in range(2)]


async def test_a_peer_that_does_not_hang_up_is_cut_off() -> None:
    doors = some_doors()
    app = Inbox(lambda: doors, MemoryIntake(), StillClock(), lambda: True)
    async with serving(app, QUICK) as listener, await Wire.to(listener.port) as wire:
        await wire.say(b"noise\r\n\r\n")
        assert 400 == (await wire.hear()).status
        async with asyncio.timeout(5):
            while listener.connections > 0:
                await asyncio.sleep(0.01)


# --- limits and what follows a refusal ---


_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"


@pytest.mark.parametrize("start", [b"X-Long: ", _CHUNKED + b"0\r\nX-Long: ", _CHUNKED + b"2;"])
async def test_headers_trailers_and_sizes_of_chunks_without_an_end_are_cut_off(start: bytes) -> None:
    async with inbox() as (port, _), await Wire.to(port) as wire:
        hearing = asyncio.create_task(wire.hear())
        await wire.say(HEAD + start)
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                await wire.say(b"x" * 4096)
                await asyncio.wait({hearing}, timeout=0.005)
                if hearing.done():
                    break
        assert 431 == (await hearing).status


async def test_many_small_requests_in_one_piece_are_not_too_many_headers() -> None:
    async with inbox() as (port, intake), await Wire.to(port) as wire:
        each = [post("/in/open", b'{"n":%d}' % number, "X-A: " + "b" * 900) for number in range(60)]
        await wire.say(b"".join(each) + each[0][:700])
        assert [202] * 60 == [(await wire.hear()).status for _ in range(60)]
        await wire.say(each[0][700:])
        assert 202 == (await wire.hear()).status
        assert 61 == len(intake.receipts)


async def test_headers_up_to_the_limit_are_taken() -> None:
    async with inbox() as (port, _):
        assert 202 == (await ask(port, post("/in/open", b"{}", "X-A: " + "b" * 31 * 1024))).status
        more = [f"X-{number}: 1" for number in range(97)]
        assert 202 == (await ask(port, post("/in/open", b"[{}]", *more))).status


async def test_trailers_are_not_headers() -> None:
    async with inbox() as (port, intake), await Wire.to(port) as wire:
        body = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Delivery: forged\r\nUser-Agent: forged\r\n\r\n"
        await wire.say(HEAD + body)
        assert 202 == (await wire.hear()).status
        assert {"content-type": "application/json"} == intake.last().headers


async def test_a_refused_body_may_still_be_sent_and_the_connection_goes_on() -> None:
    async with inbox() as (port, _), await Wire.to(port) as wire:
        await wire.say(post("/in/open", b"x" * 300_000))
        assert 413 == (await wire.hear()).status
        await wire.say(post("/in/open"))
        assert 202 == (await wire.hear()).status


async def test_a_refusal_reaches_a_sender_that_wanted_to_close() -> None:
    async with inbox() as (port, _), await Wire.to(port) as wire:
        await wire.say(HEAD + b"Connection: close\r\nContent-Length: 900000\r\n\r\n")
        await asyncio.sleep(0)
        with contextlib.suppress(ConnectionError):
            await wire.say(b"x" * 900_000)
        heard = await wire.hear()
        assert (413, "close") == (heard.status, heard.headers["connection"])
        assert b"" == await wire.rest()


async def test_an_endless_body_after_a_refusal_is_cut_off() -> None:
    limits = Limits(linger=0.2, discarded=100_000)
    async with inbox(limits) as (port, _), await Wire.to(port) as wire:
        await wire.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"2000\r\n" + b"x" * 8192 + b"\r\n")
        assert 413 == (await wire.hear()).status
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                await wire.say(b"2000\r\n" + b"x" * 8192 + b"\r\n")
        assert 202 == (await ask(port, post("/in/open"))).status


async def test_noise_after_a_refusal_is_cut_off() -> None:
    limits = Limits(linger=5, discarded=100_000)
    async with inbox(limits) as (port, _), await Wire.to(port) as wire:
        await wire.say(b"noise\r\n\r\n")
        assert 400 == (await wire.hear()).status
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                await wire.say(b"x" * 8192)


async def test_a_sender_that_asks_first_is_told_to_go_on() -> None:
    async with inbox() as (port, _), await Wire.to(port) as wire:
        await wire.say(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert 100 == (await wire.hear()).status
        await wire.say(b"{}")
        assert 202 == (await wire.hear()).status
        await wire.say(post("/in/open"))
        assert 202 == (await wire.hear()).status


async def test_a_sender_that_asks_first_and_is_refused_cannot_go_on_in_two_ways() -> None:
    async with inbox() as (port, intake), await Wire.to(port) as wire:
        await wire.say(HEAD + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n")
        assert 413 == (await wire.hear()).status
        with contextlib.suppress(ConnectionError):
            await wire.say(post("/in/open"))
        assert b"" == await wire.rest()
        assert [] == intake.receipts


# --- several requests on one connection ---


async def test_requests_in_one_packet_are_answered_in_order() -> None:
    async with inbox() as (port, _), await Wire.to(port) as wire:
        await wire.say(post("/in/open") + post("/in/nobody") + post("/in/open", b"{nope"))
        assert [202, 404, 400] == [(await wire.hear()).status for _ in range(3)]


async def test_a_good_request_before_a_malformed_one_keeps_its_answer() -> None:
    async with inbox() as (port, intake), await Wire.to(port) as wire:
        await wire.say(post("/in/open") + b"noise\r\n\r\n" + post("/in/open", b'{"b":1}'))
        assert [202, 400] == [(await wire.hear()).status for _ in range(2)]
        assert b"" == await wire.rest()
        assert 1 == len(intake.receipts)


async def test_a_queued_request_with_a_malformed_body_waits_for_its_turn() -> None:
    async with inbox() as (port, intake), await Wire.to(port) as wire:
        intake.gate = asyncio.Event()
        await wire.say(post("/in/open") + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
        await intake.entered.wait()
        intake.gate.set()
        assert [202, 400] == [(await wire.hear()).status for _ in range(2)]
        assert 1 == len(intake.receipts)


async def test_a_slow_second_request_does_not_cut_off_the_first() -> None:
    async with inbox(QUICK) as (port, intake), await Wire.to(port) as wire:
        intake.gate = asyncio.Event()
        await wire.say(post("/in/open") + b"POST /in/open HTTP/1.1\r\n")
        asyncio.get_running_loop().call_later(0.5, intake.gate.set)
        assert [202, 408] == [(await wire.hear()).status for _ in range(2)]
        assert b"" == await wire.rest()


async def test_a_next_request_that_has_begun_is_not_idle() -> None:
    async with inbox() as (port, intake), await Wire.to(port) as wire:
        intake.gate = asyncio.Event()
        second = post("/in/open", b'{"b":1}')
        await wire.say(post("/in/open") + second[:20])
        await intake.entered.wait()
        intake.gate.set()
        assert 202 == (await wire.hear()).status
        await wire.say(second[20:])
        assert 202 == (await wire.hear()).status


async def test_a_sender_that_leaves_while_requests_wait_leaves_no_error() -> None:
    async with inbox() as (port, intake):
        intake.gate = asyncio.Event()
        async with await Wire.to(port) as wire:
            await wire.say(post("/in/open") + post("/in/open", b'{"b":1}'))
            await intake.entered.wait()
        intake.gate.set()
        assert 202 == (await ask(port, post("/in/open", b'{"c":1}'))).status


async def test_a_sender_that_asks_first_and_wants_to_close_is_served() -> None:
    async with inbox() as (port, _), await Wire.to(port) as wire:
        await wire.say(HEAD + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert 100 == (await wire.hear()).status
        await wire.say(b"{}")
        assert 202 == (await wire.hear()).status
        assert b"" == await wire.rest()


async def test_http_1_0_is_served_and_closed() -> None:
    async with inbox() as (port, _), await Wire.to(port) as wire:
        await wire.say(b"POST /in/open HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        assert 202 == (await wire.hear()).status
        assert b"" == await wire.rest()


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    async with inbox() as (port, _), await Wire.to(port) as wire:
        await wire.say(b"HEAD /in/open HTTP/1.1\r\nHost: a\r\n\r\n")
        heard = await wire.hear(bodiless=True)
        assert (200, "15") == (heard.status, heard.headers["content-length"])
        await wire.say(post("/in/open"))
        assert 202 == (await wire.hear()).status


async def test_the_server_does_not_say_what_it_is() -> None:
    async with inbox() as (port, _):
        assert "server" not in (await ask(port, post("/in/open"))).headers


# --- starting and stopping ---


async def test_two_listeners_live_in_one_loop() -> None:
    async with inbox() as (first, _), inbox() as (second, _):
        assert first != second
        assert [202, 202] == [(await ask(port, post("/in/open"))).status for port in (first, second)]


async def test_a_taken_port_is_said_in_words() -> None:
    async with inbox() as (port, _):
        with pytest.raises(SettingsError, match=f"cannot listen at 127.0.0.1:{port}: Address already in use"):
            await Listener(nobody, port=port).start()


async def test_a_host_that_is_none_is_said_in_words() -> None:
    with pytest.raises(SettingsError, match=r"cannot listen at 256\.256\.256\.256:0"):
        await Listener(nobody, "256.256.256.256", 0).start()


async def test_stopping_answers_what_is_in_progress() -> None:
    intake, doors = MemoryIntake(gate=asyncio.Event()), some_doors()
    listener = Listener(Inbox(lambda: doors, intake, StillClock(), lambda: True), port=0)
    await listener.start()
    async with await Wire.to(listener.port) as busy, await Wire.to(listener.port) as idle:
        await busy.say(post("/in/open"))
        await intake.entered.wait()
        stopping = asyncio.create_task(listener.stop(10))
        assert b"" == await idle.rest()
        assert not stopping.done()
        assert intake.gate is not None
        intake.gate.set()
        heard = await busy.hear()
        assert (202, "close") == (heard.status, heard.headers["connection"])
        await stopping
    with pytest.raises(ConnectionRefusedError):
        await Wire.to(listener.port)
    await listener.wait()


async def test_stopping_ends_connections_in_every_state() -> None:
    intake, doors = MemoryIntake(gate=asyncio.Event()), some_doors()
    listener = Listener(Inbox(lambda: doors, intake, StillClock(), lambda: True), port=0)
    await listener.start()
    async with await Wire.to(listener.port) as wire, await Wire.to(listener.port) as noisy:
        await noisy.say(b"noise\r\n\r\n")
        assert 400 == (await noisy.hear()).status
        await wire.say(post("/in/open") + b"noise\r\n\r\n")
        await intake.entered.wait()
        stopping = asyncio.create_task(listener.stop(10))
        async with asyncio.timeout(5):
            while listener.connections > 1:
                await asyncio.sleep(0.01)
        assert intake.gate is not None
        intake.gate.set()
        assert 202 == (await wire.hear()).status
        assert b"" == await wire.rest()
        await stopping


async def test_an_answer_that_nobody_reads_does_not_hold_up_a_stop() -> None:
    large = Prepared(200, b"x" * 8_000_000, b"text/plain")
    asked = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await large(send)

    listener = Listener(app, port=0)
    await listener.start()
    async with await Wire.to(listener.port) as wire:
        await wire.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await asked.wait()
        await listener.stop(0)
        assert 0 == listener.connections or len(await wire.rest()) < 8_000_000


async def test_what_is_not_done_after_the_grace_is_put_off() -> None:
    intake, doors = MemoryIntake(gate=asyncio.Event()), some_doors()
    listener = Listener(Inbox(lambda: doors, intake, StillClock(), lambda: True), port=0)
    await listener.start()
    async with await Wire.to(listener.port) as wire:
        await wire.say(post("/in/open"))
        await intake.entered.wait()
        async with asyncio.timeout(5):
            await listener.stop(0)
        heard = await wire.hear()
        assert (503, "5") == (heard.status, heard.headers["retry-after"])
    assert [] == intake.receipts


async def test_a_listener_that_never_started_can_be_stopped() -> None:
    listener = Listener(nobody, port=0)
    await listener.stop(1)
    await listener.wait()
    assert ("127.0.0.1", 0, 0) == (listener.host, listener.port, listener.connections)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hurried() -> AsyncIterator[int]:
    async with inbox(Limits(header_deadline=0.05, body_deadline=0.05, idle=0.05, linger=0.02)) as (port, _):
        yield port


@pytest.mark.asyncio(loop_scope="module")
@given(
    noise=st.lists(st.binary(max_size=60) | st.sampled_from([HEAD, b"\r\n", b"\r\n\r\n", post("/in/open")]), max_size=6)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_noise_is_never_our_fault(hurried: int, noise: list[bytes]) -> None:
    async with await Wire.to(hurried) as wire:
        with contextlib.suppress(ConnectionError):
            await wire.say(b"".join(noise))
        for line in (await wire.rest()).split(b"HTTP/1.1 ")[1:]:
            assert line[:3] in (b"202", b"400", b"404", b"408", b"413", b"415", b"431")
    assert 202 == (await ask(hurried, post("/in/open"))).status


def test_the_bounds_are_those_that_are_promised() -> None:
    promised = Limits()
    assert (32 * 1024, 100) == (promised.header_bytes, promised.headers)
    assert (10, 30, 60) == (promised.header_deadline, promised.body_deadline, promised.idle)
    assert SMALL_LIMIT < promised.discarded


@pytest.mark.parametrize("request_", [post("/in/open"), b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_who_is_connected_first_does_not_keep_others_out_for_ever(request_: bytes) -> None:
    async with inbox(replace(PATIENT, connections=2)) as (port, _), contextlib.AsyncExitStack() as stack:
        early = [await stack.enter_async_context(await Wire.to(port)) for _ in range(2)]
        for wire in early:
            await wire.say(request_)
            assert "connection" not in (await wire.hear()).headers
        told = await ask(port, request_)
        assert (503, "5") == (told.status, told.headers["retry-after"])
        await early[0].say(request_)
        assert "close" == (await early[0].hear()).headers["connection"]
        assert b"" == await early[0].rest()
        await early[1].say(request_)
        assert "connection" not in (await early[1].hear()).headers, "there is room again"
        assert 300 > (await ask(port, request_)).status


async def test_one_connection_too_many_is_told_to_come_again_and_the_others_are_served() -> None:
    async with inbox(replace(PATIENT, connections=3)) as (port, _):
        early = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        told = await reader.read()
        writer.close()
        first = early[0]
        first[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        served = await first[0].read()
        await asyncio.sleep(0)
        again, late = await asyncio.open_connection("127.0.0.1", port)
        late.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        after = await again.read()
        for _, open_writer in (*early, (again, late)):
            open_writer.close()
    assert told.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 5\r\n" in told
    assert served.startswith(b"HTTP/1.1 200")
    assert after.startswith(b"HTTP/1.1 200")
