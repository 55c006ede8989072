"""A stand-in for JobCloser, written from its API page: every answer is the envelope, also a failure, with status 200.

The key is taken from the query, the body or the header ``X-Api-Key``. Leads and customers are kept; lists of other
things are empty, and a record by id that was not made here is a failure.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hooks.kit.sandbox import Sandbox, fields

KEY = "A0000000-5A4D-4B0F-8000-SANDBOX00001"
EMAIL = "office@example.org"
PASSWORD = "sandbox-password"  # noqa: S105 - a demonstration value that opens nothing
COMPANY_ID = "0016904181193b17e8d5404f40ad44"

_CONTACT = {"Name", "Email", "Phone", "CustomerType", "ReferredBy"} | {
    place + part for place in ("Job", "Billing") for part in ("Address1", "Address2", "City", "State", "Zip")
}
_AREAS = frozenset(
    {"account", "companies", "jobs", "customers", "events", "products", "chemicalapplicationlocations"}
) | {*("crews", "employees", "invoices", "locations", "trackableassets", "vendors")}
_OF_A_JOB = frozenset({"events", "chemicalapplicationlocations"})
_READ_OFF = (
    *("Latitude", "Longitude", "MeterSerialNumber", "MeterRawCount", "MeterCurrentRate", "MeterCalculatedFlowTotal"),
    *("MeterRawCountsToZero", "TemperatureOfFluid", "AmbientTemperature", "BatteryStatusInPercent"),
    "BatteryStatusInEstimatedRunTime",
)
_NEW_APPLICATION = ("EventId", "JobId", "ApplicationDate", *_READ_OFF, "Note", "DeviceName", "CalibrationFactor")
_CHANGED_APPLICATION = ("Id", "EventId", "JobId", *_READ_OFF)


def _ok(result: Any) -> Response:
    return JSONResponse({"Success": True, "Message": "Success", "Result": result})


def _failed(message: str, status: int = 200) -> Response:
    return JSONResponse({"Success": False, "Message": message, "Result": None}, status_code=status)


def sandbox(*, key: str | None = KEY) -> Starlette:
    """The application. ``key`` None takes any that is not empty."""
    box = Sandbox(wrong=lambda status: _failed("sandbox fault", status))

    async def given(request: Request) -> dict[str, Any]:
        return await fields(request) if request.method != "GET" else {}

    async def allowed(request: Request) -> bool:
        body = await given(request)
        told = request.query_params.get("key") or request.headers.get("x-api-key") or body.get("key")
        return bool(told) and key in (None, told)

    async def zapier_signin(request: Request) -> Response:
        if not await allowed(request):
            return _failed("The specified key does not exist in our system")
        return _ok({"Id": COMPANY_ID, "Name": "Sandbox Company", "TimeZone": "Eastern Standard Time", "Active": True})

    def creator(kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def create(request: Request) -> Response:
            try:
                body = await given(request)
                if not await allowed(request):
                    return _failed("The specified key does not exist in our system")
            except ValueError:
                return _failed("The request is not readable")
            if not str(body.get("Name") or "").strip():
                return _failed("Name is required")
            kept = {name: body.get(name) for name in sorted(_CONTACT)}
            return _ok(box.add(kind, {"Id": f"{box.number():030x}", "DateCreated": _now(), **kept}))

        return create

    async def sign_in(request: Request) -> Response:
        query = request.query_params
        if query.get("email") != EMAIL or query.get("password") != PASSWORD:
            return _failed("The specified email and password do not exist in our system")
        user = {"Id": "206437027606fc87c2b3fa4162ac43", "CompanyId": COMPANY_ID, "Email": EMAIL, "Password": PASSWORD}
        return JSONResponse({"Success": True, "Message": "Sucess", "Result": user})

    async def create_applications(request: Request) -> Response:
        batch = request.url.path.endswith("batch")
        try:
            items = json.loads(await request.body()) if batch else [await fields(request)]
        except ValueError:
            return _failed("The request is not readable")
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            return _failed("An array is required")
        if missing := [name for item in items for name in _NEW_APPLICATION if item.get(name) in (None, "")]:
            return _failed(f"{missing[0]} is required")
        made = [box.add("chemicalapplicationlocations", {"Id": f"{box.number():030x}", **item}) for item in items]
        return _ok(made if batch else made[0])

    async def change_application(request: Request) -> Response:
        body = await fields(request)
        if missing := [name for name in _CHANGED_APPLICATION if body.get(name) in (None, "")]:
            return _failed(f"{missing[0]} is required")
        record = box.find("chemicalapplicationlocations", "Id", body.get("Id"))
        if record is None:
            return _failed("The specified record does not exist")
        record.update(body)
        return _ok(record)

    async def delete_application(request: Request) -> Response:
        record = box.find("chemicalapplicationlocations", "Id", request.query_params.get("id"))
        if record is None:
            return _failed("The specified record does not exist")
        box.of("chemicalapplicationlocations").remove(record)
        return _ok(None)

    async def upload(request: Request) -> Response:
        body = {**request.query_params, **await given(request)}
        if not body.get("eventId") or not (body.get("url") or body.get("content")):
            return _failed("eventId and the image are required")
        box.add("images", body)
        return _ok(None)

    async def read(request: Request) -> Response:
        area, verb = request.path_params["area"], request.path_params["verb"]
        if area not in _AREAS or verb not in ("get", "getall", "getlineitems", "getforjob"):
            return Response(status_code=404)
        if verb == "get":
            record = box.find(area, "Id", request.query_params.get("id"))
            return _ok(record) if record else _failed("The specified record does not exist")
        needed = "jobId" if verb != "getall" or area in _OF_A_JOB else "companyId"
        if not request.query_params.get(needed):
            return _failed(f"{needed} is required")
        return _ok(box.of(area) if verb == "getall" else [])

    chemicals = "/api/chemicalapplicationlocations/"
    return box.app(
        [
            Route("/api/zapier/signin", zapier_signin),
            Route("/api/zapier/createlead", creator("leads"), methods=["POST"]),
            Route("/api/zapier/createcustomer", creator("customers"), methods=["POST"]),
            Route("/api/account/signin", sign_in),
            Route(chemicals + "create", create_applications, methods=["POST"]),
            Route(chemicals + "create", change_application, methods=["PUT"]),
            Route(chemicals + "createbatch", create_applications, methods=["POST"]),
            Route(chemicals + "delete", delete_application),
            Route(chemicals + "uploadimageviaurl", upload),
            Route(chemicals + "uploadimageviabytearray", upload, methods=["POST"]),
            Route("/api/{area}/{verb}", read),
        ]
    )


def _now() -> str:
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")
