"""The part of the admin API that counts: totals, traffic by the minute, figures for Prometheus; and what changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hooks.errors import StoreError
from hooks.events import utc_text
from hooks.ports import Clock, Desk, History, RulesDesk
from hooks.web.json_bodies import json_answer
from hooks.web.metrics import MEDIA_TYPE, connection_figures, prometheus_text, source_figures
from hooks.web.openapi import Endpoint
from hooks.web.parameters import BadParameter, instant, is_id, read_query
from hooks.web.shapes import Stats, Traffic
from hooks.web.stream import EVENT_STREAM, Changes

_API = "/api/v1"
LONGEST = timedelta(hours=24)
"""How far back traffic is told by the minute."""

_TRAFFIC = {"since": "From then on, at most 24h: an instant (2026-05-04T14:00:00Z), or so long ago; 1h if not given."}


def figures_endpoints(history: History, desk: Desk, rules: RulesDesk, clock: Clock) -> Sequence[Endpoint]:
    """Rows for the table of `hooks.web.admin`."""
    api = _Figures(history, desk, rules, clock)
    return (
        Endpoint("GET", f"{_API}/stats", api.stats, "Counts", problems=(503,), answer=Stats),
        Endpoint(
            "GET",
            f"{_API}/traffic",
            api.traffic,
            "What happened in each minute",
            _TRAFFIC,
            listing=True,
            problems=(422, 503),
            answer=Traffic,
        ),
        Endpoint("GET", f"{_API}/stream", api.stream, "What changes, as it does", media_type=EVENT_STREAM),
        Endpoint("GET", "/metrics", api.metrics, "Figures for Prometheus", media_type=MEDIA_TYPE),
    )


class _Figures:
    """The operations, one method each."""

    def __init__(self, history: History, desk: Desk, rules: RulesDesk, clock: Clock) -> None:
        self._history = history
        self._desk = desk
        self._rules = rules
        self._clock = clock
        self._changes = Changes(history, clock)

    async def stats(self, request: Request) -> Response:
        return json_answer(await self._stats())

    async def traffic(self, request: Request) -> Response:
        now = self._clock.now()
        since = instant(read_query(request.query_params, _TRAFFIC), "since", now) or now - timedelta(hours=1)
        if since < now - LONGEST:
            raise BadParameter("since", "it must be at most 24h ago")
        counted = await self._history.traffic(since)
        items = [
            {"minute": utc_text(minute), "kind": kind, "name": name, "number": number}
            for minute, kind, name, number in counted
        ]
        return json_answer({"items": items, "next": None})

    async def stream(self, request: Request) -> Response:
        last = request.headers.get("last-event-id", "")
        following = self._changes.follow(last if is_id(last, "evt") else None)
        return StreamingResponse(following, media_type=EVENT_STREAM)

    async def metrics(self, request: Request) -> Response:
        try:
            stats = await self._stats()
        except StoreError:  # who watches is told so by figures, and not by their absence
            stats = {"ready": self._desk.ready(), "healthy": False, **self._rules.figures()}
        sources = source_figures(await self._desk.sources())
        figures = {**stats, **connection_figures(self._desk.connections()), **sources}
        return Response(prometheus_text(figures), media_type=MEDIA_TYPE)

    async def _stats(self) -> Mapping[str, Any]:
        return {**await self._history.stats(), **self._rules.figures()}
