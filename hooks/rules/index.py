"""Which rules an event can concern: found by type and source, in the same time for ten rules and ten thousand.

Exact types are a dictionary; patterns with ``*`` are tried one by one, each distinct pattern once. The answers are
remembered, in a bounded memory, because types come from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar


class Selecting(Protocol):
    """What takes events of some types from some sources, or from all when none is named."""

    @property
    def events(self) -> tuple[str, ...]: ...

    @property
    def sources(self) -> tuple[str, ...]: ...


S = TypeVar("S", bound=Selecting)

MAX_REMEMBERED = 4096


def type_matches(pattern: str, type: str) -> bool:
    """Whether an event type fits: ``*`` stands for any characters, dots too.

    >>> type_matches("job.*", "job.appointment.scheduled"), type_matches("*.canceled", "job.deleted")
    (True, False)
    """
    if "*" not in pattern:
        return pattern == type
    first, *rest = pattern.split("*")
    if not type.startswith(first):
        return False
    position = len(first)
    for piece in rest[:-1]:
        position = type.find(piece, position)
        if position < 0:
            return False
        position += len(piece)
    return len(type) - position >= len(rest[-1]) and type.endswith(rest[-1])


class Index(Generic[S]):
    """Rules, or what else selects events, by event type and source. Immutable but for its memory."""

    def __init__(self, rules: Iterable[S]) -> None:
        self._exact: dict[str, list[int]] = {}
        self._patterns: dict[str, list[int]] = {}
        self._rules: list[S] = []
        for number, rule in enumerate(rules):
            self._rules.append(rule)
            for event in rule.events:
                pattern = re.sub(r"\*+", "*", event)
                table = self._patterns if "*" in pattern else self._exact
                table.setdefault(pattern, []).append(number)
        self._memory: dict[tuple[str, str], tuple[S, ...]] = {}

    def find(self, type: str, source: str) -> tuple[S, ...]:
        key = (type, source)
        found = self._memory.get(key)
        if found is None:
            found = self._search(type, source)
            if len(self._memory) >= MAX_REMEMBERED:
                self._memory.clear()
            self._memory[key] = found
        return found

    def _search(self, type: str, source: str) -> tuple[S, ...]:
        numbers = set(self._exact.get(type, ()))
        for pattern, those in self._patterns.items():
            if type_matches(pattern, type):
                numbers.update(those)
        rules = (self._rules[number] for number in sorted(numbers))
        return tuple(rule for rule in rules if not rule.sources or source in rule.sources)
