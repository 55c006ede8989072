"""Connections that are kept: never used again when there is any doubt, and read the same however the bytes come."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.errors import Permanent, Transient
from hooks.events import Answer, Request
from hooks.kit.http import Http, record_exchanges
from hooks.kit.outgoing import CheckedNetwork
from hooks.kit.pacing import paced, waited
from hooks.kit.wire import MAX_HEAD, Wire
from tests.kit.pipes import PipeNetwork

GET = Request("GET", "/x")
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Peer:
    """A server on loopback in a thread of its own, which goes on while our loop stands still."""

    def __init__(self, talk: Callable[[Peer, socket.socket, int], None]) -> None:
        self._talk = talk
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.connections = 0
        self.heads: list[bytes] = []
        self.done = threading.Event()
        self.go_on = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Peer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(accepted, self.connections), daemon=True).start()

    def _one(self, accepted: socket.socket, number: int) -> None:
        with accepted, contextlib.suppress(OSError):
            self._talk(self, accepted, number)

    def answer(self, connection: socket.socket, answer: bytes = OK) -> bool:
        """Read one request without a body and answer it; False at the end."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            got = connection.recv(65536)
            if not got:
                return False
            head += got
        self.heads.append(head)
        connection.sendall(answer)
        return True


@contextlib.asynccontextmanager
async def client(peer: Peer, *, connections: int = 4) -> AsyncIterator[Http]:
    http = Http(peer.url, timeout=5.0, connections=connections)
    try:
        yield http
    finally:
        await http.aclose()


def keeps(peer: Peer, connection: socket.socket, _: int) -> None:
    while peer.answer(connection):
        pass


def closes_the_first(peer: Peer, connection: socket.socket, number: int) -> None:
    if number == 1:
        peer.go_on.wait(5)
        connection.close()
        peer.done.set()
    else:
        keeps(peer, connection, number)


async def test_a_connection_that_was_closed_unheard_is_not_used_again() -> None:
    """The end has come, and our loop has not turned since: nothing may go out on it."""

    def once(peer: Peer, connection: socket.socket, number: int) -> None:
        peer.answer(connection)
        closes_the_first(peer, connection, number)

    with Peer(once) as peer:
        async with client(peer) as http:
            assert 200 == (await http.send(GET)).status
            peer.go_on.set()
            assert peer.done.wait(5)
            assert 200 == (await http.send(GET)).status
        assert (2, 2) == (peer.connections, len(peer.heads))


async def test_a_call_leaves_when_it_is_connected_and_its_waiting_is_not_the_vendors() -> None:
    """A slow connection must not bring a call too close to those that come after it."""
    asked: list[int] = []

    with Peer(closes_the_first) as peer:

        async def turn() -> None:
            return None

        async def leave() -> bool:
            peer.go_on.set()
            await asyncio.to_thread(peer.done.wait, 5)
            asked.append(peer.connections)
            await asyncio.sleep(1.1)
            return True

        async with client(peer) as http:
            with paced(turn, taken=False, leave=leave), record_exchanges() as exchanges:
                assert 200 == (await http.send(GET, timeout=1.0)).status
                assert waited() >= 1.1
        assert ([1], 2, 1) == (asked, peer.connections, len(peer.heads)), "what was closed meanwhile is not used"
        assert exchanges[0].duration_ms < 1000


async def test_what_comes_unasked_is_nobodys_answer() -> None:
    def talks(peer: Peer, connection: socket.socket, number: int) -> None:
        peer.answer(connection)
        if number == 1:
            peer.go_on.wait(5)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n[1,2,3")
            peer.done.set()
        keeps(peer, connection, number)

    with Peer(talks) as peer:
        async with client(peer) as http:
            await http.send(GET)
            peer.go_on.set()
            assert peer.done.wait(5)
            assert b"{}" == (await http.send(GET)).body
        assert 2 == peer.connections


@pytest.mark.parametrize(
    "answer",
    [
        OK + OK.replace(b"{}", b"[]"),
        OK + b"junk",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}\r\njunk",
        b"HTTP/1.1 200 OK\r\nkeep-alive: timeout=1, max=9\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    ],
    ids=["two answers", "junk", "close", "close and junk", "a second", "HTTP/1.0"],
)
async def test_a_connection_in_doubt_is_used_for_one_call(answer: bytes) -> None:
    def talks(peer: Peer, connection: socket.socket, _: int) -> None:
        while peer.answer(connection, answer):
            pass

    with Peer(talks) as peer:
        async with client(peer) as http:
            for _ in range(2):
                assert b"{}" == (await http.send(GET)).body
        assert 2 == peer.connections


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK, b"{}"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\nx-trailer: 1\r\n\r\n",
            b"{}",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", b""),
    ],
    ids=["hints before it", "in pieces", "no content", "not modified"],
)
async def test_an_answer_of_any_form_leaves_its_connection_fit_for_use(answer: bytes, body: bytes) -> None:
    def talks(peer: Peer, connection: socket.socket, _: int) -> None:
        while peer.answer(connection, answer):
            pass

    with Peer(talks) as peer:
        async with client(peer) as http:
            for _ in range(2):
                got = await http.send(GET)
                assert (body, False) == (got.body, "link" in got.headers or "x-trailer" in got.headers)
        assert 1 == peer.connections


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    def talks(peer: Peer, connection: socket.socket, _: int) -> None:
        peer.answer(connection, b"HTTP/1.1 200 OK\r\n\r\nall of it")

    with Peer(talks) as peer:
        async with client(peer) as http:
            assert b"all of it" == (await http.send(GET)).body


async def test_the_answer_to_head_has_no_body() -> None:
    def talks(peer: Peer, connection: socket.socket, _: int) -> None:
        while peer.answer(connection, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"):
            pass

    with Peer(talks) as peer:
        async with client(peer) as http:
            for _ in range(2):
                got = await http.send(Request("HEAD", "/x"))
                assert (200, b"", "1000") == (got.status, got.body, got.headers["content-length"])


async def test_a_head_without_an_end_is_given_up() -> None:
    def talks(peer: Peer, connection: socket.socket, _: int) -> None:
        peer.answer(connection, b"HTTP/1.1 200 OK\r\nx: " + b"y" * (MAX_HEAD + 1))
        connection.recv(1)

    with Peer(talks) as peer:
        async with client(peer) as http:
            with pytest.raises(Transient, match="RemoteProtocolError") as caught:
                await http.send(GET)
            assert caught.value.unknown


async def test_no_more_connections_are_opened_than_may_be() -> None:
    with Peer(keeps) as peer:
        async with client(peer, connections=2) as http:
            answers = await asyncio.gather(*(http.send(GET) for _ in range(20)))
        assert ([200] * 20, 20) == ([answer.status for answer in answers], len(peer.heads))
        assert peer.connections <= 2


async def test_calls_that_were_given_up_leave_their_room_to_others() -> None:
    def talks(peer: Peer, connection: socket.socket, number: int) -> None:
        peer.answer(connection, OK if peer.go_on.is_set() else b"")
        peer.done.set()
        connection.recv(1)

    with Peer(talks) as peer:
        async with client(peer, connections=1) as http:
            for _ in range(2):
                call = asyncio.create_task(http.send(GET))
                assert await asyncio.to_thread(peer.done.wait, 5)
                peer.done.clear()
                call.cancel()
                await asyncio.wait([call])
            peer.go_on.set()
            assert 200 == (await http.send(GET)).status
        assert 3 == peer.connections


async def test_a_call_in_progress_ends_when_the_client_is_closed() -> None:
    def talks(peer: Peer, connection: socket.socket, _: int) -> None:
        peer.answer(connection, b"HTTP/1.1 200 OK\r\n\r\nhalf")
        peer.done.set()
        peer.go_on.wait(5)

    with Peer(talks) as peer:
        async with client(peer) as http:
            call = asyncio.create_task(http.send(GET))
            assert await asyncio.to_thread(peer.done.wait, 5)
            await http.aclose()
            with pytest.raises(Transient) as caught:
                await call
            assert caught.value.unknown


async def test_a_request_that_would_be_two_is_not_sent() -> None:
    with Peer(keeps) as peer:
        async with client(peer) as http:
            with pytest.raises(Permanent):
                await http.send(Request("GET /y HTTP/1.1\r\nx:", "/x"))
        assert 0 == peer.connections


# --- however the bytes come ---


async def _answers(pieces: list[bytes], calls: int = 1) -> list[Answer]:
    """The answers to these calls but for those whose outcome is unknown; none of them waits in vain."""
    found: list[Answer] = []
    near, far = socket.socketpair()
    with near, far:
        wire = Wire(cast(CheckedNetwork, PipeNetwork(pieces, near)), cast(Any, None), connections=1, keep_alive=4.0)
        http = Http("http://127.0.0.1:9", transport=wire)
        for _ in range(calls):
            try:
                found.append(await http.send(GET, timeout=5.0))
            except Transient as error:
                assert "broke" in error.message and error.unknown
        await http.aclose()
    return found


def _cut(whole: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(whole) + 1) for place in places}), len(whole)]
    return [piece for start, end in pairwise(edges) if (piece := whole[start:end])]


@given(
    body=st.binary(max_size=300),
    framing=st.sampled_from(["length", "chunked", "end"]),
    hints=st.booleans(),
    places=st.lists(st.integers(0, 2000), max_size=12),
)
def test_an_answer_is_the_same_however_it_is_cut(body: bytes, framing: str, hints: bool, places: list[int]) -> None:
    whole = (
        b"HTTP/1.1 103 Early Hints\r\nx-early: 1\r\n\r\n" if hints else b""
    ) + b"HTTP/1.1 201 Created\r\nx-a: b\r\n"
    if framing == "length":
        whole += b"content-length: %d\r\n\r\n" % len(body) + body
    elif framing == "chunked":
        pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
        whole += b"transfer-encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces)
        whole += b"0\r\n\r\n"
    else:
        whole += b"\r\n" + body

    (got,) = asyncio.run(_answers(_cut(whole, places)))
    assert (201, body, "b", None) == (got.status, got.body, got.headers["x-a"], got.headers.get("x-early"))


@given(
    noise=st.binary(max_size=200),
    head=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"]),
    places=st.lists(st.integers(0, 300), max_size=4),
)
def test_noise_is_an_answer_or_an_unknown_outcome_and_the_next_call_goes_on(
    noise: bytes, head: bytes, places: list[int]
) -> None:
    asyncio.run(_answers(_cut(head + noise, places), calls=2))
