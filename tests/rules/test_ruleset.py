"""Loaded rules: which events they concern, whether they match, and what their steps make of an event."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ValidationError, model_validator

from hooks.rules import EvaluationError, StepSpec
from hooks.rules.index import MAX_REMEMBERED, type_matches
from hooks.rules.step import describe_invalid
from tests.rules.rules_world import EVENT, HEAD, PING, event, load, load_after_head, rule


def step(text: str, rest: str = "") -> StepSpec:
    """The step of a rule with this ``do:`` entry."""
    return load(HEAD + rest + rule(f"    do:\n      - {text}\n")).rules[0].steps[0]


NAMES: dict[str, Any] = {**EVENT.names(), "vars": {}, "steps": {"a": {"id": 7, "list": [1]}}, "error": None}


def lead(values: str) -> StepSpec:
    return step(f"{{action: home.create_lead, with: {values}}}")


def job(values: str) -> StepSpec:
    return step(f"{{action: home.create_job, with: {values}}}")


# --- finding ---


def test_candidates_are_the_enabled_rules_of_a_type_and_source_in_order() -> None:
    rules = load(
        HEAD
        + "rules:\n"
        + "".join(
            f"  - {{id: {id}, event: {events}, do: [{{action: home.ping}}]{more}}}\n"
            for id, events, more in (
                ("all", "'*'", ""),
                ("exact", "job.completed", ""),
                ("leads", "[lead.created, job.completed]", ", source: leads"),
                ("both", "[job.*, job.completed]", ", source: [plumb, leads]"),
                ("ended", "'*.completed'", ""),
                ("off", "job.completed", ", enabled: false"),
            )
        )
    )

    def found(type: str, source: str) -> list[str]:
        return [each.id for each in rules.candidates(type, source)]

    assert ["all", "exact", "both", "ended"] == found("job.completed", "plumb")
    assert ["all", "exact", "leads", "both", "ended"] == found("job.completed", "leads")
    assert ["all", "both"] == found("job.appointment.scheduled", "plumb")
    assert ["all"] == found("nobody.knows", "plumb")
    assert ["all", "exact", "both", "ended"] == found("job.completed", "plumb")


@given(st.text("ab.*", max_size=8), st.text("ab.", max_size=10))
def test_a_star_stands_for_any_characters(pattern: str, type: str) -> None:
    import re

    expression = ".*".join(re.escape(piece) for piece in pattern.split("*"))
    assert bool(re.fullmatch(expression, type)) == type_matches(pattern, type)


def test_the_memory_of_types_is_bounded() -> None:
    rules = load_after_head(rule(PING))
    for number in range(MAX_REMEMBERED + 10):
        assert () == rules.candidates(f"type.{number}", "plumb")
    assert "one" == rules.candidates("job.completed", "plumb")[0].id


# --- matching ---


def test_a_rule_matches_when_all_clauses_hold() -> None:
    one = load_after_head(
        rule("    when:\n      - data.total_cents > 5000\n      - data.tags contains 'vip'\n" + PING)
    ).rules[0]
    match = one.match(NAMES)
    assert match.matched
    assert ["true", "true"] == [each.verdict for each in match.verdicts]
    assert [(11, 9), (12, 9)] == [(clause.line, clause.column) for clause in one.clauses]


@pytest.mark.parametrize(
    ("when", "verdict"),
    [
        ("data.total_cents > 50000", "false"),
        ("data.customer.email endswith '.org'", "missing"),
        ("raw.total > 100", "error"),
        ("data.customer.first_name", "true"),
        ("true", "true"),
        ("data.customer.email == null", "true"),
    ],
)
def test_a_clause_that_does_not_hold_says_how(when: str, verdict: str) -> None:
    match = load_after_head(rule(f"    when: {when}\n" + PING)).rules[0].match(NAMES)
    assert verdict == match.verdicts[-1].verdict
    assert (verdict == "true") == match.matched
    assert ("cannot compare text with a number" if verdict == "error" else None) == match.error


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)


@given(json_values, json_values)
def test_matching_never_raises(total: Any, tags: Any) -> None:
    one = load_after_head(
        rule(
            "    when:\n      - data.total_cents > 5000 or data.tags contains 'vip'\n      - sum(raw, .x) > 5\n" + PING
        )
    ).rules[0]
    one.match({**NAMES, "data": {"total_cents": total, "tags": tags}, "raw": tags})


def test_once_per_gives_its_value_and_none_for_what_is_empty() -> None:
    text = rule("    once_per: phone(data.customer.phone) ?? data.customer.email\n    once_within: 24h\n" + PING)
    one = load_after_head(text).rules[0]
    assert "+15135550142" == one.once_key(NAMES)
    assert one.once_key({**NAMES, "data": {}}) is None
    assert 86400.0 == one.once_within
    assert load_after_head(rule(PING)).rules[0].once_key(NAMES) is None


# --- what a rule says ---


def test_retry_and_timeout_come_from_the_nearest_place_that_has_them() -> None:
    text = (
        "defaults: {timeout: 15s, retry: {attempts: 6}}\n"
        + rule(
            "    timeout: 10s\n    on_unknown: hold\n    delay: 5m\n    do:\n      - {action: home.ping, timeout: 5s}\n"
            "      - {action: home.ping, retry: {attempts: 2, backoff: fixed, first_wait: 2s}, on_unknown: repeat}\n"
        )
        + "  - {id: two, event: job.completed, do: [{action: home.ping}]}\n"
    )
    one, two = load_after_head(text).rules
    assert [5.0, 10.0, 15.0] == [one.steps[0].timeout, one.steps[1].timeout, two.steps[0].timeout]
    assert ["hold", "repeat", None] == [one.steps[0].on_unknown, one.steps[1].on_unknown, two.steps[0].on_unknown]
    first, second = one.steps[0].retry, one.steps[1].retry
    assert first is not None
    assert second is not None
    assert (6, "exponential", 5.0, 900.0) == (first.attempts, first.backoff, first.first_wait, first.max_wait)
    assert (2, "fixed", 2.0) == (second.attempts, second.backoff, second.first_wait)
    assert 300.0 == one.delay
    assert load_after_head(rule(PING)).rules[0].steps[0].retry is None


def test_steps_have_ids_names_and_connections() -> None:
    one = load_after_head(
        rule(
            "    do:\n      - {action: home.ping}\n      - {id: job, action: home.add_job, with: {customerId: 5}}\n"
            "    fallback: [{action: home.ping}]\n"
        )
    ).rules[0]
    assert [("step1", "home.ping", "home"), ("job", "home.create_job", "home")] == [
        (each.id, each.action_name, each.connection) for each in one.steps
    ]
    assert "fallback1" == one.fallback[0].id
    assert one.steps[1] is one.step("job")
    assert one.step("nobody") is None


def test_names_hold_vars_steps_and_error() -> None:
    rules = load_after_head("vars: {office: x@example.org}\n")
    names = rules.names(EVENT, {"a": {"id": 1}}, {"message": "no"})
    assert ({"office": "x@example.org"}, {"a": {"id": 1}}, {"message": "no"}) == (
        names["vars"],
        names["steps"],
        names["error"],
    )
    assert rules.names(EVENT)["error"] is None


def test_tests_of_a_rule_are_read() -> None:
    text = rule(
        PING + "    tests:\n      - name: pings\n        given: {sample: plumb/job.completed}\n"
        "        expect: [{action: home.ping}]\n      - {name: not, given: {event: {type: x}}, expect: none}\n"
    )
    tests = load_after_head(text).rules[0].tests
    assert ["pings", "not"] == [each.case.name for each in tests]
    assert ("none", "one", 15) == (tests[1].case.expect, tests[1].rule, tests[1].line)


# --- rendering ---


def test_optional_fields_that_come_out_null_are_left_out() -> None:
    assert {"last_name": "Ortiz"} == lead("{last_name: '${data.customer.last_name}', phone: '${raw.phone}'}").render(
        NAMES
    )


def test_a_required_field_that_comes_out_empty_stops_the_step() -> None:
    one = lead("{last_name: '${data.customer.last_name}'}")
    with pytest.raises(EvaluationError) as missing:
        one.render({**NAMES, "data": {"customer": {}}})
    assert "required field 'last_name' came out empty (data.customer.last_name is missing)" == missing.value.message
    with pytest.raises(EvaluationError) as empty:
        one.render({**NAMES, "data": {"customer": {"last_name": ""}}})
    assert "required field 'last_name' came out empty (data.customer.last_name is empty)" == empty.value.message


def test_required_fields_below_are_required_too_unless_the_whole_is_empty() -> None:
    lines = "{customerId: 1, lineItems: [{name: '${raw.name}', quantity: 1, unitPrice: '1'}]}"
    with pytest.raises(EvaluationError, match=r"'lineItems\[0\]\.name' came out empty \(raw\.name is missing\)"):
        job(lines).render(NAMES)
    address = job("{customerId: 1, address: {street: '${raw.street}', city: '${raw.city}'}}")
    assert {"customerId": 1} == address.render(NAMES)
    assert {"customerId": 1, "address": {"street": "x"}} == address.render({**NAMES, "raw": {"street": "x"}})
    with pytest.raises(EvaluationError, match=r"'address\.street' came out empty"):
        address.render({**NAMES, "raw": {"city": "x"}})


def test_types_are_kept_and_defaults_of_the_action_are_not_sent() -> None:
    one = job(
        "{customerId: '${raw.id}', "
        "lineItems: [{name: a, quantity: '${1.5}', unitPrice: '${dollars(data.total_cents)}'}]}"
    )
    expected = {"customerId": 7, "lineItems": [{"name": "a", "quantity": 1.5, "unitPrice": "150.00"}]}
    assert expected == one.render({**NAMES, "raw": {"id": 7}})


def test_a_value_that_does_not_fit_names_the_field_and_not_the_value() -> None:
    one = job("{customerId: '${raw.id}', start: '${raw.start}'}")
    with pytest.raises(EvaluationError) as text:
        one.render({**NAMES, "raw": {"id": "confidential"}})
    made = ": number(...) reads a number from a text"
    assert f"field 'customerId' needs a whole number, this is text{made}" == text.value.message
    with pytest.raises(EvaluationError) as number:
        lead("{last_name: '${raw.id}'}").render({**NAMES, "raw": {"id": 7}})
    assert "field 'last_name' needs text, this is a number: text(...) writes a number as text" == number.value.message
    with pytest.raises(EvaluationError) as custom:
        one.render({**NAMES, "raw": {"id": 1, "start": "confidential"}})
    assert "field 'start': write an instant that ends in Z" == custom.value.message


class Quoting(BaseModel):
    """Its own words, which may quote."""

    day: Annotated[str, AfterValidator(lambda text: date.fromisoformat(text).isoformat())] = "2026-05-06"
    wishes: dict[str, list[str]] = {}

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if wish := self.wishes.get("when"):
            raise ValueError(f"{wish[0]} is too late" if "quote" in self.wishes else "that is too late")
        return self


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"day": "confidential"}, "field 'day': its value is not one that the action takes"),
        ({"wishes": {"when": ["confidential"], "quote": []}}, "its value is not one that the action takes"),
        ({"wishes": {"when": ["confidential"]}}, "that is too late"),
        ({"wishes": {"when": ["a"]}}, "that is too late"),
    ],
)
def test_what_a_validator_says_is_told_unless_it_quotes_a_value(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Quoting.model_validate(values)
    assert told == describe_invalid(caught.value)


def test_an_expression_that_fails_names_the_field() -> None:
    with pytest.raises(EvaluationError, match=r"needs text, got a number \(in field 'phone'\)"):
        lead("{last_name: x, phone: '${lower(raw.total)}'}").render({**NAMES, "raw": {"total": 5}})


def test_merge_starts_from_an_object_and_the_other_keys_win() -> None:
    one = lead("{$merge: '${raw}', source: 'x-${raw.source}'}")
    raw = {"last_name": "Ortiz", "source": "web", "phone": None, "unknown": 1}
    assert {"last_name": "Ortiz", "source": "x-web"} == one.render({**NAMES, "raw": raw})
    with pytest.raises(EvaluationError, match="required field 'last_name' came out empty"):
        one.render({**NAMES, "raw": None})
    with pytest.raises(EvaluationError, match="needs an object"):
        one.render({**NAMES, "raw": "text"})


def test_a_literal_dollar_brace_is_sent_as_it_is() -> None:
    assert {"last_name": "${x}"} == lead("{last_name: '$${x}'}").render(NAMES)


def test_a_secret_may_stand_in_a_header_of_http_and_shows_nowhere_else() -> None:
    head = "  web: {vendor: http, base_url: https://x.example.org}\n"
    one = step(
        "{action: http.request, with: {path: /x, headers: {Authorization: 'Bearer ${secret.HOME_KEY}'}, json: {a: 1}}}",
        head,
    )
    rendered = one.render(NAMES)
    assert "Bearer home-key-0123456789abcdef" == rendered["headers"]["Authorization"]
    assert "home-key" not in repr(one)
    assert "secret.HOME_KEY" == one.origins(NAMES)["headers.Authorization"]


def test_origins_name_paths_lines_and_objects() -> None:
    one = job(
        "{customerId: '${first(raw.none, raw.id)}', title: \"${data.description ?? 'Job'}\", priority: high, "
        "lineItems: [{name: '${raw.x ?? \"Fan\"}', quantity: 1, unitPrice: '1'}]}"
    )
    assert {
        "customerId": "raw.id",
        "title": "data.description",
        "priority": "literal line 11",
        "lineItems[0].name": "literal line 11",
        "lineItems[0].quantity": "literal line 11",
        "lineItems[0].unitPrice": "literal line 11",
    } == one.origins({**NAMES, "raw": {"id": 1}})
    assert {"customer.id": "data.customer.id", "customer.phone": "data.customer.phone"}.items() <= step(
        "{action: home.upsert_customer, with: {customer: '${data.customer}'}}"
    ).origins(NAMES).items()
    merged = lead("{$merge: '${raw}', source: x}")
    assert {"last_name": "raw.last_name", "source": "literal line 11"} == merged.origins(
        {**NAMES, "raw": {"last_name": "Ortiz"}}
    )


def test_if_says_whether_a_step_applies() -> None:
    one = step("{action: home.ping, if: data.total_cents > 5}")
    assert one.applies(NAMES)
    assert not one.applies(event(data={}).names())


@given(json_values)
def test_rendering_gives_valid_inputs_or_our_own_error(raw: Any) -> None:
    one = job("{$merge: '${raw}', customerId: '${raw.id}', title: 'x ${raw}', lineItems: '${raw.lines}'}")
    try:
        one.action.inputs.model_validate(one.render({**NAMES, "raw": {"id": raw, "lines": raw}}))
    except EvaluationError as error:
        assert error.message


@pytest.mark.parametrize(
    ("said", "hours", "why"),
    [
        ("always", 9999, None),
        ("never", 0, "its rule says replay: never"),
        ("24h", 24, None),
        ("24h", 25, "its rule says replay: 1d"),
    ],
)
def test_a_rule_says_which_events_may_be_replayed_for_it(said: str, hours: int, why: str | None) -> None:
    one = load_after_head(rule(f"    replay: {said}\n{PING}")).rules[0]
    assert why == one.not_again(EVENT, EVENT.received_at + timedelta(hours=hours))
