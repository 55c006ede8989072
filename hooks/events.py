"""The records of the journey: receipt, event, run, step, attempt, and the ids that name them.

Ids are a prefix and a UUIDv7 in 32 hexadecimal digits: they sort by time as text. The events of a receipt take
their ids from the receipt's (`event_id`), so that they are known before the body is normalized, and an operator
sees at a glance which event came from which receipt.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

Prefix = Literal["rcp", "evt", "run", "att", "sub", "per", "aud"]

Verdict = Literal["accepted", "duplicate", "ping", "refused", "quarantined"]
"""What became of a receipt."""

RunState = Literal["waiting", "running", "held", "done", "failed", "skipped"]
"""``failed`` is the dead letter: kept and replayable. ``held`` waits for a person or a paused connection."""

CANCELLED = "cancelled by a person"
"""How the reason of a failed run begins when a person has looked at it and given it up."""

FORGOTTEN = "the person was forgotten"
"""The flag of an emptied event, and the reason of its runs."""

StepState = Literal["waiting", "intended", "done", "failed", "skipped"]
"""``intended`` is the state in which the vendor may or may not have been told: see `hooks.pipeline.steps`."""

AttemptVerdict = Literal["done", "transient", "unknown", "permanent", "unconfigured", "adopted"]
"""``adopted``: a look-up found what an earlier try had made."""

_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62

_lock = threading.Lock()
_last = 0
_random: list[int] = []
"""Bytes of the system's randomness, eight at a time: it is asked for 512 of them at once, because it takes a call."""
os.register_at_fork(after_in_child=_random.clear)


def new_uuid7() -> int:
    """A UUIDv7 (RFC 9562, 5.7) as an integer, strictly increasing within this process.

    48 bits of milliseconds, 12 bits of the fraction of the millisecond, 62 random bits. A clock that goes back does
    not break the order: the last time is kept and counted up until the clock has caught up.
    """
    global _last
    stamp = time.time_ns() * 512 // 125_000  # in 4096ths of a millisecond
    with _lock:
        if stamp <= _last:
            stamp = _last + 1
        _last = stamp
        if not _random:
            _random.extend(memoryview(os.urandom(4096)).cast("Q"))
        random = _random.pop()
    return (stamp >> 12) << 80 | _VERSION_AND_VARIANT | (stamp & 0xFFF) << 64 | random >> 2


def new_id(prefix: Prefix) -> str:
    """The prefix, ``_`` and 32 hexadecimal digits, later ones sorting after earlier ones."""
    return f"{prefix}_{new_uuid7():032x}"


def event_id(receipt_id: str, index: int = 0) -> str:
    """The id of the receipt's event number ``index`` (from 0): the same digits, counted up.

    >>> event_id("rcp_0190c0de000070008000000000000001", 1)
    'evt_0190c0de000070008000000000000002'
    """
    if index == 0:
        return f"evt_{receipt_id[4:]}"
    return f"evt_{int(receipt_id[4:], 16) + index:032x}"


def utc_text(moment: datetime) -> str:
    """An instant as the project writes it everywhere: UTC, ``Z``, microseconds only where there are some.

    >>> utc_text(datetime(2026, 5, 4, 14, 2, 11, tzinfo=UTC))
    '2026-05-04T14:02:11Z'
    """
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat()[:-6]}Z"


CANCELLABLE: Final[tuple[RunState, ...]] = ("waiting", "held", "failed")
"""States of runs that a person may give up."""


def given_up(state: str, reason: str | None) -> bool:
    """Whether a run is a dead letter that a person has given up."""
    return state == "failed" and (reason or "").startswith(CANCELLED)


def unreadable(flag: str | None) -> bool:
    """Whether this flag of an event says that it could not be read."""
    return flag is not None and flag != FORGOTTEN


def parse_utc(text: str) -> datetime:
    """The instant that `utc_text` wrote."""
    return datetime.fromisoformat(text)


class Receipt(NamedTuple):
    """What arrived at a source: one HTTP request, byte for byte.

    ``headers`` are the listed ones only (content type, user agent and the source's id headers), names in lower case.
    ``query`` holds no credentials. ``body`` is exactly what came, except that a shared key sent inside it is masked
    by asterisks of the same length. ``reason`` explains a verdict other than ``accepted``. ``events`` is how many
    events the body holds: their ids are ``event_id(id, 0..events-1)``. ``crashes``: while it waits to be read, how
    often the program may have ended over it.
    """

    id: str
    source: str
    vendor: str
    received_at: datetime
    verdict: Verdict
    path: str = ""
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    events: int = 0
    reason: str | None = None
    duplicate_of: str | None = None
    crashes: int = 0

    @property
    def event_ids(self) -> list[str]:
        return [event_id(self.id, index) for index in range(self.events)]


class Event(NamedTuple):
    """One normalized fact. CloudEvents 1.0 attributes and our extensions.

    ``data`` is the canonical object (`hooks.canonical`) as JSON values, nulls left out; ``raw`` the vendor's parsed
    body. ``flag`` says why a body that was readable could not be mapped.
    """

    id: str
    type: str
    source: str
    vendor: str
    vendor_type: str
    receipt: str
    time: datetime
    received_at: datetime
    subject: str | None
    data: Any
    raw: Any
    flag: str | None = None

    def attributes(self) -> dict[str, Any]:
        """The event as the API shows it: CloudEvents JSON with our extensions, without ``raw``."""
        shown: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "type": self.type,
            "source": self.source,
            "vendor": self.vendor,
            "vendor_type": self.vendor_type,
            "subject": self.subject,
            "time": utc_text(self.time),
            "received_at": utc_text(self.received_at),
            "receipt": self.receipt,
            "data": self.data,
        }
        if self.flag is not None:
            shown["flag"] = self.flag
        return shown

    def names(self) -> dict[str, Any]:
        """What an expression in a rule can name."""
        return {
            "id": self.id,
            "type": self.type,
            "source": self.source,
            "vendor": self.vendor,
            "time": utc_text(self.time),
            "received_at": utc_text(self.received_at),
            "subject": self.subject,
            "data": self.data,
            "raw": self.raw,
        }


@dataclass(frozen=True, slots=True)
class Request:
    """One outgoing HTTP request, rendered and without credentials: what is frozen at the intent and what is shown.

    ``path`` is below the connection's ``base_url``, already percent-encoded. ``query`` keeps order and repeats.
    ``body`` is exactly the bytes to send. A client adds credentials when it sends.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


class Answer(NamedTuple):
    """What a vendor answered: ``body`` is at most 1 MiB, ``truncated`` says that more was cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


class Exchange(NamedTuple):
    """One request that left and what came of it, for the attempt's record. ``url`` holds no credentials."""

    method: str
    url: str
    request_body: bytes | None
    status: int | None
    answer_body: bytes | None
    error: str | None
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Done:
    """A step that ended well. ``output`` is the vendor's answer without its envelope: ``steps.<id>.<field>``.

    ``adopted``: nothing was sent now, an earlier try (or somebody) had already made it.
    """

    output: Any
    adopted: bool = False
