"""The twelve examples of docs/rules.md: each loads without a word and passes its own tests, as `hooks test` runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hooks.cli.tree import run
from hooks.registry import CATALOGUE
from hooks.rules import load_text

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
SECTION = GUIDE[GUIDE.index("## Twelve examples") :]
HEAD, *EXAMPLES = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)
TITLES = re.findall(r"^\*\*(\d+\. [^:*]+)", SECTION, re.MULTILINE)


def test_there_are_twelve_for_different_trades() -> None:
    assert [str(number) for number in range(1, 13)] == [title.partition(".")[0] for title in TITLES]
    assert len(EXAMPLES) == len(TITLES) == 12


def test_the_first_rule_that_a_newcomer_sees_loads_without_a_word() -> None:
    (rules,) = re.findall(r"```yaml\n(rules:.*?)```", README, re.DOTALL)
    loaded = load_text(HEAD + rules, CATALOGUE, lambda name: "a-secret-of-this-test-0123456789")
    assert [] == [finding.render() for finding in loaded.warnings]


@pytest.mark.parametrize("text", EXAMPLES, ids=TITLES)
def test_an_example_of_the_guide_does_what_its_tests_say(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_text(HEAD + text, CATALOGUE, lambda name: "a-secret-of-this-test-0123456789")
    assert [] == [finding.render() for finding in loaded.warnings]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text(HEAD + text, encoding="utf-8")

    code = run(["test", "routes.yaml", "--json", "--coverage"])

    told = json.loads(capsys.readouterr().out)
    assert 0 == code, json.dumps(told, indent=2)[:4000]
    assert [] == told["coverage"]["rules"]["missed"], "every rule is tried"
