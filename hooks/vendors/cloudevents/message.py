"""Normalize: CloudEvents 1.0.2 in their three forms over HTTP, all as the objects of the JSON format. Pure.

Sources: the specification's documents "CloudEvents", "JSON event format" and "HTTP protocol binding" (read November
2026). Structured and batched bodies hold those objects already; a binary one has the attributes in ``ce-`` headers and
nothing but the data in its body. Raises NormalizationError for what is not a CloudEvent.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from hooks.errors import NormalizationError
from hooks.kit.bodies import objects, parse_body, parse_json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
BINARY = frozenset(
    {
        "",
        "application/json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/xml",
        "text/plain",
        "text/xml",
        "+json",
        "+xml",
    }
)
"""What a binary event's data may be written in; with a plus, all types that end so."""
ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time", "dataschema")
"""The attributes of a binary event that are read; ``datacontenttype`` is its ``content-type``."""

_REQUIRED = ("id", "source", "type")
_LONGEST = {"type": 200}
_MAX_TEXT = 1_000


def events(content_type: str, headers: Mapping[str, str], body: bytes, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The events of a request as objects of the JSON format, each with its ``data`` decoded.

    ``names`` are the attributes to take from headers, whose names are in lower case.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == BATCH:
        parsed = parse_json(body)
        if not isinstance(parsed, list):
            raise NormalizationError("a batch that is not a list")
        return [_checked(event) for event in objects(parsed)]
    if media_type == STRUCTURED:
        parsed = parse_json(body)
        if not isinstance(parsed, dict):
            raise NormalizationError("an event that is not an object")
        return [_checked(parsed)]
    if "ce-specversion" not in headers:
        raise NormalizationError("neither a CloudEvents content type nor a ce-specversion header")
    event: dict[str, Any] = _required(
        {name: _attribute(headers[f"ce-{name}"]) for name in names if f"ce-{name}" in headers}
    )
    if content_type:
        event["datacontenttype"] = content_type
    if body:
        event["data"] = _content(body, content_type)
    return [event]


def data_of(event: Mapping[str, Any]) -> Any:
    """The event's data as JSON values: text where it is text, ``{"base64": ...}`` for bytes that are neither."""
    encoded = event.get("data_base64")
    if encoded is None:
        return event.get("data")
    return _decoded(binascii.a2b_base64(encoded, strict_mode=True), str(event.get("datacontenttype") or ""))


def _attribute(value: str) -> str:
    """A header's value, percent-decoded (HTTP protocol binding, 3.1.3.2). Longer ones would not be stored whole."""
    if len(value) > _MAX_TEXT:
        raise NormalizationError(f"an attribute of more than {_MAX_TEXT} characters")
    return unquote(value.strip())


def _checked(event: dict[str, Any]) -> dict[str, Any]:
    _required(event)
    encoded = event.get("data_base64")
    if encoded is not None:
        if event.get("data") is not None:
            raise NormalizationError("an event with both data and data_base64")
        try:
            binascii.a2b_base64(encoded if isinstance(encoded, str) else "!", strict_mode=True)
        except ValueError as error:
            raise NormalizationError("data_base64 is not base64") from error
    return event


def _required(event: dict[str, Any]) -> dict[str, Any]:
    if event.get("specversion") != "1.0":
        raise NormalizationError("specversion is not 1.0")
    for name in _REQUIRED:
        value = event.get(name)
        longest = _LONGEST.get(name, _MAX_TEXT)
        if not isinstance(value, str) or not value or len(value) > longest or not value.isprintable():
            raise NormalizationError(f"{name} is missing, empty or no text of up to {longest} printable characters")
    return event


# --- data ---


def _content(body: bytes, content_type: str) -> Any:
    """The body of a binary event. One that claims to be JSON, XML or a form has to be it."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in ("", "text/plain", "application/octet-stream"):
        return _decoded(body, media_type)
    return parse_body(body, content_type)


def _decoded(content: bytes, content_type: str) -> Any:
    """Bytes as values, without a demand: JSON where it is that, else text, else base64."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in ("", "application/json") or media_type.endswith("+json"):
        try:
            return parse_json(content)
        except NormalizationError:
            pass
    if media_type != "application/octet-stream":
        try:
            return content.decode()
        except UnicodeDecodeError:
            pass
    return {"base64": binascii.b2a_base64(content, newline=False).decode()}
