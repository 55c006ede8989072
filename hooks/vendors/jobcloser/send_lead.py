"""Deliver: a canonical lead or customer as JobCloser's ``createlead`` takes it. Fields that say nothing are left out.

The vendor has no look-up for leads, so nothing is searched first, and an unknown outcome is held for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from hooks.errors import Permanent, Undecided
from hooks.events import Done, Request
from hooks.kit.handed import HandedCustomer, HandedLead
from hooks.kit.operations import Inputs, Operation, check_inputs
from hooks.ports import Action, Call, OnUnknown

from .client import JobCloserClient

_PARTS = {"Address1": "street", "Address2": "street_line_2", "City": "city", "State": "state", "Zip": "zip"}


class SendLead(Inputs):
    """A canonical lead, or the customer alone."""

    lead: HandedLead | None = Field(None, description="The lead as events hold it, such as `${data}` of `lead.*`.")
    customer: HandedCustomer | None = Field(
        None, description="The customer as events hold it; beside a lead it takes the place of the lead's own."
    )
    CustomerType: str | None = Field(None, description="Instead of the customer's own type.")
    ReferredBy: str | None = Field(None, description="Instead of the lead's own source.")

    @model_validator(mode="after")
    def _is_about_somebody(self) -> Self:
        if self.lead is None and self.customer is None:
            raise ValueError("lead or customer is needed")
        return self


def as_contact(lead: Mapping[str, Any], customer: Mapping[str, Any]) -> dict[str, str]:
    """The vendor's fields for a lead (or nothing) and its customer; what they do not have is left out.

    ``Name``, which the vendor demands, is the display name, else first and last name, else the company, else what is
    there to reach the person by: a lead without a name is still worth a call. The service address goes into ``Job...``,
    the billing address into ``Billing...``.
    """
    places = list(_places(lead, customer))
    named = " ".join(filter(None, (_text(customer, "first_name"), _text(customer, "last_name"))))
    email = _text(customer, "email") or _first(customer.get("emails"))
    phone = _phone(customer) or _any_phone(customer.get("phones"))
    fields = {
        "Name": _text(customer, "display_name") or named or _text(customer, "company") or email or phone,
        "Email": email,
        "Phone": phone,
        **_address("Job", next((one for one in places if one.get("type") != "billing"), {})),
        **_address("Billing", next((one for one in places if one.get("type") == "billing"), {})),
        "CustomerType": _text(customer, "customer_type"),
        "ReferredBy": _text(lead, "lead_source") or _text(customer, "lead_source"),
    }
    return {name: value for name, value in fields.items() if value}


def _places(lead: Mapping[str, Any], customer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All addresses, the lead's first, and among the customer's those for service first."""
    listed = customer.get("addresses")
    several = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, Sequence) else []
    several.sort(key=lambda one: one.get("type") != "service")
    for place in (lead.get("address"), customer.get("address"), *several):
        if isinstance(place, Mapping):
            yield place


def _address(prefix: str, place: Mapping[str, Any]) -> dict[str, str]:
    found = {prefix + part: _text(place, name) for part, name in _PARTS.items()}
    if place and not any(found.values()):
        found[prefix + "Address1"] = _text(place, "one_line")
    return found


def _phone(customer: Mapping[str, Any]) -> str:
    """The first number, with its extension: the vendor takes any text."""
    number, extension = _text(customer, "phone"), _text(customer, "phone_extension")
    return f"{number} x{extension}" if number and extension else number


def _any_phone(phones: object) -> str:
    if not isinstance(phones, Mapping):
        return ""
    return next(filter(None, (_text(phones, use) for use in ("mobile", "home", "work"))), "") or _first(
        phones.get("additional")
    )


def _first(texts: object) -> str:
    several = texts if isinstance(texts, (list, tuple)) else ()
    return next((text.strip() for text in several if isinstance(text, str) and text.strip()), "")


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value.strip() if isinstance(value, str) else ""


@dataclass(frozen=True)
class SendLeadAction:
    """``create_lead`` with its fields filled from canonical objects. The output is the record that the vendor made."""

    creates: Operation
    name: str = "send_lead"
    aliases: tuple[str, ...] = ()
    operation: str = "createlead"
    method: str = "POST"
    path: str = "/api/zapier/createlead"
    summary: str = "Create a lead of a lead or a customer as events hold it."
    inputs: type[BaseModel] = SendLead
    repeatable: bool = False
    on_unknown: OnUnknown = "hold"

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        given = check_inputs(self.inputs, inputs)
        assert isinstance(given, SendLead)
        lead = given.lead or {}
        whose = given.customer if given.customer is not None else lead.get("customer")
        # A customer where a lead was expected is understood too: it has no `customer` of its own.
        customer = whose if isinstance(whose, Mapping) else lead
        fields = as_contact(lead, customer)
        if not fields.get("Name"):
            raise Permanent("lead: has no name, company, e-mail address or phone number; JobCloser needs a Name")
        chosen = {"CustomerType": given.CustomerType, "ReferredBy": given.ReferredBy}
        return self.creates.render({**fields, **{name: value for name, value in chosen.items() if value}}, settings)

    async def send(self, client: JobCloserClient, call: Call) -> Done:
        request = call.request or self.render(call.inputs, client.settings)
        return await client.send(request, timeout=call.timeout, key=call.key)

    async def lookup(self, client: JobCloserClient, call: Call) -> Done | None:
        """Asked only where a rule says ``on_unknown: lookup``."""
        raise Undecided("JobCloser has no list of leads: only you can say whether it is there")


_: type[Action] = SendLeadAction
