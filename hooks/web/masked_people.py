"""The identity map with the operator's fields hidden: as `hooks.web.masked`, for people.

A person's name and places are put together from several fields; each is hidden when one of those is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from hooks.ports import Page, PeopleDesk
from hooks.web.masked import HIDDEN, Masking, reads_only

_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "display_name", "first_name", "last_name"),
    "company": ("company",),
    "phones": ("phone", "mobile", "home", "work"),
    "emails": ("email",),
    "places": ("place", "address", "street", "street_line_2", "city", "zip", "one_line"),
}


class ReadPeople(Protocol):
    """The reading half of `PeopleDesk`."""

    async def find(self, q: str | None, cursor: str | None, limit: int) -> Page: ...

    async def review(self, cursor: str | None, limit: int) -> Page: ...

    async def show(self, person: str) -> Mapping[str, Any] | None: ...

    async def export(self, person: str) -> Mapping[str, Any] | None: ...


class MaskedBook:
    """What is read of people: lists hide these fields from everybody, one person's page from who may only read."""

    def __init__(self, book: ReadPeople, masking: Masking) -> None:
        self._book = book
        self._hidden = {name for name, fields in _MADE_OF.items() if any(masking.covers(field) for field in fields)}

    async def find(self, q: str | None, cursor: str | None, limit: int) -> Page:
        page = await self._book.find(q, cursor, limit)
        return replace(page, items=[self._masked(item) for item in page.items])

    async def review(self, cursor: str | None, limit: int) -> Page:
        page = await self._book.review(cursor, limit)
        return replace(page, items=[self._masked(item) for item in page.items])

    async def show(self, person: str) -> Mapping[str, Any] | None:
        found = await self._book.show(person)
        return self._masked(found) if reads_only.get() else found

    async def export(self, person: str) -> Mapping[str, Any] | None:
        return await self._book.export(person)

    def _masked(self, value: Any) -> Any:
        """A person, a pair of them, or a list of either; what is empty stays."""
        if isinstance(value, list):
            return [self._masked(item) for item in value]
        if not isinstance(value, Mapping) or not self._hidden:
            return value
        return {
            name: _gone(inner) if name in self._hidden and "updated_at" in value else self._masked(inner)
            for name, inner in value.items()
        }


class MaskedPeople(MaskedBook):
    """The whole desk. Whoever steers it may act, and so sees what it answers."""

    def __init__(self, desk: PeopleDesk, masking: Masking) -> None:
        super().__init__(desk, masking)
        self._desk = desk

    async def link(self, one: str, other: str) -> Mapping[str, Any] | None:
        return await self._desk.link(one, other)

    async def unlink(self, person: str, record: str) -> Mapping[str, Any] | None:
        return await self._desk.unlink(person, record)

    async def forget(self, person: str) -> Mapping[str, Any] | None:
        return await self._desk.forget(person)


def _gone(value: Any) -> Any:
    if isinstance(value, list):
        return [HIDDEN] * len(value)
    return HIDDEN if value else value


_: type[PeopleDesk] = MaskedPeople
