"""Verify and normalize: what "Webhooks by Zapier" posts, and JobCloser's Zapier routes, which an existing Zap knows.

Zapier signs nothing: a shared key stands in the query, a header, a Basic password or the body. It sends no id of the
delivery either. An ``id`` in the body is the lead's own and comes again when the lead is sent again on purpose, so it
never decides what is a duplicate; a replayed Zap repeats its body, and the body's bytes do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hooks.canonical import Canonical, Customer, Lead
from hooks.errors import NormalizationError
from hooks.events import Receipt, event_id
from hooks.kit.bodies import MEDIA_TYPES, PARSERS, objects, parse_body, parse_text, parse_xml
from hooks.kit.fields import FieldError, name_text
from hooks.kit.masking import mask
from hooks.kit.signatures import SharedKey, keys_presented, secret_bytes
from hooks.ports import Draft, EventKind, Inbound, Outcome, Reading, Reply, Source, SourceSettings
from hooks.values import Secrets

from . import mapping
from .hooks import ZapierHooksSettings

_DECLARATION = re.compile(rb"\s*<\?xml[^>]*\?>")
_SIGN_IN = "/api/zapier/signin"
_ME = "/me"
_NAME_MISSING = "Name is required."
_NAME_UNREADABLE = "Name cannot be read."


class ZapierSourceSettings(SourceSettings):
    """How a Zap's posts are checked. ``type`` names the event that plain posts become, ``lead.created`` without it."""

    key: Secrets = Field(description="The shared key that the Zap sends; two during a rotation.")
    unavailable_status: Literal[503, 429] = Field(
        429, description="What is answered when nothing can be stored now: Zapier waits after 429 and fails after 503."
    )

    hooks: ZapierHooksSettings | None = Field(None, description="What Zaps may subscribe to; nothing without it.")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        secret_bytes(self.key)
        return self


ROUTES: Mapping[str, tuple[str, str]] = {
    "": ("post", "lead.created"),
    "/api/zapier/createlead": ("createlead", "lead.created"),
    "/api/zapier/createcustomer": ("createcustomer", "customer.created"),
}
"""Paths that take posts, the vendor's word for each, and the event it becomes. The two long ones are JobCloser's."""

EVENT_KINDS = (
    EventKind("lead.created", "post", Lead, "A Zap posted a lead."),
    EventKind("lead.created", "createlead", Lead, "A Zap made for JobCloser posted a lead."),
    EventKind("customer.created", "createcustomer", Customer, "A Zap made for JobCloser posted a customer."),
)


class ZapierSource:
    """One address that Zaps post to."""

    def __init__(self, name: str, settings: ZapierSourceSettings) -> None:
        self._name = name
        self._secrets = frozenset(secret_bytes(settings.key))
        self._key = SharedKey(tuple(self._secrets))
        self._type = settings.type
        self._open = settings.hooks is not None
        self._unavailable_status = settings.unavailable_status
        self.paths: Mapping[str, frozenset[str]] = {
            **dict.fromkeys(ROUTES, frozenset({"POST"})),
            _SIGN_IN: frozenset({"GET"}),
            _ME: frozenset({"GET"}),
        }
        self.media_types = MEDIA_TYPES
        self.kept_headers: frozenset[bytes] = frozenset()

    def is_ping(self, request: Inbound) -> bool:
        """Zapier has no test request of its own: what its editor sends is a post like any other."""
        return False

    def verify(self, request: Inbound) -> None:
        self._key.check([*keys_presented(request), *_keys_in_body(request)])

    def read(self, request: Inbound) -> Reading:
        """Raises NormalizationError also when a name is missing on JobCloser's routes, which require it."""
        content_type = request.content_type_sent
        masked = mask(request.body, content_type, self._secrets)
        try:
            found = _bodies(request.body, content_type)
            if request.path != "":
                for body in found:
                    _require_name(body)
            left = found if masked == request.body else _bodies(masked, content_type)
        except NormalizationError as error:
            raise NormalizationError(error.reason, masked=masked) from error
        if any(key in self._secrets for body in left for key in _keys_of(body)):
            raise NormalizationError("a key written so that it cannot be masked", masked=b"")
        return Reading(events=len(found), masked=None if masked == request.body else masked)

    def normalize(self, receipt: Receipt) -> list[Draft]:
        vendor_type, kind = ROUTES.get(receipt.path, ROUTES[""])
        if receipt.path == "" and self._type is not None:
            kind = self._type
        bodies = _bodies(receipt.body, receipt.headers.get("content-type", ""))
        return [_draft(body, kind, vendor_type) for body in bodies]

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """JobCloser's envelope on JobCloser's routes, so that an existing Zap needs only another host."""
        if request.path == _ME and outcome.kind == "probe":
            return Reply(200, {"name": self._name, "hooks": self._open})
        if request.path not in ROUTES.keys() - {""} | {_SIGN_IN}:
            return None
        if outcome.kind == "refused":
            return _failure(401, "The key is missing or wrong.")
        if outcome.kind == "unreadable":
            told = outcome.reason if outcome.reason in (_NAME_MISSING, _NAME_UNREADABLE) else None
            return _failure(400, told or "The body cannot be read.")
        if outcome.kind == "unavailable":
            return _failure(self._unavailable_status, "Not available now. Try again.")
        if request.path == _SIGN_IN:
            return _success(self._company())
        return _success(_records(request, outcome.receipt))

    def _company(self) -> dict[str, Any]:
        """What ``signin`` answers: a company, whose name the Zap's author sees on the connected account."""
        return {
            "Id": hashlib.sha256(self._name.encode()).hexdigest()[:32],
            "Name": self._name,
            "ShortName": self._name,
            "TimeZone": "UTC",
            "Active": True,
        }


# --- what is posted ---


def _bodies(body: bytes, content_type: str) -> list[dict[str, Any]]:
    """The objects of a body. XML may also be fields without an element around them, as Zapier's help page shows it."""
    try:
        return objects(parse_body(body, content_type))
    except NormalizationError:
        media_type = content_type.split(";", 1)[0].strip().lower()
        if not body.lstrip().startswith(b"<") or (PARSERS.get(media_type) not in (parse_xml, parse_text)):
            raise
    declaration = _DECLARATION.match(body)
    start = declaration.end() if declaration else 0
    return objects(parse_xml(body[:start] + b"<root>" + body[start:] + b"</root>"))


# --- a key in the body ---


def _keys_in_body(request: Inbound) -> Iterator[bytes]:
    """Keys in a body that can be read. One that cannot holds none, and is refused or set aside later."""
    try:
        for body in _bodies(request.body, request.content_type_sent):
            yield from _keys_of(body)
    except NormalizationError:
        return


def _keys_of(body: Mapping[str, Any]) -> Iterator[bytes]:
    for name, value in body.items():
        if name.lower() == "key" and value not in (None, ""):
            # Anything but text is nobody's key, and says so by not matching.
            yield value.encode() if isinstance(value, str) else b""


# --- events ---


def _draft(body: Mapping[str, Any], kind: str, vendor_type: str) -> Draft:
    plain = {name: value for name, value in body.items() if name.lower() != "key"}
    found = mapping.form(plain)
    entity = kind.partition(".")[0]
    time = mapping.sent_at(found)
    try:
        record: Canonical | None = None
        if entity == "lead":
            record = mapping.lead(found)
        elif entity == "customer":
            record = mapping.customer(found)
    except FieldError as error:
        return Draft(vendor_type, vendor_type, data=plain, raw=body, time=time, flag=str(error))
    data = plain if record is None else record.dump()
    identity = name_text(data.get("id"))
    subject = None if identity is None or record is None else f"{entity}/{identity}"
    return Draft(kind, vendor_type, data=data, raw=body, subject=subject, time=time)


# --- JobCloser's envelope ---


def _require_name(body: Mapping[str, Any]) -> None:
    try:
        name = mapping.full_name(mapping.form(body))
    except FieldError as error:
        raise NormalizationError(_NAME_UNREADABLE) from error
    if name is None:
        raise NormalizationError(_NAME_MISSING)


def _records(request: Inbound, receipt: Receipt | None) -> Any:
    """The records as JobCloser would show them, each with our event's id; one object for one, else a list."""
    receipt_id = None if receipt is None else receipt.duplicate_of or receipt.id
    shown: list[dict[str, Any]] = []
    for index, body in enumerate(_bodies(request.body, request.content_type_sent)):
        identity = None if receipt_id is None else event_id(receipt_id, index)
        try:
            record = mapping.jobcloser_record(mapping.form(body))
        except FieldError:
            record = {}
        shown.append({"Id": identity, **record})
    return shown[0] if len(shown) == 1 else shown


def _success(result: Any) -> Reply:
    return Reply(200, {"Success": True, "Message": "Success", "Result": result})


def _failure(status: int, message: str) -> Reply:
    return Reply(status, {"Success": False, "Message": message, "Result": None})


_: type[Source] = ZapierSource
