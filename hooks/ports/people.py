"""Who is who: the same person at several vendors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from hooks.people import KeptAt, Sighting
from hooks.ports.history import Page


class Mention(NamedTuple):
    """An event that is about somebody and has not been looked at yet."""

    event: str
    type: str
    source: str
    vendor: str
    received_at: datetime
    data: Any


class People(Protocol):
    """The engine's part of the identity map. Each verb is one transaction; raises StoreError when it cannot."""

    async def mentions(self, limit: int) -> list[Mention]:
        """Events that wait to be looked at, oldest first."""
        ...

    async def sight(self, events: Sequence[str], sightings: Sequence[Sighting]) -> None:
        """Learn what these events say of people, once: an event that was looked at before changes nothing."""
        ...

    async def meet(
        self, seen: Sighting, kept_at: KeptAt, run: str, until: datetime
    ) -> tuple[str | None, Mapping[str, str]]:
        """Before a run finds or makes a person's record at an account: the run that is at it already, or None; and the
        person's newest records there, by kind.

        The run has the lane then: others for the same person wait until it leaves (`Progress`), or ``until``.
        """
        ...


class PeopleDesk(Protocol):
    """What people may ask of the identity map and tell it. All results are ready for JSON, instants as UTC text.

    A person is ``{id, name, company, phones, emails, records, created_at, updated_at}``, a record ``{vendor, source or
    connection, kind, id, confidence, why, origin}``; in full also ``places``, ``review``, ``merged`` (ids that lead
    here) and ``events``, the latest ones. None is given for an id that nobody has.
    """

    async def find(self, q: str | None, cursor: str | None, limit: int) -> Page:
        """People by name, phone in any writing, e-mail, a vendor's id of a record or their own id, newest first."""
        ...

    async def show(self, person: str) -> Mapping[str, Any] | None: ...

    async def review(self, cursor: str | None, limit: int) -> Page:
        """Pairs that may be one person: ``{one, other, confidence, why, origin, noticed_at}``."""
        ...

    async def export(self, person: str) -> Mapping[str, Any] | None:
        """All that is stored of somebody: ``{person, events, receipts}``, with bodies, runs, steps and attempts."""
        ...

    async def link(self, one: str, other: str) -> Mapping[str, Any] | None:
        """Make one person of two: ``other`` becomes ``one``. Raises Conflict."""
        ...

    async def unlink(self, person: str, record: str) -> Mapping[str, Any] | None:
        """Take a record (``titan/123`` or its id alone) away from a person, to a new one; or say of another person that
        they are two. ``{person, other}``. Raises Conflict."""
        ...

    async def forget(self, person: str) -> Mapping[str, Any] | None:
        """Delete what identifies a person; gives how many rows of which kind. Raises Conflict."""
        ...


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """What an action has to do with a person's record: for the identity map.

    ``customer`` gives the canonical customer in the action's inputs, ``id`` names the record's id in its output.
    ``searches``: it looks whether there is one before it makes one, so two of them for one person take turns.
    """

    id: str
    customer: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    searches: bool = False
    kind: str = "customer"
