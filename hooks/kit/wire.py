"""Deliver: HTTP/1.1 on connections that are kept for the next call, one exchange at a time on each.

It does no more than our calls need: no proxies, no HTTP/2, no trailers, no upgrades. It takes a tenth of the time that
httpx's transport takes for a call, and no longer with many in flight; its errors are httpx's. The answer is read by
`httptools`, which is as strict with it as with the requests that come in.

A connection that the other side has closed, or on which it has said anything unasked, is never used again. It is looked
at just before a request goes out on it, because what has happened to it may not have been heard of yet.
"""

from __future__ import annotations

import asyncio
import functools
import math
import re
import select
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import httptools
import httpx

from hooks.kit.outgoing import CheckedNetwork

if TYPE_CHECKING:
    import ssl

MAX_HEAD: Final = 64 * 1024
"""Bytes of an answer before its body."""

MAX_WAITING: Final = 128 * 1024
"""Bytes of a body that wait to be taken: the connection is not read from then."""

_NO_BODY: Final = frozenset({204, 304})
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_TIMEOUT = re.compile(rb"timeout\s*=\s*\"?(\d{1,6})", re.IGNORECASE)


class Origin(NamedTuple):
    """Whom connections are made to."""

    host: str
    port: int
    secure: bool

    @classmethod
    def of(cls, url: httpx.URL) -> Origin:
        secure = url.scheme == "https"
        return cls(url.raw_host.decode("ascii"), url.port or (443 if secure else 80), secure)


class Going(NamedTuple):
    """What a request does on its way out."""

    leave: Callable[[], Awaitable[bool]]
    """Awaited when there is a connection: others may have to go first. Gives whether that took a while."""
    sending: Callable[[], None]
    """Called just before the first byte goes out."""


class Wire:
    """Connections to one host, ``connections`` at most; a call waits for one. The newest is used first."""

    def __init__(self, network: CheckedNetwork, tls: ssl.SSLContext, *, connections: int, keep_alive: float) -> None:
        """``keep_alive``: seconds after which a connection that lay idle is not used again."""
        self._network = network
        self._tls = tls
        self._keep_alive = keep_alive
        self._room = asyncio.Semaphore(connections)
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._closed: asyncio.Future[None] | None = None

    async def ask(self, origin: Origin, message: bytes, *, bodiless: bool, connect: float, going: Going) -> Answered:
        """Send a message of `written`; gives the answer when its head is there. `Answered.leave` must be called.

        ``bodiless``: its answer has a head only. ``connect`` is how many seconds connecting may take. What goes wrong
        before it is ``going.sending`` is a ConnectError or a ConnectTimeout.
        """
        await self._room.acquire()
        connection: _Connection | None = None
        try:
            connection = self._kept() or await self._connected(origin, connect)
            if await going.leave() and not connection.is_quiet():  # it was closed meanwhile
                connection.close()
                connection = self._kept() or await self._connected(origin, connect)
            answer = connection.send(message, bodiless, going.sending)
        except BaseException:
            if connection is not None:
                connection.close()
            self._room.release()
            raise
        try:
            await answer.head()
        except BaseException:
            answer.leave()
            raise
        return answer

    def _kept(self) -> _Connection | None:
        """An idle connection that can be used."""
        now = time.monotonic()
        while self._idle and self._idle[0].idle_until <= now:
            self._idle.pop(0).close()
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_until > now and connection.is_quiet():
                return connection
            connection.close()
        return None

    async def _connected(self, origin: Origin, timeout: float) -> _Connection:
        tls = self._tls if origin.secure else None
        return await self._network.connect(functools.partial(_Connection, self), origin.host, origin.port, tls, timeout)

    def opened(self, connection: _Connection) -> None:
        self._open.add(connection)

    def free(self, connection: _Connection, seconds: float) -> None:
        """An exchange is over; its connection can be used for another one for so many seconds."""
        self._room.release()
        if seconds > 0:
            connection.idle_until = time.monotonic() + min(seconds, self._keep_alive)
            self._idle.append(connection)

    def lost(self, connection: _Connection) -> None:
        """A connection is no more."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._closed is not None and not self._open and not self._closed.done():
            self._closed.set_result(None)

    async def aclose(self) -> None:
        """Close all connections, those in use too, and wait until they are closed."""
        if self._open:
            self._closed = asyncio.get_running_loop().create_future()
            for connection in list(self._open):
                connection.close()
            await self._closed


class _Connection(asyncio.Protocol):
    """One connection, idle or at one exchange."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._answer: Answered | None = None
        self.idle_until = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._wire.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.close()  # nobody asked
        else:
            self._answer.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._wire.lost(self)
        if self._answer is not None:
            self._answer.cut(error)

    def is_quiet(self) -> bool:
        """Whether it is open and nothing has come on it: no end, and nothing else either."""
        return self._transport is not None and not self._transport.is_closing() and not self._poll.poll(0)

    def send(self, message: bytes, bodiless: bool, sending: Callable[[], None]) -> Answered:
        """Send a request; gives the answer that will come."""
        if self._transport is None:
            raise httpx.ConnectError("All connection attempts failed")  # lost in the moment when it was made
        self._answer = answer = Answered(self, bodiless=bodiless)
        sending()
        self._transport.write(message)
        return answer

    def hold(self, waiting: bool) -> None:
        """Whether to wait with reading until what has come is taken."""
        if self._transport is None or self._transport.is_closing():
            return
        if waiting:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def end(self, seconds: float) -> None:
        """The exchange is over. The connection may be used for so many seconds more."""
        self._answer = None
        sent = self._transport is not None and self._transport.get_write_buffer_size() == 0
        self._wire.free(self, seconds if sent else 0.0)
        if seconds <= 0 or not sent:
            self.close()

    def close(self) -> None:
        """Close it at once; an exchange that is not over has failed."""
        if self._answer is not None:
            self._answer.cut(ConnectionAbortedError())
        elif self._transport is not None:
            self._transport.abort()


class Answered:
    """What comes on a connection after a request: a head, and a body.

    What the parser finds it tells the methods ``on_...``.
    """

    def __init__(self, connection: _Connection, *, bodiless: bool) -> None:
        """``bodiless``: the request was one whose answer has a head only."""
        self._connection: _Connection | None = connection
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._bodiless = bodiless
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._received = 0
        self._chunks: list[bytes] = []
        self._size = 0
        self._held = False
        self._until_end = False
        self._whole = False
        self._more = False
        self._keep = 0.0
        self._failure: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    # --- what comes ---

    def feed(self, data: bytes) -> None:
        assert self._parser is not None, "nothing is fed after the end"
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._more = True
            if not self._whole:
                self._failure = httpx.RemoteProtocolError(f"it is not HTTP/1.1: {error}")
        if not self.status and self._received > MAX_HEAD:
            self._failure = httpx.RemoteProtocolError("its head is too large")
        if self._failure is not None:
            self._over(0.0)
        elif self._whole:
            self._over(0.0 if self._more else self._keep)
        elif self._size > MAX_WAITING and not self._held:
            self._hold(True)
        self._tell()

    def cut(self, error: Exception | None) -> None:
        """The connection has ended."""
        if error is not None:
            self._failure = httpx.ReadError(type(error).__name__)
        elif not self._until_end:
            self._failure = httpx.RemoteProtocolError("the connection ended before it was whole")
        self._whole = True
        self._over(0.0)
        self._tell()

    def on_message_begin(self) -> None:
        self._more = self._whole  # than was asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:  # what follows a body in pieces says nothing that we want to know
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.status or self._parser is None:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self.headers.clear()  # the answer itself is yet to come
            return
        self.status = status
        said = {name.lower(): value for name, value in self.headers}
        found = _TIMEOUT.search(said.get(b"keep-alive", b""))
        self._keep = math.inf if found is None else float(found[1]) - 1.0  # it may close it a moment before we do
        if self._bodiless:
            self._whole, self._keep = True, 0.0  # the parser expects a body: what comes next would not be understood
        elif status not in _NO_BODY and b"chunked" not in said.get(b"transfer-encoding", b"").lower():
            self._until_end = b"transfer-encoding" in said or b"content-length" not in said

    def on_body(self, body: bytes) -> None:
        if not self._whole:
            self._chunks.append(body)
            self._size += len(body)

    def on_message_complete(self) -> None:
        if self.status and not self._whole and self._parser is not None:
            self._whole = True
            if not self._parser.should_keep_alive():
                self._keep = 0.0

    # --- what is taken ---

    async def head(self) -> None:
        """Wait for the status and the headers."""
        while not self.status:
            await self._wait()

    async def body(self, limit: int) -> bytes:
        """Its body, or the beginning of it as soon as that is more than ``limit`` bytes."""
        pieces: list[bytes] = []
        size = 0
        while size <= limit:
            while not self._chunks:
                if self._whole and self._failure is None:
                    return b"".join(pieces)
                await self._wait()
            chunks, self._chunks, self._size = self._chunks, [], 0
            if self._held:
                self._hold(False)
            pieces += chunks
            size += sum(map(len, chunks))
        return b"".join(pieces)

    def leave(self) -> None:
        """Nothing more of it is wanted: if it is not whole, its connection is closed."""
        self._over(0.0)

    # --- inside ---

    def _over(self, seconds: float) -> None:
        connection, self._connection = self._connection, None
        self._parser = None  # it knows us, and we know it
        if connection is not None:
            connection.end(seconds)

    def _hold(self, waiting: bool) -> None:
        self._held = waiting
        if self._connection is not None:
            self._connection.hold(waiting)

    async def _wait(self) -> None:
        if self._failure is None:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        if self._failure is not None:
            raise self._failure

    def _tell(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def written(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request as it goes out. Raises httpx.LocalProtocolError when that would be something else."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *[f"{name}: {value}" for name, value in headers.items()]]
    head = "\r\n".join(lines)
    breaks = len(headers) + 1
    if not _TOKEN.fullmatch(method) or " " in target or (head.count("\r"), head.count("\n")) != (breaks, breaks):
        raise httpx.LocalProtocolError("a part of the request holds what would end it")
    return b"%b\r\n\r\n%b" % (head.encode("ascii"), body)
