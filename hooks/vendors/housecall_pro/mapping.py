"""Normalize: Housecall Pro's objects as canonical ones. Pure; raises `FieldError` for shapes that cannot be read.

Shapes are those seen on the wire in 2023 and 2026 (recorded by open-source receivers, read November 2026), with the
spellings of older documents as second names. Money is cents already, times are UTC, any value may be null.
"""

from __future__ import annotations

from typing import Any

from hooks.kit.fields import Fields, display_name, emails, make_address, phone_fields, text

Read = dict[str, Any]
"""A canonical object as `hooks.canonical.Canonical.dump` would give it. Each field of it is checked when it is read, so
that the object need not be checked once more; the tests hold what comes out against the models."""

_STATUS_SYNONYMS = {
    "cancelled": "canceled",
    "completed_rated": "complete_rated",
    "completed_unrated": "complete_unrated",
    "pro_cancelled": "pro_canceled",
    "unscheduled": "needs_scheduling",
    "user_cancelled": "user_canceled",
}
"""Spellings of list filters and older documents, and what the objects themselves say."""


def customer(found: Fields) -> Read:
    """``company_name`` and ``company_id`` are left alone: they are the account's own, in every object."""
    first, last, company = found.text("first_name"), found.text("last_name"), found.text("company")
    mail = found.read(emails, "email")
    addresses = [made for made in map(address, found.objects("addresses")) if made is not None]
    service = next((one for one in addresses if one.get("type") == "service"), None)
    numbers = phone_fields(found.text("mobile_number"), found.text("home_number"), found.text("work_number"))
    if numbers:
        numbers["phones"] = numbers["phones"].dump()
    return _given(
        {
            "id": found.text("id"),
            "first_name": first,
            "last_name": last,
            "display_name": display_name(first, last, company),
            "company": company,
            "customer_type": found.word("kind"),
            "email": mail[0] if mail else None,
            "emails": mail,
            **numbers,
            "addresses": addresses,
            "address": dict(service or addresses[0]) if addresses else None,
            "tags": found.texts("tags"),
            "notes": _notes(found),
            "lead_source": found.named("lead_source"),
            "notifications": found.truth("notifications_enabled"),
            "created_at": found.instant("created_at"),
            "updated_at": found.instant("updated_at"),
        }
    )


def address(found: Fields) -> Read | None:
    """None when it names no place: the vendor sends objects full of nulls."""
    made = make_address(
        id=found.text("id"),
        type=found.word("type"),
        street=found.text("street"),
        street_line_2=found.text("street_line_2"),
        city=found.text("city"),
        state=found.text("state"),
        zip=found.zip("zip"),
        country=found.text("country"),
    )
    return None if made is None else made.dump()


def employee(found: Fields) -> Read:
    first, last = found.text("first_name"), found.text("last_name")
    numbers = phone_fields(found.text("mobile_number"))
    return _given(
        {
            "id": found.text("id"),
            "first_name": first,
            "last_name": last,
            "display_name": display_name(first, last),
            "email": found.text("email"),
            "phone": numbers.get("phone"),
            "phone_valid": numbers.get("phone_valid"),
            "role": found.word("role"),
            "color": found.text("color_hex"),
            "tags": found.texts("tags"),
            "created_at": found.instant("created_at"),
        }
    )


def lead(found: Fields) -> Read:
    assigned = found.object("assigned_employee")
    return _given(
        {
            "id": found.text("id"),
            "number": found.text("number"),
            **_where(found),
            "lead_source": found.named("lead_source"),
            "status": _status(found, "status"),
            "pipeline_status": found.named("pipeline_status"),
            "note": _notes(found),
            "tags": found.texts("tags"),
            "employee": None if assigned is None else employee(assigned),
            "conversions": [
                _given({"id": one.text("id"), "type": one.word("type")}) for one in found.objects("conversions")
            ],
            "total_cents": found.cents("total_amount"),
            "lost_at": found.instant("lost_at"),
            "created_at": found.instant("created_at"),
            "updated_at": found.instant("updated_at"),
        }
    )


def job(found: Fields) -> Read:
    schedule = found.object("schedule")
    fields = found.object("job_fields")
    return _given(
        {
            "id": found.text("id"),
            "number": found.text("invoice_number"),
            "description": found.text("description"),
            **_where(found),
            "status": _status(found, "work_status"),
            "job_type": None if fields is None else fields.named("job_type"),
            "business_unit": None if fields is None else fields.named("business_unit"),
            "tags": found.texts("tags"),
            "note": _notes(found),
            "line_items": [line_item(one) for one in found.objects("line_items")],
            "total_cents": found.cents("total_amount"),
            "subtotal_cents": found.cents("subtotal"),
            "balance_cents": found.cents("outstanding_balance"),
            **_when(found),
            "appointments": [] if schedule is None else [appointment(one) for one in schedule.objects("appointments")],
            "canceled_at": found.instant("canceled_at"),
            "deleted_at": found.instant("deleted_at"),
            "employees": [employee(one) for one in found.objects("assigned_employees")],
            "estimate_id": found.text("original_estimate_id"),
            "lead_source": found.named("lead_source"),
            "created_at": found.instant("created_at"),
            "updated_at": found.instant("updated_at"),
        }
    )


def appointment(found: Fields) -> Read:
    """A discarded appointment carries only its id and the job's."""
    return _given(
        {
            "id": found.text("id"),
            "job_id": found.text("job_id"),
            "scheduled_start_at": found.instant("start_time"),
            "scheduled_end_at": found.instant("end_time"),
            "arrival_window_minutes": found.whole("arrival_window_minutes"),
            "employees": [employee(one) for one in found.objects("dispatched_employees")],
        }
    )


def estimate(found: Fields) -> Read:
    fields = found.object("estimate_fields")
    return _given(
        {
            "id": found.text("id"),
            "number": found.text("estimate_number"),
            **_where(found),
            "status": _status(found, "work_status"),
            "job_type": None if fields is None else fields.named("job_type"),
            "business_unit": None if fields is None else fields.named("business_unit"),
            "options": [option(one) for one in found.objects("options")],
            **_when(found),
            "employees": [employee(one) for one in found.objects("assigned_employees")],
            "lead_source": found.named("lead_source"),
            "created_at": found.instant("created_at"),
            "updated_at": found.instant("updated_at"),
        }
    )


def option(found: Fields) -> Read:
    return _given(
        {
            "id": found.text("id"),
            "name": found.text("name"),
            "number": found.text("option_number"),
            "total_cents": found.cents("total_amount"),
            "approval_status": found.word("approval_status"),
            "status": _status(found, "status"),
            "message": found.text("message_from_pro"),
            "tags": found.texts("tags"),
            "note": _notes(found),
            "line_items": [line_item(one) for one in found.objects("line_items")],
            "created_at": found.instant("created_at"),
            "updated_at": found.instant("updated_at"),
        }
    )


def invoice(found: Fields) -> Read:
    identity = found.text("id")
    billed = found.object("customer")
    return _given(
        {
            "id": identity,
            "number": found.text("invoice_number"),
            "status": _status(found, "status"),
            "job_id": found.text("job_id"),
            "customer_id": found.text("customer_id"),
            "customer": None if billed is None else customer(billed),
            "total_cents": found.cents("amount", "total_amount"),
            "subtotal_cents": found.cents("subtotal"),
            "balance_cents": found.cents("due_amount", "outstanding_balance"),
            "items": [line_item(one) for one in found.objects("items")],
            "taxes": [adjustment(one) for one in found.objects("taxes")],
            "discounts": [adjustment(one) for one in found.objects("discounts")],
            "payments": [payment(one, identity) for one in found.objects("payments")],
            "invoiced_at": found.instant("invoice_date"),
            "service_at": found.instant("service_date"),
            "due_at": found.instant("due_at"),
            "sent_at": found.instant("sent_at"),
            "paid_at": found.instant("paid_at"),
            "created_at": found.instant("created_at"),
            "updated_at": found.instant("updated_at"),
        }
    )


def line_item(found: Fields) -> Read:
    """Quantities come in hundredths on invoices, plain elsewhere."""
    hundredths = found.whole("qty_in_hundredths")
    quantity = found.number("quantity")
    if hundredths is not None:
        quantity = hundredths // 100 if hundredths % 100 == 0 else hundredths / 100
    return _given(
        {
            "id": found.text("id"),
            "name": found.text("name"),
            "description": found.text("description"),
            "type": found.word("type", "kind"),
            "quantity": quantity,
            "unit_price_cents": found.cents("unit_price"),
            "unit_cost_cents": found.cents("unit_cost"),
            "total_cents": found.cents("amount"),
        }
    )


def adjustment(found: Fields) -> Read:
    return _given(
        {
            "name": found.text("name"),
            "description": found.text("description"),
            "rate": found.number("rate"),
            "amount_cents": found.cents("amount"),
        }
    )


def payment(found: Fields, invoice_id: str | None = None) -> Read:
    return _given(
        {
            "id": found.text("id"),
            "invoice_id": found.text("invoice_id") or invoice_id,
            "amount_cents": found.cents("amount"),
            "method": found.word("payment_method"),
            "status": found.word("status"),
            "category": found.word("category"),
            "note": found.text("note"),
            "paid_at": found.instant("paid_at", "processed_at"),
        }
    )


def _where(found: Fields) -> dict[str, Any]:
    """For whom and where, as leads, jobs and estimates carry it."""
    who, place = found.object("customer"), found.object("address")
    return {
        "customer": None if who is None else customer(who),
        "address": None if place is None else address(place),
    }


def _when(found: Fields) -> dict[str, Any]:
    """Schedule and time stamps, which the vendor nests and we do not, as jobs and estimates carry them."""
    schedule, stamps = found.object("schedule"), found.object("work_timestamps")
    times: dict[str, Any] = {}
    if schedule is not None:
        times["scheduled_start_at"] = schedule.instant("scheduled_start")
        times["scheduled_end_at"] = schedule.instant("scheduled_end")
        times["arrival_window_minutes"] = schedule.whole("arrival_window")
    if stamps is not None:
        for name in ("on_my_way_at", "started_at", "completed_at"):
            times[name] = stamps.instant(name)
    return times


def _status(found: Fields, name: str) -> str | None:
    given = found.word(name)
    return None if given is None else _STATUS_SYNONYMS.get(given, given)


def _notes(found: Fields) -> str | None:
    """Notes are a list of ``{id, content}`` in jobs and options on the wire, a text elsewhere and in old documents."""
    return found.read(_joined_notes, "notes", "note")


def _joined_notes(value: object) -> str | None:
    if not isinstance(value, list):
        return text(value)
    notes = [text(one.get("content") if isinstance(one, dict) else one) for one in value]
    return "\n".join(note for note in notes if note) or None


def _given(fields: Read) -> Read:
    """Those that hold something: nulls are left out, empty lists stay."""
    return {name: value for name, value in fields.items() if value is not None}
