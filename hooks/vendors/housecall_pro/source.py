"""Verify and normalize: webhooks of Housecall Pro, signed with ``Api-Signature`` over ``Api-Timestamp`` and the body.

The vendor publishes no text on its signature. The scheme is that of three open-source receivers, one of them in
production (read November 2026), and every part of it can be set otherwise. Bodies are
``{"event": name, "event_occurred_at": instant, "company_id": ..., <entity>: {...}}``; nothing but ``event`` is relied
on. No id of the delivery or the event is known in body or headers, so the body's bytes decide what is a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hooks.canonical import Appointment, Canonical, Customer, Employee, Estimate, Invoice, Job, Lead
from hooks.errors import NormalizationError
from hooks.events import Receipt
from hooks.kit.bodies import count_objects, objects, parse_json
from hooks.kit.fields import FieldError, Fields, instant, name_text
from hooks.kit.signatures import Encoding, HmacScheme, secret_bytes
from hooks.ports import Draft, EventKind, Inbound, Outcome, Reading, Reply, Source, SourceSettings
from hooks.values import Lasting, Secrets

from . import mapping, parts

_PING = {"foo": "bar"}
_PING_BYTES = 100
_UNKNOWN = "unknown"


class HousecallProSourceSettings(SourceSettings):
    """How a Housecall Pro webhook is checked. All but the secret has the default that live receivers found."""

    signing_secret: Secrets = Field(description="The signing secret of My Apps > Webhooks; two during a rotation.")
    tolerance: Lasting = Field(300.0, description="How far the timestamp may be from now, in either direction.")
    on_bad_signature: Literal["refuse", "drop"] = Field(
        "refuse",
        description="`drop` answers 200 to a bad signature: the vendor switches off addresses that refuse.",
    )
    signature_header: str = Field("Api-Signature", description="The header that carries the signature.")
    timestamp_header: str | None = Field("Api-Timestamp", description="The header that carries the Unix seconds.")
    template: str = Field("{timestamp}.{body}", description="What is signed: {timestamp}, {body}, {header:NAME}.")
    encoding: Encoding = Field("hex", description="How the signature is written: hex, base64, or auto.")
    prefix: str = Field("sha256=", description="What may stand before the signature, in either case.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.scheme()
        return self

    def scheme(self) -> HmacScheme:
        """The check these settings describe. Raises ValueError when the parts do not fit together."""
        return HmacScheme(
            secret_bytes(self.signing_secret),
            header=self.signature_header,
            template=self.template,
            encoding=self.encoding,
            prefix=self.prefix,
            timestamp_header=self.timestamp_header,
            tolerance=self.tolerance,
        )


# --- event names ---


@dataclass(frozen=True, slots=True)
class Entity:
    """An object that events carry: the keys it may stand under, the canonical model, and its reader."""

    keys: tuple[str, ...]
    model: type[Canonical]
    read: Callable[[Fields], dict[str, Any]]


_CUSTOMER = Entity(("customer",), Customer, parts.customer)
_LEAD = Entity(("lead",), Lead, mapping.lead)
_JOB = Entity(("job",), Job, mapping.job)
_APPOINTMENT = Entity(("appointment",), Appointment, mapping.appointment)
_ESTIMATE = Entity(("estimate",), Estimate, mapping.estimate)
_INVOICE = Entity(("invoice",), Invoice, mapping.invoice)
_EMPLOYEE = Entity(("employee", "pro"), Employee, parts.employee)


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of `KINDS`: ``type`` is our name of the event, ``entity`` what it carries."""

    type: str
    entity: Entity
    summary: str


KINDS: Mapping[str, Kind] = {
    "customer.created": Kind("customer.created", _CUSTOMER, "A customer was created."),
    "customer.updated": Kind("customer.updated", _CUSTOMER, "A customer was changed."),
    "customer.deleted": Kind("customer.deleted", _CUSTOMER, "A customer was deleted."),
    "lead.created": Kind("lead.created", _LEAD, "A lead came in."),
    "lead.updated": Kind("lead.updated", _LEAD, "A lead was changed."),
    "lead.converted": Kind("lead.converted", _LEAD, "A lead became a job or an estimate."),
    "lead.lost": Kind("lead.lost", _LEAD, "A lead was lost."),
    "lead.deleted": Kind("lead.deleted", _LEAD, "A lead was deleted. The vendor does not send it reliably."),
    "job.created": Kind("job.created", _JOB, "A job was created."),
    "job.updated": Kind("job.updated", _JOB, "A job was changed."),
    "job.scheduled": Kind("job.scheduled", _JOB, "A job got a time."),
    "job.on_my_way": Kind("job.on_my_way", _JOB, "The technician is on the way."),
    "job.started": Kind("job.started", _JOB, "The work began."),
    "job.completed": Kind("job.completed", _JOB, "The work was finished."),
    "job.paid": Kind("job.paid", _JOB, "A job was paid."),
    "job.canceled": Kind("job.canceled", _JOB, "A job was canceled."),
    "job.deleted": Kind("job.deleted", _JOB, "A job was deleted."),
    "job.appointment.scheduled": Kind("appointment.scheduled", _APPOINTMENT, "A visit was planned."),
    "job.appointment.rescheduled": Kind("appointment.rescheduled", _APPOINTMENT, "A visit was moved."),
    "job.appointment.appointment_discarded": Kind("appointment.discarded", _APPOINTMENT, "A visit was dropped."),
    "job.appointment.appointment_pros_assigned": Kind(
        "appointment.assigned", _APPOINTMENT, "Technicians were assigned."
    ),
    "job.appointment.appointment_pros_unassigned": Kind(
        "appointment.unassigned", _APPOINTMENT, "Technicians were taken off."
    ),
    "estimate.created": Kind("estimate.created", _ESTIMATE, "An estimate was created."),
    "estimate.updated": Kind("estimate.updated", _ESTIMATE, "An estimate was changed."),
    "estimate.scheduled": Kind("estimate.scheduled", _ESTIMATE, "The visit for an estimate got a time."),
    "estimate.on_my_way": Kind("estimate.on_my_way", _ESTIMATE, "The estimator is on the way."),
    "estimate.sent": Kind("estimate.sent", _ESTIMATE, "An estimate was sent to the customer."),
    "estimate.completed": Kind("estimate.completed", _ESTIMATE, "The visit for an estimate was finished."),
    "estimate.copy_to_job": Kind("estimate.copy_to_job", _ESTIMATE, "An estimate became a job."),
    "estimate.option.created": Kind(
        "estimate.option.created", _ESTIMATE, "An option was added. It was not sent by that."
    ),
    "estimate.option.approval_status_changed": Kind(
        "estimate.option.approval_status_changed", _ESTIMATE, "A customer answered: see options[].approval_status."
    ),
    "invoice.created": Kind("invoice.created", _INVOICE, "An invoice was created."),
    "invoice.sent": Kind("invoice.sent", _INVOICE, "An invoice was sent."),
    "invoice.paid": Kind("invoice.paid", _INVOICE, "An invoice was paid in full."),
    "invoice.amount_updated": Kind("invoice.amount_updated", _INVOICE, "The amount of an invoice changed."),
    "invoice.canceled": Kind("invoice.canceled", _INVOICE, "An invoice was canceled."),
    "invoice.voided": Kind("invoice.voided", _INVOICE, "An invoice was voided."),
    "invoice.payment.succeeded": Kind("invoice.payment.succeeded", _INVOICE, "A payment went through: see payments[]."),
    "invoice.payment.failed": Kind("invoice.payment.failed", _INVOICE, "A payment failed: see payments[]."),
    "invoice.refund.succeeded": Kind("invoice.refund.succeeded", _INVOICE, "Money was paid back."),
    "employee.created": Kind("employee.created", _EMPLOYEE, "An employee was created."),
}
"""The 41 names of the vendor's list, as they arrive. Others are ordinary: the vendor adds names without asking."""

ALIASES: Mapping[str, str] = {"pro.created": "employee.created"}
"""Names of the vendor's settings page that differ from what arrives, in case one does arrive."""

EVENT_KINDS = tuple(
    EventKind(name=kind.type, vendor_type=name, model=kind.entity.model, summary=kind.summary)
    for name, kind in KINDS.items()
)


# --- the source ---


class HousecallProSource:
    """One Housecall Pro account's webhooks."""

    def __init__(self, _name: str, settings: HousecallProSourceSettings) -> None:
        self._scheme = settings.scheme()
        self._type = settings.type
        self.paths: Mapping[str, frozenset[str]] = {"": frozenset({"POST"})}
        self.media_types = frozenset({"application/json", ""})
        self.kept_headers: frozenset[bytes] = frozenset()

    def is_ping(self, request: Inbound) -> bool:
        """The vendor posts ``{"foo":"bar"}``, unsigned, when an address is saved, and wants a 2xx for it.

        Spaces and a signature make no difference; nothing comes of a ping, so nobody gains by forging one.
        """
        if len(request.body) > _PING_BYTES:
            return False
        try:
            return bool(parse_json(request.body) == _PING)
        except NormalizationError:
            return False

    def verify(self, request: Inbound) -> None:
        self._scheme.verify(request)

    def read(self, request: Inbound) -> Reading:
        return Reading(events=count_objects(request.body))

    def normalize(self, receipt: Receipt) -> list[Draft]:
        drafts = [_draft(body) for body in objects(parse_json(receipt.body))]
        told = self._type
        # A flagged event keeps the vendor's type, so that no rule takes it for what it may not be.
        return drafts if told is None else [replace(each, type=told) if each.flag is None else each for each in drafts]

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """The usual answers. ``on_bad_signature: drop`` is the engine's: it knows nothing of a vendor's words."""
        return None


def _draft(body: dict[str, Any]) -> Draft:
    vendor_type = name_text(body.get("event"))
    if vendor_type is None:
        return Draft(_UNKNOWN, _UNKNOWN, data=body, raw=body, time=_time(body), flag="event: expected an event's name")
    kind = KINDS.get(ALIASES.get(vendor_type, vendor_type))
    if kind is None:
        return Draft(vendor_type, vendor_type, data=body, raw=body, time=_time(body))
    key = next((key for key in kind.entity.keys if body.get(key) is not None), kind.entity.keys[0])
    try:
        data = kind.entity.read(Fields(body.get(key), key))
    except FieldError as error:
        return Draft(vendor_type, vendor_type, data=body, raw=body, time=_time(body), flag=str(error))
    identity = name_text(data.get("id"))
    return Draft(
        kind.type,
        vendor_type,
        data=data,
        raw=body,
        subject=None if identity is None else f"{kind.entity.keys[0]}/{identity}",
        time=_time(body),
    )


def _time(body: dict[str, Any]) -> datetime | None:
    """When it happened. Bodies of 2023 have no time, and one document calls the field ``event_created_at``."""
    for name in ("event_occurred_at", "event_created_at"):
        try:
            found = instant(body.get(name))
        except FieldError:
            continue
        if found is not None:
            return found
    return None


_: type[Source] = HousecallProSource
