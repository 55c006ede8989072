"""Rules that emit events of their own, as the loader, the checks and the commands see them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hooks.cli.tree import run
from hooks.registry import CATALOGUE
from hooks.rules import RuleSet, RulesInvalid, load_text
from hooks.rules.describe import describe_rules, sentences_text
from hooks.rules.diagram import mermaid

HEAD = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "a-secret-of-this-test-0123456789"}
connections:
  office: {vendor: http, base_url: "https://office.example.com"}
rules:
"""
EMIT = """\
  - id: find
    event: job.completed
    source: hcp
    do: [{action: event.emit, with: {type: job.large, data: {id: "${data.id}", more: "${raw}"}}}]
"""
TAKE = """\
  - id: call
    event: job.large
    do: [{action: http.request, with: {path: /calls, json: {id: "${data.anything.at_all}"}}}]
"""


def load(rules: str, head: str = HEAD) -> RuleSet:
    return load_text(head + rules, CATALOGUE, lambda name: None)


def told(rules: str, head: str = HEAD) -> list[str]:
    """What is found, warnings and errors, but for the secret that stands in the file."""
    try:
        found = load(rules, head).warnings
    except RulesInvalid as invalid:
        found = tuple(invalid.findings)
    return [f"{one.message} | {one.hint}" for one in found if "secret" not in one.message]


@pytest.mark.parametrize("rules", [EMIT + TAKE, TAKE + EMIT], ids=["before", "after"])
@pytest.mark.parametrize("source", ["", "    source: event\n", "    source: [hcp, event]\n"])
def test_a_type_that_a_rule_emits_is_known_to_all_rules(rules: str, source: str) -> None:
    assert [] == told(rules.replace("    event: job.large\n", "    event: job.large\n" + source))


def test_a_type_that_nobody_emits_is_pointed_out() -> None:
    [found] = told(EMIT + TAKE.replace("job.large", "job.lrage"))
    assert "no configured source is known to send 'job.lrage' | did you mean 'job.large'?" == found
    assert "no configured source is known to send 'job.large'" in told(TAKE)[0]


def test_where_a_type_is_only_known_later_any_may_come() -> None:
    assert [] == told(EMIT.replace("job.large", '"job.${data.status}"') + TAKE)


def test_nested_and_fallback_steps_emit_too() -> None:
    step = "{action: event.emit, with: {type: job.large}}"
    other = "{action: http.request, with: {path: /calls}}"
    for steps in (
        f"    when: data.id\n    do: [{other}]\n    else: [{step}]\n",
        f"    do: [{other}]\n    fallback: [{step}]\n",
        f"    do: [{{action: http.request, if: data.id, with: {{path: /calls}}, else: [{step}]}}]\n",
    ):
        assert [] == told("  - id: find\n    event: job.completed\n    source: hcp\n" + steps + TAKE), steps


def test_a_file_that_takes_own_events_before_any_is_emitted_is_warned_and_loads() -> None:
    rules = TAKE.replace("job.large", "job.large\n    source: event")
    hint = "vendors add names: if it is spelled as the sender does, leave it"
    assert [f"no configured source is known to send 'job.large' | {hint}"] == told(rules)
    assert {"hcp", "event"} == set(load(rules).sources)


def test_files_without_own_events_have_neither_source_nor_connection_for_them() -> None:
    rules = load(TAKE.replace("job.large", "job.completed").replace(".anything.at_all", ".id"))
    assert ({"hcp"}, {"office"}) == (set(rules.sources), set(rules.connections))


@pytest.mark.parametrize(
    ("rule", "warned"),
    [
        ("event: job.large\n    source: event", True),
        ("event: [job.completed, job.large]", True),
        ("event: job.*", True),
        ("event: '*'", True),
        ("event: job.large\n    source: hcp", False),
        ("event: job.completed", False),
    ],
)
def test_a_rule_that_emits_what_it_takes_is_pointed_out(rule: str, warned: bool) -> None:
    text = f"  - id: loop\n    {rule}\n    do: [{{action: event.emit, with: {{type: job.large}}}}]\n"
    found = [one for one in told(text) if "sets itself off: its step 'step1' emits what it takes" in one]
    assert warned == bool(found), told(text)


def test_a_type_that_is_only_known_later_is_pointed_out_where_anything_is_taken() -> None:
    step = '    do: [{action: event.emit, with: {type: "${type}.seen"}}]\n'
    assert "sets itself off" in told("  - id: loop\n    event: '*'\n" + step)[0]
    assert [] == told("  - id: loop\n    event: job.completed\n" + step)


def test_what_is_wrong_with_an_emitting_step_is_said_in_place() -> None:
    assert "'type' is missing" in told(EMIT.replace("type: job.large, ", ""))[0]
    assert "type" in told(EMIT.replace("job.large", "two words"))[0]
    assert "unknown key 'payload'" in told(EMIT.replace("data: {id", "payload: {id"))[0]
    assert (
        "'event' actions need no connection" in told(EMIT.replace("event.emit,", "event.emit, connection: office,"))[0]
    )
    read = EMIT.replace("do: [", "do: [{id: other, action: event.emit, with: {type: job.other}}, ").replace(
        "${data.id}", "${steps.other.evnt}"
    )
    assert "did you mean 'event'?" in told(read)[0]


def test_its_names_are_its_own() -> None:
    for section, account in (
        ("sources", "event: {vendor: zapier, key: a-key-of-this-test-0123456789}"),
        ("connections", "event: {vendor: homebase360, api_key: a-key-of-this-test-0123456789}"),
    ):
        head = HEAD.replace(f"{section}:\n", f"{section}:\n  {account}\n")
        assert ["the name 'event' belongs to the events that rules emit | give it another name"] == told(EMIT, head)
        assert [] == told(TAKE.replace("job.large", "job.completed").replace(".anything.at_all", ".id"), head)
    head = HEAD.replace("sources:\n", "sources:\n  mine: {vendor: event}\n")
    [found] = told(EMIT, head)
    assert "the vendor 'event' is there without being configured | leave it out; its name is 'event'" == found


def test_templates_emit_too() -> None:
    head = HEAD.replace(
        "rules:\n",
        "templates:\n  emits@1:\n    parameters: {kind: Which}\n    rule:\n"
        "      event: job.completed\n      source: hcp\n"
        '      do: [{action: event.emit, with: {type: "job.${param.kind}"}}]\n'
        "rules:\n",
    )
    text = "  - id: find\n    use: {template: emits@1, with: {kind: large}}\n"
    assert [] == told(text + TAKE, head)


def test_it_reads_in_plain_words_and_as_a_picture() -> None:
    described = describe_rules(load(EMIT + TAKE), CATALOGUE)
    text = sentences_text(described)
    assert "Own events, called event, put in by rules" in text
    assert "When job.large comes from Own events (event)," in text
    assert "/in/event" not in text
    assert [["hcp"], ["event"]] == [rule["from"] for rule in described["rules"]]
    assert "emit" in mermaid(described)


@pytest.fixture
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text(HEAD + EMIT + TAKE, encoding="utf-8")
    return tmp_path / "routes.yaml"


def output(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code = run(list(words))
    out = capsys.readouterr().out
    assert 0 == code, out
    return json.loads(out)


def test_commands_know_it(routes: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    explained = output(capsys, "explain", "--source", "hcp", "--sample", "housecall_pro/job.completed", "--json")
    [rule] = [each for each in explained["rules"] if each["matched"]]
    [request] = rule["requests"]
    assert ("event.emit", "job.large") == (request["action"], request["body"]["type"])

    body = tmp_path / "body.json"
    body.write_text('{"type": "job.large", "subject": "job/1", "data": {"id": "1"}}', encoding="utf-8")
    explained = output(capsys, "explain", "--source", "event", "--payload", str(body), "--json")
    assert ["call"] == [rule["id"] for rule in explained["rules"] if rule["matched"]]
    assert ("event", "job/1") == (explained["event"]["vendor"], explained["event"]["subject"])
    body.write_text("[]", encoding="utf-8")
    assert 2 == run(["explain", "--source", "event", "--payload", str(body), "--json"])
    assert "an object with type, subject and data" in capsys.readouterr().err

    assert 0 == run(["check", "routes.yaml"])
    assert "2 rules, 1 source, 1 connection." in capsys.readouterr().out
    assert ["hcp"] == [source["name"] for source in output(capsys, "sources", "list", "--json")["items"]]
    vendors = {vendor["vendor"]: vendor for vendor in output(capsys, "vendors", "--json")}
    [action] = vendors["event"]["actions"]
    assert ("event.emit", False) == (action["name"], vendors["event"]["receives"])
    assert {"event", "receipt"} == set(action["output"]["properties"])


def test_rule_tests_read_and_expect_own_events(routes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tests = """\
    tests:
      - name: a large one is called about
        given: {event: {data: {id: "1"}}, source: event}
        expect: [{action: http.request, with: {path: /calls}}]
      - name: as it is emitted
        given: {payload: {type: job.large, subject: null, data: {id: "1"}}, source: event}
        expect: [{action: http.request}]
"""
    expect = """\
    tests:
      - name: it is told to the others
        given: {sample: housecall_pro/job.completed}
        expect: [{action: event.emit, with: {type: job.large}}]
"""
    routes.write_text(HEAD + EMIT + expect + TAKE + tests, encoding="utf-8")
    told = output(capsys, "test", "routes.yaml", "--json")
    assert [] == [trial for trial in told["tests"] if trial["verdict"] != "passed"]
    assert 3 == len(told["tests"])
