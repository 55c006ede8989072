"""The identity map at the admin's door: who may see what, and what a wrong question is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from hooks.errors import Conflict
from hooks.ports import Page, PeopleDesk
from hooks.web.admin import admin
from hooks.web.auth import Hosts
from hooks.web.people import people_endpoints
from tests.web.doors import StillClock
from tests.web.test_admin_api import ACT, READ, Archive, Drawer, Engine, TwoTokens

MAYA = "per_0190c0de000070008000000000000001"
LEO = "per_0190c0de000070008000000000000002"
NOBODY = "per_0190c0de000070008000000000000009"
PERSON: Mapping[str, Any] = {
    "id": MAYA,
    "name": "Maya Ortiz",
    "phones": ["+13035550142"],
    "emails": ["maya@example.org"],
    "places": ["maya ortiz|18 birch rd|80401"],
    "records": [{"connection": "titan", "id": "7"}],
}


class Register:
    """Maya is known, Leo may be her."""

    async def find(self, q: str | None, cursor: str | None, limit: int) -> Page:
        return Page([{**PERSON, "asked": [q, cursor, limit]}], MAYA)

    async def show(self, person: str) -> Mapping[str, Any] | None:
        return PERSON if person == MAYA else None

    async def review(self, cursor: str | None, limit: int) -> Page:
        return Page([{"one": PERSON, "other": {**PERSON, "id": LEO}, "confidence": 0.5, "why": "a family?"}], None)

    async def export(self, person: str) -> Mapping[str, Any] | None:
        return {"person": PERSON, "events": []} if person == MAYA else None

    async def link(self, one: str, other: str) -> Mapping[str, Any] | None:
        if one == other:
            raise Conflict("they are one person already")
        return PERSON if {one, other} == {MAYA, LEO} else None

    async def unlink(self, person: str, record: str) -> Mapping[str, Any] | None:
        return {"person": PERSON, "other": {"id": LEO}} if (person, record) == (MAYA, "titan/7") else None

    async def forget(self, person: str) -> Mapping[str, Any] | None:
        return {"person": person, "events": 3} if person == MAYA else None


_: type[PeopleDesk] = Register


async def ask(method: str, path: str, token: str = ACT, body: Any = None, **query: str) -> httpx.Response:
    endpoints = people_endpoints(Register())
    app = admin(Archive(), Engine(), Drawer(), StillClock(), TwoTokens(), Hosts("127.0.0.1"), endpoints)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8081") as client:
        headers = {"Authorization": f"Bearer {token}"}
        return await client.request(method, path, json=body, headers=headers, params=query)


async def test_people_are_found_and_shown() -> None:
    listing = (await ask("GET", "/api/v1/people", q="(303) 555-0142", limit="5")).json()
    assert (["(303) 555-0142", None, 5], MAYA) == (listing["items"][0]["asked"], listing["next"])
    assert PERSON == (await ask("GET", f"/api/v1/people/{MAYA}")).json()
    assert "a family?" == (await ask("GET", "/api/v1/people/review")).json()["items"][0]["why"]


async def test_who_may_only_read_sees_numbers_and_addresses_masked() -> None:
    for path in ("/api/v1/people", f"/api/v1/people/{MAYA}", "/api/v1/people/review"):
        text = (await ask("GET", path, READ)).text
        assert "Maya Ortiz" in text
        assert "***42" in text
        assert "m***@example.org" in text
        for hidden in ("5550142", "maya@", "birch"):
            assert hidden not in text


async def test_an_export_is_a_file_for_who_may_act() -> None:
    answer = await ask("GET", f"/api/v1/people/{MAYA}/export")
    assert PERSON == answer.json()["person"]
    assert f'attachment; filename="{MAYA}.json"' == answer.headers["content-disposition"]
    assert 403 == (await ask("GET", f"/api/v1/people/{MAYA}/export", READ)).status_code


async def test_changes_need_the_right_to_act() -> None:
    for path in ("link", "unlink", f"{MAYA}/forget"):
        assert 403 == (await ask("POST", f"/api/v1/people/{path}", READ, {})).status_code
        assert 401 == (await ask("POST", f"/api/v1/people/{path}", "no-token", {})).status_code


async def test_people_are_linked_unlinked_and_forgotten() -> None:
    assert 200 == (await ask("POST", "/api/v1/people/link", body={"one": MAYA, "other": LEO})).status_code
    parted = await ask("POST", "/api/v1/people/unlink", body={"person": MAYA, "record": "titan/7"})
    assert LEO == parted.json()["other"]["id"]
    assert {"person": MAYA, "events": 3} == (await ask("POST", f"/api/v1/people/{MAYA}/forget", body={})).json()
    again = await ask("POST", "/api/v1/people/link", body={"one": MAYA, "other": MAYA})
    assert (409, "they are one person already") == (again.status_code, again.json()["detail"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", NOBODY),
        ("GET", "per_1"),
        ("GET", "evt_0190c0de000070008000000000000001"),
        ("GET", f"{NOBODY}/export"),
        ("POST", f"{NOBODY}/forget"),
    ],
)
async def test_somebody_who_is_not_known_is_not_found(method: str, path: str) -> None:
    assert 404 == (await ask(method, f"/api/v1/people/{path}", body={} if method == "POST" else None)).status_code


async def test_a_link_to_nobody_is_not_found() -> None:
    assert 404 == (await ask("POST", "/api/v1/people/link", body={"one": MAYA, "other": NOBODY})).status_code


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("people", {"name": "Maya"}),
        ("people", {"cursor": "evt_0190c0de000070008000000000000001"}),
        ("people", {"limit": "0"}),
        ("people/review", {"cursor": "-1"}),
        ("people/review", {"cursor": "²"}),
        ("people/review", {"q": "Maya"}),
    ],
)
async def test_a_wrong_question_is_refused_by_name(path: str, query: dict[str, str]) -> None:
    answer = await ask("GET", f"/api/v1/{path}", **query)
    assert (422, next(iter(query))) == (answer.status_code, answer.json()["parameter"])


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "one"),
        ({"one": MAYA}, "other"),
        ({"one": 7, "other": LEO}, "one"),
        ({"one": "a\nb", "other": LEO}, "one"),
        ({"one": "x" * 300, "other": LEO}, "one"),
        ([MAYA, LEO], "body"),
    ],
)
async def test_a_wrong_link_is_refused_by_name(body: Any, parameter: str) -> None:
    answer = await ask("POST", "/api/v1/people/link", body=body)
    assert (422, parameter) == (answer.status_code, answer.json()["parameter"])


async def test_a_body_that_is_too_large_is_refused() -> None:
    assert 413 == (await ask("POST", "/api/v1/people/link", body={"one": "x" * 20_000})).status_code


async def test_the_operations_are_in_the_description() -> None:
    paths = (await ask("GET", "/openapi.json")).json()["paths"]
    assert {
        "/api/v1/people",
        "/api/v1/people/review",
        "/api/v1/people/link",
        "/api/v1/people/unlink",
        "/api/v1/people/{id}",
        "/api/v1/people/{id}/export",
        "/api/v1/people/{id}/forget",
    } <= paths.keys()
