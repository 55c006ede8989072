"""What Supergood's operations take. The vendor publishes which there are and what each is for, and no field names.

Names here are inferred from that (page read May 2026) in the spelling of its addresses; ``more`` carries any others, so
that a deployment's own documents can be followed to the letter.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from hooks.kit.operations import Inputs, Instant, Number, Spec, make_inputs

_MORE = (dict[str, Any], "Further fields, sent beside the others under these very names.")


class LineItem(Inputs):
    """One line of an invoice."""

    name: str = Field(min_length=1, description="Name of the service or part.")
    description: str | None = Field(None, description="Description.")
    quantity: Number = Field(1, description="Quantity.")
    unitPrice: int | None = Field(None, description="Price of one, in cents.")


FIELDS: dict[str, Spec] = {
    "page": (int, "Which page."),
    "pageSize": (int, "How many records a page holds."),
    "search": (str, "Text to search for."),
    "filters": (dict[str, str | int | float | bool], "Further filters, sent in the query under these very names."),
    "customerId": (str, "The customer's id."),
    "customer": (dict[str, Any], "The customer's fields, where there is no id yet."),
    "service": (str, "What is to be done."),
    "description": (str, "Details."),
    "scheduledStart": (Instant, "Planned start."),
    "scheduledEnd": (Instant, "Planned end."),
    "employeeIds": (list[str], "Ids of those who are sent."),
    "jobId": (Annotated[str, Field(min_length=1)], "The job's id."),
    "lineItems": (Annotated[list[LineItem], Field(min_length=1)], "What is billed."),
    "taxes": (list[dict[str, Any]], "Taxes."),
    "delivery": (str, "How the customer gets the invoice."),
    "invoiceId": (Annotated[str, Field(min_length=1)], "The invoice's id."),
    "amount": (Annotated[int, Field(ge=1)], "Amount in cents."),
    "method": (Literal["card", "cash", "check", "ach", "ACH"], "How it was paid; the page has `ACH` in capitals."),
    "reference": (str, "A number or note that names the payment."),
    "more": _MORE,
}

ListCustomers = make_inputs("ListCustomers", "page? pageSize? search? filters?", FIELDS)
CreateJob = make_inputs(
    "CreateJob",
    "customerId? customer? service description? scheduledStart? scheduledEnd? employeeIds? more?",
    FIELDS,
)
CreateInvoice = make_inputs("CreateInvoice", "jobId lineItems taxes? delivery? more?", FIELDS)
RecordPayment = make_inputs("RecordPayment", "invoiceId amount method reference? more?", FIELDS)
