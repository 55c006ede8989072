"""The keys of a rule that say when it acts: what is taken, what is refused, what is told of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hooks.ports import PastEvent
from hooks.rules.backtest import Backtest
from hooks.rules.describe import describe_rules
from hooks.rules.explain import explain
from hooks.rules.ruleset import Rule
from hooks.rules.trial import try_case
from tests.rules.rules_world import CATALOGUE, HEAD, MOMENT, PING, event, load_after_head, marked, rule
from tests.rules.test_trial import given_events


def loaded(body: str) -> Rule:
    rules = load_after_head(rule(body + PING))
    assert () == rules.warnings
    return rules.rules[0]


def test_a_bare_expression_stands_for_the_map_with_nothing_but_by() -> None:
    bare = loaded("    in_order_by: data.customer.id\n").timing.in_order
    full = loaded("    in_order_by: {by: data.customer.id, on_stuck: wait}\n").timing.in_order
    assert bare is not None
    assert full is not None
    assert ("data.customer.id", "skip") == (bare.by.text, bare.on_stuck)
    assert ("data.customer.id", "wait") == (full.by.text, full.on_stuck)


def test_a_debounce_that_does_not_say_its_longest_wait_waits_ten_times_as_long() -> None:
    debounce = loaded("    debounce: {by: data.id, wait: 2m}\n").timing.debounce
    assert debounce is not None
    assert (120.0, 1200.0, "last") == (debounce.wait, debounce.max_wait, debounce.keep)


def test_expect_takes_one_expression_for_both_events_or_two() -> None:
    same = loaded("    expect: {event: job.canceled, by: data.id, within: 15m}\n").timing.expect
    two = loaded("    expect: {event: lead.created, by: {first: data.id, then: raw.job}, within: 15m}\n").timing.expect
    assert same is not None
    assert two is not None
    assert ("data.id", "data.id") == (same.first.text, same.then.text)
    assert ("data.id", "raw.job") == (two.first.text, two.then.text)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "    throttle: {max: 0, per: 1m}\n",
            "0 | at least 1 belongs here = How many runs may begin.",
        ),
        (
            "    throttle: {max: 5}\n",
            "throttle | 'per' is missing = In which time, such as 1m.",
        ),
        (
            "    throttle: {max: 5, per: 60}\n",
            "60 | a duration needs its unit: 60s, 60m or 60h = In which time, such as 1m.",
        ),
        (
            "    throttle: {max: 5, per: 0s}\n",
            "0s | 'per' must be longer than 0s = such as 1m",
        ),
        (
            "    throttle: {max: 5, per: 1m, over: drop}\n",
            "drop | 'drop' is not allowed here = one of: 'queue' or 'skip'",
        ),
        (
            "    throttle: {max: 5, per: 1m, by: data.custmer.id}\n",
            "custmer | unknown field 'data.custmer' = did you mean 'customer'?",
        ),
        (
            "    throttle: {limit: 5, max: 5, per: 1m}\n",
            "limit | unknown key 'limit' = known keys: by, max, over, per",
        ),
        (
            "    debounce: {by: data.id, wait: 2m, max_wait: 1m}\n",
            "1m | 'max_wait' is shorter than 'wait' = max_wait is the longest that the first of many events waits, "
            "wait the shortest",
        ),
        (
            "    debounce: {by: '${data.id}', wait: 2m}\n",
            "${ | this is an expression already: write it without ${ } = write: data.id",
        ),
        (
            "    debounce: {by: data.id, wait: 2m}\n    once_per: data.id\n    once_within: 1h\n",
            "debounce | 'debounce' and 'once_per' cannot be in one rule = debounce makes one run of many already",
        ),
        (
            "    debounce: {by: data.id, wait: 2m}\n    delay: 1m\n",
            "debounce | 'debounce' and 'delay' cannot be in one rule = debounce waits already: make its wait longer",
        ),
        (
            "    delay: 1m\n    expect: {event: lead.created, by: data.id, within: 1m}\n",
            "expect | 'expect' and 'delay' cannot be in one rule = expect waits already: make its within longer",
        ),
        (
            "    expect: {event: lead.created, by: data.id, within: 1m}\n    throttle: {max: 1, per: 1m, over: skip}\n",
            "skip | with 'expect' nobody knows yet whether the run will act, so it cannot be skipped = "
            "over: queue lets it wait until there is room",
        ),
        (
            "    in_order_by: data.custmer.id\n",
            "custmer | unknown field 'data.custmer' = did you mean 'customer'?",
        ),
        (
            "    in_order_by: {by: data.id, on_stuck: pass}\n",
            "pass | 'pass' is not allowed here = one of: 'skip' or 'wait'",
        ),
        (
            "    in_order_by: 5\n",
            "5 | text belongs here, this is a number = put it in quotes",
        ),
        (
            "    expect: {event: lead.created, within: 15m}\n",
            "expect | 'by' is missing = An expression that has the same value in both events, or "
            "`{first: ..., then: ...}`.",
        ),
        (
            "    expect: {event: lead.created, by: {then: data.id}, within: 15m}\n",
            "by | 'first' is missing = An expression over the event that opens the wait.",
        ),
        (
            "    expect: {event: lead.creatd, by: data.id, within: 15m}\n",
            "lead.creatd | no configured source is known to send 'lead.creatd' (warning) = did you mean "
            "'lead.created'?",
        ),
        (
            "    expect: {event: lead.created, source: plum, by: data.id, within: 15m}\n",
            "plum | unknown source 'plum' = did you mean 'plumb'?",
        ),
        (
            "    expect: {event: lead.created, by: data.tags, within: 15m}\n",
            "tags | in lead.created: unknown field 'data.tags' = when the two events call it differently: "
            "by: {first: data.tags, then: ...}",
        ),
        (
            "    expect: {event: lead.created, by: data.custmer.id, within: 15m}\n",
            "custmer | unknown field 'data.custmer' = did you mean 'customer'?",
        ),
        (
            "    expect: {event: lead.created, by: {first: data.id, then: data.noot}, within: 15m}\n",
            "noot | unknown field 'data.noot' = did you mean 'note'?",
        ),
        (
            "    expect: {event: lead.created, when: data.noot == 'x', by: data.id, within: 15m}\n",
            "noot | unknown field 'data.noot' = did you mean 'note'?",
        ),
    ],
)
def test_mistakes_in_the_keys_of_time(body: str, expected: str) -> None:
    assert [expected] == marked(HEAD + rule(body + PING))


ALL = (
    "    throttle: {max: 60, per: 1m, by: data.customer.id}\n"
    "    in_order_by: data.customer.id\n"
    "    debounce: {by: data.id, wait: 2m, max_wait: 15m, keep: first}\n"
)
WAITING = (
    "    throttle: {max: 1, per: 1h}\n"
    "    expect: {event: lead.created, when: data.total_cents > 0, by: data.customer.phone, within: 15m}\n"
)


def told(body: str, **changes: Any) -> list[dict[str, Any]]:
    [explained] = explain(load_after_head(rule(body + PING)), event(**changes))["rules"]
    timing: list[dict[str, Any]] = explained["timing"]
    return timing


def test_explain_says_when_a_matching_rule_acts_and_by_which_values() -> None:
    assert [
        ("debounce", 12, {"data.id": "job_41"}),
        ("in_order_by", 11, {"data.customer.id": "cus_1"}),
        ("throttle", 10, {"data.customer.id": "cus_1"}),
    ] == [(each["key"], each["line"], each["by"]) for each in told(ALL)]
    assert (
        "acts once for many events, when it has been quiet for 2m, after 15m at most; the first one counts"
        == (told(ALL)[0]["text"])
    )
    [expect, throttle] = told(WAITING)
    assert "acts 15m later, unless lead.created comes before that" == expect["text"]
    assert ({"data.customer.phone": "+15135550142"}, {}) == (expect["by"], throttle["by"])
    assert [] == told(WAITING, type="job.started")


def test_explain_tells_an_event_that_a_rule_waits_for() -> None:
    lead = {"customer": {"phone": "+15135550142"}, "total_cents": 5}
    [met] = told(WAITING, type="lead.created", data=lead)
    assert ("expect", {"data.customer.phone": "+15135550142"}) == (met["key"], met["by"])
    assert met["text"].startswith("this event is what the rule waits for")
    [not_met] = told(WAITING, type="lead.created", data={"total_cents": 0})
    assert "this event is not what the rule waits for: data.total_cents > 0 does not hold" == not_met["text"]


def test_explain_says_of_a_key_that_cannot_be_worked_out() -> None:
    [lane] = told("    in_order_by: raw.company_name > 5\n")
    assert {} == lane["by"]
    assert lane["hint"]


def test_a_backtest_tells_which_keys_of_time_nobody_can_know() -> None:
    old, new = load_after_head(rule(PING)), load_after_head(rule(ALL + PING))
    backtest = Backtest(old, new)
    backtest.compare(PastEvent(event()))
    assert {"one": 1} == backtest.open
    backtest.finish(MOMENT + timedelta(hours=1))
    assert {"same": 1, "added": 0, "removed": 0, "changed": 0} == backtest.summary
    told = backtest.as_json()
    assert ({"one": ["in_order_by"]}, {}) == (told["untimed"], told["open"])
    assert {"one": {"runs": 1, "seconds": 120.0}} == told["moved"]


def test_a_test_of_a_rule_looks_at_its_steps_and_not_at_its_keys_of_time() -> None:
    case = "    tests: [{name: it pings, given: {event: {data: {}}}, expect: [{action: home.ping}]}]\n"
    rules = load_after_head(rule(WAITING + PING + case))
    [test] = rules.rules[0].tests
    assert "passed" == try_case(rules, rules.rules[0], test, given_events(rules)).verdict


def test_a_description_tells_the_keys_of_time() -> None:
    described = describe_rules(load_after_head(rule(ALL + PING)), CATALOGUE)
    [sentences] = [each["sentences"] for each in described["rules"]]
    assert "acts at most 60 times in 1m; the others wait (told apart by the customer's id)," in sentences, sentences
