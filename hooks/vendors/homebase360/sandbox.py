"""A stand-in for Homebase360, written from its API page: keeps customers and jobs, and checks what the page demands.

Serves below ``/api/v1`` as the vendor does, so a connection's ``base_url`` ends in it. Error bodies are not documented;
``{"success": false, "error": ...}`` is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from hooks.kit.sandbox import Sandbox, fields

API_KEY = "sandbox-homebase360-key"

_PHONE = re.compile(r"(\+1[2-9]\d{9})?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CUSTOMER_FIELDS = {"firstName", "lastName", "phone", "email", "address", "notes", "tags", "notifications"}

Endpoint = Callable[[Request], Awaitable[Response]]


class _Refused(Exception):
    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


def _failure(status: int, error: str) -> Response:
    return JSONResponse({"success": False, "error": error}, status_code=status)


def _success(data: Any) -> Response:
    return JSONResponse({"success": True, "data": data})


def sandbox(*, api_key: str | None = API_KEY) -> Starlette:
    """The application. ``api_key`` None takes any key that is not empty."""
    box = Sandbox(wrong=lambda status: _failure(status, "sandbox fault"))

    def guarded(endpoint: Callable[[Request], Awaitable[Any]]) -> Endpoint:
        async def answer(request: Request) -> Response:
            given = request.headers.get("x-api-key", "")
            if not given or api_key not in (None, given):
                return _failure(401, "Invalid or missing API key")
            try:
                return _success(await endpoint(request))
            except _Refused as refused:
                return _failure(refused.status, refused.error)
            except ValueError:
                return _failure(400, "The body is not a JSON object")

        return answer

    async def ping(_: Request) -> Any:
        return {"message": "pong", "email": "office@example.org", "timestamp": _now()}

    async def get_customers(request: Request) -> Any:
        query = request.query_params
        customers = box.of("customers")
        limit = _limit(query.get("limit"), 25)
        if customer_id := query.get("customerId"):
            return [one for one in customers if one["customerId"] == customer_id]
        if not query.get("phone") and not query.get("email") and not query.get("identifiers"):
            return []
        phone, email = query.get("phone"), query.get("email", "").lower()
        identifiers = query.get("identifiers", "").split(",")
        found = [
            one
            for one in customers
            if one["customerId"] in identifiers
            or (phone and one["phone"].get("mobile") == phone)
            or (email and email in [known.lower() for known in one["email"]])
        ]
        return found[:limit]

    async def create_customer(request: Request) -> Any:
        given = await fields(request)
        _check_customer(given)
        phones = {use: number for use, number in (given.get("phone") or {}).items() if number}
        emails = [email for email in given.get("email") or [] if email]
        if not (given.get("firstName") or given.get("lastName")):
            raise _Refused(400, "firstName or lastName is required")
        if not phones and not emails:
            raise _Refused(400, "phone or email is required")
        record = {
            "customerId": f"cus{box.number():017d}",
            "businessId": "sandbox-business",
            "firstName": given.get("firstName", ""),
            "lastName": given.get("lastName", ""),
            "phone": phones,
            "email": emails,
            "address": [line for line in given.get("address") or [] if line],
            "notifications": given.get("notifications", True),
            "notes": given.get("notes", ""),
            "tags": given.get("tags", []),
            "attachments": [],
            "dateAdded": _now(),
            "lastUpdated": _now(),
        }
        box.add("customers", _named(record))
        return {"customerId": record["customerId"]}

    async def update_customer(request: Request) -> Any:
        record = _existing(box, "customers", "customerId", request)
        given = await fields(request)
        _check_customer(given)
        record.update(given, lastUpdated=_now())
        _named(record)
        return {"message": "Customer updated"}

    async def get_jobs(request: Request) -> Any:
        query = request.query_params
        jobs = box.of("jobs")
        limit = _limit(query.get("limit"), 50)
        if job_id := query.get("jobId"):
            return [job for job in jobs if job["jobId"] == job_id]
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        # A missing start means the start of today, also when only the end is given.
        first = _time("startDate", query["startDate"]) if query.get("startDate") else today
        last = (
            _time("endDate", query["endDate"]) if query.get("endDate") else today.replace(hour=23, minute=59, second=59)
        )
        return [job for job in jobs if first <= _time("start", job["start"]) <= last][:limit]

    async def create_job(request: Request) -> Any:
        given = await fields(request)
        customer = box.find("customers", "customerId", given.get("customerId"))
        if customer is None:
            raise _Refused(404, "Customer not found")
        _check_order(given.get("start"), given.get("end"))
        lines = given.get("lineItems")
        if not isinstance(lines, list) or not lines:
            raise _Refused(400, "lineItems must be a non-empty array")
        if not all(isinstance(line, dict) and line.get("name") for line in lines):
            raise _Refused(400, "each line item needs a name")
        if not all(isinstance(line.get("unitPrice"), str) for line in lines):
            raise _Refused(400, "unitPrice must be text")
        if sum(1 for source in (given.get("leadSource") or {}).values() if source) > 1:
            raise _Refused(400, "leadSource may hold only one of online, direct, other and a sales person")
        record = {
            "jobId": f"job{box.number():017d}",
            "businessId": "sandbox-business",
            "lineItems": lines,
            "start": given["start"],
            "end": given["end"],
            "dispatchedTo": [],
            "note": given.get("note", ""),
            "timezone": "America/Denver",
            "isRecurring": False,
            "estimateId": None,
            "dateAdded": _now(),
            "lastUpdated": _now(),
            "customer": customer,
            "leadSource": given.get("leadSource"),
        }
        box.add("jobs", record)
        return {"jobId": record["jobId"]}

    async def update_job(request: Request) -> Any:
        record = _existing(box, "jobs", "jobId", request)
        given = await fields(request)
        if set(given) - {"start", "end", "note"}:
            raise _Refused(400, "only start, end and note can be updated")
        _check_order(given.get("start", record["start"]), given.get("end", record["end"]))
        record.update(given, lastUpdated=_now())
        return {"message": "Job updated"}

    updates = ["PATCH", "PUT"]
    routes = [
        Route("/ping", guarded(ping)),
        Route("/customers", guarded(get_customers), methods=["GET"]),
        Route("/customers", guarded(create_customer), methods=["POST"]),
        Route("/customers", guarded(update_customer), methods=updates),
        Route("/customers/{customerId}", guarded(update_customer), methods=updates),
        Route("/jobs", guarded(get_jobs), methods=["GET"]),
        Route("/jobs", guarded(create_job), methods=["POST"]),
        Route("/jobs", guarded(update_job), methods=updates),
        Route("/jobs/{jobId}", guarded(update_job), methods=updates),
    ]
    return box.app([Mount("/api/v1", routes=routes)])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _named(record: dict[str, Any]) -> dict[str, Any]:
    record["displayName"] = f"{record['firstName']} {record['lastName']}".strip()
    return record


def _existing(box: Sandbox, kind: str, name: str, request: Request) -> dict[str, Any]:
    wanted = request.path_params.get(name) or request.query_params.get(name)
    record = box.find(kind, name, wanted)
    if record is None:
        raise _Refused(404, f"{name} not found")
    return record


def _limit(text: str | None, usual: int) -> int:
    if text is None:
        return usual
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise _Refused(400, "limit must be 1 to 100")
    return int(text)


def _check_customer(given: dict[str, Any]) -> None:
    if unknown := set(given) - _CUSTOMER_FIELDS:
        raise _Refused(400, f"unknown field {sorted(unknown)[0]}")
    phone = given.get("phone", {})
    if not isinstance(phone, dict) or set(phone) - {"mobile", "home", "work", "additional"}:
        raise _Refused(400, "phone may hold mobile, home, work and additional only")
    if not all(isinstance(number, str) and _PHONE.fullmatch(number) for number in phone.values()):
        raise _Refused(400, "phone numbers must be US/CA E.164")
    for name in ("email", "address", "tags"):
        if not isinstance(given.get(name, []), list):
            raise _Refused(400, f"{name} must be an array")
    if not all(email == "" or _EMAIL.fullmatch(str(email)) for email in given.get("email", [])):
        raise _Refused(400, "email must hold valid addresses")


def _time(name: str, text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise _Refused(400, f"{name} must be an ISO 8601 time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_order(start: object, end: object) -> None:
    if _time("end", end) <= _time("start", start):
        raise _Refused(400, "end must be after start")
