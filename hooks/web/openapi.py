"""``/openapi.json``: the admin API described from the very table of endpoints that Starlette is given.

Answers are described by the models of `hooks.web.shapes` and `hooks.web.engine_shapes`, bodies by the models of
`hooks.web.bodies` that validate them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from hooks.web.shapes import Problem

_PLACE = re.compile(r"\{(\w+)\}")
_REFERENCE = "#/components/schemas/{model}"
_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
_SHAPES: Mapping[str, Mapping[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
    "dry_run": {"type": "string", "enum": ["true", "false"], "default": "false"},
    "number": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    "against": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
}
"""What parameters of these names hold, wherever they stand; the others hold text."""

_PREFIXES = {"events": "evt", "runs": "run", "receipts": "rcp", "people": "per", "subscribers": "sub"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the admin API.

    ``query`` has what each parameter means, or its JSON Schema with a description. ``body`` is the model of what is
    sent; ``body_needed`` is false where none at all will do. ``answer`` is the model of what comes back with
    ``status``, that of one item where it is a ``listing``; ``also`` has answers of other media types. ``problems`` are
    what else may come, and ``refusal`` the model of a 422 that is no problem but an answer.
    """

    method: str
    path: str
    handler: Callable[[Request], Awaitable[Response]]
    summary: str
    query: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    body: type[BaseModel] | None = None
    listing: bool = False
    media_type: str = "application/json"
    problems: tuple[int, ...] = ()
    answer: type[BaseModel] | None = None
    status: int = 200
    also: Mapping[str, type[BaseModel] | None] = field(default_factory=dict)
    refusal: type[BaseModel] | None = None
    body_needed: bool = True


def describe(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these endpoints."""
    endpoints = list(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hooks admin API",
            "version": version,
            "description": "What was received and done, and how to steer it. Listings are newest first; `next` of a "
            "page is the `cursor` of the page after it, null on the last one.",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(endpoints),
        },
    }


def _schemas(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Every model that an endpoint takes or answers with, once."""
    models: dict[str, type[BaseModel]] = {Problem.__name__: Problem}
    for endpoint in endpoints:
        for model in (endpoint.body, endpoint.answer, endpoint.refusal, *endpoint.also.values()):
            if model is not None:
                models[model.__name__] = model
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in models.values()]
    _, document = models_json_schema(wanted, ref_template=_REFERENCE)
    schemas: dict[str, Any] = document["$defs"]
    return schemas


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    places = [
        {"name": name, "in": "path", "required": True, "schema": _place(endpoint.path, name)}
        for name in _PLACE.findall(endpoint.path)
    ]
    query = [
        {"name": name, "in": "query", "required": False, **_parameter(name, told)}
        for name, told in endpoint.query.items()
    ]
    content = {endpoint.media_type: {"schema": _answer(endpoint)}}
    content |= {media: {"schema": _reference(model)} for media, model in endpoint.also.items()}
    responses: dict[str, Any] = {str(endpoint.status): {"description": "OK", "content": content}}
    always = {400, 401, 403, *(() if endpoint.method == "GET" else (413, 415))}
    if endpoint.path.startswith("/api/"):
        always.add(422)  # a parameter that there is not is never passed over
    for status in sorted({*always, *endpoint.problems}):
        responses[str(status)] = _refusal(endpoint.refusal if status == 422 else None)
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "parameters": places + query,
        "responses": responses,
    }
    if endpoint.body is not None:
        sent = {"application/json": {"schema": _reference(endpoint.body)}}
        operation["requestBody"] = {"required": endpoint.body_needed, "content": sent}
    return operation


def _place(path: str, name: str) -> Mapping[str, Any]:
    """What a place in the path holds; an id has the form of its resource."""
    resource = path.removeprefix("/api/v1/").partition("/")[0]
    if name == "id" and resource in _PREFIXES:
        return {"type": "string", "pattern": f"^{_PREFIXES[resource]}_[0-9a-f]{{32}}$"}
    return _SHAPES.get(name, {"type": "string", "minLength": 1})


def _parameter(name: str, told: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(told, str):
        return {"description": told, "schema": _SHAPES.get(name, _TEXT)}
    schema = {key: value for key, value in told.items() if key != "description"}
    return {"description": told["description"], "schema": schema}


def _answer(endpoint: Endpoint) -> Mapping[str, Any]:
    if not endpoint.media_type.startswith("application/json"):
        return {"type": "string"}
    one = _reference(endpoint.answer) if endpoint.answer is not None else {"type": "object"}
    if not endpoint.listing:
        return one
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {"items": {"type": "array", "items": one}, "next": {"type": ["string", "null"]}},
    }


def _reference(model: type[BaseModel] | None) -> Mapping[str, Any]:
    return {"type": "string"} if model is None else {"$ref": _REFERENCE.format(model=model.__name__)}


def _refusal(also: type[BaseModel] | None) -> dict[str, Any]:
    content: dict[str, Any] = {"application/problem+json": {"schema": _reference(Problem)}}
    if also is not None:
        content["application/json"] = {"schema": _reference(also)}
    return {"description": "A problem (RFC 9457)", "content": content}
