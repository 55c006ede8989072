"""The shapes that the engine knows and the parts have: read this first.

The engine knows ``Source``, ``Action``, ``Store`` and ``Clock``, and no vendor. A vendor knows these shapes, and no
engine. Whoever adds a vendor implements `Source` (how its webhooks are checked and read) and `Client` with
`Action` rows (what can be done there), and names them in one `Vendor`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from hooks.errors import VerificationError
from hooks.events import Answer, Done, Receipt, Request
from hooks.values import Duration

OnUnknown = Literal["repeat", "lookup", "hold"]
"""How an unknown outcome is resolved: send the same again, ask the vendor first, or wait for a person."""


class Clock(Protocol):
    """Time, so that tests and simulations can give their own."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None: ...


# --- inbound ---


@dataclass(frozen=True, slots=True)
class Inbound:
    """One HTTP request at a source, as it came: what `Source` methods get.

    ``path`` is what follows ``/in/{source}`` ("" or "/api/zapier/createlead"). ``query`` is the raw query string.
    ``headers`` are the raw pairs, names in lower case, in the order they came.
    """

    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    received_at: datetime

    def header(self, name: bytes) -> bytes | None:
        """The one value of a header, surrounding blanks removed, or None.

        Raises VerificationError (``repeated``) when it came more than once: two parsers could pick two different ones.
        """
        found: bytes | None = None
        for key, value in self.headers:
            if key == name:
                if found is not None:
                    raise VerificationError("repeated")
                found = value.strip()
        return found

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters, "" when none was sent."""
        for key, value in self.headers:
            if key == b"content-type":
                return value.split(b";", 1)[0].strip().lower().decode("latin-1")
        return ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source found in an authentic body, before it is normalized.

    ``events``: how many events it holds (0 is not allowed: raise NormalizationError). ``key``: the sender's own id of
    this delivery where there is one, else None (the bytes of the body decide what is a duplicate).
    ``masked``: the body to store instead, when the original holds the shared key.
    """

    events: int = 1
    key: str | None = None
    masked: bytes | None = None


OutcomeKind = Literal["accepted", "duplicate", "ping", "probe", "refused", "unreadable", "unavailable"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How receiving ended, for a source that answers in its vendor's own words (`Source.answer`)."""

    kind: OutcomeKind
    receipt: Receipt | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer to a sender. ``body`` is JSON values, or None for an empty body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a source makes of one object of a body: an event before it has ids.

    ``type`` is ours (``appointment.scheduled``), ``vendor_type`` the vendor's word (``job.appointment.scheduled``).
    ``data`` is the canonical object as JSON values with nulls left out, or the parsed body where there is no mapping,
    and then ``flag`` may say why. ``time`` is None when the sender gave none.
    """

    type: str
    vendor_type: str
    data: Any
    raw: Any
    subject: str | None = None
    time: datetime | None = None
    flag: str | None = None


class Source(Protocol):
    """A configured inbound end. Synchronous, pure, no I/O; one instance serves all its requests."""

    @property
    def paths(self) -> Mapping[str, frozenset[str]]:
        """Paths below ``/in/{source}`` and the methods each takes, such as ``{"": {"POST"}}``.

        GET and HEAD on "" are answered by the engine (vendors probe an address before they save it).
        """
        ...

    @property
    def media_types(self) -> frozenset[str]:
        """Content types this source reads; a request with another one is answered 415. "" allows a missing one."""
        ...

    @property
    def kept_headers(self) -> frozenset[bytes]:
        """Headers worth storing beside content-type and user-agent: the vendor's id headers, never credentials."""
        ...

    def is_ping(self, request: Inbound) -> bool:
        """Whether this is the vendor's test of the address, which is answered 200 and makes no event."""
        ...

    def verify(self, request: Inbound) -> None:
        """Return if the request is authentic, else raise VerificationError, and nothing else, on any bytes at all."""
        ...

    def read(self, request: Inbound) -> Reading:
        """Parse the body just far enough to count its events. Raises NormalizationError when it is not readable."""
        ...

    def normalize(self, receipt: Receipt) -> list[Draft]:
        """The receipt's events: exactly ``receipt.events`` of them, the same every time it is called.

        A body that is readable but cannot be mapped gives a draft of the vendor's type with ``flag`` set; unknown
        kinds pass through with the vendor's own name as ``type``.
        """
        ...

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """The vendor's own form of answer where it expects one (JobCloser's envelope), None for the usual one."""
        ...


# --- outbound ---


@dataclass(frozen=True, slots=True)
class Call:
    """One action to carry out: validated inputs and what makes the call recognisable when it is made again.

    ``key`` is the idempotency key, the same over all tries of the step. ``request`` is the request frozen at the
    intent (None for actions that make several). ``again`` is true when an earlier try has an unknown outcome.
    """

    inputs: Mapping[str, Any]
    key: str
    timeout: float
    request: Request | None = None
    again: bool = False


class Client(Protocol):
    """A connected account of a vendor: its address, credentials, envelope and error shapes. One per connection."""

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """Add credentials, send, and give the answer without its envelope. ``timeout`` is the whole deadline, seconds.

        Raises Transient, Permanent or Unconfigured (`hooks.errors`), and nothing else.
        """
        ...

    def url(self, request: Request) -> str:
        """The full address of a request without credentials, for people."""
        ...

    async def aclose(self) -> None: ...


class Action(Protocol):
    """One outbound operation. Its instances are stateless rows; accounts are given as `Client`."""

    @property
    def name(self) -> str:
        """Without the vendor: ``create_customer``."""
        ...

    @property
    def aliases(self) -> tuple[str, ...]: ...

    @property
    def operation(self) -> str:
        """The operation's name in the vendor's document: ``createCustomer``."""
        ...

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def inputs(self) -> type[BaseModel]:
        """The model that ``with:`` is checked against: unknown keys are refused, every field is described."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether sending the same again does no harm (reads, full updates, deletes)."""
        ...

    @property
    def on_unknown(self) -> OnUnknown: ...

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        """The request that these inputs make at a connection with these settings. Pure.

        For an action that makes several calls: the one that changes something, as if nothing had been found before.
        Raises Permanent with the field's name when a value cannot be put into a request.
        """
        ...

    async def send(self, client: Any, call: Call) -> Done:
        """Carry it out. Raises Transient, Permanent or Unconfigured."""
        ...

    async def lookup(self, client: Any, call: Call) -> Done | None:
        """What an earlier try of this call made at the vendor, or None. Called when ``on_unknown`` is ``lookup``."""
        ...


# --- configuration and the registry ---


class SourceSettings(BaseModel):
    """The keys that every source takes; a vendor's own settings extend it. Times in seconds."""

    model_config = {"extra": "forbid", "frozen": True, "arbitrary_types_allowed": True}

    type: str | None = None
    respond_status: int = 202
    unavailable_status: Literal[503, 429] = 503
    max_bytes: int = 1024 * 1024
    duplicate_window: Duration = 30 * 86400.0


class ConnectionSettings(BaseModel):
    """The keys that every connection takes; a vendor's own settings extend it. Times in seconds."""

    model_config = {"extra": "forbid", "frozen": True, "arbitrary_types_allowed": True}

    base_url: str
    rate: float | None = None
    concurrency: int = 8
    timeout: Duration = 30.0
    paused: bool = False
    lookup_wait: Duration = 10.0


@dataclass(frozen=True, slots=True)
class EventKind:
    """An event type that a vendor's source is known to send: ``model`` is the canonical model of its ``data``."""

    name: str
    vendor_type: str
    model: type[BaseModel] | None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Vendor:
    """All the engine knows of an outside system: one of these per folder of ``hooks/vendors``."""

    name: str
    title: str
    source_settings: type[SourceSettings] | None = None
    make_source: Callable[[str, Any], Source] | None = None
    """Given the source's name and its validated settings."""
    kinds: tuple[EventKind, ...] = ()
    connection_settings: type[ConnectionSettings] | None = None
    connect: Callable[[str, Any], Client] | None = None
    """Given the connection's name and its validated settings; opens nothing before the first call."""
    actions: tuple[Action, ...] = ()

    def action(self, name: str) -> Action | None:
        """By name or alias."""
        for action in self.actions:
            if name == action.name or name in action.aliases:
                return action
        return None


Catalogue = Mapping[str, Vendor]
"""Vendors by name: how layers below the registry are handed it."""

__all__ = [
    "Action",
    "Answer",
    "Call",
    "Catalogue",
    "Client",
    "Clock",
    "ConnectionSettings",
    "Draft",
    "EventKind",
    "Inbound",
    "OnUnknown",
    "Outcome",
    "Reading",
    "Reply",
    "Source",
    "SourceSettings",
    "Vendor",
]
