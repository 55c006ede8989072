"""A stand-in for a deployment of Supergood: sessions that end, customers, jobs, invoices, payments, idempotency keys.

Written from what the vendor's page promises and, where it is silent, from what our client assumes: the token goes as
``Authorization: Bearer``, a session's answer is ``{"token", "expires_in"}``, the same ``Idempotency-Key`` is answered
with what it made the first time.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hooks.kit.sandbox import Sandbox, chosen, fields

USERNAME = "office@example.org"
PASSWORD = "sandbox-password"  # noqa: S105 - a demonstration value that opens nothing

_METHODS = ("card", "cash", "check", "ach")


class _Refused(Exception):
    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.response = _failure(status, error)


def _failure(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status_code=status)


def sandbox(*, token_seconds: float = 900, any_credentials: bool = False, otp: str | None = None) -> Starlette:
    """The application. Tokens are good for ``token_seconds``; ``otp`` is a code that a sign-in has to bring.

    ``any_credentials`` takes any user and password that are not empty.
    """
    tokens: dict[str, float] = {}
    box = Sandbox(
        fresh=lambda: {"customers": [{"id": "cus_1", "name": "Maya Ortiz", "email": "maya@example.org"}], "keys": []},
        expire_tokens=tokens.clear,
        wrong=lambda status: _failure(status, "sandbox fault"),
    )

    def known(given: object, expected: str) -> bool:
        return given == expected or (any_credentials and bool(given))

    def opened() -> Response:
        made = secrets.token_urlsafe(32)
        tokens[made] = time.monotonic() + token_seconds
        return JSONResponse({"token": made, "expires_in": token_seconds}, status_code=201)

    async def create_session(request: Request) -> Response:
        try:
            given = await fields(request)
        except ValueError:
            return _failure(400, "the body is not a JSON object")
        if not known(given.get("username"), USERNAME) or not known(given.get("password"), PASSWORD):
            return _failure(401, "wrong credentials")
        if otp is not None and given.get("otp") != otp:
            return _failure(401, "a second factor is needed")
        return opened()

    async def refresh_session(request: Request) -> Response:
        token = _token(request)
        if tokens.get(token, 0.0) <= time.monotonic():
            return _failure(401, "the session has ended")
        del tokens[token]
        return opened()

    def guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if tokens.get(_token(request), 0.0) <= time.monotonic():
                return _failure(401, "the session has ended")
            try:
                return await endpoint(request)
            except _Refused as refused:
                return refused.response
            except ValueError:
                return _failure(400, "the body is not a JSON object")

        return answer

    async def list_customers(request: Request) -> Response:
        wanted = request.query_params.get("search", "").lower()
        found = chosen(box.of("customers"), [lambda one: wanted in str(one).lower()])
        return JSONResponse({"customers": found, "page": 1})

    def creator(kind: str, make: Callable[[dict[str, Any], Request], dict[str, Any]]) -> Any:
        async def create(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            earlier = None if key is None else box.find("keys", "key", key)
            if earlier is not None:
                return JSONResponse(earlier["made"], status_code=201)
            made = make(await fields(request), request)
            record = box.add(kind, {"id": f"{kind[:3]}_{box.number()}", **made})
            if key is not None:
                box.add("keys", {"key": key, "made": record})
            return JSONResponse(record, status_code=201)

        return guarded(create)

    def job(given: dict[str, Any], _: Request) -> dict[str, Any]:
        if not given.get("service") or not (given.get("customerId") or given.get("customer")):
            raise _Refused(422, "service and a customer are required")
        if given.get("customerId") and box.find("customers", "id", given["customerId"]) is None:
            raise _Refused(404, "no such customer")
        return {**given, "status": "scheduled" if given.get("scheduledStart") else "unscheduled"}

    def invoice(given: dict[str, Any], request: Request) -> dict[str, Any]:
        job_id = request.path_params["job"]
        if box.find("jobs", "id", job_id) is None:
            raise _Refused(404, "no such job")
        if not given.get("lineItems"):
            raise _Refused(422, "lineItems are required")
        total = sum(line.get("quantity", 1) * (line.get("unitPrice") or 0) for line in given["lineItems"])
        return {**given, "jobId": job_id, "total": total, "status": "open"}

    def payment(given: dict[str, Any], request: Request) -> dict[str, Any]:
        invoice_id = request.path_params["invoice"]
        if box.find("invoices", "id", invoice_id) is None:
            raise _Refused(404, "no such invoice")
        if not given.get("amount") or given.get("method") not in _METHODS:
            raise _Refused(422, f"amount and a method are required: {', '.join(_METHODS)}")
        return {**given, "invoiceId": invoice_id, "status": "recorded"}

    return box.app(
        [
            Route("/sessions", create_session, methods=["POST"]),
            Route("/sessions/refresh", refresh_session, methods=["POST"]),
            Route("/customers", guarded(list_customers), methods=["GET"]),
            Route("/jobs", creator("jobs", job), methods=["POST"]),
            Route("/jobs/{job}/invoices", creator("invoices", invoice), methods=["POST"]),
            Route("/invoices/{invoice}/payments", creator("payments", payment), methods=["POST"]),
        ]
    )


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")
