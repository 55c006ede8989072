"""Deliver: ``homebase360.upsert_customer``: a canonical customer, found by phone and e-mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from hooks.errors import Permanent
from hooks.events import Request
from hooks.kit.http import Deadline
from hooks.kit.operations import check_inputs
from hooks.kit.upsert import Upsert
from hooks.ports import Action

from .client import Homebase360Client
from .customers import CREATE_CUSTOMER, GET_CUSTOMERS, UPDATE_CUSTOMER, check_searchable, filters, find_customer
from .models import UpsertCustomer
from .people import as_customer, changes, contradict, distinct, emails_of, named, numbers_of
from .rows import search


@dataclass(frozen=True, slots=True)
class Wanted:
    """A customer in the vendor's fields; ``notes`` are those that replace what is there."""

    fields: dict[str, Any]
    notes: str | None


class Customers:
    """Customers by phone and e-mail. The output is ``customerId``."""

    def wanted(self, inputs: Mapping[str, Any]) -> Wanted:
        given = check_inputs(UpsertCustomer, inputs)
        assert isinstance(given, UpsertCustomer)
        fields = as_customer(given.customer)
        if tags := distinct([*fields.get("tags", ()), *(given.tags or ())]):
            fields["tags"] = tags
        if given.notes is not None:
            fields["notes"] = given.notes
        if not numbers_of(fields) and not emails_of(fields):
            raise Permanent("customer: has neither a US or Canadian phone number nor an e-mail address")
        return Wanted(fields, given.notes)

    def request(self, wanted: Wanted, settings: BaseModel) -> Request:
        """The creation; for somebody without a name, who can only be found, the first search."""
        if not named(wanted.fields):
            return GET_CUSTOMERS.render(filters(wanted.fields)[0], settings)
        return CREATE_CUSTOMER.render(wanted.fields, settings)

    def check_searchable(self, wanted: Wanted) -> None:
        check_searchable(wanted.fields)

    async def by_id(self, client: Homebase360Client, identity: str, left: Deadline) -> dict[str, Any] | None:
        hits = await search(client, "/customers", {"customerId": identity}, left.left())
        return next((hit for hit in hits if hit.get("customerId") == identity), None)

    async def search(self, client: Homebase360Client, wanted: Wanted, left: Deadline) -> dict[str, Any] | None:
        return await find_customer(client, wanted.fields, left, lambda hit: not contradict(hit, wanted.fields))

    async def create(self, client: Homebase360Client, wanted: Wanted, left: Deadline, key: str) -> dict[str, Any]:
        if not named(wanted.fields):
            raise Permanent("customer: nobody there has this number or address, and a new customer needs a name")
        request = CREATE_CUSTOMER.render(wanted.fields, client.settings)
        return _output((await client.send(request, timeout=left.left(), key=key)).output)

    def complete(self, found: dict[str, Any], wanted: Wanted) -> bool:
        return not changes(found, wanted.fields, notes=wanted.notes)

    async def write(
        self, client: Homebase360Client, found: dict[str, Any], wanted: Wanted, left: Deadline, key: str
    ) -> dict[str, Any]:
        fields = changes(found, wanted.fields, notes=wanted.notes)
        request = UPDATE_CUSTOMER.render({"customerId": found.get("customerId"), **fields}, client.settings)
        await client.send(request, timeout=left.left(), key=key)
        return found

    async def output(
        self, client: Homebase360Client, found: dict[str, Any], wanted: Wanted, left: Deadline
    ) -> dict[str, Any]:
        return _output(found)


def _output(record: Any) -> dict[str, Any]:
    return {"customerId": record.get("customerId") if isinstance(record, dict) else None}


UPSERT_CUSTOMER: Action = Upsert(
    Customers(),
    "/customers",
    "Find a customer by phone and e-mail, then create it or write what has changed.",
    UpsertCustomer,
)
