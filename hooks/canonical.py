"""Canonical objects: what ``data`` of an event holds, whichever vendor sent it.

Rule paths are checked against these models, so they are complete and closed: every field is declared, described and
optional, and nothing else is allowed. Phones are E.164 where they are US or Canadian numbers (else the text as given,
with ``phone_valid`` false), money is integer cents, instants are UTC text ending in ``Z``, status words lower_snake.
What a vendor sends beyond them stays reachable under ``raw``.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Canonical(BaseModel):
    """What all canonical objects share: closed, unchangeable, and dumped without nulls."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def dump(self) -> dict[str, Any]:
        """The object as JSON values: fields without a value are left out, lists stay, also empty ones."""
        return self.model_dump(mode="json", exclude_none=True)


class Address(Canonical):
    """A postal address."""

    id: str | None = Field(None, description="The vendor's id of the address.")
    type: str | None = Field(None, description="What the address is for: `service` or `billing`.")
    street: str | None = Field(None, description="Street and house number.")
    street_line_2: str | None = Field(None, description="Unit, suite, floor.")
    city: str | None = Field(None, description="City.")
    state: str | None = Field(None, description="State or province, as sent (`CO`).")
    zip: str | None = Field(None, description="ZIP or postal code, as text.")
    country: str | None = Field(None, description="Country, as sent (`US`).")
    one_line: str | None = Field(None, description="The address in one line: `18 Birch Rd, Golden, CO 80401`.")


class Phones(Canonical):
    """The phone numbers of a customer by their use, each E.164 where it is a US or Canadian number."""

    mobile: str | None = Field(None, description="Mobile number.")
    home: str | None = Field(None, description="Home number.")
    work: str | None = Field(None, description="Work number.")
    additional: list[str] = Field(default_factory=list, description="Further numbers.")


class Customer(Canonical):
    """A person or company that work is done for."""

    id: str | None = Field(None, description="The vendor's id of the customer.")
    first_name: str | None = Field(None, description="First name.")
    last_name: str | None = Field(None, description="Last name.")
    display_name: str | None = Field(None, description="First and last name, else the company.")
    company: str | None = Field(None, description="The customer's company.")
    customer_type: str | None = Field(None, description="The kind of customer, such as `residential` or `commercial`.")
    email: str | None = Field(None, description="The first e-mail address.")
    emails: list[str] = Field(default_factory=list, description="All e-mail addresses.")
    phone: str | None = Field(None, description="The first of mobile, home and work number: E.164, or text as given.")
    phone_valid: bool | None = Field(None, description="Whether `phone` is a US or Canadian number, and so E.164.")
    phone_extension: str | None = Field(None, description="The extension that came with `phone`.")
    phones: Phones | None = Field(None, description="All phone numbers by their use.")
    addresses: list[Address] = Field(default_factory=list, description="All addresses.")
    address: Address | None = Field(None, description="The service address, else the first one.")
    tags: list[str] = Field(default_factory=list, description="Tags.")
    notes: str | None = Field(None, description="Notes about the customer.")
    lead_source: str | None = Field(None, description="Where the customer came from.")
    notifications: bool | None = Field(None, description="Whether the customer wants to be notified.")
    created_at: str | None = Field(None, description="When the vendor created the record.")
    updated_at: str | None = Field(None, description="When the vendor last changed the record.")


class Employee(Canonical):
    """Somebody who works for the company: technician, office staff."""

    id: str | None = Field(None, description="The vendor's id of the employee.")
    first_name: str | None = Field(None, description="First name.")
    last_name: str | None = Field(None, description="Last name.")
    display_name: str | None = Field(None, description="First and last name.")
    email: str | None = Field(None, description="E-mail address.")
    phone: str | None = Field(None, description="Mobile number: E.164, or text as given.")
    phone_valid: bool | None = Field(None, description="Whether `phone` is a US or Canadian number, and so E.164.")
    role: str | None = Field(None, description="Role, such as `field_tech`.")
    color: str | None = Field(None, description="Colour on the vendor's calendar.")
    tags: list[str] = Field(default_factory=list, description="Tags.")
    created_at: str | None = Field(None, description="When the vendor created the record.")


class LineItem(Canonical):
    """One line of a job, an invoice or an estimate option."""

    id: str | None = Field(None, description="The vendor's id of the line.")
    name: str | None = Field(None, description="Name of the service or part.")
    description: str | None = Field(None, description="Description.")
    type: str | None = Field(None, description="Kind of line, such as `labor` or `materials`.")
    quantity: int | float | None = Field(None, description="Quantity.")
    unit_price_cents: int | None = Field(None, description="Price of one, in cents.")
    unit_cost_cents: int | None = Field(None, description="Cost of one, in cents.")
    total_cents: int | None = Field(None, description="Total of the line, in cents.")


class Adjustment(Canonical):
    """A tax or a discount of an invoice."""

    name: str | None = Field(None, description="Name.")
    description: str | None = Field(None, description="Description.")
    rate: int | float | None = Field(None, description="Rate as the vendor sends it.")
    amount_cents: int | None = Field(None, description="Amount in cents.")


class Conversion(Canonical):
    """What a lead became."""

    id: str | None = Field(None, description="The vendor's id of the job or estimate.")
    type: str | None = Field(None, description="`job` or `estimate`.")


class Lead(Canonical):
    """Somebody who asked for work, not yet won."""

    id: str | None = Field(None, description="The vendor's id of the lead.")
    number: str | None = Field(None, description="The lead's number for people, as text.")
    customer: Customer | None = Field(None, description="Who asked.")
    address: Address | None = Field(None, description="Where the work would be.")
    lead_source: str | None = Field(None, description="Where the lead came from.")
    status: str | None = Field(None, description="`open`, `won` or `lost`.")
    pipeline_status: str | None = Field(None, description="The column of the vendor's pipeline the lead is in.")
    note: str | None = Field(None, description="What the person wrote, or a note about the lead.")
    tags: list[str] = Field(default_factory=list, description="Tags.")
    employee: Employee | None = Field(None, description="Who is assigned to the lead.")
    conversions: list[Conversion] = Field(default_factory=list, description="What the lead became.")
    total_cents: int | None = Field(None, description="Expected value in cents.")
    lost_at: str | None = Field(None, description="When the lead was lost.")
    created_at: str | None = Field(None, description="When the vendor created the record.")
    updated_at: str | None = Field(None, description="When the vendor last changed the record.")


class Appointment(Canonical):
    """One visit of a job."""

    id: str | None = Field(None, description="The vendor's id of the appointment.")
    job_id: str | None = Field(None, description="The vendor's id of the job.")
    scheduled_start_at: str | None = Field(None, description="Planned start.")
    scheduled_end_at: str | None = Field(None, description="Planned end.")
    arrival_window_minutes: int | None = Field(None, description="How long after the start the arrival may be.")
    employees: list[Employee] = Field(default_factory=list, description="Who is sent.")


class Job(Canonical):
    """A piece of work for a customer."""

    id: str | None = Field(None, description="The vendor's id of the job.")
    number: str | None = Field(None, description="The job's number for people, as text.")
    description: str | None = Field(None, description="What is to be done.")
    customer: Customer | None = Field(None, description="For whom.")
    address: Address | None = Field(None, description="Where.")
    status: str | None = Field(None, description="Status, such as `needs_scheduling` or `complete_unrated`.")
    job_type: str | None = Field(None, description="The job's type in the vendor's settings.")
    business_unit: str | None = Field(None, description="The business unit the job belongs to.")
    tags: list[str] = Field(default_factory=list, description="Tags.")
    note: str | None = Field(None, description="All notes of the job, one a line.")
    line_items: list[LineItem] = Field(default_factory=list, description="Services and parts.")
    total_cents: int | None = Field(None, description="Total in cents.")
    subtotal_cents: int | None = Field(None, description="Total before taxes and discounts, in cents.")
    balance_cents: int | None = Field(None, description="What is still to be paid, in cents.")
    scheduled_start_at: str | None = Field(None, description="Planned start.")
    scheduled_end_at: str | None = Field(None, description="Planned end.")
    arrival_window_minutes: int | None = Field(None, description="How long after the start the arrival may be.")
    appointments: list[Appointment] = Field(default_factory=list, description="The visits of the job.")
    on_my_way_at: str | None = Field(None, description="When the technician set off.")
    started_at: str | None = Field(None, description="When the work began.")
    completed_at: str | None = Field(None, description="When the work was finished.")
    canceled_at: str | None = Field(None, description="When the job was canceled.")
    deleted_at: str | None = Field(None, description="When the job was deleted.")
    employees: list[Employee] = Field(default_factory=list, description="Who is assigned.")
    estimate_id: str | None = Field(None, description="The estimate the job was made from.")
    lead_source: str | None = Field(None, description="Where the job came from.")
    created_at: str | None = Field(None, description="When the vendor created the record.")
    updated_at: str | None = Field(None, description="When the vendor last changed the record.")


class EstimateOption(Canonical):
    """One of the offers of an estimate."""

    id: str | None = Field(None, description="The vendor's id of the option.")
    name: str | None = Field(None, description="Name.")
    number: str | None = Field(None, description="The option's number for people, as text.")
    total_cents: int | None = Field(None, description="Total in cents.")
    approval_status: str | None = Field(None, description="The customer's answer, such as `approved` or `declined`.")
    status: str | None = Field(None, description="Status, such as `submitted_for_signoff`.")
    message: str | None = Field(None, description="The company's message to the customer.")
    tags: list[str] = Field(default_factory=list, description="Tags.")
    note: str | None = Field(None, description="All notes of the option, one a line.")
    line_items: list[LineItem] = Field(default_factory=list, description="Services and parts.")
    created_at: str | None = Field(None, description="When the vendor created the option.")
    updated_at: str | None = Field(None, description="When the vendor last changed the option.")


class Estimate(Canonical):
    """An offer to a customer, with one or more options."""

    id: str | None = Field(None, description="The vendor's id of the estimate.")
    number: str | None = Field(None, description="The estimate's number for people, as text.")
    customer: Customer | None = Field(None, description="For whom.")
    address: Address | None = Field(None, description="Where.")
    status: str | None = Field(None, description="Status of the visit, such as `scheduled`.")
    job_type: str | None = Field(None, description="The job type in the vendor's settings.")
    business_unit: str | None = Field(None, description="The business unit the estimate belongs to.")
    options: list[EstimateOption] = Field(default_factory=list, description="The offers.")
    scheduled_start_at: str | None = Field(None, description="Planned start of the visit.")
    scheduled_end_at: str | None = Field(None, description="Planned end of the visit.")
    arrival_window_minutes: int | None = Field(None, description="How long after the start the arrival may be.")
    on_my_way_at: str | None = Field(None, description="When the estimator set off.")
    started_at: str | None = Field(None, description="When the visit began.")
    completed_at: str | None = Field(None, description="When the visit was finished.")
    employees: list[Employee] = Field(default_factory=list, description="Who is assigned.")
    lead_source: str | None = Field(None, description="Where the estimate came from.")
    created_at: str | None = Field(None, description="When the vendor created the record.")
    updated_at: str | None = Field(None, description="When the vendor last changed the record.")


class Payment(Canonical):
    """Money received, or tried to."""

    id: str | None = Field(None, description="The vendor's id of the payment.")
    invoice_id: str | None = Field(None, description="The vendor's id of the invoice.")
    amount_cents: int | None = Field(None, description="Amount in cents.")
    method: str | None = Field(None, description="How it was paid, such as `card`, `cash`, `check`.")
    status: str | None = Field(None, description="`succeeded`, `pending`, `failed` or `refunded`.")
    category: str | None = Field(None, description="Kind of payment, such as `customer_payment`.")
    note: str | None = Field(None, description="Note.")
    paid_at: str | None = Field(None, description="When it was paid.")


class Invoice(Canonical):
    """A bill for a job."""

    id: str | None = Field(None, description="The vendor's id of the invoice.")
    number: str | None = Field(None, description="The invoice's number for people, as text.")
    status: str | None = Field(None, description="Status, such as `open`, `sent` or `paid`.")
    job_id: str | None = Field(None, description="The vendor's id of the job.")
    customer_id: str | None = Field(None, description="The vendor's id of the customer, where it sends one.")
    customer: Customer | None = Field(None, description="Who is billed, where the vendor sends it.")
    total_cents: int | None = Field(None, description="Total in cents.")
    subtotal_cents: int | None = Field(None, description="Total before taxes and discounts, in cents.")
    balance_cents: int | None = Field(None, description="What is still to be paid, in cents.")
    items: list[LineItem] = Field(default_factory=list, description="What is billed.")
    taxes: list[Adjustment] = Field(default_factory=list, description="Taxes.")
    discounts: list[Adjustment] = Field(default_factory=list, description="Discounts.")
    payments: list[Payment] = Field(default_factory=list, description="Payments so far.")
    invoiced_at: str | None = Field(None, description="Date of the invoice.")
    service_at: str | None = Field(None, description="Date of the service.")
    due_at: str | None = Field(None, description="When it is due.")
    sent_at: str | None = Field(None, description="When it was sent.")
    paid_at: str | None = Field(None, description="When it was paid.")
    created_at: str | None = Field(None, description="When the vendor created the record.")
    updated_at: str | None = Field(None, description="When the vendor last changed the record.")
