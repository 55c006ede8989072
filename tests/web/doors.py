"""Doors to knock at: two tiny sources, an intake in memory, a clock that stands still, and a client made of bytes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from hooks.errors import NormalizationError, StoreError, VerificationError
from hooks.events import Receipt
from hooks.kit.bodies import objects, parse_json
from hooks.pipeline.receive import Door
from hooks.ports import Clock, Draft, Hear, Inbound, Intake, Outcome, Reading, Reply, Source, SourceSettings

NOW = datetime(2026, 5, 4, 14, 2, 11, tzinfo=UTC)
SECRET = b"whsec-canary-5550142"
SMALL_LIMIT = 4096


class StillClock:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class OpenSettings(SourceSettings):
    max_bytes: int = SMALL_LIMIT
    on_bad_signature: Literal["refuse", "drop"] = "refuse"


class OpenSource:
    """Takes JSON from anybody. A sender's id is the member ``delivery``."""

    paths: Mapping[str, frozenset[str]] = {"": frozenset({"POST"})}
    media_types = frozenset({"application/json"})
    kept_headers = frozenset({b"x-delivery"})

    def is_ping(self, request: Inbound) -> bool:
        return request.body == b'{"foo":"bar"}'

    def verify(self, request: Inbound) -> None:
        return None

    def read(self, request: Inbound) -> Reading:
        found = objects(parse_json(request.body))
        key = found[0].get("delivery")
        return Reading(events=len(found), key=key if isinstance(key, str) else None)

    def normalize(self, receipt: Receipt) -> list[Draft]:
        return [Draft("thing.made", "thing.made", item, item) for item in objects(parse_json(receipt.body))]

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        return None


class SignedSource(OpenSource):
    """Wants an HMAC of ``timestamp.body`` in ``x-signature``, at most 300 seconds old."""

    def verify(self, request: Inbound) -> None:
        stamp, signature = request.header(b"x-timestamp"), request.header(b"x-signature")
        if not stamp or not signature:
            raise VerificationError("missing")
        if len(stamp) != 10 or not stamp.isdigit():
            raise VerificationError("malformed")
        expected = hmac.new(SECRET, stamp + b"." + request.body, hashlib.sha256).hexdigest().encode()
        if not hmac.compare_digest(expected, signature):
            raise VerificationError("mismatch")
        if abs(request.received_at.timestamp() - int(stamp)) > 300:
            raise VerificationError("stale")


class EnvelopeSource(OpenSource):
    """Answers in its own words: ``{"Success": ...}``, with a path below and one that is asked with GET."""

    paths: Mapping[str, frozenset[str]] = {
        "": frozenset({"POST", "OPTIONS"}),
        "/api/lead": frozenset({"POST"}),
        "/api/signin": frozenset({"GET"}),
    }
    media_types = frozenset({"application/json", ""})

    def verify(self, request: Inbound) -> None:
        if b"key=" + SECRET not in request.query.split(b"&"):
            raise VerificationError("mismatch")

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        if request.path == "":
            return None
        statuses = {"refused": 401, "unreadable": 400, "unavailable": 429}
        good = outcome.kind not in statuses
        return Reply(statuses.get(outcome.kind, 200), {"Success": good, "Message": "Success" if good else "No"})


class BrokenSource(OpenSource):
    """Stumbles wherever it is told to, quoting what was sent."""

    def __init__(self, where: str) -> None:
        self._where = where

    def is_ping(self, request: Inbound) -> bool:
        if self._where == "is_ping":
            raise RuntimeError(request.body)
        return False

    def verify(self, request: Inbound) -> None:
        if self._where == "verify":
            raise RuntimeError(request.body)

    def read(self, request: Inbound) -> Reading:
        if self._where == "read":
            raise RuntimeError(request.body)
        if self._where == "count":
            return Reading(events=0, masked=b"****")
        if self._where == "masked":
            raise NormalizationError("no name", masked=b"****")
        if self._where == "nothing":
            return Reading(masked=b"****")
        return super().read(request)

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        if self._where == "answer":
            raise RuntimeError(request.body)
        return Reply(200, float("nan")) if self._where == "words" else None


_: type[Source] = OpenSource


@dataclass
class MemoryIntake:
    """Keeps receipts in a list. ``broken`` refuses; while ``gate`` is not set, commits wait."""

    receipts: list[Receipt] = field(default_factory=list)
    broken: bool = False
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    keys: dict[bytes, str] = field(default_factory=dict)

    async def record(self, receipt: Receipt, key: bytes | None, window: float) -> str | None:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise StoreError("the disk of /var/lib/canary-path is full")
        self.receipts.append(receipt)
        if key is None:
            return None
        earlier = self.keys.setdefault(key, receipt.id)
        return None if earlier == receipt.id else earlier

    def hand(self, receipt: Receipt, key: bytes | None, window: float, hear: Hear) -> None:
        def told(work: asyncio.Future[str | None]) -> None:
            error = work.exception()
            assert error is None or isinstance(error, StoreError)
            hear(work.result() if error is None else error)

        asyncio.ensure_future(self.record(receipt, key, window)).add_done_callback(told)

    def last(self) -> Receipt:
        return self.receipts[-1]


_intake: type[Intake] = MemoryIntake
_clock: type[Clock] = StillClock


def some_doors(**more: Door) -> dict[str, Door]:
    settings = OpenSettings()
    doors = {
        "open": Door("open", "webhook", settings, OpenSource()),
        "signed": Door("signed", "webhook", settings, SignedSource()),
        "dropping": Door("dropping", "webhook", OpenSettings(on_bad_signature="drop"), SignedSource()),
        "envelope": Door("envelope", "zapier", OpenSettings(unavailable_status=429), EnvelopeSource()),
    }
    return doors | more


def signed_headers(body: bytes, *, at: float | None = None, secret: bytes = SECRET) -> dict[str, str]:
    stamp = str(int(NOW.timestamp() if at is None else at))
    digest = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"x-timestamp": stamp, "x-signature": digest}


# --- bytes on the wire ---


@dataclass(frozen=True)
class Heard:
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """A connection that sends any bytes at all."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> Wire:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def hear(self, *, bodiless: bool = False) -> Heard:
        async with asyncio.timeout(10):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *pairs = head.rstrip("\r\n").split("\r\n")
            headers = {name.lower(): value for name, _, value in (pair.partition(": ") for pair in pairs)}
            length = 0 if bodiless else int(headers.get("content-length", "0"))
            return Heard(int(line.split(" ")[1]), headers, await self._reader.readexactly(length))

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        async with asyncio.timeout(10):
            try:
                return await self._reader.read()
            except ConnectionResetError:
                return b""


def post(path: str, body: bytes = b"{}", *more: str, host: str = "Host: example.org") -> bytes:
    """A plain JSON delivery, with further header lines."""
    lines = [f"POST {path} HTTP/1.1", host, "Content-Type: application/json", f"Content-Length: {len(body)}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


async def ask(port: int, data: bytes) -> Heard:
    """Send these bytes on a connection of their own, and give the first answer."""
    async with await Wire.to(port) as wire:
        await wire.say(data)
        return await wire.hear()
