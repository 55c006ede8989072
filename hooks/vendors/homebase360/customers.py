"""Deliver: Homebase360's customers: how they are searched, and the operations on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hooks.errors import Undecided
from hooks.events import Done
from hooks.kit.http import Deadline
from hooks.kit.operations import Operation, check_inputs
from hooks.ports import Call

from .client import Homebase360Client
from .models import CreateCustomer, GetCustomers, UpdateCustomer
from .people import same_name, same_person
from .rows import as_configured, search

# --- look-ups ---


async def find_customer(
    client: Homebase360Client,
    wanted: Mapping[str, Any],
    left: Deadline,
    fits: Callable[[Mapping[str, Any]], bool],
) -> dict[str, Any] | None:
    """The customer that fits and has a number or an address of the wanted one; of several one of that name.

    The vendor searches ``phone`` in mobile numbers only, and versions differ in how they combine filters: one filter
    per call, and every hit is compared before it counts. Somebody who shares a number and does not fit ends no search:
    the next one may find the right customer.
    """
    for one in filters(wanted):
        found = await search(client, "/customers", one, left.left())
        hits = [hit for hit in found if same_person(hit, wanted) and fits(hit)]
        if hits:
            return min(hits, key=lambda hit: not same_name(hit, wanted))
    return None


def filters(wanted: Mapping[str, Any]) -> list[dict[str, str]]:
    """One search for each number, which may be kept there as a mobile one whatever it is here, and for each address."""
    numbers = dict.fromkeys(number for number in (wanted.get("phone") or {}).values() if number)
    return [*({"phone": number} for number in numbers), *({"email": email} for email in wanted.get("email") or ())]


def check_searchable(wanted: Mapping[str, Any]) -> None:
    """Whether a search finds such a customer for certain."""
    if not (wanted.get("phone") or {}).get("mobile") and not wanted.get("email"):
        raise Undecided("customers can be searched by mobile number or e-mail only, and neither was given")


async def _find_customer(client: Homebase360Client, call: Call) -> Done | None:
    """The customer of the same name with this phone number or e-mail address: the one that we made."""
    wanted = check_inputs(CreateCustomer, call.inputs).model_dump(exclude_unset=True)
    check_searchable(wanted)
    hit = await find_customer(
        client, wanted, Deadline(call.timeout), lambda hit: same_name(hit, wanted) and bool(hit.get("customerId"))
    )
    return None if hit is None else Done({"customerId": hit["customerId"]}, adopted=True)


# --- the table ---

GET_CUSTOMERS = Operation(
    "get_customers", "GET", "/customers", "Search customers by id, mobile number or e-mail.", GetCustomers
)
CREATE_CUSTOMER = Operation(
    "create_customer", "POST", "/customers", "Create a customer.", CreateCustomer, find=_find_customer
)
UPDATE_CUSTOMER = Operation(
    "update_customer",
    "PATCH",
    "/customers/{customerId}",
    "Change fields of a customer.",
    UpdateCustomer,
    harmless=True,
    adjust=as_configured,
)
