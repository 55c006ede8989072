"""Every operation of ServiceTitan, one by one: method, path, a success at the sandbox; lists, files, raw requests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hooks.errors import Permanent, Transient, Undecided
from hooks.events import Done
from hooks.kit.http import record_exchanges
from hooks.kit.picks import whole_list
from hooks.kit.sandbox import Fault
from hooks.ports import Call
from hooks.vendors.servicetitan import vendor
from hooks.vendors.servicetitan.client import ServiceTitanClient
from hooks.vendors.servicetitan.picks import PICKS
from tests.vendors.documents.account import Account
from tests.vendors.documents.servicetitan import ADDRESS, BOOKING, FILE, SERVICETITAN, TABLE, TECHNICIAN, TIMES

SEED_KEYS = {
    *("assignTechnicians", "cancelJob", "createAppointment"),
    *("createBookingByProvider", "createCustomer", "createCustomerContact"),
    *("createInstalledEquipment", "createInstalledEquipmentAttachment", "createInvoices"),
    *("createJob", "createLocation", "createPayment"),
    *("createProject", "createTechnician", "deleteAppointment"),
    *("deletCustomersContact", "deleteInvoiceItem", "getAppointment"),
    *("getBookingByProvider", "getBookingByTenant", "getCustomer"),
    *("getInstalledEquipment", "getJob", "getLocation"),
    *("getProject", "getTechnician", "listAppointmentsAssignment"),
    *("listAppointments", "listBookingByProvider", "listBookingByTenant"),
    *("listBusinessUnits", "listCustomersContact", "listCustomers"),
    *("listInstalledEquipment", "listInstalledEquipmentAttachments", "listInvoices"),
    *("listJobCancelReasons", "listJobs", "listLocations"),
    *("listPayments", "listProjects", "listTechnicians"),
    *("listUserRoles", "rawRequest", "unassignTechnicians"),
    *("updateBooking", "updateCustomer", "updateCustomerContact"),
    *("updateInstalledEquipment", "updateInvoice", "updateInvoiceCustomFields"),
    *("updateInvoiceItems", "updateJob", "updateLocation"),
    *("updatePayment", "updatePaymentCustomFields", "updateProject"),
    *("updateTechnician",),
}


action = SERVICETITAN.action


class Tenant(Account):
    """A tenant at a sandbox of its own."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(SERVICETITAN, **keys)


@pytest.fixture
async def tenant() -> AsyncIterator[Tenant]:
    tenant = Tenant()
    await tenant.prepare()
    yield tenant
    await tenant.client.aclose()


# --- the table ---


def test_all_58_operations_of_the_document_are_there() -> None:
    assert 58 == len(SEED_KEYS) == len(TABLE)
    operations = {one.operation: one.name for one in vendor.actions}
    assert set() == SEED_KEYS - operations.keys()
    assert set(TABLE) == {operations[key] for key in SEED_KEYS}


@pytest.mark.parametrize("name", TABLE)
async def test_an_operation_has_its_method_and_path_and_succeeds(tenant: Tenant, name: str) -> None:
    method, path, inputs = TABLE[name]
    path = tenant.path(path)
    request = action(name).render(tenant.filled(inputs), tenant.settings)
    assert (method, path) == (request.method, request.path)
    await tenant.do(name, **inputs)
    sent = tenant.box.requests[-1]
    assert (method, path) == (sent["method"], sent["path"])


@pytest.mark.parametrize(
    "name", [name for name in TABLE if name.startswith(("create_", "update_", "cancel", "assign"))]
)
async def test_a_request_whose_answer_was_cut_leaves_an_unknown_outcome(tenant: Tenant, name: str) -> None:
    tenant.box.faults.append(Fault(kind="cut_after", path="/v2/"))
    with pytest.raises(Transient) as caught:
        await tenant.do(name, **TABLE[name][2])
    assert caught.value.unknown


@pytest.mark.parametrize(
    ("name", "inputs", "told"),
    [
        ("assign_technicians", {"jobAppointmentId": 1, "technicianIds": ["501"]}, r"technicianIds\[0\]"),
        ("assign_technicians", {"jobAppointmentId": 1, "technicianIds": []}, "technicianIds"),
        ("cancel_job", {"id": 1, "reasonId": 2}, "memo"),
        ("create_appointment", {"jobId": 1, "start": "tomorrow", "end": TIMES["end"]}, "start"),
        ("create_appointment", {"jobId": 1, "start": "2026-05-06T17:30:00", "end": TIMES["end"]}, "no zone"),
        ("update_booking", {"id": 1, "address": ADDRESS}, r"address\.unit"),
        ("update_booking", {"id": 1, "priority": "Soon"}, "priority"),
        ("update_customer", {"id": 1, "address": ADDRESS}, r"address\.latitude"),
        ("update_customer", {"id": 1, "type": "Other"}, "type"),
        ("create_customer_contact", {"id": 1, "type": "Pigeon", "value": "x"}, "type"),
        ("update_installed_equipment", {"id": 1, "status": "Broken"}, "status"),
        ("create_installed_equipment", {"locationId": 1, "attachments": [{"type": "Tape", "url": "x"}]}, "type"),
        ("create_installed_equipment_attachment", {"file": "plan.csv"}, "file"),
        ("create_installed_equipment_attachment", {"file": {**FILE, "content_base64": "?"}}, "base64"),
        ("update_invoice", {"id": 1, "royaltyStatus": "Late"}, "royaltyStatus"),
        ("update_invoice", {"id": 1, "subtotal": "12.00"}, "subtotal"),
        ("update_invoice_items", {"invoiceId": 1, "description": "x"}, "quantity"),
        ("create_payment", {"typeId": 1, "splits": []}, "splits"),
        ("list_payments", {"statuses": ["Paid"]}, "statuses"),
        ("create_technician", {**TECHNICIAN, "positions": ["Chef"]}, "positions"),
        ("create_technician", {**TECHNICIAN, "jobFilter": "All"}, "jobFilter"),
        ("update_technician", {"id": 1, "home": {"city": "Golden"}}, r"home\.street"),
        ("list_user_roles", {"employeeType": "Robot"}, "employeeType"),
        ("list_jobs", {"custom_query": ["novalue"]}, "custom_query"),
        ("list_technicians", {"sort": "+Id"}, "sort"),
        ("get_project", {}, "id"),
        ("update_payment_custom_fields", {"operations": []}, "operations"),
    ],
)
async def test_what_cannot_be_right_is_refused_and_not_sent(
    tenant: Tenant, name: str, inputs: dict[str, Any], told: str
) -> None:
    with pytest.raises(Permanent, match=told):
        await tenant.do(name, **inputs)
    assert [] == tenant.box.requests


# --- refusals ---


@pytest.mark.parametrize(
    ("name", "inputs", "told"),
    [
        ("get_customer", {"id": 4}, "answered 404"),
        ("create_project", {"locationId": 4}, r"answered 400: .*locationId: locationId 4 does not exist"),
        (
            "assign_technicians",
            {"jobAppointmentId": "$appointment", "technicianIds": [4]},
            "technicianIds: technician 4",
        ),
        ("update_invoice_items", {"invoiceId": "$invoice", "id": 4, "description": "x", "quantity": 1}, "answered 404"),
    ],
)
async def test_a_refusal_is_for_good_and_told_by_field(
    tenant: Tenant, name: str, inputs: dict[str, Any], told: str
) -> None:
    with pytest.raises(Permanent, match=told):
        await tenant.do(name, **inputs)


async def test_a_conflict_leaves_the_outcome_to_be_looked_up(tenant: Tenant) -> None:
    await tenant.do("cancel_job", id="$job", reasonId=21, memo="Called off")
    with pytest.raises(Transient, match="answered 409") as caught:
        await tenant.do("cancel_job", id="$job", reasonId=21, memo="Called off")
    assert caught.value.unknown
    assert Done(None, adopted=True) == await tenant.look_up("cancel_job", id="$job", reasonId=21, memo="Called off")


async def test_the_rate_limit_answers_429_with_retry_after(tenant: Tenant) -> None:
    async with httpx.AsyncClient(transport=tenant.transport, base_url="http://127.0.0.1") as http:
        await http.post("/_sandbox/rate", json={"per_second": 2})
        await tenant.do("list_jobs")
        await tenant.do("list_jobs")
        with pytest.raises(Transient) as caught:
            await tenant.do("list_jobs")
        await http.post("/_sandbox/rate", json={"per_second": None})
    assert (429, 1.0, False) == (caught.value.status, caught.value.retry_after, caught.value.unknown)
    await tenant.do("list_jobs")


# --- lists ---


async def test_fetch_all_walks_the_pages_while_there_are_more(tenant: Tenant) -> None:
    for number in range(7):
        await tenant.do("create_booking", **{**BOOKING, "externalId": f"e{number}"})
    tenant.box.requests.clear()
    page = await tenant.do(
        "list_booking_by_provider", fetch_all=True, pageSize=3, page=2, sort="-Id", includeTotal=True
    )
    assert ["e6", "e5", "e4", "e3", "e2", "e1", "e0", "evt_1"] == [one["externalId"] for one in page["data"]]
    assert (False, 8) == (page["hasMore"], page["totalCount"])
    assert ["sort=-Id&page=1&pageSize=3", "sort=-Id&page=2&pageSize=3", "sort=-Id&page=3&pageSize=3"] == [
        request["query"].replace("%2D", "-") for request in tenant.box.requests
    ]


async def test_fetch_all_stops_at_its_limit_and_says_that_there_are_more(tenant: Tenant) -> None:
    served: list[str] = []

    async def endless(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        served.append(str(request.url))
        return httpx.Response(200, json={"hasMore": True, "data": [{"id": 1}] * 4000})

    client = ServiceTitanClient("titan", tenant.settings, transport=httpx.MockTransport(endless))
    done = await action("list_jobs").send(client, Call({"fetch_all": True}, "k", 5.0))
    await client.aclose()
    assert (3, 10_000, True) == (len(served), len(done.output["data"]), done.output["hasMore"])


@pytest.mark.parametrize("inputs", [{}, {"fetch_all": True}])
async def test_a_page_that_is_too_long_is_not_asked_for_again_and_again(tenant: Tenant, inputs: dict[str, Any]) -> None:
    async def long(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        page = {"data": [{"summary": "x" * 16 * 1024 * 1024}], "hasMore": True}
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(page).encode()))

    client = ServiceTitanClient("titan", tenant.settings, transport=httpx.MockTransport(long))
    with pytest.raises(Permanent, match="ask for less, by a narrower filter or a smaller page"):
        await action("list_invoices").send(client, Call(inputs, "k", 5.0))
    await client.aclose()


def answering(tenant: Tenant, *bodies: Any) -> ServiceTitanClient:
    """A client whose vendor answers so, one body after the other."""
    left = list(bodies)

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        return httpx.Response(200, json=left.pop(0))

    return ServiceTitanClient("titan", tenant.settings, transport=httpx.MockTransport(answer))


async def test_fetch_all_ends_at_a_page_without_records(tenant: Tenant) -> None:
    client = answering(tenant, {"data": [], "hasMore": True})
    done = await action("list_jobs").send(client, Call({"fetch_all": True}, "k", 5.0))
    await client.aclose()
    assert ([], False) == (done.output["data"], done.output["hasMore"])


@pytest.mark.parametrize("body", [[], None, {"hasMore": True}, {"data": None}, {"data": {"id": 1}}])
async def test_fetch_all_gives_no_part_of_a_list_for_the_whole(tenant: Tenant, body: Any) -> None:
    client = answering(tenant, {"data": [{"id": 1}], "hasMore": True}, body)
    with pytest.raises(Transient, match="holds no list"):
        await action("list_jobs").send(client, Call({"fetch_all": True}, "k", 5.0))
    await client.aclose()


@pytest.mark.parametrize(
    ("name", "inputs", "query"),
    [
        ("list_jobs", {"ids": [1, 2], "sort": "+Id"}, "?sort=%2BId&ids=1%2C2"),
        ("list_invoices", {"statuses": ["a", "b"], "jobId": 3}, "?jobId=3&statuses=a&statuses=b"),
        ("list_invoices", {"customField.Fields": {"Colour": "red"}}, "?customField.Fields%5BColour%5D=red"),
        ("list_customers", {"custom_query": {"x": [1, 2], "y": True}}, "?x=1%2C2&y=true"),
        ("list_customers", {"name": "M O", "custom_query": ["x=1=2", "y="]}, "?name=M%20O&x=1%3D2&y="),
        ("list_jobs", {"fetch_all": True}, "?page=1&pageSize=500"),
        ("list_jobs", {"fetch_all": False, "page": 3}, "?page=3"),
    ],
)
def test_a_query_is_encoded_as_the_vendor_takes_it(name: str, inputs: dict[str, Any], query: str) -> None:
    tenant = Tenant()
    request = action(name).render(inputs, tenant.settings)
    assert tenant.client.url(request).endswith(query)


# --- look-ups ---


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("assign_technicians", {"jobAppointmentId": "$appointment", "technicianIds": [501, 502]}),
        ("create_appointment", {"jobId": "$job", "start": "2026-05-08T10:00:00-06:00", "end": "2026-05-08T18:00:00Z"}),
        ("create_customer_contact", {"id": "$customer", "type": "Email", "value": "maya@example.org"}),
        ("create_installed_equipment", {"locationId": "$location", "serialNumber": "SN-1"}),
        ("create_invoices", {"adjustmentToId": 701, "number": "1300"}),
        ("create_payment", {"typeId": 1, "splits": [{"invoiceId": 701, "amount": 1}], "checkNumber": "44"}),
        ("create_technician", {**TECHNICIAN, "email": "sam@example.org"}),
        (
            "create_project",
            {
                "locationId": "$location",
                "externalData": {"applicationGuid": "g", "externalData": [{"key": "k", "value": "v"}]},
            },
        ),
        ("cancel_job", {"id": "$job", "reasonId": 21, "memo": "Called off"}),
        ("raw_request", {"url": "/jobs/$job", "method": "DELETE"}),
    ],
)
async def test_what_was_carried_out_is_found_and_what_was_not_is_not(
    tenant: Tenant, name: str, inputs: dict[str, Any]
) -> None:
    assert await tenant.look_up(name, **inputs) is None
    if name != "raw_request":
        await tenant.do(name, **inputs)
        found = await tenant.look_up(name, **inputs)
        assert found is not None
        assert found.adopted


async def test_technicians_taken_off_are_found_to_be_off(tenant: Tenant) -> None:
    inputs = {"jobAppointmentId": "$appointment", "technicianIds": [501]}
    await tenant.do("assign_technicians", **inputs)
    assert await tenant.look_up("unassign_technicians", **inputs) is None
    await tenant.do("unassign_technicians", **inputs)
    found = await tenant.look_up("unassign_technicians", **inputs)
    assert found is not None
    assert tenant.ids["appointment"] == found.output["id"]


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("create_installed_equipment", {"locationId": 1}),
        ("create_invoices", {"adjustmentToId": 701}),
        ("create_payment", {"typeId": 1, "splits": [{"invoiceId": 701, "amount": 1}]}),
        ("create_technician", TECHNICIAN),
        ("create_project", {"locationId": 1}),
        ("update_invoice_items", {"invoiceId": 1, "description": "x", "quantity": 1}),
        ("update_invoice", {"id": 1, "items": [{"description": "x", "quantity": 1}]}),
        ("raw_request", {"url": "/jobs", "method": "POST"}),
    ],
)
async def test_where_nothing_tells_a_person_decides(tenant: Tenant, name: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(Undecided):
        await tenant.look_up(name, **inputs)
    assert [] == tenant.box.requests


async def test_lines_with_an_id_are_sent_again(tenant: Tenant) -> None:
    assert await tenant.look_up("update_invoice", id=1, items=[{"id": 2, "description": "x", "quantity": 1}]) is None
    assert await tenant.look_up("update_invoice", id=1, summary="x") is None


async def test_a_deletion_sent_again_that_meets_a_404_had_been_carried_out(tenant: Tenant) -> None:
    await tenant.do("delete_appointment", id="$second")
    with pytest.raises(Permanent, match="answered 404"):
        await tenant.do("delete_appointment", id="$second")
    assert Done(None, adopted=True) == await tenant.done("delete_appointment", True, id="$second")


def test_repeatable_is_what_does_no_harm_twice() -> None:
    harmful = {one.name for one in vendor.actions if not one.repeatable}
    assert {
        *(name for name in TABLE if name.startswith("create_")),
        *("assign_technicians", "unassign_technicians", "cancel_job", "raw_request", "book_lead", "upsert_customer"),
        *("update_invoice", "update_invoice_items"),
    } == harmful


# --- files ---


async def test_a_file_is_uploaded_and_comes_back_byte_for_byte(tenant: Tenant) -> None:
    path = (await tenant.do("create_installed_equipment_attachment", file=FILE))["path"]
    assert 'name="file"; filename="plan.csv"' in tenant.box.requests[-1]["body"]
    got = await tenant.do("list_installed_equipment_attachments", path=path)
    assert (FILE["content_base64"], None) == (got["content_base64"], got["location"])
    assert got["content_type"].startswith("text/csv")


async def test_a_redirect_to_the_same_host_is_followed(tenant: Tenant) -> None:
    got = await tenant.do("list_installed_equipment_attachments", path=f"Moved/{tenant.ids['file']}")
    assert FILE["content_base64"] == got["content_base64"]


async def test_a_redirect_to_another_host_is_told_and_not_followed(tenant: Tenant) -> None:
    got = await tenant.do("list_installed_equipment_attachments", path="Elsewhere/x")
    assert {
        "content_type": None,
        "content_base64": None,
        "location": "https://files.example.org/Elsewhere/x",
    } == got


async def test_a_redirect_to_no_address_is_refused_for_good(tenant: Tenant) -> None:
    with pytest.raises(Permanent, match="no address"):
        await tenant.do("list_installed_equipment_attachments", path="Nowhere/x")


async def test_a_missing_file_is_refused_for_good(tenant: Tenant) -> None:
    with pytest.raises(Permanent, match="answered 404"):
        await tenant.do("list_installed_equipment_attachments", path="nothing")
    assert await tenant.look_up("list_installed_equipment_attachments", path="nothing") is None


async def test_a_file_over_the_limit_is_refused_for_good(tenant: Tenant) -> None:
    async def large(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        return httpx.Response(200, stream=httpx.ByteStream(b"x" * (16 * 1024 * 1024 + 1)))

    client = ServiceTitanClient("titan", tenant.settings, transport=httpx.MockTransport(large))
    for name, inputs in (
        ("list_installed_equipment_attachments", {"path": "x"}),
        ("raw_request", {"url": "/x", "method": "GET", "response_type": "text"}),
    ):
        with pytest.raises(Permanent, match="larger than the limit"):
            await action(name).send(client, Call(inputs, "k", 5.0))
    await client.aclose()


# --- raw requests ---


async def test_a_raw_request_reaches_any_operation_of_the_tenant(tenant: Tenant) -> None:
    made = await tenant.do("raw_request", url="/projects", method="POST", data={"locationId": tenant.ids["location"]})
    page = await tenant.do("raw_request", url="/projects", method="GET", query={"ids": [made["id"], 1], "page": None})
    assert [made["id"]] == [one["id"] for one in page["data"]]
    headers = {"X-Trace": "1"}
    text = await tenant.do(
        "raw_request", url=f"/projects/{made['id']}", method="GET", headers=headers, response_type="text"
    )
    assert "1" == tenant.box.requests[-1]["headers"]["x-trace"]
    assert made["id"] == json.loads(text["text"])["id"]
    path = {"path": tenant.ids["file"]}
    place = {"url_type": "equipmentsystems", "url": "/installed-equipment/attachments"}
    got = await tenant.do("raw_request", **place, method="GET", query=path, response_type="binary")
    assert FILE["content_base64"] == got["content_base64"]
    again = await tenant.do("raw_request", **place, method="POST", file_data={"file": FILE}, form_data={"note": "x"})
    assert again["path"].endswith("plan.csv")


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"url": "/../../../crm/v2/tenant/6/customers"}, "path"),
        ({"url": "/%2e%2e/jobs"}, "path"),
        ({"url": "//jobs"}, "path"),
        ({"url": "jobs"}, "url"),
        ({"url": "https://example.org/jobs"}, "url"),
        ({"url": "/jobs?x=1"}, "url"),
        ({"url": "/jobs", "url_type": "jpm/v2"}, "url_type"),
        ({"url": "/jobs", "url_type": ".."}, "url_type"),
        ({"url": "/jobs", "headers": {"Authorization": "x"}}, r"headers\.authorization"),
        ({"url": "/jobs", "headers": {"ST-App-Key": "x"}}, r"headers\.st-app-key"),
        ({"url": "/jobs", "headers": {"x": "a\r\nb"}}, "line break"),
        ({"url": "/jobs", "data": {}}, "no body"),
        ({"url": "/jobs", "method": "POST", "data": 1, "form_data": {"a": 1}}, "only one"),
        ({"url": "/jobs", "method": "TRACE"}, "method"),
        ({"url": "/jobs", "max_retries": 3}, "max_retries"),
    ],
)
async def test_a_raw_request_cannot_leave_its_tenant(tenant: Tenant, inputs: dict[str, Any], told: str) -> None:
    with pytest.raises(Permanent, match=told):
        await tenant.do("raw_request", **{"method": "GET", **inputs})
    assert [] == tenant.box.requests


async def test_a_raw_request_that_does_no_harm_is_sent_again(tenant: Tenant) -> None:
    for method, unknown in (("GET", False), ("POST", True)):
        tenant.box.faults.append(Fault(kind="status", status=500, path="/jobs"))
        with pytest.raises(Transient) as caught:
            await tenant.do("raw_request", url="/jobs", method=method)
        assert unknown == caught.value.unknown


# --- pick lists ---


async def test_pick_lists_give_ids_with_labels(tenant: Tenant) -> None:
    job = str(tenant.ids["job"])
    expected = {
        "select_appointment": (str(tenant.ids["appointment"]), f"#{job}-1 (ID: {tenant.ids['appointment']})"),
        "select_booking": (str(tenant.ids["booking"]), f"Maya Ortiz (ID: {tenant.ids['booking']})"),
        "select_customers": (str(tenant.ids["customer"]), f"Ben Wu (ID: {tenant.ids['customer']})"),
        "select_installed_equipment": (str(tenant.ids["equipment"]), f"Unit (ID: {tenant.ids['equipment']})"),
        "select_invoice": (str(tenant.ids["invoice"]), "#1208"),
        "select_job": (job, f"#{job}"),
        "select_location": (str(tenant.ids["location"]), f"Home (ID: {tenant.ids['location']})"),
        "select_project": (str(tenant.ids["project"]), f"Roof (ID: {tenant.ids['project']})"),
        "select_technician": ("501", "Lee Park (ID: 501)"),
    }
    assert {"select_cancel_reason", "select_user_role"} == set(PICKS) - set(expected)
    for name, (key, label) in expected.items():
        assert {"key": key, "label": label} in await whole_list(tenant.client, PICKS[name], 30.0)


# --- what is kept ---


async def test_a_technicians_password_is_not_recorded(tenant: Tenant) -> None:
    with record_exchanges() as exchanges:
        await tenant.do("create_technician", **TECHNICIAN, password="not-for-the-record")
    assert exchanges
    assert "not-for-the-record" not in repr(exchanges)
