"""What actions answer, in a short notation: the fields that a vendor's documents name, as JSON Schemas.

A line begins a shape or names actions; one that begins with blanks goes on the one before::

    Job = id number:int customer:Customer tags:[text]
    get_job create_job: Job
    list_jobs: {page:int jobs:[Job]}

A field is ``name`` or ``name:kind``: ``any`` where none is written, ``text int number bool time``, a shape, ``[kind]``
or ``{fields}``; ``+Job`` stands for all fields of a shape. Shapes may hold those that stand above them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_KINDS: dict[str, dict[str, Any]] = {
    "any": {},
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
}
_SHAPE = re.compile(r"([A-Z]\w*) = (.*)")
_ANSWER = re.compile(r"([a-z_ ]+): (.*)")


def outputs(text: str) -> Mapping[str, Mapping[str, Any]]:
    """The schema of each action's answer, by the action's name. Raises ValueError for a line that is none.

    >>> outputs("Job = id\\nget_job: Job")["get_job"]["properties"]
    {'id': {}}
    """
    shapes: dict[str, dict[str, Any]] = dict(_KINDS)
    found: dict[str, Mapping[str, Any]] = {}
    for line in re.sub(r"\n[ \t]+", " ", text.strip()).splitlines():
        if shape := _SHAPE.fullmatch(line):
            shapes[shape[1]] = _object(shape[2], shapes)
        elif answer := _ANSWER.fullmatch(line):
            for name in answer[1].split():
                found[name] = _kind(answer[2], shapes)
        elif line:
            raise ValueError(f"neither a shape nor an answer: {line}")
    return found


def _kind(text: str, shapes: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    if text.startswith("["):
        return {"type": "array", "items": _kind(text[1:-1], shapes)}
    if text.startswith("{"):
        return _object(text[1:-1], shapes)
    if text not in shapes:
        raise ValueError(f"there is no kind {text!r}")
    return shapes[text]


def _object(text: str, shapes: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for word in _words(text):
        if word.startswith("+"):
            properties.update(shapes[word[1:]]["properties"])
            continue
        name, _, kind = word.partition(":")
        properties[name] = _kind(kind or "any", shapes)
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _words(text: str) -> Iterator[str]:
    """The words between blanks; what stands in braces or brackets stays together."""
    word, depth = "", 0
    for sign in f"{text} ":
        depth += (sign in "{[") - (sign in "}]")
        if sign != " " or depth:
            word += sign
        elif word:
            yield word
            word = ""
