"""The JSON Schema of ``routes.yaml`` for editors, from the format's model, the vendors' settings and their actions.

One ``if``/``then`` per action and per vendor keeps the messages of editors to one. Wherever something other than text
belongs, ``${...}`` is accepted too.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from hooks.ports import Catalogue, FilledByConnection
from hooks.rules.model import RoutesFile
from hooks.rules.with_tree import MERGE

_NO_SUCH_ACTION = "There is no such action: it is <vendor>.<operation>, and `hooks vendors` lists them all."
_HOLE = {"type": "string", "pattern": r"\$\{"}


def routes_schema(catalogue: Catalogue) -> dict[str, Any]:
    """The schema. Its size grows with the actions of the catalogue, not with any rules file."""
    schema = RoutesFile.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "routes.yaml",
        **{key: value for key, value in schema.items() if key not in ("title", "$defs")},
    }
    properties = schema["properties"]
    properties["sources"] = _accounts(
        properties["sources"],
        {vendor.name: vendor.source_settings for vendor in catalogue.values() if vendor.source_settings},
        definitions,
        "source",
    )
    properties["connections"] = _accounts(
        properties["connections"],
        {vendor.name: vendor.connection_settings for vendor in catalogue.values() if vendor.connection_settings},
        definitions,
        "connection",
    )
    properties["rules"]["type"] = ["array", "null"]  # a file whose rules are all comments is sound
    definitions["Rule"] = _rule(definitions)
    definitions["Step"] = _step(definitions["Step"], catalogue, definitions)
    schema["$defs"] = {name: _tidy(value) for name, value in definitions.items()}
    return {key: _tidy(value) for key, value in schema.items()}


def _rule(definitions: dict[str, Any]) -> dict[str, Any]:
    """The rule, which needs less when it is made of a template; the rule in a template, which needs nothing."""
    rule = definitions["Rule"]
    needed = [key for key in rule["required"] if key != "id"]
    body = {**rule, "properties": {key: value for key, value in rule["properties"].items() if key not in ("id", "use")}}
    del body["required"]
    definitions["TemplateRule"] = _with_holes(body)
    definitions["Template"]["properties"]["rule"] = {"$ref": "#/$defs/TemplateRule"}
    return {**rule, "required": ["id"], "if": {"not": {"required": ["use"]}}, "then": {"required": needed}}


def _step(step: dict[str, Any], catalogue: Catalogue, definitions: dict[str, Any]) -> dict[str, Any]:
    names: list[str] = []
    branches: list[dict[str, Any]] = []
    for vendor in catalogue.values():
        for action in vendor.actions:
            own = [f"{vendor.name}.{name}" for name in (action.name, *action.aliases)]
            names.extend(own)
            inputs = _inlined(action.inputs, f"{vendor.name}.{action.name}", definitions)
            inputs = _with_holes(inputs)
            inputs["description"] = action.summary
            inputs.setdefault("properties", {})[MERGE] = {
                "type": "string",
                "description": "Start from an object, such as ${raw}; the other keys win.",
            }
            elsewhere = action.from_connection if isinstance(action, FilledByConnection) else ()
            needs = [name for name in inputs.pop("required", ()) if name not in elsewhere]
            branches.append(
                {
                    "if": {"properties": {"action": {"enum": own}}, "required": ["action"]},
                    "then": {"properties": {"with": inputs}, **({"required": ["with"]} if needs else {})},
                }
            )
            if needs:
                inputs["if"] = {"not": {"required": [MERGE]}}
                inputs["then"] = {"required": needs}
    step["properties"]["action"] = {
        **step["properties"]["action"],
        "enum": sorted(names),
        "errorMessage": _NO_SUCH_ACTION,  # editors know this key; without it they list all the names there are
    }
    if branches:
        step["allOf"] = branches
    return step


def _accounts(
    section: dict[str, Any], models: Mapping[str, type[BaseModel]], definitions: dict[str, Any], what: str
) -> dict[str, Any]:
    branches = []
    for name, model in models.items():
        settings = _with_holes(_inlined(model, f"{name}.{what}", definitions))
        settings.setdefault("properties", {})["vendor"] = {"const": name}
        branches.append({"if": {"properties": {"vendor": {"const": name}}, "required": ["vendor"]}, "then": settings})
    account: dict[str, Any] = {
        "type": "object",
        "properties": {"vendor": {"enum": sorted(models), "description": "The outside system."}},
        "required": ["vendor"],
    }
    if branches:
        account["allOf"] = branches
    kept = {key: value for key, value in section.items() if key in ("description", "default", "title")}
    return {**kept, "type": "object", "additionalProperties": account}


def _inlined(model: type[BaseModel], prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The model's schema, its own definitions moved to the common ones under names that cannot clash."""
    schema = copy.deepcopy(model.model_json_schema(by_alias=True))
    own = schema.pop("$defs", {})

    def rename(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: f"#/$defs/{prefix}.{below.rpartition('/')[2]}" if key == "$ref" else rename(below)
                for key, below in value.items()
            }
        return [rename(below) for below in value] if isinstance(value, list) else value

    for name, below in own.items():
        definitions[f"{prefix}.{name}"] = _with_holes(rename(below))
    renamed = rename(schema)
    assert isinstance(renamed, dict)
    renamed.pop("title", None)
    return renamed


def _with_holes(schema: dict[str, Any]) -> dict[str, Any]:
    """The same object schema, with ``${...}`` allowed for every field that is not plain text."""
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {name: _or_hole(below) for name, below in made["properties"].items()}
    return made


def _or_hole(schema: Any) -> Any:
    if not isinstance(schema, dict) or not schema:
        return schema
    if schema.get("type") == "string" and not schema.keys() & {"format", "pattern", "enum", "const", "maxLength"}:
        return schema
    kept = {key: schema[key] for key in ("description", "default", "title") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in kept}
    if "items" in inner:
        inner["items"] = _or_hole(inner["items"])
    if schema.get("format") == "password" or _list_of_secrets(schema):
        return {**kept, "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    if "anyOf" in inner:
        options = [{**each, "items": _or_hole(each["items"])} if "items" in each else each for each in inner["anyOf"]]
        return {**kept, **inner, "anyOf": [*options, _HOLE]}
    return {**kept, "anyOf": [inner, _HOLE]}


def _list_of_secrets(schema: dict[str, Any]) -> bool:
    items = schema.get("items")
    return isinstance(items, dict) and items.get("format") == "password"


def _tidy(value: Any) -> Any:
    """Without generated titles, which editors would show in place of the description."""
    if isinstance(value, dict):
        return {
            key: _tidy(below)
            for key, below in value.items()
            if not (key == "title" and isinstance(below, str)) or below == "routes.yaml"
        }
    return [_tidy(below) for below in value] if isinstance(value, list) else value
