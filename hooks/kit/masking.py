"""Record: a body without the shared key that came in it, by asterisks of the same length. Pure.

Every value of the body that *is* a key is masked, however it is escaped there; text that merely contains one is not, so
that a short key does not eat into names and notes.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Set
from urllib.parse import unquote_to_bytes

_JSON_TEXT = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_XML_TEXT = re.compile(rb"(?<=>)([^<]+)(?=<)|(?<=<!\[CDATA\[)(.*?)(?=\]\]>)", re.DOTALL)
_PART_TEXT = re.compile(rb"(?<=\r\n\r\n)(.*?)(?=\r\n--)", re.DOTALL)
_FORM_VALUE = re.compile(rb"(?<==)([^&\r\n]*)")


def mask(body: bytes, content_type: str, secrets: Set[bytes]) -> bytes:
    """The body with every value that is a secret replaced by as many asterisks as it has bytes there.

    Also for a body that cannot be parsed: then what looks like a value is one.
    """
    media_type = content_type.split(";", 1)[0].strip().lower()
    first = body.lstrip()[:1]
    if media_type == "multipart/form-data":
        return _replace(_PART_TEXT, body, lambda raw: raw, secrets)
    if media_type != "application/x-www-form-urlencoded" and first in (b"{", b"["):
        return _replace(_JSON_TEXT, body, _json_value, secrets)
    if media_type != "application/x-www-form-urlencoded" and first == b"<":
        return _replace(_XML_TEXT, body, _xml_value, secrets)
    return _replace(_FORM_VALUE, body, _form_value, secrets)


def _replace(pattern: re.Pattern[bytes], body: bytes, value: Callable[[bytes], bytes], secrets: Set[bytes]) -> bytes:
    def masked(found: re.Match[bytes]) -> bytes:
        whole, group = found[0], found.lastindex or 0
        raw = found[group]
        if value(raw) not in secrets:
            return whole
        start = found.start(group) - found.start()
        return whole[:start] + b"*" * len(raw) + whole[start + len(raw) :]

    return pattern.sub(masked, body)


def _json_value(raw: bytes) -> bytes:
    if b"\\" not in raw:
        return raw
    try:
        return str(json.loads(b'"' + raw + b'"')).encode()
    except ValueError:
        return raw


def _xml_value(raw: bytes) -> bytes:
    return html.unescape(raw.decode("utf-8", "surrogateescape")).strip().encode("utf-8", "surrogatepass")


def _form_value(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))
