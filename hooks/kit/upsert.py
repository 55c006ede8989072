"""Deliver: "find, create, or write what has changed" as a row. A vendor says how each of these is done there.

The record that the identity map knows of this person comes first, then the vendor's search, then a new record. A
record that is known and gone is searched for like any other. What has not changed is not written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from hooks.errors import Permanent
from hooks.events import Done, Request
from hooks.kit.http import Deadline, nothing_sent
from hooks.ports import Call, OnUnknown

W = TypeVar("W")
R = TypeVar("R")

_GONE = (404, 410)


class Records(Protocol[W, R]):
    """One vendor's records of a kind. ``W`` is what is wanted, in the vendor's words, ``R`` a record that was found."""

    def wanted(self, inputs: Mapping[str, Any]) -> W:
        """What the inputs ask for. Raises Permanent, naming the field."""
        ...

    def request(self, wanted: W, settings: BaseModel) -> Request:
        """The call that creates it. Pure."""
        ...

    def check_searchable(self, wanted: W) -> None:
        """Raises Undecided when there is nothing to search by."""
        ...

    async def by_id(self, client: Any, identity: str, left: Deadline) -> R | None:
        """The record of this id; None, or a Permanent of 404, when it is gone."""
        ...

    async def search(self, client: Any, wanted: W, left: Deadline) -> R | None:
        """The record that is certainly the wanted one."""
        ...

    async def create(self, client: Any, wanted: W, left: Deadline, key: str) -> dict[str, Any]:
        """Make it; gives the output."""
        ...

    def complete(self, found: R, wanted: W) -> bool:
        """Whether the record has all that is wanted."""
        ...

    async def write(self, client: Any, found: R, wanted: W, left: Deadline, key: str) -> R:
        """Write what the record lacks; gives it as it is now."""
        ...

    async def output(self, client: Any, found: R, wanted: W, left: Deadline) -> dict[str, Any]:
        """What later steps read of a record that was there."""
        ...


@dataclass(frozen=True)
class Upsert(Generic[W, R]):
    """Find a record, create it, write what has changed, or write nothing.

    The output is what `Records` gives, and ``created``, ``updated`` and ``unchanged``, of which one is true.
    ``kind`` is the record's in the identity map.
    """

    records: Records[W, R]
    path: str
    summary: str
    inputs: type[BaseModel]
    kind: str = "customer"
    name: str = "upsert_customer"
    aliases: tuple[str, ...] = ()
    operation: str = "upsertCustomer"
    method: str = "POST"
    repeatable: bool = False
    on_unknown: OnUnknown = "lookup"

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        return self.records.request(self.records.wanted(inputs), settings)

    async def send(self, client: Any, call: Call) -> Done:
        left = Deadline(call.timeout)
        wanted = self.records.wanted(call.inputs)
        found = await self._found(client, call, wanted, left)
        if found is None:
            return _done(await self.records.create(client, wanted, left, call.key), "created")
        complete = self.records.complete(found, wanted)
        if not complete:
            found = await self.records.write(client, found, wanted, left, call.key)
        output = await self.records.output(client, found, wanted, left)
        return _done(output, "unchanged" if complete else "updated")

    async def lookup(self, client: Any, call: Call) -> Done | None:
        """The record, if it is there and has all that is wanted."""
        left = Deadline(call.timeout)
        wanted = self.records.wanted(call.inputs)
        self.records.check_searchable(wanted)
        found = await self._found(client, call, wanted, left)
        if found is None or not self.records.complete(found, wanted):
            return None
        return replace(_done(await self.records.output(client, found, wanted, left), "unchanged"), adopted=True)

    async def _found(self, client: Any, call: Call, wanted: W, left: Deadline) -> R | None:
        identity = call.known.get(self.kind)
        if identity is not None:
            with nothing_sent():
                found = await _unless_gone(self.records.by_id(client, identity, left))
            if found is not None:
                return found
        return await self.records.search(client, wanted, left)


async def _unless_gone(asked: Awaitable[R | None]) -> R | None:
    try:
        return await asked
    except Permanent as error:
        if error.status in _GONE:
            return None
        raise


def _done(output: Mapping[str, Any], outcome: str) -> Done:
    return Done({**output, **{word: word == outcome for word in ("created", "updated", "unchanged")}})
