"""Verify and normalize: Supergood's webhooks about job status changes and invoice payments.

The vendor's page (read May 2026) says that there are such webhooks and nothing of their proof or shape. Assumed is
``{"id", "type", "occurred_at", "data": {...}}``; the proof is a shared key or whatever scheme `verify` describes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hooks.canonical import Canonical, Job, Payment
from hooks.events import Receipt
from hooks.kit.bodies import objects, parse_json
from hooks.kit.fields import FieldError, Fields, instant, name_text
from hooks.kit.guards import GuardedSettings
from hooks.ports import Draft, EventKind, Inbound, Outcome, Reading, Reply, Source

_UNKNOWN = "unknown"


class SupergoodSourceSettings(GuardedSettings):
    """How Supergood's webhooks are checked. ``type`` gives all events one type."""


# --- event names ---


def _job(found: Fields) -> Job:
    return Job(id=found.text("jobId", "job_id", "id"), status=found.word("status"))


def _payment(found: Fields) -> Payment:
    """``amount`` is taken as cents: the page shows no amount, and the engine it drives, Housecall Pro, counts cents."""
    return Payment(
        id=found.text("paymentId", "payment_id", "id"),
        invoice_id=found.text("invoiceId", "invoice_id"),
        amount_cents=found.cents("amount"),
        method=found.word("method"),
        status=found.word("status"),
        note=found.text("reference"),
        paid_at=found.instant("paidAt", "paid_at"),
    )


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of `KINDS`: what the event carries and what reads it. ``about`` begins the subject, whose id is ``of``."""

    model: type[Canonical]
    read: Callable[[Fields], Canonical]
    about: str
    of: str
    summary: str


KINDS: Mapping[str, Kind] = {
    "job.status_changed": Kind(Job, _job, "job", "id", "The status of a job changed."),
    "invoice.payment_recorded": Kind(Payment, _payment, "invoice", "invoice_id", "A payment of an invoice came in."),
}
"""The two things that the page says are told. Their names are assumed; others pass through."""

EVENT_KINDS = tuple(EventKind(name, name, kind.model, kind.summary) for name, kind in KINDS.items())


class SupergoodSource:
    """One deployment's webhooks."""

    def __init__(self, _name: str, settings: SupergoodSourceSettings) -> None:
        self._guard = settings.guard()
        self._type = settings.type
        self.paths: Mapping[str, frozenset[str]] = {"": frozenset({"POST"})}
        self.media_types = frozenset({"application/json", ""})
        self.kept_headers: frozenset[bytes] = frozenset()

    def is_ping(self, request: Inbound) -> bool:
        """No test request is known."""
        return False

    def verify(self, request: Inbound) -> None:
        self._guard.verify(request)

    def read(self, request: Inbound) -> Reading:
        bodies = objects(parse_json(request.body))
        ids = [identity for body in bodies if (identity := name_text(body.get("id"))) is not None]
        return Reading(events=len(bodies), key="\n".join(ids) if len(ids) == len(bodies) else None)

    def normalize(self, receipt: Receipt) -> list[Draft]:
        return [self._draft(body) for body in objects(parse_json(receipt.body))]

    def _draft(self, body: dict[str, Any]) -> Draft:
        vendor_type = name_text(body.get("type"))
        if vendor_type is None:
            flag = "type: expected an event's name"
            return Draft(_UNKNOWN, _UNKNOWN, data=body, raw=body, time=_time(body), flag=flag)
        kind = KINDS.get(vendor_type)
        if kind is None:
            return Draft(self._type or vendor_type, vendor_type, data=body, raw=body, time=_time(body))
        try:
            data = kind.read(Fields(body.get("data"), "data")).dump()
        except FieldError as error:
            return Draft(vendor_type, vendor_type, data=body, raw=body, time=_time(body), flag=str(error))
        identity = name_text(data.get(kind.of))
        subject = None if identity is None else f"{kind.about}/{identity}"
        return Draft(self._type or vendor_type, vendor_type, data=data, raw=body, subject=subject, time=_time(body))

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """The usual answers."""
        return None


def _time(body: Mapping[str, Any]) -> datetime | None:
    try:
        return instant(body.get("occurred_at"))
    except FieldError:
        return None


_: type[Source] = SupergoodSource
