"""What Homebase360's operations take, in the vendor's own field names and with the checks its document states.

Source: the API page, document version 1.0.0, and the request samples of version 1.2.0 (read 2026-05).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from hooks.kit.handed import HandedCustomer, HandedJob
from hooks.kit.operations import Inputs, Instant, Number

_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"

Phone = Annotated[str, StringConstraints(pattern=r"^(\+1[2-9]\d{9})?$")]
"""US or Canadian E.164 such as +13035550142, or empty."""

Money = Annotated[str, StringConstraints(pattern=r"^-?\d{1,10}(\.\d{1,4})?$")]
"""Decimal text such as "150.00"; never a number, which could not hold cents exactly."""


def _filled(lines: list[str]) -> list[str]:
    """Without the empty lines: the vendor's own sample has them, and they say nothing."""
    return [line.strip() for line in lines if line.strip()]


Lines = Annotated[list[str], AfterValidator(_filled)]
Emails = Annotated[
    list[Annotated[str, StringConstraints(pattern=rf"{_EMAIL}|^\s*$", max_length=320)]], AfterValidator(_filled)
]


class Phones(Inputs):
    """Phone numbers by their use."""

    mobile: Phone | None = Field(
        None, description="Mobile number, such as `+13035550142`; the one that customers are searched by."
    )
    home: Phone | None = Field(None, description="Home number, such as `+13035550142`.")
    work: Phone | None = Field(None, description="Work number, such as `+13035550142`.")
    additional: Phone | None = Field(None, description="One further number, such as `+13035550142`.")


class _CustomerFields(Inputs):
    firstName: str | None = Field(None, description="First name.")
    lastName: str | None = Field(None, description="Last name.")
    phone: Phones | None = Field(None, description="Phone numbers, US or Canadian, E.164 (+13035550142).")
    email: Emails | None = Field(None, description="E-mail addresses; on an update the complete new list.")
    address: Lines | None = Field(
        None, description="Postal addresses, one line each; on an update the complete new list."
    )
    notes: str | None = Field(None, description="Notes about the customer.")
    tags: list[str] | None = Field(None, description="Tags; on an update the complete new list.")
    notifications: bool | None = Field(None, description="Whether the customer is notified; true where not given.")


class CreateCustomer(_CustomerFields):
    """A new customer: a first or last name, and a phone number or an e-mail address."""

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if not (self.firstName or "").strip() and not (self.lastName or "").strip():
            raise ValueError("firstName or lastName is needed")
        numbers = self.phone.model_dump().values() if self.phone else ()
        if not any(numbers) and not self.email:
            raise ValueError("a number in phone or an address in email is needed")
        return self


class UpdateCustomer(_CustomerFields):
    """Changes to a customer; what is not given stays as it is."""

    customerId: str = Field(min_length=1, description="The customer's id.")


class GetCustomers(Inputs):
    """A search for customers. Give one filter at a time: versions of the API differ in how they combine them."""

    customerId: str | None = Field(None, description="One customer's id; other filters are then ignored.")
    phone: str | None = Field(None, description="The mobile number in E.164 (+13035550142).")
    email: str | None = Field(None, description="One of the customer's e-mail addresses.")
    identifiers: str | None = Field(None, description="Up to 100 ids, joined by commas (version 1.2.0).")
    limit: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="At most so many; 25 where not given.")


class GetJobs(Inputs):
    """A search for jobs. Without dates: the jobs of the server's current day."""

    jobId: str | None = Field(None, description="One job's id; dates are then ignored.")
    startDate: Instant | None = Field(None, description="Jobs that start at or after this time.")
    endDate: Instant | None = Field(
        None, description="Jobs that start at or before this time. Give both: a missing start means today's."
    )
    limit: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="At most so many; 50 where not given.")


class TaxRate(Inputs):
    """A tax of a line."""

    name: str = Field(description="The tax's name.")
    rate: Money = Field(description='Percent as text, such as "7.00".')


class LineItem(Inputs):
    """A service or part of a job."""

    name: str = Field(min_length=1, description="Name of the service or part.")
    description: str | None = Field(None, description="Description.")
    quantity: Number = Field(description="Quantity.")
    unitPrice: Money = Field(description='Price of one in dollars as text, such as "150.00".')
    taxRate: TaxRate | None = Field(None, description="The tax.")


class SalesPerson(Inputs):
    """Who won the job."""

    id: str = Field(min_length=1, description="The person's id.")


class LeadSource(Inputs):
    """Where the job came from: exactly one of the four."""

    online: bool | None = Field(None, description="It came over the web.")
    direct: bool | None = Field(None, description="It came directly.")
    other: bool | None = Field(None, description="It came in another way.")
    salesPerson: SalesPerson | None = Field(None, description="It was won by this person.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(1 for given in (self.online, self.direct, self.other, self.salesPerson) if given) > 1:
            raise ValueError("only one of online, direct, other and salesPerson can be given")
        return self


def _check_order(start: str | None, end: str | None) -> None:
    if start is not None and end is not None and datetime.fromisoformat(end) <= datetime.fromisoformat(start):
        raise ValueError("end must be after start")


class CreateJob(Inputs):
    """A new job of a customer."""

    customerId: str = Field(min_length=1, description="The customer's id; the customer must exist.")
    start: Instant = Field(description="When it starts.")
    end: Instant = Field(description="When it ends, after the start.")
    lineItems: list[LineItem] = Field(min_length=1, description="Services and parts, at least one.")
    note: str | None = Field(None, description="A note.")
    leadSource: LeadSource | None = Field(None, description="Where the job came from.")

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        _check_order(self.start, self.end)
        return self


class UpdateJob(Inputs):
    """Changes to a job; only these three fields can be changed."""

    jobId: str = Field(min_length=1, description="The job's id.")
    start: Instant | None = Field(None, description="New start.")
    end: Instant | None = Field(None, description="New end, after the start.")
    note: str | None = Field(None, description="New note.")

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        _check_order(self.start, self.end)
        return self


class UpsertCustomer(Inputs):
    """A canonical customer to be found, and created or brought up to date."""

    customer: HandedCustomer = Field(description="The customer as events hold it, such as `${data.customer}`.")
    tags: list[str] | None = Field(None, description="Further tags; tags that are there stay.")
    notes: str | None = Field(None, description="Notes that replace those that are there.")


class UpsertJob(Inputs):
    """A canonical job to be found, and created or brought up to date."""

    job: HandedJob = Field(description="The job as events hold it, such as `${data}` of `job.*`.")
    customerId: str = Field(min_length=1, description="The customer's id, such as `${steps.customer.customerId}`.")
    jobId: str | None = Field(
        None, min_length=1, description="The id of the job there, where it is known; it is then not searched by time."
    )
    start: Instant | None = Field(None, description="When it starts, instead of the job's own time.")
    end: Instant | None = Field(None, description="When it ends, instead of the job's own time.")
    lineItems: list[LineItem] | None = Field(
        None, min_length=1, description="Services and parts instead of the job's own; they cannot be changed later."
    )
    note: str | None = Field(None, description="A note that replaces the one that is there.")
    leadSource: LeadSource | None = Field(None, description="Where the job came from; not changed later.")
