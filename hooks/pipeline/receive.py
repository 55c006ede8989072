"""First step, receive: one request at a source becomes a committed receipt and an outcome, or nothing at all.

The order never changes: is it a ping, is it authentic, can it be read, then record. What is authentic is never
dropped: what cannot be read goes to quarantine with its bytes. What is not authentic leaves a short row for the
operator, with the true reason and without its body. Nothing here knows HTTP answers (`hooks.web.inbox` does).
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import unquote_plus

from hooks.errors import NormalizationError, StoreError, VerificationError
from hooks.events import Receipt, Verdict, new_id
from hooks.kit.chain import CAUSE_HEADER, read_cause
from hooks.pipeline.asking import HookDesk
from hooks.pipeline.emitting import CAUSE, DEPTH
from hooks.ports import Clock, Hear, Inbound, Intake, Outcome, OutcomeKind, Reading, Source, SourceSettings
from hooks.ports.inbound import ALWAYS_KEPT, by_name

log = logging.getLogger("hooks.receive")

MAX_EVENTS = 1_000
"""Events in one body. A longer list is quarantined: 1 MiB can hold 350,000 empty objects."""

_CAUSE = CAUSE_HEADER.encode()
_MAX_VALUE = 1_000
_MAX_PAIRS = 50
_CREDENTIAL = re.compile(
    r"(?:^|[^a-z])(?:key|sig|sign|hmac|pass|pwd|auth|session|sid)(?:$|[^a-z])"
    r"|apikey|accesskey|token|secret|signature|passw|credential|authoriz",
    re.IGNORECASE,
)
_UNSTORABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")

_BURST = 1_000.0
_PER_SECOND = 10.0

_Noted = Literal["ping", "refused"]


@dataclass(frozen=True, slots=True)
class Door:
    """A configured source as requests meet it."""

    name: str
    vendor: str
    settings: SourceSettings
    source: Source
    hooks: HookDesk | None = None
    """Where its sender asks to be told of our events, when the source is open for that."""

    @property
    def drops_bad_signatures(self) -> bool:
        """Whether the sender of a bad signature is told 200, because its vendor switches off addresses that refuse."""
        return getattr(self.settings, "on_bad_signature", "refuse") == "drop"


def duplicate_key(door: Door, request: Inbound, sender_id: str | None) -> bytes:
    """The 32 bytes that a repetition of this request has too.

    The sender's own id where there is one, else the raw body. A marker tells the two apart, so that no body can pass
    for an id. The path below ``/in/{source}`` counts as part of the body's key: the same form posted as a lead
    and as a customer is two facts.
    """
    if sender_id is not None:
        told = f"{door.name}\0i{sender_id}".encode("utf-8", "surrogatepass")
    else:
        told = f"{door.name}{request.path}\0b".encode("utf-8", "surrogatepass") + request.body
    return hashlib.sha256(told).digest()


class Judged(NamedTuple):
    """What a request is: with its receipt and key when it is an ordinary delivery, else with why it is none."""

    kind: OutcomeKind
    receipt: Receipt | None = None
    key: bytes | None = None
    reason: str | None = None
    problem: NormalizationError | None = None


class Receiver:
    """Carries requests through the journey up to the commit. One serves all sources.

    Rows about what nobody vouches for (refused requests, pings) are rationed per source, so that a stranger cannot
    fill the disk: a thousand at once, ten a second after that. The answer to the sender is the same either way.
    """

    def __init__(self, intake: Intake, clock: Clock) -> None:
        self._intake = intake
        self._clock = clock
        self._rations: dict[str, _Ration] = {}

    async def receive(self, door: Door, request: Inbound) -> Outcome:
        """How receiving ended. Never raises on any request; a store that cannot take it now is ``unavailable``.

        ``accepted`` and ``duplicate`` are returned after the receipt's commit, never before.
        """
        return await self.settle(door, request, judge(door, request))

    async def settle(self, door: Door, request: Inbound, judged: Judged) -> Outcome:
        """What follows from a judgement."""
        if judged.receipt is not None:
            try:
                return recorded(judged.receipt, await self.record(door, judged))
            except StoreError as problem:
                return Outcome("unavailable", reason=str(problem))
        if judged.kind == "ping" or judged.kind == "refused":
            return await self._noted(door, request, judged.kind, judged.reason)
        if judged.kind == "asked" and door.hooks is not None:
            return await _asked(door.hooks, request)
        if judged.problem is not None:
            return await self._quarantined(door, request, judged.problem)
        return Outcome("probe")

    def record(self, door: Door, judged: Judged) -> Awaitable[str | None]:
        """Hand the receipt of an ordinary delivery to the store. Raises StoreError, now or when it is awaited."""
        assert judged.receipt is not None, "only what was judged good is recorded"
        return self._intake.record(judged.receipt, judged.key, door.settings.duplicate_window)

    def hand(self, door: Door, judged: Judged, hear: Hear) -> None:
        """The same for somebody who is called instead of waiting. Raises StoreError, or tells it."""
        assert judged.receipt is not None, "only what was judged good is recorded"
        self._intake.hand(judged.receipt, judged.key, door.settings.duplicate_window, hear)

    async def _noted(self, door: Door, request: Inbound, kind: _Noted, reason: str | None = None) -> Outcome:
        ration = self._rations.setdefault(door.name, _Ration())
        if not ration.take(self._clock.monotonic()):
            return Outcome(kind, reason=reason)
        body = request.body if kind == "ping" else b""
        receipt = _receipt(door, request, kind, body=body, reason=reason)
        try:
            await self._intake.record(receipt, None, 0.0)
        except StoreError as problem:
            if kind == "ping":
                return Outcome("unavailable", reason=str(problem))
            return Outcome(kind, reason=reason)  # the refusal promises nothing, so it need not be kept
        return Outcome(kind, receipt, reason)

    async def _quarantined(self, door: Door, request: Inbound, found: NormalizationError) -> Outcome:
        body = request.body if found.masked is None else found.masked
        receipt = _receipt(door, request, "quarantined", body=body, reason=found.reason)
        try:
            await self._intake.record(receipt, None, 0.0)
        except StoreError as problem:
            return Outcome("unavailable", reason=str(problem))
        return Outcome("unreadable", receipt, found.reason)


def judge(door: Door, request: Inbound) -> Judged:
    """What a request is. Does nothing yet: only the store makes it so."""
    source = door.source
    try:
        if source.is_ping(request):
            return Judged("ping")
    except Exception as error:
        log_fault(log, f"is_ping of source {door.name}", error)
    if request.method == "OPTIONS":
        return Judged("probe")
    try:
        source.verify(request)
    except VerificationError as refusal:
        return Judged("refused", reason=refusal.reason)
    except Exception as error:  # closed whatever happens: a verifier that stumbles has refused
        log_fault(log, f"verify of source {door.name}", error)
        return Judged("refused", reason="malformed")
    if door.hooks is not None and door.hooks.methods(request.path) is not None:
        return Judged("asked")
    if request.method in ("GET", "HEAD"):
        return Judged("probe")
    try:
        reading = _read(door, request)
    except NormalizationError as problem:
        return Judged("unreadable", problem=problem)
    key = duplicate_key(door, request, reading.key)
    body = request.body if reading.masked is None else reading.masked
    return Judged("accepted", _receipt(door, request, "accepted", body=body, events=reading.events), key)


def recorded(receipt: Receipt, earlier: str | None) -> Outcome:
    """How receiving ended for a receipt that was committed."""
    if earlier is not None:
        return Outcome("duplicate", receipt._replace(verdict="duplicate", duplicate_of=earlier, events=0))
    return Outcome("accepted", receipt)


async def _asked(desk: HookDesk, request: Inbound) -> Outcome:
    try:
        return Outcome("asked", reply=await desk.reply(request))
    except StoreError as problem:
        return Outcome("unavailable", reason=str(problem))


class _Ration:
    """A bucket of rows that refills with time."""

    __slots__ = ("_filled_at", "_left")

    def __init__(self) -> None:
        self._left = _BURST
        self._filled_at: float | None = None

    def take(self, now: float) -> bool:
        if self._filled_at is not None:
            self._left = min(_BURST, self._left + (now - self._filled_at) * _PER_SECOND)
        self._filled_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _read(door: Door, request: Inbound) -> Reading:
    try:
        reading = door.source.read(request)
    except NormalizationError:
        raise
    except Exception as error:
        log_fault(log, f"read of source {door.name}", error)
        raise NormalizationError(f"the reader stumbled over it ({type(error).__name__})") from None
    if not 0 < reading.events <= MAX_EVENTS:
        raise NormalizationError(
            f"it holds {reading.events} events; 1 to {MAX_EVENTS} are taken at once", masked=reading.masked
        )
    return reading


def log_fault(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log a fault of ours by its kind and place; its message stays out, because it may quote what was sent."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "an unknown place"
    logger.error("%s failed with %s at %s", what, type(error).__name__, place)


def _receipt(
    door: Door, request: Inbound, verdict: Verdict, *, body: bytes, events: int = 0, reason: str | None = None
) -> Receipt:
    return Receipt(  # by place: so many names take longer than all the values
        new_id("rcp"),
        door.name,
        door.vendor,
        request.received_at,
        verdict,
        _storable(request.path) if request.path else "",
        _kept_query(request.query) if request.query else (),
        _kept_headers(door.source.kept_headers, request),
        body,
        events,
        None if reason is None else _storable(reason),
    )


def _kept_headers(listed: frozenset[bytes], request: Inbound) -> Mapping[str, str]:
    """The listed headers; a sender's slip in any other one is stored nowhere. Repeats are joined by a comma."""
    kept: dict[str, str] = {}
    named = request.named or by_name(request.headers)
    for name in _wanted(listed):
        if name not in named:
            continue
        value = named[name]
        if value is None:
            value = b", ".join([each for other, each in request.headers if other == name])
        key, text = _kept_header(name, value[:_MAX_VALUE])
        kept[key] = text
    if _CAUSE in named:
        for name, value in request.headers:
            if name == _CAUSE and (cause := read_cause(value.decode("latin-1"))) is not None:
                kept |= {CAUSE: cause[0], DEPTH: str(cause[1])}
    return kept


@lru_cache(maxsize=256)
def _wanted(listed: frozenset[bytes]) -> tuple[bytes, ...]:
    return tuple(sorted(ALWAYS_KEPT | listed))


@lru_cache(maxsize=1024)
def _kept_header(name: bytes, value: bytes) -> tuple[str, str]:
    """A header as it is stored, of a value that is not endless. A sender's next webhook has mostly the same ones."""
    return name.decode("latin-1"), _storable(value.decode("latin-1"))


def _kept_query(query: bytes) -> tuple[tuple[str, str], ...]:
    """The query's pairs, values of anything that may be a credential by its name masked."""
    kept: list[tuple[str, str]] = []
    for pair in query.decode("latin-1").split("&", _MAX_PAIRS)[:_MAX_PAIRS]:
        name, found, value = pair.partition("=")
        name = _storable(unquote_plus(name))
        if not found:
            # a bare word may be a credential too: senders put a key behind the question mark
            kept.append(("***", ""))
        elif _CREDENTIAL.search(name):
            kept.append((name, "***"))
        else:
            kept.append((name, _storable(unquote_plus(value))))
    return tuple(kept)


def _storable(text: str) -> str:
    """Text that every store takes: no NUL, no control characters, no lone surrogates, not endless."""
    return _UNSTORABLE.sub("\ufffd", text[:_MAX_VALUE])
