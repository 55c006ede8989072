"""What actions are said to answer: as the documents name it, and as the sandboxes answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hooks.errors import DeliveryError
from hooks.kit.outputs import outputs
from hooks.ports import Vendor
from hooks.registry import CATALOGUE, VENDORS
from hooks.rules import RulesInvalid, load_text
from hooks.rules.cases import GivenEvent
from hooks.rules.explain import explain
from hooks.rules.given import event_of
from tests.prism.facts import openapi
from tests.vendors.test_contract_actions import Connected

DOCUMENTED = [vendor for vendor in VENDORS if vendor.outputs and vendor.built_in is None]
FACTS = Path(__file__).parents[1] / "prism"
OURS = {"created", "updated", "unchanged"}
"""What our conveniences add."""

each = pytest.mark.parametrize("vendor", DOCUMENTED, ids=lambda vendor: vendor.name)


def test_the_notation() -> None:
    made = outputs("Tag = id:int name\nLong = +Tag at:time\n    tags:[Tag]\nget_it list_it: {one:Long}")
    assert ["get_it", "list_it"] == list(made)
    one = made["get_it"]["properties"]["one"]["properties"]
    assert ["id", "name", "at", "tags"] == list(one)
    assert ({"type": "integer"}, {}) == (one["id"], one["name"])
    for wrong in ("what is this", "get_it: {id:integer}", "get_it: Nothing"):
        with pytest.raises(ValueError, match=r"kind|neither"):
            outputs(wrong)


@each
def test_only_actions_that_there_are_have_an_output(vendor: Vendor) -> None:
    assert set(vendor.outputs) <= {action.name for action in vendor.actions}


def fields(schema: Mapping[str, Any]) -> set[str]:
    while schema.get("type") == "array":
        schema = schema["items"]
    return set(schema.get("properties", {}))


@each
def test_every_field_that_the_documents_name_is_known(vendor: Vendor) -> None:
    text = (FACTS / f"{vendor.name}.txt").read_text(encoding="utf-8")
    paths = {
        re.sub(r"\{\w+\}", "{}", re.sub(r"/api/v1|/v\d+/tenant/\{tenant\}", "", path)): operations
        for path, operations in openapi(text, vendor.title)["paths"].items()
    }
    compared = 0
    for action in vendor.actions:
        path = re.sub(r"\{\w+\}", "{}", re.sub(r"/v\d+/tenant/\{tenant\}", "", action.path))
        operation = paths.get(path, {}).get(action.method.lower())
        output = vendor.outputs.get(action.name)
        if output is None or operation is None or action.name in ("upsert_job", "upsert_customer", "book_lead"):
            continue
        good = next(answer for code, answer in operation["responses"].items() if code.startswith("2"))
        schema = good["content"]["application/json"]["schema"]
        if "success" in schema.get("properties", {}):
            schema = schema["properties"]["data"]  # the envelope, which the client takes off
        assert fields(schema) <= fields(output), action.name
        compared += 1
    assert compared >= 5


@each
async def test_the_sandboxes_answer_with_fields_that_are_known(vendor: Vendor) -> None:
    connected = Connected(vendor)
    compared = 0
    for action in vendor.actions:
        outcome = await connected.call(action)
        output = vendor.outputs.get(action.name)
        if output is None or isinstance(outcome, DeliveryError) or not isinstance(outcome.output, dict):
            continue
        assert set(outcome.output) <= fields(output), action.name
        compared += 1
    assert compared >= 2


HEAD = """\
version: 1
sources:
  any: {vendor: webhook, unverified: a test, type: push}
connections:
  homebase: {vendor: homebase360, api_key: "${secret.KEY}"}
  office: {vendor: http, base_url: "https://office.example.com"}
rules:
  - id: one
    event: push
    do:
      - id: found
        action: homebase360.get_customers
        with: {phone: "+13035550142"}
      - id: made
        action: homebase360.create_customer
        with: {firstName: Maya, email: [maya@example.org]}
      - action: http.request
"""


def found(with_: str) -> list[str]:
    text = f"{HEAD}        with: {with_}\n"
    try:
        findings = load_text(text, CATALOGUE, {"KEY": "a-secret-of-a-test-0123456789"}.get).warnings
    except RulesInvalid as invalid:
        findings = invalid.findings
    return [f"{each.severity}: {each.message} = {each.hint}" for each in findings]


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ("steps.made.customerId", None),
        ("steps.found[0].firstName", None),
        ("map(steps.found, .firstName)", None),
        ("steps.found[0].phone.mobile", None),
        (
            "steps.made.customer_id",
            "warning: the answer of step 'made' has no documented field 'customer_id' = did you mean 'customerId'?",
        ),
        ("steps.made.data.customerId", "warning: the answer of step 'made' has no documented field 'data' = "
                                       "documented: customerId"),
        ("steps.found[0].firstname", "warning: the answer of step 'found' has no documented field 'firstname' = did "
                                     "you mean 'firstName'?"),
        ("steps.found.firstName", "warning: the answer of step 'found' is a list here, without a field 'firstName' = "
                                  "write steps.found[0].firstName for the first one"),
    ],
)  # fmt: skip
def test_what_rules_read_of_an_answer_is_looked_at(read: str, told: str | None) -> None:
    expected = [] if told is None else [told]
    assert expected == found(f"{{method: POST, path: /x, json: {{id: '${{{read}}}'}}}}")


def test_placeholders_have_the_documented_form() -> None:
    text = f"{HEAD}        with: {{method: POST, path: /x, json: '${{map(steps.found, {{0}})}}'}}\n".replace(
        "{0}", ".email"
    )
    rules = load_text(text, CATALOGUE, {"KEY": "a-secret-of-a-test-0123456789"}.get)
    event = event_of(GivenEvent(), rules.rules[0], rules)
    shown = explain(rules, event)["rules"][0]["requests"][-1]
    assert [["<steps.found[0].email[0]>"]] == shown["body"]
