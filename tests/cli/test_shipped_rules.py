"""The rules files that come with the project can be used as they are, once their secrets are set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hooks
from hooks.events import new_id
from hooks.registry import CATALOGUE
from hooks.rules.load import load_rules

ROOT = Path(hooks.__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["routes.yaml", "hooks/cli/demo/demo.yaml"])
def test_a_shipped_rules_file_is_good_without_warnings(name: str) -> None:
    loaded = load_rules(ROOT / name, CATALOGUE, lambda secret: f"a secret for {secret} of this test")

    assert () == loaded.warnings
    assert loaded.rules


def test_the_readme_names_every_secret_of_the_starting_file() -> None:
    asked: set[str] = set()

    def lookup(name: str) -> str:
        asked.add(name)
        return new_id("rcp")

    load_rules(ROOT / "routes.yaml", CATALOGUE, lookup)

    readme = (ROOT / "README.md").read_text("utf-8")
    assert asked
    assert [] == [name for name in sorted(asked) if f"| `{name}` |" not in readme]


def test_the_starting_file_acts_nowhere_but_on_this_machine() -> None:
    loaded = load_rules(ROOT / "routes.yaml", CATALOGUE, lambda secret: f"a secret for {secret} of this test")

    addresses = [connection.settings.base_url for connection in loaded.connections.values()]
    assert ["http://127.0.0.1:9099/homebase360/api/v1"] == addresses


def test_vendors_are_listed_with_schemas_of_their_actions(capsys: pytest.CaptureFixture[str]) -> None:
    from hooks.cli.tree import run

    assert 0 == run(["vendors", "--json"])
    everything = json.loads(capsys.readouterr().out)
    assert 0 == run(["vendors", "servicetitan.create_booking", "--json"])
    (one,) = json.loads(capsys.readouterr().out)

    assert list(CATALOGUE) == [vendor["vendor"] for vendor in everything]
    (action,) = one["actions"]
    assert "servicetitan.create_booking_by_provider" == action["name"]
    assert ["servicetitan.create_booking"] == action["aliases"]
    assert {"source", "name", "summary"} <= set(action["inputs"]["required"])
    for vendor in everything:
        assert len(vendor["events"]) == len(set(vendor["events"]))
        for action in vendor["actions"]:
            assert {"name", "aliases", "operation", "method", "path", "inputs"} <= set(action)
            assert "object" == action["inputs"]["type"]
