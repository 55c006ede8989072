"""Deliver: ``housecall_pro.upsert_customer``: a canonical customer, found by number, then by e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from hooks.errors import Permanent
from hooks.events import Request
from hooks.kit.handed import HandedCustomer
from hooks.kit.http import Deadline
from hooks.kit.operations import check_inputs, given
from hooks.kit.upsert import Upsert
from hooks.ports import Action

from .client import HousecallProClient
from .customers import CREATE_ADDRESS, CREATE_CUSTOMER, GET_CUSTOMER, LIST_CUSTOMERS, UPDATE_CUSTOMER
from .lookups import check_searchable, find_person
from .models import takes
from .people import as_customer, changes, contradict, mails_of, new_places, reachable

UPSERT_INPUTS: Final = takes(
    "UpsertCustomer",
    "customer tags? notes?",
    {
        "customer": (HandedCustomer, "The customer as events hold it, such as `${data.customer}`."),
        "tags": (list[str], "Further tags; tags that are there stay."),
        "notes": (str, "Notes that replace those that are there."),
    },
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A customer in the vendor's fields; ``notes`` are those that replace what is there.

    ``known_by`` are the fields with all addresses of mail: the vendor keeps one, and that may be another one.
    """

    fields: dict[str, Any]
    notes: str | None
    known_by: dict[str, Any]


class Customers:
    """Customers by number and e-mail address, every hit compared before it counts. The output is the customer."""

    def wanted(self, inputs: Mapping[str, Any]) -> Wanted:
        asked = check_inputs(UPSERT_INPUTS, inputs).model_dump(mode="json", exclude_unset=True)
        customer = given(asked["customer"])
        fields = as_customer(customer)
        if tags := [*fields.get("tags", ()), *asked.get("tags", ())]:
            fields["tags"] = list(dict.fromkeys(tags))
        notes = asked.get("notes")
        if notes is not None:
            fields["notes"] = notes
        if not reachable(fields):
            raise Permanent("customer: has neither a phone number nor an e-mail address to be found by")
        return Wanted(fields, notes, {**fields, "emails": mails_of(customer)})

    def request(self, wanted: Wanted, settings: BaseModel) -> Request:
        return CREATE_CUSTOMER.render(wanted.fields, settings)

    def check_searchable(self, wanted: Wanted) -> None:
        check_searchable(wanted.fields)

    async def by_id(self, client: HousecallProClient, identity: str, left: Deadline) -> dict[str, Any] | None:
        request = GET_CUSTOMER.render({"customer_id": identity}, client.settings)
        found = (await client.send(request, timeout=left.left())).output
        return found if isinstance(found, dict) and found.get("id") == identity else None

    async def search(self, client: HousecallProClient, wanted: Wanted, left: Deadline) -> dict[str, Any] | None:
        return await find_person(
            client, LIST_CUSTOMERS, wanted.known_by, left, lambda one: not contradict(one, wanted.fields)
        )

    async def create(self, client: HousecallProClient, wanted: Wanted, left: Deadline, key: str) -> dict[str, Any]:
        made = (await client.send(self.request(wanted, client.settings), timeout=left.left(), key=key)).output
        return made if isinstance(made, dict) else {}

    def complete(self, found: dict[str, Any], wanted: Wanted) -> bool:
        return not _fields(found, wanted) and not new_places(found, wanted.fields)

    async def write(
        self, client: HousecallProClient, found: dict[str, Any], wanted: Wanted, left: Deadline, key: str
    ) -> dict[str, Any]:
        """The fields, and the addresses that are records of their own."""
        identity, fields = found.get("id"), _fields(found, wanted)
        if fields:
            request = UPDATE_CUSTOMER.render({"customer_id": identity, **fields}, client.settings)
            await client.send(request, timeout=left.left(), key=key)
        for place in new_places(found, wanted.fields):
            request = CREATE_ADDRESS.render({"customer_id": identity, **place}, client.settings)
            await client.send(request, timeout=left.left(), key=key)
        return {**found, **fields}

    async def output(
        self, client: HousecallProClient, found: dict[str, Any], wanted: Wanted, left: Deadline
    ) -> dict[str, Any]:
        return found


def _fields(found: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The fields to write."""
    fields = changes(found, wanted.known_by)
    if wanted.notes is not None and found.get("notes") != wanted.notes:
        fields["notes"] = wanted.notes
    return fields


UPSERT_CUSTOMER: Action = Upsert(
    Customers(),
    "/customers",
    "Find a customer by phone and e-mail, then create it or write what has changed.",
    UPSERT_INPUTS,
)
