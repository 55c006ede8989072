"""The operations of the admin API on the identity map: find, review, link, unlink, export, forget.

A token that may only read sees names, and numbers and addresses masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Page, PeopleDesk
from hooks.web.bodies import LinkPeople, UnlinkPeople
from hooks.web.engine_shapes import Doubt, PersonExported, PersonForgotten, PersonListed, PersonShown, TwoPeople
from hooks.web.guard import may_act
from hooks.web.json_bodies import found, known_id, page_answer, sent
from hooks.web.openapi import Endpoint
from hooks.web.parameters import PAGES, SEARCH, review_of, search_of

MAX_BODY = 10_000


def people_endpoints(desk: PeopleDesk) -> Sequence[Endpoint]:
    """Further rows for the table of `hooks.web.admin`."""
    api = _People(desk)
    path = "/api/v1/people"
    changed = (404, 409, 422, 503)
    return (
        Endpoint(
            "GET", path, api.people, "Who is known", SEARCH, listing=True, problems=(422, 503), answer=PersonListed
        ),
        Endpoint(
            "GET",
            f"{path}/review",
            api.review,
            "Pairs that may be one",
            PAGES,
            listing=True,
            problems=(422, 503),
            answer=Doubt,
        ),
        Endpoint(
            "POST",
            f"{path}/link",
            api.link,
            "Make one of two",
            body=LinkPeople,
            problems=changed,
            answer=PersonShown,
        ),
        Endpoint(
            "POST",
            f"{path}/unlink",
            api.unlink,
            "Take a record away from a person, or say that two are two",
            body=UnlinkPeople,
            problems=changed,
            answer=TwoPeople,
        ),
        Endpoint("GET", f"{path}/{{id}}", api.person, "One person in full", problems=(404, 503), answer=PersonShown),
        Endpoint(
            "GET",
            f"{path}/{{id}}/export",
            api.export,
            "All that is stored of a person",
            problems=(404, 503),
            answer=PersonExported,
        ),
        Endpoint(
            "POST",
            f"{path}/{{id}}/forget",
            api.forget,
            "Delete what identifies a person",
            problems=(404, 503),
            answer=PersonForgotten,
        ),
    )


class _People:
    def __init__(self, desk: PeopleDesk) -> None:
        self._desk = desk

    async def people(self, request: Request) -> Response:
        return _page(request, await self._desk.find(*search_of(request.query_params)))

    async def review(self, request: Request) -> Response:
        return _page(request, await self._desk.review(*review_of(request.query_params)))

    async def person(self, request: Request) -> Response:
        return found(_seen(request, await self._desk.show(known_id(request, "per"))))

    async def export(self, request: Request) -> Response:
        if not may_act(request):
            raise HTTPException(403)
        answer = found(_seen(request, await self._desk.export(known_id(request, "per"))))
        answer.headers["content-disposition"] = f'attachment; filename="{known_id(request, "per")}.json"'
        return answer

    async def link(self, request: Request) -> Response:
        body = await sent(request, LinkPeople, most=MAX_BODY)
        return found(_seen(request, await self._desk.link(body.one, body.other)))

    async def unlink(self, request: Request) -> Response:
        body = await sent(request, UnlinkPeople, most=MAX_BODY)
        return found(_seen(request, await self._desk.unlink(body.person, body.record)))

    async def forget(self, request: Request) -> Response:
        return found(_seen(request, await self._desk.forget(known_id(request, "per"))))


def _page(request: Request, page: Page) -> Response:
    return page_answer(replace(page, items=_seen(request, list(page.items))))


def _seen(request: Request, value: Any) -> Any:
    """The value as whoever asks may see it."""
    return value if may_act(request) else masked(value)


def masked(value: Any) -> Any:
    """The value with numbers, addresses of mail and places made unreadable: enough stays to tell them apart."""
    if isinstance(value, list):
        return [masked(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: [_mask(text) for text in inner] if name in ("phones", "emails", "places") else masked(inner)
        for name, inner in value.items()
    }


def _mask(text: str) -> str:
    name, at, domain = text.rpartition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"***{text[-2:]}"
