"""The admin API about the rules' history: what it passes on, what it refuses, who may do it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from hooks.ports import Edit, RulesDraft, Span
from tests.web.doors import NOW
from tests.web.test_admin_api import READ, Office, assert_problem

RULES = "/api/v1/rules"


async def sent(office: Office, path: str, body: Any, token: str | None = None) -> Any:
    given = {} if token is None else {"token": token}
    return await office.ask("POST", path, body=json.dumps(body).encode(), content_type="application/json", **given)


async def test_a_text_is_published_with_its_author_and_what_was_seen() -> None:
    office = Office()

    answer = await sent(office, RULES, {"text": "version: 1\n", "author": "maya", "note": "why", "expected": 2})

    assert (200, {"ok": True, "findings": []}) == (answer.status_code, answer.json())
    assert [(RulesDraft("version: 1\n"), Edit("maya", "api", "why"), "2")] == office.drawer.asked


async def test_texts_of_included_files_go_with_it() -> None:
    office = Office()

    files = {"rules.d/a.yaml": "version: 1\n"}
    await sent(office, RULES, {"text": "version: 1\n", "files": files})

    assert [RulesDraft("version: 1\n", files)] == [asked[0] for asked in office.drawer.asked]


async def test_an_unsound_text_is_422_with_its_findings() -> None:
    office = Office()
    office.drawer.sound = False

    for path, body in ((RULES, {"text": ""}), (f"{RULES}/rollback", {"to": 1})):
        answer = await sent(office, path, body)
        assert (422, {"ok": False, "findings": []}) == (answer.status_code, answer.json())


async def test_a_text_written_against_other_rules_is_a_conflict() -> None:
    answer = await sent(Office(), RULES, {"text": "version: 1\n", "expected": "1"})

    assert "version 2 is in force now" in assert_problem(answer, 409)["detail"]


async def test_an_earlier_version_is_put_back_and_an_unknown_one_is_not_found() -> None:
    office = Office()

    assert 200 == (await sent(office, f"{RULES}/rollback", {"to": 1, "author": "maya"})).status_code
    assert_problem(await sent(office, f"{RULES}/rollback", {"to": 7}), 404)
    assert [
        (1, Edit("maya", "rollback", "back to version 1"), None),
        (7, Edit("api", "rollback", "back to version 7"), None),
    ] == (office.drawer.asked)


@pytest.mark.parametrize(
    ("path", "body", "parameter"),
    [
        (RULES, {}, "text"),
        (RULES, {"text": 5}, "text"),
        (RULES, {"text": "", "who": "maya"}, "body"),
        (RULES, ["text"], "body"),
        (RULES, {"text": "", "author": "a\nb"}, "author"),
        (RULES, {"text": "", "author": "a" * 101}, "author"),
        (RULES, {"text": "", "note": 5}, "note"),
        (RULES, {"text": "", "expected": True}, "expected"),
        (RULES, {"text": "", "files": ["a.yaml"]}, "files"),
        (RULES, {"text": "", "files": {"a.yaml": 5}}, "files"),
        (f"{RULES}/rollback", {"to": "1"}, "to"),
        (f"{RULES}/rollback", {"to": 0}, "to"),
        (f"{RULES}/rollback", {"to": True}, "to"),
        (f"{RULES}/rollback", {}, "to"),
    ],
)
async def test_what_cannot_be_used_is_refused_by_name(path: str, body: Any, parameter: str) -> None:
    office = Office()

    assert parameter == assert_problem(await sent(office, path, body), 422)["parameter"]
    assert [] == office.drawer.asked


async def test_who_may_only_look_changes_no_rules() -> None:
    office = Office()

    for path in (RULES, f"{RULES}/rollback"):
        assert_problem(await sent(office, path, {"text": "", "to": 1}, READ), 403)
    assert [] == office.drawer.asked
    assert 200 == (await office.get(f"{RULES}/versions", READ)).status_code


async def test_versions_come_in_pages() -> None:
    office = Office()

    first = (await office.get(f"{RULES}/versions?limit=1")).json()
    second = (await office.get(f"{RULES}/versions?limit=1&cursor={first['next']}")).json()

    assert ([{"number": 2}], "2", [{"number": 1}], None) == (
        first["items"],
        first["next"],
        second["items"],
        second["next"],
    )


async def test_one_version_is_compared_with_the_one_that_is_named() -> None:
    office = Office()

    assert {"number": 2, "against": None} == (await office.get(f"{RULES}/versions/2")).json()
    assert {"number": 2, "against": 1} == (await office.get(f"{RULES}/versions/2?against=1")).json()
    for unknown in ("9", "x", "-1", "1" * 40):
        assert_problem(await office.get(f"{RULES}/versions/{unknown}"), 404)


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "cursor=x", "cursor=0", "until=1"])
async def test_a_wrong_parameter_is_named(query: str) -> None:
    problem = assert_problem(await Office().get(f"{RULES}/versions?{query}"), 422)

    assert query.partition("=")[0] == problem["parameter"]


async def test_the_report_on_shadows_takes_rules_and_a_time() -> None:
    office = Office()

    assert 200 == (await office.get(f"{RULES}/shadow-report?rule=new&against=old&since=24h", READ)).status_code
    assert [("new", "old", NOW - timedelta(hours=24))] == office.drawer.asked
    assert_problem(await office.get(f"{RULES}/shadow-report?rule=old"), 404)
    assert "since" == assert_problem(await office.get(f"{RULES}/shadow-report?since=x"), 422)["parameter"]


async def test_a_backtest_takes_a_span_and_a_bound() -> None:
    office = Office()

    answer = await sent(office, f"{RULES}/backtest", {"text": "x", "since": "14d", "rule": "one", "limit": 50})

    assert 200 == answer.status_code
    assert [(RulesDraft("x"), Span(NOW - timedelta(days=14), None, None, 50), "one")] == office.drawer.asked


@pytest.mark.parametrize(
    ("more", "parameter"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 10_001}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"since": "soon"}, "since"),
        ({"since": 5}, "since"),
        ({"rule": ["one"]}, "rule"),
        ({"days": 5}, "body"),
    ],
)
async def test_a_backtest_of_what_cannot_be_is_refused_by_name(more: dict[str, Any], parameter: str) -> None:
    office = Office()

    assert parameter == assert_problem(await sent(office, f"{RULES}/backtest", {"text": "x", **more}), 422)["parameter"]
    assert [] == office.drawer.asked
