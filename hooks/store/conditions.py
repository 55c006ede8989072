"""The conditions of a listing, and its pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hooks.events import FORGOTTEN
from hooks.ports import Page


class Where:
    """Conditions that must all hold; values are always parameters."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        self._conditions.append(condition)
        self.values.extend(values)

    def equal(self, column: str, value: Any) -> None:
        if value is not None:
            self.add(f"{column} = ?", value)

    def before(self, column: str, table: str, cursor: str | None) -> None:
        """Rows older than the one whose id is the cursor; an id that is gone gives an empty page."""
        if cursor is not None:
            self.add(f"{column} < (SELECT seq FROM {table} WHERE id = ?)", cursor)

    def both(self, other: Where) -> Where:
        """These conditions and those."""
        made = Where()
        made._conditions = [*self._conditions, *other._conditions]
        made.values = [*self.values, *other.values]
        return made

    def __str__(self) -> str:
        return "WHERE " + " AND ".join(self._conditions) if self._conditions else ""


def could_be_read(wanted: bool) -> str:
    """The condition on events ``e`` that could be read, or could not: without those that were emptied on purpose."""
    if wanted:
        return f"(e.flag IS NULL OR e.flag = '{FORGOTTEN}')"
    return f"e.flag IS NOT NULL AND e.flag <> '{FORGOTTEN}'"


def page_of(items: Sequence[dict[str, Any]], rows: Sequence[Any], limit: int) -> Page:
    """A page of what was read with a limit of one more."""
    return Page(items, items[-1]["id"] if len(rows) > limit else None)


def like(text: str) -> str:
    """A text inside a LIKE pattern with ``\\`` as its escape: no character of it means anything."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
