"""`else`: other steps when the conditions of a rule, or the `if` of a step, do not hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hooks.events import Event
from hooks.ports import PastEvent
from hooks.rules import Rule, RuleSet, explain
from hooks.rules.backtest import Backtest
from hooks.rules.cases import PlacedCase
from hooks.rules.coverage import Coverage
from hooks.rules.describe import describe_rules, sentences_text
from hooks.rules.given import changed, event_of
from hooks.rules.mutation import mutants, survivors
from hooks.rules.rehearsal import Rehearsal, rehearse
from hooks.rules.trial import try_case
from tests.rules.rules_world import CATALOGUE, EVENT, PING, event, load_after_head, messages_after_head, rule

BOTH = rule(
    """\
    when: data.total_cents >= 5000
    do:
      - id: job
        action: home.create_job
        if: data.customer.id != null
        with: {customerId: 5}
        else:
          - id: lead
            action: home.create_lead
            if: data.customer.last_name != null
            with: {last_name: "${data.customer.last_name}"}
            else:
              - {action: home.ping}
      - action: home.upsert_customer
        with: {customer: {id: "${steps.job.id ?? steps.lead.id ?? 'nobody'}"}}
    else:
      - {action: home.create_lead, with: {last_name: small}}
    fallback:
      - {action: home.ping}
"""
)


def made(data: dict[str, Any], text: str = BOTH, **fails: str) -> tuple[Rehearsal, list[str]]:
    rules = load_after_head(text)
    seen = rehearse(rules, rules.rules[0], event(data=data), lambda step: {"id": f"the {step.id}"}, fails)
    return seen, [each.step.id for each in seen.made]


def test_the_steps_of_else_are_done_when_a_condition_does_not_hold() -> None:
    seen, steps = made({"total_cents": 1})
    assert (False, True, True, ["else1"]) == (seen.matched, seen.otherwise, seen.acts, steps)
    assert "data.total_cents >= 5000" == seen.stopped


def test_a_missing_value_is_a_condition_that_does_not_hold() -> None:
    assert ["else1"] == made({})[1]


def test_a_condition_that_cannot_be_evaluated_decides_for_neither() -> None:
    seen, steps = made({"total_cents": "many"})
    assert (False, []) == (seen.acts, steps)
    rules = load_after_head(BOTH)
    assert rules.rules[0].branch(rules.names(event(data={"total_cents": "many"}))) is None


@pytest.mark.parametrize("text", [BOTH, BOTH.split("    else:")[0]], ids=["with else", "without"])
@pytest.mark.parametrize("data", [{}, {"total_cents": 1}, {"total_cents": 9000}, {"total_cents": "many"}])
def test_what_a_rule_does_is_what_is_told_of_its_conditions(data: dict[str, Any], text: str) -> None:
    rules = load_after_head(text)
    rule, names = rules.rules[0], rules.names(event(data=data))
    told = rule.match(names)
    otherwise = rule.other if rule.otherwise and told.error is None else None
    assert (rule if told.matched else otherwise) == rule.branch(names)


def test_else_is_for_events_of_the_rule_only() -> None:
    rules = load_after_head(BOTH)
    assert not rehearse(rules, rules.rules[0], event(type="job.canceled"), lambda step: None).acts
    assert [] == explain(rules, event(type="job.canceled", data={}))["rules"][0]["requests"]


def test_one_of_the_two_ways_is_gone_and_later_steps_read_its_answer() -> None:
    seen, steps = made({"total_cents": 5000, "customer": {"id": "c", "last_name": "Ortiz"}})
    assert ["job", "step2"] == steps
    assert {"customer": {"id": "the job"}} == seen.made[-1].inputs
    seen, steps = made({"total_cents": 5000, "customer": {"last_name": "Ortiz"}})
    assert ["lead", "step2"] == steps
    assert {"customer": {"id": "the lead"}} == seen.made[-1].inputs


def test_an_else_can_have_an_else() -> None:
    assert ["lead_else1", "step2"] == made({"total_cents": 5000})[1]


def test_fallback_is_for_the_steps_of_else_too() -> None:
    seen, steps = made({"total_cents": 1}, else1="answered 503")
    assert (["else1", "fallback1"], True) == (steps, seen.rescued)


def test_what_is_wrong_with_an_else_is_found_at_its_line() -> None:
    assert ["4:5 'else' needs 'when' = its steps are for when a condition does not hold"] == messages_after_head(
        rule(f"    else: [{{action: home.ping}}]\n{PING}")
    )
    assert ["6:9 'else' needs 'if' = its steps are for when the condition does not hold"] == messages_after_head(
        rule("    do:\n      - action: home.ping\n        else: [{action: home.ping}]\n")
    )
    assert ["6:28 unknown action 'home.pin' = did you mean 'home.ping'?"] == messages_after_head(
        rule("    when: data.id != null\n    do: [{action: home.ping}]\n    else: [{id: x, action: home.pin}]\n")
    )
    doubled = BOTH.replace("id: lead\n", "id: job\n")
    assert (
        "11:17 the step id 'job' is used twice in this rule = the answers of two steps need two names"
        in messages_after_head(doubled)
    )
    later = BOTH.replace("${data.customer.last_name}", "${steps.step2.id}")
    assert any("the step 'step2' runs later" in each for each in messages_after_head(later))


def test_explain_shows_the_way_that_is_gone_and_what_is_left_out() -> None:
    rules = load_after_head(BOTH)
    small = explain(rules, event(data={"total_cents": 1}))["rules"][0]
    assert (False, True) == (small["matched"], small["else"])
    assert ["else1"] == [each["step"] for each in small["requests"]]
    big = explain(rules, event(data={"total_cents": 5000, "customer": {"id": "c"}}))["rules"][0]
    assert (True, False) == (big["matched"], big["else"])
    assert ["job", "step2"] == [each["step"] for each in big["requests"]]
    assert [
        ("lead", "it is an `else`, and the `if` it belongs to holds"),
        ("lead_else1", "it is an `else`, and the `if` it belongs to holds"),
    ] == [(each["step"], each["why"]) for each in big["left_out"]]
    named = explain(rules, event(data={"total_cents": 5000, "customer": {"last_name": "O"}}))["rules"][0]
    assert ("job", "its `if` does not hold", "data.customer.id != null") == tuple(
        named["left_out"][0][key] for key in ("step", "why", "if")
    )
    assert "<steps.lead.id>" == named["requests"][-1]["body"]["customer"]["id"]


def test_a_backtest_tells_an_else_that_is_added() -> None:
    old, new = (
        load_after_head(BOTH[: BOTH.index("    else:\n      - {action: home.create_lead")]),
        load_after_head(BOTH),
    )
    backtest = Backtest(old, new)
    backtest.compare(PastEvent(event(data={"total_cents": 1})))
    backtest.compare(PastEvent(EVENT))
    assert {"same": 1, "added": 1, "removed": 0, "changed": 0} == backtest.summary


def test_the_description_says_what_is_done_instead() -> None:
    told = sentences_text(describe_rules(load_after_head(BOTH), CATALOGUE))
    assert "If one of these conditions does not hold, this is done instead:" in told
    assert ", if not (the customer's id is given) and the customer's last name is given" in told


CASES = """\
    tests:
      - {name: big, given: {event: {data: {total_cents: 5000, customer: {id: c}}}}, expect: {matched: true}}
      - name: small
        given: {event: {data: {total_cents: 4999}}}
        expect: {matched: false, calls: [{action: home.create_lead, with: {last_name: small}}]}
"""


def seen_by(text: str) -> tuple[Coverage, RuleSet]:
    rules = load_after_head(text)
    coverage = Coverage(rules)
    for case in rules.rules[0].tests:
        trial = try_case(rules, rules.rules[0], case, events_of(rules))
        assert "passed" == trial.verdict, trial.failures
        coverage.watch(rules.rules[0], trial)
    return coverage, rules


def events_of(rules: RuleSet) -> Any:
    def given(test: PlacedCase, one: Rule) -> Sequence[Event]:
        assert test.case.given.event is not None
        return [changed(event_of(test.case.given.event, one, rules), test.case.given)]

    return given


def test_coverage_counts_an_else_and_the_conditions_in_it_only_when_they_are_asked() -> None:
    without = [each["text"] for each in Coverage(load_after_head(BOTH)).as_json()["branches"]["missed"]]
    assert "else" in without
    told = seen_by(BOTH + CASES)[0].as_json()
    assert "else" not in [each["text"] for each in told["branches"]["missed"]]
    assert ["data.customer.id != null", "data.customer.last_name != null", "data.customer.last_name != null"] == [
        each["text"] for each in told["clauses"]["missed"]
    ]


def test_harms_to_an_else_are_noticed_by_the_tests_that_look_at_it() -> None:
    rules = seen_by(BOTH + CASES)[1]
    one = rules.rules[0]
    assert any("last_name: 'small' made 'small~'" == mutant.change for mutant in mutants(one))
    missed = [mutant.change for mutant in survivors(rules, one, one.tests, events_of(rules))[1]]
    assert "last_name: 'small' made 'small~'" not in missed
    assert "left out: data.total_cents >= 5000" not in missed


def test_a_harmed_condition_harms_its_else_alike() -> None:
    rules = load_after_head(BOTH)
    harmed = next(each for each in mutants(rules.rules[0]) if each.change == "turned round: data.customer.id != null")
    seen = rehearse(rules, harmed.rule, event(data={"total_cents": 5000, "customer": {"id": "c"}}), lambda step: None)
    assert ["lead_else1", "step2"] == [each.step.id for each in seen.made]
    always = next(each for each in mutants(rules.rules[0]) if each.change == "left out: if data.customer.id != null")
    seen = rehearse(rules, always.rule, event(data={"total_cents": 5000}), lambda step: None)
    assert ["job", "step2"] == [each.step.id for each in seen.made]
