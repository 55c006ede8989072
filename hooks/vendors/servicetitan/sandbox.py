"""A stand-in for ServiceTitan, written from its API descriptions: all operations of the table, with their state.

The token address is ``/connect/token`` of the same application, so ``auth_url`` is ``<address>/connect/token`` and
``base_url`` is ``<address>``. Refusals are the vendor's problem documents, errors by field. Beside the usual controls
``POST /_sandbox/rate {"per_second": 60}`` switches the vendor's rate limit on (null: off). Attachments whose path
begins with ``Moved/`` are answered by a redirect to the same host, those of ``Elsewhere/`` to another one, and those of
``Nowhere/`` to what is no address.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hooks.kit import sandbox as kit
from hooks.kit.sandbox import Sandbox, fields

from .sandbox_endpoints import Endpoint, Records
from .sandbox_records import Refused, fresh, problem

APP_KEY = "sandbox-app-key"
CLIENT_ID = "sandbox-client-id"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - a demonstration value that opens nothing

_TENANT = "/v2/tenant/{tenant:int}"
_PROVIDER = "/crm" + _TENANT + "/booking-provider/{provider:int}/bookings"
_CUSTOMERS = "/crm" + _TENANT + "/customers"
_CONTACTS = _CUSTOMERS + "/{customer:int}/contacts"
_ASSIGNMENTS = "/dispatch" + _TENANT + "/appointment-assignments"
_EQUIPMENT = "/equipmentsystems" + _TENANT + "/installed-equipment"
_INVOICES = "/accounting" + _TENANT + "/invoices"
_PAYMENTS = "/accounting" + _TENANT + "/payments"

_PATHS = (
    ("bookings", _PROVIDER, "list create get update"),
    ("bookings", "/crm" + _TENANT + "/bookings", "list get"),
    ("customers", _CUSTOMERS, "list create get update"),
    ("contacts", _CONTACTS, "list create update delete"),
    ("locations", "/crm" + _TENANT + "/locations", "list create get update"),
    ("jobs", "/jpm" + _TENANT + "/jobs", "list create get update"),
    ("appointments", "/jpm" + _TENANT + "/appointments", "list create get delete"),
    ("projects", "/jpm" + _TENANT + "/projects", "list create get update"),
    ("reasons", "/jpm" + _TENANT + "/job-cancel-reasons", "list"),
    ("assigned", _ASSIGNMENTS, "list"),
    ("equipment", _EQUIPMENT, "list create get update"),
    ("invoices", _INVOICES, "list create update"),
    ("payments", _PAYMENTS, "list create update"),
    ("technicians", "/settings" + _TENANT + "/technicians", "list create get update"),
    ("roles", "/settings" + _TENANT + "/user-roles", "list"),
    ("units", "/settings" + _TENANT + "/business-units", "list"),
)


class _Rate:
    """So many requests in any second; None: as many as come."""

    def __init__(self, per_second: int | None) -> None:
        self.per_second = per_second
        self._times: deque[float] = deque()

    def take(self) -> bool:
        if self.per_second is None:
            return True
        at = time.monotonic()
        while self._times and self._times[0] <= at - 1.0:
            self._times.popleft()
        if len(self._times) >= self.per_second:
            return False
        self._times.append(at)
        return True


def sandbox(*, token_seconds: float = 900, any_credentials: bool = False, per_second: int | None = None) -> Starlette:
    """The application. ``any_credentials`` takes any that are not empty; tokens are good for ``token_seconds``.

    ``per_second`` is the rate limit, 60 at the vendor; None for none.
    """
    tokens: dict[str, float] = {}
    box = Sandbox(fresh=fresh, expire_tokens=tokens.clear, wrong=lambda status: problem(status, "sandbox fault"))
    records = Records(box)
    rate = _Rate(per_second)

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

    def guarded(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if not rate.take():
                return PlainTextResponse("Too Many Requests", 429, {"retry-after": "1"})
            # The vendor takes the token with and without the word Bearer.
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if tokens.get(given, 0.0) <= time.monotonic() or not known(request.headers.get("st-app-key"), APP_KEY):
                return Response("Unauthorized", status_code=401)
            try:
                found = await endpoint(request)
            except Refused as refused:
                return refused.response
            except ValueError:
                return problem(400, "The body is not a JSON object.")
            if isinstance(found, Response):
                return found
            return Response(status_code=200) if found is None else JSONResponse(found)

        return answer

    async def limit(request: Request) -> Response:
        rate.per_second = (await fields(request)).get("per_second")
        return JSONResponse({"per_second": rate.per_second})

    def route(path: str, endpoint: Endpoint, method: str) -> Route:
        return Route(path, guarded(endpoint), methods=[method])

    routes = [
        Route("/connect/token", token, methods=["POST"]),
        Route(kit.PREFIX + "rate", limit, methods=["POST"]),
        route(_ASSIGNMENTS + "/assign-technicians", records.assigning, "POST"),
        route(_ASSIGNMENTS + "/unassign-technicians", records.assigning, "POST"),
        route("/jpm" + _TENANT + "/jobs/{id:int}/cancel", records.cancel, "PUT"),
        route(_INVOICES + "/custom-fields", records.custom_fields("invoices"), "PATCH"),
        route(_PAYMENTS + "/custom-fields", records.custom_fields("payments"), "PATCH"),
        route(_INVOICES + "/{id:int}/items", records.update_item, "PATCH"),
        route(_INVOICES + "/{id:int}/items/{item:int}", records.delete_item, "DELETE"),
        route(_EQUIPMENT + "/attachments", records.upload, "POST"),
        route(_EQUIPMENT + "/attachments", records.download, "GET"),
    ]
    verbs = {"list": ("GET", ""), "create": ("POST", ""), "get": ("GET", "/{id:int}")}
    verbs |= {"update": ("PATCH", "/{id:int}"), "delete": ("DELETE", "/{id:int}")}
    for kind, path, names in _PATHS:
        for name in names.split():
            method, rest = verbs[name]
            routes.append(route(path + rest, records.verb("listing" if name == "list" else name, kind), method))
    return box.app(routes)
