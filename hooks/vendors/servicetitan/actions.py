"""Deliver: what can be done at ServiceTitan: a table of operations, and how their unknown outcomes are looked up.

Bookings are found again by ``externalId``; customers, locations and jobs by ``externalData``, when it was given
(2026-07: the vendor has no idempotency header).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from hooks.errors import Undecided
from hooks.events import Done
from hooks.kit.http import nothing_sent
from hooks.kit.operations import Operation
from hooks.ports import Action, Call

from . import models
from .client import ServiceTitanClient

CRM: Final = "/crm/v2/tenant/{tenant}"
JPM: Final = "/jpm/v2/tenant/{tenant}"
BOOKINGS: Final = CRM + "/booking-provider/{booking_provider}/bookings"

row = partial(Operation, fixed=frozenset({"tenant", "booking_provider"}))


# --- look-ups ---


async def _page(
    client: ServiceTitanClient, lister: Operation, filters: Mapping[str, Any], timeout: float
) -> list[dict[str, Any]]:
    """The first page of a filtered list. Its failures have changed nothing, so their outcome is not unknown."""
    with nothing_sent():
        page = (await client.send(lister.render(filters, client.settings), timeout=timeout)).output
    records = page.get("data") if isinstance(page, dict) else None
    return [record for record in records if isinstance(record, dict)] if isinstance(records, list) else []


async def _find_booking(client: ServiceTitanClient, call: Call) -> Done | None:
    """The provider's booking with exactly this ``externalId``."""
    wanted = str(call.inputs.get("externalId"))
    filters = {"externalId": wanted, "booking_provider": call.inputs.get("booking_provider")}
    for booking in await _page(client, LIST_BOOKINGS, filters, call.timeout):
        if booking.get("externalId") == wanted:
            return Done(booking, adopted=True)
    return None


async def _find_by_external_data(client: ServiceTitanClient, call: Call, *, lister: str) -> Done | None:
    """The record that carries the first of the keys that were given with it."""
    given = call.inputs.get("externalData")
    pairs = given.get("externalData") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not pairs:
        raise Undecided("without externalData there is nothing to find the record again by")
    key, value = pairs[0]["key"], pairs[0]["value"]
    filters = {
        "externalDataApplicationGuid": given["applicationGuid"],
        "externalDataKey": key,
        "externalDataValues": [value],
    }
    for record in await _page(client, _LISTS[lister], filters, call.timeout):
        if _carries(record, key, value):
            return Done(record, adopted=True)
    return None


def _carries(record: Mapping[str, Any], key: str, value: str) -> bool:
    kept = record.get("externalData")
    data = [one for one in kept if isinstance(one, dict)] if isinstance(kept, list) else []
    return any(one.get("key") == key and one.get("value") == value for one in data)


# --- the table ---

LIST_BOOKINGS = row(
    "list_bookings_by_provider",
    "GET",
    BOOKINGS,
    "List the bookings of a provider.",
    models.ListBookings,
    vendor_name="listBookingByProvider",
    aliases=("list_booking_by_provider",),
)
LIST_CUSTOMERS = row("list_customers", "GET", CRM + "/customers", "List customers.", models.ListCustomers)
LIST_LOCATIONS = row("list_locations", "GET", CRM + "/locations", "List locations.", models.ListLocations)
LIST_JOBS = row("list_jobs", "GET", JPM + "/jobs", "List jobs.", models.ListJobs)

_LISTS: Final = {"customers": LIST_CUSTOMERS, "locations": LIST_LOCATIONS, "jobs": LIST_JOBS}

ACTIONS: tuple[Action, ...] = (
    row(
        "create_booking_by_provider",
        "POST",
        BOOKINGS,
        "Create a booking: a request for work that needs no customer yet.",
        models.CreateBooking,
        aliases=("create_booking",),
        find=_find_booking,
    ),
    row("get_booking_by_provider", "GET", BOOKINGS + "/{id}", "Get a booking.", models.GetBooking),
    LIST_BOOKINGS,
    row(
        "create_customer",
        "POST",
        CRM + "/customers",
        "Create a customer with its locations.",
        models.CreateCustomer,
        find=partial(_find_by_external_data, lister="customers"),
    ),
    row("get_customer", "GET", CRM + "/customers/{id}", "Get a customer.", models.GetRecord),
    LIST_CUSTOMERS,
    row(
        "create_location",
        "POST",
        CRM + "/locations",
        "Create a location of a customer.",
        models.CreateLocation,
        find=partial(_find_by_external_data, lister="locations"),
    ),
    row("get_location", "GET", CRM + "/locations/{id}", "Get a location.", models.GetRecord),
    LIST_LOCATIONS,
    row(
        "create_job",
        "POST",
        JPM + "/jobs",
        "Create a job with its appointments.",
        models.CreateJob,
        find=partial(_find_by_external_data, lister="jobs"),
    ),
    row("get_job", "GET", JPM + "/jobs/{id}", "Get a job.", models.GetJob),
    LIST_JOBS,
)
