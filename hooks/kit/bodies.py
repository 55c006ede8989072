"""Read: one strict parser per media type. Pure; raises `NormalizationError` with a short reason, and nothing else.

Reasons never quote the body. `parse_json` parses once, in Rust, and proves the absence of repeated keys by writing the
values anew; only where that proves nothing it parses with another parser and counts, and where that does not either,
with a third. `count_objects` does the same where only the count matters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pydantic_core

from hooks.errors import NormalizationError
from hooks.ports.inbound import suffix

MAX_DEPTH = 64
MAX_ITEMS = 1000
"""Objects in a list body, fields of a form, parts of a multipart body."""
MAX_NUMBER = 1 << 1024
"""Integers beyond the range of a double are refused, as the same number with an exponent is."""
MAX_PART_HEADERS = 8 * 1024

_SHAPELESS = bytes(byte for byte in range(256) if byte not in b'"[{')
"""What is left of JSON without these bytes says how often each thing begins, for less than to count them one by one."""

_DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_LONG = b"0" * 19
"""What may be an integer of more than 64 bits, in a body translated by `_DIGITS`: one parser reads it as a double."""

_SMALL = 1 << 30  # compared at once; what is larger is looked at
_KEY_END = re.compile(rb'"\s*:')
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))', re.IGNORECASE)
_FIELD_NAME = re.compile(r';\s*name="([^"]*)"', re.IGNORECASE)
_FILE_NAME = re.compile(r';\s*filename="([^"]*)"', re.IGNORECASE)
_HAS_FILE = re.compile(r";\s*filename\*?=", re.IGNORECASE)
_UNFLATTEN_LEVELS = 16


def objects(parsed: object) -> list[dict[str, Any]]:
    """The objects of a body: the one object it is, or the objects of the list it is (1 to `MAX_ITEMS`)."""
    if isinstance(parsed, dict):
        return [parsed]
    if not isinstance(parsed, list):
        raise NormalizationError("neither an object nor a list of objects")
    if not parsed:
        raise NormalizationError("an empty list")
    if len(parsed) > MAX_ITEMS:
        raise NormalizationError(f"a list of more than {MAX_ITEMS} objects")
    if not all(isinstance(item, dict) for item in parsed):
        raise NormalizationError("a list that holds something else than objects")
    return parsed


# --- JSON ---


def count_objects(body: bytes, content_type: str = "application/json") -> int:
    """How many objects a body is, as `objects` of `parse_body` would find them, which has the last word.

    This is on the way of every webhook before its answer, and nobody asks for the values yet: whatever shows at the
    speed of C to be in order needs no second look.
    """
    if content_type == "application/json":
        parsed = _plain(body)
        if parsed is not _UNPROVED:
            return len(objects(parsed))
    return len(objects(parse_body(body, content_type)))


_UNPROVED: Any = object()


def _plain(body: bytes) -> Any:
    """The values of a body that is shallow and names no key twice; `_UNPROVED` where that does not show, or is not so.

    A quote that no backslash stands before begins or ends a key or a string. Where no string holds a quote, written
    anew the values have as many quotes as the body, unless some were lost with a key that came twice. Numbers beyond
    a double's range have been refused; integers of more than 64 bits were read as doubles, which changes no quote.
    """
    if b"\\" in body and (b'\\"' in body or b"\\u0022" in body):
        return _UNPROVED
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _UNPROVED  # the other parser says what is wrong
    shape = body.translate(None, _SHAPELESS)
    if len(shape) - shape.count(b'"') > MAX_DEPTH and not _is_shallow(parsed):
        return _UNPROVED
    again = orjson.dumps(parsed)
    return parsed if again == body or again.translate(None, _SHAPELESS) == shape else _UNPROVED


def _is_shallow(parsed: Any) -> bool:
    level: list[Any] = [parsed]
    for _ in range(MAX_DEPTH + 1):
        containers = [value for value in level if type(value) is dict or type(value) is list]
        if not containers:
            return True
        level = [value for found in containers for value in (found.values() if type(found) is dict else found)]
    return False


def parse_json(body: bytes) -> Any:
    """The JSON values of a body (RFC 8259, and I-JSON's ban of repeated keys).

    Refused: an empty body, a byte order mark, bytes that are not UTF-8, lone surrogates, NaN and infinities, numbers
    beyond a double's range, nesting deeper than `MAX_DEPTH`, an object that names a key twice.
    """
    if not body:
        raise NormalizationError("an empty body")
    if _LONG not in body.translate(_DIGITS):
        parsed = _plain(body)
        if parsed is not _UNPROVED:
            return parsed
    try:
        parsed = pydantic_core.from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        marked = body.startswith(b"\xef\xbb\xbf")
        # The parser's sentence says what it stumbled over and where, and quotes nothing of the body.
        raise NormalizationError(f"not JSON: {'it begins with a byte order mark' if marked else error}") from error
    keys, strings = _count(parsed)
    if b"\\" not in body:
        # Without a backslash a quote does nothing but begin or end a key or a string.
        whole = 2 * (keys + strings) == body.count(b'"')
    else:
        # Every key ends in a quote and a colon, so fewer keys than such pairs means a repeated key, or a string that
        # holds an escaped quote before a colon.
        whole = keys == len(_KEY_END.findall(body))
    if not whole:
        _refuse_repeated_keys(body)  # only the slow parser can tell
    return parsed


def _count(parsed: Any) -> tuple[int, int]:
    """How many keys and how many strings the tree has. Raises for nesting and numbers that nothing can carry."""
    if type(parsed) is not dict and type(parsed) is not list:
        _refuse_number(parsed)
        return 0, 1 if type(parsed) is str else 0
    keys = strings = depth = 0
    level: list[Any] = [parsed]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise NormalizationError(f"nested deeper than {MAX_DEPTH}")
        below: list[Any] = []
        for container in level:
            values: Iterable[Any] = container
            if type(container) is dict:
                keys += len(container)
                values = container.values()
            for value in values:
                kind = type(value)
                if kind is str:
                    strings += 1
                elif kind is dict or kind is list:
                    below.append(value)
                elif (kind is int or kind is float) and not -_SMALL < value < _SMALL:
                    _refuse_number(value)
        level = below
    return keys, strings


def _refuse_number(value: Any) -> None:
    if isinstance(value, (int, float)) and not -MAX_NUMBER < value < MAX_NUMBER:
        raise NormalizationError("a number beyond the range of a double")


def _refuse_repeated_keys(body: bytes) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise NormalizationError("an object that names a key twice")
        return found

    json.loads(body, object_pairs_hook=unique)


# --- forms ---


def parse_form(body: bytes) -> dict[str, Any]:
    """The fields of a URL-encoded form in UTF-8; a name that comes several times holds the list of its values."""
    try:
        pairs = parse_qsl(
            body.decode().strip("&\r\n"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_ITEMS,
        )
    except ValueError as error:
        raise NormalizationError("not a form") from error
    if not pairs:
        raise NormalizationError("an empty body")
    return _gather(pairs)


def _gather(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Pairs as a dict in which a repeated name holds a list."""
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def unflatten(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields in which a name such as ``customer__name`` is nested: ``{"customer": {"name": ...}}``.

    A name whose place is taken, that has an empty part or more than sixteen parts stays as it is.
    """
    nested: dict[str, Any] = {name: value for name, value in fields.items() if "__" not in name}
    ours = {id(nested)}
    for name, value in fields.items():
        if "__" not in name:
            continue
        *path, last = name.split("__")
        place: Any = nested
        if last and all(path) and len(path) < _UNFLATTEN_LEVELS:
            for part in path:
                if part not in place:
                    branch: dict[str, Any] = {}
                    place[part] = branch
                    ours.add(id(branch))
                place = place[part]
                if id(place) not in ours:
                    break
            if id(place) in ours and last not in place:
                place[last] = value
                continue
        nested[name] = value
    return nested


def parse_multipart(body: bytes, content_type: str) -> dict[str, Any]:
    """The fields of a ``multipart/form-data`` body (RFC 7578) in UTF-8, strictly: CRLF, closed, every part named.

    A file becomes ``{"name", "content_type", "size"}``: its content stays in the stored body only.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise NormalizationError("a multipart body without a boundary")
    delimiter = b"\r\n--" + (boundary[1] or boundary[2]).encode("latin-1", "replace")
    parts = (b"\r\n" + body).split(delimiter, MAX_ITEMS + 2)
    if len(parts) < 3 or parts[0] or not parts[-1].startswith(b"--") or parts[-1][2:].strip():
        raise NormalizationError("a multipart body that is not well formed")
    return _gather(_part(part) for part in parts[1:-1])


def _part(part: bytes) -> tuple[str, Any]:
    head, blank, content = part.partition(b"\r\n\r\n")
    if not blank or not head.startswith(b"\r\n") or len(head) > MAX_PART_HEADERS:
        raise NormalizationError("a multipart body that is not well formed")
    headers: dict[str, str] = {}
    try:
        for line in head[2:].decode().split("\r\n"):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        disposition = headers.get("content-disposition", "")
        field = _FIELD_NAME.search(disposition)
        if field is None or not disposition.lower().startswith("form-data"):
            raise NormalizationError("a part of a multipart body without a name")
        if _HAS_FILE.search(disposition):
            file = _FILE_NAME.search(disposition)
            kind = headers.get("content-type", "application/octet-stream")
            return field[1], {"name": file[1] if file else "", "content_type": kind, "size": len(content)}
        return field[1], content.decode()
    except UnicodeDecodeError as error:
        raise NormalizationError("a multipart body that is not UTF-8") from error


# --- XML ---


def parse_xml(body: bytes) -> dict[str, Any]:
    """What the root element holds: an element with children becomes an object, any other its text without blanks.

    Repeated elements become a list. Attributes, namespaces, comments and text between elements are not read. Document
    type declarations, entities and external references are refused, and so is nesting deeper than `MAX_DEPTH`.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser  # it takes as long to load as a small server, and XML is rare

    parser = DefusedXMLParser(target=_XmlTree(), forbid_dtd=True)
    try:
        parser.feed(body)
        root: Any = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise NormalizationError("not XML") from error
    if not isinstance(root, dict):
        raise NormalizationError("an XML body without fields")
    return root


class _XmlTree:
    """Builds objects while the parser runs, so that depth is bounded before anything deep exists."""

    def __init__(self) -> None:
        self._open: list[tuple[list[tuple[str, Any]], list[str]]] = [([], [])]

    def start(self, _tag: str, _attributes: Mapping[str, str]) -> None:
        if len(self._open) > MAX_DEPTH:
            raise NormalizationError(f"nested deeper than {MAX_DEPTH}")
        self._open.append(([], []))

    def data(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, tag: str) -> None:
        children, text = self._open.pop()
        value: Any = _gather(children) if children else "".join(text).strip()
        self._open[-1][0].append((tag.rpartition("}")[2], value))

    def close(self) -> Any:
        return self._open[0][0][0][1]


# --- by media type ---


def parse_text(body: bytes) -> Any:
    """A body of unknown or plain type that holds JSON, a form's fields or XML, told by its first character."""
    first = body.lstrip()[:1]
    if first in (b"{", b"["):
        return parse_json(body)
    if first == b"<":
        return parse_xml(body)
    if b"=" in body:
        return parse_form(body)
    raise NormalizationError("neither JSON, a form nor XML")


PARSERS: Mapping[str, Callable[[bytes], Any]] = {
    "application/json": parse_json,
    "application/x-www-form-urlencoded": parse_form,
    "application/xml": parse_xml,
    "text/xml": parse_xml,
    "text/plain": parse_text,
    "": parse_text,
    "+json": parse_json,
    "+xml": parse_xml,
}
"""Parsers by media type, or by its suffix (RFC 6839), which says what all types that end so are written in.

``multipart/form-data`` needs the parameters of the content type: see `parse_body`."""

MEDIA_TYPES = frozenset({*PARSERS, "multipart/form-data"})


def parse_body(body: bytes, content_type: str) -> Any:
    """The values of a body by the value of its ``Content-Type`` header, which may be empty."""
    media_type = content_type.split(";", 1)[0].strip().lower()
    if media_type == "multipart/form-data":
        return parse_multipart(body, content_type)
    parser = PARSERS.get(media_type) or PARSERS.get(suffix(media_type))
    if parser is None:
        raise NormalizationError("a media type that is not read here")
    return parser(body)
