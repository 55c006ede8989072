"""What a value may be, read from a pydantic model's JSON Schema: the kinds, the fields and the items below it.

Canonical models, action inputs, settings and the values of ``vars:`` are all looked at through this one shape, so that
a custom type is understood exactly as its model publishes it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel

from hooks.rules.kinds import Kind, kind_of

_KINDS = {
    "null": Kind.NULL,
    "boolean": Kind.BOOL,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "string": Kind.TEXT,
    "array": Kind.LIST,
    "object": Kind.OBJECT,
}


Alternative = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A JSON Schema and the definitions that its references name."""


class Shape:
    """A set of alternatives, each a schema with the definitions it refers to. An empty schema allows anything."""

    __slots__ = ("_fields", "_item", "alternatives", "kinds")

    def __init__(self, alternatives: Iterable[Alternative]) -> None:
        self.alternatives: tuple[Alternative, ...] = tuple(
            (flat, definitions) for schema, definitions in alternatives for flat in _flatten([schema], definitions, 0)
        )
        self.kinds = Kind.NONE
        for schema, _ in self.alternatives:
            self.kinds |= _kinds(schema)
        self._fields: dict[str, Shape | None] = {}
        self._item: Shape | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is known: no checks apply."""
        return self.kinds & Kind.ANY == Kind.ANY

    def field(self, name: str) -> Shape | None:
        """What a field of the object holds; None when no alternative has such a field."""
        if name not in self._fields:
            found = [(below, definitions) for below, definitions in self._each_field(name) if below is not None]
            self._fields[name] = Shape(found) if found else None
        return self._fields[name]

    def is_partial(self, name: str) -> bool:
        """Whether some of the alternative objects have no such field."""
        return any(below is None for below, _ in self._each_field(name))

    def _each_field(self, name: str) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        for schema, definitions in self.alternatives:
            if not _kinds(schema) & Kind.OBJECT:
                continue
            properties = schema.get("properties", {})
            extra = schema.get("additionalProperties", not properties)
            for named in schema.get("patternProperties", {}).values():
                extra = named  # maps by name: all their values have one form
            if name in properties:
                yield properties[name], definitions
            elif extra is False:
                yield None, definitions
            else:
                yield {} if extra is True else extra, definitions

    def item(self) -> Shape:
        """What the items of the list are."""
        if self._item is None:
            found = [
                (schema.get("items", {}), definitions)
                for schema, definitions in self.alternatives
                if _kinds(schema) & Kind.LIST
            ]
            self._item = Shape(found or [({}, {})])
        return self._item

    def as_items(self) -> Shape:
        """A list of what this is."""
        return Shape([({"type": "array", "items": schema}, definitions) for schema, definitions in self.alternatives])

    def like(self, value: Any) -> Shape:
        """The alternatives that an object is of by its fixed words, such as ``scheme: token``; all if it is of none."""
        if not isinstance(value, dict) or len(self.alternatives) < 2:
            return self
        fitting = [
            (schema, definitions)
            for schema, definitions in self.alternatives
            if all(
                value[name] == below["const"]
                for name, below in schema.get("properties", {}).items()
                if name in value and isinstance(below, dict) and "const" in below
            )
        ]
        return Shape(fitting) if 0 < len(fitting) < len(self.alternatives) else self

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that some alternative declares, with their schemas."""
        found: dict[str, Any] = {}
        for schema, _ in self.alternatives:
            for name, below in schema.get("properties", {}).items():
                found.setdefault(name, below)
        return found

    @property
    def required(self) -> frozenset[str]:
        """The fields that every object must have."""
        objects = [schema for schema, _ in self.alternatives if _kinds(schema) & Kind.OBJECT]
        if not objects:
            return frozenset()
        return frozenset.intersection(*(frozenset(schema.get("required", ())) for schema in objects))

    @property
    def secret(self) -> bool:
        """Whether a text here is a secret: it, or the items of the list it stands for."""
        if any(schema.get("format") == "password" for schema, _ in self.alternatives):
            return True
        return Kind.LIST in self.kinds and not self.is_open and self.item().secret

    @property
    def read_by_source(self) -> bool:
        """Whether a text here holds paths of the source's own, read off each delivery (`hooks.kit.paths`)."""
        return any(schema.get("format") == "delivery-paths" for schema, _ in self.alternatives)

    @property
    def is_url_path(self) -> bool:
        """Whether a text here is a path of an address (`hooks.kit.operations.URL_PATH`)."""
        return any(schema.get("format") == "url-path" for schema, _ in self.alternatives)

    @property
    def example(self) -> str | None:
        """A text of the form that belongs here, where its model gives one."""
        found = (str(each) for schema, _ in self.alternatives for each in schema.get("examples", ()))
        return next(found, None)

    @property
    def allowed(self) -> tuple[Any, ...]:
        """The values of an enumeration, () when there is none."""
        found: list[Any] = []
        for schema, _ in self.alternatives:
            if _kinds(schema) == Kind.NULL:
                continue
            if "const" in schema:
                found.append(schema["const"])
            elif "enum" in schema:
                found.extend(schema["enum"])
            else:
                return ()
        return tuple(found)


def _flatten(schemas: Iterable[Any], definitions: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    for schema in schemas:
        if not isinstance(schema, dict) or depth > 20:
            yield {}
        elif "$ref" in schema:
            yield from _flatten([definitions.get(schema["$ref"].rpartition("/")[2], {})], definitions, depth + 1)
        elif "anyOf" in schema or "oneOf" in schema:
            yield from _flatten([*schema.get("anyOf", ()), *schema.get("oneOf", ())], definitions, depth + 1)
        elif len(schema.get("allOf", ())) == 1:
            yield from _flatten(schema["allOf"], definitions, depth + 1)
        else:
            yield schema


def _kinds(schema: Mapping[str, Any]) -> Kind:
    named = schema.get("type")
    if isinstance(named, str):
        return _KINDS.get(named, Kind.ANY)
    if isinstance(named, list):
        return functools.reduce(lambda one, two: one | two, (_KINDS.get(name, Kind.ANY) for name in named), Kind.NONE)
    if "const" in schema:
        return kind_of(schema["const"])
    if "enum" in schema:
        return functools.reduce(lambda one, two: one | two, map(kind_of, schema["enum"]), Kind.NONE)
    if "properties" in schema:
        return Kind.OBJECT
    return Kind.ANY


OPEN = Shape([({}, {})])
"""Anything."""


@functools.lru_cache(maxsize=2048)
def shape_of(model: type[BaseModel], mode: Literal["validation", "serialization"] = "validation") -> Shape:
    """The shape of a model's objects: as they are written (``validation``) or as they are dumped."""
    try:
        schema = model.model_json_schema(by_alias=True, mode=mode)
    except Exception:
        # pydantic raises its own and plain errors for types without a JSON Schema: then nothing is known
        return OPEN
    return Shape([(schema, schema.get("$defs", {}))])


def shape_of_kind(kinds: Kind) -> Shape:
    """A shape that is known by its kinds only."""
    return _by_kind(int(kinds))


@functools.lru_cache(maxsize=256)
def _by_kind(kinds: int) -> Shape:
    if kinds & Kind.ANY == Kind.ANY:
        return OPEN
    named = [name for name, kind in _KINDS.items() if name != "number" and kinds & kind]
    if kinds & Kind.FRACTION:
        named = [*(name for name in named if name != "integer"), "number"]
    return Shape([({"type": named}, {})])


def shape_of_value(value: Any) -> Shape:
    """The shape of a plain value: its objects have exactly their keys."""
    return Shape([(_schema_of(value), {})])


def _schema_of(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        properties = {key: _schema_of(below) for key, below in value.items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}
    if isinstance(value, list):
        return {"type": "array"}
    return {"type": [name for name, kind in _KINDS.items() if name != "number" and kind_of(value) & kind] or ["number"]}


def union(shapes: Iterable[Shape]) -> Shape:
    """Either of the shapes."""
    several = list(dict.fromkeys(shapes))
    if len(several) == 1:
        return several[0]
    return Shape([alternative for shape in several for alternative in shape.alternatives])
