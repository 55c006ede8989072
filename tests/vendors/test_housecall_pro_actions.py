"""Every operation of Housecall Pro, one by one, and the customer that is kept once; against its sandbox."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from hooks.canonical import Address, Customer, Phones
from hooks.errors import Permanent, Transient, Unconfigured, Undecided
from hooks.events import Done
from hooks.kit.http import record_exchanges
from hooks.kit.sandbox import Fault
from hooks.ports import Call
from hooks.vendors.housecall_pro import vendor
from hooks.vendors.housecall_pro.client import HousecallProClient, HousecallProSettings
from hooks.vendors.housecall_pro.sandbox import API_KEY
from tests.vendors.documents.account import Account
from tests.vendors.documents.housecall_pro import HOUSECALL_PRO, JOB, OPTION, PERSON, PLACE, PLAN, TABLE, VISIT

HOME = Address(street="18 Birch Rd", city="Golden", state="CO", zip="80401")
MAYA = Customer(
    first_name="Maya",
    last_name="Ortiz",
    email="maya@example.org",
    phone="+13035550142",
    phones=Phones(mobile="+13035550142", additional=["+13035550143"]),
    address=HOME,
    addresses=[HOME],
    tags=["new"],
    lead_source="Website",
)

FIRST_28 = list(TABLE)[:28]
SEED_ONLY = {
    *("delete_customer", "update_job", "delete_job", "create_invoice", "get_invoice", "list_invoice_payments"),
    *("get_employee", "list_companies", "list_webhooks", "create_webhook", "delete_webhook"),
}


action = HOUSECALL_PRO.action


class Company(Account):
    """A company at a sandbox of its own."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(HOUSECALL_PRO, **keys)


@pytest.fixture
async def company() -> AsyncIterator[Company]:
    company = Company()
    await company.prepare()
    yield company
    await company.client.aclose()


# --- settings ---


def test_the_address_and_the_scheme_have_defaults() -> None:
    settings = HousecallProSettings.model_validate({"api_key": "a key"})
    assert ("https://api.housecallpro.com", "Token", None) == (
        settings.base_url,
        settings.auth_scheme,
        settings.company_id,
    )


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "api_key"),
        ({"api_key": "k", "auth_scheme": "Basic"}, "auth_scheme"),
        ({"api_key": "k", "base_url": "http://api.example.org"}, "base_url"),
        ({"api_key": "k", "lists_in_query": "json"}, "lists_in_query"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        HousecallProSettings.model_validate(keys)


@pytest.mark.parametrize("scheme", ["Token", "Bearer"])
async def test_the_key_and_the_location_travel_in_their_headers(scheme: str) -> None:
    company = Company(auth_scheme=scheme, company_id="location-2")
    with record_exchanges() as exchanges:
        await company.do("list_customers")
    headers = company.box.requests[-1]["headers"]
    assert (f"{scheme} {API_KEY}", "location-2") == (headers["authorization"], headers["x-company-id"])
    assert API_KEY not in repr((exchanges, company.client, company.settings))


async def test_a_wrong_key_waits_for_an_operator() -> None:
    company = Company(api_key="another-key")
    with pytest.raises(Unconfigured, match="answered 401: Unauthorized"):
        await company.do("list_customers")


# --- the table ---


def test_all_operations_of_the_documents_are_there() -> None:
    assert 28 == len(FIRST_28)
    assert {*TABLE, "upsert_customer"} == {one.name for one in vendor.actions}
    assert "listJobLineItems" == action("list_job_line_items").operation


@pytest.mark.parametrize("name", TABLE)
async def test_an_operation_has_its_method_and_path_and_succeeds(company: Company, name: str) -> None:
    method, path, inputs = TABLE[name]
    path = company.path(path)
    request = action(name).render(company.filled(inputs), company.settings)
    assert (method, path) == (request.method, request.path)
    await company.do(name, **inputs)
    sent = company.box.requests[-1]
    assert (method, path) == (sent["method"], sent["path"])


def test_operations_that_the_vendor_does_not_document_say_so() -> None:
    told = {one.name for one in vendor.actions if "expect 404/405 in production" in one.summary}
    assert SEED_ONLY == told


@pytest.mark.parametrize(
    ("name", "inputs", "told"),
    [
        ("create_job", {"customer_id": "c"}, "address_id"),
        ("create_job", {"address_id": "a"}, "customer_id"),
        ("create_job", {**JOB, "schedule": {"anytime": True}}, "anytime_start_date"),
        ("create_job", {**JOB, "line_items": [{"name": "x", "unit_price": "90"}]}, "unit_price"),
        ("create_job", {**JOB, "line_items": [{"name": "x", "unit_price": 90.5}]}, "unit_price"),
        ("create_job", {**JOB, "line_items": [{"unit_price": 90}]}, "name"),
        ("create_job", {"customer_id": 7, "address_id": "a"}, "customer_id"),
        ("create_lead", {"lead_source": "Web"}, "customer_id or customer"),
        ("create_customer", {"notifications_enabled": "yes"}, "notifications_enabled"),
        ("create_customer", {"addresses": [{"town": "Golden"}]}, r"addresses\[0\]\.town"),
        ("update_customer", {"customer_id": "c", "addresses": []}, "addresses"),
        ("create_customer_address", {"customer_id": "c", "street": "s"}, "city"),
        ("list_leads", {"status": "new"}, "status"),
        ("list_jobs", {"work_status": ["done"]}, "work_status"),
        ("list_jobs", {"sort_by": "price"}, "sort_by"),
        ("list_jobs", {"sort_direction": "up"}, "sort_direction"),
        ("lock_jobs", {"job_ids": ["j"]}, "job_ids"),
        ("list_checklists", {}, "job_uuids or estimate_uuids"),
        ("create_material", {"material_category_uuid": "c", "name": "x", "price": 1}, "cost"),
        ("create_price_form", {"name": "x", "fields_attributes": [{"kind": "slider"}]}, "kind"),
        ("list_price_book_services", {"filters": [{"property": "price", "value": "1"}]}, "property"),
        ("list_jobs", {"scheduled_start_min": "today"}, "scheduled_start_min"),
        ("list_customers", {"page": 0}, "page"),
        ("list_customers", {"page_size": 201}, "page_size"),
        ("list_customers", {"page": "1"}, "page"),
        ("create_job_line_item", {"job_id": "j", "name": "x", "kind": "labour"}, "kind"),
        ("convert_lead", {"lead_id": "l", "type": "invoice"}, "type"),
        ("dispatch_job", {"job_id": "j", "dispatched_employees": ["pro_1"]}, "dispatched_employees"),
        ("create_appointment", {"job_id": "j", **PLAN}, "dispatched_employees_ids"),
        ("update_job", {"job_id": "j", "work_status": "done"}, "work_status"),
        ("create_invoice", {"status": "open"}, "status"),
        ("list_pipeline_statuses", {"resource_type": "invoice"}, "resource_type"),
        ("add_job_attachment", {"job_id": "j", "file": {"name": "x", "content_base64": "?"}}, "base64"),
        ("get_job", {"job_id": "a/b"}, "job_id"),
        ("get_job", {"job_id": "j", "expanded": True}, "expanded"),
    ],
)
async def test_what_cannot_be_right_is_refused_and_not_sent(
    company: Company, name: str, inputs: dict[str, Any], told: str
) -> None:
    with pytest.raises(Permanent, match=told):
        action(name).render(inputs, company.settings)


@pytest.mark.parametrize(
    ("lists", "query"),
    [
        ("repeat", (("employee_ids", "a"), ("employee_ids", "b"), ("expand", "attachments"), ("page", "2"))),
        ("brackets", (("employee_ids[]", "a"), ("employee_ids[]", "b"), ("expand[]", "attachments"), ("page", "2"))),
    ],
)
def test_lists_in_a_query_are_written_as_configured(lists: str, query: tuple[tuple[str, str], ...]) -> None:
    company = Company(lists_in_query=lists)
    inputs = {"employee_ids": ["a", "b"], "expand": ["attachments"], "page": 2}
    assert sorted(query) == sorted(action("list_jobs").render(inputs, company.settings).query)


# --- refusals ---


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, {"message": "Not saved", "email": "is invalid"}, r"answered 400: Not saved \(email: is invalid\)"),
        (400, {"message": "Not saved"}, "answered 400: Not saved$"),
        (404, {"error": {"message": "job not found"}}, "answered 404: job not found"),
        (404, {"error": "resource_type not found"}, "answered 404: resource_type not found"),
        (404, {}, "answered 404$"),
        (404, None, "answered 404$"),
        (422, {"errors": {"name": ["is missing", "is short"]}}, "answered 422: name: is missing, is short"),
        (422, {"errors": ["name is missing"]}, "answered 422: name is missing"),
        (422, {"error": {"message": "locked"}, "message": "other"}, "answered 422: locked"),
        (422, {"errors": {"lines": {"0": ["bad"]}}}, "lines: 0: bad"),
        (400, [1], "answered 400$"),
        (400, b"<html>", "answered 400$"),
    ],
)
async def test_a_refusal_is_told_in_the_vendors_words(company: Company, status: int, body: Any, told: str) -> None:
    async def refuse(_: httpx.Request) -> httpx.Response:
        if isinstance(body, bytes):
            return httpx.Response(status, content=body)
        return httpx.Response(status) if body is None else httpx.Response(status, json=body)

    client = HousecallProClient("hcp", company.settings, transport=httpx.MockTransport(refuse))
    with pytest.raises(Permanent, match=told):
        await action("get_company").send(client, Call({}, "k", 5.0))
    await client.aclose()


@pytest.mark.parametrize(
    ("name", "inputs", "told"),
    [
        ("get_job", {"job_id": "job_0"}, "answered 404: job not found"),
        ("create_job", {"customer_id": "$customer", "address_id": "adr_0"}, "answered 404: address not found"),
        ("create_customer", {"notes": "nobody"}, r"answered 400: .*first_name: can't be blank"),
        ("update_lead_source", {"lead_source_id": "ls_0", "name": "x"}, "answered 404: lead source not found"),
        (
            "update_pipeline_status",
            {"resource_type": "lead", "resource_id": "lea_0", "status_id": "st_lead_1"},
            "answered 404: lead not found",
        ),
    ],
)
async def test_the_sandbox_refuses_as_the_vendor_does(
    company: Company, name: str, inputs: dict[str, Any], told: str
) -> None:
    with pytest.raises(Permanent, match=told):
        await company.do(name, **inputs)


async def test_a_job_number_is_taken_once(company: Company) -> None:
    await company.do("create_job", **JOB, invoice_number="1300")
    with pytest.raises(Permanent, match="answered 422: invoice_number: has already been taken"):
        await company.do("create_job", **JOB, invoice_number="1300")


@pytest.mark.parametrize(("kind", "retry_after", "unknown"), [("rate", 9, False), ("cut_after", None, True)])
async def test_faults_are_transient(company: Company, kind: Any, retry_after: int | None, unknown: bool) -> None:
    company.box.faults.append(Fault(kind=kind, path="/jobs", retry_after=retry_after))
    with pytest.raises(Transient) as caught:
        await company.do("create_job", **JOB)
    assert (retry_after, unknown) == (caught.value.retry_after, caught.value.unknown)


# --- lists ---


async def test_fetch_all_walks_all_pages(company: Company) -> None:
    for number in range(5):
        await company.do("create_lead", customer_id="$customer", lead_source=f"s{number}")
    company.box.requests.clear()
    whole = await company.do("list_leads", fetch_all=True, page=3, page_size=2, sort_direction="asc")
    assert ["Website", "s0", "s1", "s2", "s3", "s4"] == [lead["lead_source"] for lead in whole["leads"]]
    assert (6, False) == (whole["total_items"], whole["has_more"])
    assert 3 == len(company.box.requests)


async def test_one_page_is_given_as_it_is(company: Company) -> None:
    page = await company.do("list_employees", page_size=1)
    assert (1, 2, 2, ["pro_2"]) == (
        page["page"],
        page["total_pages"],
        page["total_items"],
        [one["id"] for one in page["employees"]],
    )


@pytest.mark.parametrize(
    ("answer", "records", "more"),
    [
        ({"total_pages_count": 2, "tags": [{"id": "t"}]}, 2, False),
        ({"total_pages": 9, "tags": []}, 0, False),
        ({"tags": [{"id": "t"}]}, 1, False),
        ([], 0, False),
        ({"total_pages": 9, "tags": [{"id": "t"}] * 6000}, 10_000, True),
    ],
)
async def test_fetch_all_ends_where_the_pages_end(company: Company, answer: Any, records: int, more: bool) -> None:
    async def same_page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answer)

    client = HousecallProClient("hcp", company.settings, transport=httpx.MockTransport(same_page))
    done = await action("list_tags").send(client, Call({"fetch_all": True}, "k", 5.0))
    await client.aclose()
    assert (records, more) == (len(done.output["tags"]), done.output["has_more"])


@pytest.mark.parametrize("answer", [None, {}, {"total_pages": 2}, {"total_pages": 2, "tags": None}, "ok"])
async def test_fetch_all_gives_no_part_of_a_list_for_the_whole(company: Company, answer: Any) -> None:
    answers = [{"total_pages": 2, "tags": [{"id": "t"}]}, answer]

    async def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answers.pop(0))

    client = HousecallProClient("hcp", company.settings, transport=httpx.MockTransport(page))
    with pytest.raises(Transient, match="holds no list"):
        await action("list_tags").send(client, Call({"fetch_all": True}, "k", 5.0))
    await client.aclose()


# --- look-ups ---


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("create_customer", PERSON),
        ("create_customer", {"company": "Acme", "email": "office@example.org"}),
        ("create_lead", {"customer": PERSON, "lead_source": "Radio", "address": PLACE}),
        ("create_lead", {"customer_id": "$customer", "lead_source": "Radio"}),
        ("create_job", {**JOB, "invoice_number": "1300"}),
        ("create_job", {**JOB, "schedule": {"scheduled_start": "2026-06-01T10:00:00-06:00"}}),
        ("create_customer_address", {"customer_id": "$customer", **PLACE, "street": "2 Mill St"}),
        ("create_job_line_item", {"job_id": "$job", "name": "Filter", "unit_price": 900}),
        ("create_appointment", {"job_id": "$job", **VISIT, "start_time": "2026-05-06T18:00:00Z"}),
        ("add_job_note", {"job_id": "$job", "content": "Filter replaced"}),
        ("convert_lead", {"lead_id": "$lead", "type": "estimate"}),
        ("create_estimate", {"customer_id": "$customer", "estimate_number": "88"}),
        ("create_estimate_option", {"estimate_id": "$estimate", "name": "Best"}),
        ("add_estimate_option_note", {**OPTION, "content": "Ask"}),
        ("create_tag", {"name": "vip"}),
    ],
)
async def test_what_was_carried_out_is_found_and_what_was_not_is_not(
    company: Company, name: str, inputs: dict[str, Any]
) -> None:
    assert await company.look_up(name, **inputs) is None
    company.box.faults.append(Fault(kind="cut_after"))
    with pytest.raises(Transient):
        await company.do(name, **inputs)
    found = await company.look_up(name, **inputs)
    assert found is not None
    assert found.adopted


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("create_customer", {"first_name": "Ben"}),
        ("create_lead", {"customer": {"first_name": "Ben"}}),
        ("create_job", JOB),
        ("create_estimate", {"customer_id": "$customer"}),
    ],
)
async def test_where_nothing_tells_a_person_decides(company: Company, name: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(Undecided):
        await company.look_up(name, **inputs)
    assert [] == company.box.requests


async def test_a_lead_that_is_lost_is_not_taken_for_the_new_one(company: Company) -> None:
    company.box.of("leads")[0]["status"] = "lost"
    assert await company.look_up("create_lead", customer_id="$customer", lead_source="Website") is None


async def test_a_deletion_sent_again_that_meets_a_404_had_been_carried_out(company: Company) -> None:
    await company.do("delete_job_line_item", job_id="$job", line_item_id="$line")
    with pytest.raises(Permanent, match="answered 404"):
        await company.do("delete_job_line_item", job_id="$job", line_item_id="$line")
    again = await company.done("delete_job_line_item", True, job_id="$job", line_item_id="$line")
    assert Done(None, adopted=True) == again


def test_repeatable_is_what_does_no_harm_twice() -> None:
    harmless = {one.name for one in vendor.actions if one.repeatable and one.method == "POST"}
    assert {
        *("add_job_tag", "lock_job", "lock_jobs", "approve_estimate_options", "decline_estimate_options"),
        *("enable_application", "disable_application", "create_webhook_subscription"),
    } == harmless
    assert not action("bulk_update_job_line_items").repeatable


# --- upsert_customer ---


async def test_a_new_customer_is_created_in_the_vendors_words(company: Company) -> None:
    output = (await company.done("upsert_customer", False, customer=MAYA.dump(), tags=["vip"])).output
    sent = json.loads(company.box.requests[-1]["body"])
    assert {
        "first_name": "Maya",
        "last_name": "Ortiz",
        "email": "maya@example.org",
        "mobile_number": "3035550142",
        "home_number": "3035550143",
        "tags": ["new", "vip"],
        "lead_source": "Website",
        "addresses": [{"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401"}],
    } == sent
    assert (True, False, False) == (output["created"], output["updated"], output["unchanged"])
    assert output["id"].startswith("cus_")


@pytest.mark.parametrize(
    "again",
    [MAYA, Customer(phone="(303) 555-0142"), Customer(email="MAYA@example.org")],
    ids=["all", "phone", "e-mail"],
)
async def test_a_known_customer_is_found_and_nothing_is_written(company: Company, again: Customer) -> None:
    made = await company.do("upsert_customer", customer=MAYA.dump())
    company.box.requests.clear()
    output = await company.do("upsert_customer", customer=again.dump())
    assert (made["id"], True) == (output["id"], output["unchanged"])
    assert [] == company.writes()
    found = await company.look_up("upsert_customer", customer=again.dump())
    assert found is not None
    assert (output, True) == (found.output, found.adopted)


async def test_only_what_changed_is_written(company: Company) -> None:
    made = await company.do("upsert_customer", customer=MAYA.dump())
    company.box.requests.clear()
    shop = Address(street="2 Mill St", city="Golden", state="CO", zip="80401")
    newer = MAYA.model_copy(update={"last_name": "Lake", "addresses": [HOME, shop], "tags": ["New", "vip"]})
    output = await company.do("upsert_customer", customer=newer.dump(), notes="Call first")
    assert [f"PUT /customers/{made['id']}", f"POST /customers/{made['id']}/addresses"] == company.writes()
    put = next(one for one in company.box.requests if one["method"] == "PUT")
    assert {"last_name": "Lake", "tags": ["new", "vip"], "notes": "Call first"} == json.loads(put["body"])
    assert (True, "Lake") == (output["updated"], output["last_name"])
    assert (await company.do("upsert_customer", customer=newer.dump(), notes="Call first"))["unchanged"]


async def test_of_two_with_the_same_number_the_one_of_the_same_name_is_taken(company: Company) -> None:
    await company.do("create_customer", first_name="Lee", last_name="Ortiz", mobile_number="3035550142")
    maya = await company.do("create_customer", first_name="Maya", last_name="Ortiz", mobile_number="3035550142")
    await company.do("create_customer", first_name="Ana", last_name="Ortiz", mobile_number="3035550142")
    assert maya["id"] == (await company.do("upsert_customer", customer=MAYA.dump()))["id"]


async def test_a_search_that_finds_others_does_not_fool_it(company: Company) -> None:
    async def others(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"customers": [{"id": "cus_9", "mobile_number": "3035550199"}, "junk"]})
        return httpx.Response(201, json={"id": "cus_10"})

    client = HousecallProClient("hcp", company.settings, transport=httpx.MockTransport(others))
    done = await action("upsert_customer").send(client, Call({"customer": MAYA.dump()}, "k", 5.0))
    await client.aclose()
    assert ("cus_10", True) == (done.output["id"], done.output["created"])


async def test_a_search_that_fails_has_changed_nothing(company: Company) -> None:
    company.box.faults.append(Fault(kind="status", status=500))
    with pytest.raises(Transient) as caught:
        await company.do("upsert_customer", customer=MAYA.dump())
    assert not caught.value.unknown


async def test_a_customer_of_unknown_outcome_is_found_again(company: Company) -> None:
    company.box.faults.append(Fault(kind="cut_after", method="POST"))
    with pytest.raises(Transient):
        await company.do("upsert_customer", customer=MAYA.dump())
    assert await company.look_up("upsert_customer", customer=MAYA.dump()) is not None
    newer = MAYA.model_copy(update={"last_name": "Lake"})
    assert await company.look_up("upsert_customer", customer=newer.dump()) is None


async def test_a_lead_of_whom_only_the_zip_code_is_known_is_sent(company: Company) -> None:
    address = {"street": None, "zip": "80401"}
    lead = await company.do("create_lead", customer={"first_name": "Maya", "addresses": [address]}, address=address)
    sent = json.loads(company.box.requests[-1]["body"])
    assert ({"zip": "80401"}, [{"zip": "80401"}]) == (sent["address"], sent["customer"]["addresses"])
    assert lead["id"].startswith("lea_")


@pytest.mark.parametrize("use", ["home", "work"])
async def test_a_customer_with_another_number_than_a_mobile_one_is_found_by_name(company: Company, use: str) -> None:
    customer = {"first_name": "Hanna", "last_name": "Home", "phones": {use: "303-555-0177"}}
    company.box.faults.append(Fault(kind="cut_after", method="POST"))
    with pytest.raises(Transient):
        await company.do("upsert_customer", customer=customer)
    assert await company.look_up("upsert_customer", customer=customer) is not None
    inputs = {"first_name": "Hanna", "last_name": "Home", f"{use}_number": "3035550177"}
    assert await company.look_up("create_customer", **inputs) is not None
    assert (await company.do("upsert_customer", customer=customer))["unchanged"]


async def test_a_customer_who_cannot_be_searched_is_left_to_a_person(company: Company) -> None:
    with pytest.raises(Undecided):
        await company.look_up("upsert_customer", customer={"phones": {"home": "303-555-0177"}})
    with pytest.raises(Undecided):
        await company.look_up("create_customer", home_number="3035550177")


async def test_somebody_who_shares_the_number_does_not_hide_the_customer(company: Company) -> None:
    await company.do("create_customer", first_name="Lee", last_name="Ortiz", mobile_number="3035550142")
    names = {"first_name": "Maya", "last_name": "Ortiz"}
    maya = await company.do("create_customer", **names, mobile_number="3035550199", email="maya@example.org")
    assert maya["id"] == (await company.do("upsert_customer", customer=MAYA.dump()))["id"]


@pytest.mark.parametrize("reach", [{"phone": "000-000-0000"}, {"email": "none@none.com"}])
async def test_what_everybody_writes_joins_nobody(company: Company, reach: dict[str, str]) -> None:
    smith = {"first_name": "John", "last_name": "Smith", "email": "john@example.org"}
    made = await company.do("upsert_customer", customer={**smith, **reach})
    other = await company.do("upsert_customer", customer={"first_name": "John", "last_name": "Miller", **reach})
    assert made["id"] != other["id"]


async def test_a_text_that_is_no_address_of_mail_is_not_sent(company: Company) -> None:
    await company.do("upsert_customer", customer={**MAYA.dump(), "email": "n/a", "emails": ["n/a"]})
    assert "email" not in json.loads(company.box.requests[-1]["body"])


async def test_a_number_is_not_replaced_by_none(company: Company) -> None:
    made = await company.do("upsert_customer", customer=MAYA.dump())
    again = await company.do("upsert_customer", customer={**MAYA.dump(), "phone": None, "phones": {"mobile": "n/a"}})
    assert (made["id"], "3035550142") == (again["id"], again["mobile_number"])


async def test_a_number_with_an_extension_is_the_same_number(company: Company) -> None:
    maya = {"first_name": "Maya", "last_name": "Ortiz"}
    made = await company.do("create_customer", **maya, work_number="303-555-0142 ext 12")
    assert made["id"] == (await company.do("upsert_customer", customer=MAYA.dump()))["id"]


async def test_a_customer_is_found_by_a_second_address_of_mail(company: Company) -> None:
    maya = await company.do("create_customer", first_name="Maya", last_name="Ortiz", email="old@example.org")
    customer = {**MAYA.dump(), "emails": ["maya@example.org", "OLD@example.org"]}
    again = await company.do("upsert_customer", customer=customer)
    assert (maya["id"], "old@example.org") == (again["id"], again["email"])


@pytest.mark.parametrize("name", ["Maya", "ortiz, maya", "maya@example.org", "303-555-0142", "Ortiz"])
async def test_a_name_that_says_less_replaces_none(company: Company, name: str) -> None:
    made = await company.do("upsert_customer", customer=MAYA.dump())
    again = await company.do("upsert_customer", customer={"display_name": name, "phone": "+13035550142"})
    assert (made["id"], "Maya", "Ortiz") == (again["id"], again["first_name"], again["last_name"])


async def test_a_customer_without_number_and_mail_is_never_sent(company: Company) -> None:
    for nothing in ({}, {"phone": "n/a", "email": "none"}):
        with pytest.raises(Permanent, match="neither a phone number nor an e-mail"):
            await company.do("upsert_customer", customer={"display_name": "Maya Ortiz", **nothing})
    assert [] == company.box.requests


async def test_a_shown_name_is_split(company: Company) -> None:
    customer = {"display_name": "Ana Maria Silva", "email": "ana@example.org", "emails": ["ana@example.org"]}
    await company.do("upsert_customer", customer=customer)
    sent = json.loads(company.box.requests[-1]["body"])
    assert ("Ana Maria", "Silva") == (sent["first_name"], sent["last_name"])


async def test_a_fourth_number_has_no_place(company: Company) -> None:
    phones = Phones(mobile="+13035550142", home="+13035550143", work="+13035550144", additional=["+13035550145"])
    await company.do("upsert_customer", customer=Customer(first_name="Maya", phones=phones).dump())
    sent = json.loads(company.box.requests[-1]["body"])
    assert {
        "first_name": "Maya",
        "mobile_number": "3035550142",
        "home_number": "3035550143",
        "work_number": "3035550144",
    } == sent


async def test_a_wish_not_to_be_notified_is_written(company: Company) -> None:
    made = await company.do("upsert_customer", customer=MAYA.dump())
    newer = MAYA.model_copy(update={"notifications": False})
    output = await company.do("upsert_customer", customer=newer.dump())
    assert (made["id"], False, True) == (output["id"], output["notifications_enabled"], output["updated"])


def test_the_creation_is_what_is_shown() -> None:
    company = Company()
    request = action("upsert_customer").render({"customer": MAYA.dump()}, company.settings)
    assert "http://127.0.0.1/customers" == company.client.url(request)
    assert "POST" == request.method


async def test_a_person_of_another_name_is_not_taken_for_the_new_customer(company: Company) -> None:
    await company.do("create_customer", **PERSON)
    assert await company.look_up("create_customer", **{**PERSON, "first_name": "Ana"}) is None


async def test_a_lead_that_became_a_job_did_not_become_an_estimate(company: Company) -> None:
    await company.do("convert_lead", lead_id="$lead", type="job")
    assert await company.look_up("convert_lead", lead_id="$lead", type="estimate") is None
