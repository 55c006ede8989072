"""Verify and normalize: CloudEvents 1.0 over HTTP. The format has no proof of its own, so one is configured.

``source`` and ``id`` together name an event for good (CloudEvents 1.0.2, 3.1.1), so they decide what is a duplicate; a
batch is one when it holds the same events in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StrictBool

from hooks.errors import VerificationError
from hooks.events import Receipt
from hooks.kit.fields import FieldError, instant, name_text
from hooks.kit.guards import GuardedSettings
from hooks.ports import Draft, Inbound, Outcome, Reading, Reply, Source

from .message import ATTRIBUTES, BATCH, BINARY, STRUCTURED, data_of, events

_ORIGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")
_KNOWN = ("dataref", "partitionkey", "sequence", "sequencetype", "traceparent", "tracestate")
"""Extensions that the specification's own list describes."""

Extension = Annotated[str, Field(pattern=r"^[a-z0-9]{1,40}$")]


class CloudEventsSourceSettings(GuardedSettings):
    """How a sender proves itself, and whether it may ask first. ``type`` gives all events one type."""

    handshake: StrictBool = Field(
        False, description="Whether a sender that asks with OPTIONS is told that it may post."
    )
    extensions: tuple[Extension, ...] = Field(
        (), description="Extension attributes to read from the headers of binary events, beside the well-known ones."
    )


class CloudEventsSource:
    """One address that CloudEvents are posted to."""

    def __init__(self, _name: str, settings: CloudEventsSourceSettings) -> None:
        self._guard = settings.guard()
        self._type = settings.type
        self._names = (*ATTRIBUTES, *_KNOWN, *settings.extensions)
        methods = {"POST", "OPTIONS"} if settings.handshake else {"POST"}
        self.paths: Mapping[str, frozenset[str]] = {"": frozenset(methods)}
        self.media_types = BINARY | {STRUCTURED, BATCH}
        self.kept_headers = frozenset(f"ce-{name}".encode() for name in self._names) - self._guard.credentials

    def is_ping(self, request: Inbound) -> bool:
        """There is no test event; senders that ask first do it with OPTIONS."""
        return False

    def verify(self, request: Inbound) -> None:
        """Also refuses an attribute that came in two headers."""
        self._guard.verify(request)
        attributes = [name for name, _ in request.headers if name.startswith(b"ce-")]
        if len(attributes) != len(set(attributes)):
            raise VerificationError("repeated")

    def read(self, request: Inbound) -> Reading:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        found = events(headers.get("content-type", ""), headers, request.body, self._names)
        return Reading(events=len(found), key="\n".join(f"{event['source']}\n{event['id']}" for event in found))

    def normalize(self, receipt: Receipt) -> list[Draft]:
        content_type = receipt.headers.get("content-type", "")
        return [self._draft(event) for event in events(content_type, receipt.headers, receipt.body, self._names)]

    def _draft(self, event: dict[str, Any]) -> Draft:
        time: datetime | None = None
        flag: str | None = None
        try:
            time = instant(event.get("time"))
        except FieldError as error:
            flag = f"time: {error}"
        kind: str = event["type"]
        return Draft(
            kind if flag else self._type or kind,
            kind,
            data=data_of(event),
            raw=event,
            subject=name_text(event.get("subject")),
            time=time,
            flag=flag,
        )

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """The consent that a sender asks for with OPTIONS (HTTP 1.1 Web Hooks for Event Delivery 1.0.2, 4.2).

        Without a ``WebHook-Request-Origin`` that names a host there is nobody to consent to, and the headers that
        would say yes are left out. Addresses to call back are not called.
        """
        if request.method != "OPTIONS" or outcome.kind != "probe":
            return None
        asked = {name: value.strip().decode("latin-1") for name, value in request.headers}
        origin = asked.get(b"webhook-request-origin", "")
        headers = {"allow": "POST, OPTIONS"}
        if _ORIGIN.fullmatch(origin):
            headers["webhook-allowed-origin"] = origin
            headers["webhook-allowed-rate"] = "*"
        return Reply(200, headers=headers)


_: type[Source] = CloudEventsSource
