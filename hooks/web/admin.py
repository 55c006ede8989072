"""The admin's door: the API over what was received and done, on its own listener, behind `hooks.web.guard`.

Here its parts become one application: each resource has a module of its own, which reads through `History` and asks the
engine through `Desk`, and knows no table and no rule. Listings are ``{"items": [...], "next": cursor or null}``, newest
first. Whatever goes wrong is a problem (RFC 9457) that names the parameter or the state and never quotes a body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hooks import __version__
from hooks.errors import Conflict, StoreError, UnknownName
from hooks.ports import Clock, Desk, History, RulesDesk
from hooks.web.audit import Auditor
from hooks.web.auth import Hosts, Keys
from hooks.web.console import Shown, console_routes, error_page
from hooks.web.engine_api import engine_endpoints
from hooks.web.figures_api import figures_endpoints
from hooks.web.guard import Guard
from hooks.web.openapi import Endpoint, describe
from hooks.web.parameters import BadParameter
from hooks.web.problem import JSON, PROBLEM, as_json, problem_body
from hooks.web.records_api import records_endpoints
from hooks.web.sessions import Sessions
from hooks.web.strictness import strictly


def admin(
    history: History,
    desk: Desk,
    rules: RulesDesk,
    clock: Clock,
    keys: Keys,
    hosts: Hosts,
    more: Sequence[Endpoint] = (),
    shown: Shown | None = None,
) -> Guard:
    """The application behind the admin listener. ``more`` joins the table of its operations; those that change
    something are kept in the list of changes of ``shown``."""
    endpoints: Sequence[Endpoint] = [
        strictly(each)
        for each in (
            *records_endpoints(history, desk, clock),
            *engine_endpoints(desk, rules),
            *figures_endpoints(history, desk, rules, clock),
            *more,
        )
    ]
    if shown is not None:
        auditor = Auditor(shown.audit, history, desk, rules, clock)
        endpoints = (*auditor.keeping(endpoints), *auditor.endpoints())

    @cache
    def document() -> bytes:
        return as_json(describe(endpoints, __version__))

    async def openapi(request: Request) -> Response:
        # Made when it is first asked for, which is seldom: it would be a tenth of what a start takes.
        return Response(await asyncio.to_thread(document), media_type=JSON.decode())

    sessions = Sessions(keys, clock)
    routes = [Route(endpoint.path, endpoint.handler, methods=[endpoint.method]) for endpoint in endpoints]
    routes += console_routes(history, desk, clock, keys, sessions, shown)
    app = Starlette(
        routes=[*routes, Route("/openapi.json", openapi, methods=["GET"])],
        exception_handlers={
            HTTPException: _http_problem,
            BadParameter: _parameter_problem,
            UnknownName: _name_problem,
            Conflict: _conflict,
            StoreError: _store_problem,
            Exception: _fault,
        },
    )
    app.router.redirect_slashes = False  # a redirect is built from the Host header
    return Guard(app, keys, sessions, hosts, desk.ready)


def _problem(request: Request, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """For programs a problem, for a browser that asked for a page one that says the same."""
    if not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", ""):
        detail = str(body.get("detail") or "")
        return error_page(request, body["status"], body["title"], detail)
    return Response(as_json(body), body["status"], headers, media_type=PROBLEM.decode())


def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(request, problem_body(error.status_code), error.headers)


def _parameter_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadParameter)
    return _problem(request, problem_body(422, str(error), parameter=error.name))


def _name_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnknownName)
    return _problem(request, problem_body(422, str(error), parameter=error.member))


def _conflict(request: Request, error: Exception) -> Response:
    return _problem(request, problem_body(409, str(error)))


def _fault(request: Request, error: Exception) -> Response:
    return _problem(request, problem_body(500))


def _store_problem(request: Request, error: Exception) -> Response:
    detail = "The store cannot answer now: /api/v1/health (`hooks healthcheck --detail`) says why."
    return _problem(request, problem_body(503, detail), {"retry-after": "5"})
