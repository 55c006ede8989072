"""Fresh: what this process has just written and will soon need again, so that it is not read back from the tables.

A receipt is read to become events, and an event to be carried out and to say whom it is about: within the second each
of them is in memory already. The tables stay the truth: they say what is to be done, and what is here only spares
reading the documents of it. What is not here is read from there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar

from hooks.events import Event
from hooks.store.accept import Accepted

MOST: Final = 512
"""Events that are kept."""

MOST_SIZE: Final = 2 * 1024 * 1024
"""Characters of the events that are kept: as values they are several times that."""

MOST_RECEIPTS: Final = 4096
MOST_BYTES: Final = 4 * 1024 * 1024
"""Of receipts, of which more come at once than are read: they are kept as they came."""

STALE: Final = 10.0
"""Seconds after which what nobody has asked for gives way to what comes."""

T = TypeVar("T")


class _Shelf(Generic[T]):
    """Values by their ids until each was used so often. When it is full, what is on it stays: it is used first."""

    def __init__(self, most: int, most_size: int) -> None:
        self._most = most
        self._most_size = most_size
        self._kept: dict[str, tuple[T, int, int, float]] = {}
        self._size = 0

    def put(self, id: str, value: T, size: int, uses: int) -> None:
        now = time.monotonic()
        while self._kept and (self._size + size > self._most_size or len(self._kept) >= self._most):
            first = next(iter(self._kept))
            if now - self._kept[first][3] < STALE:
                return
            self._drop(first)
        self._drop(id)
        self._size += size
        self._kept[id] = (value, size, uses, now)

    def get(self, id: str) -> tuple[T, int] | None:
        """The value and its size."""
        found = self._kept.get(id)
        return None if found is None else found[:2]

    def used(self, id: str) -> None:
        found = self._kept.get(id)
        if found is not None and found[2] > 1:
            self._kept[id] = (*found[:2], found[2] - 1, found[3])
        else:
            self._drop(id)

    def _drop(self, id: str) -> None:
        if (found := self._kept.pop(id, None)) is not None:
            self._size -= found[1]


class Fresh:
    """The last receipts and events. Changed in the loop only; the threads of the database look things up."""

    def __init__(self) -> None:
        self._receipts: _Shelf[Accepted] = _Shelf(MOST_RECEIPTS, MOST_BYTES)
        self._events: _Shelf[Event] = _Shelf(MOST, MOST_SIZE)
        self.wanted = False
        """Whether anybody asks for receipts: a server that only receives keeps none."""

    def took(self, row: Accepted) -> None:
        """A receipt is on its way to the table."""
        if self.wanted:
            self._receipts.put(row.values[0], row, row.size, 1)

    def receipt(self, id: str) -> Accepted | None:
        found = self._receipts.get(id)
        return None if found is None else found[0]

    def planned(self, receipts: Sequence[str], made: Iterable[tuple[Event, int, int]]) -> None:
        """Receipts have become events: with each event the characters of its documents, and who will ask for it."""
        for id in receipts:
            self._receipts.used(id)
        for event, size, uses in made:
            if uses:
                self._events.put(event.id, event, size, uses)

    def event(self, id: str) -> tuple[Event, int] | None:
        """An event as it was planned, and its size. Who uses it makes sure that its row says nothing else."""
        return self._events.get(id)

    def used(self, events: Iterable[str]) -> None:
        for id in events:
            self._events.used(id)
