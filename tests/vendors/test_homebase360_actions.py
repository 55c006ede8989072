"""Homebase360's actions against its sandbox."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from hooks.errors import Permanent, Transient, Undecided
from hooks.events import Done
from hooks.kit.sandbox import Fault
from hooks.ports import Call
from hooks.vendors.homebase360 import vendor
from hooks.vendors.homebase360.client import Homebase360Client, Homebase360Settings
from hooks.vendors.homebase360.people import as_customer, changes
from hooks.vendors.homebase360.sandbox import API_KEY, sandbox
from tests.vendors.sandboxed import Sandboxed, action_of

action = partial(action_of, vendor)

MAYA = {
    "first_name": "Maya",
    "last_name": "Ortiz",
    "phone": "+13035550142",
    "phone_valid": True,
    "phones": {"mobile": "+13035550142", "additional": []},
    "email": "maya@example.org",
    "emails": ["maya@example.org"],
    "address": {"one_line": "18 Birch Rd, Golden, CO 80401"},
    "addresses": [{"one_line": "18 Birch Rd, Golden, CO 80401"}],
    "tags": ["hcp"],
}
NEW = {"firstName": "Maya", "lastName": "Ortiz", "phone": {"mobile": "+13035550142"}, "email": ["maya@example.org"]}
VISIT = {
    "start": "2026-05-06T17:30:00Z",
    "end": "2026-05-06T19:30:00Z",
    "lineItems": [{"name": "AC tune-up", "quantity": 1, "unitPrice": "189.00"}],
}


class Account(Sandboxed):
    """A connection to a sandbox of its own."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(vendor, sandbox(), {"base_url": "http://127.0.0.1/api/v1", "api_key": API_KEY, **keys})

    def methods(self) -> list[str]:
        return [request["method"] for request in self.box.requests]


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    account = Account()
    yield account
    await account.client.aclose()


def body(request: dict[str, Any]) -> Any:
    return json.loads(request["body"])


# --- operations ---


async def test_a_customer_is_created_changed_and_found(account: Account) -> None:
    made = await account.do("create_customer", **NEW)
    assert {"message": "Customer updated"} == await account.do("update_customer", notes="Gate", **made)
    [found] = await account.do("get_customers", phone="+13035550142")
    assert ("Maya Ortiz", "Gate", made["customerId"]) == (found["displayName"], found["notes"], found["customerId"])


async def test_a_job_is_created_changed_and_found(account: Account) -> None:
    customer = await account.do("create_customer", **NEW)
    made = await account.do("create_job", **customer, **VISIT, leadSource={"online": True})
    await account.do("update_job", **made, note="Later", start="2026-05-06T12:00:00-05:00")
    [found] = await account.do("get_jobs", **made)
    assert ("Later", "2026-05-06T17:00:00Z", "AC tune-up") == (
        found["note"],
        found["start"],
        found["lineItems"][0]["name"],
    )


async def test_customers_are_found_by_several_ids(account: Account) -> None:
    made = [await account.do("create_customer", **NEW) for _ in range(2)]
    found = await account.do("get_customers", identifiers=",".join([*(one["customerId"] for one in made), "none"]))
    assert made == [{"customerId": one["customerId"]} for one in found]


async def test_the_key_is_tested_by_ping(account: Account) -> None:
    assert "pong" == (await account.do("ping"))["message"]


@pytest.mark.parametrize(
    ("keys", "method", "path", "query"),
    [
        ({}, "PATCH", "/api/v1/customers/{id}", ""),
        ({"update_method": "PUT"}, "PUT", "/api/v1/customers/{id}", ""),
        ({"id_in": "query"}, "PATCH", "/api/v1/customers", "customerId={id}"),
    ],
)
async def test_verb_and_place_of_the_id_are_configured(
    keys: dict[str, str], method: str, path: str, query: str
) -> None:
    account = Account(**keys)
    made = await account.do("create_customer", **NEW)
    await account.do("update_customer", **made, notes="x")
    request = account.box.requests[-1]
    customer_id = made["customerId"]
    assert (method, path.format(id=customer_id), query.format(id=customer_id)) == (
        request["method"],
        request["path"],
        request["query"],
    )
    assert {"notes": "x"} == body(request)


async def test_empty_lines_are_dropped(account: Account) -> None:
    await account.do("create_customer", **{**NEW, "email": ["maya@example.org", ""], "address": ["", "18 Birch Rd"]})
    assert (["maya@example.org"], ["18 Birch Rd"]) == (
        body(account.box.requests[0])["email"],
        body(account.box.requests[0])["address"],
    )


@pytest.mark.parametrize(
    ("name", "inputs", "told"),
    [
        ("create_customer", {"email": ["a@example.org"]}, "firstName or lastName is needed"),
        ("create_customer", {"firstName": " ", "email": ["a@example.org"]}, "firstName or lastName is needed"),
        ("create_customer", {"firstName": "A"}, "a number in phone or an address in email"),
        ("create_customer", {"firstName": "A", "phone": {"mobile": ""}, "email": [""]}, "a number in phone"),
        ("create_customer", {"firstName": "A", "phone": {"mobile": "303-555-0142"}}, r"phone\.mobile"),
        ("create_customer", {"firstName": "A", "phone": {"fax": "+13035550142"}}, r"phone\.fax"),
        ("create_customer", {"firstName": "A", "email": ["not an address"]}, r"email\[0\]"),
        ("update_customer", {"notes": "x"}, "customerId"),
        ("get_customers", {"limit": 101}, "limit"),
        ("create_job", {"customerId": "c", **VISIT, "end": VISIT["start"]}, "end must be after start"),
        ("create_job", {"customerId": "c", **VISIT, "lineItems": []}, "lineItems"),
        (
            "create_job",
            {"customerId": "c", **VISIT, "lineItems": [{"name": "A", "quantity": 1, "unitPrice": 189.0}]},
            r"lineItems\[0\]\.unitPrice",
        ),
        ("create_job", {"customerId": "c", **VISIT, "leadSource": {"online": True, "other": True}}, "only one of"),
        ("update_job", {"jobId": "j", "start": VISIT["end"], "end": VISIT["start"]}, "end must be after start"),
        ("update_job", {"jobId": "j", "lineItems": []}, "lineItems"),
        ("upsert_customer", {"customer": {"first_name": "A"}}, "neither a US or Canadian phone number nor"),
    ],
)
async def test_what_the_document_forbids_is_never_sent(
    account: Account, name: str, inputs: dict[str, Any], told: str
) -> None:
    with pytest.raises(Permanent, match=told):
        await account.do(name, **inputs)
    assert [] == account.box.requests


async def test_what_the_vendor_refuses_is_told_in_its_words(account: Account) -> None:
    with pytest.raises(Permanent, match="answered 404: Customer not found"):
        await account.do("create_job", customerId="nobody", **VISIT)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b'{"success":false,"error":"No such key sandbox-homebase360-key"}', Permanent),
        (b'{"success":false}', Permanent),
        (b'{"data":{"customerId":"c"}}', Transient),
        (b"[]", Transient),
        (b"", Transient),
    ],
)
async def test_a_200_is_only_a_success_when_it_says_so(answer: bytes, error: type[Exception]) -> None:
    async def answering(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=answer)

    client = Homebase360Client("h", Account().client.settings, transport=httpx.MockTransport(answering))
    with pytest.raises(error) as caught:
        await action("create_customer").send(client, Call(NEW, "k", 5.0))
    assert API_KEY not in str(caught.value)
    assert getattr(caught.value, "unknown", False) == (error is Transient)


def test_a_connection_needs_its_key() -> None:
    with pytest.raises(ValidationError, match="api_key"):
        Homebase360Settings.model_validate({})
    with pytest.raises(ValidationError, match="not encrypted"):
        Homebase360Settings.model_validate({"api_key": "k", "base_url": "http://api.example.org"})


# --- unknown outcomes ---


async def test_a_customer_of_unknown_outcome_is_found_and_not_made_twice(account: Account) -> None:
    account.box.faults.append(Fault(kind="cut_after"))
    with pytest.raises(Transient) as caught:
        await account.do("create_customer", **NEW)
    assert caught.value.unknown
    customer_id = account.box.of("customers")[0]["customerId"]
    assert Done({"customerId": customer_id}, adopted=True) == await account.look_up("create_customer", **NEW)
    assert 1 == len(account.box.of("customers"))


async def test_somebody_else_of_the_same_number_is_not_adopted(account: Account) -> None:
    await account.do("create_customer", **{**NEW, "firstName": "Rosa"})
    assert await account.look_up("create_customer", **NEW) is None


async def test_a_customer_that_cannot_be_searched_is_left_to_a_person(account: Account) -> None:
    inputs = {"firstName": "Maya", "phone": {"home": "+13035550142"}}
    with pytest.raises(Undecided):
        await account.look_up("create_customer", **inputs)
    with pytest.raises(Undecided):
        await account.look_up("upsert_customer", customer={"first_name": "Maya", "phones": {"home": "+13035550142"}})


async def test_a_job_of_unknown_outcome_is_found_by_both_dates(account: Account) -> None:
    customer = await account.do("create_customer", **NEW)
    account.box.faults.append(Fault(kind="garbage"))
    with pytest.raises(Transient) as caught:
        await account.do("create_job", **customer, **VISIT)
    assert caught.value.unknown
    found = await account.look_up("create_job", **customer, **VISIT)
    assert Done({"jobId": account.box.of("jobs")[0]["jobId"]}, adopted=True) == found
    assert "startDate" in account.box.requests[-1]["query"]
    assert "endDate" in account.box.requests[-1]["query"]
    other = {**VISIT, "lineItems": [{"name": "Repair", "quantity": 1, "unitPrice": "189.00"}]}
    assert await account.look_up("create_job", **customer, **other) is None


@pytest.mark.parametrize(
    "job",
    [
        {},
        {"customer": {"customerId": "c"}, "start": "soon", "end": VISIT["end"], "lineItems": VISIT["lineItems"]},
        {"customer": {"customerId": "c"}, "start": "2026-05-06T17:30:00", "end": VISIT["end"]},
        {"customer": {"customerId": "c"}, "start": VISIT["start"], "end": VISIT["end"], "lineItems": []},
        {"customer": "c", "start": VISIT["start"], "end": VISIT["end"], "lineItems": VISIT["lineItems"]},
    ],
)
async def test_a_job_that_cannot_be_compared_is_not_adopted(account: Account, job: dict[str, Any]) -> None:
    async def answering(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"success": True, "data": [{"jobId": "j", **job}]})

    client = Homebase360Client("h", account.client.settings, transport=httpx.MockTransport(answering))
    assert await action("create_job").lookup(client, Call({"customerId": "c", **VISIT}, "k", 5.0)) is None


async def test_a_look_up_that_fails_has_changed_nothing(account: Account) -> None:
    account.box.faults.append(Fault(kind="status", status=500))
    with pytest.raises(Transient) as caught:
        await account.look_up("create_customer", **NEW)
    assert not caught.value.unknown


# --- upsert_customer ---


def outcome(output: dict[str, Any]) -> list[str]:
    return [word for word in ("created", "updated", "unchanged") if output[word]]


async def test_a_person_who_is_not_there_is_created_once(account: Account) -> None:
    first = await account.do("upsert_customer", customer=MAYA, tags=["new"], notes="Gate")
    second = await account.do("upsert_customer", customer=MAYA)
    assert (["created"], ["unchanged"]) == (outcome(first), outcome(second))
    assert first["customerId"] == second["customerId"]
    [record] = account.box.of("customers")
    assert (["hcp", "new"], "Gate", ["18 Birch Rd, Golden, CO 80401"]) == (
        record["tags"],
        record["notes"],
        record["address"],
    )


async def test_nothing_is_written_when_nothing_has_changed(account: Account) -> None:
    await account.do("upsert_customer", customer=MAYA)
    account.box.requests.clear()
    await account.do("upsert_customer", customer=MAYA)
    assert {"GET"} == set(account.methods())


async def test_only_what_changed_is_written_and_nothing_is_lost(account: Account) -> None:
    made = await account.do(
        "create_customer", **{**NEW, "tags": ["VIP"], "notes": "Gate code", "phone": {"home": "+13035550199"}}
    )
    changed = await account.do("upsert_customer", customer={**MAYA, "notes": "From HCP"})
    assert ({"customerId": made["customerId"]}, ["updated"]) == (
        {"customerId": changed["customerId"]},
        outcome(changed),
    )
    assert {
        "phone": {"home": "+13035550199", "mobile": "+13035550142"},
        "address": ["18 Birch Rd, Golden, CO 80401"],
        "tags": ["VIP", "hcp"],
    } == body(account.box.requests[-1])


async def test_a_person_is_found_by_a_second_address(account: Account) -> None:
    made = await account.do("create_customer", firstName="Maya", email=["old@example.org"])
    customer = {**MAYA, "emails": ["maya@example.org", "OLD@example.org"]}
    assert made["customerId"] == (await account.do("upsert_customer", customer=customer))["customerId"]


async def test_a_person_is_found_by_a_number_that_is_a_mobile_one_there(account: Account) -> None:
    made = await account.do("create_customer", **NEW)
    customer = {"first_name": "Maya", "last_name": "Ortiz", "phones": {"work": "303-555-0142"}}
    assert made["customerId"] == (await account.do("upsert_customer", customer=customer))["customerId"]


async def test_somebody_who_shares_the_number_does_not_hide_the_person(account: Account) -> None:
    await account.do("create_customer", firstName="Sam", lastName="Ortiz", phone={"mobile": "+13035550142"})
    maya = {**NEW, "phone": {"mobile": "+13035550199"}}
    made = await account.do("create_customer", **maya)
    assert made["customerId"] == (await account.do("upsert_customer", customer=MAYA))["customerId"]
    found = await account.look_up("create_customer", **{**NEW, "phone": {"mobile": "+13035550142"}})
    assert found is not None
    assert made == found.output


@pytest.mark.parametrize("name", ["Maya", "ortiz, maya", "maya@example.org", "303-555-0142", "Ortiz"])
async def test_a_name_that_says_less_replaces_none(account: Account, name: str) -> None:
    made = await account.do("create_customer", **NEW)
    customer = {"display_name": name, "phone": "+13035550142"}
    assert made["customerId"] == (await account.do("upsert_customer", customer=customer))["customerId"]
    [record] = account.box.of("customers")
    assert ("Maya", "Ortiz") == (record["firstName"], record["lastName"])


async def test_an_address_that_stands_for_none_joins_nobody(account: Account) -> None:
    await account.do("upsert_customer", customer={"display_name": "John Smith", "email": "none@none.com"})
    other = await account.do("upsert_customer", customer={"display_name": "John Miller", "email": "none@none.com"})
    again = await account.do("upsert_customer", customer={"display_name": "John Smith", "email": "none@none.com"})
    assert (["created"], ["unchanged"]) == (outcome(other), outcome(again))


async def test_somebody_without_a_name_is_found_and_not_made(account: Account) -> None:
    with pytest.raises(Permanent, match="a new customer needs a name"):
        await account.do("upsert_customer", customer={"phone": "+13035550142"})
    made = await account.do("create_customer", **NEW)
    again = await account.do("upsert_customer", customer={"phone": "+13035550142"})
    assert (made["customerId"], ["unchanged"]) == (again["customerId"], outcome(again))
    shown = action("upsert_customer").render({"customer": {"phone": "+13035550142"}}, account.client.settings)
    assert ("GET", "/customers", (("phone", "+13035550142"),)) == (shown.method, shown.path, shown.query)


async def test_each_search_has_one_filter(account: Account) -> None:
    await account.do("upsert_customer", customer=MAYA)
    searches = [request["query"] for request in account.box.requests if request["method"] == "GET"]
    assert ["phone=%2B13035550142", "email=maya%40example.org"] == searches


async def test_a_hit_that_is_not_the_person_is_not_taken(account: Account) -> None:
    hit = {"customerId": "other", "phone": {"mobile": "+13035550100"}, "email": []}

    async def everybody(request: httpx.Request) -> httpx.Response:
        data = [hit] if request.method == "GET" else {"customerId": "made"}
        return httpx.Response(200, json={"success": True, "data": data})

    client = Homebase360Client("h", account.client.settings, transport=httpx.MockTransport(everybody))
    done = await action("upsert_customer").send(client, Call({"customer": MAYA}, "k", 5.0))
    assert ("made", ["created"]) == (done.output["customerId"], outcome(done.output))


async def test_of_several_hits_the_one_of_the_same_name_is_taken(account: Account) -> None:
    await account.do("create_customer", **{**NEW, "firstName": "Rosa"})
    made = await account.do("create_customer", **NEW)
    assert made["customerId"] == (await account.do("upsert_customer", customer=MAYA))["customerId"]


async def test_an_upsert_of_unknown_outcome_is_found(account: Account) -> None:
    assert await account.look_up("upsert_customer", customer=MAYA) is None
    account.box.faults.append(Fault(kind="cut_after", method="POST"))
    with pytest.raises(Transient) as caught:
        await account.do("upsert_customer", customer=MAYA)
    assert caught.value.unknown
    found = await account.look_up("upsert_customer", customer=MAYA)
    assert found is not None
    assert (True, ["unchanged"]) == (found.adopted, outcome(found.output))
    assert await account.look_up("upsert_customer", customer={**MAYA, "first_name": "Mia"}) is None


async def test_a_search_that_fails_before_the_write_has_changed_nothing(account: Account) -> None:
    account.box.faults.append(Fault(kind="status", status=500))
    with pytest.raises(Transient) as caught:
        await account.do("upsert_customer", customer=MAYA)
    assert not caught.value.unknown


def test_an_upsert_is_shown_as_the_customer_it_would_create() -> None:
    request = action("upsert_customer").render({"customer": MAYA}, Account().client.settings)
    assert ("POST", "/customers") == (request.method, request.path)
    assert {"firstName", "lastName", "phone", "email", "address", "tags"} == set(json.loads(request.body or b""))


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ({"display_name": "Maya de la Ortiz"}, {"firstName": "Maya de la", "lastName": "Ortiz"}),
        ({"display_name": "Birch LLC", "company": "Birch LLC"}, {"lastName": "Birch LLC"}),
        ({"display_name": "Cher"}, {"lastName": "Cher"}),
        ({"display_name": "Ortiz, Maya"}, {"firstName": "Maya", "lastName": "Ortiz"}),
        ({"company": "Birch LLC"}, {"lastName": "Birch LLC"}),
        ({"phone": "12345", "phone_valid": False}, {}),
        ({"email": "n/a", "emails": ["n/a", " maya@example.org ", "maya@home"]}, {"email": ["maya@example.org"]}),
        ({"phone": "+13035550142", "phones": {"home": "+13035550142"}}, {"phone": {"home": "+13035550142"}}),
        ({"phone": "+13035550142"}, {"phone": {"mobile": "+13035550142"}}),
        ({"address": {}, "addresses": [None, {"city": "Golden"}]}, {"address": ["Golden"]}),
        ({"phones": {"additional": ["x", "+13035550143"]}}, {"phone": {"additional": "+13035550143"}}),
        (
            {"address": {"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401"}},
            {"address": ["18 Birch Rd, Golden, CO 80401"]},
        ),
        ({"emails": ["a@example.org", "A@EXAMPLE.ORG", ""]}, {"email": ["a@example.org"]}),
        ({}, {}),
    ],
)
def test_a_canonical_customer_in_the_vendors_words(canonical: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected == as_customer(canonical)


def test_notes_of_the_office_are_kept_unless_told_otherwise() -> None:
    there = {"notes": "Gate code"}
    assert {} == changes(there, {"notes": "From HCP"}, notes=None)
    assert {"notes": "New"} == changes(there, {"notes": "New"}, notes="New")
    assert {"notes": "From HCP"} == changes({"notes": ""}, {"notes": "From HCP"}, notes=None)


async def test_the_sandbox_takes_one_source_of_a_lead() -> None:
    job = {**VISIT, "leadSource": {"online": True, "direct": True}}
    app = httpx.ASGITransport(sandbox())
    async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1", headers={"x-api-key": API_KEY}) as client:
        made = (await client.post("/api/v1/customers", json=NEW)).json()["data"]
        answer = await client.post("/api/v1/jobs", json={**job, **made})
    assert (400, False) == (answer.status_code, answer.json()["success"])
