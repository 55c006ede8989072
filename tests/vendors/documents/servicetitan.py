"""ServiceTitan's 58 operations, from the vendor's API descriptions, in a tenant 5 with a booking provider 9."""

from __future__ import annotations

from base64 import b64encode

from hooks.vendors.servicetitan import vendor
from hooks.vendors.servicetitan.sandbox import APP_KEY, CLIENT_ID, CLIENT_SECRET, sandbox
from tests.vendors.documents.account import Account, Document, Row

ADDRESS = {"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401", "country": "US"}
TIMES = {"start": "2026-05-06T17:30:00Z", "end": "2026-05-06T19:30:00Z"}
FILE = {"name": "plan.csv", "content_type": "text/csv", "content_base64": b64encode(b"a,b\n1,2\n").decode()}
OPERATIONS = {"operations": [{"objectId": "$invoice", "customFields": [{"name": "Colour", "value": "red"}]}]}
TECHNICIAN = {
    "name": "Sam Lake",
    "accountCreationMethod": "CreateLater",
    "roleId": 7,
    "positions": ["Service"],
    "licenseType": "ManagedTech",
}
JOB = {
    "customerId": "$customer",
    "locationId": "$location",
    "businessUnitId": 11,
    "jobTypeId": 12,
    "priority": "Normal",
    "campaignId": 13,
    "appointments": [TIMES],
}
BOOKING = {
    "source": "Web",
    "name": "Maya Ortiz",
    "summary": "AC tune-up",
    "isFirstTimeClient": True,
    "externalId": "evt_9",
}

TABLE: dict[str, Row] = {
    "assign_technicians": (
        "POST",
        "/dispatch/v2/tenant/5/appointment-assignments/assign-technicians",
        {"jobAppointmentId": "$appointment", "technicianIds": [501, 502]},
    ),
    "unassign_technicians": (
        "POST",
        "/dispatch/v2/tenant/5/appointment-assignments/unassign-technicians",
        {"jobAppointmentId": "$appointment", "technicianIds": [501]},
    ),
    "list_appointments_assignment": ("GET", "/dispatch/v2/tenant/5/appointment-assignments", {}),
    "cancel_job": ("PUT", "/jpm/v2/tenant/5/jobs/$job/cancel", {"id": "$job", "reasonId": 21, "memo": "Called off"}),
    "create_appointment": ("POST", "/jpm/v2/tenant/5/appointments", {"jobId": "$job", **TIMES}),
    "get_appointment": ("GET", "/jpm/v2/tenant/5/appointments/$appointment", {"id": "$appointment"}),
    "list_appointments": ("GET", "/jpm/v2/tenant/5/appointments", {}),
    "delete_appointment": ("DELETE", "/jpm/v2/tenant/5/appointments/$second", {"id": "$second"}),
    "create_booking_by_provider": ("POST", "/crm/v2/tenant/5/booking-provider/9/bookings", BOOKING),
    "get_booking_by_provider": ("GET", "/crm/v2/tenant/5/booking-provider/9/bookings/$booking", {"id": "$booking"}),
    "get_booking_by_tenant": ("GET", "/crm/v2/tenant/5/bookings/$booking", {"id": "$booking"}),
    "list_booking_by_provider": ("GET", "/crm/v2/tenant/5/booking-provider/9/bookings", {}),
    "list_booking_by_tenant": ("GET", "/crm/v2/tenant/5/bookings", {}),
    "update_booking": (
        "PATCH",
        "/crm/v2/tenant/5/booking-provider/9/bookings/$booking",
        {"id": "$booking", "summary": "Two units", "address": {**ADDRESS, "unit": ""}},
    ),
    "list_business_units": ("GET", "/settings/v2/tenant/5/business-units", {}),
    "create_customer": (
        "POST",
        "/crm/v2/tenant/5/customers",
        {"name": "Ben Wu", "address": ADDRESS, "locations": [{"name": "Home", "address": ADDRESS}]},
    ),
    "get_customer": ("GET", "/crm/v2/tenant/5/customers/$customer", {"id": "$customer"}),
    "list_customers": ("GET", "/crm/v2/tenant/5/customers", {}),
    "update_customer": ("PATCH", "/crm/v2/tenant/5/customers/$customer", {"id": "$customer", "doNotMail": True}),
    "create_customer_contact": (
        "POST",
        "/crm/v2/tenant/5/customers/$customer/contacts",
        {"id": "$customer", "type": "Email", "value": "maya@example.org"},
    ),
    "list_customers_contact": ("GET", "/crm/v2/tenant/5/customers/$customer/contacts", {"id": "$customer"}),
    "update_customer_contact": (
        "PATCH",
        "/crm/v2/tenant/5/customers/$customer/contacts/$contact",
        {"id": "$customer", "contactId": "$contact", "memo": "evenings"},
    ),
    "delete_customers_contact": (
        "DELETE",
        "/crm/v2/tenant/5/customers/$customer/contacts/$contact",
        {"id": "$customer", "contactId": "$contact"},
    ),
    "create_installed_equipment": (
        "POST",
        "/equipmentsystems/v2/tenant/5/installed-equipment",
        {"locationId": "$location"},
    ),
    "get_installed_equipment": (
        "GET",
        "/equipmentsystems/v2/tenant/5/installed-equipment/$equipment",
        {"id": "$equipment"},
    ),
    "list_installed_equipment": ("GET", "/equipmentsystems/v2/tenant/5/installed-equipment", {}),
    "update_installed_equipment": (
        "PATCH",
        "/equipmentsystems/v2/tenant/5/installed-equipment/$equipment",
        {"id": "$equipment", "status": "Replaced", "active": False},
    ),
    "create_installed_equipment_attachment": (
        "POST",
        "/equipmentsystems/v2/tenant/5/installed-equipment/attachments",
        {"file": FILE},
    ),
    "list_installed_equipment_attachments": (
        "GET",
        "/equipmentsystems/v2/tenant/5/installed-equipment/attachments",
        {"path": "$file"},
    ),
    "create_invoices": ("POST", "/accounting/v2/tenant/5/invoices", {"adjustmentToId": 701}),
    "list_invoices": ("GET", "/accounting/v2/tenant/5/invoices", {}),
    "update_invoice": (
        "PATCH",
        "/accounting/v2/tenant/5/invoices/$invoice",
        {"id": "$invoice", "reviewStatus": "Reviewed"},
    ),
    "update_invoice_items": (
        "PATCH",
        "/accounting/v2/tenant/5/invoices/$invoice/items",
        {"invoiceId": "$invoice", "description": "Filter", "quantity": 2},
    ),
    "delete_invoice_item": (
        "DELETE",
        "/accounting/v2/tenant/5/invoices/$invoice/items/$item",
        {"invoiceId": "$invoice", "itemId": "$item"},
    ),
    "update_invoice_custom_fields": ("PATCH", "/accounting/v2/tenant/5/invoices/custom-fields", OPERATIONS),
    "create_job": ("POST", "/jpm/v2/tenant/5/jobs", JOB),
    "get_job": ("GET", "/jpm/v2/tenant/5/jobs/$job", {"id": "$job"}),
    "list_jobs": ("GET", "/jpm/v2/tenant/5/jobs", {}),
    "update_job": ("PATCH", "/jpm/v2/tenant/5/jobs/$job", {"id": "$job", "summary": "<b>Two units</b>"}),
    "list_job_cancel_reasons": ("GET", "/jpm/v2/tenant/5/job-cancel-reasons", {}),
    "create_location": (
        "POST",
        "/crm/v2/tenant/5/locations",
        {"customerId": "$customer", "name": "Shop", "address": ADDRESS},
    ),
    "get_location": ("GET", "/crm/v2/tenant/5/locations/$location", {"id": "$location"}),
    "list_locations": ("GET", "/crm/v2/tenant/5/locations", {}),
    "update_location": ("PATCH", "/crm/v2/tenant/5/locations/$location", {"id": "$location", "name": "Cabin"}),
    "create_payment": (
        "POST",
        "/accounting/v2/tenant/5/payments",
        {"typeId": 1, "splits": [{"invoiceId": 701, "amount": 189}]},
    ),
    "list_payments": ("GET", "/accounting/v2/tenant/5/payments", {}),
    "update_payment": (
        "PATCH",
        "/accounting/v2/tenant/5/payments/$payment",
        {"id": "$payment", "typeId": 1, "splits": [{"invoiceId": 701, "amount": 89.5, "invoiceNumber": "1207"}]},
    ),
    "update_payment_custom_fields": (
        "PATCH",
        "/accounting/v2/tenant/5/payments/custom-fields",
        {"operations": [{"objectId": "$payment", "customFields": [{"name": "Till"}]}]},
    ),
    "create_project": ("POST", "/jpm/v2/tenant/5/projects", {"locationId": "$location"}),
    "get_project": ("GET", "/jpm/v2/tenant/5/projects/$project", {"id": "$project"}),
    "list_projects": ("GET", "/jpm/v2/tenant/5/projects", {}),
    "update_project": ("PATCH", "/jpm/v2/tenant/5/projects/$project", {"id": "$project", "jobIds": ["$job"]}),
    "create_technician": ("POST", "/settings/v2/tenant/5/technicians", TECHNICIAN),
    "get_technician": ("GET", "/settings/v2/tenant/5/technicians/501", {"id": 501}),
    "list_technicians": ("GET", "/settings/v2/tenant/5/technicians", {}),
    "update_technician": ("PATCH", "/settings/v2/tenant/5/technicians/501", {"id": 501, "accountLocked": True}),
    "list_user_roles": ("GET", "/settings/v2/tenant/5/user-roles", {}),
    "raw_request": ("GET", "/crm/v2/tenant/5/customers", {"url_type": "crm", "url": "/customers", "method": "GET"}),
}
MAYA = {
    "first_name": "Maya",
    "last_name": "Ortiz",
    "display_name": "Maya Ortiz",
    "phone": "+13035550150",
    "phones": {"mobile": "+13035550150"},
    "address": {"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401"},
}
OURS: dict[str, Row] = {
    "book_lead": (
        "POST",
        "/crm/v2/tenant/5/booking-provider/9/bookings",
        {"lead": {"customer": MAYA, "lead_source": "Web", "note": "No heat"}},
    ),
    "upsert_customer": ("POST", "/crm/v2/tenant/5/customers", {"customer": MAYA}),
}


async def prepare(tenant: Account) -> None:
    ids = tenant.ids
    customer = await tenant.do("create_customer", **TABLE["create_customer"][2])
    ids |= {"customer": customer["id"], "location": customer["locations"][0]["id"]}
    contact = await tenant.do("create_customer_contact", id=ids["customer"], type="Phone", value="3035550142")
    ids["contact"] = contact["id"]
    job = await tenant.do("create_job", **JOB)
    ids |= {"job": job["id"], "appointment": job["firstAppointmentId"]}
    later = {"start": "2026-05-07T17:30:00Z", "end": "2026-05-07T19:30:00Z"}
    ids["second"] = (await tenant.do("create_appointment", jobId=ids["job"], **later))["id"]
    ids["booking"] = (await tenant.do("create_booking", **{**BOOKING, "externalId": "evt_1"}))["id"]
    equipment = await tenant.do("create_installed_equipment", locationId=ids["location"], name="Unit")
    ids["equipment"] = equipment["id"]
    ids["file"] = (await tenant.do("create_installed_equipment_attachment", file=FILE))["path"]
    items = [{"description": "Labour", "quantity": 1}]
    invoice = await tenant.do("create_invoices", adjustmentToId=701, items=items, number="1208")
    ids["invoice"] = invoice["id"]
    [kept] = [one for one in tenant.box.of("invoices") if one["id"] == ids["invoice"]]
    ids["item"] = kept["items"][0]["id"]
    ids["payment"] = (await tenant.do("create_payment", **TABLE["create_payment"][2]))["id"]
    ids["project"] = (await tenant.do("create_project", locationId=ids["location"], name="Roof"))["id"]


SERVICETITAN = Document(
    vendor,
    sandbox,
    {
        "base_url": "{sandbox}",
        "auth_url": "{sandbox}/connect/token",
        "tenant": 5,
        "app_key": APP_KEY,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "booking_provider": 9,
    },
    TABLE,
    prepare,
    OURS,
)
