"""Verify and normalize: deliveries as the Standard Webhooks specification 1.0.0 says (read November 2026).

``webhook-signature`` holds signatures parted by blanks, each a version, a comma and base64; version ``v1`` is the
HMAC-SHA256 of ``webhook-id``, ``webhook-timestamp`` and the body, joined by full stops, under a secret that is itself
base64. Other versions (``v1a``, public keys) are passed over. The signed ``webhook-id`` is the same over all tries of
a delivery and decides what is a duplicate.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator

from hooks.errors import VerificationError
from hooks.events import Receipt
from hooks.kit.bodies import count_objects, objects, parse_json
from hooks.kit.fields import FieldError, instant, name_text
from hooks.kit.guards import MAX_SIGNATURES
from hooks.kit.signatures import check_signature, check_timestamp
from hooks.ports import Draft, Inbound, Outcome, Reading, Reply, Source, SourceSettings
from hooks.values import Lasting, Secrets

RECEIVED = "standard_webhooks.received"
"""The type of an event whose body does not name one."""


def decode_secret(secret: SecretStr) -> bytes:
    """The key of a secret, with or without ``whsec_`` before it. Raises ValueError, for people, without the secret."""
    try:
        key = binascii.a2b_base64(secret.get_secret_value().strip().removeprefix("whsec_"), strict_mode=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError("a secret is whsec_ and base64, as its sender shows it: this one is not")
    return key


class StandardWebhooksSourceSettings(SourceSettings):
    """How a delivery is checked. ``type`` gives all events one type instead of the body's."""

    secret: Secrets = Field(description="The secret, `whsec_` and base64; two during a rotation.")
    tolerance: Lasting = Field(300.0, description="How far the timestamp may be from now, in either direction.")
    header_prefix: Literal["webhook", "svix"] = Field(
        "webhook", description="How the three headers begin; senders older than the specification say `svix`."
    )

    @model_validator(mode="after")
    def _has_keys(self) -> Self:
        self.keys()
        return self

    def keys(self) -> tuple[bytes, ...]:
        """The decoded secrets. Raises ValueError when there is none or one is not base64."""
        if not self.secret:
            raise ValueError("`secret` is an empty list")
        return tuple(decode_secret(secret) for secret in self.secret)


class StandardWebhooksSource:
    """One endpoint of a sender."""

    def __init__(self, _name: str, settings: StandardWebhooksSourceSettings) -> None:
        self._keys = settings.keys()
        self._tolerance = settings.tolerance
        self._type = settings.type
        prefix = settings.header_prefix.encode()
        self._id = prefix + b"-id"
        self._timestamp = prefix + b"-timestamp"
        self._signature = prefix + b"-signature"
        self.paths: Mapping[str, frozenset[str]] = {"": frozenset({"POST"})}
        self.media_types = frozenset({"application/json", ""})
        self.kept_headers = frozenset({self._id})

    def is_ping(self, request: Inbound) -> bool:
        """The specification has no test request."""
        return False

    def verify(self, request: Inbound) -> None:
        identity = request.header(self._id)
        timestamp = request.header(self._timestamp)
        signatures = request.header(self._signature)
        if not identity or not timestamp or not signatures:
            raise VerificationError("missing")
        check_timestamp(timestamp, request.received_at.timestamp(), self._tolerance)
        versions = [part.partition(b",") for part in signatures.split()]
        given = [signature for version, _, signature in versions if version == b"v1"]
        if len(given) > MAX_SIGNATURES:
            raise VerificationError("malformed")
        message = b".".join((identity, timestamp, request.body))
        check_signature(given, self._keys, message, encoding="base64")

    def read(self, request: Inbound) -> Reading:
        identity = next((value.strip() for name, value in request.headers if name == self._id), b"")
        key = identity.decode("latin-1") or None
        return Reading(events=count_objects(request.body), key=key)

    def normalize(self, receipt: Receipt) -> list[Draft]:
        return [self._draft(body) for body in objects(parse_json(receipt.body))]

    def _draft(self, body: dict[str, Any]) -> Draft:
        named = name_text(body.get("type"))
        flag = None if named or self._type else "type: expected an event's name"
        time = None
        try:
            time = instant(body.get("timestamp"))
        except FieldError as error:
            flag = flag or f"timestamp: {error}"
        kind = named or RECEIVED
        data = body["data"] if body.get("data") is not None else body
        # A flagged event keeps the sender's type, so that no rule takes it for what it may not be.
        return Draft(kind if flag else self._type or kind, kind, data=data, raw=body, time=time, flag=flag)

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """The usual answers: the specification wants no more than a 2xx."""
        return None


_: type[Source] = StandardWebhooksSource
