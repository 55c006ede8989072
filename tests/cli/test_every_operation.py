"""`hooks vendors --json` lists every operation of the vendors' documents; the lists are spelt out from these."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hooks.cli.tree import run

HOUSECALL_PRO = """
GET /customers  POST /customers  GET /customers/{}  PUT /customers/{}  DELETE /customers/{}  GET /leads  POST /leads
GET /jobs  POST /jobs  GET /jobs/{}  PUT /jobs/{}  DELETE /jobs/{}  GET /jobs/{}/line_items  POST /jobs/{}/line_items
GET /jobs/{}/appointments  GET /estimates  POST /estimates  GET /estimates/{}  GET /invoices  POST /invoices
GET /invoices/{}  GET /invoices/{}/payments  GET /employees  GET /employees/{}  GET /companies  GET /webhooks
POST /webhooks  DELETE /webhooks/{}

GET /customers/{}/addresses  POST /customers/{}/addresses  GET /customers/{}/addresses/{}
GET /leads/{}  POST /leads/{}/convert  GET /leads/{}/line_items
PUT /jobs/{}/schedule  DELETE /jobs/{}/schedule  PUT /jobs/{}/dispatch
POST /jobs/{}/appointments  PUT /jobs/{}/appointments/{}  DELETE /jobs/{}/appointments/{}
POST /jobs/{}/notes  DELETE /jobs/{}/notes/{}  POST /jobs/{}/tags  DELETE /jobs/{}/tags/{}
PUT /jobs/{}/line_items/bulk_update  PUT /jobs/{}/line_items/{}  DELETE /jobs/{}/line_items/{}
POST /jobs/{}/lock  POST /jobs/lock  POST /jobs/{}/links  POST /jobs/{}/attachments  GET /jobs/{}/invoices
GET /jobs/{}/job_input_materials  PUT /jobs/{}/job_input_materials/bulk_update
POST /estimates/{}/options  POST /estimates/{}/options/{}/notes  DELETE /estimates/{}/options/{}/notes/{}
PUT /estimates/{}/options/{}/schedule  POST /estimates/{}/options/{}/links  POST /estimates/{}/options/{}/attachments
GET /estimates/{}/options/{}/line_items  PUT /estimates/{}/options/{}/line_items/bulk_update
POST /estimates/options/approve  POST /estimates/options/decline
GET /lead_sources  POST /lead_sources  PUT /lead_sources/{}  GET /tags  POST /tags  PUT /tags/{}
GET /job_fields/job_types  POST /job_fields/job_types  PUT /job_fields/job_types/{}
GET /company  GET /company/schedule_availability  PUT /company/schedule_availability
GET /company/schedule_availability/booking_windows  GET /events  GET /events/{}  GET /routes  GET /checklists
GET /service_zones  GET /pipeline/statuses  PUT /pipeline/statuses
GET /application  POST /application/enable  POST /application/disable  GET /api/invoices/{}
POST /webhooks/subscription  DELETE /webhooks/subscription
GET /api/price_book/materials  POST /api/price_book/materials
PUT /api/price_book/materials/{}  DELETE /api/price_book/materials/{}
GET /api/price_book/material_categories  POST /api/price_book/material_categories
PUT /api/price_book/material_categories/{}  DELETE /api/price_book/material_categories/{}
GET /api/price_book/price_forms  POST /api/price_book/price_forms  GET /api/price_book/price_forms/{}
PUT /api/price_book/price_forms/{}  DELETE /api/price_book/price_forms/{}  GET /api/price_book/services
"""
SERVICETITAN = """
assignTechnicians unassignTechnicians listAppointmentsAssignment cancelJob createAppointment getAppointment
listAppointments deleteAppointment createBookingByProvider getBookingByProvider getBookingByTenant
listBookingByProvider listBookingByTenant updateBooking listBusinessUnits createCustomer getCustomer listCustomers
updateCustomer createCustomerContact listCustomersContact updateCustomerContact deletCustomersContact
createInstalledEquipment getInstalledEquipment listInstalledEquipment updateInstalledEquipment
createInstalledEquipmentAttachment listInstalledEquipmentAttachments createInvoices listInvoices updateInvoice
updateInvoiceItems deleteInvoiceItem updateInvoiceCustomFields createJob getJob listJobs updateJob
listJobCancelReasons createLocation getLocation listLocations updateLocation createPayment listPayments
updatePayment updatePaymentCustomFields createProject getProject listProjects updateProject createTechnician
getTechnician listTechnicians updateTechnician listUserRoles rawRequest
"""
JOBCLOSER = """
GET account/signin  GET account/get  GET companies/get  GET jobs/getall  GET jobs/get  GET jobs/getlineitems
GET customers/getall  GET customers/get  GET events/getall  GET events/get  GET products/getall  GET products/get
GET products/getforjob  GET chemicalapplicationlocations/getall  GET chemicalapplicationlocations/get
POST chemicalapplicationlocations/create  POST chemicalapplicationlocations/createbatch
PUT chemicalapplicationlocations/create  GET chemicalapplicationlocations/delete
GET chemicalapplicationlocations/uploadimageviaurl  POST chemicalapplicationlocations/uploadimageviabytearray
GET crews/getall  GET crews/get  GET employees/getall  GET employees/get  GET invoices/getall  GET invoices/get
GET locations/getall  GET locations/get  GET trackableassets/getall  GET trackableassets/get  GET vendors/getall
GET vendors/get  GET zapier/signin  POST zapier/createlead  POST zapier/createcustomer
"""
HOMEBASE360 = "getCustomers createCustomer updateCustomer getJobs createJob updateJob ping"
SUPERGOOD = """
POST /sessions  POST /sessions/refresh  GET /customers  POST /jobs  POST /jobs/{}/invoices
POST /invoices/{}/payments
"""


@pytest.fixture
def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, Any]]]:
    """What the command prints: the actions of each vendor."""
    assert 0 == run(["vendors", "--json"])
    return {vendor["vendor"]: vendor["actions"] for vendor in json.loads(capsys.readouterr().out)}


def requests(text: str, root: str = "") -> list[str]:
    return [f"{method} {root}{path}" for method, path in re.findall(r"([A-Z]+) (\S+)", text)]


@pytest.mark.parametrize(
    ("vendor", "wanted", "count"),
    [
        ("housecall_pro", requests(HOUSECALL_PRO), 104),
        ("jobcloser", requests(JOBCLOSER, "/api/"), 36),
        ("supergood", requests(SUPERGOOD), 6),
    ],
)
def test_every_documented_request_has_an_action(
    listed: dict[str, list[dict[str, Any]]], vendor: str, wanted: list[str], count: int
) -> None:
    there = {f"{one['method']} {re.sub(r'{[^}]+}', '{}', one['path'])}" for one in listed[vendor]}
    assert set() == set(wanted) - there
    assert count == len(set(wanted)) == len(wanted)


@pytest.mark.parametrize(
    ("vendor", "wanted", "count"), [("servicetitan", SERVICETITAN, 58), ("homebase360", HOMEBASE360, 7)]
)
def test_every_documented_operation_has_an_action(
    listed: dict[str, list[dict[str, Any]]], vendor: str, wanted: str, count: int
) -> None:
    assert set() == set(wanted.split()) - {one["operation"] for one in listed[vendor]}
    assert count == len(wanted.split())


def test_every_action_has_its_inputs_described(listed: dict[str, list[dict[str, Any]]]) -> None:
    for actions in listed.values():
        for one in actions:
            assert "object" == one["inputs"]["type"], one["name"]
            assert all(field.get("description") for field in one["inputs"].get("properties", {}).values()), one["name"]
