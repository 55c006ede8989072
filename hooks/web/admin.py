"""The admin's door: the API over what was received and done, on its own listener, behind `hooks.web.guard`.

It reads through `History` and asks the engine through `Desk`; it knows no table and no rule. Listings are
``{"items": [...], "next": cursor or null}``, newest first. Whatever goes wrong is a problem (RFC 9457) that names the
parameter or the state, and never quotes a stored body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from hooks import __version__
from hooks.errors import Conflict, StoreError
from hooks.ports import Clock, Desk, History, Page, RulesDesk
from hooks.web.audit import Auditor
from hooks.web.auth import Hosts, Keys
from hooks.web.console import Shown, console_routes, error_page
from hooks.web.guard import Guard
from hooks.web.json_bodies import json_answer, json_body
from hooks.web.metrics import MEDIA_TYPE, connection_figures, prometheus_text
from hooks.web.openapi import Endpoint, describe
from hooks.web.parameters import KNOWN, BadParameter, event_filter, is_id, receipt_filter, run_filter
from hooks.web.problem import JSON, PROBLEM, as_json, problem_body
from hooks.web.sessions import Sessions
from hooks.web.stream import EVENT_STREAM, Changes

CLOUDEVENTS = "application/cloudevents+json"

_OURS_AS_EXTENSIONS = {
    "vendor": "vendor",
    "vendor_type": "vendortype",
    "received_at": "receivedat",
    "receipt": "receipt",
}


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
    endpoints: Sequence[Endpoint] = (*_Api(history, desk, rules, clock).endpoints(), *more)
    if shown is not None:
        auditor = Auditor(shown.audit, history, desk, rules, clock)
        endpoints = (*auditor.keeping(endpoints), *auditor.endpoints())
    document = as_json(describe(endpoints, __version__))

    async def openapi(request: Request) -> Response:
        return Response(document, media_type=JSON.decode())

    sessions = Sessions(keys, clock)
    routes = [Route(endpoint.path, endpoint.handler, methods=[endpoint.method]) for endpoint in endpoints]
    routes += console_routes(history, desk, clock, keys, sessions, shown)
    app = Starlette(
        routes=[*routes, Route("/openapi.json", openapi, methods=["GET"])],
        exception_handlers={
            HTTPException: _http_problem,
            BadParameter: _parameter_problem,
            Conflict: _conflict,
            StoreError: _store_problem,
            Exception: _fault,
        },
    )
    app.router.redirect_slashes = False  # a redirect is built from the Host header
    return Guard(app, keys, sessions, hosts, desk.ready)


class _Api:
    """The operations, one method each."""

    def __init__(self, history: History, desk: Desk, rules: RulesDesk, clock: Clock) -> None:
        self._history = history
        self._desk = desk
        self._rules = rules
        self._clock = clock
        self._changes = Changes(history, clock)

    def endpoints(self) -> Sequence[Endpoint]:
        """The table that routes and ``/openapi.json`` are made of."""
        api = "/api/v1"
        text = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
        return (
            Endpoint("GET", f"{api}/events", self.events, "Events", KNOWN["events"], listing=True, problems=(422, 503)),
            Endpoint("GET", f"{api}/events/{{id}}", self.event, "One event with its runs", problems=(404, 503)),
            Endpoint("GET", f"{api}/events/{{id}}/explain", self.explain, "Why rules matched or not", problems=(404,)),
            Endpoint("GET", f"{api}/runs", self.runs, "Runs", KNOWN["runs"], listing=True, problems=(422, 503)),
            Endpoint("GET", f"{api}/runs/{{id}}", self.run, "One run with its steps", problems=(404, 503)),
            Endpoint("POST", f"{api}/runs/{{id}}/retry", self.retry, "Try a run again now", problems=(404, 409, 503)),
            Endpoint("POST", f"{api}/runs/{{id}}/cancel", self.cancel, "Give a run up", problems=(404, 409, 503)),
            Endpoint(
                "GET",
                f"{api}/receipts",
                self.receipts,
                "Receipts",
                KNOWN["receipts"],
                listing=True,
                problems=(422, 503),
            ),
            Endpoint("GET", f"{api}/receipts/{{id}}", self.receipt, "One receipt with its body", problems=(404, 503)),
            Endpoint("GET", f"{api}/stats", self.stats, "Counts", problems=(503,)),
            Endpoint("GET", f"{api}/stream", self.stream, "What changes, as it does", media_type=EVENT_STREAM),
            Endpoint("GET", f"{api}/rules", self.rules, "The loaded rules and the state of their file", listing=True),
            Endpoint("POST", f"{api}/rules/reload", self.reload, "Load the rule file again", problems=(422,)),
            Endpoint("POST", f"{api}/rules/check", self.check, "Check a rule file's text", body=text, problems=(422,)),
            Endpoint("GET", f"{api}/sources", self.sources, "The configured sources", listing=True),
            Endpoint("GET", f"{api}/connections", self.connections, "The configured connections", listing=True),
            Endpoint(
                "POST", f"{api}/connections/{{name}}/test", self.test_connection, "Test a connection", problems=(404,)
            ),
            Endpoint("GET", f"{api}/subscribers", self.subscribers, "Who is told of events", listing=True),
            Endpoint(
                "POST", f"{api}/subscribers/{{id}}/end", self.end_subscriber, "Tell nothing more", problems=(404, 503)
            ),
            Endpoint("GET", f"{api}/vendors", self.vendors, "All vendors and their actions", listing=True),
            Endpoint("GET", "/metrics", self.metrics, "Figures for Prometheus", media_type=MEDIA_TYPE, problems=(503,)),
        )

    async def events(self, request: Request) -> Response:
        return _page(await self._history.events(event_filter(request.query_params, self._clock.now())))

    async def event(self, request: Request) -> Response:
        event = await self._history.event(_known(request, "evt"))
        if event is None:
            raise HTTPException(404)
        if CLOUDEVENTS in request.headers.get("accept", ""):
            return Response(as_json(cloudevent(event)), media_type=CLOUDEVENTS)
        return json_answer(event if _may_see_bodies(request) else _without(event, "raw"))

    async def explain(self, request: Request) -> Response:
        return _found(await self._desk.explain(_known(request, "evt")))

    async def runs(self, request: Request) -> Response:
        return _page(await self._history.runs(run_filter(request.query_params)))

    async def run(self, request: Request) -> Response:
        return _found(await self._history.run(_known(request, "run")))

    async def retry(self, request: Request) -> Response:
        return _found(await self._desk.retry(_known(request, "run")))

    async def cancel(self, request: Request) -> Response:
        return _found(await self._desk.cancel(_known(request, "run")))

    async def receipts(self, request: Request) -> Response:
        return _page(await self._history.receipts(receipt_filter(request.query_params, self._clock.now())))

    async def receipt(self, request: Request) -> Response:
        receipt = await self._history.receipt(_known(request, "rcp"))
        return _found(receipt if receipt is None or _may_see_bodies(request) else _without(receipt, "body"))

    async def stats(self, request: Request) -> Response:
        return json_answer(await self._stats())

    async def stream(self, request: Request) -> Response:
        last = request.headers.get("last-event-id", "")
        following = self._changes.follow(last if is_id(last, "evt") else None)
        return StreamingResponse(following, media_type=EVENT_STREAM)

    async def rules(self, request: Request) -> Response:
        return json_answer({"items": list(self._desk.rules()), "next": None, "file": self._rules.state()})

    async def reload(self, request: Request) -> Response:
        result = await self._desk.reload()
        return json_answer(result, 200 if result.get("ok") else 422)

    async def check(self, request: Request) -> Response:
        body = await json_body(request)
        text = body.get("text") if isinstance(body, dict) else None
        if not isinstance(text, str):
            raise BadParameter("text", "it must be the text of a rule file")
        return json_answer(await self._desk.check(text))

    async def sources(self, request: Request) -> Response:
        return _all(self._desk.sources)

    async def connections(self, request: Request) -> Response:
        return _all(self._desk.connections)

    async def subscribers(self, request: Request) -> Response:
        return _all(self._desk.subscribers)

    async def end_subscriber(self, request: Request) -> Response:
        return _found(await self._desk.unsubscribe(_known(request, "sub")))

    async def test_connection(self, request: Request) -> Response:
        return _found(await self._desk.test_connection(request.path_params["name"]))

    async def vendors(self, request: Request) -> Response:
        return _all(self._desk.vendors)

    async def metrics(self, request: Request) -> Response:
        figures = {**await self._stats(), **connection_figures(self._desk.connections())}
        return Response(prometheus_text(figures), media_type=MEDIA_TYPE)

    async def _stats(self) -> Mapping[str, Any]:
        return {**await self._history.stats(), **self._rules.figures()}


def cloudevent(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as CloudEvents 1.0 JSON has it: absent instead of null, extension names of letters and digits only."""
    shown: dict[str, Any] = {name: event[name] for name in ("specversion", "id", "source", "type", "time")}
    if event.get("subject"):
        shown["subject"] = event["subject"]
    shown |= {extension: event[ours] for ours, extension in _OURS_AS_EXTENSIONS.items()}
    return {**shown, "datacontenttype": "application/json", "data": event.get("data")}


def _known(request: Request, prefix: str) -> str:
    text: str = request.path_params["id"]
    if not is_id(text, prefix):
        raise HTTPException(404)
    return text


def _may_see_bodies(request: Request) -> bool:
    return bool(request.scope.get("access") == "act")


def _without(shown: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {key: value for key, value in shown.items() if key != name}


def _found(value: Mapping[str, Any] | None) -> Response:
    if value is None:
        raise HTTPException(404)
    return json_answer(value)


def _page(page: Page) -> Response:
    return json_answer({"items": list(page.items), "next": page.next})


def _all(listing: Callable[[], Sequence[Mapping[str, Any]]]) -> Response:
    return json_answer({"items": list(listing()), "next": None})


def _problem(request: Request, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """For programs a problem, for a browser that asked for a page one that says the same."""
    if not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", ""):
        detail = str(body.get("detail") or "")
        return error_page(body["status"], body["title"], detail, "access" in request.scope)
    return Response(as_json(body), body["status"], headers, media_type=PROBLEM.decode())


def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(request, problem_body(error.status_code), error.headers)


def _parameter_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadParameter)
    return _problem(request, problem_body(422, str(error), parameter=error.name))


def _conflict(request: Request, error: Exception) -> Response:
    return _problem(request, problem_body(409, str(error)))


def _fault(request: Request, error: Exception) -> Response:
    return _problem(request, problem_body(500))


def _store_problem(request: Request, error: Exception) -> Response:
    return _problem(request, problem_body(503, "The store cannot answer now."), {"retry-after": "5"})
