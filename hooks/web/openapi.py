"""``/openapi.json``: the admin API described from the very table of endpoints that Starlette is given."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

_PLACE = re.compile(r"\{(\w+)\}")
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "parameter": {"type": "string"},
    },
}
_LISTING = {
    "type": "object",
    "required": ["items", "next"],
    "properties": {
        "items": {"type": "array", "items": {"type": "object"}},
        "next": {"type": ["string", "null"]},
    },
}
_OBJECT = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the admin API. ``body`` is the JSON Schema of what is sent; ``problems`` what else may come."""

    method: str
    path: str
    handler: Callable[[Request], Awaitable[Response]]
    summary: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    listing: bool = False
    media_type: str = "application/json"
    problems: tuple[int, ...] = ()


def describe(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these endpoints."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "hooks admin API", "version": version},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": _PROBLEM, "Listing": _LISTING},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    places = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(endpoint.path)
    ]
    query = [
        {"name": name, "in": "query", "required": False, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in endpoint.query.items()
    ]
    schema: Mapping[str, Any] = {"$ref": "#/components/schemas/Listing"} if endpoint.listing else _OBJECT
    if not endpoint.media_type.startswith("application/json"):
        schema = {"type": "string"}
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "parameters": places + query,
        "responses": {
            "200": {"description": "OK", "content": {endpoint.media_type: {"schema": schema}}},
            **{str(status): _refusal() for status in sorted({401, 403, *endpoint.problems})},
        },
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": endpoint.body}}}
    return operation


def _refusal() -> dict[str, Any]:
    return {
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
