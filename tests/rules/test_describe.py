"""A rules file told in plain sentences and drawn: true to the rules, safe in any page, and nothing secret in it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.rules import diagram
from hooks.rules.describe import describe_rules, sentences_text
from hooks.rules.expression import compile_expression
from hooks.rules.wording import condition_in_words, value_in_words
from tests.rules.rules_world import CATALOGUE, load_after_head, rule

JOB = rule(
    "    description: A finished job\n"
    "    when: [data.total_cents >= 5000, not data.tags contains 'vip']\n"
    "    once_per: phone(data.customer.phone) ?? data.customer.email\n"
    "    once_within: 24h\n"
    "    delay: 10m\n"
    "    do:\n"
    "      - id: customer\n"
    "        action: home.upsert_customer\n"
    '        with: {customer: "${data.customer}"}\n'
    "      - action: home.create_job\n"
    "        if: data.description\n"
    "        with: {customerId: '${steps.customer.customerId}', title: 'Job ${data.id}', urgent: true}\n"
    "    fallback: [{action: home.create_lead, with: {last_name: '${error.message}'}}]\n"
)


def described(text: str) -> dict[str, Any]:
    return describe_rules(load_after_head(text), CATALOGUE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data.total_cents >= 5000", "the total is at least $50.00"),
        ("data.total_cents < 123456", "the total is less than $1,234.56"),
        ("not data.tags contains 'vip'", "“vip” is not in the tags"),
        ("'vip' in data.tags", "“vip” is in the tags"),
        ("data.status in ['open', 'new']", "the status is one of “open” or “new”"),
        ("data.status not in ['open']", "the status is not “open”"),
        ("data.customer.phone", "the customer's phone is given"),
        ("not data.customer.phone", "the customer's phone is not given"),
        ("data.note != null and source == 'hcp'", "the note is given and the source is “hcp”"),
        ("data.a and (data.b or data.c)", "the a is given and (the b is given or the c is given)"),
        ("not data.total_cents >= 5", "not `data.total_cents >= 5`"),
        ("data.note matches 'leak.*'", "the note fits the pattern in `data.note matches 'leak.*'`"),
        ("len(data.tags) > 3", "`len(data.tags)` is more than 3"),
        ("not (data.a or data.b)", "not `data.a or data.b`"),
    ],
)
def test_a_condition_becomes_words_or_stays_as_it_is_written(text: str, words: str) -> None:
    assert words == condition_in_words(compile_expression(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("phone(data.customer.phone) ?? data.customer.email", "the customer's phone, or else the customer's email"),
        ("steps.customer.customerId", "customerId from the answer of step customer"),
        ("dollars(data.total_cents)", "the total in dollars"),
        ("data.items[0].name", "`data.items[0].name`"),
        ("raw", "all that the vendor sent"),
    ],
)
def test_a_value_becomes_words_or_stays_as_it_is_written(text: str, words: str) -> None:
    assert words == value_in_words(compile_expression(text))


def test_a_rule_is_told_from_the_event_to_the_last_field() -> None:
    told = sentences_text(described(JOB))

    for sentence in (
        "one: A finished job",
        "only if the total is at least $50.00,",
        "and “vip” is not in the tags,",
        "at most once in 1d for the customer's phone, or else the customer's email,",
        "10m later,",
        "these 2 steps are done, in order:",
        "customer: the customer",
        "customerId: customerId from the answer of step customer",
        "urgent: true",
        "When one of these steps has given up:",
        "last_name: what went wrong",
    ):
        assert sentence in told, sentence


def test_a_rule_that_is_switched_off_says_so_first() -> None:
    (one,) = described(JOB.replace("    when:", "    enabled: false\n    when:"))["rules"]

    assert "Switched off: nothing of this happens." == one["sentences"][0]


def test_a_rule_is_reached_from_the_sources_it_names_or_those_that_may_send_its_events() -> None:
    (named,) = described(JOB.replace("    when:", "    source: plumb\n    when:"))["rules"]
    (any_source,) = described(JOB)["rules"]
    (unknown,) = described(JOB.replace("event: job.completed", "event: nobody.sends.this"))["rules"]

    assert ["plumb"] == named["from"]
    assert "plumb" in any_source["from"]
    assert "plumb" not in unknown["from"]


def test_no_secret_is_told_or_drawn() -> None:
    everything = described(JOB)
    shown = "".join((sentences_text(everything), diagram.svg(everything), diagram.mermaid(everything), str(everything)))

    assert "secret" not in shown.lower()
    assert "canary" not in shown


def test_the_drawing_has_a_box_for_each_part_and_an_arrow_for_each_way() -> None:
    everything = described(JOB)
    boxes = len(everything["sources"]) + len(everything["rules"]) + len(everything["connections"])

    root = ElementTree.fromstring(diagram.svg(everything))
    space = "{http://www.w3.org/2000/svg}"

    assert boxes == len(root.findall(f"{space}rect"))
    arrows = [path for path in root.findall(f"{space}path") if path.get("marker-end")]
    assert len(everything["rules"][0]["from"]) + 1 == len(arrows)
    assert boxes == len(re.findall(r"^    n\d+\[", diagram.mermaid(everything), re.M))


@given(st.text(max_size=60))
def test_whatever_a_description_holds_stays_text_in_the_drawing(text: str) -> None:
    everything = {
        "sources": [],
        "connections": [],
        "rules": [
            {"id": "a", "description": text, "enabled": True, "mode": "live", "events": ["*"], "from": [], "to": []}
        ],
    }

    root = ElementTree.fromstring(diagram.svg(everything))
    flowchart = diagram.mermaid(everything)

    assert 1 == len([element for element in root.iter() if element.tag.endswith("}rect")])
    (box,) = [line for line in flowchart.split("\n") if line.startswith("    n0[")]
    assert box.startswith('    n0["a<br/>*')
    assert box.endswith('"]')
    assert not set(box[len('    n0["a<br/>*<br/>') : -2]) & set('"<>`')
