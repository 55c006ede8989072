"""The operations of the admin API on the identity map: find, review, link, unlink, export, forget.

A token that may only read sees names, and numbers and addresses masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Page, PeopleDesk
from hooks.web.bodies import LinkPeople, UnlinkPeople
from hooks.web.engine_shapes import Doubt, PersonExported, PersonForgotten, PersonListed, PersonShown, TwoPeople
from hooks.web.json_bodies import sent
from hooks.web.openapi import Endpoint
from hooks.web.parameters import PAGES, SEARCH, is_id, review_of, search_of
from hooks.web.problem import JSON, as_json

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
        return _found(request, await self._desk.show(_id(request)))

    async def export(self, request: Request) -> Response:
        if request.scope.get("access") != "act":
            raise HTTPException(403)
        answer = _found(request, await self._desk.export(_id(request)))
        answer.headers["content-disposition"] = f'attachment; filename="{_id(request)}.json"'
        return answer

    async def link(self, request: Request) -> Response:
        body = await sent(request, LinkPeople, most=MAX_BODY)
        return _found(request, await self._desk.link(body.one, body.other))

    async def unlink(self, request: Request) -> Response:
        body = await sent(request, UnlinkPeople, most=MAX_BODY)
        return _found(request, await self._desk.unlink(body.person, body.record))

    async def forget(self, request: Request) -> Response:
        return _found(request, await self._desk.forget(_id(request)))


def _id(request: Request) -> str:
    text: str = request.path_params["id"]
    if not is_id(text, "per"):
        raise HTTPException(404)
    return text


def _page(request: Request, page: Page) -> Response:
    return _json(request, {"items": list(page.items), "next": page.next})


def _found(request: Request, value: Mapping[str, Any] | None) -> Response:
    if value is None:
        raise HTTPException(404)
    return _json(request, value)


def _json(request: Request, value: Any) -> Response:
    if request.scope.get("access") != "act":
        value = masked(value)
    return Response(as_json(value), media_type=JSON.decode())


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
