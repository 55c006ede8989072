"""Reading YAML: a file becomes plain values and a map from each value to its line and column.

Only `true`, `false`, `null` and numbers are special, as in YAML 1.2: ``NO``, ``on``, ``12:30``, ``012`` and dates stay
text. Duplicate keys, tags, ``<<``, a second document and keys that are not text are errors. Aliases are allowed within
a budget, so that a small file cannot grow into a large one. Whatever the bytes are, nothing but `DocumentError` comes
out.
"""

from __future__ import annotations

import bisect
import itertools
import re
from dataclasses import dataclass
from typing import Any

import yaml

from hooks.rules.yaml_mistakes import Mistake, explain_mistake

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40
MAX_ALIASES = 1000
MAX_NODES = 500_000

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_PARSER: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader
"""libyaml's parser where it was built, else the slower one in Python: both give the same events."""


class DocumentError(Exception):
    """The first place at which the text stops being YAML as we take it."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: line and column count from 1, ``length`` is in characters on that line."""

    line: int
    column: int
    length: int = 1


@dataclass(slots=True)
class _Spot:
    """The marks of one node: value start and end, how it was written, a scalar's text, and its key's start and end."""

    start: Any
    end: Any
    style: str
    text: str = ""
    key_start: Any = None
    key_end: Any = None


class Document:
    """Values and where they stand. Paths are tuples of keys and list positions, ``("rules", 0, "id")``."""

    def __init__(self, text: str, data: Any, spots: dict[Path, _Spot], aliases: dict[Path, Path]) -> None:
        self.text = text
        self.lines = text.split("\n")
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in self.lines)]
        self.data = data
        self._spots = spots
        self._aliases = aliases

    def line(self, number: int) -> str:
        """The text of a line, counted from 1."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def value(self, path: Path, offset: int | None = None, length: int | None = None) -> Place:
        """Where a value stands, or, with ``offset``, the part of a text value from that character on."""
        spot = self._find(path)
        if spot is None:
            return Place(1, 1)
        if offset is not None and spot.style != "container":
            return self._inside(spot, offset, length or 1)
        start, end = spot.start, spot.end
        width = end.column - start.column if end.line == start.line else len(self.line(start.line + 1)) - start.column
        return Place(start.line + 1, start.column + 1, max(1, width))

    def key(self, path: Path) -> Place:
        """Where the key of a value stands; for an item of a list, the item itself."""
        spot = self._find(path)
        if spot is None or spot.key_start is None:
            return self.value(path)
        start, end = spot.key_start, spot.key_end
        return Place(start.line + 1, start.column + 1, max(1, end.column - start.column))

    def comments(self) -> list[tuple[Path, Place]]:
        """Values after which a ``#`` that was probably meant as text begins a comment, and the place of the ``#``."""
        found: list[tuple[Path, Place]] = []
        if "#" not in self.text:
            return found
        for path, spot in self._spots.items():
            if spot.style != "plain":
                continue
            line = self.line(spot.end.line + 1)
            rest = line[spot.end.column :]
            swallowed = re.match(r"[ \t]*(#.*)", rest)
            if swallowed is None or (spot.end.column and not rest.startswith((" ", "\t", "#"))):
                continue
            text = swallowed[1]
            if "${" in text or (not rest.startswith("  ") and re.match(r"#[^\s#!]", text)):
                column = spot.end.column + swallowed.start(1)
                found.append((path, Place(spot.end.line + 1, column + 1, len(text.rstrip()))))
        return found

    def _find(self, path: Path) -> _Spot | None:
        for end in range(len(path), -1, -1):
            spot = self._spots.get(path[:end])
            if spot is not None:
                target = self._aliases.get(path[:end])
                if target is not None and end < len(path):
                    return self._find(target + path[end:])
                return spot
        return None

    def _inside(self, spot: _Spot, offset: int, length: int) -> Place:
        """The place of a character of a text value: blanks may have been folded, so count what is not blank."""
        raw = self.text[spot.start.index : spot.end.index]
        begin = 0
        if spot.style in "|>":
            begin = raw.find("\n") + 1
        elif spot.style in "'\"":
            begin = 1
        value = spot.text
        wanted = len(re.sub(r"\s", "", value[:offset]))
        if offset < len(value) and value[offset].isspace() and wanted:
            wanted -= 1
        escape = {"'": "''", '"': r"\\(?:x..|u.{4}|U.{8}|.|\n)"}.get(spot.style, r"(?!)")
        units = re.finditer(rf"{escape}|\S", raw[begin:], re.DOTALL)
        index = spot.start.index + begin
        for count, unit in enumerate(unit for unit in units if unit[0] not in _BLANK_ESCAPES):
            index = spot.start.index + begin + unit.start()
            if count == wanted:
                break
        line = bisect.bisect_right(self._starts, index)
        line_start = self._starts[line - 1]
        left = len(self.line(line)) - (index - line_start)
        return Place(line, index - line_start + 1, max(1, min(length, left)))


_BLANK_ESCAPES = frozenset({"\\n", "\\t", "\\r", "\\ ", "\\\n", "\\v", "\\f"})


def read_document(raw: bytes | str) -> Document:
    """The document in these bytes. Raises DocumentError, with a sentence of our own, and nothing else."""
    text = _decode(raw)
    try:
        builder = _Builder(text)
        data = builder.build()
    except yaml.YAMLError as problem:
        raise DocumentError(explain_mistake(text, problem)) from None
    except (RecursionError, ValueError, OverflowError):
        raise DocumentError(Mistake(1, 1, 1, "the file cannot be read as YAML")) from None
    return Document(text, data, builder.spots, builder.alias_paths)


def _decode(raw: bytes | str) -> str:
    if isinstance(raw, bytes):
        if len(raw) > MAX_BYTES:
            raise DocumentError(Mistake(1, 1, 1, "the file is larger than 1 MiB", "divide it with include:"))
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as problem:
            line = raw.count(b"\n", 0, problem.start) + 1
            raise DocumentError(
                Mistake(line, 1, 1, "the file is not UTF-8 text", "save it as UTF-8 in the editor")
            ) from None
    else:
        text = raw
        try:
            size = len(text.encode("utf-8"))
        except UnicodeEncodeError:
            raise DocumentError(Mistake(1, 1, 1, "the text holds half of a surrogate pair")) from None
        if size > MAX_BYTES:
            raise DocumentError(Mistake(1, 1, 1, "the file is larger than 1 MiB", "divide it with include:"))
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


class _Builder:
    """Makes values out of the parser's events. Keeps the marks of every node on the way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spots: dict[Path, _Spot] = {}
        self.alias_paths: dict[Path, Path] = {}
        self._parser = _PARSER(text)
        self._anchors: dict[str, tuple[Any, int, Path] | None] = {}
        self._aliases = 0
        self._nodes = 0

    def build(self) -> Any:
        next_event = self._parser.get_event
        next_event()  # the stream's start
        event = next_event()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        data = self._node(next_event(), (), 0)
        next_event()  # the document's end
        event = next_event()
        if not isinstance(event, yaml.StreamEndEvent):
            self._refuse(event, "a second document begins here", "one file holds one document: remove the '---'")
        return data

    def _refuse(self, event: Any, message: str, hint: str = "") -> None:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 1
        raise DocumentError(Mistake(start.line + 1, start.column + 1, max(1, length), message, hint))

    def _node(self, event: Any, path: Path, depth: int) -> Any:
        kind = type(event)
        self._nodes += 1
        if kind is yaml.AliasEvent:
            return self._alias(event, path)
        if event.tag is not None:
            self._tag(event)
        before = self._nodes
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if kind is yaml.ScalarEvent:
            style = event.style or "plain"
            self.spots[path] = _Spot(event.start_mark, event.end_mark, style, event.value)
            value = plain_value(event.value) if style == "plain" else event.value
        else:
            if depth >= MAX_DEPTH:
                self._refuse(event, f"nested more than {MAX_DEPTH} levels deep")
            self.spots[path] = spot = _Spot(event.start_mark, event.end_mark, "container")
            if kind is yaml.MappingStartEvent:
                value = self._mapping(path, depth, spot)
            else:
                value = self._sequence(path, depth, spot)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes - before + 1, path)
        return value

    def _sequence(self, path: Path, depth: int, spot: _Spot) -> list[Any]:
        items: list[Any] = []
        while True:
            event = self._parser.get_event()
            if type(event) is yaml.SequenceEndEvent:
                spot.end = event.end_mark
                return items
            items.append(self._node(event, (*path, len(items)), depth + 1))

    def _mapping(self, path: Path, depth: int, spot: _Spot) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        while True:
            key = self._parser.get_event()
            if type(key) is yaml.MappingEndEvent:
                spot.end = key.end_mark
                return pairs
            name = self._key(key)
            here = (*path, name)
            if name in pairs:
                first = self.spots[here].key_start.line + 1
                self._refuse(key, f"the key '{_short(name)}' is written twice", f"first on line {first}")
            pairs[name] = self._node(self._parser.get_event(), here, depth + 1)
            at = self.spots[here]
            at.key_start, at.key_end = key.start_mark, key.end_mark

    def _key(self, event: Any) -> str:
        if type(event) is not yaml.ScalarEvent:
            braces = self.text[event.start_mark.index : event.start_mark.index + 2] == "{{"
            before = self.text[max(0, event.start_mark.index - 1) : event.start_mark.index]
            hint = "'{{ ... }}' must be quoted; use ${ ... }" if braces or before == "{" else "write key: value"
            self._refuse(event, "a key must be plain text", hint)
        if event.tag is not None:
            self._tag(event)
        value: str = event.value
        if value == "<<" and not event.style:
            self._refuse(event, "merging with '<<' is not supported", "put shared settings under defaults: or vars:")
        return value

    def _tag(self, event: Any) -> None:
        tag = str(event.tag).removeprefix("tag:yaml.org,2002:")
        self._refuse(
            event,
            f"tags such as '!{_short(tag.lstrip('!'))}' are not supported",
            "to begin a value with '!', write it in quotes; in a condition, write not",
        )

    def _alias(self, event: Any, path: Path) -> Any:
        name = event.anchor
        if name not in self._anchors:
            quoted = f"'*{_short(name)}'"
            self._refuse(
                event, f"there is no anchor for the alias *{_short(name)}", f"meant as text? quote it: {quoted}"
            )
        known = self._anchors[name]
        if known is None:
            self._refuse(event, f"the alias *{_short(name)} contains itself")
            raise AssertionError
        value, size, target = known
        self._aliases += 1
        self._nodes += size
        if self._aliases > MAX_ALIASES:
            self._refuse(event, f"more than {MAX_ALIASES:,} aliases in one file")
        if self._nodes > MAX_NODES:
            self._refuse(event, f"the aliases make more than {MAX_NODES:,} values", "write fewer nested aliases")
        self.spots[path] = _Spot(event.start_mark, event.end_mark, "container")
        self.alias_paths[path] = target
        return value


def plain_value(text: str) -> Any:
    """What an unquoted scalar means in the YAML 1.2 core schema, numbers with leading zeros left as text."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in "0123456789-+.":
        return text
    if len(text) <= 40:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _OCTAL_OR_HEX.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            number = float(text)
            return number if abs(number) != float("inf") else text
    return text


def _short(text: str, limit: int = 60) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."
