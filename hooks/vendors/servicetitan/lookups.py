"""Deliver: how the unknown outcome of a call to ServiceTitan is found out.

The vendor has no idempotency header (2026-07). Bookings are found again by ``externalId``; customers, locations, jobs
and projects by ``externalData``, when it was given; the rest by what makes a record unmistakable. Where nothing does,
the run is held for a person. Every hit is compared, in case a list ignores a filter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hooks.errors import Undecided
from hooks.events import Done
from hooks.kit.answers import read_record
from hooks.kit.comparing import same_time
from hooks.kit.http import Deadline, nothing_sent
from hooks.kit.operations import Operation
from hooks.ports import Call

from .client import ServiceTitanClient
from .rows import first_page

Finder = Callable[[ServiceTitanClient, Call], Awaitable[Done | None]]


def carries(record: Mapping[str, Any], key: str, value: str) -> bool:
    """Whether the record has this key and value of ours."""
    kept = record.get("externalData")
    data = [one for one in kept if isinstance(one, dict)] if isinstance(kept, list) else []
    return any(one.get("key") == key and one.get("value") == value for one in data)


def external_filter(given: object) -> tuple[str, str, dict[str, Any]] | None:
    """The first key and value of ``externalData``, and the filter that finds it; None when there is none."""
    pairs = given.get("externalData") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not pairs:
        return None
    key, value = pairs[0]["key"], pairs[0]["value"]
    filters = {
        "externalDataApplicationGuid": given["applicationGuid"],
        "externalDataKey": key,
        "externalDataValues": [value],
    }
    return key, value, filters


def by_external_id(lister: Operation) -> Finder:
    """The provider's booking with exactly this ``externalId``."""

    async def find(client: ServiceTitanClient, call: Call) -> Done | None:
        return await find_booking(client, lister, call.inputs, call.timeout)

    return find


async def find_booking(
    client: ServiceTitanClient, lister: Operation, inputs: Mapping[str, Any], timeout: float
) -> Done | None:
    wanted = str(inputs.get("externalId"))
    filters = {"externalId": wanted, "booking_provider": inputs.get("booking_provider")}
    for booking in await first_page(client, lister, filters, timeout):
        if booking.get("externalId") == wanted:
            return Done(booking, adopted=True)
    return None


def by_external_data(lister: Operation) -> Finder:
    """The record that carries the first of the keys that were given with it."""

    async def find(client: ServiceTitanClient, call: Call) -> Done | None:
        wanted = external_filter(call.inputs.get("externalData"))
        if wanted is None:
            raise Undecided("without externalData there is nothing to find the record again by")
        key, value, filters = wanted
        for record in await first_page(client, lister, filters, call.timeout):
            if carries(record, key, value):
                return Done(record, adopted=True)
        return None

    return find


def by_fields(
    lister: Operation, filters: Callable[[Mapping[str, Any]], Mapping[str, Any] | None], *same: str, lacking: str
) -> Finder:
    """The record of a filtered list that has the same values in the ``same`` fields, as far as they were given.

    ``filters`` makes the filter of the inputs, or None when they give nothing to search by: ``lacking`` tells what.
    """

    async def find(client: ServiceTitanClient, call: Call) -> Done | None:
        found = filters(call.inputs)
        if found is None:
            raise Undecided(lacking)
        for record in await first_page(client, lister, found, call.timeout):
            if all(_equal(record.get(name), call.inputs[name]) for name in same if call.inputs.get(name) is not None):
                return Done(record, adopted=True)
        return None

    return find


def _equal(there: object, wanted: object) -> bool:
    return there == wanted or str(there) == str(wanted) or same_time(there, wanted)


def by_assignments(lister: Operation, getter: Operation, *, assigned: bool) -> Finder:
    """The appointment, when all (or none) of the named technicians are assigned to it now."""

    async def find(client: ServiceTitanClient, call: Call) -> Done | None:
        left = Deadline(call.timeout)
        appointment, technicians = call.inputs["jobAppointmentId"], set(call.inputs["technicianIds"])
        records = await first_page(
            client, lister, {"appointmentIds": [appointment], "pageSize": 1000, "active": "True"}, left.left()
        )
        there = {one.get("technicianId") for one in records if one.get("appointmentId") == appointment}
        if not (technicians <= there if assigned else technicians.isdisjoint(there)):
            return None
        with nothing_sent():
            request = getter.render({"id": appointment}, client.settings)
            done = await client.send(request, timeout=left.left())
        return Done(done.output, adopted=True)

    return find


def by_status(getter: Operation, name: str, value: str) -> Finder:
    """Done when the record of this id has the status that the call gives it."""

    async def find(client: ServiceTitanClient, call: Call) -> Done | None:
        with nothing_sent():
            request = getter.render({"id": call.inputs["id"]}, client.settings)
            found = read_record((await client.send(request, timeout=call.timeout)).output)
        return Done(None, adopted=True) if found.get(name) == value else None

    return find


def unless_it_adds_lines(line: Callable[[Mapping[str, Any]], list[Mapping[str, Any]]]) -> Finder:
    """None, which lets it be sent again, when all lines have an id: a line without one would be added twice."""

    async def find(_: ServiceTitanClient, call: Call) -> Done | None:
        if any(one.get("id") is None for one in line(call.inputs)):
            raise Undecided("a line without an id is added each time it is sent: look at the invoice")
        return None

    return find
