"""Verify and normalize: a webhook of any other sender, as its settings describe it.

Nothing is known of the body but that it can be read: an object, or a list of objects of which each becomes an event
with the object as its ``data``. ``type``, ``subject`` and the duplicate key can be read off the delivery.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from hooks.errors import NormalizationError, VerificationError
from hooks.events import Receipt
from hooks.kit.bodies import MEDIA_TYPES, count_objects, objects, parse_body, parse_json
from hooks.kit.guards import Guard, Unverified, Verify, make_guard
from hooks.kit.paths import Located, PathText, Templated
from hooks.ports import Draft, EventKind, Inbound, Outcome, Reading, Reply, Source, SourceSettings
from hooks.values import Secrets

RECEIVED = "webhook.received"
_CREDENTIALS = frozenset({b"authorization", b"proxy-authorization", b"cookie", b"x-api-key"})
_OR = ', or `unverified: "why nobody is checked"`'
_CHALLENGE = "url_verification"
_FORM = "application/x-www-form-urlencoded"
_IN_A_FIELD = frozenset({"github", "slack"})
"""Presets of senders that can put the whole JSON into the field ``payload`` of a form: GitHub's content type at first,
and Slack's for buttons and dialogues."""

EVENT_KINDS = (EventKind(RECEIVED, RECEIVED, None, "A sender posted something; `type` names it otherwise."),)


class WebhookSourceSettings(SourceSettings):
    """How a sender proves itself, and what its events are called."""

    type: Templated | None = Field(None, description="The event's type: a constant, or a text with `${raw.path}`.")
    subject: Templated | None = Field(None, description="The event's subject, such as `order/${raw.order.id}`.")
    key: Located | None = Field(
        None, description="Where the sender's own id of a delivery stands: it decides what is a duplicate."
    )
    verify: Verify | None = Field(None, description="How requests are checked: a preset's name or a scheme.")
    secret: Secrets = Field((), description="The secret of `verify`; two during a rotation.")
    unverified: Unverified = Field(None, description="Why anybody may post here, in words.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        hidden = self.guard().credentials | _CREDENTIALS
        for text in (self.type, self.subject, self.key):
            for name in sorted(() if text is None else PathText(text).headers & hidden):
                raise ValueError(f"the header {name.decode()} carries a proof, which is never stored: name another")
        return self

    def guard(self) -> Guard:
        """The check these settings describe. Raises ValueError when it is not exactly one."""
        return make_guard(self.verify, secret=self.secret, unverified=self.unverified, other=_OR)


class WebhookSource:
    """One address that a sender posts to."""

    def __init__(self, _name: str, settings: WebhookSourceSettings) -> None:
        self._guard = settings.guard()
        self._told_type = settings.type or RECEIVED
        self._type = PathText(self._told_type)
        self._subject = None if settings.subject is None else PathText(settings.subject)
        self._key = None if settings.key is None else PathText(settings.key)
        self._challenged = settings.verify == "slack"
        self._in_a_field = settings.verify in _IN_A_FIELD
        named = [text.headers for text in (self._type, self._subject, self._key) if text is not None]
        self.paths: Mapping[str, frozenset[str]] = {"": frozenset({"POST"})}
        self.media_types = MEDIA_TYPES
        self.kept_headers: frozenset[bytes] = frozenset().union(*named)

    def is_ping(self, request: Inbound) -> bool:
        """Slack's signed challenge, which wants its own text back before the address is saved."""
        if not self._challenged or self._challenge(request) is None:
            return False
        try:
            self.verify(request)
        except VerificationError:
            return False
        return True

    def _challenge(self, request: Inbound) -> str | None:
        if _CHALLENGE.encode() not in request.body:
            return None
        try:
            body = parse_json(request.body)
        except NormalizationError:
            return None
        told = body.get("challenge") if isinstance(body, dict) and body.get("type") == _CHALLENGE else None
        return told if isinstance(told, str) else None

    def verify(self, request: Inbound) -> None:
        """Also refuses a header that the settings read and that came twice."""
        self._guard.verify(request)
        for name in self.kept_headers:
            request.header(name)

    def read(self, request: Inbound) -> Reading:
        content_type = request.content_type_sent
        if self._key is None and not (self._in_a_field and request.content_type == _FORM):
            return Reading(events=count_objects(request.body, content_type))
        bodies = self._objects(request.body, content_type)
        if self._key is None:
            return Reading(events=len(bodies))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        keys = [self._key.read(body, headers) for body in bodies]
        known = [key for key in keys if key is not None]
        return Reading(events=len(bodies), key="\n".join(known) if len(known) == len(keys) else None)

    def normalize(self, receipt: Receipt) -> list[Draft]:
        bodies = self._objects(receipt.body, receipt.headers.get("content-type", ""))
        return [self._draft(body, receipt.headers) for body in bodies]

    def _objects(self, body: bytes, content_type: str) -> list[dict[str, Any]]:
        parsed = parse_body(body, content_type)
        if self._in_a_field and isinstance(parsed, dict) and parsed.keys() == {"payload"}:
            try:
                return objects(parse_json(str(parsed["payload"]).encode()))
            except (NormalizationError, UnicodeEncodeError):
                pass  # a field of that name is no promise
        return objects(parsed)

    def _draft(self, body: dict[str, Any], headers: Mapping[str, str]) -> Draft:
        kind = self._type.read(body, headers)
        subject = None if self._subject is None else self._subject.read(body, headers)
        flag = None if kind is not None else f"type: {self._told_type} gave no name"
        kind = kind or RECEIVED
        return Draft(kind, kind, data=body, raw=body, subject=subject, flag=flag)

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """The usual answers, but for Slack's challenge."""
        return Reply(200, {"challenge": self._challenge(request)}) if outcome.kind == "ping" else None


_: type[Source] = WebhookSource
