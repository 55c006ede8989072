"""From a recorded sample or a body of one's own to the events that its source would make of it. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from hooks.cli.loading import catalogue
from hooks.cli.output import plain, wrong_use
from hooks.errors import NormalizationError
from hooks.events import Event, Receipt, new_id
from hooks.kit.signatures import header_bytes
from hooks.ports import Inbound, Normalizer, Source
from hooks.rules.ruleset import SourceConfig

_KINDS: Mapping[bytes, tuple[str, ...]] = {
    b"{": ("application/cloudevents+json", "application/json"),
    b"[": ("application/cloudevents-batch+json", "application/json"),
    b"<": ("application/xml",),
}
"""What a body that begins so may be; the first that its source reads is taken."""
_FORM = ("application/x-www-form-urlencoded", "application/json")
_NONE: Mapping[str, str] = {}


class Unread(Exception):
    """The source cannot read the body; the sentence says why."""


def headers_of(given: Iterable[str]) -> dict[str, str]:
    """Headers written as ``Name: value``, names in lower case. Ends the command when one is not."""
    found: dict[str, str] = {}
    for line in given:
        name, colon, value = (part.strip() for part in line.partition(":"))
        try:
            key = header_bytes(name).decode()
        except ValueError:
            key = ""
        if not key or not colon or not value.isprintable() or not value.isascii():
            raise wrong_use(f"{plain(line)!r} is no header: write --header 'X-GitHub-Event: push'")
        found[key] = value
    return found


def content_type_of(source: SourceConfig, body: bytes, headers: Mapping[str, str] = _NONE) -> str:
    """What a body of one's own most likely is, told by its first character and by what its source reads."""
    if "content-type" in headers:
        return headers["content-type"]
    make = catalogue()[source.vendor].make_source
    read = frozenset({"application/json"}) if make is None else make(source.name, source.settings).media_types
    kinds = _KINDS.get(body.lstrip()[:1], _FORM)
    in_headers = any(name.startswith("ce-") for name in headers)
    return next((kind for kind in kinds if kind in read and not (in_headers and "cloudevents" in kind)), kinds[-1])


def inbound_of(source: SourceConfig, body: bytes, now: datetime, headers: Mapping[str, str] = _NONE) -> Inbound:
    """The body as it would come in at a source."""
    pairs = {**headers, "content-type": content_type_of(source, body, headers)}
    return Inbound("POST", "", b"", [(name.encode(), value.encode()) for name, value in pairs.items()], body, now)


def events_of(source: SourceConfig, inbound: Inbound) -> list[Event]:
    """The events of a body, as the source would make them now. Raises Unread."""
    from hooks.pipeline.normalize import normalize

    vendor = catalogue()[source.vendor]
    if vendor.built_in is not None:
        return _emitted(source, inbound, vendor.built_in.source)
    assert vendor.make_source is not None, "the loader refuses sources of vendors that have none"
    reader: Source = vendor.make_source(source.name, source.settings)
    try:
        reading = reader.read(inbound)
    except NormalizationError as error:
        raise Unread(f"the source {source.name} cannot read this body: {error.reason}") from None
    kept = {b"content-type", b"user-agent", *reader.kept_headers}
    receipt = Receipt(
        id=new_id("rcp"),
        source=source.name,
        vendor=source.vendor,
        received_at=inbound.received_at,
        verdict="accepted",
        path=inbound.path,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in inbound.headers if name in kept},
        body=inbound.body if reading.masked is None else reading.masked,
        events=reading.events,
    )
    return normalize(receipt, reader)


def is_ping(source: SourceConfig, inbound: Inbound) -> bool:
    """Whether the source takes it for its sender's test of the address, of which no event comes."""
    make = catalogue()[source.vendor].make_source
    return make is not None and make(source.name, source.settings).is_ping(inbound)


def _emitted(source: SourceConfig, inbound: Inbound, reader: Normalizer) -> list[Event]:
    """The event that a rule emits with this body: ``{type, subject, data}``."""
    from hooks.pipeline.normalize import normalize

    receipt = Receipt(
        id=new_id("rcp"),
        source=source.name,
        vendor=source.vendor,
        received_at=inbound.received_at,
        verdict="accepted",
        body=inbound.body,
        events=1,
    )
    try:
        reader.normalize(receipt)
    except (ValueError, TypeError, KeyError):
        told = f"the source {source.name} reads what rules emit: an object with type, subject and data"
        raise Unread(told) from None
    return normalize(receipt, reader)
