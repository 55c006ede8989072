"""`hooks rules describe`, `hooks rules schema`, and `hooks check` for pull requests and before commits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import hooks
from hooks.cli.tree import run
from hooks.registry import CATALOGUE
from hooks.rules.schema import routes_schema

ROOT = Path(hooks.__file__).resolve().parent.parent
SCHEMA = ROOT / "docs" / "reference" / "routes.schema.json"


def test_the_schema_of_the_reference_is_in_step_with_the_code() -> None:
    assert routes_schema(CATALOGUE) == json.loads(SCHEMA.read_text("utf-8")), "run `make docs`"


def test_the_functions_of_expressions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["rules", "functions", "--json"])
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert ("phone(value)", "+15135550142") == (listed["phone"]["signature"], listed["phone"]["result"])
    assert 0 == run(["rules", "functions"])
    assert 'dollars(15000) = "150.00"' in capsys.readouterr().out


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["rules", "schema", "--json"])

    assert capsys.readouterr().out == SCHEMA.read_text("utf-8")


@pytest.mark.parametrize(
    ("option", "beginning"), [("--mermaid", "flowchart LR\n"), ("--svg", "<svg "), ("--json", "{")]
)
def test_the_shipped_rules_are_told_without_any_secret(
    option: str, beginning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run(["rules", "describe", str(ROOT / "routes.yaml"), option])

    shown = capsys.readouterr()
    assert shown.out.startswith(beginning)
    assert "job-to-homebase" in shown.out
    assert "" == shown.err


def test_one_form_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["rules", "describe", str(ROOT / "routes.yaml"), "--svg", "--json"])


BROKEN = """\
version: 1
sources: {leads: {vendor: zapier, key: "${secret.NOBODY_HAS_SET_THIS}"}}
connections: {office: {vendor: http, base_url: "https://example.org"}}
rules:
  - id: one
    event: lead.created
    do: [{action: http.reqest, with: {path: /x}}]
"""


def test_mistakes_become_annotations_of_a_pull_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(BROKEN, encoding="utf-8")

    assert 3 == run(["check", str(file), "--format", "github", "--without-secrets"])

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"::error file={file},line=7,col=19,endColumn=30,title=hooks check (rule one)::")
    assert line.endswith("::unknown action 'http.reqest'%0Adid you mean 'http.request'?")


def test_a_sound_file_is_checked_without_its_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(BROKEN.replace("reqest", "request"), encoding="utf-8")

    assert 3 == run(["check", str(file), "--format", "github"])
    assert "NOBODY_HAS_SET_THIS" in capsys.readouterr().out
    assert 0 == run(["check", str(file), "--format", "github", "--without-secrets"])
    assert "" == capsys.readouterr().out


ALL_SECRET = """\
version: 1
sources:
  leads: {vendor: zapier, key: "${secret.NOT_SET_1}"}
connections:
  zap: {vendor: zapier, hook_url: "${secret.NOT_SET_2}"}
  office: {vendor: http, base_url: "${secret.NOT_SET_3}", rate: "${secret.NOT_SET_4}"}
  titan:
    vendor: servicetitan
    tenant: ${secret.NOT_SET_5}
    app_key: ${secret.NOT_SET_6}
    client_id: ${secret.NOT_SET_7}
    client_secret: ${secret.NOT_SET_8}
    auth_url: ${secret.NOT_SET_9}
rules:
  - id: one
    event: lead.created
    do:
      - {action: zapier.send, with: {data: {name: "${data.customer.display_name}"}}}
      - {action: http.request, with: {path: /x}}
    tests:
      - name: both are told
        given: {sample: zapier/lead.created}
        expect: [{action: zapier.send}, {action: http.request}]
"""


def test_a_secret_may_be_an_address_or_a_number_that_nobody_has_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(ALL_SECRET, encoding="utf-8")

    assert 0 == run(["check", str(file), "--without-secrets"])
    assert 0 == run(["test", str(file)])
    capsys.readouterr()
    assert 3 == run(["check", str(file), "--json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [f"the secret NOT_SET_{number} is not set" for number in range(1, 10)] == [each["message"] for each in found]
    file.write_text(ALL_SECRET.replace("rate:", "rat:"), encoding="utf-8")
    assert 3 == run(["check", str(file), "--without-secrets"])
    assert "unknown key 'rat'" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "code"), [("10978752986", 0), ("titan", 3)])
def test_a_number_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, code: int
) -> None:
    monkeypatch.setenv("NOT_SET_5", given)
    file = tmp_path / "routes.yaml"
    file.write_text(ALL_SECRET, encoding="utf-8")

    assert code == run(["check", str(file), "--without-secrets"])


@pytest.mark.parametrize("hook", ["hello", "http://zap.example.com/hooks/1/2", "https://zap.example.com"])
def test_a_hook_that_is_no_address_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    monkeypatch.setenv("NOT_SET_2", hook)
    file = tmp_path / "routes.yaml"
    file.write_text(ALL_SECRET, encoding="utf-8")

    assert 3 == run(["check", str(file), "--json", "--without-secrets"])

    (finding,) = (each for each in json.loads(capsys.readouterr().out)["findings"] if each["severity"] == "error")
    assert finding["message"].startswith("hook_url ")
    assert (5, 35) == (finding["line"], finding["column"])


def test_the_pre_commit_hooks_are_commands_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    hooks_offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))

    assert ["hooks-check", "hooks-test"] == [each["id"] for each in hooks_offered]
    for each in hooks_offered:
        program, *arguments = each["entry"].split()
        assert "hooks" == program
        assert 0 == run([*arguments, str(ROOT / "routes.yaml")])
