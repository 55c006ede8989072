"""The examples of docs/rules.md and of the vendors' pages: each loads, and passes its tests as `hooks test` runs it."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest

from hooks.cli.tree import run
from hooks.registry import CATALOGUE
from hooks.rules import load_text

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
FIRST_PART, _, SECTION = GUIDE.partition("## Twelve examples")
WHOLE, *SHORT = re.findall(r"```yaml\n(.*?)```", FIRST_PART, re.DOTALL)
TESTS = next(text for text in SHORT if text.startswith("rule: "))
HEAD, *EXAMPLES = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)
ACCOUNTS = WHOLE.partition("vars:")[0]
VENDORS = [
    (page.parent.name, textwrap.dedent(text))
    for page in sorted((ROOT / "hooks").rglob("README.md"))
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
TITLES = re.findall(r"^\*\*(\d+\. [^:*]+)", SECTION, re.MULTILINE)


def a_secret(name: str) -> str:
    return "a-secret-of-this-test-0123456789"


def test_the_whole_file_of_the_guide_loads_without_a_word() -> None:
    assert () == load_text(WHOLE, CATALOGUE, a_secret).warnings


@pytest.mark.parametrize("text", [text for text in SHORT if text != TESTS], ids=lambda text: text.splitlines()[1])
def test_a_short_example_of_the_guide_loads_without_a_word_below_its_accounts(text: str) -> None:
    sources, connections = ACCOUNTS.index("sources:"), ACCOUNTS.index("connections:")
    above = ACCOUNTS[:sources] + ACCOUNTS[connections:] if text.startswith("sources:") else ACCOUNTS
    assert [] == [found.render() for found in load_text(above + text, CATALOGUE, a_secret).warnings]


def test_the_tests_of_the_guide_pass_with_the_rules_of_the_guide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text(WHOLE, encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "guide.yaml").write_text(TESTS, encoding="utf-8")

    code = run(["test", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (0, 4) == (code, len(told["tests"])), json.dumps(told, indent=2)[:4000]


@pytest.mark.parametrize(
    ("page", "text"), VENDORS, ids=[f"{page}-{number}" for number, (page, _) in enumerate(VENDORS)]
)
def test_an_example_of_a_vendors_page_is_one_that_check_finds_good(page: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text((HEAD if text.startswith("rules:") else "version: 1\n") + text, encoding="utf-8")

    assert 0 == run(["check", "--without-secrets", str(file)])


def test_there_are_twelve_for_different_trades() -> None:
    assert [str(number) for number in range(1, 13)] == [title.partition(".")[0] for title in TITLES]
    assert len(EXAMPLES) == len(TITLES) == 12


def test_the_first_rule_that_a_newcomer_sees_loads_without_a_word() -> None:
    (rules,) = re.findall(r"```yaml\n(rules:.*?)```", README, re.DOTALL)
    loaded = load_text(HEAD + rules, CATALOGUE, a_secret)
    assert [] == [finding.render() for finding in loaded.warnings]


@pytest.mark.parametrize("text", EXAMPLES, ids=TITLES)
def test_an_example_of_the_guide_does_what_its_tests_say(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_text(HEAD + text, CATALOGUE, a_secret)
    assert [] == [finding.render() for finding in loaded.warnings]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text(HEAD + text, encoding="utf-8")

    code = run(["test", "routes.yaml", "--json", "--coverage"])

    told = json.loads(capsys.readouterr().out)
    assert 0 == code, json.dumps(told, indent=2)[:4000]
    assert [] == told["coverage"]["rules"]["missed"], "every rule is tried"
