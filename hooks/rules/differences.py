"""Comparing JSON values: what is expected against what was found, and what was against what is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hooks.rules.document import Path


class Absent:
    """What stands in place of a value that is not there."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which two values differ; `ABSENT` where one of them has nothing there."""

    path: Path
    old: Any
    new: Any


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[Difference]:
    """Every place at which the values differ, the deepest ones."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for number in range(max(len(old), len(new))):
            yield from differences(_item(old, number), _item(new, number), (*path, number))
    elif not _equal(old, new):
        yield Difference(path, old, new)


def shortfalls(expected: Any, found: Any, path: Path = ()) -> Iterator[Difference]:
    """Every place at which ``found`` is not what is expected (``old``); more fields than expected are no matter.

    A list has exactly the items that are expected of it. An expected null is met by nothing.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, below in expected.items():
            yield from shortfalls(below, found.get(key, ABSENT), (*path, key))
    elif isinstance(expected, list) and isinstance(found, list):
        for number in range(max(len(expected), len(found))):
            yield from shortfalls(_item(expected, number), _item(found, number), (*path, number))
    elif not (expected is None and found is ABSENT) and not _equal(expected, found):
        yield Difference(path, expected, found)


def _item(values: list[Any], number: int) -> Any:
    return values[number] if number < len(values) else ABSENT


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right
    return type(left) is type(right) and bool(left == right)
