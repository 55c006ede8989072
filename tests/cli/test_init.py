"""`hooks init` writes a first rules file that is right as it is: it loads, and its own tests pass."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hooks.cli.first_rules import senders_known, targets_known
from hooks.cli.tree import run

FORMS = {
    "TENANT": "10978752986",
    "BOOKING_PROVIDER": "774125",
    "HOOK_URL": "https://hooks.zapier.com/hooks/catch/1/a",
    "WEBHOOKS_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}
"""What some secrets look like, by the end of their name; all others are any long text."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begun(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert 0 == run(["init", *words, "--json"])
    return json.loads(capsys.readouterr().out)


def given_secrets(monkeypatch: pytest.MonkeyPatch, told: Any) -> None:
    for secret in told["secrets"]:
        form = next((text for end, text in FORMS.items() if secret["name"].endswith(end)), "0123456789" * 4)
        monkeypatch.setenv(secret["name"], form)


@pytest.mark.parametrize("target", targets_known())
@pytest.mark.parametrize("sender", senders_known())
def test_what_it_writes_loads_without_a_warning_and_passes_its_tests(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sender: str, target: str
) -> None:
    told = begun(capsys, "--from", sender, "--to", target)
    assert ({sender: f"/in/{sender}"}, [target]) == (told["sources"], told["connections"])
    assert ([] == told["rules"]) == ([{"from": sender, "to": target}] == told["without_rules"])

    assert 0 == run(["test", "--json"]), "without a secret"
    tried = json.loads(capsys.readouterr().out)
    assert len(told["rules"]) == len(tried["tests"])
    given_secrets(monkeypatch, told)
    assert 0 == run(["check", "--json"])
    assert [] == json.loads(capsys.readouterr().out)["findings"]
    written = (folder / "routes.yaml").read_text()
    assert {secret["name"] for secret in told["secrets"]} == set(re.findall(r"secret\.(\w+)", written))


def test_leads_of_zaps_go_to_jobcloser_and_servicetitan(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = begun(capsys, "--from", "zapier", "--to", "jobcloser", "--to", "servicetitan")
    assert {"zapier-lead-to-jobcloser", "zapier-lead-to-servicetitan"} < set(told["rules"])
    assert 0 == run(["explain", "--sample", "zapier/lead.created", "--json"])
    rules = {rule["id"]: rule for rule in json.loads(capsys.readouterr().out)["rules"]}
    for id in ("zapier-lead-to-jobcloser", "zapier-lead-to-servicetitan"):
        assert (True, "POST") == (rules[id]["matched"], rules[id]["requests"][0]["method"])


def test_a_file_that_is_there_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "routes.yaml").write_text("mine")
    assert 1 == run(["init", "--from", "zapier", "--to", "jobcloser"])
    assert "routes.yaml is there already, and stays as it is" in capsys.readouterr().err
    assert "mine" == (folder / "routes.yaml").read_text()
    assert 0 == run(["init", "--from", "zapier", "--to", "jobcloser", "--routes", "other.yaml"])
    said = capsys.readouterr().out
    assert "other.yaml has 1 source, 1 connection, 2 rules." in said
    assert "ZAPIER_KEY" in said and "/in/zapier" in said


def test_the_same_vendor_on_both_sides_has_a_secret_for_each_and_no_rule_that_sets_itself_off(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = begun(capsys, "--from", "zapier", "--from", "housecall_pro", "--to", "housecall_pro", "--to", "zapier")
    assert ["zapier-lead-to-housecall_pro", "zapier-customer-to-housecall_pro", "housecall_pro-to-zapier"] == told[
        "rules"
    ]
    names = [secret["name"] for secret in told["secrets"]]
    assert {"HOUSECALL_PRO_IN_SIGNING_SECRET", "HOUSECALL_PRO_API_KEY", "ZAPIER_IN_KEY", "ZAPIER_HOOK_URL"} == set(
        names
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say --from VENDOR: housecall_pro, zapier"),
        (("--from", "zapier"), "say --to VENDOR: "),
        (("--from", "zap", "--to", "http"), "--from zap: did you mean 'zapier'?"),
        (("--from", "zapier", "--to", "supergood"), "--to supergood: vendors: "),
    ],
)
def test_who_sends_and_where_it_goes_must_be_said(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert 2 == run(["init", *words])
    assert said in capsys.readouterr().err
    assert [] == list(folder.iterdir())


def test_a_folder_that_cannot_be_written_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == run(["init", "--from", "zapier", "--to", "http", "--routes", "no/such/folder/routes.yaml"])
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
