"""What an editor makes of the schema: the real yaml-language-server completes, explains and underlines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import hooks
from hooks.registry import CATALOGUE
from tests.editors.language_server import PROGRAM, LanguageServer

ROOT = Path(hooks.__file__).resolve().parent.parent
SCHEMA = ROOT / "docs" / "reference" / "routes.schema.json"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not PROGRAM.exists(),
    reason="needs Node and yaml-language-server: `make editors` installs it from npm and runs this",
)

STEP = "version: 1\nrules:\n  - id: a\n    event: x\n    do:\n      - action: "


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    assert NODE is not None
    with LanguageServer(NODE, SCHEMA) as running:
        yield running


def rules() -> str:
    return (ROOT / "routes.yaml").read_text("utf-8")


def fields(action: str) -> set[str]:
    found = CATALOGUE["homebase360"].action(action)
    assert found is not None
    return {field.alias or name for name, field in found.inputs.model_fields.items()}


def test_the_shipped_rules_are_without_mistake(server: LanguageServer) -> None:
    assert [] == server.mistakes(rules())
    assert [] == server.mistakes((ROOT / "hooks" / "cli" / "demo" / "demo.yaml").read_text("utf-8"))


@pytest.mark.parametrize("action", ["create_job", "create_customer", "get_jobs"])
def test_completion_offers_only_the_chosen_actions_fields(server: LanguageServer, action: str) -> None:
    offered = server.offered(f"{STEP}homebase360.{action}\n        with:\n          ")

    assert {*fields(action), "$merge"} == set(offered)


def test_completion_offers_the_keys_of_the_chosen_vendors_account(server: LanguageServer) -> None:
    offered = server.offered("version: 1\nconnections:\n  titan:\n    vendor: servicetitan\n    ")

    assert {"tenant", "app_key", "client_id", "client_secret", "environment"} <= set(offered)
    assert "company_id" not in offered


def test_a_wrong_action_gives_one_clear_message(server: LanguageServer) -> None:
    mistakes = server.mistakes(rules().replace("homebase360.create_job", "homebase360.creat_job"))

    line = 1 + rules().split("\n").index(next(each for each in rules().split("\n") if "360.create_job" in each))
    assert [(line, "There is no such action: it is <vendor>.<operation>, and `hooks vendors` lists them all.")] == (
        mistakes
    )


def test_a_misspelt_field_is_underlined_where_it_stands(server: LanguageServer) -> None:
    mistakes = server.mistakes(rules().replace("          end:", "          edn:"))

    line = 1 + next(number for number, each in enumerate(rules().split("\n")) if each.startswith("          end:"))
    assert (line, "Property edn is not allowed.") in mistakes


def test_a_key_of_a_rule_is_explained(server: LanguageServer) -> None:
    told = server.told("version: 1\nrules:\n  - id: a\n    event: x\n    once_within: 24h", back=8)

    assert "How long once_per remembers" in told
