"""The value types that configuration is made of: durations and secrets.

A duration needs its unit (``30s``, ``2 min``, ``24h``, ``7d``); inside the program it is seconds as a float. A secret
prints as asterisks; where a rotation needs two at once, a list of them is given.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|sec|s|min|m|h|d|w)\s*")
MAX_SECONDS = 10 * 366 * 86400.0


class Contradiction(ValueError):
    """Values that exclude each other, whatever they are: told also where some of them are not known yet."""


def parse_duration(text: object) -> float:
    """Seconds of a duration text such as ``90s``, ``1h 30m`` or ``7d``.

    Raises ValueError with a sentence for people: a number without a unit is refused, because nobody can see whether
    it means seconds or milliseconds.
    """
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise ValueError("a duration is text such as 30s, 5m, 24h or 7d")
    if isinstance(text, (int, float)):
        raise ValueError(f"a duration needs its unit: {text:g}s, {text:g}m or {text:g}h")
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text):
        raise ValueError(f"a duration needs its unit: {text.strip()}s, {text.strip()}m or {text.strip()}h")
    position, seconds = 0, 0.0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise ValueError(f"{text!r} is not a duration: write 30s, 5m, 24h or 7d")
        seconds += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    if position == 0 or seconds > MAX_SECONDS:
        raise ValueError(f"{text!r} is not a duration between 0s and 10 years")
    return seconds


def show_duration(seconds: float) -> str:
    """The duration as a person would write it.

    >>> show_duration(5400), show_duration(86400), show_duration(0.25)
    ('1h 30m', '1d', '250ms')
    """
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    parts: list[str] = []
    rest = round(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts)


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^(\s*\d+(\.\d+)?\s*(ms|sec|s|min|m|h|d|w)\s*)+$"}),
]
"""Seconds; written with a unit. A model's default is given in seconds, it is not parsed."""


def _lasting(seconds: float) -> float:
    if seconds < 0.001:
        raise ValueError("it must be longer than 0s")
    return seconds


Lasting = Annotated[Duration, AfterValidator(_lasting)]
"""A `Duration` that is not nothing: a deadline, or how long something is remembered."""


def _as_list(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [value]


def _hidden(_: Any) -> str:
    return "***"


Secret = Annotated[SecretStr, PlainSerializer(_hidden)]
"""One secret."""

Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_as_list)]
"""One secret or, while it is being rotated, several: any of them is accepted, the first is used for sending."""
