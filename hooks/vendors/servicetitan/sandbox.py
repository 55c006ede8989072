"""A stand-in for ServiceTitan, written from its API descriptions: tokens, bookings, customers, locations and jobs.

The token address is ``/connect/token`` of the same application, so ``auth_url`` is ``<address>/connect/token`` and
``base_url`` is ``<address>``. Refusals are the vendor's problem documents, errors by field.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hooks.kit.sandbox import Sandbox, fields

APP_KEY = "sandbox-app-key"
CLIENT_ID = "sandbox-client-id"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - a demonstration value that opens nothing

_TENANT = "/v2/tenant/{tenant:int}"
_BOOKINGS = "/crm" + _TENANT + "/booking-provider/{provider:int}/bookings"
_REQUIRED = {
    "bookings": ("source", "name", "summary", "isFirstTimeClient", "externalId"),
    "customers": ("name", "locations", "address"),
    "locations": ("customerId", "name", "address"),
    "jobs": ("customerId", "locationId", "businessUnitId", "jobTypeId", "priority", "campaignId", "appointments"),
}
_FILTERS = ("externalId", "name", "customerId", "locationId", "bookingId", "jobStatus", "phone", "jobTypeId")


class _Refused(Exception):
    def __init__(self, status: int, title: str, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(title)
        self.response = _problem(status, title, errors)


def _problem(status: int, title: str, errors: Mapping[str, list[str]] | None = None) -> Response:
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


def sandbox(*, token_seconds: float = 900.0, any_credentials: bool = False) -> Starlette:
    """The application. ``any_credentials`` takes any that are not empty; tokens are good for ``token_seconds``."""
    tokens: dict[str, float] = {}
    box = Sandbox(expire_tokens=tokens.clear, wrong=lambda status: _problem(status, "sandbox fault"))

    def known(given: object, expected: str) -> bool:
        return given == expected or (any_credentials and bool(given))

    async def token(request: Request) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0]
        if content_type != "application/x-www-form-urlencoded":
            return JSONResponse({"error": "invalid_request"}, status_code=400)
        given = await fields(request)
        if given.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
        if not known(given.get("client_id"), CLIENT_ID) or not known(given.get("client_secret"), CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, status_code=400)
        made = secrets.token_urlsafe(32)
        tokens[made] = time.monotonic() + token_seconds
        return JSONResponse({"access_token": made, "expires_in": token_seconds, "token_type": "Bearer"})

    def guarded(endpoint: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            # The vendor takes the token with and without the word Bearer.
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if tokens.get(given, 0.0) <= time.monotonic() or not known(request.headers.get("st-app-key"), APP_KEY):
                return Response("Unauthorized", status_code=401)
            try:
                return JSONResponse(await endpoint(request))
            except _Refused as refused:
                return refused.response
            except ValueError:
                return _problem(400, "The body is not a JSON object.")

        return answer

    def creator(kind: str) -> Callable[[Request], Awaitable[Any]]:
        async def create(request: Request) -> Any:
            given = await fields(request)
            _check(kind, given, box)
            return box.add(kind, _MADE[kind](box, given, request))

        return create

    def getter(kind: str) -> Callable[[Request], Awaitable[Any]]:
        async def get(request: Request) -> Any:
            record = box.find(kind, "id", request.path_params["id"])
            if record is None or not _same_provider(record, request):
                raise _Refused(404, "The record was not found.")
            return record

        return get

    def lister(kind: str) -> Callable[[Request], Awaitable[Any]]:
        async def listing(request: Request) -> Any:
            found = [record for record in box.of(kind) if _same_provider(record, request) and _fits(record, request)]
            return _page(found, request)

        return listing

    routes = [Route("/connect/token", token, methods=["POST"])]
    for kind, path in (
        ("bookings", _BOOKINGS),
        ("customers", "/crm" + _TENANT + "/customers"),
        ("locations", "/crm" + _TENANT + "/locations"),
        ("jobs", "/jpm" + _TENANT + "/jobs"),
    ):
        routes += [
            Route(path, guarded(lister(kind)), methods=["GET"]),
            Route(path, guarded(creator(kind)), methods=["POST"]),
            Route(path + "/{id:int}", guarded(getter(kind)), methods=["GET"]),
        ]
    return box.app(routes)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# --- making ---


def _check(kind: str, given: dict[str, Any], box: Sandbox) -> None:
    errors = {name: [f"The {name} field is required."] for name in _REQUIRED[kind] if given.get(name) in (None, "", [])}
    for name in ("customerId", "locationId"):
        if isinstance(given.get(name), int) and box.find(name.removesuffix("Id") + "s", "id", given[name]) is None:
            errors[name] = [f"{name} {given[name]} does not exist."]
    if errors:
        raise _Refused(400, "One or more validation errors occurred.", errors)


def _booking(box: Sandbox, given: dict[str, Any], request: Request) -> dict[str, Any]:
    shown = {name: value for name, value in given.items() if name != "contacts"}
    ids = {"id": 1000 + box.number(), "bookingProviderId": request.path_params["provider"]}
    return {**shown, **ids, "status": "New", "createdOn": _now(), "modifiedOn": _now(), "jobId": None}


def _customer(box: Sandbox, given: dict[str, Any], request: Request) -> dict[str, Any]:
    record = _record(box, given, request)
    places = [_record(box, {**place, "customerId": record["id"]}, request) for place in given["locations"]]
    for place in places:
        box.add("locations", place)
    return {**record, "balance": 0, "locations": places, "contacts": given.get("contacts", [])}


def _record(box: Sandbox, given: dict[str, Any], _: Request) -> dict[str, Any]:
    kept = given.get("externalData") or {}
    times = {"createdOn": _now(), "modifiedOn": _now()}
    return {**given, "id": 1000 + box.number(), "active": True, **times, "externalData": kept.get("externalData", [])}


def _job(box: Sandbox, given: dict[str, Any], request: Request) -> dict[str, Any]:
    visits = [box.add("appointments", {**visit, "id": 1000 + box.number()}) for visit in given["appointments"]]
    record = _record(box, {name: value for name, value in given.items() if name != "appointments"}, request)
    return {
        **record,
        "jobNumber": str(record["id"]),
        "jobStatus": "Scheduled",
        "appointmentCount": len(visits),
        "firstAppointmentId": visits[0]["id"],
        "lastAppointmentId": visits[-1]["id"],
    }


_MADE: dict[str, Callable[[Sandbox, dict[str, Any], Request], dict[str, Any]]] = {
    "bookings": _booking,
    "customers": _customer,
    "locations": _record,
    "jobs": _job,
}


# --- listing ---


def _same_provider(record: dict[str, Any], request: Request) -> bool:
    return "provider" not in request.path_params or record["bookingProviderId"] == request.path_params["provider"]


def _fits(record: dict[str, Any], request: Request) -> bool:
    query = request.query_params
    if any(name in query and str(record.get(name)) != query[name] for name in _FILTERS):
        return False
    if "ids" in query and str(record["id"]) not in query["ids"].split(","):
        return False
    if "externalDataKey" in query:
        values = query.get("externalDataValues", "").split(",")
        pairs = [(one["key"], one["value"]) for one in record.get("externalData", [])]
        return any(key == query["externalDataKey"] and value in values for key, value in pairs)
    return True


def _page(found: list[dict[str, Any]], request: Request) -> dict[str, Any]:
    query = request.query_params
    try:
        page, size = int(query.get("page", 1)), int(query.get("pageSize", 50))
    except ValueError:
        page = size = 0
    if page < 1 or not 1 <= size <= 5000:
        raise _Refused(400, "One or more validation errors occurred.", {"page": ["page or pageSize is out of range."]})
    if query.get("sort", "+Id")[0] == "-":
        found = found[::-1]
    first = (page - 1) * size
    return {
        "page": page,
        "pageSize": size,
        "hasMore": len(found) > first + size,
        "totalCount": len(found) if query.get("includeTotal") == "true" else None,
        "data": found[first : first + size],
    }
