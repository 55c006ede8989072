"""Verify and normalize: ServiceTitan's webhooks (V2), signed with an HMAC of the body under the portal's key.

The vendor says that a hash of the payload comes in a header; the header's name, its encoding, the event names and the
bodies' shape are known second-hand only (read November 2026), so the first two can be set. Assumed is ``{"eventType",
"tenantId", "data": {...}}`` with the object as its API shows it. No id of the delivery is known: the body's bytes
decide what is a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, model_validator

from hooks.canonical import Address, Canonical, Customer, Job
from hooks.events import Receipt
from hooks.kit.bodies import count_objects, objects, parse_json
from hooks.kit.fields import (
    FieldError,
    Fields,
    emails,
    make_address,
    name_text,
    split_name,
    text,
)
from hooks.kit.phones import phone_fields
from hooks.kit.signatures import Encoding, HmacScheme, secret_bytes
from hooks.ports import Draft, EventKind, Inbound, Outcome, Reading, Reply, Source, SourceSettings
from hooks.values import Secrets

_UNKNOWN = "unknown"


class ServiceTitanSourceSettings(SourceSettings):
    """How ServiceTitan's webhooks are checked. ``type`` gives all events one type."""

    hmac_key: Secrets = Field(
        description="The HMAC key set on the app in the developer portal, 32 to 64 characters; two during a rotation."
    )
    header: str = Field("x-servicetitan-signature", description="The header that carries the signature.")
    encoding: Encoding = Field("auto", description="How the signature is written: hex, base64, or auto for either.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.scheme()
        return self

    def scheme(self) -> HmacScheme:
        """The check these settings describe. Raises ValueError when the parts do not fit together."""
        return HmacScheme(secret_bytes(self.hmac_key), header=self.header, encoding=self.encoding, prefix="sha256=")


# --- objects ---


def _address(found: Fields | None) -> Address | None:
    if found is None:
        return None
    return make_address(
        type="billing",
        street=found.text("street"),
        street_line_2=found.text("unit"),
        city=found.text("city"),
        state=found.text("state"),
        zip=found.zip("zip"),
        country=found.text("country"),
    )


def _customer(found: Fields) -> Customer:
    """``name`` is one field for people and companies, ``type`` tells which; the address is where bills go."""
    name, kind = found.text("name"), found.word("type")
    first, last = (None, None) if name is None or kind == "commercial" else split_name(name)
    contacts = [(one.word("type"), one.text("value")) for one in found.objects("contacts")]
    mobile = [value for use, value in contacts if use == "mobile_phone"]
    plain = [value for use, value in contacts if use == "phone"]
    others = [*mobile[1:], *plain[1:]]
    mail = emails([value for use, value in contacts if use == "email"])
    address = _address(found.object("address"))
    return Customer(
        id=found.text("id"),
        first_name=first,
        last_name=last,
        display_name=name,
        company=name if kind == "commercial" else None,
        customer_type=kind,
        email=mail[0] if mail else None,
        emails=mail,
        **phone_fields(next(iter(mobile), None), next(iter(plain), None), additional=others),
        addresses=[] if address is None else [address],
        address=address,
        created_at=found.instant("createdOn"),
        updated_at=found.instant("modifiedOn"),
    )


def _job(found: Fields) -> Job:
    """Tags, job type and business unit come as ids without names; they stay under ``raw``."""
    customer_id = found.text("customerId")
    return Job(
        id=found.text("id"),
        number=found.text("jobNumber"),
        description=found.text("summary"),
        customer=None if customer_id is None else Customer(id=customer_id),
        status=found.word("jobStatus", "status"),
        total_cents=found.dollars("total"),
        completed_at=found.instant("completedOn"),
        created_at=found.instant("createdOn"),
        updated_at=found.instant("modifiedOn"),
    )


@dataclass(frozen=True, slots=True)
class Entity:
    """An object that events carry: its canonical model and what reads it."""

    model: type[Canonical]
    read: Callable[[Fields], Canonical]


ENTITIES: Mapping[str, Entity] = {"customer": Entity(Customer, _customer), "job": Entity(Job, _job)}
"""By the first part of an event's name."""

KINDS: Mapping[str, str] = {
    "customer.created": "A customer was created.",
    "job.created": "A job was booked.",
    "job.updated": "A job was changed.",
    "job.completed": "A job was finished.",
}
"""The names that are known, all second-hand. Others are ordinary, and their objects are read by the same first part."""

EVENT_KINDS = tuple(
    EventKind(name, name, ENTITIES[name.partition(".")[0]].model, summary) for name, summary in KINDS.items()
)


# --- the source ---


class ServiceTitanSource:
    """One app's webhooks."""

    def __init__(self, _name: str, settings: ServiceTitanSourceSettings) -> None:
        self._scheme = settings.scheme()
        self._type = settings.type
        self.paths: Mapping[str, frozenset[str]] = {"": frozenset({"POST"})}
        self.media_types = frozenset({"application/json", ""})
        self.kept_headers: frozenset[bytes] = frozenset()

    def is_ping(self, request: Inbound) -> bool:
        """No test request is known."""
        return False

    def verify(self, request: Inbound) -> None:
        self._scheme.verify(request)

    def read(self, request: Inbound) -> Reading:
        return Reading(events=count_objects(request.body))

    def normalize(self, receipt: Receipt) -> list[Draft]:
        return [self._draft(body) for body in objects(parse_json(receipt.body))]

    def _draft(self, body: dict[str, Any]) -> Draft:
        vendor_type = name_text(body.get("eventType"))
        if vendor_type is None:
            return Draft(_UNKNOWN, _UNKNOWN, data=body, raw=body, flag="eventType: expected an event's name")
        about = vendor_type.partition(".")[0]
        entity = ENTITIES.get(about)
        if entity is None:
            return Draft(self._type or vendor_type, vendor_type, data=body, raw=body)
        try:
            data = entity.read(Fields(body.get("data"), "data")).dump()
        except FieldError as error:
            return Draft(vendor_type, vendor_type, data=body, raw=body, flag=str(error))
        identity = text(data.get("id"))
        subject = None if identity is None else name_text(f"{about}/{identity}")
        return Draft(self._type or vendor_type, vendor_type, data=data, raw=body, subject=subject)

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """The usual answers."""
        return None


_: type[Source] = ServiceTitanSource
