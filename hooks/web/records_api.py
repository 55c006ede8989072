"""The part of the admin API that shows what happened: events, receipts and runs, in lists and in full."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Clock, Desk, History
from hooks.web.casefile import as_markdown, case_file
from hooks.web.engine_shapes import Explained
from hooks.web.guard import may_act
from hooks.web.json_bodies import found, json_answer, known_id, page_answer
from hooks.web.openapi import Endpoint
from hooks.web.parameters import KNOWN, BadParameter, event_filter, read_query, receipt_filter, run_filter
from hooks.web.problem import as_json
from hooks.web.shapes import Case, CloudEvent, EventListed, EventShown, ReceiptListed, ReceiptShown, Run, RunShown

CLOUDEVENTS = "application/cloudevents+json"
MARKDOWN = "text/markdown"

LOOKS, BETWEEN_LOOKS = 40, 0.05
"""How often, and how many seconds apart, an event is looked at that has not been read yet."""

_API = "/api/v1"
_FORMATS = ("json", "markdown")
_CASE = {"format": {"description": "As data, or as a text to paste into a ticket.", "enum": list(_FORMATS)}}
_OURS_AS_EXTENSIONS = {
    "vendor": "vendor",
    "vendor_type": "vendortype",
    "received_at": "receivedat",
    "receipt": "receipt",
}


def records_endpoints(history: History, desk: Desk, clock: Clock) -> Sequence[Endpoint]:
    """Rows for the table of `hooks.web.admin`."""
    api = _Records(history, desk, clock)
    listed, one, changed = (422, 503), (404, 503), (404, 409, 503)
    return (
        Endpoint(
            "GET",
            f"{_API}/events",
            api.events,
            "Events",
            KNOWN["events"],
            listing=True,
            problems=listed,
            answer=EventListed,
        ),
        Endpoint(
            "GET",
            f"{_API}/events/{{id}}",
            api.event,
            "One event with its runs",
            problems=one,
            answer=EventShown,
            also={CLOUDEVENTS: CloudEvent},
        ),
        Endpoint(
            "GET",
            f"{_API}/events/{{id}}/explain",
            api.explain,
            "Why rules matched or not",
            problems=(404, 409, 503),
            answer=Explained,
        ),
        Endpoint(
            "GET",
            f"{_API}/receipts",
            api.receipts,
            "Receipts",
            KNOWN["receipts"],
            listing=True,
            problems=listed,
            answer=ReceiptListed,
        ),
        Endpoint(
            "GET",
            f"{_API}/receipts/{{id}}",
            api.receipt,
            "One receipt with its body",
            problems=one,
            answer=ReceiptShown,
        ),
        Endpoint("GET", f"{_API}/runs", api.runs, "Runs", KNOWN["runs"], listing=True, problems=listed, answer=Run),
        Endpoint("GET", f"{_API}/runs/{{id}}", api.run, "One run with its steps", problems=one, answer=RunShown),
        Endpoint(
            "GET",
            f"{_API}/runs/{{id}}/case",
            api.case,
            "One run, masked for a vendor's support",
            _CASE,
            problems=(404, 422, 503),
            answer=Case,
            also={MARKDOWN: None},
        ),
        Endpoint(
            "POST", f"{_API}/runs/{{id}}/retry", api.retry, "Try a run again now", problems=changed, answer=RunShown
        ),
        Endpoint("POST", f"{_API}/runs/{{id}}/cancel", api.cancel, "Give a run up", problems=changed, answer=RunShown),
    )


class _Records:
    """The operations, one method each."""

    def __init__(self, history: History, desk: Desk, clock: Clock) -> None:
        self._history = history
        self._desk = desk
        self._clock = clock

    async def events(self, request: Request) -> Response:
        return page_answer(await self._history.events(event_filter(request.query_params, self._clock.now())))

    async def event(self, request: Request) -> Response:
        event = await self._read(known_id(request, "evt"))
        if event is None:
            raise HTTPException(404)
        if CLOUDEVENTS in request.headers.get("accept", ""):
            return Response(as_json(cloudevent(event)), media_type=CLOUDEVENTS)
        return found(event if may_act(request) else _without(event, "raw"))

    async def explain(self, request: Request) -> Response:
        event = await self._read(known_id(request, "evt"))
        return found(None if event is None else await self._desk.explain(event["id"]))

    async def _read(self, event_id: str) -> Mapping[str, Any] | None:
        """The event once it has been read: the answer to a delivery names it a moment before that."""
        for _ in range(LOOKS):
            event = await self._history.event(event_id)
            if event is None or event["state"] != "pending":
                return event
            await self._clock.sleep(BETWEEN_LOOKS)
        return event

    async def receipts(self, request: Request) -> Response:
        return page_answer(await self._history.receipts(receipt_filter(request.query_params, self._clock.now())))

    async def receipt(self, request: Request) -> Response:
        receipt = await self._history.receipt(known_id(request, "rcp"))
        return found(receipt if receipt is None or may_act(request) else _without(receipt, "body"))

    async def runs(self, request: Request) -> Response:
        return page_answer(await self._history.runs(run_filter(request.query_params, self._clock.now())))

    async def run(self, request: Request) -> Response:
        return found(await self._history.run(known_id(request, "run")))

    async def case(self, request: Request) -> Response:
        run = await self._history.run(known_id(request, "run"))
        if run is None:
            raise HTTPException(404)
        event = await self._history.event(run["event"])
        case = await asyncio.to_thread(case_file, run, event, self._clock.now())  # a long text takes a second or two
        wanted = read_query(request.query_params, _CASE).get("format", "json")
        if wanted not in _FORMATS:
            raise BadParameter("format", f"it must be one of {', '.join(_FORMATS)}")
        if wanted == "markdown" or MARKDOWN in request.headers.get("accept", ""):
            answer = Response(await asyncio.to_thread(as_markdown, case), media_type=MARKDOWN)
        else:
            answer = json_answer(case)
        ending = "json" if answer.media_type != MARKDOWN else "md"
        answer.headers["content-disposition"] = f'attachment; filename="{run["id"]}.{ending}"'
        return answer

    async def retry(self, request: Request) -> Response:
        return found(await self._desk.retry(known_id(request, "run")))

    async def cancel(self, request: Request) -> Response:
        return found(await self._desk.cancel(known_id(request, "run")))


def cloudevent(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as CloudEvents 1.0 JSON has it: absent instead of null, extension names of letters and digits only."""
    shown: dict[str, Any] = {name: event[name] for name in ("specversion", "id", "source", "type", "time")}
    if event.get("subject"):
        shown["subject"] = event["subject"]
    shown |= {extension: event[ours] for ours, extension in _OURS_AS_EXTENSIONS.items()}
    return {**shown, "datacontenttype": "application/json", "data": event.get("data")}


def _without(shown: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {key: value for key, value in shown.items() if key != name}
