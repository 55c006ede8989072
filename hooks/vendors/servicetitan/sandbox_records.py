"""What the stand-in for ServiceTitan knows of its records: what they need, how they begin, which filters find them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

Record = dict[str, Any]

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "bookings": ("source", "name", "summary", "isFirstTimeClient", "externalId"),
    "customers": ("name", "locations", "address"),
    "contacts": ("type", "value"),
    "locations": ("customerId", "name", "address"),
    "jobs": ("customerId", "locationId", "businessUnitId", "jobTypeId", "priority", "campaignId", "appointments"),
    "appointments": ("jobId", "start", "end"),
    "projects": ("locationId",),
    "equipment": ("locationId",),
    "invoices": ("adjustmentToId",),
    "items": ("description", "quantity"),
    "payments": ("typeId", "splits"),
    "technicians": ("name", "accountCreationMethod", "roleId", "positions", "licenseType"),
    "cancellations": ("reasonId", "memo"),
    "assignments": ("jobAppointmentId", "technicianIds"),
    "fields": ("operations",),
}
WORDS: Final[Mapping[str, frozenset[str]]] = {
    "customerType": frozenset({"Residential", "Commercial"}),
    "priority": frozenset({"Low", "Normal", "High", "Urgent"}),
    "accountCreationMethod": frozenset({"CreateLater", "SendInvite", "AssignLoginAndPassword"}),
    "licenseType": frozenset({"NonManagedTech", "ManagedTech", "ManagedInstaller"}),
    "royaltyStatus": frozenset({"Pending", "Sent", "Failed"}),
}
EXISTING: Final[Mapping[str, str]] = {
    "customerId": "customers",
    "locationId": "locations",
    "jobId": "jobs",
    "adjustmentToId": "invoices",
    "jobAppointmentId": "appointments",
    "reasonId": "reasons",
}
"""Fields that must name a record that is there."""
_ADDRESS: Final = ("street", "city", "state", "zip", "country")
_DATES: Final = {
    "createdOnOrAfter": ("createdOn", True),
    "createdBefore": ("createdOn", False),
    "modifiedOnOrAfter": ("modifiedOn", True),
    "modifiedBefore": ("modifiedOn", False),
    "startsOnOrAfter": ("start", True),
    "startsBefore": ("start", False),
}
_LISTS: Final = {"ids": "id", "appointmentIds": "appointmentId", "locationIds": "locationId", "userIds": "userId"}
_PLAIN: Final = {
    *("externalId", "customerId", "locationId", "jobId", "projectId", "bookingId", "jobStatus", "jobTypeId"),
    *("businessUnitId", "campaignId", "technicianId", "status", "adjustmentToId", "employeeType", "priority"),
}
_RENAMED: Final = {"number": ("jobNumber", "appointmentNumber", "referenceNumber", "number")}


class Refused(Exception):
    """The request is answered with a problem document."""

    def __init__(self, status: int, title: str, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(title)
        self.response = problem(status, title, errors)


def problem(status: int, title: str, errors: Mapping[str, list[str]] | None = None) -> Response:
    """The vendor's form of an error."""
    return JSONResponse(
        {
            "type": "https://example.invalid/problem",
            "title": title,
            "status": status,
            "traceId": "00-sandbox",
            "errors": dict(errors or {}),
            "data": {},
        },
        status_code=status,
        media_type="application/problem+json",
    )


def invalid(errors: Mapping[str, list[str]]) -> Refused:
    return Refused(400, "One or more validation errors occurred.", errors)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def fresh() -> dict[str, list[Record]]:
    """What a tenant has before anybody acts: who works there, and one invoice that can be adjusted."""
    made = {"createdOn": "2026-01-05T15:00:00Z", "modifiedOn": "2026-01-05T15:00:00Z", "active": True}
    names = ("Lee Park", "Ana Silva")
    return {
        "units": [{"id": 11, "name": "HVAC", "officialName": "HVAC Service", **made}],
        "roles": [{"id": 7, "name": "Technician", "employeeType": "Technician", **made}],
        "reasons": [{"id": 21, "name": "Customer called off", **made}],
        "technicians": [
            {"id": 501 + number, "userId": 601 + number, "name": name, "roleIds": [7], **made}
            for number, name in enumerate(names)
        ],
        "invoices": [
            {"id": 701, "referenceNumber": "1207", "total": "189.00", "balance": "189.00", "items": [], **made}
        ],
    }


# --- checks ---


def check(
    kind: str, given: Mapping[str, Any], exists: Callable[[str, object], bool], *, changing: bool = False
) -> None:
    """Refuse with 400, by field, what lacks a required field, an address's parts, or names what is not there."""
    errors = {
        name: [f"The {name} field is required."]
        for name in (() if changing else REQUIRED[kind])
        if given.get(name) in (None, "", [])
    }
    for name, words in WORDS.items():
        if given.get(name) is not None and given[name] not in words:
            errors[name] = [f"The value '{given[name]}' is not valid for {name}."]
    for name, other in EXISTING.items():
        if isinstance(given.get(name), int) and not exists(other, given[name]):
            errors[name] = [f"{name} {given[name]} does not exist."]
    for name in ("name", "summary", "memo"):
        if given.get(name) is not None and not isinstance(given[name], str):
            errors[name] = [f"The {name} field must be text."]
    address = given.get("address")
    if isinstance(address, Mapping):
        errors |= {f"address.{part}": ["is required."] for part in _ADDRESS if not address.get(part)}
    if errors:
        raise invalid(errors)


# --- listing ---


def digits(text: object) -> str:
    return re.sub(r"\D", "", str(text))[-10:]


def fits(record: Mapping[str, Any], query: QueryParams, reach: Callable[[object], Iterable[str]]) -> bool:
    """Whether a record passes the filters of a query; ``reach`` gives the numbers of the customer of an id."""
    for name, value in query.items():
        if name in _PLAIN and str(record.get(name)) != value:
            return False
        if name in _LISTS and str(record.get(_LISTS[name])) not in value.split(","):
            return False
        if name in _RENAMED and value not in {str(record.get(key)) for key in _RENAMED[name]}:
            return False
        if name == "name" and value.casefold() not in str(record.get("name", "")).casefold():
            return False
        if name in (*_ADDRESS, "unit") and value.casefold() != str(record.get("address", {}).get(name)).casefold():
            return False
        if name == "phone" and digits(value) not in map(digits, reach(record.get("id"))):
            return False
        if name == "appliedToInvoiceIds":
            paid = {str(split.get("invoiceId")) for split in record.get("splits", [])}
            if paid.isdisjoint(value.split(",")):
                return False
        if name in _DATES:
            key, after = _DATES[name]
            if (_time(record.get(key)) >= _time(value)) != after:
                return False
    active = query.get("active", query.get("activeState", "True"))
    if active != "Any" and str(record.get("active", True)) != active:
        return False
    return _carries(record, query)


def _time(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _carries(record: Mapping[str, Any], query: QueryParams) -> bool:
    if "externalDataKey" not in query:
        return True
    values = query.get("externalDataValues", "").split(",")
    pairs = [(one["key"], one["value"]) for one in record.get("externalData", [])]
    return any(key == query["externalDataKey"] and value in values for key, value in pairs)


def page_of(found: list[Record], query: QueryParams) -> dict[str, Any]:
    """One page of the records, sorted as asked. Raises Refused for a page that cannot be."""
    try:
        page, size = int(query.get("page", 1)), int(query.get("pageSize", 50))
    except ValueError:
        page = size = 0
    if page < 1 or not 1 <= size <= 5000:
        raise invalid({"page": ["page or pageSize is out of range."]})
    if len(query.get("ids", "").split(",")) > 50:
        raise invalid({"ids": ["at most 50 ids."]})
    sort = re.fullmatch(r"([+-])(\w+)", query.get("sort", "+Id"))
    if sort is None:
        raise invalid({"sort": ["write +Field or -Field."]})
    key = sort[2][0].lower() + sort[2][1:]
    found = sorted(found, key=lambda record: str(record.get(key, "")).zfill(40), reverse=sort[1] == "-")
    first = (page - 1) * size
    return {
        "page": page,
        "pageSize": size,
        "hasMore": len(found) > first + size,
        "totalCount": len(found) if query.get("includeTotal", "").lower() == "true" else None,
        "data": list(itertools.islice(found, first, first + size)),
    }
