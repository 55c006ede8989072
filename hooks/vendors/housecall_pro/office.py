"""Deliver: Housecall Pro's estimates, invoices, people, settings, pipeline and webhooks."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from hooks.kit.operations import Operation, Spec
from hooks.ports import Action

from . import models
from .lookups import by_fields, in_option
from .models import PAGE, PLANNED, takes
from .rows import deletion, listing, row

ESTIMATE: Final = "/estimates/{estimate_id}"
OPTION: Final = ESTIMATE + "/options/{option_id}"
_INVOICE_STATUS = Literal["draft", "sent", "paid", "voided", "canceled"]

_EXPAND: dict[str, Spec] = {"expand": (list[Literal["attachments"]], "What else to show.")}
GET_ESTIMATE = row("get_estimate", "GET", ESTIMATE, "Get an estimate.", "estimate_id expand?", meaning=_EXPAND)
LIST_ESTIMATES = listing(
    "list_estimates",
    "/estimates",
    "List estimates.",
    PLANNED,
    meaning={"sort_by": (Literal["created_at", "updated_at", "id"], "The field to sort by."), **_EXPAND},
)

ESTIMATES: tuple[Action, ...] = (
    LIST_ESTIMATES,
    row(
        "create_estimate",
        "POST",
        "/estimates",
        "Create an estimate with its options.",
        "customer_id? estimate_number? note? message? assigned_employee_ids? address_id? address? lead_source? options?"
        " tax? schedule? estimate_fields?",
        meaning={"schedule": (models.EstimateSchedule, "When it is made on site.")},
        find=by_fields(
            LIST_ESTIMATES, "estimates", "estimate_number", needs="estimate_number", customer_id="customer_id"
        ),
    ),
    GET_ESTIMATE,
    row(
        "create_estimate_option",
        "POST",
        ESTIMATE + "/options",
        "Add an option to an estimate.",
        "estimate_id name tags? line_items? tax?",
        find=in_option(GET_ESTIMATE, "options", "name"),
    ),
    row(
        "add_estimate_option_note",
        "POST",
        OPTION + "/notes",
        "Add a note to an option.",
        "estimate_id option_id content",
        find=in_option(GET_ESTIMATE, "notes", "content"),
    ),
    deletion(
        "delete_estimate_option_note",
        OPTION + "/notes/{note_id}",
        "Delete a note of an option.",
        "estimate_id option_id note_id",
    ),
    row(
        "update_estimate_option_schedule",
        "PUT",
        OPTION + "/schedule",
        "Plan or move an option.",
        "estimate_id option_id start_time end_time? arrival_window_in_minutes? notify? notify_pro?"
        " dispatched_employees?",
    ),
    row(
        "create_estimate_option_link",
        "POST",
        OPTION + "/links",
        "Add a link to an option.",
        "estimate_id option_id title url",
    ),
    row(
        "add_estimate_option_attachment",
        "POST",
        OPTION + "/attachments",
        "Add a file to an option.",
        "estimate_id option_id file",
        body="multipart",
    ),
    row(
        "list_estimate_option_line_items",
        "GET",
        OPTION + "/line_items",
        "List the lines of an option.",
        f"estimate_id option_id {PAGE}",
    ),
    row(
        "bulk_update_estimate_option_line_items",
        "PUT",
        OPTION + "/line_items/bulk_update",
        "Change and add lines of an option; lines without an id are added.",
        "estimate_id option_id line_items",
        meaning={"line_items": (Annotated[list[models.ChangedLineItem], Field(min_length=1)], "The lines.")},
        harmless=False,
        unknown="hold",
    ),
    row(
        "approve_estimate_options",
        "POST",
        "/estimates/options/approve",
        "Approve options for the customer.",
        "option_ids",
        harmless=True,
    ),
    row(
        "decline_estimate_options",
        "POST",
        "/estimates/options/decline",
        "Decline options for the customer.",
        "option_ids",
        harmless=True,
    ),
)

INVOICES: tuple[Action, ...] = (
    listing(
        "list_invoices",
        "/invoices",
        "List invoices.",
        "status? customer_uuid? created_at_min? created_at_max? due_at_min? due_at_max? paid_at_min? paid_at_max?"
        " amount_due_min? amount_due_max? payment_method? location_ids?",
        meaning={"status": (list[str], "Only those in these states.")},
    ),
    row(
        "create_invoice",
        "POST",
        "/invoices",
        "Create an invoice.",
        "job_id? customer_id? invoice_number? amount? status? due_at?",
        meaning={
            "status": (_INVOICE_STATUS, "Status."),
            "invoice_number": (str, "The invoice's number for people."),
        },
        seed_only=True,
    ),
    row(
        "get_invoice",
        "GET",
        "/invoices/{invoice_id}",
        "Get an invoice; the vendor's own document has `get_invoice_by_uuid`.",
        "invoice_id",
        seed_only=True,
    ),
    row("get_invoice_by_uuid", "GET", "/api/invoices/{uuid}", "Get an invoice by its UUID.", "uuid"),
    row(
        "list_invoice_payments",
        "GET",
        "/invoices/{invoice_id}/payments",
        "List an invoice's payments; the vendor has them inside the invoice.",
        "invoice_id",
        seed_only=True,
    ),
)


_FILTERS: Final = {
    "q": (str, "Text that is searched in names."),
    "name": (str, "Only those of this name."),
    "address": (str, "Only those that this address lies in."),
}


def named(kind: str, path: str, *, filters: str = "", plural: str = "") -> tuple[Operation, ...]:
    """List, create and update of a kind of setting that is no more than a name; ``filters`` are those of the list."""
    shown = kind.replace("_", " ")
    every = listing(f"list_{kind}s", path, f"List {shown}s.", filters, plural=plural, meaning=_FILTERS)
    made = by_fields(every, plural or path.rpartition("/")[2], "name")
    identity = f"{kind}_id"
    return (
        every,
        row(f"create_{kind}", "POST", path, f"Create a {shown}.", "name", find=made),
        row(f"update_{kind}", "PUT", f"{path}/{{{identity}}}", f"Rename a {shown}.", f"{identity} name"),
    )


COMPANY: tuple[Action, ...] = (
    listing("list_employees", "/employees", "List employees.", "location_ids?"),
    row("get_employee", "GET", "/employees/{employee_id}", "Get an employee.", "employee_id", seed_only=True),
    row(
        "list_companies",
        "GET",
        "/companies",
        "List companies; the vendor's own document has `get_company`.",
        seed_only=True,
    ),
    row("get_company", "GET", "/company", "Get the company with its locations."),
    row("get_schedule_availability", "GET", "/company/schedule_availability", "Get the company's working hours."),
    row(
        "list_booking_windows",
        "GET",
        "/company/schedule_availability/booking_windows",
        "List free times.",
        "show_for_days? start_date? service_id? service_duration? price_form_id? employee_ids?",
    ),
    row(
        "update_schedule_availability",
        "PUT",
        "/company/schedule_availability",
        "Set the company's working hours.",
        "availability_buffer_in_days daily_schedule_windows",
    ),
    *named("lead_source", "/lead_sources", filters="q?"),
    *named("tag", "/tags"),
    *named("job_type", "/job_fields/job_types", filters="name?"),
    listing("list_events", "/events", "List the events of the calendar.", "location_ids?"),
    row("get_event", "GET", "/events/{event_id}", "Get an event of the calendar.", "event_id"),
    row("list_routes", "GET", "/routes", "List routes.", "date? page? per_page?"),
    row(
        "list_checklists",
        "GET",
        "/checklists",
        "List the checklists of jobs and estimates.",
        takes("ListChecklists", "job_uuids? estimate_uuids? page? per_page?", base=models.NamesWork),
    ),
    row(
        "list_service_zones",
        "GET",
        "/service_zones",
        "List service zones.",
        f"zip_code? address? {PAGE}",
        meaning=_FILTERS,
    ),
    row(
        "list_pipeline_statuses",
        "GET",
        "/pipeline/statuses",
        "List the columns of the pipeline.",
        f"resource_type {PAGE}",
    ),
    row(
        "update_pipeline_status",
        "PUT",
        "/pipeline/statuses",
        "Move a lead, job or estimate forward in the pipeline.",
        "resource_type resource_id status_id",
    ),
    row("get_application", "GET", "/application", "Get the state of the application (partner key)."),
    row("enable_application", "POST", "/application/enable", "Switch the application on (partner key).", harmless=True),
    row(
        "disable_application",
        "POST",
        "/application/disable",
        "Switch the application off (partner key).",
        harmless=True,
    ),
    row(
        "list_webhooks",
        "GET",
        "/webhooks",
        "List webhook subscriptions; the vendor's own document has no list.",
        seed_only=True,
    ),
    row(
        "create_webhook",
        "POST",
        "/webhooks",
        "Subscribe an address; the vendor's own document has `create_webhook_subscription`.",
        "url? events?",
        seed_only=True,
    ),
    deletion(
        "delete_webhook",
        "/webhooks/{webhook_id}",
        "End a subscription; the vendor's own document has `delete_webhook_subscription`.",
        "webhook_id",
        seed_only=True,
    ),
    row(
        "create_webhook_subscription",
        "POST",
        "/webhooks/subscription",
        "Switch webhooks on: they go to the address that is registered for the application.",
        harmless=True,
    ),
    deletion("delete_webhook_subscription", "/webhooks/subscription", "Switch webhooks off."),
)

ACTIONS: tuple[Action, ...] = (*ESTIMATES, *INVOICES, *COMPANY)
