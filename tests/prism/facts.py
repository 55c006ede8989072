"""A short notation for what a vendor documents, and the OpenAPI documents that are made of it for Prism.

One line is one operation, a shape, or a macro; a line that begins with blanks goes on the one before::

    auth x-api-key                                        headers that every call carries
    @page = page*:int page_size*:int                      words to be used elsewhere
    Address = street* city state                          a shape
    GET /customers/{id} ? expand:[a|b] -> 200 Customer
    POST /customers {first_name addresses:[Address]} -> 201 {id* at:time}

A field is ``name``, ``*`` when it is required, and ``:type``: ``str`` where none is written, ``int num bool any time
file``, ``a|b`` or ``a|`` (``~`` is a blank), a shape, ``[type]`` or ``{fields}``. A body is JSON, or ``form{..}``,
``multi{..}``, ``array{..}``; ``?{..}`` may be left out. Answers are ``-`` (nothing that matters) or a type.

What is sent is judged strictly: only the named fields, and no nulls. An answer may hold more, and null where a field is
not required: vendors add fields without asking.
"""

from __future__ import annotations

import re
from typing import Any

_OPERATION = re.compile(
    r"(?P<method>[A-Z]+) (?P<path>/\S*)(?: \? (?P<query>[^>]*?))?"
    r"(?: (?P<optional>\?)?(?P<kind>form|multi|array)?\{(?P<body>.*)\})? -> (?P<status>\d+) (?P<answer>.+)"
)
_MEDIA = {"form": "application/x-www-form-urlencoded", "multi": "multipart/form-data"}
_PLAIN: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "num": {"type": "number"},
    "bool": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "file": {"type": "string", "format": "binary"},
    "any": {},
}


def openapi(text: str, title: str) -> dict[str, Any]:
    """The OpenAPI 3.0 document of a page of facts. Raises ValueError for a line that is none."""
    facts = _Facts(title)
    for line in re.sub(r"\n[ \t]+", " ", text).splitlines():
        if line.strip() and not line.startswith("#"):
            facts.read(line.strip())
    return facts.document


class _Facts:
    def __init__(self, title: str) -> None:
        self.document: dict[str, Any] = {
            "openapi": "3.0.3",
            "info": {"title": title, "version": "1"},
            "paths": {},
            "components": {"securitySchemes": {}},
        }
        self._shapes: dict[str, str] = {}
        self._macros: dict[str, str] = {}

    def read(self, line: str) -> None:
        if line.startswith("auth "):
            headers = line.split()[1:]
            schemes = {name: {"type": "apiKey", "in": "header", "name": name} for name in headers}
            self.document["components"]["securitySchemes"] = schemes
            self.document["security"] = [{name: [] for name in headers}]
            return
        line = re.sub(r"@(\w+)\b(?! =)", lambda found: self._macros[found[1]], line)
        if found := re.fullmatch(r"@(\w+) = (.*)", line):
            self._macros[found[1]] = found[2]
        elif found := re.fullmatch(r"(\w+) = (.*)", line):
            self._shapes[found[1]] = found[2]
        elif found := _OPERATION.fullmatch(line):
            self._operation(found)
        else:
            raise ValueError(f"not a fact: {line}")

    def _operation(self, found: re.Match[str]) -> None:
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in re.findall(r"\{(\w+)\}", found["path"])
        ]
        for name, required, kind in self._fields(found["query"] or ""):
            schema = self._schema(kind, sent=True)
            parameters.append({"name": name, "in": "query", "required": required, "schema": schema})
        operation: dict[str, Any] = {"parameters": parameters, "responses": self._responses(found)}
        if found["body"] is not None:
            schema = self._object(found["body"], sent=True)
            if found["kind"] == "array":
                schema = {"type": "array", "minItems": 1, "items": schema}
            media = _MEDIA.get(found["kind"] or "", "application/json")
            operation["requestBody"] = {"required": not found["optional"], "content": {media: {"schema": schema}}}
        path = self.document["paths"].setdefault(found["path"], {})
        assert found["method"].lower() not in path, found[0]
        path[found["method"].lower()] = operation

    def _responses(self, found: re.Match[str]) -> dict[str, Any]:
        good: dict[str, Any] = {"description": "good"}
        if found["answer"] != "-":
            good["content"] = {"application/json": {"schema": self._schema(found["answer"], sent=False)}}
        refused = {"description": "a refusal"}
        return {found["status"]: good, "4XX": refused, "5XX": refused}

    def _fields(self, text: str) -> list[tuple[str, bool, str]]:
        """Name, whether it is required, and type of each field; braces and brackets stay together."""
        words, depth = [""], 0
        for sign in text:
            depth += (sign in "{[") - (sign in "}]")
            if sign == " " and not depth:
                words.append("")
            else:
                words[-1] += sign
        made = []
        for word in filter(None, words):
            name, _, kind = word.partition(":")
            made.append((name.removesuffix("*"), name.endswith("*"), kind or "str"))
        return made

    def _object(self, text: str, *, sent: bool) -> dict[str, Any]:
        fields = self._fields(text)
        properties = {}
        for name, required, kind in fields:
            schema = self._schema(kind, sent=sent)
            # Prism passes over a schema in silence that says nullable of no type
            properties[name] = {**schema, "nullable": True} if schema and not sent and not required else schema
        made: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": not sent}
        if needed := [name for name, required, _ in fields if required]:
            made["required"] = needed
        return made

    def _schema(self, kind: str, *, sent: bool) -> dict[str, Any]:
        if kind.startswith("[") and kind.endswith("]"):
            return {"type": "array", "items": self._schema(kind[1:-1], sent=sent)}
        if kind.startswith("{") and kind.endswith("}"):
            return self._object(kind[1:-1], sent=sent)
        if kind in self._shapes:
            return self._object(self._shapes[kind], sent=sent)
        if "|" in kind:
            return {"type": "string", "enum": [word.replace("~", " ") for word in kind.split("|") if word]}
        return dict(_PLAIN[kind])
