"""The editor's schema and the guide are made from the same definitions as the checks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hooks.rules import load_text
from hooks.rules.functions import FUNCTIONS
from hooks.rules.model import RoutesFile
from hooks.rules.reference import functions_page
from hooks.rules.schema import routes_schema
from tests.rules.rules_world import CATALOGUE, SECRETS

GUIDE = Path(__file__).parents[2] / "docs" / "rules.md"
FUNCTIONS_PAGE = GUIDE.parent / "reference" / "functions.md"
SCHEMA = routes_schema(CATALOGUE)


def branch(action: str) -> dict[str, Any]:
    for each in SCHEMA["$defs"]["Step"]["allOf"]:
        if action in each["if"]["properties"]["action"]["enum"]:
            found: dict[str, Any] = each["then"]["properties"]["with"]
            return found
    raise AssertionError(action)


def test_every_action_and_alias_has_one_branch() -> None:
    names = SCHEMA["$defs"]["Step"]["properties"]["action"]["enum"]
    assert "home.add_job" in names
    assert "http.request" in names
    assert branch("home.add_job") is branch("home.create_job")


def test_expressions_are_accepted_wherever_something_other_than_text_belongs() -> None:
    fields = branch("home.create_job")["properties"]
    assert {"type": "string", "pattern": r"\$\{"} in fields["customerId"]["anyOf"]
    assert {"type": "integer"} in fields["customerId"]["anyOf"]
    assert "anyOf" not in branch("home.create_lead")["properties"]["source"]


def test_unknown_keys_are_refused_by_the_schema_too() -> None:
    assert SCHEMA["additionalProperties"] is False
    assert branch("home.create_job")["additionalProperties"] is False


def test_all_references_lead_somewhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for below in value.values() for found in references(below)]
        return [found for below in value for found in references(below)] if isinstance(value, list) else []

    assert {name.rpartition("/")[2] for name in references(SCHEMA)} <= SCHEMA["$defs"].keys()


def test_secrets_may_be_one_or_several() -> None:
    for each in SCHEMA["properties"]["sources"]["additionalProperties"]["allOf"]:
        if each["if"]["properties"]["vendor"]["const"] == "plumb":
            assert [{"type": "string"}, {"type": "array", "items": {"type": "string"}}] == each["then"]["properties"][
                "signing_secret"
            ]["anyOf"]


def test_every_key_of_the_format_has_a_description() -> None:
    for name, field in RoutesFile.model_fields.items():
        assert field.description, name


def test_the_reference_of_functions_is_in_step() -> None:
    assert functions_page() == FUNCTIONS_PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_the_guide_names_every_function() -> None:
    named = re.search(r"`(lower upper [^`]*)`", GUIDE.read_text(encoding="utf-8"))
    assert named is not None
    assert sorted(FUNCTIONS) == sorted(named[1].split())


FIRST_PART = GUIDE.read_text(encoding="utf-8").partition("## Twelve examples")[0]
EXAMPLES = re.findall(r"```yaml\n(.*?)```", FIRST_PART, re.DOTALL)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.startswith("version:")])
def test_whole_files_in_the_guide_load(example: str) -> None:
    assert () == load_text(example, CATALOGUE, SECRETS.get).warnings
