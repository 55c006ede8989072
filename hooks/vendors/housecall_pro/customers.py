"""Deliver: Housecall Pro's customers and their addresses, and its leads."""

from __future__ import annotations

from typing import Literal

from hooks.kit.operations import Spec
from hooks.ports import Action

from .lookups import by_conversion, by_fields, by_lead, by_person
from .models import CUSTOMER, PAGE, NamesCustomer, takes
from .rows import deletion, listing, row

_ADDRESSES = "/customers/{customer_id}/addresses"

_EXPAND: dict[str, Spec] = {"expand": (list[Literal["attachments", "do_not_service"]], "What else to show.")}

LIST_CUSTOMERS = listing(
    "list_customers", "/customers", "Search customers.", "q? location_ids? expand?", meaning=_EXPAND
)
GET_CUSTOMER = row(
    "get_customer", "GET", "/customers/{customer_id}", "Get a customer.", "customer_id expand?", meaning=_EXPAND
)
CREATE_CUSTOMER = row(
    "create_customer",
    "POST",
    "/customers",
    "Create a customer. The same one twice makes two: `upsert_customer` searches first.",
    f"{CUSTOMER} addresses?",
    find=by_person(LIST_CUSTOMERS),
)
UPDATE_CUSTOMER = row(
    "update_customer", "PUT", "/customers/{customer_id}", "Change fields of a customer.", f"customer_id {CUSTOMER}"
)
LIST_ADDRESSES = row("list_customer_addresses", "GET", _ADDRESSES, "List a customer's addresses.", "customer_id")
CREATE_ADDRESS = row(
    "create_customer_address",
    "POST",
    _ADDRESSES,
    "Add an address to a customer.",
    "customer_id street city state zip country street_line_2? latitude? longitude?",
    find=by_fields(LIST_ADDRESSES, "addresses", "street", "zip", customer_id="customer_id"),
)
LIST_LEADS = listing(
    "list_leads",
    "/leads",
    "List leads.",
    "status? customer_id? employee_ids? tag_ids? lead_source? location_ids?",
    meaning={
        "status": (Literal["lost", "open", "won"], "Only those in this state."),
        "sort_by": (Literal["created_at", "updated_at", "id", "status"], "The field to sort by."),
    },
)
GET_LEAD = row("get_lead", "GET", "/leads/{lead_id}", "Get a lead.", "lead_id")

ACTIONS: tuple[Action, ...] = (
    LIST_CUSTOMERS,
    CREATE_CUSTOMER,
    GET_CUSTOMER,
    UPDATE_CUSTOMER,
    deletion("delete_customer", "/customers/{customer_id}", "Delete a customer.", "customer_id", seed_only=True),
    LIST_ADDRESSES,
    CREATE_ADDRESS,
    row(
        "get_customer_address",
        "GET",
        _ADDRESSES + "/{address_id}",
        "Get an address of a customer.",
        "customer_id address_id",
    ),
    LIST_LEADS,
    row(
        "create_lead",
        "POST",
        "/leads",
        "Create a lead of a known customer, or of a new one.",
        takes(
            "CreateLead",
            "customer_id? customer? address_id? address? assigned_employee_id? lead_source? line_items? note? tags?"
            " tax_name? tax_rate?",
            base=NamesCustomer,
        ),
        find=by_lead(LIST_LEADS, LIST_CUSTOMERS),
    ),
    GET_LEAD,
    row(
        "convert_lead",
        "POST",
        "/leads/{lead_id}/convert",
        "Make an estimate or a job of a lead.",
        "lead_id type",
        find=by_conversion(GET_LEAD),
    ),
    row("list_lead_line_items", "GET", "/leads/{lead_id}/line_items", "List the lines of a lead.", f"lead_id {PAGE}"),
)
