"""Deliver: how the unknown outcome of a call to Housecall Pro is found out.

The vendor has no idempotency header. A customer is searched with ``q`` by number and e-mail address, a lead among the
leads of that customer, what hangs on a job or an estimate in its own list. Every hit is compared before it counts.
Where nothing tells a record from another one, the run is held for a person.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hooks.errors import Undecided
from hooks.events import Done
from hooks.kit.comparing import same_text, same_time
from hooks.kit.http import Deadline
from hooks.kit.operations import Operation
from hooks.ports import Call

from .client import HousecallProClient
from .people import same_name, same_person, searchable, searches
from .rows import ask, records_of, search

Finder = Callable[[HousecallProClient, Call], Awaitable[Done | None]]


async def find_person(
    client: HousecallProClient,
    lister: Operation,
    wanted: Mapping[str, Any],
    left: Deadline,
    fits: Callable[[Mapping[str, Any]], bool],
) -> dict[str, Any] | None:
    """The customer that fits and has a number or the e-mail address of the wanted one; of several one of that name.

    Somebody who shares the number and does not fit ends no search: the next one may find the right customer.
    """
    for text in searches(wanted):
        found = await search(client, lister, {"q": text, "page_size": 100}, "customers", left.left())
        hits = [hit for hit in found if same_person(hit, wanted) and fits(hit)]
        if hits:
            return min(hits, key=lambda hit: not same_name(hit, wanted))
    return None


def check_searchable(wanted: Mapping[str, Any]) -> None:
    if not searchable(wanted):
        raise Undecided(
            "without a mobile number, an e-mail address, or a name beside another number the customer cannot be found"
            " again"
        )


def by_person(lister: Operation) -> Finder:
    """The customer of the same name with one of these numbers or this e-mail address."""

    async def find(client: HousecallProClient, call: Call) -> Done | None:
        check_searchable(call.inputs)
        hit = await _made_for(client, lister, call.inputs, Deadline(call.timeout))
        return None if hit is None else Done(hit, adopted=True)

    return find


async def _made_for(
    client: HousecallProClient, lister: Operation, wanted: Mapping[str, Any], left: Deadline
) -> dict[str, Any] | None:
    return await find_person(client, lister, wanted, left, lambda hit: same_name(hit, wanted))


def by_lead(leads: Operation, customers: Operation) -> Finder:
    """The open lead of this customer with the same source and street: the newest one."""

    async def find(client: HousecallProClient, call: Call) -> Done | None:
        left = Deadline(call.timeout)
        identity = call.inputs.get("customer_id")
        if identity is None:
            person = call.inputs.get("customer") or {}
            check_searchable(person)
            made = await _made_for(client, customers, person, left)
            identity = None if made is None else made.get("id")
        if identity is None:
            return None
        asked = {"customer_id": identity, "page_size": 100}
        for lead in await search(client, leads, asked, "leads", left.left()):
            owner = lead.get("customer")
            if isinstance(owner, dict) and owner.get("id") == identity and _same_lead(lead, call.inputs):
                return Done(lead, adopted=True)
        return None

    return find


def _same_lead(lead: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    place, asked = lead.get("address"), wanted.get("address")
    there = place.get("street") if isinstance(place, dict) else None
    return (
        lead.get("status") in (None, "open")
        and same_text(_named(lead.get("lead_source")), wanted.get("lead_source"))
        and (not asked or same_text(there, asked.get("street")))
    )


def _named(value: object) -> object:
    return value.get("name") if isinstance(value, dict) else value


def by_job(lister: Operation) -> Finder:
    """The customer's job with the same number, or planned for the same time at the same address."""

    async def find(client: HousecallProClient, call: Call) -> Done | None:
        number = call.inputs.get("invoice_number")
        start = (call.inputs.get("schedule") or {}).get("scheduled_start")
        if not number and not start:
            raise Undecided("without an invoice_number or a scheduled_start the job cannot be found again")
        filters = {"customer_id": call.inputs["customer_id"], "page_size": 100}
        if start:
            filters |= {"scheduled_start_min": start, "scheduled_start_max": start}
        for job in await search(client, lister, filters, "jobs", call.timeout):
            same = str(job.get("invoice_number")) == str(number) if number else _is_planned(job, start, call.inputs)
            if same:
                return Done(job, adopted=True)
        return None

    return find


def _is_planned(job: Mapping[str, Any], start: object, wanted: Mapping[str, Any]) -> bool:
    schedule, place = job.get("schedule"), job.get("address")
    planned = schedule.get("scheduled_start") if isinstance(schedule, dict) else None
    where = place.get("id") if isinstance(place, dict) else None
    return same_time(planned, start) and where == wanted["address_id"]


def by_fields(reader: Operation, plural: str, *same: str, needs: str = "", **filters: str) -> Finder:
    """The record of a list, or of a list in a record, with the same ``same`` fields, as far as they were given.

    ``filters`` gives inputs of the list from those of the call; without the input ``needs`` a person decides.
    """

    async def find(client: HousecallProClient, call: Call) -> Done | None:
        if needs and not call.inputs.get(needs):
            raise Undecided(f"without {needs} there is nothing to find the record again by")
        asked = {name: call.inputs[given] for name, given in filters.items() if call.inputs.get(given) is not None}
        if reader.path.endswith("}"):  # one record, which holds the list
            found = records_of(await ask(client, reader, asked, call.timeout), plural)
        else:
            found = await search(client, reader, asked, plural, call.timeout)
        for record in found:
            if all(_equal(record.get(name), call.inputs[name]) for name in same if call.inputs.get(name) is not None):
                return Done(record, adopted=True)
        return None

    return find


def _equal(there: object, wanted: object) -> bool:
    if isinstance(wanted, int) and isinstance(there, str):
        return there == str(wanted)
    return there == wanted or same_time(there, wanted) or (isinstance(there, str) and same_text(there, wanted))


def in_option(reader: Operation, plural: str, name: str) -> Finder:
    """An entry of an estimate's option with the same text, or an option of the estimate when none is named."""

    async def find(client: HousecallProClient, call: Call) -> Done | None:
        estimate = await ask(client, reader, {"estimate_id": call.inputs["estimate_id"]}, call.timeout)
        entries = records_of(estimate, "options")
        wanted = call.inputs.get("option_id")
        if wanted is not None:
            chosen = [one for one in entries if one.get("id") == wanted]
            entries = [entry for one in chosen for entry in records_of(one, plural)]
        for entry in entries:
            if entry.get(name) == call.inputs[name]:
                return Done(entry, adopted=True)
        return None

    return find


def by_conversion(reader: Operation) -> Finder:
    """What the lead has become already."""

    async def find(client: HousecallProClient, call: Call) -> Done | None:
        lead = await ask(client, reader, {"lead_id": call.inputs["lead_id"]}, call.timeout)
        for one in records_of(lead, "conversions"):
            if one.get("type") == call.inputs["type"]:
                return Done({f"{one['type']}_id": one.get("id")}, adopted=True)
        return None

    return find
