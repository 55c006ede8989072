"""Deliver: what can be done at Homebase360: a table of operations, their look-ups, and two conveniences on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from hooks.errors import Permanent, Undecided
from hooks.events import Done, Request
from hooks.kit.http import Deadline
from hooks.kit.operations import Operation, check_inputs
from hooks.ports import Action, Call, OnUnknown

from .client import Homebase360Client
from .jobs import JOBS
from .models import CreateCustomer, GetCustomers, UpdateCustomer, UpsertCustomer
from .people import as_customer, changes, distinct, emails_of, numbers_of, same_name, same_person
from .rows import as_configured, search

# --- look-ups ---


async def _search(client: Homebase360Client, wanted: Mapping[str, Any], left: Deadline) -> list[dict[str, Any]]:
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


def _check_searchable(wanted: Mapping[str, Any]) -> None:
    if not _filters(wanted):
        raise Undecided("customers can be searched by mobile number or e-mail only, and neither was given")


async def _find_customer(client: Homebase360Client, call: Call) -> Done | None:
    """The customer of the same name with this phone number or e-mail address: the one that we made."""
    wanted = check_inputs(CreateCustomer, call.inputs).model_dump(exclude_unset=True)
    _check_searchable(wanted)
    for hit in await _search(client, wanted, Deadline(call.timeout)):
        if same_name(hit, wanted) and hit.get("customerId"):
            return Done({"customerId": hit["customerId"]}, adopted=True)
    return None


# --- upsert_customer ---


@dataclass(frozen=True)
class UpsertCustomerAction:
    """Find a canonical customer by phone and e-mail; create it, write what changed, or write nothing.

    The output always has ``customerId``, and ``created``, ``updated`` and ``unchanged``, of which one is true.
    """

    name: str = "upsert_customer"
    aliases: tuple[str, ...] = ()
    operation: str = "upsertCustomer"
    method: str = "POST"
    path: str = "/customers"
    summary: str = "Find a customer by phone and e-mail, then create it or write what has changed."
    inputs: type[BaseModel] = UpsertCustomer
    repeatable: bool = False
    on_unknown: OnUnknown = "lookup"

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        return CREATE_CUSTOMER.render(self._wanted(inputs)[0], settings)

    async def send(self, client: Homebase360Client, call: Call) -> Done:
        left = Deadline(call.timeout)
        wanted, notes = self._wanted(call.inputs)
        hits = await _search(client, wanted, left)
        if not hits:
            request = CREATE_CUSTOMER.render(wanted, client.settings)
            made = (await client.send(request, timeout=left.left(), key=call.key)).output
            return self._done(made, "created")
        found = hits[0]
        fields = changes(found, wanted, notes=notes)
        if not fields:
            return self._done(found, "unchanged")
        request = UPDATE_CUSTOMER.render({"customerId": found.get("customerId"), **fields}, client.settings)
        await client.send(request, timeout=left.left(), key=call.key)
        return self._done(found, "updated")

    async def lookup(self, client: Homebase360Client, call: Call) -> Done | None:
        """The customer, if it is there and has all that is wanted."""
        wanted, notes = self._wanted(call.inputs)
        _check_searchable(wanted)
        for found in (await _search(client, wanted, Deadline(call.timeout)))[:1]:
            if not changes(found, wanted, notes=notes):
                return replace(self._done(found, "unchanged"), adopted=True)
        return None

    def _wanted(self, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        given = check_inputs(self.inputs, inputs)
        assert isinstance(given, UpsertCustomer)
        wanted = as_customer(given.customer)
        if tags := distinct([*wanted.get("tags", ()), *(given.tags or ())]):
            wanted["tags"] = tags
        if given.notes is not None:
            wanted["notes"] = given.notes
        if not numbers_of(wanted) and not emails_of(wanted):
            raise Permanent("customer: has neither a US or Canadian phone number nor an e-mail address")
        return wanted, given.notes

    def _done(self, record: Any, outcome: str) -> Done:
        customer_id = record.get("customerId") if isinstance(record, dict) else None
        return Done(
            {"customerId": customer_id, **{word: word == outcome for word in ("created", "updated", "unchanged")}}
        )


# --- the table ---

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

ACTIONS: tuple[Action, ...] = (
    Operation("get_customers", "GET", "/customers", "Search customers by id, mobile number or e-mail.", GetCustomers),
    CREATE_CUSTOMER,
    UPDATE_CUSTOMER,
    UpsertCustomerAction(),
    *JOBS,
    Operation("ping", "GET", "/ping", "Test the key."),
)
