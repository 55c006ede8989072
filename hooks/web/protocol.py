"""The HTTP server under both doors: uvicorn's httptools protocol with the deadlines and limits it lacks.

A POST that has come whole is handed to an application that is `Direct` as it is, without the scope, the task and the
messages of ASGI, which cost more than all that is done for an ordinary webhook. Everything else goes the ASGI way.

What a peer sends becomes a request only if it can be understood in one way (RFC 9112, 6): one length, one host, no
upgrade, no unknown transfer coding, trailers dropped. Whoever is slow is told 408 and the connection ends. A request
that came in good faith before a malformed one keeps its answer. `hooks.web.listener` starts it. Reading, limits and
answers share the state of one connection, so they stand in one module.

This stands on uvicorn 0.54's ``HttpToolsProtocol`` (read 2026-11-21). llhttp itself refuses folded headers, NUL, bare
line feeds, repeated lengths and a length beside a transfer coding.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NoReturn

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from hooks.ports.inbound import Named, by_name
from hooks.web.problem import raw_problem
from hooks.web.whole import SENDER, WHOLE, Direct, Whole, answer_whole

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
_PLAIN_URL = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:@/-]+(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?")
_SELDOM = frozenset({b"transfer-encoding", b"upgrade", b"expect"})
_MALFORMED = (400, "This is not a request that can be understood in exactly one way.")
_TOO_MANY_HEADERS = (431, "There are too many headers.")
_TOO_LARGE_HEADERS = (431, "The headers are too large.")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may do. Times in seconds.

    ``idle``: between requests. ``unread``: how long an answer may lie unread by the peer. ``linger`` and ``discarded``:
    how long and how much is still read, and thrown away, after a final answer, because a connection closed on bytes
    under way is reset and the peer never sees that answer. ``connections``: how many may be open at once; one more is
    told to come again and closed, because a process without file handles left cannot even do that.
    """

    header_bytes: int = 32 * 1024
    headers: int = 100
    header_deadline: float = 10.0
    body_deadline: float = 30.0
    idle: float = 60.0
    unread: float = 60.0
    linger: float = 2.0
    discarded: int = 16 * 1024 * 1024
    connections: int = 10_000


_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _Refused(Exception):
    """Stops the parser from within a callback: ``GuardedProtocol._refusal`` says why."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `guarded` makes the class with other limits."""

    limits: ClassVar[Limits] = Limits()
    full: ClassVar[bool] = False
    """Somebody was told to come again because too many are connected: who asks next is the last on its connection, so
    that those who came first do not keep all others out for ever."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.timeout_keep_alive = self.limits.idle  # type: ignore[assignment]  # a float serves call_later as well
        self._crowded = False  # it came when there were too many
        self._direct = self.app if isinstance(self.app, Direct) else None
        self._parts: list[bytes] | None = None  # the body of a request that may be handed over whole
        self._idle_since = 0.0  # 0: it is not idle
        self._message = 0  # how many requests have begun
        self._begun = False  # the first byte of a request is here,
        self._in_body = False  # its headers are, and its last byte is not
        self._body_seen = False
        self._head_bytes = self._discarded = 0
        self._chunk = 0  # bytes of what is being parsed,
        self._body_moved = False  # and whether some of them were a body's
        self._modern = True  # HTTP/1.1
        self._told: list[tuple[bytes, bytes]] = []  # the headers of a request; `headers` has its trailers meanwhile
        self._named: Named = {}
        self._host = b""  # the last one that was good, and the last address that was plain, taken apart
        self._plain: tuple[bytes, str, bytes] = (b"", "", b"")
        self._refusal: tuple[int, str] = _MALFORMED
        self._last_words: bytes | None = None  # to be said when the requests before have had their answers
        self._lingering = False
        self._watched: tuple[str, int] = ("", 0)
        self.turn_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None

    # --- what arrives ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        if len(self.connections) >= self.limits.connections:
            self._crowded = True
            type(self).full = True
            self.transport = transport
            transport.write(_TOO_MANY)
            transport.close()
            return
        super().connection_made(transport)
        self._watch("silence", self.limits.header_deadline)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._unread_timer, self.timeout_keep_alive_task):
            _stop(timer)
        self.timeout_keep_alive_task = None
        for cycle, _ in self.pipeline:
            cycle.disconnected = True
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._crowded:
            return
        if self._lingering or self._last_words is not None:
            self._discard(len(data))
            return
        message, in_head, in_body = self._message, self._begun and not self._in_body, self._in_body
        self._chunk = len(data)
        self._body_moved = False
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._refuse(*(self._refusal if isinstance(error.__context__, _Refused) else _MALFORMED))
        else:
            if self._parts is not None:
                self._the_asgi_way()
            if not self._begun:
                if self._timer is not None and self._message:  # empty lines before the first request are still silence
                    self._unwatch()
                return
            same = message == self._message
            if self._in_body:
                self._watch("body", self.limits.body_deadline)
                held = same and in_body and not self._body_moved  # it may be a trailer without an end
            else:
                self._watch("head", self.limits.header_deadline)
                held = same and in_head
            # the parser holds a name or value back until its end has come, so count what went in
            self._head_bytes = self._head_bytes + len(data) if held else self._size_of(self.headers)
            if self._head_bytes > self.limits.header_bytes:
                self._refuse(*_TOO_LARGE_HEADERS)
            elif len(self.headers) > self.limits.headers:
                self._refuse(*_TOO_MANY_HEADERS)

    def on_message_begin(self) -> None:
        self._idle_since = 0.0
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._message += 1
        self._begun = True
        self._in_body = self._body_seen = False
        self._head_bytes = self._discarded = 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        # behind the body they are trailers, which no signature covers and nobody gets
        self._told, self.headers = self.headers, []
        self._named = by_name(self._told)
        self._check_framing()
        if self._may_be_direct():
            self._parts = []
        else:
            self._begin_asgi()
        self._in_body = True

    def _may_be_direct(self) -> bool:
        return (
            self._direct is not None
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and (self.url == self._plain[0] or self._is_plain(self._direct.prefix))
            and self.parser.get_method() == b"POST"
        )

    def _is_plain(self, prefix: bytes) -> bool:
        """Whether the address needs no decoding. It is kept taken apart: the next request has the same as a rule."""
        if not self.url.startswith(prefix) or _PLAIN_URL.fullmatch(self.url) is None:
            return False
        path, _, query = self.url.partition(b"?")
        self._plain = (self.url, path.decode("ascii"), query)
        return True

    def _begin_asgi(self) -> None:
        url, expects = self.url, self.expect_100_continue
        super().on_message_begin()  # makes the scope, and forgets these
        self.url, self.expect_100_continue = url, expects
        self.scope["headers"] = self._told
        super().on_headers_complete()
        if self.parser.get_method() == b"POST":
            ours: dict[str, Any] = {WHOLE: partial(answer_whole, self.cycle), SENDER: self}
            self.scope["extensions"] = ours
        if self.full:
            type(self).full = self.cycle.keep_alive = False
        if not self.cycle.keep_alive:
            self.cycle.transport = _Gate(self)  # type: ignore[assignment]  # the part of a transport a cycle uses

    def _the_asgi_way(self) -> None:
        """What came of a request that is not whole, or not for `Direct.take`, is begun as any other."""
        body, self._parts = b"".join(self._parts or ()), None
        self._begin_asgi()
        if body:
            super().on_body(body)

    def on_body(self, body: bytes) -> None:
        self._body_seen = self._body_moved = True
        if self._parts is not None:
            self._parts.append(body)
            return
        super().on_body(body)
        if self.cycle.response_complete:
            self._discard(len(body))

    def on_message_complete(self) -> None:
        if self.headers and len(self._told) + len(self.headers) > self.limits.headers:
            self._stop_parsing(*_TOO_MANY_HEADERS)
        self._begun = self._in_body = False
        if self._parts is not None:
            if self._taken(self._parts):
                return
            self._the_asgi_way()
        super().on_message_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._rest()

    def _taken(self, parts: list[bytes]) -> bool:
        """Hand a whole request over; False when it is to go the ASGI way."""
        assert self._direct is not None
        _, path, query = self._plain
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        keep_alive = self._modern and self.parser.should_keep_alive()
        if self.full:
            type(self).full = keep_alive = False
        before, self._parts = self.cycle, None
        transport = self.transport if keep_alive else _Gate(self)
        cycle = Whole(self.server_state, transport, keep_alive, self.on_response_complete)
        self.cycle = cycle  # type: ignore[assignment]  # the part of a cycle that is used
        work = self._direct.take(path, query, self._told, self._named, body, partial(answer_whole, cycle), self)
        if work is None:
            self.cycle, self._parts = before, parts
            return False
        if not work.done():
            self.tasks.add(work)  # type: ignore[arg-type]  # the part of a task that a server uses
            work.add_done_callback(self.tasks.discard)
        return True

    # --- what leaves ---

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self._lingering:
            return
        if self._last_words is not None and not self.pipeline:
            self._end(self._last_words)
            return
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._idle_since = 0.0
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._rest()
        if self._begun and self.cycle.response_complete:
            self._unset_keepalive_if_required()  # something is still arriving: `_watch` has it
            if self._in_body and self.expect_100_continue and not self._body_seen:
                self._end(b"")  # the peer may now send its body or not: what follows could be read in two ways

    def shutdown(self) -> None:
        if self._lingering:
            self.transport.abort()
        else:
            super().shutdown()

    def pause_writing(self) -> None:
        super().pause_writing()
        _stop(self._unread_timer)
        self._unread_timer = self.loop.call_later(self.limits.unread, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        _stop(self._unread_timer)

    def hang_up(self) -> None:
        """Close after the last answer; a body that is still arriving is let run out first."""
        if self._in_body:
            self._end(b"")
        else:
            self.transport.close()

    # --- refusing ---

    def _size_of(self, headers: list[tuple[bytes, bytes]]) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in headers)

    def _stop_parsing(self, status: int, detail: str) -> NoReturn:
        self._refusal = (status, detail)
        raise _Refused

    def _check_framing(self) -> None:
        if len(self._told) > self.limits.headers:
            self._stop_parsing(*_TOO_MANY_HEADERS)
        long = self._chunk > self.limits.header_bytes or self._head_bytes > 0  # else it cannot be too large
        if long and self._size_of(self._told) > self.limits.header_bytes:
            self._stop_parsing(*_TOO_LARGE_HEADERS)
        version = self.parser.get_http_version()
        self._modern = version == "1.1"
        if not self._modern and version != "1.0":
            self._stop_parsing(*_MALFORMED)
        if b"host" in self._named:
            host = self._named[b"host"]
            if host != self._host:
                if host is None or _HOST.fullmatch(host.strip(b" \t")) is None:
                    self._stop_parsing(*_MALFORMED)
                self._host = host
        elif self._modern:
            self._stop_parsing(*_MALFORMED)
        if not self._named.keys().isdisjoint(_SELDOM):
            self._check_coding()
        if self.parser.should_upgrade():  # CONNECT
            self._stop_parsing(400, "Upgrade is not taken.")

    def _check_coding(self) -> None:
        if b"upgrade" in self._named:
            self._stop_parsing(400, "Upgrade is not taken.")
        if b"transfer-encoding" in self._named:
            coding = self._named[b"transfer-encoding"]
            if coding is None:
                self._stop_parsing(*_MALFORMED)
            if coding.strip(b" \t").lower() != b"chunked" or not self._modern:
                self._stop_parsing(400, "Of the transfer codings only chunked is taken, and in HTTP/1.1.")
        expected = [value.lower() for name, value in self._told if name == b"expect"]
        self.expect_100_continue = b"100-continue" in expected

    def _refuse(self, status: int, detail: str) -> None:
        """Answer a request that never became one, in its turn, and end the connection."""
        answer = raw_problem(status, detail)
        cycle = self.cycle
        if self._parts is not None:
            self._parts = None  # it was never begun, and nothing waits before it
            self._end(answer)
            return
        if self._in_body and not (self.pipeline and self.pipeline[0][0] is cycle):
            answered = cycle.response_started
            cycle.disconnected = True  # the application hears that the peer is gone, and says nothing more
            cycle.message_event.set()
            self._end(b"" if answered else answer)
            return
        if self._in_body:
            self.pipeline.popleft()  # it waits behind others and was never started
        if self._in_body or (cycle is not None and not cycle.response_complete):
            self._last_words = answer
            self._unwatch()
        else:
            self._end(answer)

    def _end(self, answer: bytes) -> None:
        """Say the last words and wait a moment until the peer has heard them."""
        if self._lingering or self.transport.is_closing():
            return
        self._lingering = True
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        self.transport.write(answer)
        self.transport.write_eof()
        self._watch("linger", self.limits.linger)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > self.limits.discarded:
            self.transport.abort()

    # --- deadlines ---

    def _rest(self) -> None:
        """Between two requests. One timer serves many rests: setting one for each costs as much as parsing does."""
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.limits.idle, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = 0.0

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if not self._idle_since or self.transport.is_closing():
            return
        left = self._idle_since + self.limits.idle - self.loop.time()
        if left > 0.001:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            self.transport.close()

    def _watch(self, phase: str, seconds: float) -> None:
        """Give this phase of this request its time. Most requests come in one piece and never need it."""
        if self._watched != (phase, self._message) or self._timer is None:
            self._unwatch()
            self._watched = (phase, self._message)
            self._timer = self.loop.call_later(seconds, self._time_is_up)

    def _unwatch(self) -> None:
        _stop(self._timer)
        self._timer = None

    def _time_is_up(self) -> None:
        self._timer = None
        if self._lingering:
            self.transport.abort()
        elif self._begun:
            self._refuse(408, "The request took too long to arrive.")
        else:
            self.transport.close()  # it never said a word


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


class _Gate:
    """The transport as a request that ends its connection sees it."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: GuardedProtocol) -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.hang_up()


def guarded(limits: Limits) -> type[GuardedProtocol]:
    """The protocol with these limits."""
    return type("GuardedProtocol", (GuardedProtocol,), {"limits": limits})
