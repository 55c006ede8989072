"""The kinds of value that rules know: JSON's, with whole numbers told from others."""

from __future__ import annotations

import enum
from typing import Any


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


def describe_value(value: Any) -> str:
    """The kind of a value for people, never the value."""
    if value is True or value is False:
        return "true or false"
    return "a number" if type(value) is int else describe(kind_of(value))
