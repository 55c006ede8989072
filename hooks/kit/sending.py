"""Deliver: one exchange, by our own connections or by what stands in for the network in tests.

Requests are written here once, as they go out; both ways raise the same errors of httpx's.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol

import httpx

from hooks.events import Answer
from hooks.kit.wire import Going, Origin, Wire, written

MAX_URL: Final = 65_536


class Asked(NamedTuple):
    """A request: ``url`` is the whole address, percent-encoded; names of headers are in small letters."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class Got(NamedTuple):
    """An answer as it came, its body cut soon after the limit that was given."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def answer(self, limit: int) -> Answer:
        """The answer as it is read: uncompressed, and cut at the limit."""
        headers, whole = _kept(self.headers), self.body
        if "content-encoding" in headers:
            whole = _decoded(whole, headers.pop("content-encoding"), limit)
        if len(whole) > limit:
            return Answer(self.status, headers, whole[:limit], truncated=True)
        return Answer(self.status, headers, whole)


class Way(Protocol):
    """How requests of one account get to their host."""

    @property
    def tells(self) -> bool:
        """Whether it says when it sends; one that does not may have sent whenever it fails."""
        ...

    async def exchange(self, asked: Asked, limit: int, connect: float, going: Going) -> Got:
        """Send and read the answer, cut soon after ``limit`` bytes. ``connect``: seconds that connecting may take."""
        ...

    async def aclose(self) -> None: ...


class Direct:
    """Over our own connections to the host of a base address."""

    tells = True

    def __init__(self, wire: Wire, base_url: str) -> None:
        self._wire = wire
        base = httpx.URL(base_url)
        self._base_url = base_url
        self._path = base.raw_path.decode("ascii").rstrip("/")
        self._host = base.netloc.decode("ascii")
        self._origin = Origin.of(base)

    def target(self, url: str) -> str:
        """What of an address below the base address goes into the first line. Raises httpx.InvalidURL."""
        if len(url) > MAX_URL:
            raise httpx.InvalidURL("URL too long")
        below = url[len(self._base_url) :]
        path = self._path + below
        return path if path.startswith("/") else f"/{path}"

    async def exchange(self, asked: Asked, limit: int, connect: float, going: Going) -> Got:
        method, url, headers, body = asked
        message = written(method, self.target(url), headers.pop("host", self._host), headers, body)
        bodiless = method == "HEAD"
        answered = await self._wire.ask(self._origin, message, bodiless=bodiless, connect=connect, going=going)
        try:
            return Got(answered.status, answered.headers, await answered.body(limit))
        finally:
            answered.leave()

    async def aclose(self) -> None:
        await self._wire.aclose()


class StandIn:
    """By a transport of httpx's that is no network."""

    tells = False

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def exchange(self, asked: Asked, limit: int, connect: float, going: Going) -> Got:
        await going.leave()
        response = await self._transport.handle_async_request(_request(asked))
        if response.is_stream_consumed:  # it has answered in one piece
            return Got(response.status_code, response.headers.raw, response.content)
        body = bytearray()
        try:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > limit:
                    break
        finally:
            await response.aclose()
        return Got(response.status_code, response.headers.raw, bytes(body))

    async def aclose(self) -> None:
        await self._transport.aclose()


def _request(asked: Asked) -> httpx.Request:
    address = httpx.URL(asked.url)
    headers: Mapping[str, str] = asked.headers
    host = headers.get("host", "").encode("ascii") or address.netloc
    pairs = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items() if name != "host"]
    made = httpx.Request(asked.method, address, headers=[(b"Host", host), *pairs], stream=httpx.ByteStream(asked.body))
    made.read()  # so that it has its content
    return made


# --- reading answers ---


def _kept(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by their names in small letters; what comes several times is joined by commas."""
    kept: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("ascii", "replace").lower(), _text(raw_value)
        if name != "set-cookie":
            kept[name] = f"{kept[name]}, {value}" if name in kept else value
    return kept


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _decoded(body: bytes, coding: str, limit: int) -> bytes:
    """The body without the compression that we did not ask for, at most ``limit`` bytes and one.

    Decompressed with a bound, so that a small answer cannot fill the memory. Other codings are left as they are: the
    answer is then not readable, which is what it is.
    """
    windows = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(coding.strip().lower())
    if windows is None:
        return body
    try:
        return zlib.decompressobj(windows).decompress(body, limit + 1)
    except zlib.error:
        return body
