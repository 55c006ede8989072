"""Deliver: ``housecall_pro.upsert_customer``: find a canonical customer, create it, or write what has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import BaseModel

from hooks.errors import Permanent
from hooks.events import Done, Request
from hooks.kit.http import Deadline
from hooks.kit.operations import check_inputs, given
from hooks.ports import Action, Call, OnUnknown

from .client import HousecallProClient
from .customers import CREATE_ADDRESS, CREATE_CUSTOMER, LIST_CUSTOMERS, UPDATE_CUSTOMER
from .lookups import find_people
from .models import takes
from .people import as_customer, changes, new_places, searches

UPSERT_CUSTOMER: Final = takes(
    "UpsertCustomer",
    "customer tags? notes?",
    {
        "customer": (dict[str, Any], "The customer as events hold it, such as `${data.customer}`."),
        "tags": (list[str], "Further tags; tags that are there stay."),
        "notes": (str, "Notes that replace those that are there."),
    },
)


@dataclass(frozen=True)
class UpsertCustomerAction:
    """Find a canonical customer by number, then by e-mail address; create it, write what changed, or write nothing.

    Every hit is compared before it counts. The output is the vendor's customer as it was found or made, with
    ``created``, ``updated`` and ``unchanged``, of which one is true.
    """

    name: str = "upsert_customer"
    aliases: tuple[str, ...] = ()
    operation: str = "upsertCustomer"
    method: str = "POST"
    path: str = "/customers"
    summary: str = "Find a customer by phone and e-mail, then create it or write what has changed."
    inputs: type[BaseModel] = UPSERT_CUSTOMER
    repeatable: bool = False
    on_unknown: OnUnknown = "lookup"

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        return CREATE_CUSTOMER.render(self._wanted(inputs)[0], settings)

    async def send(self, client: HousecallProClient, call: Call) -> Done:
        left = Deadline(call.timeout)
        wanted, notes = self._wanted(call.inputs)
        people = await find_people(client, LIST_CUSTOMERS, wanted, left)
        if not people:
            request = CREATE_CUSTOMER.render(wanted, client.settings)
            return _done((await client.send(request, timeout=left.left(), key=call.key)).output, "created")
        found = people[0]
        fields, places = _lacks(found, wanted, notes)
        identity = found.get("id")
        if fields:
            request = UPDATE_CUSTOMER.render({"customer_id": identity, **fields}, client.settings)
            await client.send(request, timeout=left.left(), key=call.key)
        for place in places:
            request = CREATE_ADDRESS.render({"customer_id": identity, **place}, client.settings)
            await client.send(request, timeout=left.left(), key=call.key)
        return _done({**found, **fields}, "updated" if fields or places else "unchanged")

    async def lookup(self, client: HousecallProClient, call: Call) -> Done | None:
        """The customer, if it is there and has all that is wanted."""
        wanted, notes = self._wanted(call.inputs)
        for found in (await find_people(client, LIST_CUSTOMERS, wanted, Deadline(call.timeout)))[:1]:
            if not any(_lacks(found, wanted, notes)):
                return replace(_done(found, "unchanged"), adopted=True)
        return None

    def _wanted(self, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        fields = check_inputs(self.inputs, inputs).model_dump(mode="json", exclude_unset=True)
        wanted = as_customer(given(fields["customer"]))
        if tags := [*wanted.get("tags", ()), *fields.get("tags", ())]:
            wanted["tags"] = list(dict.fromkeys(tags))
        notes = fields.get("notes")
        if notes is not None:
            wanted["notes"] = notes
        if not searches(wanted):
            raise Permanent("customer: has neither a phone number nor an e-mail address to be found by")
        return wanted, notes


def _lacks(
    found: Mapping[str, Any], wanted: Mapping[str, Any], notes: str | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The fields to write and the addresses to add."""
    fields = changes(found, wanted)
    if notes is not None and found.get("notes") != notes:
        fields["notes"] = notes
    return fields, new_places(found, wanted)


def _done(record: Any, outcome: str) -> Done:
    shown = record if isinstance(record, dict) else {}
    return Done({**shown, **{word: word == outcome for word in ("created", "updated", "unchanged")}})


_: type[Action] = UpsertCustomerAction
