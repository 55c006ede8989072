"""From a recorded sample or a body of one's own to the events that its source would make of it. Stores nothing."""

from __future__ import annotations

from datetime import datetime

from hooks.cli.loading import catalogue
from hooks.errors import NormalizationError
from hooks.events import Event, Receipt, new_id
from hooks.ports import Inbound, Normalizer, Source
from hooks.rules.ruleset import SourceConfig

_KINDS = {b"{": "application/json", b"[": "application/json", b"<": "application/xml"}


class Unread(Exception):
    """The source cannot read the body; the sentence says why."""


def inbound_of(body: bytes, now: datetime) -> Inbound:
    """The body as it would come in; its first character tells what it is."""
    content_type = _KINDS.get(body.lstrip()[:1], "application/x-www-form-urlencoded")
    return Inbound("POST", "", b"", [(b"content-type", content_type.encode())], body, now)


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
