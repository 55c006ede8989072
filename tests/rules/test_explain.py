"""Explain: why each rule matched or not, what it would send, and where every field came from."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.events import Request
from hooks.rules import explain
from hooks.rules.rehearsal import body_of
from tests.rules.rules_world import EVENT, PING, load_after_head, rule

JOURNEY = rule(
    "    source: plumb\n"
    "    when: data.total_cents >= 5000\n"
    "    do:\n"
    "      - id: customer\n"
    "        action: home.upsert_customer\n"
    '        with: {customer: "${data.customer}"}\n'
    "      - action: home.create_job\n"
    "        with:\n"
    "          customerId: ${steps.customer.customerId}\n"
    "          title: Job ${data.id} of ${steps.customer.links[0].name}\n"
    "          start: ${steps.customer.next}\n"
    "          urgent: true\n"
)


def explained(rules: str, **changes: Any) -> dict[str, Any]:
    found = explain(load_after_head(rules), EVENT._replace(**changes))
    one: dict[str, Any] = found["rules"][0]
    return one


def hint(when: str, **changes: Any) -> str | None:
    clause = explained(rule(f"    when: {when}\n" + PING), **changes)["clauses"][-1]
    found: str | None = clause["hint"]
    return found


def test_a_match_shows_clauses_requests_and_origins() -> None:
    found = explain(load_after_head(JOURNEY), EVENT)
    assert EVENT.attributes() == found["event"]
    assert [
        {
            "id": "one",
            "mode": "live",
            "matched": True,
            "else": False,
            "left_out": [],
            "clauses": [
                {"text": "event: job.completed", "line": 9, "verdict": "true", "values": {"type": "job.completed"},
                 "hint": None},
                {"text": "source: plumb", "line": 10, "verdict": "true", "values": {"source": "plumb"}, "hint": None},
                {"text": "data.total_cents >= 5000", "line": 11, "verdict": "true",
                 "values": {"data.total_cents": 15000}, "hint": None},
            ],
            "timing": [],
            "requests": [
                {
                    "step": "customer",
                    "action": "home.upsert_customer",
                    "method": "POST",
                    "url": "https://home.example.org/api/customers",
                    "body": {"customer": EVENT.data["customer"]},
                    "origin": {
                        "customer.id": "data.customer.id",
                        "customer.first_name": "data.customer.first_name",
                        "customer.last_name": "data.customer.last_name",
                        "customer.phone": "data.customer.phone",
                    },
                },
                {
                    "step": "step2",
                    "action": "home.create_job",
                    "method": "POST",
                    "url": "https://home.example.org/api/customers/<steps.customer.customerId>/jobs",
                    "body": {
                        "customerId": "<steps.customer.customerId>",
                        "title": "Job job_41 of <steps.customer.links[0].name>",
                        "start": "<steps.customer.next>",
                        "urgent": True,
                    },
                    "origin": {
                        "customerId": "steps.customer.customerId",
                        "title": "data.id, steps.customer.links[0].name",
                        "start": "steps.customer.next",
                        "urgent": "literal line 21",
                    },
                },
            ],
        }
    ] == found["rules"]  # fmt: skip


def test_answers_of_steps_take_the_place_of_placeholders() -> None:
    outputs = {"one": {"customer": {"customerId": 7, "links": [{"name": "x"}], "next": "2026-05-04T14:02:11Z"}}}
    request = explain(load_after_head(JOURNEY), EVENT, outputs)["rules"][0]["requests"][1]
    assert 7 == request["body"]["customerId"]
    assert "https://home.example.org/api/customers/7/jobs" == request["url"]


def test_the_address_comes_from_the_caller_where_it_gives_one() -> None:
    def url_for(connection: str, request: Request) -> str:
        return f"{connection}!{request.path}"

    found = explain(load_after_head(rule(PING)), EVENT, url_for=url_for)
    assert "home!/ping" == found["rules"][0]["requests"][0]["url"]


@pytest.mark.parametrize(
    ("rules", "text", "hint"),
    [
        (
            rule(PING).replace("job.completed", "Job.Completed"),
            "event: Job.Completed",
            "the event's type differs only in case",
        ),
        (
            rule(PING).replace("job.completed", "job.complete"),
            "event: job.complete",
            "the event's type is 'job.completed', and the rule has 'job.complete'",
        ),
        (rule(PING).replace("job.completed", "[lead.*, x.y]"), "event: lead.*, x.y", None),
        (rule("    source: leads\n" + PING), "source: leads", None),
    ],
)
def test_another_type_or_source_is_a_clause_too(rules: str, text: str, hint: str | None) -> None:
    found = explained(rules)
    assert not found["matched"]
    assert [] == found["requests"]
    clause = found["clauses"][-1]
    assert (text, "false", hint) == (clause["text"], clause["verdict"], clause["hint"])


def test_a_rule_that_is_switched_off_says_so() -> None:
    found = explained(rule("    enabled: false\n    when: data.total_cents > 1\n" + PING))
    assert (False, []) == (found["matched"], found["requests"])
    assert ["event: job.completed", "enabled"] == [clause["text"] for clause in found["clauses"]]
    assert ("false", "the rule is switched off") == (found["clauses"][1]["verdict"], found["clauses"][1]["hint"])


def test_an_event_that_could_not_be_read_is_for_no_rule_not_even_its_else() -> None:
    otherwise = "    else: [{action: home.ping}]\n"
    found = explained(
        rule("    when: data.total_cents > 1\n" + PING + otherwise), data={}, flag="job: expected an object"
    )
    assert (False, False, []) == (found["matched"], found["else"], found["requests"])
    assert {"flag": "job: expected an object"} == found["clauses"][-1]["values"]
    assert "false" == found["clauses"][-1]["verdict"]


@pytest.mark.parametrize(
    ("once", "values", "hint"),
    [
        ("data.customer.email", {"data.customer.email": "maya@example.org"}, None),
        ("data.description", {"data.description": None}, "there is no value, so it acts every time"),
        ("data.total_cents + raw.job", {}, "cannot add a number and an object, so it acts every time"),
    ],
)
def test_it_says_by_which_value_a_rule_acts_once(once: str, values: dict[str, Any], hint: str | None) -> None:
    data = {"total_cents": 15000, "customer": {"email": "maya@example.org"}}
    found = explained(rule(f"    once_per: {once}\n    once_within: 24h\n" + PING), data=data, raw={"job": {}})
    told = {"key": "once_per", "line": 10, "text": "acts once in 1d for each value", "by": values, "hint": hint}
    assert [told] == found["timing"]


def test_it_says_how_long_a_rule_waits_first() -> None:
    told = {"key": "delay", "line": 10, "text": "waits 2h before the first step", "by": {}, "hint": None}
    assert [told] == explained(rule("    delay: 2h\n" + PING))["timing"]


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("no heat", "data.description has it in another case: begin the pattern with (?i)"),
        ("no water", None),
        ("(?i)no water", None),
    ],
)
def test_a_pattern_that_differs_in_case_is_a_near_miss(pattern: str, hint: str | None) -> None:
    found = explained(rule(f"    when: data.description matches '{pattern}'\n" + PING), data={"description": "No Heat"})
    assert ("false", hint) == (found["clauses"][-1]["verdict"], found["clauses"][-1]["hint"])


def test_missing_is_told_from_false() -> None:
    one = explained(
        rule(
            "    when:\n      - data.customer.email == 'x'\n      - data.total_cents > 50000\n      - raw.total > 5\n"
            + PING
        )
    )
    assert [
        ("missing", {"data.customer.email": None}),
        ("false", {"data.total_cents": 15000}),
        ("error", {"raw.total": "150.00"}),
    ] == [(clause["verdict"], clause["values"]) for clause in one["clauses"][1:]]
    assert "cannot compare text with a number; raw.total is text, not a number" == one["clauses"][-1]["hint"]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("data.description == 'drain'", "data.description differs only in case"),
        ("not true or 'DRAIN' == data.description", "data.description differs only in case"),
        ("data.description == ' Drain'", "data.description differs only in blanks"),
        ("raw.company_name == 'example_plumbing'", "raw.company_name differs only in case, blanks, '-' and '_'"),
        ("raw.total == 150", "raw.total is text, not a number"),
        ("raw.number == '5'", "raw.number is a number, not text"),
        ("raw.number > '4'", "cannot compare a number with text; raw.number is a number, not text"),
        ("not true or '4' < raw.number", "cannot compare text with a number; raw.number is a number, not text"),
        ("data.tags contains 'VIP'", "data.tags has 'vip', which differs only in case or blanks"),
        ("not true or 'VIP' in data.tags", "data.tags has 'vip', which differs only in case or blanks"),
        ("raw.tags == 'a'", "raw.tags is a list: write contains"),
        ("data.description contains 'drai'", "data.description has it in another case"),
        ("data.description startswith 'd'", "data.description differs only in case"),
        ("raw.companyname == 'x'", "there is no 'companyname' in it; the nearest is 'company_name'"),
        ("raw.rows.name == 'x'", "raw.rows is a list: write raw.rows[0].name or any(raw.rows, .name ...)"),
        ("data.customer.email endswith '.org'", "data.customer.email is missing"),
        ("data.total_cents > 50000", None),
        ("false", None),
    ],
)
def test_hints_name_the_nearest_miss(when: str, expected: str | None) -> None:
    raw = {**EVENT.raw, "number": 5, "tags": ["a"], "rows": [{"name": "a"}]}
    assert expected == hint(when, raw=raw)


def test_a_step_that_cannot_be_made_says_why() -> None:
    rules = rule("    do:\n      - {action: home.create_lead, with: {last_name: '${raw.nobody}'}}\n"
                 "      - {action: home.create_job, with: {customerId: 5, title: unsendable}}\n"
                 "      - {action: home.ping, if: data.total_cents > 999999}\n")  # fmt: skip
    first, second = explained(rules)["requests"]
    assert "required field 'last_name' came out empty (raw.nobody is missing)" == first["error"]
    assert (None, None, {}) == (first["url"], first["body"], first["origin"])
    assert "'title' cannot be sent" == second["error"]


def test_a_body_that_is_not_json_is_text() -> None:
    assert "a=1" == body_of(Request("POST", "/", body=b"a=1"))
    assert body_of(Request("GET", "/")) is None
