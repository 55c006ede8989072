"""The console's pages about rules, people and the server itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hooks.ports import AuditFilter, Desk, EventFilter, History, Page, RunFilter
from hooks.web.console.shell import Shell, Shown, filled, id_in_path, older
from hooks.web.parameters import BadParameter, instant, is_id, read_query
from hooks.web.people import masked
from hooks.web.rules_writing import SVG

RULES = 100
"""Rules on a page: with more than that they are searched instead of scrolled through."""

LONGEST_TEXTS = 200_000
"""Characters of the rules' files that are shown below them; longer ones are read where they are edited."""

VERSIONS = 100
REVIEWED = 20
LATEST = 20
"""Events of a person that are shown with what became of them."""

_CHANGES = ("what", "target", "who", "since", "cursor")


def more_routes(shell: Shell, history: History, desk: Desk, shown: Shown) -> list[Route]:
    """The routes of these pages."""
    pages = _More(shell, history, desk, shown)
    return [
        Route("/rules", pages.rules, methods=["GET"]),
        Route("/rules/diagram.svg", pages.diagram, methods=["GET"]),
        Route("/rules/edit", pages.edit, methods=["GET"]),
        Route("/rules/history", pages.versions, methods=["GET"]),
        Route("/rules/history/{number}", pages.version, methods=["GET"]),
        Route("/people", pages.people, methods=["GET"]),
        Route("/people/{id}", pages.person, methods=["GET"]),
        Route("/settings", pages.settings, methods=["GET"]),
        Route("/settings/changes", pages.changes, methods=["GET"]),
    ]


class _More:
    """One method a page."""

    def __init__(self, shell: Shell, history: History, desk: Desk, shown: Shown) -> None:
        self._page = shell.page
        self._clock = shell.clock
        self._history = history
        self._desk = desk
        self._shown = shown

    # --- rules ---

    async def rules(self, request: Request) -> Response:
        every, wanted, after = self._desk.rules(), request.query_params.get("q", ""), request.query_params.get("cursor")
        found = [rule for rule in every if wanted.casefold() in _said_of(rule)]
        places = [number for number, rule in enumerate(found, 1) if rule["id"] == after]
        rules = found[places[0] if places else 0 :]
        shown = {rule["id"] for rule in rules[:RULES]}
        texts = self._shown.writing.texts()
        return await self._page(
            request,
            "rules.html",
            rules=rules[:RULES],
            every=len(every),
            found=len(found),
            many=len(every) > RULES,
            further=older(request, rules[RULES - 1]["id"] if len(rules) > RULES else None),
            sentences={rule["id"]: rule for rule in await self._shown.writing.sentences(shown)},
            texts=texts if sum(map(len, texts.values())) <= LONGEST_TEXTS else {},
            names=list(texts),
            state=self._shown.rules.state(),
        )

    async def diagram(self, request: Request) -> Response:
        drawn = await self._shown.writing.diagram()
        if drawn is None:
            raise HTTPException(404)
        return Response(drawn, media_type=SVG)

    async def edit(self, request: Request) -> Response:
        files = self._shown.writing.texts()
        main = next(iter(files), "")
        asked = request.query_params.get("file", "")
        events = await self._history.events(EventFilter(limit=25))
        return await self._page(
            request,
            "edit.html",
            files=files,
            main=main,
            chosen=asked if asked in files else main,
            line=line if _is_number(line := request.query_params.get("line", "")) else "",
            state=self._shown.rules.state(),
            events=events.items,
            event=request.query_params.get("event", ""),
        )

    async def versions(self, request: Request) -> Response:
        found = await self._shown.rules.versions(None, VERSIONS)
        return await self._page(request, "versions.html", versions=found, state=self._shown.rules.state())

    async def version(self, request: Request) -> Response:
        number = request.path_params["number"]
        against = request.query_params.get("against", "")
        if not _is_number(number) or (against and not _is_number(against)):
            raise HTTPException(404)
        found = await self._shown.rules.version(int(number), int(against) if against else None)
        if found is None:
            raise HTTPException(404)
        return await self._page(request, "version.html", version=found, state=self._shown.rules.state())

    # --- people ---

    async def people(self, request: Request) -> Response:
        query = filled(request)
        cursor = query.get("cursor")
        if cursor is not None and not is_id(cursor, "per"):
            raise BadParameter("cursor", "it must be the next of the page before")
        found = await self._shown.people.find(query.get("q", "")[:200] or None, cursor, 50)
        review = await self._shown.people.review(None, REVIEWED) if cursor is None and "q" not in query else Page([])
        return await self._page(
            request,
            "people.html",
            items=_for(request, list(found.items)),
            older=older(request, found.next),
            review=_for(request, list(review.items)),
        )

    async def person(self, request: Request) -> Response:
        found = await self._shown.people.show(id_in_path(request, "per"))
        if found is None:
            raise HTTPException(404)
        runs = {
            event["id"]: (await self._history.runs(RunFilter(event=event["id"], limit=10))).items
            for event in found["events"][:LATEST]
        }
        return await self._page(request, "person.html", person=_for(request, found), runs=runs)

    # --- the server ---

    async def settings(self, request: Request) -> Response:
        latest = await self._shown.audit.changes(AuditFilter(limit=10))
        return await self._page(
            request,
            "settings.html",
            sources=await self._desk.sources(),
            subscribers=self._desk.subscribers(),
            state=self._shown.rules.state(),
            stats=await self._history.stats(),
            ready=self._desk.ready(),
            changes=[{**change, "page": named(change)} for change in latest.items],
        )

    async def changes(self, request: Request) -> Response:
        given = read_query(filled(request), dict.fromkeys(_CHANGES, ""))
        cursor = given.get("cursor")
        if cursor is not None and not is_id(cursor, "aud"):
            raise BadParameter("cursor", "it must be the next of the page before")
        since = instant(given, "since", self._clock.now())
        wanted = AuditFilter(given.get("what"), given.get("target"), given.get("who"), since, cursor)
        page = await self._shown.audit.changes(wanted)
        return await self._page(
            request,
            "changes.html",
            changes=[{**one, "page": named(one)} for one in page.items],
            older=older(request, page.next),
        )


def _for(request: Request, value: Any) -> Any:
    """People as this reader may see them: numbers and addresses only for those who may act."""
    return value if request.scope.get("access") == "act" else masked(value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def named(change: Mapping[str, Any]) -> str:
    """The page of what a change was done to, "" where it has none."""
    target = change["target"] or ""
    subject = change["what"].partition(".")[0]
    pages = {"runs": "run", "events": "evt", "people": "per"}
    if subject in pages and is_id(target, pages[subject]):
        return f"/{subject}/{target}"
    return f"/{subject}" if subject in ("connections", "rules") else ""


def _said_of(rule: Mapping[str, Any]) -> str:
    """What a rule is searched in: its name and description, events and sources, and the actions of its steps."""
    steps = [part for key in ("steps", "else", "fallback") for step in rule[key] for part in step.values()]
    told = (rule["id"], rule["description"], *rule["event"], *rule["source"], *steps)
    return "\n".join(filter(None, told)).casefold()
