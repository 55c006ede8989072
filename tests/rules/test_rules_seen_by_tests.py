"""Coverage and mutation: what the tests of a rules file have seen, and which harms they would notice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hooks.events import Event
from hooks.rules import Rule, RuleSet
from hooks.rules.cases import PlacedCase
from hooks.rules.coverage import Coverage
from hooks.rules.given import changed, event_of
from hooks.rules.mutation import mutants, survivors
from hooks.rules.trial import try_case
from tests.rules.rules_world import HEAD, PING, load_after_head, rule

TITLE = "${'urgent' if data.total_cents > 9000 and (data.tags[0] ?? 'x') == 'vip' else data.description ?? 'Service'}"
RULES = f"""\
rules:
  - id: one
    event: job.completed
    when:
      - data.total_cents >= 5000
      - data.description != 'skip'
    do:
      - action: home.create_job
        if: data.customer != null
        with: {{customerId: 5, title: "{TITLE}"}}
  - id: two
    event: lead.created
    do: [{{action: home.ping}}]
"""


def events_of(rules: RuleSet) -> Any:
    def made(test: PlacedCase, rule: Rule) -> Sequence[Event]:
        assert test.case.given.event is not None
        return [changed(event_of(test.case.given.event, rule, rules), test.case.given)]

    return made


def covered(*tests: str) -> dict[str, Any]:
    rules = loaded(RULES, *tests)
    seen = Coverage(rules)
    one = rules.rules[0]
    for test in one.tests:
        seen.watch(one, try_case(rules, one, test, events_of(rules)))
    return seen.as_json()


def loaded(text: str, *tests: str) -> RuleSet:
    """The rules, the first of which carries tests for these data, each with what is expected."""
    cases = "".join(
        f"      - {{name: t{number}, given: {{event: {{data: {test.partition(' => ')[0]}}}}},"
        f" expect: {test.partition(' => ')[2]}}}\n"
        for number, test in enumerate(tests)
    )
    first, second, rest = text.partition("  - id: two")
    return load_after_head(first + (f"    tests:\n{cases}" if cases else "") + second + rest)


def missed(told: dict[str, Any], kind: str) -> list[tuple[str, str]]:
    return [(point["text"], point["missing"]) for point in told[kind]["missed"]]


CREATED = "[{action: home.create_job}]"


def test_nothing_is_covered_without_tests() -> None:
    told = covered()

    assert [(0, 2), (0, 6), (0, 6)] == [(each["covered"], each["total"]) for each in told.values()]
    assert ["one", "two"] == [point["text"] for point in told["rules"]["missed"]]
    assert [HEAD.count("\n") + 2, HEAD.count("\n") + 11] == [point["line"] for point in told["rules"]["missed"]]


def test_a_condition_counts_when_it_was_reached_and_each_way_for_itself() -> None:
    told = covered("{total_cents: 5000, customer: {}} => " + CREATED, "{total_cents: 1} => none")

    assert [
        ("data.description != 'skip'", "false"),
        ("data.customer != null", "false"),
    ] == missed(told, "clauses")


def test_a_branch_counts_when_it_was_taken() -> None:
    told = covered("{total_cents: 9001, description: Drain, customer: {}} => " + CREATED)
    all_of_them = covered(
        "{total_cents: 9001, description: Drain, customer: {}} => " + CREATED,
        "{total_cents: 9001, tags: [vip], customer: {}} => " + CREATED,
        "{total_cents: 5001, customer: {}} => " + CREATED,
    )

    assert {
        (TITLE[2:-1], "the condition holds"),
        ("data.tags[0] ?? 'x'", "the left side is there"),
        ("data.description ?? 'Service'", "the left side is missing"),
    } == set(missed(told, "branches"))
    assert [] == missed(all_of_them, "branches")


def harms(text: str) -> list[tuple[int, str]]:
    made = mutants(load_after_head(text).rules[0])
    return [(mutant.line - HEAD.count("\n"), mutant.change) for mutant in made]


def test_conditions_comparisons_constants_and_fields_are_harmed_one_at_a_time() -> None:
    assert [
        (4, "left out: data.total_cents >= 5000 or data.description == 'x'"),
        (4, "turned round: data.total_cents >= 5000 or data.description == 'x'"),
        (4, ">= made <= in data.total_cents >= 5000"),
        (4, "5000 made 5001 in data.total_cents >= 5000 or data.description == 'x'"),
        (4, "5000 made 4999 in data.total_cents >= 5000 or data.description == 'x'"),
        (4, "== made != in data.description == 'x'"),
        (4, "'x' made 'x~' in data.total_cents >= 5000 or data.description == 'x'"),
        (7, "left out: if data.id != null"),
        (7, "turned round: data.id != null"),
        (9, "left out: customerId"),
        (9, "customerId: 5 made 6"),
        (9, "customerId: 5 made 4"),
        (10, "left out: urgent"),
        (10, "urgent: True made False"),
        (11, "left out: title"),
        (11, "title: 'b' made 'b~' in data.id ?? 'b'"),
    ] == harms(
        rule(
            "    when: data.total_cents >= 5000 or data.description == 'x'\n"
            "    do:\n"
            "      - action: home.create_job\n"
            "        if: data.id != null\n"
            "        with:\n"
            "          customerId: 5\n"
            "          urgent: true\n"
            "          title: a ${data.id ?? 'b'}\n"
        )
    )


def test_a_negation_is_turned_round_by_taking_it_away() -> None:
    rules = load_after_head(rule("    when: not data.tags contains 'x'\n" + PING))
    turned = next(each for each in mutants(rules.rules[0]) if each.change.startswith("turned round"))

    names = {"data": {"tags": ["x"]}}
    assert not rules.rules[0].match(names).matched
    assert turned.rule.match(names).matched


def test_the_original_rule_is_never_harmed() -> None:
    rules = loaded(RULES)
    names = {"data": {"total_cents": 5000, "customer": {}}}
    before = rules.rules[0].steps[0].values(names)
    for mutant in mutants(rules.rules[0]):
        mutant.rule.match(names)

    assert before == rules.rules[0].steps[0].values(names)
    assert rules.rules[0].match(names).matched


def test_what_no_test_notices_survives() -> None:
    text = (
        "rules:\n  - id: one\n    event: job.completed\n    when: data.total_cents >= 5000\n"
        "    do: [{action: home.create_job, with: {customerId: 5, title: x}}]\n"
    )
    weak = loaded(text, "{total_cents: 9000} => [{action: home.create_job, with: {customerId: 5}}]")
    strong = loaded(
        text,
        "{total_cents: 5000} => [{action: home.create_job, with: {customerId: 5, title: x}}]",
        "{total_cents: 4999} => none",
    )

    total, unnoticed = survivors(weak, weak.rules[0], weak.rules[0].tests, events_of(weak))

    assert 10 == total
    assert [
        "left out: data.total_cents >= 5000",
        "5000 made 5001 in data.total_cents >= 5000",
        "5000 made 4999 in data.total_cents >= 5000",
        "left out: title",
        "title: 'x' made 'x~'",
    ] == [mutant.change for mutant in unnoticed]
    assert (10, []) == survivors(strong, strong.rules[0], strong.rules[0].tests, events_of(strong))


def test_the_fallback_is_harmed_too() -> None:
    text = PING + "    fallback: [{action: home.create_lead, with: {last_name: x, phone: '${raw.a}'}}]\n"

    assert ["left out: last_name", "last_name: 'x' made 'x~'", "left out: phone"] == [
        change for _, change in harms(rule(text))
    ]


def test_every_part_of_an_expression_can_be_harmed() -> None:
    when = (
        "[1, {'a': [data.tags][0]}] == [1] and (not (raw matches 'x'))"
        " and (1 if any(data.tags, . == 'b') else -data.total_cents)"
    )

    assert {"1", "'b'"} <= {change.split(" made ")[0] for _, change in harms(rule(f'    when: "{when}"\n' + PING))}


def test_what_cannot_be_evaluated_covers_nothing() -> None:
    told = covered(
        "{total_cents: many} => {error: cannot compare}", "{total_cents: 6000, customer: {}, tags: 5} => error"
    )

    assert 1 == told["rules"]["covered"]
    assert ("data.total_cents >= 5000", "true") not in missed(told, "clauses")


LISTS = """\
rules:
  - id: one
    event: job.completed
    once_per: data.customer.email ?? data.id
    once_within: 24h
    when: any(data.line_items, (.kind ?? 'labor') == 'labor')
    do:
      - action: home.create_job
        with:
          customerId: 5
          lineItems: "${map(data.line_items, {'name': .name ?? 'Item', 'quantity': 1, 'unitPrice': '0.00'})}"
  - id: two
    event: lead.created
    do: [{action: home.ping}]
"""


def seen_in_lists(*tests: str) -> list[tuple[str, str]]:
    rules = loaded(LISTS, *tests)
    one, seen = rules.rules[0], Coverage(rules)
    for test in one.tests:
        trial = try_case(rules, one, test, events_of(rules))
        assert "passed" == trial.verdict, trial.failures
        seen.watch(one, trial)
    return missed(seen.as_json(), "branches")


def test_branches_inside_list_functions_count_for_the_items_that_are_looked_at() -> None:
    there, gone = "the left side is there", "the left side is missing"
    once = ("data.customer.email ?? data.id", there), ("data.customer.email ?? data.id", gone)
    kind = (".kind ?? 'labor'", there), (".kind ?? 'labor'", gone)
    name = (".name ?? 'Item'", there), (".name ?? 'Item'", gone)
    assert [*kind, *once, *name] == seen_in_lists()
    items = "[{kind: materials, name: x}, {}]"
    assert [once[0]] == seen_in_lists(f"{{id: j, line_items: {items}}} => {CREATED}")


def test_what_any_does_not_look_at_is_not_seen() -> None:
    left = seen_in_lists("{id: j, line_items: [{kind: labor}, {name: x}]} => " + CREATED)
    assert (".kind ?? 'labor'", "the left side is missing") in left, "the first item decides"
    assert not [text for text, _ in left if text.startswith(".name")]


def test_a_test_can_look_at_once_per_and_then_notices_harm_to_it() -> None:
    given = "{id: j, line_items: [{kind: labor, name: x}]}"
    rules = loaded(LISTS, given + " => {once_per: j, matched: true}")
    one = rules.rules[0]
    assert [] == [
        each.change for each in survivors(rules, one, one.tests, events_of(rules))[1] if "once_per" in each.change
    ]
    assert any(each.change.startswith("left out: once_per") for each in mutants(one))
    wrong = loaded(LISTS, given + " => {once_per: k, matched: true}")
    (failure,) = try_case(wrong, wrong.rules[0], wrong.rules[0].tests[0], events_of(wrong)).failures
    assert ("it acts once for another value", "k", "j") == (failure.message, failure.expected, failure.found)
