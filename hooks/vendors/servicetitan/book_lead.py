"""Deliver: ``servicetitan.book_lead``, a lead as a booking, the one record that needs no ids of the tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from hooks.errors import Permanent
from hooks.events import Done, Request
from hooks.kit.handed import HandedCustomer, HandedLead
from hooks.kit.http import Deadline
from hooks.kit.operations import check_inputs, given
from hooks.ports import Action, Call, OnUnknown

from .client import ServiceTitanClient
from .crm import BOOKINGS, CREATE_BOOKING, LIST_BOOKINGS
from .lookups import find_booking
from .people import booking_of
from .vocabulary import takes

KEY_SHOWN: Final = "(the step's key)"
"""What is shown for ``externalId`` before the step has its key."""

_OWN = (
    "booking_provider? externalId? source? name? summary? isFirstTimeClient? customerType? start? campaignId?"
    " businessUnitId? jobTypeId? priority? isSendConfirmationEmail?"
)


BOOK_LEAD: Final = takes(
    "BookLead",
    f"lead? customer? {_OWN}",
    {
        "lead": (HandedLead, "The lead as events hold it, such as `${data}`."),
        "customer": (HandedCustomer, "The customer as events hold it; by default the lead's."),
        "externalId": (str, "Your own id of the booking; by default the step's key."),
        "isSendConfirmationEmail": (bool, "Whether the person is sent a confirmation."),
    },
)


@dataclass(frozen=True)
class BookLeadAction:
    """Book a canonical lead or customer. What is given beside it goes before what is read from it.

    Without ``externalId`` the step's key is used, which is the same over all tries. A booking that has it already is
    the output, and nothing is sent.
    """

    name: str = "book_lead"
    aliases: tuple[str, ...] = ()
    operation: str = "bookLead"
    method: str = "POST"
    path: str = BOOKINGS
    summary: str = "Book a lead or a customer as events hold it, unless it is booked already."
    inputs: type[BaseModel] = BOOK_LEAD
    repeatable: bool = False
    on_unknown: OnUnknown = "lookup"

    @property
    def from_connection(self) -> Mapping[str, str]:
        return CREATE_BOOKING.from_connection

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        return CREATE_BOOKING.render(self._booking(inputs, KEY_SHOWN), settings)

    async def send(self, client: ServiceTitanClient, call: Call) -> Done:
        left = Deadline(call.timeout)
        booking = self._booking(call.inputs, call.key)
        request = CREATE_BOOKING.render(booking, client.settings)
        found = await find_booking(client, LIST_BOOKINGS, booking, left.left())
        return found or await client.send(request, timeout=left.left(), key=call.key)

    async def lookup(self, client: ServiceTitanClient, call: Call) -> Done | None:
        return await find_booking(client, LIST_BOOKINGS, self._booking(call.inputs, call.key), call.timeout)

    def _booking(self, inputs: Mapping[str, Any], key: str) -> dict[str, Any]:
        fields = check_inputs(self.inputs, inputs).model_dump(mode="json", exclude_unset=True)
        lead, customer = fields.pop("lead", None), fields.pop("customer", None)
        if lead is None and customer is None:
            raise Permanent("lead: give the lead or the customer, such as `lead: ${data}`")
        lead = given(lead or {})
        person = given(customer or lead.get("customer") or {})
        booking = {"externalId": key, **booking_of(lead, person), **fields}
        if not booking.get("name"):
            raise Permanent("lead: names nobody: give `name`, or a customer with a name, a phone number or an e-mail")
        return booking


_: type[Action] = BookLeadAction
