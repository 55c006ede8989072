"""Templates: rules with parameters, what they become, and where their mistakes are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.rules import RulesInvalid, explain, load_rules
from hooks.rules.expression import compile_expression
from hooks.rules.rehearsal import rehearse
from hooks.rules.schema import routes_schema
from hooks.rules.templates import _literal
from tests.rules.rules_world import CATALOGUE, EVENT, HEAD, SECRETS, load_after_head, messages_after_head

TEMPLATE = """\
templates:
  big-job@1:
    parameters: {least: How many cents}
    rule: {event: job.completed, when: data.total_cents > param.least, do: [{action: home.ping}]}
  big-job@2:
    description: A job of some size becomes a lead
    parameters:
      least: How many cents a job must have
      tags: {description: Tags that keep it out, default: [skip]}
      name: {default: nobody}
      extra: {default: true}
    rule:
      event: job.completed
      source: ${param.source}
      when:
        - data.total_cents >= param.least
        - not any(data.tags, . in param.tags)
        - ${param.extra}
      do:
        - action: home.create_lead
          with: {last_name: "${data.customer.last_name ?? param.name}", source: "over ${param.least}"}
"""
USE = """\
rules:
  - id: one
    use: {template: big-job@2, with: {least: 5000, source: plumb}}
  - id: two
    enabled: false
    use: {template: big-job@2, with: {least: 1, source: [plumb, leads], extra: data.id != null}}
    when: data.total_cents > 7
"""
WHOLE = TEMPLATE.replace("      least: How many", "      source: Where from\n      least: How many") + USE


def test_a_rule_is_made_of_a_template_and_its_own_keys_win() -> None:
    one, two = load_after_head(WHOLE).rules
    assert ("one", ("plumb",), True) == (one.id, one.sources, one.enabled)
    assert ["data.total_cents >= 5000", "not any(data.tags, . in ['skip'])", "true"] == [c.text for c in one.clauses]
    assert ("two", ("plumb", "leads"), False) == (two.id, two.sources, two.enabled)
    assert ["data.total_cents > 7"] == [clause.text for clause in two.clauses]


def test_parameters_stand_in_texts_and_expressions() -> None:
    rules = load_after_head(WHOLE)
    seen = rehearse(rules, rules.rules[0], EVENT, lambda step: None)
    assert [{"last_name": "Ortiz", "source": "over 5000"}] == [each.inputs for each in seen.made]


def test_a_parameter_may_be_a_whole_condition_or_an_expression() -> None:
    text = WHOLE.replace("{least: 5000, ", "{least: 5000, extra: data.id == 'other', ")
    assert "data.id == 'other'" == load_after_head(text).rules[0].clauses[2].text


def test_lines_are_those_of_the_template() -> None:
    one = load_after_head(WHOLE).rules[0]
    above = HEAD.count("\n")
    assert [17, 18] == [clause.line - above for clause in one.clauses[:2]]
    assert (21, 24) == (one.steps[0].line - above, one.line - above)
    shown = explain(load_after_head(WHOLE), EVENT)["rules"][0]
    assert [14, 25, 17, 18] == [clause["line"] - above for clause in shown["clauses"]][:4]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("big-job@2, with: {least: 5", "big-job@3, with: {least: 5"), "25:21 unknown template 'big-job@3' = there is "
            "'big-job@1' and 'big-job@2'"),
        (("template: big-job@2, with: {least: 5", "template: bigjob@2, with: {least: 5"),
            "25:21 unknown template 'bigjob@2' = did you mean 'big-job@2'?"),
        (("{least: 5000, ", "{"), "25:21 the parameter 'least' is missing = the template takes it, see line 15"),
        (("{least: 5000, ", "{least: 5000, nam: x, "),
            "25:52 'big-job@2' has no parameter 'nam' = did you mean 'name'?"),
        (("{template: big-job@2, with: {least: 5", "{template: big-job@2, whit: 1, with: {least: 5"),
            "25:32 unknown key 'whit' = did you mean 'with'?"),
        (("- data.total_cents >= param", "- data.total_cent >= param"),
            "17:11 unknown field 'data.total_cent' = did you mean 'total_cents'?; the template is used on line 31"),
        (("source: plumb}", "source: plum}"),
            "25:60 unknown source 'plum' = did you mean 'plumb'?; the template puts it on line 21"),
        (("least: 5000", "least: many"),
            "17:11 cannot compare a number with text = write the number without quotes, or "
            "number(...) to read one from text; the template is used on line 31"),
        (("param.tags", "param.tag"), "18:11 unknown parameter 'tag' = did you mean 'tags'?"),
        (("      source: ${param.source}\n", "      source: plumb\n"), "8:7 the parameter 'source' is used nowhere "
            "(warning) = leave it out"),
        (("      event: job.completed\n      source", "      id: x\n      event: job.completed\n      source"),
            "14:7 'id' has no place in a template = each rule that uses the template has its own"),
        (("      event: job.completed\n      source", "      evnt: x\n      event: job.completed\n      source"),
            "14:7 unknown key 'evnt' = did you mean 'event'?"),
        (("big-job@1:", "big-job:"), "2:3 this is not the name of a template = with its version: lead-to-booking@1"),
        (("name: {default: nobody}", "name: {defalt: nobody}"), "11:14 unknown key 'defalt' = did you mean 'default'?"),
        (("name: {default: nobody}", "name: {default: 5}"), None),
    ],
)  # fmt: skip
def test_mistakes_are_told_where_they_were_written(change: tuple[str, str], expected: str | None) -> None:
    assert change[0] in WHOLE
    found = messages_after_head(WHOLE.replace(*change, 1))
    assert expected in found if expected else [] == found, found


def test_both_files_are_named_where_there_are_two(tmp_path: Path) -> None:
    (tmp_path / "library.yaml").write_text(
        TEMPLATE.replace("      least: How many", "      source: S\n      least: How")
    )
    main = tmp_path / "routes.yaml"
    main.write_text(HEAD + "include: library.yaml\n" + USE)
    rules = load_rules(main, CATALOGUE, SECRETS.get)
    line = HEAD.count("\n") + 4
    assert {line} == {clause.line for clause in rules.rules[0].clauses}, "lines go with the file of the rule"

    text = (tmp_path / "library.yaml").read_text()
    (tmp_path / "library.yaml").write_text(text.replace("create_lead", "create_led"))
    with pytest.raises(RulesInvalid) as caught:
        load_rules(main, CATALOGUE, SECRETS.get)
    first = caught.value.findings[0]
    assert (str(tmp_path / "library.yaml"), 21) == (first.file, first.line)
    assert f"the template is used on line {line} of {main}" in first.hint
    assert "one" == first.rule


def test_the_schema_lets_a_rule_that_uses_a_template_do_without_the_rest() -> None:
    schema = routes_schema(CATALOGUE)
    rule = schema["$defs"]["Rule"]
    assert (["id"], {"required": ["event", "do"]}) == (rule["required"], rule["then"])
    assert "use" not in schema["$defs"]["TemplateRule"]["properties"]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_any_value_of_a_parameter_is_itself_in_an_expression(value: Any) -> None:
    assert value == compile_expression(_literal(value)).evaluate({})
