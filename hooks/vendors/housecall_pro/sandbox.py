"""A stand-in for Housecall Pro, written from its API description: keeps its records, and sends signed webhooks.

Operations that only the first list of operations knows are served too. Beside the usual controls::

    POST   /_sandbox/webhooks   {"url": ..., "secret": ..., "events": [...], "ping": true}: events go there from now on
    GET    /_sandbox/webhooks   where events go, and what has been delivered; DELETE ends all
    POST   /_sandbox/events     {"event": "job.completed", "id": "job_000004"}: it happens now, and is sent

An address must be plain http to this machine. ``ping`` posts the vendor's unsigned test first, and an address that does
not take it is refused, as the vendor refuses it. Without ``id`` an event happens to the newest record of its kind.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hooks.kit import sandbox as kit
from hooks.kit.sandbox import Sandbox

from .sandbox_endpoints import Endpoint, Records
from .sandbox_jobs import Jobs
from .sandbox_price_book import PriceBook
from .sandbox_records import Record, Refused, fresh, wrong
from .sandbox_webhooks import Outbox, Subscription, check_loopback

API_KEY = "sandbox-housecall-pro-key"

_JOB = "/jobs/{id}"
_ESTIMATE = "/estimates/{id}"
_OPTION = _ESTIMATE + "/options/{part}"


def sandbox(*, api_key: str | None = API_KEY) -> Starlette:
    """The application. ``api_key`` None takes any key that is not empty, after ``Token`` or ``Bearer``."""
    outbox = Outbox()

    def begin() -> dict[str, list[Record]]:
        outbox.clear()
        return fresh()

    box = Sandbox(fresh=begin, wrong=wrong)
    records = Records(box)
    jobs = Jobs(records)
    book = PriceBook(records)

    def guarded(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if scheme not in ("Token", "Bearer") or not given or api_key not in (None, given):
                return JSONResponse({"message": "Unauthorized"}, status_code=401)
            records.happened.clear()
            try:
                response = _response(await endpoint(request))
            except Refused as refused:
                return refused.response
            except ValueError:
                return JSONResponse({"message": "The body is not a JSON object"}, status_code=400)
            if outbox.subscriptions and records.happened:
                response.background = BackgroundTask(outbox.deliver, list(records.happened))
            return response

        return answer

    async def webhooks(request: Request) -> Response:
        if request.method == "DELETE":
            outbox.clear()
        elif request.method == "POST":
            try:
                given = await _asked(request)
                url = check_loopback(given.get("url"))
            except ValueError as error:
                return JSONResponse({"errors": {"url": [str(error)]}}, status_code=422)
            if not isinstance(given.get("secret"), str) or not given["secret"]:
                return JSONResponse({"errors": {"secret": ["is missing"]}}, status_code=422)
            if given.get("ping") and not await outbox.ping(url):
                return JSONResponse({"errors": {"url": ["did not answer the test with a 2xx"]}}, status_code=422)
            outbox.subscriptions.append(Subscription(url, given["secret"], frozenset(given.get("events") or ())))
        return JSONResponse({"webhooks": [one.url for one in outbox.subscriptions], "deliveries": outbox.deliveries})

    async def events(request: Request) -> Response:
        records.happened.clear()
        try:
            given = await _asked(request)
            records.fire(str(given.get("event") or ""), given.get("id"))
        except Refused as refused:
            return refused.response
        except ValueError:
            return JSONResponse({"message": "The body is not a JSON object"}, status_code=400)
        return JSONResponse({"deliveries": await outbox.deliver(list(records.happened))}, status_code=202)

    def route(path: str, endpoint: Endpoint, *methods: str) -> Route:
        return Route(path, guarded(endpoint), methods=methods or ("GET",))

    def settings(kind: str, path: str, prefix: str) -> list[Route]:
        create, update = records.named(kind, prefix)
        return [
            route(path, records.listing(kind)),
            route(path, create, "POST"),
            route(path + "/{id}", update, "PUT"),
        ]

    return box.app(
        [
            Route(kit.PREFIX + "webhooks", webhooks, methods=["GET", "POST", "DELETE"]),
            Route(kit.PREFIX + "events", events, methods=["POST"]),
            route("/customers", records.listing("customers")),
            route("/customers", records.create_customer, "POST"),
            route("/customers/{id}", records.getter("customers")),
            route("/customers/{id}", records.update_customer, "PUT"),
            route("/customers/{id}", records.remover("customers"), "DELETE"),
            route("/customers/{id}/addresses", records.list_addresses),
            route("/customers/{id}/addresses", records.create_address, "POST"),
            route("/customers/{id}/addresses/{part}", records.get_address),
            route("/leads", records.listing("leads")),
            route("/leads", records.create_lead, "POST"),
            route("/leads/{id}", records.getter("leads")),
            route("/leads/{id}/convert", records.convert_lead, "POST"),
            route("/leads/{id}/line_items", records.list_lead_lines),
            route("/jobs", records.listing("jobs")),
            route("/jobs", jobs.create_job, "POST"),
            route("/jobs/lock", jobs.lock_several, "POST"),
            route(_JOB, records.getter("jobs")),
            route(_JOB, jobs.update_job, "PUT"),
            route(_JOB, records.remover("jobs"), "DELETE"),
            route(_JOB + "/schedule", jobs.schedule_job, "PUT", "DELETE"),
            route(_JOB + "/dispatch", jobs.dispatch_job, "PUT"),
            route(_JOB + "/line_items", jobs.list_lines),
            route(_JOB + "/line_items", jobs.create_line, "POST"),
            route(_JOB + "/line_items/bulk_update", jobs.change_lines, "PUT"),
            route(_JOB + "/line_items/{part}", jobs.change_line, "PUT"),
            route(_JOB + "/line_items/{part}", jobs.delete_line, "DELETE"),
            route(_JOB + "/appointments", jobs.list_visits),
            route(_JOB + "/appointments", jobs.create_visit, "POST"),
            route(_JOB + "/appointments/{part}", jobs.change_visit, "PUT", "DELETE"),
            route(_JOB + "/notes", jobs.add_note, "POST"),
            route(_JOB + "/notes/{part}", jobs.delete_note, "DELETE"),
            route(_JOB + "/tags", jobs.tag_job, "POST"),
            route(_JOB + "/tags/{part}", jobs.tag_job, "DELETE"),
            route(_JOB + "/lock", jobs.lock, "POST"),
            route(_JOB + "/links", records.add_link, "POST"),
            route(_JOB + "/attachments", records.add_file, "POST"),
            route(_JOB + "/invoices", jobs.job_invoices),
            route(_JOB + "/job_input_materials", jobs.materials),
            route(_JOB + "/job_input_materials/bulk_update", jobs.change_materials, "PUT"),
            route("/estimates", records.listing("estimates")),
            route("/estimates", records.create_estimate, "POST"),
            route("/estimates/options/approve", records.answer_options, "POST"),
            route("/estimates/options/decline", records.answer_options, "POST"),
            route(_ESTIMATE, records.getter("estimates")),
            route(_ESTIMATE + "/options", records.create_option, "POST"),
            route(_OPTION + "/notes", records.add_option_note, "POST"),
            route(_OPTION + "/notes/{entry}", records.delete_option_note, "DELETE"),
            route(_OPTION + "/schedule", records.schedule_option, "PUT"),
            route(_OPTION + "/links", records.add_link, "POST"),
            route(_OPTION + "/attachments", records.add_file, "POST"),
            route(_OPTION + "/line_items", records.option_lines),
            route(_OPTION + "/line_items/bulk_update", records.change_option_lines, "PUT"),
            route("/invoices", records.listing("invoices")),
            route("/invoices", records.create_invoice, "POST"),
            route("/invoices/{id}", records.getter("invoices")),
            route("/api/invoices/{id}", records.getter("invoices")),
            route("/invoices/{id}/payments", records.payments),
            route("/employees", records.listing("employees")),
            route("/employees/{id}", records.getter("employees")),
            route("/companies", records.company),
            route("/company", records.company),
            route("/company/schedule_availability", records.availability, "GET", "PUT"),
            route("/company/schedule_availability/booking_windows", records.availability),
            *settings("lead_sources", "/lead_sources", "ls"),
            *settings("tags", "/tags", "tag"),
            *settings("job_types", "/job_fields/job_types", "jt"),
            route("/events", records.listing("events")),
            route("/events/{id}", records.getter("events")),
            *(route(path, records.empty) for path in ("/routes", "/checklists", "/service_zones")),
            route("/api/price_book/materials", book.materials, "GET", "POST"),
            route("/api/price_book/materials/{id}", book.material, "PUT", "DELETE"),
            route("/api/price_book/material_categories", book.categories, "GET", "POST"),
            route("/api/price_book/material_categories/{id}", book.category, "PUT", "DELETE"),
            route("/api/price_book/price_forms", book.forms, "GET", "POST"),
            route("/api/price_book/price_forms/{id}", book.form, "GET", "PUT", "DELETE"),
            route("/api/price_book/services", book.services),
            route("/pipeline/statuses", records.statuses),
            route("/pipeline/statuses", records.move, "PUT"),
            route("/application", records.application),
            route("/application/enable", records.application, "POST"),
            route("/application/disable", records.application, "POST"),
            route("/webhooks", records.listing("webhooks")),
            route("/webhooks", records.subscribe, "POST"),
            route("/webhooks/subscription", records.subscribe, "POST", "DELETE"),
            route("/webhooks/{id}", records.remover("webhooks"), "DELETE"),
        ]
    )


async def _asked(request: Request) -> dict[str, Any]:
    """What one of our own controls is told: JSON, whatever the content type says, because curl says form."""
    value = json.loads(await request.body() or b"{}")
    if not isinstance(value, dict):
        raise ValueError("the body is not a JSON object")
    return value


def _response(found: Any) -> Response:
    """``None`` is 204, a pair is a status and a body, everything else a body."""
    if isinstance(found, Response):
        return found
    if found is None:
        return Response(status_code=204)
    status, body = found if isinstance(found, tuple) else (200, found)
    return JSONResponse(body, status_code=status)
