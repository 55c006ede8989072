"""Deliver: what can be done at JobCloser: the 36 operations of its API page, a row each, and ``send_lead``.

The page gives addresses and no names; the names are ours. Nothing that creates can be found again (no search by a key
of ours), so an unknown outcome of it is held for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import BaseModel

from hooks.events import Request
from hooks.kit.operations import Body, Inputs, Operation, json_body, make_inputs, title_of
from hooks.ports import Action

from .client import JobCloserSettings
from .models import APPLICATION, CHANGED_APPLICATION, CONTACT, FIELDS, CreateChemicalApplications
from .send_lead import SendLeadAction


def _configured_body(settings: JobCloserSettings) -> Body:
    return settings.body_format


def row(
    name: str,
    method: str,
    path: str,
    takes: str | type[BaseModel],
    summary: str,
    *,
    body: Body | None = None,
    harmless: bool | None = None,
    adjust: Any = None,
    needs: tuple[str, ...] = (),
) -> Operation:
    """A row: its inputs are a line of the vocabulary or a model; a missing ``companyId`` is the connection's."""
    inputs = partial(make_inputs, title_of(name), takes, FIELDS) if isinstance(takes, str) else takes
    names = takes.replace("?", "").split() if isinstance(takes, str) else takes.model_fields
    return Operation(
        name,
        method,
        f"/api/{path}",
        summary,
        inputs,
        body=body or ("query" if method == "GET" else _configured_body),
        harmless=harmless,
        defaults={"companyId": "company_id"} if "companyId" in names else {},
        joined=False,
        adjust=adjust,
        needs=needs,
    )


def _as_bytes(request: Request, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
    """An image as JSON, whose base64 text is what a byte array is read from (the page does not say; inferred)."""
    fields = dict(inputs)
    file = fields.pop("content")
    named = {"fileName": file["name"], **fields, "content": file["content_base64"]}
    return replace(request, body=json_body(named))


CREATE_LEAD = row("create_lead", "POST", "zapier/createlead", CONTACT, "Create a lead.")

ACTIONS: tuple[Action, ...] = (
    row(
        "sign_in",
        "GET",
        "account/signin",
        Inputs,
        "Sign in with the connection's e-mail and password.",
        needs=("email", "password"),
    ),
    row("get_account", "GET", "account/get", "id", "Get a user account."),
    row("get_company", "GET", "companies/get", "id", "Get a company's settings."),
    row(
        "list_jobs",
        "GET",
        "jobs/getall",
        "companyId date? locationId? search? type? status? salespersonUserId? crewId?",
        "List a company's jobs.",
    ),
    row("get_job", "GET", "jobs/get", "id", "Get a job with customer, events and invoices."),
    row("list_job_line_items", "GET", "jobs/getlineitems", "jobId", "List a job's line items."),
    row(
        "list_customers",
        "GET",
        "customers/getall",
        "companyId locationId? search? type? status? salespersonUserId? archived?",
        "List a company's customers.",
    ),
    row("get_customer", "GET", "customers/get", "id", "Get a customer with notes, jobs, invoices and payments."),
    row("list_events", "GET", "events/getall", "jobId date?", "List a job's events on the calendar."),
    row("get_event", "GET", "events/get", "id", "Get an event on the calendar."),
    row("list_products", "GET", "products/getall", "companyId", "List a company's products."),
    row("get_product", "GET", "products/get", "id", "Get a product with its pricing and inventory."),
    row("list_job_products", "GET", "products/getforjob", "jobId", "List the products of a job's line items."),
    row(
        "list_chemical_applications",
        "GET",
        "chemicalapplicationlocations/getall",
        "jobId eventId? jobItemId? productId?",
        "List a job's chemical applications.",
    ),
    row(
        "get_chemical_application",
        "GET",
        "chemicalapplicationlocations/get",
        "id",
        "Get a chemical application.",
    ),
    row(
        "create_chemical_application",
        "POST",
        "chemicalapplicationlocations/create",
        APPLICATION,
        "Create a chemical application.",
    ),
    row(
        "create_chemical_applications",
        "POST",
        "chemicalapplicationlocations/createbatch",
        CreateChemicalApplications,
        "Create several chemical applications.",
        body="items",
    ),
    row(
        "update_chemical_application",
        "PUT",
        "chemicalapplicationlocations/create",
        CHANGED_APPLICATION,
        "Change a chemical application (the address is that of creating).",
    ),
    row(
        "delete_chemical_application",
        "GET",
        "chemicalapplicationlocations/delete",
        "id",
        "Delete a chemical application.",
        harmless=False,
    ),
    row(
        "upload_chemical_image_via_url",
        "GET",
        "chemicalapplicationlocations/uploadimageviaurl",
        "eventId url caption? latitude? longitude?",
        "Add an image that the vendor fetches from an address.",
        harmless=False,
    ),
    row(
        "upload_chemical_image_via_byte_array",
        "POST",
        "chemicalapplicationlocations/uploadimageviabytearray",
        "eventId content fileName? caption? latitude? longitude?",
        "Add an image.",
        body="json",
        adjust=_as_bytes,
    ),
    row("list_crews", "GET", "crews/getall", "companyId", "List a company's crews."),
    row("get_crew", "GET", "crews/get", "id", "Get a crew."),
    row("list_employees", "GET", "employees/getall", "companyId", "List a company's employees."),
    row("get_employee", "GET", "employees/get", "id", "Get an employee."),
    row(
        "list_invoices",
        "GET",
        "invoices/getall",
        "companyId locationId? search? status? type? salespersonUserId? start? end? subStatus?",
        "List a company's invoices.",
    ),
    row("get_invoice", "GET", "invoices/get", "id", "Get an invoice."),
    row("list_locations", "GET", "locations/getall", "companyId", "List a company's locations (branches)."),
    row("get_location", "GET", "locations/get", "id", "Get a location (branch)."),
    row(
        "list_trackable_assets",
        "GET",
        "trackableassets/getall",
        "companyId locationId? search? status? type?",
        "List a company's trackable assets.",
    ),
    row("get_trackable_asset", "GET", "trackableassets/get", "id", "Get a trackable asset."),
    row("list_vendors", "GET", "vendors/getall", "companyId search? status? type?", "List a company's vendors."),
    row("get_vendor", "GET", "vendors/get", "id", "Get a vendor."),
    row("zapier_signin", "GET", "zapier/signin", Inputs, "Test the connection's key; gives the company."),
    CREATE_LEAD,
    row("create_customer", "POST", "zapier/createcustomer", CONTACT, "Create a customer."),
    SendLeadAction(CREATE_LEAD),
)
