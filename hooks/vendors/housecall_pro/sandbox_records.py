"""What the stand-in for Housecall Pro knows of records: how they look, what finds them, what an event changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

from .sandbox_webhooks import COMPANY_ID

Record = dict[str, Any]
MAX_PAGE: Final = 200
_ACCOUNT: Final = {"company_name": "Summit Air", "company_id": COMPANY_ID}
_STATUS_FILTER: Final = {
    "unscheduled": ("needs scheduling",),
    "scheduled": ("scheduled",),
    "in_progress": ("in progress",),
    "completed": ("complete unrated", "complete rated"),
    "canceled": ("user canceled", "pro canceled"),
}


class Refused(Exception):
    """The request is answered with one of the vendor's error bodies."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(status))
        self.response = JSONResponse(body, status_code=status)


def missing(what: str) -> Refused:
    return Refused(404, {"error": {"message": f"{what} not found"}})


def invalid(**errors: str) -> Refused:
    return Refused(422, {"errors": {name: [told] for name, told in errors.items()}})


def wrong(status: int) -> Response:
    """A fault in the form the vendor would give it."""
    if status == 422:
        return invalid(name="is missing").response
    if status == 404:
        return missing("record").response
    return JSONResponse({"message": "sandbox fault"}, status_code=status)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def fresh() -> dict[str, list[Record]]:
    """What a company has before anybody acts."""
    people = (("pro_1", "Ana", "Silva", "office staff"), ("pro_2", "Lee", "Park", "field tech"))
    return {
        "employees": [
            {
                "id": identity,
                "first_name": first,
                "last_name": last,
                "email": f"{first.lower()}@example.org",
                "mobile_number": f"30355501{number:02}",
                "color_hex": "EF9159",
                "role": role,
                "tags": [],
                "permissions": {},
                "created_at": "2026-01-05T15:00:00Z",
                **_ACCOUNT,
            }
            for number, (identity, first, last, role) in enumerate(people, 60)
        ],
        "lead_sources": [{"id": "ls_1", "name": "Website"}],
        "tags": [{"id": "tag_1", "name": "maintenance"}],
        "job_types": [{"id": "jt_1", "name": "Service"}],
        "events": [{"id": "evt_1", "name": "Team meeting", "start_time": "2026-05-06T14:00:00Z"}],
        "material_categories": [
            {"object": "material_category", "uuid": "pbmatcat_1", "parent_uuid": None, "name": "Filters"}
        ],
        "services": [_service("pbsvc_1", "AC tune-up", 18900), _service("pbsvc_2", "Furnace tune-up", 15900)],
        "statuses": [
            {"id": f"st_{kind}_{number}", "name": name, "status_type": "open", "resource_type": kind}
            for kind in ("lead", "job", "estimate")
            for number, name in enumerate(("New", "Contacted", "Won"))
        ],
    }


def _service(identity: str, name: str, price: int) -> Record:
    none: Record = {"object": "list", "data": []}
    return {
        "object": "service",
        "uuid": identity,
        "name": name,
        "description": None,
        "task_number": None,
        "flat_rate_enabled": False,
        "service_materials": none,
        "service_labor_rates": none,
        "managed_by": None,
        "price": price,
        "cost": 4000,
        "taxable": True,
        "online_booking_enabled": False,
        "assigned_pros": none,
        "question_1": None,
        "question_2": None,
    }


# --- making ---


def customer(identity: str, given: Mapping[str, Any]) -> Record:
    texts = ("first_name", "last_name", "email", "mobile_number", "home_number", "work_number", "company")
    return {
        "id": identity,
        **{name: given.get(name) for name in (*texts, "lead_source", "notes")},
        "notifications_enabled": given.get("notifications_enabled", True),
        "tags": list(given.get("tags") or []),
        "addresses": [],
        "created_at": now(),
        "updated_at": now(),
        **_ACCOUNT,
    }


def address(identity: str, given: Mapping[str, Any]) -> Record:
    parts = ("street", "street_line_2", "city", "state", "zip", "country")
    return {"id": identity, "type": "service", **{part: given.get(part) for part in parts}}


def line(identity: str, given: Mapping[str, Any]) -> Record:
    price, quantity = given.get("unit_price") or 0, given.get("quantity", 1)
    usual = {"description": None, "unit_cost": 0, "kind": "labor", "taxable": True, "unit_price": price}
    return {**usual, **given, "id": identity, "quantity": quantity, "amount": round(price * quantity)}


def lead(identity: str, number: int, given: Mapping[str, Any], who: Record, place: Record | None) -> Record:
    return {
        "id": identity,
        "number": number,
        "customer": who,
        "address": place,
        "lead_source": given.get("lead_source"),
        "note": given.get("note"),
        "status": "open",
        "pipeline_status": "New",
        "tags": list(given.get("tags") or []),
        "assigned_employee": None,
        "conversions": [],
        "total_amount": 0,
        "lost_at": None,
        "created_at": now(),
        "updated_at": now(),
        **_ACCOUNT,
    }


def job(identity: str, given: Mapping[str, Any], who: Record, place: Record | None) -> Record:
    plan = given.get("schedule") or {}
    start = plan.get("scheduled_start")
    return {
        "id": identity,
        "invoice_number": str(given.get("invoice_number") or re.sub(r"\D", "", identity).lstrip("0")),
        "description": given.get("description"),
        "customer": who,
        "address": place,
        "notes": [{"id": f"nte_{identity}", "content": given["notes"]}] if given.get("notes") else [],
        "work_status": "scheduled" if start or plan.get("anytime") else "needs scheduling",
        "work_timestamps": {"on_my_way_at": None, "started_at": None, "completed_at": None},
        "schedule": {
            "scheduled_start": start,
            "scheduled_end": plan.get("scheduled_end"),
            "arrival_window": plan.get("arrival_window", 0),
            "appointments": [],
        },
        "total_amount": 0,
        "outstanding_balance": 0,
        "subtotal": 0,
        "assigned_employees": [],
        "tags": list(given.get("tags") or []),
        "original_estimate_id": None,
        "lead_source": given.get("lead_source"),
        "job_fields": given.get("job_fields"),
        "locked_at": None,
        "created_at": now(),
        "updated_at": now(),
        "canceled_at": None,
        "deleted_at": None,
        **_ACCOUNT,
    }


def estimate(identity: str, given: Mapping[str, Any], who: Record | None, place: Record | None) -> Record:
    plan = given.get("schedule") or {}
    return {
        "id": identity,
        "estimate_number": str(given.get("estimate_number") or re.sub(r"\D", "", identity).lstrip("0")),
        "work_status": "scheduled" if plan.get("start_time") else "needs scheduling",
        "lead_source": given.get("lead_source"),
        "customer": who,
        "address": place,
        "work_timestamps": {"on_my_way_at": None, "started_at": None, "completed_at": None},
        "schedule": {"scheduled_start": plan.get("start_time"), "scheduled_end": plan.get("end_time")},
        "assigned_employees": [],
        "options": [],
        "created_at": now(),
        "updated_at": now(),
        **_ACCOUNT,
    }


def option(identity: str, number: str, given: Mapping[str, Any], lines: list[Record]) -> Record:
    return {
        "id": identity,
        "name": given["name"],
        "option_number": number,
        "total_amount": sum(one["amount"] for one in lines),
        "approval_status": None,
        "status": "open",
        "message_from_pro": given.get("message"),
        "tags": list(given.get("tags") or []),
        "notes": [],
        "line_items": lines,
        "created_at": now(),
        "updated_at": now(),
    }


def invoice(identity: str, given: Mapping[str, Any]) -> Record:
    amount = given.get("amount") or 0
    status = given.get("status") or "open"
    return {
        "id": identity,
        "status": status,
        "invoice_number": given.get("invoice_number") or re.sub(r"\D", "", identity).lstrip("0"),
        "amount": amount,
        "subtotal": amount,
        "due_amount": 0 if status == "paid" else amount,
        "due_at": given.get("due_at"),
        "paid_at": None,
        "sent_at": None,
        "items": [],
        "taxes": [],
        "discounts": [],
        "payments": [],
        "job_id": given.get("job_id"),
        "customer_id": given.get("customer_id"),
        "created_at": now(),
    }


# --- what an event changes ---


def _stamp(name: str, status: str) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        record["work_status"] = status
        record["work_timestamps"][name] = record["work_timestamps"][name] or now()

    return change


def _set(**fields: Any) -> Callable[[Record], None]:
    """Fields to set; ``NOW`` is the time it happens."""

    def change(record: Record) -> None:
        record.update({name: now() if value == "NOW" else value for name, value in fields.items()})

    return change


def _paid(record: Record) -> None:
    record.update(status="paid", due_amount=0, paid_at=now())
    payment = {"status": "succeeded", "payment_method": "card", "amount": record["amount"], "paid_at": now()}
    record["payments"].append({**payment, "category": "customer_payment"})


EFFECTS: Final[Mapping[str, Callable[[Record], None]]] = {
    "job.scheduled": _set(work_status="scheduled"),
    "job.on_my_way": _stamp("on_my_way_at", "in progress"),
    "job.started": _stamp("started_at", "in progress"),
    "job.completed": _stamp("completed_at", "complete unrated"),
    "job.paid": _set(outstanding_balance=0),
    "job.canceled": _set(work_status="pro canceled", canceled_at="NOW"),
    "job.deleted": _set(deleted_at="NOW"),
    "lead.lost": _set(status="lost", lost_at="NOW"),
    "lead.converted": _set(status="won"),
    "estimate.on_my_way": _stamp("on_my_way_at", "in progress"),
    "estimate.completed": _stamp("completed_at", "complete unrated"),
    "invoice.sent": _set(status="sent", sent_at="NOW"),
    "invoice.paid": _paid,
    "invoice.payment.succeeded": _paid,
    "invoice.canceled": _set(status="canceled"),
    "invoice.voided": _set(status="voided"),
}


# --- listing ---


def fits(record: Mapping[str, Any], query: QueryParams) -> bool:
    """Whether a record passes the filters of a query."""
    if (text := query.get("q")) and not _found(record, text):
        return False
    who = (record.get("customer") or {}).get("id")
    if query.get("customer_id") not in (None, who, record.get("customer_id")):
        return False
    for name in ("status", "lead_source"):
        if name in query and record.get(name) not in query.getlist(name):
            return False
    states = [state for word in query.getlist("work_status") for state in _STATUS_FILTER.get(word, ())]
    if "work_status" in query and record.get("work_status") not in states:
        return False
    employees = {one["id"] for one in record.get("assigned_employees", [])}
    if "employee_ids" in query and employees.isdisjoint(query.getlist("employee_ids")):
        return False
    plan = record.get("schedule") or {}
    for name, after in (("min", True), ("max", False)):
        for end in ("start", "end"):
            bound = query.get(f"scheduled_{end}_{name}")
            planned = plan.get(f"scheduled_{end}")
            if bound and (not planned or not _in_order(bound, planned, after)):
                return False
    return True


def _in_order(bound: str, planned: str, after: bool) -> bool:
    first, second = (bound, planned) if after else (planned, bound)
    return datetime.fromisoformat(first) <= datetime.fromisoformat(second)


def _found(record: Mapping[str, Any], text: str) -> bool:
    """The vendor searches names, e-mail addresses, mobile numbers and addresses."""
    names = [f"{record.get('first_name') or ''} {record.get('last_name') or ''}", record.get("company")]
    places = [one.get("street") for one in record.get("addresses", [])]
    digits = re.sub(r"\D", "", text)
    mobile = re.sub(r"\D", "", str(record.get("mobile_number") or ""))
    if len(digits) >= 7 and mobile.endswith(digits[-10:]):
        return True
    return any(text.casefold() in str(one or "").casefold() for one in (*names, record.get("email"), *places))


def page_of(found: list[Record], plural: str, query: QueryParams) -> Record:
    """One page, newest first unless asked otherwise. Raises Refused for a page that cannot be."""
    try:
        page, size = int(query.get("page", 1)), int(query.get("page_size", 10))
    except ValueError:
        page = size = 0
    if page < 1 or not 1 <= size <= MAX_PAGE:
        raise Refused(400, {"message": "The page is out of range", "page": "must be a positive number"})
    ordered = found if query.get("sort_direction") == "asc" else found[::-1]
    first = (page - 1) * size
    return {
        "page": page,
        "page_size": size,
        "total_pages": -(-len(found) // size),
        "total_items": len(found),
        plural: ordered[first : first + size],
    }
