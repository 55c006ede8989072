"""Fields that the operator hides: in lists for everybody, in all else for whoever may only read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.errors import SettingsError
from hooks.ports import EventFilter, History, Page, ReceiptFilter, RunFilter
from hooks.settings import load_settings
from hooks.web.masked import HIDDEN, MaskedHistory, Masking, reads_only
from hooks.web.masked_people import MaskedBook

RUN = {
    "id": "run_1",
    "reason": None,
    "steps": [
        {
            "id": "email",
            "request": {
                "method": "GET",
                "url": "https://x/find?email=a%40b.c&page=2",
                "body": {"Email": "a@b.c", "n": 1},
            },
            "output": {"lastName": "Ortiz"},
            "attempts": [
                {
                    "exchanges": [
                        {"url": "https://x/", "request": '{"Email":"a@b.c"}', "answer": "<b>a@b.c</b>"},
                        {"url": "https://x/", "request": None, "answer": ""},
                    ]
                }
            ],
        }
    ],
}
EVENT = {
    "id": "evt_1",
    "source": "email",
    "data": {
        "customer": {"email": "a@b.c", "emails": ["a@b.c"], "last_name": "Ortiz", "first_name": "Maya", "phone": None}
    },
    "raw": {"Email": "a@b.c"},
    "runs": [RUN],
}
MASKING = Masking(["email", "last_name"])


class Past:
    async def events(self, filter: EventFilter) -> Page:
        return Page([{**EVENT, "runs": [{"id": "run_1", "rule": "r", "state": "done"}]}], "evt_1")

    async def event(self, event_id: str) -> Any:
        return EVENT if event_id == "evt_1" else None

    async def runs(self, filter: RunFilter) -> Page:
        return Page([{"id": "run_1"}])

    async def run(self, run_id: str) -> Any:
        return RUN if run_id == "run_1" else None

    async def receipts(self, filter: ReceiptFilter) -> Page:
        return Page([{"id": "rcp_1", "query": [["email", "a@b.c"], ["page", "2"]]}])

    async def receipt(self, receipt_id: str) -> Any:
        return (await self.receipts(ReceiptFilter())).items[0] if receipt_id == "rcp_1" else None

    async def traffic(self, since: Any) -> Any:
        return []

    async def heard(self, sources: Any) -> Any:
        return {}

    async def stats(self) -> Any:
        return {}


def masked() -> History:
    return MaskedHistory(Past(), MASKING)


@pytest.fixture
def reader() -> Any:
    token = reads_only.set(True)
    yield
    reads_only.reset(token)


async def test_lists_hide_what_was_chosen_from_everybody() -> None:
    item = (await masked().events(EventFilter())).items[0]
    assert {"email": HIDDEN, "emails": [HIDDEN], "last_name": HIDDEN, "first_name": "Maya", "phone": None} == item[
        "data"
    ]["customer"]
    assert ("evt_1", "email") == (item["id"], item["source"]), "what is ours is not hidden"
    assert [["email", HIDDEN], ["page", "2"]] == (await masked().receipts(ReceiptFilter())).items[0]["query"]


async def test_whoever_may_act_sees_one_record_whole() -> None:
    assert (EVENT, RUN) == (await masked().event("evt_1"), await masked().run("run_1"))


async def test_whoever_may_only_read_sees_nothing_of_it_anywhere(reader: None) -> None:
    history = masked()
    for shown in (await history.event("evt_1"), await history.run("run_1"), await history.receipt("rcp_1")):
        assert (
            "a@b.c" not in json.dumps(shown) and "a%40b.c" not in json.dumps(shown) and "Ortiz" not in json.dumps(shown)
        )
    run = await history.run("run_1")
    assert run is not None
    step = run["steps"][0]
    assert ("email", "https://x/find?email=***&page=2") == (step["id"], step["request"]["url"])
    assert {"Email": HIDDEN, "n": 1} == step["request"]["body"]
    assert [(f'{{"Email":"{HIDDEN}"}}', HIDDEN), (None, "")] == [
        (each["request"], each["answer"]) for each in step["attempts"][0]["exchanges"]
    ]
    assert [None, None, None] == [await history.event("x"), await history.run("x"), await history.receipt("x")]


def test_an_explanation_hides_values_by_their_paths_and_hints_that_hold_them(reader: None) -> None:
    clause = {"text": "c", "values": {"data.customer.email": "a@b.c", "data.n": 1}, "hint": "did you mean a@b.c?"}
    told = {
        "event": {"id": "evt_1", "data": {"email": "a@b.c"}},
        "rules": [{"id": "r", "clauses": [clause], "requests": [{"step": "s", "body": {"email": "a@b.c"}}]}],
    }
    shown = MASKING.explained(told)
    assert "a@b.c" not in json.dumps(shown)
    assert {"data.customer.email": HIDDEN, "data.n": 1} == shown["rules"][0]["clauses"][0]["values"]
    assert told == Masking(()).explained(told)


def test_an_explanation_hides_what_an_expression_makes_of_a_hidden_field(reader: None) -> None:
    values = {"data.emails.work": "a@b.c", "raw['E-Mail']": "a@b.c", "data.n": 1, "data.email": None}
    timing = {"key": "once_per", "line": 1, "text": "t", "by": {"lower(data.email) ?? data.n": "a@b.c"}, "hint": None}
    request = {"step": "s", "url": "https://x/find?email=a%40b.c&n=1", "body": None}
    rule = {"id": "r", "clauses": [{"values": values}], "timing": [timing], "requests": [request]}
    (shown,) = MASKING.explained({"event": {}, "rules": [rule]})["rules"]
    assert "a@b.c" not in json.dumps(shown)
    assert "a%40b.c" not in json.dumps(shown)
    assert {"data.n": 1, "data.email": None}.items() <= shown["clauses"][0]["values"].items()
    assert {"lower(data.email) ?? data.n": HIDDEN} == shown["timing"][0]["by"]


def test_whoever_may_act_sees_an_explanation_whole() -> None:
    told: dict[str, Any] = {"event": {}, "rules": []}
    assert told is MASKING.explained(told)


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("email", True),
        ("emails", True),
        ("Email", True),
        ("data.emails[0]", True),
        ("lastName", True),
        ("name", False),
        ("e", False),
        ("", False),
    ],
)
def test_a_name_is_one_in_any_style(name: str, covered: bool) -> None:
    assert covered == MASKING.covers(name)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["email", "a", "b"]), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_nothing_but_what_was_chosen_changes(value: Any) -> None:
    assert value == Masking(()).of(value)
    shown = Masking(["email"]).of(value)
    assert shown == Masking(["email"]).of(shown)


@pytest.mark.parametrize("text", ["a b", "data.email", "x;y"])
def test_what_is_no_name_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_MASKED", text)
    with pytest.raises(SettingsError, match="HOOKS_MASKED"):
        load_settings()


def test_names_have_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_MASKED", "phone, lastName,")
    assert ("phone", "lastName") == load_settings().masked


# --- people ---

MAYA = {
    "id": "per_1", "name": "Maya Ortiz", "company": None, "phones": ["+13035550142"], "emails": [],
    "records": [{"vendor": "homebase360", "connection": "home", "kind": "customer", "id": "cus_1", "why": "email"}],
    "created_at": "2026-05-04T14:00:00Z", "updated_at": "2026-05-04T14:00:00Z",
}  # fmt: skip


class Acquaintances:
    async def find(self, q: str | None, cursor: str | None, limit: int) -> Page:
        return Page([MAYA], "per_1")

    async def review(self, cursor: str | None, limit: int) -> Page:
        return Page([{"one": MAYA, "other": {**MAYA, "id": "per_2"}, "why": "the same phone", "confidence": 0.3}])

    async def show(self, person: str) -> Any:
        return {**MAYA, "places": ["18 Birch Rd"], "review": (await self.review(None, 1)).items, "events": []}

    async def export(self, person: str) -> Any:
        return {"person": MAYA}


async def test_lists_of_people_hide_them_from_everybody_and_a_person_from_who_may_only_read() -> None:
    book = MaskedBook(Acquaintances(), Masking(["last_name", "phone", "street"]))
    hidden = {**MAYA, "name": HIDDEN, "phones": [HIDDEN]}
    assert Page([hidden], "per_1") == await book.find("Ortiz", None, 50)
    pair = (await book.review(None, 50)).items[0]
    assert (hidden, {**hidden, "id": "per_2"}, "the same phone") == (pair["one"], pair["other"], pair["why"])
    assert "Maya Ortiz" == (await book.show("per_1"))["name"]  # type: ignore[index]
    token = reads_only.set(True)
    try:
        shown = await book.show("per_1")
    finally:
        reads_only.reset(token)
    assert (HIDDEN, [HIDDEN]) == (shown["name"], shown["places"])  # type: ignore[index]
    assert hidden == shown["review"][0]["one"]  # type: ignore[index]


async def test_people_are_as_they_are_where_nothing_is_hidden() -> None:
    book = MaskedBook(Acquaintances(), Masking([]))
    assert Page([MAYA], "per_1") == await book.find(None, None, 50)


async def test_a_run_in_a_list_hides_whom_it_is_about() -> None:
    run = {"id": "run_1", "about": {"type": "lead.created", "subject": None, "display_name": "Maya Ortiz"}}
    assert HIDDEN == Masking(["display_name"]).run(run)["about"]["display_name"]
    assert HIDDEN == MASKING.run(run)["about"]["display_name"], "it is made of the last name, too"
    assert run == Masking(["phone"]).run(run)
