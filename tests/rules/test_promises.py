"""What holds whatever a file says and whatever an event is: our own errors only, an end in time, events untouched."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.ports import Action, Vendor
from hooks.registry import CATALOGUE
from hooks.rules import EvaluationError, RuleSet, RulesInvalid, explain, load_text
from hooks.rules.describe import describe_rules
from hooks.rules.expression import compile_expression
from hooks.rules.rehearsal import rehearse
from tests.rules.rules_world import event
from tests.rules.test_corpus import BROKEN, GOOD, secret

FILES = [path.read_text(encoding="utf-8").split("\n") for path in (*GOOD, *BROKEN)]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "name", "x", ""]), inner),
    max_leaves=12,
)
DATA = {
    "id": "job_1",
    "total_cents": 90000,
    "customer": {"first_name": "Maya", "email": "maya@example.org", "phone": "+13035550142", "tags": ["VIP"]},
    "tags": ["vip"],
    "line_items": [{"name": "Drain", "total_cents": 900}],
    "address": {"zip": "45040", "state": "OH"},
}


def loaded(text: str) -> RuleSet | None:
    try:
        return load_text(text, CATALOGUE, secret)
    except RulesInvalid as invalid:
        assert all(found.message and found.line >= 1 and found.column >= 1 for found in invalid.findings)
        invalid.render()
        return None


@given(st.data())
def test_files_cut_together_at_random_load_or_are_refused(data: st.DataObject) -> None:
    """Lines of real files in a wrong order: they hold every construct that there is."""
    one, other = data.draw(st.sampled_from(FILES)), data.draw(st.sampled_from(FILES))
    lines = list(one)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines)))
        piece = data.draw(st.sampled_from([[], [data.draw(st.sampled_from(other))], lines[at : at + 3]]))
        lines[at : at + data.draw(st.integers(0, 2))] = piece
    rules = loaded("\n".join(lines))
    if rules is not None:
        explain(rules, event(data=copy.deepcopy(DATA)))
        describe_rules(rules, CATALOGUE)


RULES = [rules for path in GOOD if (rules := loaded(path.read_text(encoding="utf-8"))) is not None and rules.rules]


@given(st.sampled_from(RULES), json_values, json_values, st.sampled_from(["job.completed", "lead.created", "job.x"]))
def test_no_event_makes_a_rule_raise_and_none_is_changed(rules: RuleSet, data: Any, raw: Any, type: str) -> None:
    before = event(type=type, source="hcp", data=data, raw=raw)
    after = copy.deepcopy(before)
    told = explain(rules, before)
    for rule in rules.rules:
        rule.branch(rules.names(before))
        rehearse(rules, rule, before, lambda step: raw)
        rule.not_again(before, before.received_at)
        rule.begins(before.received_at)
    assert len(told["rules"]) <= len(rules.rules)
    assert after == before


@given(st.sampled_from(RULES), st.sampled_from(sorted(DATA)), json_values)
def test_one_field_of_an_event_may_be_anything(rules: RuleSet, field: str, value: Any) -> None:
    before = event(source="hcp", data={**DATA, field: value})
    explain(rules, before)
    assert {**DATA, field: value} == before.data


@pytest.mark.parametrize(
    "text",
    [
        "any(data.a, any(data.a, any(data.a, .x == 1)))",
        "map(data.a, map(data.a, map(data.a, .n)))",
        "filter(data.a, filter(data.a, .n == 0) == filter(data.a, .n == 0))",
        "len(map(data.a, join(',', map(data.a, .n))))",
        "sum(data.a, sum(data.a, sum(data.a, .n)))",
        "data.a == data.a and data.a == data.a and unique(data.a) == data.a",
        "all(data.a, data.a contains .n or true) and " * 20 + "true",
        "hash(data.a) + hash(data.a) == json(data.a)",
    ],
)
def test_an_evaluation_ends_within_its_budget_however_large_the_event(text: str) -> None:
    names = {"data": {"a": [{"n": number, "t": "x" * 50} for number in range(5_000)]}}
    expression = compile_expression(text)
    begun = time.process_time()
    try:
        expression.evaluate(names)
    except EvaluationError as error:
        assert error.message
    assert time.process_time() - begun < 2.0, "a budget that is not kept would take minutes"


def test_nested_lists_are_what_the_budget_is_for() -> None:
    names = {"data": {"a": [{"n": number} for number in range(1_000)]}}
    with pytest.raises(EvaluationError, match="steps"):
        compile_expression("any(data.a, any(data.a, .n == 5000))").evaluate(names)


# --- nothing is sent with a blank where something is needed ---

SETTINGS = {
    "homebase360": 'api_key: "${secret.LEADS_KEY}"',
    "housecall_pro": 'api_key: "${secret.LEADS_KEY}"',
    "jobcloser": 'key: "${secret.LEADS_KEY}"',
    "servicetitan": 'tenant: 1, app_key: "${secret.ST_APP_KEY}", client_id: x-0123456789abcdef, '
    'client_secret: "${secret.ST_CLIENT_SECRET}", booking_provider: 9',
    "supergood": 'base_url: "https://supergood.example.com", username: office, password: "${secret.LEADS_KEY}"',
}


def needing() -> list[Any]:
    found = []
    for name in SETTINGS:
        vendor = CATALOGUE[name]
        for action in vendor.actions:
            fields = action.inputs.model_fields
            needed = [field.alias or name for name, field in fields.items() if field.is_required()]
            if needed:
                found.append(pytest.param(vendor, action, needed, id=f"{name}.{action.name}"))
    return found


@pytest.mark.parametrize(("vendor", "action", "needed"), needing())
def test_a_needed_value_that_comes_out_empty_stops_the_call_and_says_which(
    vendor: Vendor, action: Action, needed: list[str]
) -> None:
    lines = "".join(f"          {name}: ${{raw.{name}}}\n" for name in needed)
    rules = loaded(
        "version: 1\nsources:\n  any: {vendor: webhook, unverified: a test, type: push}\n"
        f"connections:\n  there: {{vendor: {vendor.name}, {SETTINGS[vendor.name]}}}\n"
        "rules:\n  - id: one\n    event: push\n    do:\n"
        f"      - action: {vendor.name}.{action.name}\n        with:\n{lines}"
    )
    assert rules is not None
    (step,) = rules.rules[0].steps
    for empty in ({}, dict.fromkeys(needed), dict.fromkeys(needed, "")):
        with pytest.raises(EvaluationError) as caught:
            step.render(rules.names(event(type="push", source="any", raw=empty)))
        why = "empty" if "" in empty.values() else "missing"
        assert f"required field '{needed[0]}' came out empty (raw.{needed[0]} is {why})" == caught.value.message
