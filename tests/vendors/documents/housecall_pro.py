"""Housecall Pro's operations: the 28 of the first document, and those of the vendor's own description."""

from __future__ import annotations

from base64 import b64encode

from hooks.vendors.housecall_pro import vendor
from hooks.vendors.housecall_pro.sandbox import API_KEY, sandbox
from tests.vendors.documents.account import Account, Document, Row

PLACE = {"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401", "country": "US"}
PLAN = {"start_time": "2026-05-06T17:30:00Z", "end_time": "2026-05-06T19:30:00Z"}
PERSON = {"first_name": "Ben", "last_name": "Wu", "mobile_number": "3035550150"}
FILE = {"name": "a.txt", "content_type": "text/plain", "content_base64": b64encode(b"hello").decode()}
JOB = {"customer_id": "$customer", "address_id": "$address"}
OPTION = {"estimate_id": "$estimate", "option_id": "$option"}
VISIT = {**PLAN, "dispatched_employees_ids": ["pro_2"]}
TABLE: dict[str, Row] = {
    "list_customers": ("GET", "/customers", {}),
    "create_customer": ("POST", "/customers", PERSON),
    "get_customer": ("GET", "/customers/$customer", {"customer_id": "$customer"}),
    "update_customer": ("PUT", "/customers/$customer", {"customer_id": "$customer", "company": "Acme"}),
    "delete_customer": ("DELETE", "/customers/$customer", {"customer_id": "$customer"}),
    "list_leads": ("GET", "/leads", {}),
    "create_lead": ("POST", "/leads", {"customer": PERSON, "address": PLACE}),
    "list_jobs": ("GET", "/jobs", {}),
    "create_job": ("POST", "/jobs", JOB),
    "get_job": ("GET", "/jobs/$job", {"job_id": "$job"}),
    "update_job": ("PUT", "/jobs/$job", {"job_id": "$job", "work_status": "in_progress"}),
    "delete_job": ("DELETE", "/jobs/$job", {"job_id": "$job"}),
    "list_job_line_items": ("GET", "/jobs/$job/line_items", {"job_id": "$job"}),
    "create_job_line_item": ("POST", "/jobs/$job/line_items", {"job_id": "$job", "name": "Filter"}),
    "list_job_appointments": ("GET", "/jobs/$job/appointments", {"job_id": "$job"}),
    "list_estimates": ("GET", "/estimates", {}),
    "create_estimate": ("POST", "/estimates", {"customer_id": "$customer"}),
    "get_estimate": ("GET", "/estimates/$estimate", {"estimate_id": "$estimate"}),
    "list_invoices": ("GET", "/invoices", {}),
    "create_invoice": ("POST", "/invoices", {"job_id": "$job"}),
    "get_invoice": ("GET", "/invoices/$invoice", {"invoice_id": "$invoice"}),
    "list_invoice_payments": ("GET", "/invoices/$invoice/payments", {"invoice_id": "$invoice"}),
    "list_employees": ("GET", "/employees", {}),
    "get_employee": ("GET", "/employees/pro_2", {"employee_id": "pro_2"}),
    "list_companies": ("GET", "/companies", {}),
    "list_webhooks": ("GET", "/webhooks", {}),
    "create_webhook": ("POST", "/webhooks", {"url": "https://hooks.example.org/in/hcp"}),
    "delete_webhook": ("DELETE", "/webhooks/$webhook", {"webhook_id": "$webhook"}),
    # the vendor's own document knows these too
    "list_customer_addresses": ("GET", "/customers/$customer/addresses", {"customer_id": "$customer"}),
    "create_customer_address": ("POST", "/customers/$customer/addresses", {"customer_id": "$customer", **PLACE}),
    "get_customer_address": (
        "GET",
        "/customers/$customer/addresses/$address",
        {"customer_id": "$customer", "address_id": "$address"},
    ),
    "get_lead": ("GET", "/leads/$lead", {"lead_id": "$lead"}),
    "convert_lead": ("POST", "/leads/$lead/convert", {"lead_id": "$lead", "type": "job"}),
    "list_lead_line_items": ("GET", "/leads/$lead/line_items", {"lead_id": "$lead"}),
    "update_job_schedule": ("PUT", "/jobs/$job/schedule", {"job_id": "$job", **PLAN}),
    "delete_job_schedule": ("DELETE", "/jobs/$job/schedule", {"job_id": "$job"}),
    "dispatch_job": (
        "PUT",
        "/jobs/$job/dispatch",
        {"job_id": "$job", "dispatched_employees": [{"employee_id": "pro_2"}]},
    ),
    "create_appointment": ("POST", "/jobs/$job/appointments", {"job_id": "$job", **VISIT}),
    "update_appointment": (
        "PUT",
        "/jobs/$job/appointments/$appointment",
        {"job_id": "$job", "appointment_id": "$appointment", **VISIT},
    ),
    "delete_appointment": (
        "DELETE",
        "/jobs/$job/appointments/$appointment",
        {"job_id": "$job", "appointment_id": "$appointment"},
    ),
    "add_job_note": ("POST", "/jobs/$job/notes", {"job_id": "$job", "content": "Filter replaced"}),
    "delete_job_note": ("DELETE", "/jobs/$job/notes/$note", {"job_id": "$job", "note_id": "$note"}),
    "add_job_tag": ("POST", "/jobs/$job/tags", {"job_id": "$job", "tag_id": "tag_1"}),
    "remove_job_tag": ("DELETE", "/jobs/$job/tags/tag_1", {"job_id": "$job", "tag_id": "tag_1"}),
    "bulk_update_job_line_items": (
        "PUT",
        "/jobs/$job/line_items/bulk_update",
        {"job_id": "$job", "line_items": [{"id": "$line", "name": "Labor"}, {"name": "Filter"}]},
    ),
    "update_job_line_item": (
        "PUT",
        "/jobs/$job/line_items/$line",
        {"job_id": "$job", "line_item_id": "$line", "name": "Labor", "quantity": 2},
    ),
    "delete_job_line_item": (
        "DELETE",
        "/jobs/$job/line_items/$line",
        {"job_id": "$job", "line_item_id": "$line"},
    ),
    "lock_job": ("POST", "/jobs/$job/lock", {"job_id": "$job"}),
    "lock_jobs": (
        "POST",
        "/jobs/lock",
        {"starting_at": "2026-05-01T00:00:00Z", "ending_at": "2026-05-31T00:00:00Z"},
    ),
    "create_job_link": (
        "POST",
        "/jobs/$job/links",
        {"job_id": "$job", "title": "Plan", "url": "https://plan.example.org"},
    ),
    "add_job_attachment": ("POST", "/jobs/$job/attachments", {"job_id": "$job", "file": FILE}),
    "list_job_invoices": ("GET", "/jobs/$job/invoices", {"job_id": "$job"}),
    "list_job_input_materials": ("GET", "/jobs/$job/job_input_materials", {"job_id": "$job"}),
    "bulk_update_job_input_materials": (
        "PUT",
        "/jobs/$job/job_input_materials/bulk_update",
        {"job_id": "$job", "job_input_materials": [{"name": "Pipe", "unit_cost": 100, "quantity": 1.5}]},
    ),
    "create_estimate_option": ("POST", "/estimates/$estimate/options", {"estimate_id": "$estimate", "name": "Best"}),
    "add_estimate_option_note": (
        "POST",
        "/estimates/$estimate/options/$option/notes",
        {**OPTION, "content": "Ask for the model"},
    ),
    "delete_estimate_option_note": (
        "DELETE",
        "/estimates/$estimate/options/$option/notes/$option_note",
        {**OPTION, "note_id": "$option_note"},
    ),
    "update_estimate_option_schedule": ("PUT", "/estimates/$estimate/options/$option/schedule", {**OPTION, **PLAN}),
    "create_estimate_option_link": (
        "POST",
        "/estimates/$estimate/options/$option/links",
        {**OPTION, "title": "Plan", "url": "https://plan.example.org"},
    ),
    "add_estimate_option_attachment": (
        "POST",
        "/estimates/$estimate/options/$option/attachments",
        {**OPTION, "file": FILE},
    ),
    "list_estimate_option_line_items": ("GET", "/estimates/$estimate/options/$option/line_items", OPTION),
    "bulk_update_estimate_option_line_items": (
        "PUT",
        "/estimates/$estimate/options/$option/line_items/bulk_update",
        {**OPTION, "line_items": [{"name": "Filter", "quantity": 2, "unit_price": 900}]},
    ),
    "approve_estimate_options": ("POST", "/estimates/options/approve", {"option_ids": ["$option"]}),
    "decline_estimate_options": ("POST", "/estimates/options/decline", {"option_ids": ["$option"]}),
    "get_invoice_by_uuid": ("GET", "/api/invoices/$invoice", {"uuid": "$invoice"}),
    "get_company": ("GET", "/company", {}),
    "get_schedule_availability": ("GET", "/company/schedule_availability", {}),
    "update_schedule_availability": (
        "PUT",
        "/company/schedule_availability",
        {
            "availability_buffer_in_days": 1,
            "daily_schedule_windows": [
                {"day_name": "monday", "schedule_windows": [{"start_time": "08:00", "end_time": "17:00"}]}
            ],
        },
    ),
    "list_booking_windows": ("GET", "/company/schedule_availability/booking_windows", {}),
    "list_lead_sources": ("GET", "/lead_sources", {}),
    "create_lead_source": ("POST", "/lead_sources", {"name": "Radio"}),
    "update_lead_source": ("PUT", "/lead_sources/ls_1", {"lead_source_id": "ls_1", "name": "Web"}),
    "list_tags": ("GET", "/tags", {}),
    "create_tag": ("POST", "/tags", {"name": "vip"}),
    "update_tag": ("PUT", "/tags/tag_1", {"tag_id": "tag_1", "name": "VIP"}),
    "list_job_types": ("GET", "/job_fields/job_types", {}),
    "create_job_type": ("POST", "/job_fields/job_types", {"name": "Repair"}),
    "update_job_type": ("PUT", "/job_fields/job_types/jt_1", {"job_type_id": "jt_1", "name": "Visit"}),
    "list_events": ("GET", "/events", {}),
    "get_event": ("GET", "/events/evt_1", {"event_id": "evt_1"}),
    "list_routes": ("GET", "/routes", {}),
    "list_checklists": ("GET", "/checklists", {"job_uuids": ["$job"]}),
    "list_service_zones": ("GET", "/service_zones", {}),
    "list_materials": ("GET", "/api/price_book/materials", {"material_category_uuid": "pbmatcat_1"}),
    "create_material": (
        "POST",
        "/api/price_book/materials",
        {"material_category_uuid": "pbmatcat_1", "name": "MERV 13", "price": 2400, "cost": 900},
    ),
    "update_material": ("PUT", "/api/price_book/materials/$material", {"uuid": "$material", "price": 2600}),
    "delete_material": ("DELETE", "/api/price_book/materials/$material", {"uuid": "$material"}),
    "list_material_categories": ("GET", "/api/price_book/material_categories", {}),
    "create_material_category": ("POST", "/api/price_book/material_categories", {"name": "Pipes"}),
    "update_material_category": (
        "PUT",
        "/api/price_book/material_categories/pbmatcat_1",
        {"uuid": "pbmatcat_1", "name": "Air filters"},
    ),
    "delete_material_category": (
        "DELETE",
        "/api/price_book/material_categories/pbmatcat_1",
        {"uuid": "pbmatcat_1"},
    ),
    "list_price_forms": ("GET", "/api/price_book/price_forms", {}),
    "create_price_form": (
        "POST",
        "/api/price_book/price_forms",
        {
            "name": "Deep clean",
            "taxable": True,
            "fields_attributes": [
                {"name": "Rooms", "kind": "quantity_select", "price": 5000, "order_index": 0},
                {"name": "Size", "kind": "single_select", "options_attributes": [{"name": "Small", "price": 0}]},
            ],
        },
    ),
    "get_price_form": ("GET", "/api/price_book/price_forms/$form", {"uuid": "$form"}),
    "update_price_form": (
        "PUT",
        "/api/price_book/price_forms/$form",
        {"uuid": "$form", "fields_attributes": [{"id": "$form_field", "_destroy": True}]},
    ),
    "delete_price_form": ("DELETE", "/api/price_book/price_forms/$form", {"uuid": "$form"}),
    "list_price_book_services": (
        "GET",
        "/api/price_book/services",
        {"q": "tune-up", "filters": [{"property": "taxable", "value": True}]},
    ),
    "list_pipeline_statuses": ("GET", "/pipeline/statuses", {"resource_type": "lead"}),
    "update_pipeline_status": (
        "PUT",
        "/pipeline/statuses",
        {"resource_type": "lead", "resource_id": "$lead", "status_id": "st_lead_1"},
    ),
    "get_application": ("GET", "/application", {}),
    "enable_application": ("POST", "/application/enable", {}),
    "disable_application": ("POST", "/application/disable", {}),
    "create_webhook_subscription": ("POST", "/webhooks/subscription", {}),
    "delete_webhook_subscription": ("DELETE", "/webhooks/subscription", {}),
}
OURS: dict[str, Row] = {
    "upsert_customer": ("POST", "/customers", {"customer": {"first_name": "Maya", "email": "maya@example.org"}}),
}


async def prepare(company: Account) -> None:
    ids = company.ids
    person = await company.do("create_customer", first_name="Ada", email="ada@example.org", addresses=[PLACE])
    ids |= {"customer": person["id"], "address": person["addresses"][0]["id"]}
    ids["lead"] = (await company.do("create_lead", customer_id=ids["customer"], lead_source="Website"))["id"]
    ids["job"] = (await company.do("create_job", **JOB, line_items=[{"name": "Labor", "unit_price": 9000}]))["id"]
    ids["line"] = (await company.do("list_job_line_items", job_id=ids["job"]))["data"][0]["id"]
    ids["appointment"] = (await company.do("create_appointment", job_id=ids["job"], **VISIT))["id"]
    ids["note"] = (await company.do("add_job_note", job_id=ids["job"], content="Gate code 4"))["id"]
    estimate = await company.do("create_estimate", customer_id=ids["customer"], options=[{"name": "Good"}])
    ids |= {"estimate": estimate["id"], "option": estimate["options"][0]["id"]}
    note = await company.do("add_estimate_option_note", **OPTION, content="Ask for the model")
    ids["option_note"] = note["id"]
    ids["material"] = (await company.do("create_material", **TABLE["create_material"][2]))["uuid"]
    form = await company.do("create_price_form", **TABLE["create_price_form"][2])
    ids |= {"form": form["id"], "form_field": form["fields"]["data"][0]["id"]}
    ids["invoice"] = (await company.do("create_invoice", job_id=ids["job"]))["id"]
    ids["webhook"] = (await company.do("create_webhook", url="https://hooks.example.org"))["id"]


HOUSECALL_PRO = Document(vendor, sandbox, {"base_url": "{sandbox}", "api_key": API_KEY}, TABLE, prepare, OURS)
