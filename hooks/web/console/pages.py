"""The console's pages: each asks `History` and `Desk` what it shows, and renders one template."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import resources
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hooks.errors import Conflict
from hooks.ports import Clock, Desk, EventFilter, History, RunFilter
from hooks.web.audit import MAX_NAME
from hooks.web.auth import Keys
from hooks.web.console.charts import buckets, columns, timeline
from hooks.web.console.journey import lit_lines, with_records
from hooks.web.console.more import more_routes
from hooks.web.console.shell import Shell, Shown, filled, id_in_path, older
from hooks.web.guard import SIGN_IN
from hooks.web.parameters import BadParameter, event_filter, is_id, receipt_filter, run_filter
from hooks.web.sessions import Sessions, set_cookie

MAX_FORM = 4096
CHART_STEPS = 48
CHART_STEP = timedelta(minutes=30)
MOST_RULES = 100
"""Rules that the page of an event explains."""

MOST_PEOPLE = 6
"""People whom a search names beside the events."""

SILENT_AFTER = timedelta(hours=24)
_COUNTED = ("accepted", "duplicate", "refused", "quarantined")

_STATIC_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def console_routes(
    history: History, desk: Desk, clock: Clock, keys: Keys, sessions: Sessions, shown: Shown | None = None
) -> list[Route]:
    """The routes of the console, for the application behind the admin's guard."""
    shell = Shell(clock, whole=shown is not None)
    pages = _Pages(history, desk, shell, keys, sessions, shown)
    return [
        *([] if shown is None else more_routes(shell, history, desk, shown)),
        Route(SIGN_IN, pages.sign_in, methods=["GET"]),
        Route(SIGN_IN, pages.signed_in, methods=["POST"]),
        Route("/sign-out", pages.sign_out, methods=["POST"]),
        Route("/static/{name}", static, methods=["GET"]),
        Route("/", pages.overview, methods=["GET"]),
        Route("/events", pages.events, methods=["GET"]),
        Route("/events/{id}", pages.event, methods=["GET"]),
        Route("/runs", pages.runs, methods=["GET"]),
        Route("/runs/{id}", pages.run, methods=["GET"]),
        Route("/receipts", pages.receipts, methods=["GET"]),
        Route("/receipts/{id}", pages.receipt, methods=["GET"]),
        Route("/receipts/{id}/body", pages.receipt_body, methods=["GET"]),
        Route("/connections", pages.connections, methods=["GET"]),
        Route("/vendors", pages.vendors, methods=["GET"]),
        Route("/vendors/{name}", pages.vendor, methods=["GET"]),
    ]


class _Pages:
    """One method a page."""

    def __init__(
        self, history: History, desk: Desk, shell: Shell, keys: Keys, sessions: Sessions, shown: Shown | None
    ) -> None:
        self._history = history
        self._desk = desk
        self._clock = shell.clock
        self._page = shell.page
        self._shown = shown
        self._keys = keys
        self._sessions = sessions

    # --- signing in ---

    async def sign_in(self, request: Request) -> Response:
        return await self._page(request, "sign_in.html", next=_local(request.query_params.get("next")), wrong=False)

    async def signed_in(self, request: Request) -> Response:
        form = await _form(request)
        access = self._keys.check(form.get("token", "").strip())
        there = _local(form.get("next"))
        if access is None:
            return await self._page(request, "sign_in.html", status=401, next=there, wrong=True)
        answer = RedirectResponse(there, 303)
        who = form.get("name", "").strip()[:MAX_NAME]
        cookie = set_cookie(
            self._sessions.begin(access, who if who.isprintable() else ""), secure=request.url.scheme == "https"
        )
        answer.headers.append("set-cookie", cookie)
        return answer

    async def sign_out(self, request: Request) -> Response:
        answer = Response(b"{}", media_type="application/json")
        answer.headers.append("set-cookie", set_cookie("", secure=request.url.scheme == "https", lasts=0))
        return answer

    # --- overview ---

    async def overview(self, request: Request) -> Response:
        now = self._clock.now()
        since = (now - CHART_STEP * CHART_STEPS).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        stats = await self._history.stats()
        rows = await self._history.traffic(since)
        verdicts = {"receipt.accepted": "done", "receipt.refused": "refused", "receipt.quarantined": "failed"}
        endings = {"run.done": "done", "run.failed": "failed"}
        # A day of very many sources has a row for each of their minutes.
        received = await asyncio.to_thread(buckets, rows, verdicts, since, CHART_STEP, CHART_STEPS)
        ended = await asyncio.to_thread(buckets, rows, endings, since, CHART_STEP, CHART_STEPS)
        sources = await asyncio.to_thread(source_states, await self._desk.sources(), rows, now)
        trouble = [
            run
            for state in ("held", "failed")
            for run in (await self._history.runs(RunFilter(state=state, given_up=False, limit=5))).items
        ]
        lately = EventFilter(flagged=True, since=now - timedelta(days=1), limit=2)
        return await self._page(
            request,
            "overview.html",
            stats=stats,
            received=columns(received, f"Webhooks received in the last {CHART_STEPS // 2} hours"),
            ended=columns(ended, f"Runs that ended in the last {CHART_STEPS // 2} hours"),
            received_total=sum(received["done"]),
            ended_total=sum(ended["done"]),
            failed_total=sum(ended["failed"]),
            refused_total=sum(received["refused"]),
            unread_total=sum(received["failed"]),
            sources=sources,
            connections=self._desk.connections(),
            trouble=trouble,
            unread_events=(await self._history.events(lately)).items,
            ready=self._desk.ready(),
            findings=() if self._shown is None else self._shown.upkeep.health()["findings"],
        )

    # --- what happened ---

    async def events(self, request: Request) -> Response:
        if there := _page_of(request.query_params.get("q", "").strip()):
            return RedirectResponse(there, 303)
        filter = event_filter(filled(request), self._clock.now())
        page = await self._history.events(filter)
        people: Sequence[Mapping[str, Any]] = ()
        if filter.q is not None and filter.cursor is None and self._shown is not None:
            people = (await self._shown.people.find(filter.q, None, MOST_PEOPLE)).items
        return await self._page(
            request,
            "events.html",
            items=page.items,
            people=people,
            older=older(request, page.next),
            sources=[source["name"] for source in await self._desk.sources()],
            rules=[rule["id"] for rule in self._desk.rules()],
        )

    async def event(self, request: Request) -> Response:
        event = await self._history.event(id_in_path(request, "evt"))
        if event is None:
            raise HTTPException(404)
        receipt = await self._history.receipt(event["receipt"])
        explained: Mapping[str, Any] | None = None
        why_not = ""
        try:
            explained = await self._desk.explain(event["id"])
        except Conflict as conflict:
            why_not = str(conflict)
        texts = {} if self._shown is None else self._shown.writing.texts()
        known = {rule["id"]: rule for rule in self._desk.rules()}
        rules = [] if explained is None else nearest(explained["rules"])
        return await self._page(
            request,
            "event.html",
            event=event,
            receipt=receipt,
            runs=[with_records(run) for run in event["runs"]],
            timelines={run["id"]: timeline(run, self._clock.now()) for run in event["runs"]},
            explained=[_lit(rule, known, texts) for rule in rules],
            further=0 if explained is None else len(explained["rules"]) - len(rules),
            why_not=why_not,
        )

    async def runs(self, request: Request) -> Response:
        given = filled(request)
        filter = run_filter(given, self._clock.now())
        if filter.state == "failed" and filter.given_up is None:
            filter = replace(filter, given_up=False)  # what needs nobody has a tab of its own
        page = await self._history.runs(filter)
        chosen = {name: value for name, value in given.items() if name not in ("cursor", "limit", "given_up")}
        return await self._page(
            request,
            "runs.html",
            items=page.items,
            given_up=bool(filter.given_up),
            chosen={**chosen, "given_up": True} if filter.given_up else chosen,
            older=older(request, page.next),
            rules=[rule["id"] for rule in self._desk.rules()],
            stats=await self._history.stats(),
        )

    async def run(self, request: Request) -> Response:
        run = await self._history.run(id_in_path(request, "run"))
        if run is None:
            raise HTTPException(404)
        return await self._page(request, "run.html", run=with_records(run), timeline=timeline(run, self._clock.now()))

    async def receipts(self, request: Request) -> Response:
        page = await self._history.receipts(receipt_filter(filled(request), self._clock.now()))
        return await self._page(
            request,
            "receipts.html",
            items=page.items,
            older=older(request, page.next),
            sources=[source["name"] for source in await self._desk.sources()],
        )

    async def receipt(self, request: Request) -> Response:
        receipt = await self._history.receipt(id_in_path(request, "rcp"))
        if receipt is None:
            raise HTTPException(404)
        return await self._page(request, "receipt.html", receipt=receipt)

    async def receipt_body(self, request: Request) -> Response:
        """The raw body, never shown as a page of its own: a vendor may have been sent markup."""
        receipt = await self._history.receipt(id_in_path(request, "rcp"))
        if receipt is None or request.scope.get("access") != "act":
            raise HTTPException(404)
        body = receipt["body"]
        content = body.encode() if isinstance(body, str) else _from_base64(body)
        name = f'attachment; filename="{receipt["id"]}.bin"'
        return Response(content, media_type="application/octet-stream", headers={"content-disposition": name})

    # --- what is configured ---

    async def connections(self, request: Request) -> Response:
        return await self._page(request, "connections.html", connections=self._desk.connections())

    async def vendors(self, request: Request) -> Response:
        return await self._page(request, "vendors.html", vendors=await self._desk.vendors())

    async def vendor(self, request: Request) -> Response:
        for vendor in await self._desk.vendors():
            if vendor["vendor"] == request.path_params["name"]:
                mine = [one for one in self._desk.connections() if one["vendor"] == vendor["vendor"]]
                return await self._page(request, "vendor.html", vendor=vendor, connections=mine)
        raise HTTPException(404)


async def static(request: Request) -> Response:
    """A file of the console's style. Only files of that one folder can be named."""
    name = request.path_params["name"]
    suffix = name[name.rfind(".") :] if "." in name else ""
    file = resources.files("hooks.web.console") / "static" / name
    if suffix not in _STATIC_TYPES or "/" in name or "\\" in name or name.startswith(".") or not file.is_file():
        raise HTTPException(404)
    return Response(file.read_bytes(), media_type=_STATIC_TYPES[suffix])


def nearest(rules: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """As many of the explained rules as people read: of very many those of this event, and what is left of the rest."""
    if len(rules) <= MOST_RULES:
        return rules
    return sorted(rules, key=lambda rule: not _is_near(rule))[:MOST_RULES]


def _is_near(rule: Mapping[str, Any]) -> bool:
    """Whether it matched, or is at least about events of this type."""
    clauses = rule["clauses"]
    return bool(rule["matched"] or (clauses and clauses[0]["verdict"] == "true"))


def _lit(
    explained: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str]
) -> Mapping[str, Any]:
    """An explained rule with the lines of its own file, each with the clauses that stand on it."""
    rule = known.get(explained["id"], {})
    lines = lit_lines(texts.get(rule.get("file", "")), rule.get("line", 0), explained["clauses"])
    return {**explained, "file": rule.get("file", ""), "first": rule.get("line", 0), "lines": lines}


def source_states(
    sources: Sequence[Mapping[str, Any]], rows: Sequence[tuple[datetime, str, str, int]], now: datetime
) -> list[dict[str, Any]]:
    """Each source with what came by it in the time of the charts: silence and refusals are what people must notice."""
    counted: Counter[tuple[str, str]] = Counter()
    last: dict[str, datetime] = {}
    for minute, kind, name, number in rows:
        counted[kind, name] += number
        if kind in ("receipt.accepted", "receipt.duplicate"):
            last[name] = max(minute, last.get(name, minute))
    made = []
    for source in sources:
        name = source["name"]
        verdicts = {verdict: counted[f"receipt.{verdict}", name] for verdict in _COUNTED}
        silent = name not in last or now - last[name] > SILENT_AFTER
        made.append({**source, **verdicts, "last": last.get(name), "silent": silent})
    return made


def _page_of(text: str) -> str | None:
    """The page of the record whose id this is."""
    for prefix, path in (("evt", "events"), ("run", "runs"), ("rcp", "receipts"), ("per", "people")):
        if is_id(text, prefix):
            return f"/{path}/{text}"
    return None


def _local(wanted: str | None) -> str:
    """A path of ours: nobody is sent elsewhere after signing in."""
    try:
        parts = urlsplit(wanted or "/")
    except ValueError:
        return "/"
    clean = not parts.scheme and not parts.netloc and parts.path.startswith("/") and not parts.path.startswith("//")
    if not clean or "\\" in (wanted or "") or parts.path == SIGN_IN:
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")


async def _form(request: Request) -> dict[str, str]:
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > MAX_FORM:
            raise HTTPException(413)
    try:
        return dict(parse_qsl(held.decode("utf-8"), max_num_fields=10))
    except ValueError:
        raise BadParameter("token", "it cannot be read") from None


def _from_base64(body: Mapping[str, str]) -> bytes:
    import base64

    return base64.b64decode(body["base64"])
