"""The kinds of value that rules know: JSON's, with whole numbers told from others."""

from __future__ import annotations

import enum
import re
from typing import Any

_NUMBER = re.compile(r"\s*[-+]?\d+(\.\d+)?\s*")


class Kind(enum.IntFlag):
    """A set of kinds: what a value is, or may be."""

    NONE = 0
    NULL = 1
    BOOL = 2
    INTEGER = 4
    FRACTION = 8
    TEXT = 16
    LIST = 32
    OBJECT = 64
    NUMBER = INTEGER | FRACTION
    ANY = 127


_OF_TYPE: dict[type, Kind] = {
    type(None): Kind.NULL,
    bool: Kind.BOOL,
    int: Kind.INTEGER,
    float: Kind.FRACTION,
    str: Kind.TEXT,
    list: Kind.LIST,
    tuple: Kind.LIST,
    dict: Kind.OBJECT,
}

_NAMES = (
    (Kind.TEXT, "text"),
    (Kind.NUMBER, "a number"),
    (Kind.BOOL, "true or false"),
    (Kind.LIST, "a list"),
    (Kind.OBJECT, "an object"),
    (Kind.NULL, "null"),
)


def kind_of(value: Any) -> Kind:
    """The kind of a value. What is not a JSON value counts as any."""
    return _OF_TYPE.get(type(value), Kind.ANY)


def describe(kinds: Kind) -> str:
    """For people: ``text``, ``a number``, ``a list or null``."""
    if kinds & Kind.ANY == Kind.ANY:
        return "anything"
    if kinds == Kind.INTEGER:
        return "a whole number"
    names = [name for kind, name in _NAMES if kinds & kind]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "nothing"


def plainly(kinds: Kind) -> str:
    """The same, where nobody needs to know that a number is whole."""
    return describe(Kind.NUMBER if kinds == Kind.INTEGER else kinds)


def describe_value(value: Any) -> str:
    """The kind of a value for people, never the value."""
    if value is True or value is False:
        return "true or false"
    return "a number" if type(value) is int else describe(kind_of(value))


def rewriting(value: Any, kind: Kind, known: Kind, description: str) -> str:
    """How a literal value of the wrong kind is written rightly, else what belongs there by the field's description."""
    if kind & Kind.NUMBER and known & Kind.TEXT:
        return "put it in quotes"
    if kind & Kind.TEXT and known & Kind.NUMBER:
        if re.fullmatch(r"-?0\d+", value):
            return "write the number without the leading zeros"
        if _NUMBER.fullmatch(value):
            return "write the number without quotes"
        if value[:1].isdigit():
            return "write the number alone" + (f": {description[0].lower()}{description[1:]}" if description else "")
        return description
    if kind & Kind.TEXT and known & Kind.BOOL:
        return "write true or false"
    if known & Kind.LIST and not kind & Kind.LIST:
        return "[...] around it makes a list"
    return description
