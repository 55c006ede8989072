"""Deliver: Homebase360's customers: how they are searched, and the operations on them."""

from __future__ import annotations

from collections.abc import Mapping
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


async def search_customers(
    client: Homebase360Client, wanted: Mapping[str, Any], left: Deadline
) -> list[dict[str, Any]]:
    """Customers who have a phone number or an e-mail address of the wanted one, those of the same name first.

    The vendor searches ``phone`` in mobile numbers only, and versions differ in how they combine filters: one filter
    per call, and every hit is compared before it counts.
    """
    for one in _filters(wanted):
        hits = [hit for hit in await search(client, "/customers", one, left.left()) if same_person(hit, wanted)]
        if hits:
            return sorted(hits, key=lambda hit: not same_name(hit, wanted))
    return []


def _filters(wanted: Mapping[str, Any]) -> list[dict[str, str]]:
    mobile = (wanted.get("phone") or {}).get("mobile")
    return [*([{"phone": mobile}] if mobile else []), *({"email": email} for email in wanted.get("email") or ())]


def check_searchable(wanted: Mapping[str, Any]) -> None:
    if not _filters(wanted):
        raise Undecided("customers can be searched by mobile number or e-mail only, and neither was given")


async def _find_customer(client: Homebase360Client, call: Call) -> Done | None:
    """The customer of the same name with this phone number or e-mail address: the one that we made."""
    wanted = check_inputs(CreateCustomer, call.inputs).model_dump(exclude_unset=True)
    check_searchable(wanted)
    for hit in await search_customers(client, wanted, Deadline(call.timeout)):
        if same_name(hit, wanted) and hit.get("customerId"):
            return Done({"customerId": hit["customerId"]}, adopted=True)
    return None


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
