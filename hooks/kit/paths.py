"""Normalize: texts in a source's settings that are read off each delivery: ``${raw.action}``, ``${headers['x-id']}``.

This is not the rules' expression language: sources are read before there is an event, and vendors do not see the rules.
A text stands for itself; in ``${...}`` stands one path, which begins with ``raw`` (the parsed body) or ``headers`` and
goes on with ``.name``, ``[0]`` or ``['any name']``. What a path finds is used when it is a text or a whole number of at
most 200 printable characters; otherwise the whole text is None, never half of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema

from hooks.kit.fields import name_text
from hooks.kit.signatures import header_bytes

_HOLE = re.compile(r"\$\{([^{}]*)\}")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d{1,4})\]|\['([^']+)'\]|\[\"([^\"]+)\"\]")
_EXAMPLES = "write a path such as raw.event or headers['x-event-id']"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands in a delivery."""

    root: str
    steps: tuple[str | int, ...]

    def find(self, raw: Any, headers: Mapping[str, str]) -> str | None:
        found: Any = raw if self.root == "raw" else headers
        for step in self.steps:
            if isinstance(step, str) and isinstance(found, Mapping):
                found = found.get(step)
            elif isinstance(step, int) and isinstance(found, list) and step < len(found):
                found = found[step]
            else:
                return None
        return name_text(found.strip() if isinstance(found, str) else found)


class PathText:
    """A text with paths in it, compiled once. Raises ValueError, for people, when a path cannot be one.

    >>> PathText("order.${raw.action}").read({"action": "paid"}, {})
    'order.paid'
    """

    def __init__(self, text: str) -> None:
        self._parts: list[str | _Place] = []
        for index, part in enumerate(_HOLE.split(text)):
            if index % 2:
                self._parts.append(_place(part.strip()))
            elif "${" in part:
                raise ValueError("a ${ without its }")
            elif part:
                self._parts.append(part)
        if not text.strip():
            raise ValueError("an empty text")

    @property
    def headers(self) -> frozenset[bytes]:
        """The headers that its paths name, in lower case."""
        places = [part for part in self._parts if isinstance(part, _Place) and part.root == "headers"]
        return frozenset(str(place.steps[0]).encode("ascii") for place in places)

    def read(self, raw: Any, headers: Mapping[str, str]) -> str | None:
        """The text for one object of a body, None when one of its paths finds nothing that can be used. Total."""
        found = [part if isinstance(part, str) else part.find(raw, headers) for part in self._parts]
        return None if None in found else name_text("".join(part for part in found if part is not None))


def _place(path: str) -> _Place:
    root = re.match(r"[A-Za-z_]*", path)
    name = "" if root is None else root[0]
    if name not in ("raw", "headers"):
        raise ValueError(f"{path!r} begins with neither raw nor headers: {_EXAMPLES}")
    steps: list[str | int] = []
    position = len(name)
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise ValueError(f"{path!r} is not a path: {_EXAMPLES}")
        steps.append(int(step[2]) if step[2] is not None else step[1] or step[3] or step[4])
        position = step.end()
    if name == "headers":
        if len(steps) != 1 or not isinstance(steps[0], str):
            raise ValueError(f"{path!r} does not name one header: write headers['x-event-id']")
        return _Place(name, (header_bytes(steps[0]).decode("ascii"),))
    if not steps:
        raise ValueError(f"{path!r} is the whole body: {_EXAMPLES}")
    return _Place(name, tuple(steps))


# --- as settings ---


def _checked(text: str) -> str:
    PathText(text)
    return text


def _path(text: str) -> str:
    whole = text if "${" in text else f"${{{text.strip()}}}"
    return _checked(whole)


_SCHEMA = WithJsonSchema({"type": "string", "format": "delivery-paths"})
"""The format tells the loader of rules that ``${...}`` here is not one of its own expressions."""

Templated = Annotated[str, AfterValidator(_checked), _SCHEMA]
"""A constant, or a text with ``${path}`` in it."""

Located = Annotated[str, AfterValidator(_path), _SCHEMA]
"""A path, with or without ``${}`` around it; never a constant."""
