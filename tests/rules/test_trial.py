"""A rule's test: what is given, what is expected, and what is said when something else comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hooks.events import Event
from hooks.rules import Rule, RuleSet
from hooks.rules.cases import PlacedCase
from hooks.rules.differences import ABSENT
from hooks.rules.given import changed, event_of
from hooks.rules.trial import Failure, Trial, try_case
from tests.rules.rules_world import EVENT, event, load_after_head

RULE = """\
rules:
  - id: one
    event: job.completed
    source: plumb
    when:
      - data.total_cents >= 5000
      - not data.tags contains 'skip'
    do:
      - id: customer
        action: home.upsert_customer
        with: {customer: "${data.customer}"}
      - action: home.create_job
        if: data.description != 'nothing'
        with:
          customerId: ${steps.customer.customerId}
          title: Job ${data.id}
          lineItems:
            - {name: "${data.description ?? 'Service'}", quantity: 1, unitPrice: "${dollars(data.total_cents)}"}
    fallback:
      - action: home.create_lead
        with: {last_name: "${error.message}"}
    tests:
"""
BASE = "{total_cents: 5000, id: job_1, description: Drain, customer: {last_name: Ortiz}}"
CALLS = "[{action: home.upsert_customer}, {action: home.create_job}]"


def given_events(rules: RuleSet, *events: Event) -> Any:
    def made(test: PlacedCase, rule: Rule) -> Sequence[Event]:
        given = test.case.given
        if given.event is None:
            return [changed(each, given) for each in events or (EVENT,)]
        return [changed(event_of(given.event, rule, rules, given.now), given)]

    return made


def tried(given: str, expect: str, *events: Event, rules: str = RULE) -> Trial:
    """What comes of one test of the rule above."""
    loaded = load_after_head(f"{rules}      - {{name: it, given: {given}, expect: {expect}}}\n")
    rule = loaded.rules[0]
    return try_case(loaded, rule, rule.tests[0], given_events(loaded, *events))


def failures(given: str, expect: str, *events: Event) -> tuple[Failure, ...]:
    return tried(given, expect, *events).failures


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        (f"{{event: {{data: {BASE}}}}}", CALLS),
        (f"{{event: {{data: {BASE}}}, steps: {{customer: {{customerId: 7}}}}}}",
         "[{action: home.upsert_customer, with: {customer: {last_name: Ortiz, first_name: null}}},"
         " {step: step2, action: home.add_job, with: {customerId: 7, lineItems: [{unitPrice: '50.00'}]}}]"),
        (f"{{event: {{data: {BASE}}}}}",
         "[{action: home.upsert_customer}, {action: home.create_job, body: {title: Job job_1}}]"),
        (f"{{event: {{data: {BASE}}}, set: {{data.total_cents: 4999}}}}", "none"),
        (f"{{event: {{data: {BASE}}}, set: {{data.total_cents: 4999}}}}", "[]"),
        (f"{{event: {{data: {BASE}}}, set: {{data.total_cents: 4999}}}}",
         "{matched: false, because: data.total_cents  >= 5000}"),
        (f"{{event: {{data: {BASE}}}, set: {{'data.tags[0]': skip}}}}",
         "{because: \"not data.tags contains 'skip'\"}"),
        (f"{{event: {{data: {BASE}}}, data: {{total_cents: 1}}}}", "none"),
        (f"{{event: {{data: {BASE}}}, unset: [data.total_cents]}}", "none"),
        (f"{{event: {{data: {BASE}}}, unset: [data.description]}}",
         "[{action: home.upsert_customer}, {action: home.create_job, with: {lineItems: [{name: Service}]}}]"),
        (f"{{event: {{data: {BASE}}}, set: {{data.description: nothing}}}}", "[{action: home.upsert_customer}]"),
        (f"{{event: {{data: {BASE}}}, fails: {{step2: answered 500}}}}",
         "[{action: home.upsert_customer}, {action: home.create_job},"
         " {action: home.create_lead, with: {last_name: answered 500}}]"),
        (f"{{event: {{data: {BASE}}}, fails: {{customer: no, fallback1: never}}}}", "{error: never}"),
        (f"{{event: {{data: {BASE}}}, fails: {{customer: no, fallback1: never}}}}", "error"),
        (f"{{event: {{data: {BASE}}}}}", "{never: [http.*, home.create_lead], matched: true}"),
        ("{event: {type: job.canceled}}", "{because: 'event: job.completed'}"),
        ("{event: {source: leads}}", "{because: 'source: plumb'}"),
        ("{event: {flag: not ours}}", "{matched: false}"),
        (f"{{event: {{time: '2026-01-01T00:00:00Z', data: {BASE}}}, now: '2026-02-01T00:00:00Z'}}", CALLS),
    ],
)  # fmt: skip
def test_what_is_expected_and_comes_passes(given: str, expect: str) -> None:
    trial = tried(given, expect)

    assert () == trial.failures
    assert "passed" == trial.verdict


def test_a_field_that_differs_is_told_with_both_values_its_origin_and_its_line() -> None:
    found = failures(
        f"{{event: {{data: {BASE}}}}}",
        "[{action: home.upsert_customer, with: {customer: {last_name: Nobody, email: a@example.org}}},"
        " {action: home.create_job, with: {lineItems: [{quantity: true}, {name: more}]}, body: {title: Job 2}}]",
    )

    upsert, job = "home.upsert_customer (step customer)", "home.create_job (step step2)"
    assert (
        Failure(f"{upsert}: with.customer.last_name", "with.customer.last_name", "Nobody", "Ortiz",
                "data.customer.last_name", 17),
        Failure(f"{upsert}: with.customer.email", "with.customer.email", "a@example.org", ABSENT, "", 17),
        Failure(f"{job}: with.lineItems[0].quantity", "with.lineItems[0].quantity", True, 1, "literal line 24", 24),
        Failure(f"{job}: with.lineItems[1]", "with.lineItems[1]", {"name": "more"}, ABSENT, "", 24),
        Failure(f"{job}: body.title", "body.title", "Job 2", "Job job_1", "data.id", 22),
    ) == found  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expect", "message", "line"),
    [
        (f"{{event: {{data: {BASE}}}, set: {{data.total_cents: 4999}}}}", CALLS,
         "the rule does not match: data.total_cents >= 5000 (data.total_cents = 4999)", 12),
        (f"{{event: {{data: {BASE}}}, unset: [data.total_cents]}}", "{matched: true}",
         "the rule does not match: data.total_cents >= 5000 (data.total_cents = null)", 12),
        ("{event: {type: job.canceled}}", CALLS, "the rule does not match: event: job.completed", 9),
        (f"{{event: {{data: {BASE}}}}}", "{matched: false}", "the rule matches, and was expected not to", 15),
        (f"{{event: {{data: {BASE}}}}}", "{error: boom}", "an error was expected, and there is none", 0),
        (f"{{event: {{data: {BASE}}}}}", "{never: [home.create_*]}", "home.create_job must never be called", 18),
        (f"{{event: {{data: {BASE}}}, set: {{data.description: nothing}}}}", "none",
         "no request was expected, and home.upsert_customer (step customer) is made", 15),
        (f"{{event: {{data: {BASE}}}}}", "[{action: home.upsert_customer}]",
         "other requests are made than expected", 0),
        (f"{{event: {{data: {BASE}}}, fails: {{customer: no, fallback1: never}}}}",
         "[{action: home.upsert_customer}, {action: home.create_lead}]", "it fails: never", 26),
        (f"{{event: {{data: {BASE}}}, set: {{data.total_cents: many}}}}", "none",
         "it fails: cannot compare text with a number", 12),
    ],
)  # fmt: skip
def test_something_else_fails_and_says_why(given: str, expect: str, message: str, line: int) -> None:
    trial = tried(given, expect)

    assert [(message, line)] == [(failure.message, failure.line) for failure in trial.failures]
    assert "failed" == trial.verdict


def test_another_reason_or_error_than_expected_shows_both() -> None:
    reason = failures("{event: {source: leads}}", "{because: data.total_cents >= 5000}")
    error = failures(f"{{event: {{data: {BASE}}}, fails: {{customer: no, fallback1: never}}}}", "{error: boom}")

    assert [("data.total_cents >= 5000", "source: plumb")] == [(each.expected, each.found) for each in reason]
    assert [("boom", "never")] == [(each.expected, each.found) for each in error]


def test_all_events_of_a_body_are_told_to_the_rule() -> None:
    small = event(data={"total_cents": 1})

    assert "passed" == tried("{sample: plumb/jobs}", CALLS, small, EVENT).verdict
    assert "failed" == tried("{sample: plumb/jobs}", CALLS, EVENT, EVENT).verdict


@pytest.mark.parametrize(
    ("rules", "given", "message"),
    [
        (RULE.replace("job.completed", "job.*"), "{event: {data: {}}}", "the rule takes job.*: say which"),
        (RULE, "{event: {data: []}, set: {'data[5].a': 1}}", "there is no place for 'data[5].a'"),
        (RULE, "{event: {}, set: {time: yesterday}}", "write an instant"),
        (RULE, "{event: {}, unset: [type]}", "'type' of an event is text"),
    ],
)
def test_an_event_that_cannot_be_made_is_invalid(rules: str, given: str, message: str) -> None:
    trial = tried(given, "none", rules=rules)

    assert "invalid" == trial.verdict
    assert message in trial.failures[0].message


def test_paths_are_put_and_taken_away_at_any_depth() -> None:
    rules = load_after_head(
        RULE + "      - {name: it, given: {event: {data: {a: [{b: 1}, 2], c: {d: 1}}, raw: 5},"
        " set: {'data.a[0].b': 9, 'data.a[2]': 3, data.x.y: [1], raw: null, subject: job/1,"
        " time: '2026-01-01T00:00:00Z'},"
        " unset: ['data.a[1]', data.c.d, data.nobody.there, 'data.a[9]', data.c.d.e]}, expect: none}\n"
    )
    rule = rules.rules[0]
    (made,) = given_events(rules)(rule.tests[0], rule)

    assert {"a": [{"b": 9}, 3], "c": {}, "x": {"y": [1]}} == made.data
    assert (None, "job/1", "2026-01-01T00:00:00+00:00") == (made.raw, made.subject, made.time.isoformat())


def test_secrets_are_shown_by_name() -> None:
    text = (
        "rules:\n  - id: one\n    event: job.completed\n    do:\n      - action: http.request\n"
        "        connection: web\n        with: {path: /x, headers: {X-Key: '${secret.HOME_KEY}'}}\n"
        "    tests:\n      - {name: it, given: {event: {}},\n"
        "         expect: [{action: http.request, with: {headers: {X-Key: a}}}]}\n"
    )
    loaded = load_after_head("  web: {vendor: http, base_url: 'https://example.org'}\n" + text)
    trial = try_case(loaded, loaded.rules[0], loaded.rules[0].tests[0], given_events(loaded))

    assert ["${secret.HOME_KEY}"] == [failure.found for failure in trial.failures]


def test_a_trial_is_told_as_json() -> None:
    told = tried("{event: {source: leads}}", "{because: other}").as_json()

    assert {
        "rule": "one",
        "name": "it",
        "file": "routes.yaml",
        "line": 29,
        "verdict": "failed",
        "failures": [
            {
                "message": "it does not match for another reason",
                "field": "because",
                "expected": "other",
                "found": "source: plumb",
                "origin": None,
                "line": 10,
            }
        ],
    } == told
