"""How webhooks come in: a request as it came, and what a source makes of it.

What is made for every webhook is a named tuple: a frozen dataclass takes three times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol

from hooks.errors import VerificationError
from hooks.events import Receipt

ALWAYS_KEPT = frozenset({b"content-type", b"user-agent"})
"""Headers that are stored with each webhook, beside those that its source lists."""

Named = Mapping[bytes, bytes | None]
"""The value of each header by its name, None where it came more than once."""


def by_name(headers: Sequence[tuple[bytes, bytes]]) -> Named:
    """Each of the raw pairs by its name. It is made once: to look through them each time takes longer."""
    named: dict[bytes, bytes | None] = dict(headers)
    if len(named) < len(headers):
        seen: set[bytes] = set()
        for name, _ in headers:
            if name in seen:
                named[name] = None
            seen.add(name)
    return named


class Inbound(NamedTuple):
    """One HTTP request at a source, as it came: what `Source` methods get.

    ``path`` is what follows ``/in/{source}`` ("" or "/api/zapier/createlead"). ``query`` is the raw query string.
    ``headers`` are the raw pairs, names in lower case, in the order they came; ``named`` is what `by_name` makes of
    them, where it has been made already.
    """

    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    received_at: datetime
    named: Named | None = None

    def header(self, name: bytes) -> bytes | None:
        """The one value of a header, surrounding blanks removed, or None.

        Raises VerificationError (``repeated``) when it came more than once: two parsers could pick two different ones.
        """
        named = self.named or by_name(self.headers)
        if name not in named:
            return None
        found = named[name]
        if found is None:
            raise VerificationError("repeated")
        return found.strip()

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters, "" when none was sent."""
        return media_type(self._content_type)

    @property
    def content_type_sent(self) -> str:
        """The content type as it was sent, with its parameters; "" when none was."""
        return self._content_type.decode("latin-1")

    @property
    def _content_type(self) -> bytes:
        return next((value for name, value in self.headers if name == b"content-type"), b"")


@lru_cache(maxsize=256)
def media_type(value: bytes) -> str:
    """A content type in lower case without its parameters. A sender's next webhook has the same one."""
    return value.split(b";", 1)[0].strip().lower().decode("latin-1")


def suffix(media_type: str) -> str:
    """What a media type is written in (RFC 6839): ``+json`` of ``application/vnd.api+json``, ``+`` of one without."""
    _, plus, name = media_type.rpartition("+")
    return "+" + name if plus else "+"


class Reading(NamedTuple):
    """What a source found in an authentic body, before it is normalized.

    ``events``: how many events it holds (0 is not allowed: raise NormalizationError). ``key``: the sender's own id of
    this delivery where there is one, else None (the bytes of the body decide what is a duplicate).
    ``masked``: the body to store instead, when the original holds the shared key.
    """

    events: int = 1
    key: str | None = None
    masked: bytes | None = None


OutcomeKind = Literal["accepted", "duplicate", "ping", "probe", "asked", "refused", "unreadable", "unavailable"]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer to a sender. ``body`` is JSON values, or None for an empty body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Outcome(NamedTuple):
    """How receiving ended, for a source that answers in its vendor's own words (`Source.answer`).

    ``reply`` is the answer itself where the request asked for our events (`Hooks`).
    """

    kind: OutcomeKind
    receipt: Receipt | None = None
    reason: str | None = None
    reply: Reply | None = None


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


class Normalizer(Protocol):
    """What makes events of receipts. Synchronous, pure, no I/O."""

    def normalize(self, receipt: Receipt) -> list[Draft]:
        """The receipt's events: exactly ``receipt.events`` of them, the same every time it is called.

        A body that is readable but cannot be mapped gives a draft of the vendor's type with ``flag`` set; unknown
        kinds pass through with the vendor's own name as ``type``.
        """
        ...


class Source(Normalizer, Protocol):
    """A configured inbound end. Synchronous, pure, no I/O; one instance serves all its requests."""

    @property
    def paths(self) -> Mapping[str, frozenset[str]]:
        """Paths below ``/in/{source}`` and the methods each takes, such as ``{"": {"POST"}}``.

        GET and HEAD on "" are answered by the engine (vendors probe an address before they save it).
        """
        ...

    @property
    def media_types(self) -> frozenset[str]:
        """Content types this source reads; a request with another one is answered 415. "" allows a missing one.

        One that begins with a plus stands for all types with that suffix.
        """
        ...

    @property
    def kept_headers(self) -> frozenset[bytes]:
        """Headers worth storing beside `ALWAYS_KEPT`: the vendor's id headers, never credentials."""
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

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """The vendor's own form of answer where it expects one (JobCloser's envelope), None for the usual one."""
        ...
