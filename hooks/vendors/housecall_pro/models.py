"""What Housecall Pro's operations take, in the vendor's own field names: words, objects, and the vocabulary of fields.

Source: the vendor's API description and the profile that the first list of operations came from (read 2026-05). Money
is integer cents, times are ISO 8601 in UTC, ids are text with a prefix (``cus_``, ``job_``, ``lea_``, ``csr_``...).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from hooks.kit.operations import File, Inputs, Instant, Number, Spec, make_inputs

Text = Annotated[str, Field(min_length=1)]


def _as_number(value: int | str) -> int | str:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


Numbered = Annotated[int | Text, AfterValidator(_as_number)]
"""A number for people: the vendor takes whole numbers and shows text, so text of digits is sent as a number."""

Cents = int
Direction = Literal["asc", "desc"]
LineKind = Literal["materials", "labor", "fixed gratuity", "fixed discount", "percent discount"]
WorkFilter = Literal["unscheduled", "scheduled", "in_progress", "completed", "canceled"]
WorkStatus = Literal[
    "unscheduled", "scheduled", "in_progress", "complete", "completed_unrated", "user_canceled", "pro_canceled"
]


class Address(Inputs):
    """A postal address."""

    street: str | None = Field(None, description="Street and house number.")
    street_line_2: str | None = Field(None, description="Unit or apartment.")
    city: str | None = Field(None, description="City.")
    state: str | None = Field(None, description="State, such as `CO`.")
    zip: str | None = Field(None, description="ZIP code, as text.")
    country: str | None = Field(None, description="Country, such as `US`.")


class Customer(Inputs):
    """A new customer."""

    first_name: str | None = Field(None, description="First name.")
    last_name: str | None = Field(None, description="Last name.")
    email: str | None = Field(None, description="E-mail address.")
    company: str | None = Field(None, description="The customer's company.")
    notifications_enabled: bool | None = Field(None, description="Whether the customer is notified.")
    mobile_number: str | None = Field(None, description="Mobile number, ten digits.")
    home_number: str | None = Field(None, description="Home number, ten digits.")
    work_number: str | None = Field(None, description="Work number, ten digits.")
    tags: list[str] | None = Field(None, description="Tags.")
    lead_source: str | None = Field(None, description="Where the customer came from.")
    notes: str | None = Field(None, description="Notes about the customer.")
    addresses: list[Address] | None = Field(None, description="Addresses.")


class LineItem(Inputs):
    """A service or part."""

    name: Text = Field(description="Name of the service or part.")
    description: str | None = Field(None, description="Description.")
    kind: LineKind | None = Field(None, description="Kind of line.")
    quantity: Number | None = Field(None, description="Quantity, two decimals at most.")
    unit_price: Cents | None = Field(None, description="Price of one, in cents.")
    unit_cost: Cents | None = Field(None, description="Cost of one, in cents.")


class JobLineItem(Inputs):
    """A service or part of a new job."""

    name: Text = Field(description="Name of the service or part.")
    description: str | None = Field(None, description="Description.")
    unit_price: Cents | None = Field(None, description="Price of one, in cents.")
    quantity: Number | None = Field(None, description="Quantity, two decimals at most.")
    unit_cost: Cents | None = Field(None, description="Cost of one, in cents.")
    pricing_form: dict[str, Any] | None = Field(None, description="The pricing form, as the vendor spells it.")


class ChangedLineItem(LineItem):
    """A line of a job with its new values."""

    id: str | None = Field(None, description="The line's id; without one a line is added.")
    taxable: bool | None = Field(None, description="Whether it is taxed.")


class Schedule(Inputs):
    """When a new job is done."""

    scheduled_start: Instant | None = Field(None, description="Planned start.")
    scheduled_end: Instant | None = Field(None, description="Planned end.")
    arrival_window: int | None = Field(None, ge=0, description="Arrival window in minutes.")
    anytime: bool | None = Field(None, description="At any time of a day.")
    anytime_start_date: str | None = Field(None, description="That day, such as `2026-05-06`; needed with `anytime`.")

    @model_validator(mode="after")
    def _names_its_day(self) -> Self:
        if self.anytime and not self.anytime_start_date:
            raise ValueError("anytime needs an anytime_start_date")
        return self


class EstimateSchedule(Inputs):
    """When an estimate is made on site."""

    start_time: Instant | None = Field(None, description="Planned start.")
    end_time: Instant | None = Field(None, description="Planned end.")
    arrival_window_in_minutes: int | None = Field(None, ge=0, description="Arrival window in minutes.")
    notify_customer: bool | None = Field(None, description="Whether the customer is told.")


class Tax(Inputs):
    """How an estimate or one of its options is taxed."""

    taxable: bool | None = Field(None, description="Whether it is taxed.")
    tax_rate: Number | None = Field(
        None, description="The rate; of an option as a fraction, such as 0.0825, and needed with `taxable`."
    )
    tax_name: str | None = Field(None, description="The tax's name; of an option needed with `taxable`.")


class InputMaterial(Inputs):
    """Material that a job takes."""

    uuid: str | None = Field(None, description="The entry's id; without one an entry is added.")
    name: Text = Field(description="Name of the material.")
    description: str | None = Field(None, description="Description.")
    part_number: str | None = Field(None, description="Part number.")
    unit_cost: Cents | None = Field(None, description="Cost of one, in cents.")
    quantity: Number | None = Field(None, description="Quantity, two decimals at most.")


class Hours(Inputs):
    """From when to when."""

    start_time: Text = Field(description="When it begins, as the vendor spells times of day.")
    end_time: Text = Field(description="When it ends.")


class DayOfHours(Inputs):
    """The hours of one day of the week."""

    day_name: Text = Field(description="The day's name.")
    schedule_windows: list[Hours] = Field(description="Its hours.")


class Kinds(Inputs):
    """The job type and the business unit."""

    job_type_id: str | None = Field(None, description="The job type's id.")
    business_unit_id: str | None = Field(None, description="The business unit's id.")


class Option(Inputs):
    """One of the offers of a new estimate."""

    name: Text = Field(description="Its name.")
    tags: list[str] | None = Field(None, description="Tags.")
    line_items: list[LineItem] | None = Field(None, description="Services and parts.")


class Dispatched(Inputs):
    """Who is sent."""

    employee_id: Text = Field(description="The employee's id.")


class NamesCustomer(Inputs):
    """Inputs that name a customer by id or bring a new one."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if getattr(self, "customer_id", None) is None and getattr(self, "customer", None) is None:
            raise ValueError("customer_id or customer is needed")
        return self


class NamesWork(Inputs):
    """Inputs that name jobs or estimates."""

    @model_validator(mode="after")
    def _names_some(self) -> Self:
        if not getattr(self, "job_uuids", None) and not getattr(self, "estimate_uuids", None):
            raise ValueError("job_uuids or estimate_uuids is needed")
        return self


CUSTOMER = (
    "first_name? last_name? email? company? notifications_enabled? mobile_number? home_number? work_number? tags?"
    " lead_source? notes?"
)
PAGE = "page? page_size?"
SORT = "sort_by? sort_direction?"
PLANNED = (
    "scheduled_start_min? scheduled_start_max? scheduled_end_min? scheduled_end_max? customer_id? employee_ids?"
    " work_status? location_ids? expand?"
)
LINE = "description? unit_price? quantity? unit_cost? kind? taxable? service_item_id? service_item_type?"

FIELDS: dict[str, Spec] = {
    # ids
    **{
        f"{kind}_id": (Text, f"The {kind.replace('_', ' ')}'s id.")
        for kind in (
            *("customer", "address", "lead", "job", "line_item", "appointment", "note", "tag", "estimate", "option"),
            *("invoice", "employee", "webhook", "lead_source", "job_type", "event", "status", "resource"),
        )
    },
    "uuid": (Text, "The invoice's UUID."),
    "assigned_employee_id": (str, "Who is assigned."),
    "assigned_employee_ids": (list[str], "Who is assigned."),
    "dispatched_employees": (list[Dispatched], "Who is sent."),
    "dispatched_employees_ids": (list[str], "Who is sent."),
    "starting_at": (Instant, "The first time."),
    "ending_at": (Instant, "The last time."),
    "option_ids": (Annotated[list[str], Field(min_length=1)], "The options."),
    # lists
    "page": (Annotated[int, Field(ge=1)], "Page, from 1."),
    "page_size": (Annotated[int, Field(ge=1, le=200)], "Records per page, at most 200; 10 where not given."),
    "per_page": (Annotated[int, Field(ge=1, le=100)], "Records per page, at most 100."),
    "fetch_all": (bool, "Walk all pages, at most 10,000 records; `page` is then ignored."),
    "q": (str, "Text that is searched in names, e-mail addresses, mobile numbers and addresses."),
    "sort_by": (str, "The field to sort by: `created_at`, `updated_at`..."),
    "sort_direction": (Direction, "Direction; `desc` where not given."),
    "location_ids": (list[str], "Only these locations; void when the connection has a `company_id`."),
    "employee_ids": (list[str], "Only those of these employees."),
    "tag_ids": (list[str], "Only those with these tags."),
    "scheduled_start_min": (Instant, "Starts at or after this time."),
    "scheduled_start_max": (Instant, "Starts at or before this time."),
    "scheduled_end_min": (Instant, "Ends at or after this time."),
    "scheduled_end_max": (Instant, "Ends at or before this time."),
    "work_status": (list[WorkFilter], "Only those in these states."),
    "customer_uuid": (list[str], "Only those of these customers."),
    "created_at_min": (Instant, "Created at or after this time."),
    "created_at_max": (Instant, "Created at or before this time."),
    "due_at_min": (Instant, "Due at or after this time."),
    "due_at_max": (Instant, "Due at or before this time."),
    "paid_at_min": (Instant, "Paid at or after this time."),
    "paid_at_max": (Instant, "Paid at or before this time."),
    "amount_due_min": (Cents, "At least so much is due, in cents."),
    "amount_due_max": (Cents, "At most so much is due, in cents."),
    "payment_method": (list[str], "Only those paid so."),
    "resource_type": (Literal["lead", "job", "estimate"], "What moves through the pipeline."),
    # customers and leads
    "first_name": (str, "First name."),
    "last_name": (str, "Last name."),
    "email": (str, "E-mail address."),
    "company": (str, "The customer's company."),
    "notifications_enabled": (bool, "Whether the customer is notified."),
    "mobile_number": (str, "Mobile number, ten digits."),
    "home_number": (str, "Home number, ten digits."),
    "work_number": (str, "Work number, ten digits."),
    "tags": (list[str], "Tags."),
    "lead_source": (str, "Where it came from."),
    "notes": (str, "Notes."),
    "addresses": (list[Address], "Addresses."),
    "customer": (Customer, "A new customer, when there is no `customer_id`."),
    "address": (Address, "A new address, when there is no `address_id`."),
    "line_items": (list[LineItem], "Services and parts."),
    "note": (str, "A note."),
    "tax_name": (str, "The tax's name."),
    "tax_rate": (Number, "The rate in percent."),
    "street": (Text, "Street and house number."),
    "street_line_2": (str, "Unit or apartment."),
    "city": (Text, "City."),
    "state": (Text, "State, such as `CO`."),
    "zip": (Text, "ZIP code, as text."),
    "country": (Text, "Country, such as `US`."),
    "latitude": (Number, "Latitude."),
    "longitude": (Number, "Longitude."),
    "type": (Literal["estimate", "job"], "What the lead becomes."),
    # jobs, appointments, estimates
    "invoice_number": (Numbered, "The job's number for people; no two jobs may share one."),
    "schedule": (Schedule, "When it is done."),
    "job_fields": (Kinds, "Job type and business unit."),
    "description": (str, "Description."),
    "name": (Text, "Name."),
    "unit_price": (Cents, "Price of one, in cents."),
    "quantity": (Number, "Quantity, two decimals at most."),
    "unit_cost": (Cents, "Cost of one, in cents."),
    "kind": (LineKind, "Kind of line."),
    "taxable": (bool, "Whether it is taxed; true where not given."),
    "service_item_id": (str, "The price book item."),
    "service_item_type": (Literal["market_place", "organizational", "pricebook_material"], "Where that item is from."),
    "start_time": (Instant, "Planned start."),
    "end_time": (Instant, "Planned end."),
    "arrival_window_in_minutes": (Annotated[int, Field(ge=0)], "Arrival window in minutes."),
    "arrival_window_minutes": (Annotated[int, Field(ge=0)], "Arrival window in minutes."),
    "notify": (bool, "Whether the customer is told."),
    "notify_pro": (bool, "Whether the employees are told."),
    "content": (Text, "The text of the note."),
    "title": (Text, "What the link is called."),
    "url": (Text, "An address."),
    "file": (File, "The file: its name, media type and content in base64."),
    "estimate_number": (Numbered, "The estimate's number for people."),
    "message": (str, "The company's message to the customer."),
    "options": (list[Option], "The offers."),
    "tax": (Tax, "How it is taxed."),
    "estimate_fields": (Kinds, "Job type and business unit."),
    # invoices, webhooks
    "amount": (Cents, "Amount in cents."),
    "due_at": (Instant, "When it is due."),
    "status": (str, "Status."),
    "events": (list[str], "Names of events, such as `job.completed`."),
    "show_for_days": (Annotated[int, Field(ge=1)], "How many days to show."),
    "start_date": (str, "First time, such as `2026-05-06T08:00:00`."),
    "service_id": (str, "Only times of those who do this service, as long as it takes."),
    "service_duration": (Annotated[int, Field(ge=1)], "How long a time has to be, in minutes."),
    "price_form_id": (str, "Only times of those who are assigned to this price form."),
    "availability_buffer_in_days": (Number, "How many days ahead a booking must be."),
    "daily_schedule_windows": (list[DayOfHours], "The hours of each day."),
    "date": (str, "A day, such as `2026-05-06`; today where not given."),
    "zip_code": (str, "Only zones with this ZIP code."),
    "job_uuids": (list[str], "The jobs; these or `estimate_uuids` are needed."),
    "estimate_uuids": (list[str], "The estimates."),
    "append_line_items": (bool, "Keep the lines that are not named here; without it they are DELETED."),
    "job_input_materials": (Annotated[list[InputMaterial], Field(min_length=1)], "The entries."),
    # price book
    "material_category_uuid": (Text, "The category of materials."),
    "parent_uuid": (Text, "The category above; without it the topmost ones."),
    "price": (Cents, "Price of one, in cents."),
    "cost": (Cents, "Cost of one, in cents."),
    "unit_of_measure": (str, "Unit of measure, such as `each`."),
    "part_number": (str, "Part number."),
    "flat_rate_enabled": (bool, "Whether it has a flat rate."),
}


def takes(title: str, line: str, meaning: dict[str, Spec] | None = None, base: type[Inputs] = Inputs) -> type[Inputs]:
    """The inputs of an operation: a line of names; ``meaning`` is of names that mean something else there."""
    return make_inputs(title, line, FIELDS | (meaning or {}), base)
