"""Deliver: ``servicetitan.upsert_customer``: a canonical customer, found by own key, by phone or by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from hooks.errors import Permanent
from hooks.events import Request
from hooks.kit.comparing import same_text
from hooks.kit.handed import HandedAddress, HandedCustomer
from hooks.kit.http import Deadline
from hooks.kit.operations import check_inputs, given
from hooks.kit.upsert import Upsert
from hooks.people import tells_apart
from hooks.ports import Action

from . import models
from .client import ServiceTitanClient
from .crm import (
    CREATE_CONTACT,
    CREATE_CUSTOMER,
    CUSTOMERS,
    GET_CUSTOMER,
    LIST_CONTACTS,
    LIST_CUSTOMERS,
    LIST_LOCATIONS,
    UPDATE_CUSTOMER,
)
from .lookups import carries, external_filter
from .people import (
    address_of,
    contacts_of,
    contradict,
    customer_type_of,
    lacking,
    name_of,
    places_of,
    same_place,
    same_reach,
)
from .rows import first_page, objects
from .vocabulary import takes

MAX_HITS: Final = 10
"""So many hits of a search are compared; each costs a call for its contacts."""
MAX_NUMBERS: Final = 3


@dataclass(frozen=True)
class _Found:
    """A record that is the wanted customer. ``sure``: it carries our own key."""

    record: Mapping[str, Any]
    contacts: list[dict[str, Any]]
    sure: bool = False


UPSERT_INPUTS: Final = takes(
    "UpsertCustomer",
    "customer address? type? tagTypeIds? externalData?",
    {
        "customer": (HandedCustomer, "The customer as events hold it, such as `${data.customer}`."),
        "address": (HandedAddress, "The address as events hold it; by default the customer's."),
        "type": (models.CustomerType, "Kind of customer."),
        "externalData": (models.ExternalData, "Your own keys: what finds the customer first."),
    },
)


class Customers:
    """Customers by our own key, by phone, and by name with a second sign.

    Every hit is compared before it counts: a phone number must be among its contacts, a name needs a contact or the
    address too. What the office has written stays: contacts, tags and keys are added, a name is replaced only where
    our own key says that it is the same customer. The output has ``id`` and ``locationId`` (None when no location has
    the wanted address).
    """

    def wanted(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        fields = check_inputs(UPSERT_INPUTS, inputs).model_dump(mode="json", exclude_unset=True)
        customer = given(fields["customer"])
        name = name_of(customer)
        if name is None:
            raise Permanent("customer: has neither a name nor a phone number nor an e-mail address")
        return {
            "name": name,
            "type": fields.get("type") or customer_type_of(customer),
            "kind": fields.get("type"),
            "address": address_of(given(fields.get("address") or {}), *places_of(customer)),
            "contacts": contacts_of(customer),
            "tagTypeIds": fields.get("tagTypeIds"),
            "externalData": fields.get("externalData"),
        }

    def request(self, wanted: dict[str, Any], settings: BaseModel) -> Request:
        """The creation; for a customer whose address is not whole, who can only be found, the search."""
        if wanted["address"] is None:
            return LIST_CUSTOMERS.render(_filters(wanted)[0], settings)
        return CREATE_CUSTOMER.render(_as_new(wanted), settings)

    def check_searchable(self, wanted: dict[str, Any]) -> None:
        """There is a name always."""

    async def by_id(self, client: ServiceTitanClient, identity: str, left: Deadline) -> _Found | None:
        """None for one that is not active: the office has closed it, or merged it into another."""
        if not identity.isdecimal():
            return None
        request = GET_CUSTOMER.render({"id": int(identity)}, client.settings)
        record = (await client.send(request, timeout=left.left())).output
        if not isinstance(record, dict) or str(record.get("id")) != identity or record.get("active") is False:
            return None
        return _Found(record, await _contacts(client, record, left))

    async def search(self, client: ServiceTitanClient, wanted: dict[str, Any], left: Deadline) -> _Found | None:
        return await _search(client, wanted, left)

    async def create(
        self, client: ServiceTitanClient, wanted: dict[str, Any], left: Deadline, key: str
    ) -> dict[str, Any]:
        request = CREATE_CUSTOMER.render(_as_new(wanted), client.settings)
        made = (await client.send(request, timeout=left.left(), key=key)).output
        places = objects(made.get("locations")) if isinstance(made, dict) else []
        return _output(made, places[0].get("id") if places else None)

    def complete(self, found: _Found, wanted: dict[str, Any]) -> bool:
        return not _changes(found, wanted) and not lacking(found.contacts, wanted["contacts"])

    async def write(
        self, client: ServiceTitanClient, found: _Found, wanted: dict[str, Any], left: Deadline, key: str
    ) -> _Found:
        """The fields, and the contacts that are records of their own."""
        identity = found.record.get("id")
        if changes := _changes(found, wanted):
            request = UPDATE_CUSTOMER.render({"id": identity, **changes}, client.settings)
            await client.send(request, timeout=left.left(), key=key)
        for contact in lacking(found.contacts, wanted["contacts"]):
            request = CREATE_CONTACT.render({"id": identity, **contact}, client.settings)
            await client.send(request, timeout=left.left(), key=key)
        return found

    async def output(
        self, client: ServiceTitanClient, found: _Found, wanted: dict[str, Any], left: Deadline
    ) -> dict[str, Any]:
        place = await _place(client, found.record.get("id"), wanted["address"], left)
        return _output(found.record, place)


def _as_new(wanted: Mapping[str, Any]) -> dict[str, Any]:
    address = wanted["address"]
    if address is None:
        raise Permanent(
            "customer.address: street, city, state and zip are needed to create a customer: hand over the address of a "
            "job with address: ${data.address}; without one a lead can be booked with book_lead"
        )
    location = {"name": wanted["name"], "address": address, "contacts": wanted["contacts"] or None}
    fields = {name: wanted[name] for name in ("name", "type", "address", "tagTypeIds", "externalData")}
    return dict(given({**fields, "contacts": wanted["contacts"] or None, "locations": [location]}))


async def _search(client: ServiceTitanClient, wanted: Mapping[str, Any], left: Deadline) -> _Found | None:
    external = external_filter(wanted["externalData"])
    shown: dict[str, Any] = {}
    if external is not None:
        key, value, filters = external
        shown = {"externalDataApplicationGuid": filters["externalDataApplicationGuid"]}
        for record in await first_page(client, LIST_CUSTOMERS, filters, left.left()):
            if carries(record, key, value):
                return _Found(record, await _contacts(client, record, left), sure=True)
    *phones, by_name = _filters(wanted)
    for by_phone in phones:
        hits = await first_page(client, LIST_CUSTOMERS, {**by_phone, **shown}, left.left())
        hits.sort(key=lambda hit: not same_text(hit.get("name"), wanted["name"]))
        for hit in hits[:MAX_HITS]:
            contacts = await _contacts(client, hit, left)
            reached = any(same_reach(one.get("value"), by_phone["phone"]) for one in contacts)
            own = tells_apart(by_phone["phone"]) or same_text(hit.get("name"), wanted["name"])
            if reached and own and not contradict(hit, wanted["name"]):
                return _Found(hit, contacts)
    named = await first_page(client, LIST_CUSTOMERS, {**by_name, **shown}, left.left())
    for hit in [hit for hit in named if same_text(hit.get("name"), wanted["name"])][:MAX_HITS]:
        contacts = await _contacts(client, hit, left)
        reached = len(lacking(contacts, wanted["contacts"])) < len(wanted["contacts"])
        if reached or same_place(hit.get("address"), wanted["address"]):
            return _Found(hit, contacts)
    return None


def _filters(wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A search by each phone number, then one by name."""
    numbers = [one["value"] for one in wanted["contacts"] if one["type"] != "Email"]
    return [*({"phone": number} for number in numbers[:MAX_NUMBERS]), {"name": wanted["name"]}]


async def _contacts(client: ServiceTitanClient, record: Mapping[str, Any], left: Deadline) -> list[dict[str, Any]]:
    return await first_page(client, LIST_CONTACTS, {"id": record.get("id"), "pageSize": 500}, left.left())


async def _place(
    client: ServiceTitanClient, customer: object, address: Mapping[str, Any] | None, left: Deadline
) -> object:
    """The customer's location at this address; without an address the only one there is."""
    places = await first_page(client, LIST_LOCATIONS, {"customerId": customer, "pageSize": 500}, left.left())
    places = [place for place in places if place.get("customerId") == customer]
    if address is not None:
        places = [place for place in places if same_place(place.get("address"), address)]
        return places[0].get("id") if places else None
    return places[0].get("id") if len(places) == 1 else None


def _changes(found: _Found, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The fields to write; contacts are records of their own."""
    record = found.record
    changes: dict[str, Any] = {}
    if found.sure and not same_text(record.get("name"), wanted["name"]):
        changes["name"] = wanted["name"]
    if wanted["kind"] and record.get("type") != wanted["kind"]:
        changes["type"] = wanted["kind"]
    tags = record.get("tagTypeIds") or []
    if missing := [tag for tag in wanted["tagTypeIds"] or () if tag not in tags]:
        changes["tagTypeIds"] = [*tags, *missing]
    external = wanted["externalData"]
    if external and not all(carries(record, one["key"], one["value"]) for one in external["externalData"]):
        changes["externalData"] = {**external, "patchMode": "Merge"}
    return changes


def _output(record: Any, place: object) -> dict[str, Any]:
    return {"id": record.get("id") if isinstance(record, dict) else None, "locationId": place}


UPSERT_CUSTOMER: Final[Action] = Upsert(
    Customers(),
    CUSTOMERS,
    "Find a customer by own key, phone or name, then create it or add what it lacks.",
    UPSERT_INPUTS,
)
