"""Tests are checked when they are loaded, beside a rule and in files of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooks.rules import RulesInvalid
from hooks.rules.load_tests import load_tests
from tests.rules.rules_world import CATALOGUE, HEAD, PING, load_after_head, marked, rule


def found(test: str) -> list[str]:
    return marked(HEAD + rule(PING + f"    tests:\n      - {test}\n"))


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("{name: a, given: {}, expect: none}", "given | a test needs one of 'sample', 'event' and 'payload'"),
        ("{name: a, given: {event: {}, sample: a/b}, expect: none}", "given | a test needs one of"),
        ("{name: a, given: {sample: a/b, source: plum}, expect: none}", "plum | unknown source 'plum'"),
        ("{name: a, given: {event: {}, set: {job.id: 1}}, expect: none}", "job.id | 'job.id' is not a path"),
        ("{name: a, given: {event: {}, unset: ['data.']}, expect: none}", "'data.' | 'data.' is not a path"),
        ("{name: a, given: {event: {}, steps: {stepp1: 1}}, expect: none}", "stepp1 | the rule has no step 'stepp1'"),
        ("{name: a, given: {event: {}, fails: {two: no}}, expect: none}", "two | the rule has no step 'two'"),
        ("{name: a, given: {event: {}, now: noon}, expect: none}", "noon | write an instant such as"),
        ("{name: a, given: {event: {tipe: x}}, expect: none}", "tipe | unknown key 'tipe' = did you mean 'type'?"),
        ("{name: a, given: {event: {}}, expect: [{action: home.pong}]}", "home.pong | unknown action 'home.pong'"),
        ("{name: a, given: {event: {}}, expect: [{action: home.ping, step: x}]}", "x | the rule has no step 'x'"),
        ("{name: a, given: {event: {}}, expect: [{action: home.create_lead, with: {lastname: x}}]}",
         "lastname | 'home.create_lead' has no input 'lastname' = did you mean 'last_name'?"),
        ("{name: a, given: {event: {}}, expect: {calls: [{action: home.pong}]}}", "home.pong | unknown action"),
        ("{name: a, given: {event: {}}, expect: {}}", "{} | say what must come of it"),
        ("{name: a, given: {event: {}}, expect: {matched: true, because: x}}", "because: says why"),
        ("{name: a, given: {event: {}}, expect: maybe}", "maybe | 'maybe' is not allowed here"),
        ("{name: a, given: {event: {}}, expect: 5}", "5 | a map (key: value) belongs here"),
        ("{name: a, given: {event: {}}, expect: none, rule: other}", "other | this test stands beside the rule 'one'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_test_is_found_at_its_place(test: str, message: str) -> None:
    said = found(test)

    assert 1 == len(said), said
    assert message in said[0]


def test_a_step_that_cannot_be_made_is_no_missing_step_of_a_test() -> None:
    test = "{name: a, given: {event: {}, steps: {step1: {}}}, expect: none}"
    said = marked(HEAD + rule(PING.replace("home.ping", "home.pign") + f"    tests:\n      - {test}\n"))

    assert ["home.pign | unknown action 'home.pign' = did you mean 'home.ping'?"] == said


def load(folder: Path, **files: str) -> list[str]:
    """``rule: name file:line`` of all tests, or what is wrong with them."""
    (folder / "tests").mkdir()
    for name, text in files.items():
        (folder / "tests" / f"{name}.yaml").write_text(text)
    rules = load_after_head(rule(PING + "    tests:\n      - {name: beside, given: {event: {}}, expect: none}\n"))
    try:
        tests = load_tests(folder / "routes.yaml", rules, CATALOGUE)
    except RulesInvalid as invalid:
        return [f"{Path(each.file).name}:{each.line}:{each.column} {each.message}" for each in invalid.findings]
    return [f"{each.rule}: {each.case.name} {Path(each.file).name}:{each.line}" for each in tests]


CASE = "name: filed, given: {event: {}}, expect: none"


def test_files_hold_a_list_or_a_map_and_name_the_rule(tmp_path: Path) -> None:
    listed = f"- {{rule: one, {CASE}}}\n"
    common = f"rule: one\ntests:\n  - {{{CASE}}}\n"

    assert ["one: beside routes.yaml:12", "one: filed a.yaml:1", "one: filed b.yaml:3"] == load(
        tmp_path, a=listed, b=common
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"- {{{CASE}}}\n", "a.yaml:1:3 'rule' is missing"),
        (f"- {{rule: two, {CASE}}}\n", "a.yaml:1:10 there is no rule 'two'"),
        (f"rule: two\ntests: [{{{CASE}}}]\n", "a.yaml:1:7 there is no rule 'two'"),
        ("- {rule: one, nam: x, given: {event: {}}, expect: none}\n", "a.yaml:1:15 unknown key 'nam'"),
        ("rule: one\ntests: [{name: x, given: {evnt: {}}, expect: none}]\n", "a.yaml:2:27 unknown key 'evnt'"),
        ("rule: one\n", "a.yaml:1:1 'tests' is missing"),
        ("just text\n", "a.yaml:1:1 a map (key: value) belongs here, this is text"),
        ("- [\n", "a.yaml:1:4 "),
        (
            "- {rule: one, name: x, given: {event: {}, steps: {x: 1}}, expect: none}\n",
            "the rule has no step 'x'",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_found_at_its_place(text: str, message: str, tmp_path: Path) -> None:
    assert message in " ".join(load(tmp_path, a=text))


def test_without_a_folder_there_are_only_the_tests_beside_the_rules(tmp_path: Path) -> None:
    rules = load_after_head(rule(PING))

    assert [] == load_tests(tmp_path / "routes.yaml", rules, CATALOGUE)


def test_a_file_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "tests" / "a.yaml").mkdir(parents=True)
    rules = load_after_head(rule(PING))

    with pytest.raises(RulesInvalid, match="cannot be read: Is a directory"):
        load_tests(tmp_path / "routes.yaml", rules, CATALOGUE)
