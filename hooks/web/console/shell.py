"""What all pages of the console share: who looks, where the page stands, and how it is rendered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks import __version__
from hooks.ports import Audit, Clock, PeopleDesk, RulesDesk, RulesWriting, Upkeep
from hooks.web.console.rendering import render
from hooks.web.parameters import is_id

HTML = "text/html; charset=utf-8"

_FIRST = (
    ("/", "Overview"),
    ("/events", "Events"),
    ("/runs", "Runs"),
    ("/rules", "Rules"),
    ("/connections", "Connections"),
)
_LAST = (("/receipts", "Receipts"), ("/vendors", "Vendors"))

_IN_WORDS: Final = {
    404: (
        "There is nothing here",
        "The address may be cut, or what it showed was deleted when its time was over. The search finds what is kept.",
    ),
    422: ("This address cannot be read", ""),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the console shows beside what happened: who is who, the rules file, who changed what, and how it is."""

    people: PeopleDesk
    rules: RulesDesk
    writing: RulesWriting
    audit: Audit
    upkeep: Upkeep


class Shell:
    """The frame around every page."""

    def __init__(self, clock: Clock, *, whole: bool) -> None:
        """``whole``: whether there are the pages that need `Shown`."""
        self.clock = clock
        self._navigation = _navigation(whole)

    async def page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        shown = {
            "navigation": self._navigation,
            "here": request.url.path,
            "query": dict(request.query_params),
            "may_act": request.scope.get("access") == "act",
            "signed_in": "access" in request.scope,
            "release": __version__,
            "now": self.clock.now(),
            **values,
        }
        # Thousands of rules, or a body of a megabyte, take seconds: nobody who is being received waits for that.
        return Response(await asyncio.to_thread(render, template, shown), status, media_type=HTML)


def _navigation(whole: bool) -> Sequence[tuple[str, str]]:
    middle, last = ((("/people", "People"),), (("/settings", "Settings"),)) if whole else ((), ())
    return (*_FIRST, *middle, *_LAST, *last)


def error_page(request: Request, status: int, title: str, detail: str) -> Response:
    """What went wrong, as a page for people."""
    access = request.scope.get("access")
    whole = any(getattr(route, "path", "") == "/people" for route in request.app.routes)
    said, what = _IN_WORDS.get(status, (title, ""))
    values: dict[str, Any] = {
        "navigation": _navigation(whole) if access else (),
        "here": "", "query": {}, "may_act": access == "act", "signed_in": access is not None, "release": __version__,
        "now": None, "status": status, "title": said, "detail": detail or what,
    }  # fmt: skip
    return Response(render("error.html", values), status, media_type=HTML)


def filled(request: Request) -> QueryParams:
    """The query without the fields of the form that were left empty."""
    return QueryParams([(name, value) for name, value in request.query_params.multi_items() if value.strip()])


def older(request: Request, cursor: str | None) -> str | None:
    """The address of the next page of a list."""
    if cursor is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor" and value]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def id_in_path(request: Request, prefix: str) -> str:
    """Raises HTTPException 404 for what cannot be an id."""
    text: str = request.path_params["id"]
    if not is_id(text, prefix):
        raise HTTPException(404)
    return text
