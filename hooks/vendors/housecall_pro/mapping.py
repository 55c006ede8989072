"""Normalize: Housecall Pro's objects as canonical ones. Pure; raises `FieldError` for shapes that cannot be read.

Shapes are those seen on the wire in 2023 and 2026 (recorded by open-source receivers, read November 2026), with the
spellings of older documents as second names. Money is cents already, times are UTC, any value may be null.
"""

from __future__ import annotations

from hooks.kit.fields import Fields, Table, cents, instant_text, named, number, text, texts, whole, word

from .parts import Read, address, customer, employee, line_item, notes

_STATUS_SYNONYMS = {
    "cancelled": "canceled",
    "completed_rated": "complete_rated",
    "completed_unrated": "complete_unrated",
    "pro_cancelled": "pro_canceled",
    "unscheduled": "needs_scheduling",
    "user_cancelled": "user_canceled",
}
"""Spellings of list filters and older documents, and what the objects themselves say."""


def _status(value: object) -> str | None:
    given = word(value)
    return None if given is None else _STATUS_SYNONYMS.get(given, given)


# --- work ---

_LEAD = Table(
    ("id", text),
    ("number", text),
    ("customer", None),
    ("address", None),
    ("lead_source", named),
    ("status", _status),
    ("pipeline_status", named),
    ("note", notes, "notes", "note"),
    ("tags", texts),
    ("employee", None),
    ("conversions", None),
    ("total_cents", cents, "total_amount"),
    ("lost_at", instant_text),
    ("created_at", instant_text),
    ("updated_at", instant_text),
)
_CONVERSION = Table(("id", text), ("type", word))


def lead(found: Fields) -> Read:
    assigned = found.object("assigned_employee")
    return found.given(
        _LEAD,
        {
            **_where(found),
            "employee": None if assigned is None else employee(assigned),
            "conversions": [one.given(_CONVERSION) for one in found.objects("conversions")],
        },
    )


_JOB = Table(
    ("id", text),
    ("number", text, "invoice_number"),
    ("description", text),
    ("customer", None),
    ("address", None),
    ("status", _status, "work_status"),
    ("job_type", None),
    ("business_unit", None),
    ("tags", texts),
    ("note", notes, "notes", "note"),
    ("line_items", None),
    ("total_cents", cents, "total_amount"),
    ("subtotal_cents", cents, "subtotal"),
    ("balance_cents", cents, "outstanding_balance"),
    ("scheduled_start_at", None),
    ("scheduled_end_at", None),
    ("arrival_window_minutes", None),
    ("on_my_way_at", None),
    ("started_at", None),
    ("completed_at", None),
    ("appointments", None),
    ("canceled_at", instant_text),
    ("deleted_at", instant_text),
    ("employees", None),
    ("estimate_id", text, "original_estimate_id"),
    ("lead_source", named),
    ("created_at", instant_text),
    ("updated_at", instant_text),
)


def job(found: Fields) -> Read:
    schedule = found.object("schedule")
    return found.given(
        _JOB,
        {
            **_where(found),
            **_kind(found, "job_fields"),
            "line_items": [line_item(one) for one in found.objects("line_items")],
            **_when(found),
            "appointments": [] if schedule is None else [appointment(one) for one in schedule.objects("appointments")],
            "employees": [employee(one) for one in found.objects("assigned_employees")],
        },
    )


_APPOINTMENT = Table(
    ("id", text),
    ("job_id", text),
    ("scheduled_start_at", instant_text, "start_time"),
    ("scheduled_end_at", instant_text, "end_time"),
    ("arrival_window_minutes", whole),
    ("employees", None),
)


def appointment(found: Fields) -> Read:
    """A discarded appointment carries only its id and the job's."""
    return found.given(_APPOINTMENT, {"employees": [employee(one) for one in found.objects("dispatched_employees")]})


_ESTIMATE = Table(
    ("id", text),
    ("number", text, "estimate_number"),
    ("customer", None),
    ("address", None),
    ("status", _status, "work_status"),
    ("job_type", None),
    ("business_unit", None),
    ("options", None),
    ("scheduled_start_at", None),
    ("scheduled_end_at", None),
    ("arrival_window_minutes", None),
    ("on_my_way_at", None),
    ("started_at", None),
    ("completed_at", None),
    ("employees", None),
    ("lead_source", named),
    ("created_at", instant_text),
    ("updated_at", instant_text),
)


def estimate(found: Fields) -> Read:
    return found.given(
        _ESTIMATE,
        {
            **_where(found),
            **_kind(found, "estimate_fields"),
            "options": [option(one) for one in found.objects("options")],
            **_when(found),
            "employees": [employee(one) for one in found.objects("assigned_employees")],
        },
    )


_OPTION = Table(
    ("id", text),
    ("name", text),
    ("number", text, "option_number"),
    ("total_cents", cents, "total_amount"),
    ("approval_status", word),
    ("status", _status),
    ("message", text, "message_from_pro"),
    ("tags", texts),
    ("note", notes, "notes", "note"),
    ("line_items", None),
    ("created_at", instant_text),
    ("updated_at", instant_text),
)


def option(found: Fields) -> Read:
    return found.given(_OPTION, {"line_items": [line_item(one) for one in found.objects("line_items")]})


# --- money ---

_INVOICE = Table(
    ("id", text),
    ("number", text, "invoice_number"),
    ("status", _status),
    ("job_id", text),
    ("customer_id", text),
    ("customer", None),
    ("total_cents", cents, "amount", "total_amount"),
    ("subtotal_cents", cents, "subtotal"),
    ("balance_cents", cents, "due_amount", "outstanding_balance"),
    ("items", None),
    ("taxes", None),
    ("discounts", None),
    ("payments", None),
    ("invoiced_at", instant_text, "invoice_date"),
    ("service_at", instant_text, "service_date"),
    ("due_at", instant_text),
    ("sent_at", instant_text),
    ("paid_at", instant_text),
    ("created_at", instant_text),
    ("updated_at", instant_text),
)


def invoice(found: Fields) -> Read:
    identity = found.text("id")
    billed = found.object("customer")
    return found.given(
        _INVOICE,
        {
            "customer": None if billed is None else customer(billed),
            "items": [line_item(one) for one in found.objects("items")],
            "taxes": [one.given(_ADJUSTMENT) for one in found.objects("taxes")],
            "discounts": [one.given(_ADJUSTMENT) for one in found.objects("discounts")],
            "payments": [payment(one, identity) for one in found.objects("payments")],
        },
    )


_ADJUSTMENT = Table(
    ("name", text),
    ("description", text),
    ("rate", number),
    ("amount_cents", cents, "amount"),
)

_PAYMENT = Table(
    ("id", text),
    ("invoice_id", None),
    ("amount_cents", cents, "amount"),
    ("method", word, "payment_method"),
    ("status", word),
    ("category", word),
    ("note", text),
    ("paid_at", instant_text, "paid_at", "processed_at"),
)


def payment(found: Fields, invoice_id: str | None = None) -> Read:
    return found.given(_PAYMENT, {"invoice_id": found.text("invoice_id") or invoice_id})


# --- what several of them carry ---


def _where(found: Fields) -> Read:
    """For whom and where, as leads, jobs and estimates carry it."""
    who, place = found.object("customer"), found.object("address")
    return {
        "customer": None if who is None else customer(who),
        "address": None if place is None else address(place),
    }


_KIND = Table(("job_type", named), ("business_unit", named))


def _kind(found: Fields, name: str) -> Read:
    """What sort of work it is, as jobs and estimates carry it."""
    fields = found.object(name)
    return {} if fields is None else fields.given(_KIND)


_SCHEDULE = Table(
    ("scheduled_start_at", instant_text, "scheduled_start"),
    ("scheduled_end_at", instant_text, "scheduled_end"),
    ("arrival_window_minutes", whole, "arrival_window"),
)
_STAMPS = Table(("on_my_way_at", instant_text), ("started_at", instant_text), ("completed_at", instant_text))


def _when(found: Fields) -> Read:
    """Schedule and time stamps, which the vendor nests and we do not, as jobs and estimates carry them."""
    schedule, stamps = found.object("schedule"), found.object("work_timestamps")
    return {
        **({} if schedule is None else schedule.given(_SCHEDULE)),
        **({} if stamps is None else stamps.given(_STAMPS)),
    }
