"""ServiceTitan's actions against its sandbox: tokens, bookings, customers, locations, jobs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from hooks.errors import Permanent, Transient, Unconfigured, Undecided
from hooks.events import Done
from hooks.kit.http import record_exchanges
from hooks.kit.sandbox import Fault
from hooks.ports import Call
from hooks.vendors.servicetitan import vendor
from hooks.vendors.servicetitan.client import ServiceTitanClient, ServiceTitanSettings
from hooks.vendors.servicetitan.sandbox import APP_KEY, CLIENT_ID, CLIENT_SECRET, sandbox
from tests.vendors.sandboxed import Sandboxed, action_of

action = partial(action_of, vendor)

KEYS = {"tenant": 10978752986, "app_key": APP_KEY, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
ADDRESS = {"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401", "country": "US"}
BOOKING = {
    "source": "Website",
    "name": "Maya Ortiz",
    "summary": "AC tune-up request",
    "isFirstTimeClient": True,
    "externalId": "evt_1",
    "customerType": "Residential",
    "priority": "Normal",
    "address": ADDRESS,
    "contacts": [{"type": "MobilePhone", "value": "3035550142"}],
}
OWN = {"applicationGuid": "00000000-0000-4000-8000-000000000000", "externalData": [{"key": "event", "value": "evt_1"}]}
CUSTOMER = {"name": "Maya Ortiz", "address": ADDRESS, "locations": [{"name": "Home", "address": ADDRESS}]}
JOB = {
    "businessUnitId": 1,
    "jobTypeId": 2,
    "campaignId": 3,
    "priority": "Normal",
    "appointments": [{"start": "2026-05-06T17:30:00Z", "end": "2026-05-06T19:30:00Z"}],
}


class Account(Sandboxed):
    """A connection to a sandbox of its own."""

    def __init__(self, **keys: Any) -> None:
        addresses = {"base_url": "http://127.0.0.1", "auth_url": "http://127.0.0.1/connect/token"}
        super().__init__(vendor, sandbox(), {**addresses, **KEYS, "booking_provider": 774125, **keys})

    def token_requests(self) -> int:
        return sum(1 for request in self.box.requests if request["path"] == "/connect/token")


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    account = Account()
    yield account
    await account.client.aclose()


# --- settings ---


@pytest.mark.parametrize(
    ("environment", "base_url", "auth_url"),
    [
        (None, "https://api.servicetitan.io", "https://auth.servicetitan.io/connect/token"),
        (
            "integration",
            "https://api-integration.servicetitan.io",
            "https://auth-integration.servicetitan.io/connect/token",
        ),
    ],
)
def test_the_environment_names_both_addresses(environment: str | None, base_url: str, auth_url: str) -> None:
    settings = ServiceTitanSettings.model_validate({**KEYS, **({"environment": environment} if environment else {})})
    assert (base_url, auth_url) == (settings.base_url, settings.auth_url)
    assert (100.0, 60.0) == (settings.lookup_wait, settings.rate)


@pytest.mark.parametrize("key", list(KEYS))
def test_each_key_is_needed(key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        ServiceTitanSettings.model_validate({name: value for name, value in KEYS.items() if name != key})


def test_keys_are_an_object() -> None:
    with pytest.raises(ValidationError):
        ServiceTitanSettings.model_validate("titan")


def test_addresses_must_be_encrypted() -> None:
    with pytest.raises(ValidationError, match="auth_url"):
        ServiceTitanSettings.model_validate({**KEYS, "auth_url": "http://auth.example.org/token"})


# --- tokens ---


async def test_fifty_calls_at_once_share_one_token(account: Account) -> None:
    await asyncio.gather(*(account.do("list_jobs") for _ in range(50)))
    assert 1 == account.token_requests()


async def test_an_expired_token_is_replaced_once_and_the_calls_repeated(account: Account) -> None:
    await account.do("list_jobs")
    account.box.expire_tokens()
    await asyncio.gather(*(account.do("create_booking", **{**BOOKING, "externalId": f"e{n}"}) for n in range(20)))
    assert 2 == account.token_requests()
    assert 20 == len(account.box.of("bookings"))


async def test_a_second_401_waits_for_an_operator() -> None:
    account = Account(app_key="not-the-app-key")
    with pytest.raises(Unconfigured):
        await account.do("list_jobs")
    assert 2 == account.token_requests()


async def test_refused_client_credentials_wait_for_an_operator() -> None:
    account = Account(client_secret="not-the-secret")
    with pytest.raises(Unconfigured, match=r"token: .*invalid_client"):
        await account.do("list_jobs")


async def test_a_token_address_that_fails_has_carried_nothing_out(account: Account) -> None:
    account.box.faults.append(Fault(kind="status", status=500, path="/connect/token"))
    with pytest.raises(Transient) as caught:
        await account.do("create_booking", **BOOKING)
    assert not caught.value.unknown


async def test_no_credential_shows_in_what_is_recorded(account: Account) -> None:
    with record_exchanges() as exchanges:
        await account.do("create_booking", **BOOKING)
    assert [
        "http://127.0.0.1/connect/token",
        "http://127.0.0.1/crm/v2/tenant/10978752986/booking-provider/774125/bookings",
    ] == [exchange.url for exchange in exchanges]
    token = account.box.requests[-1]["headers"]["authorization"].removeprefix("Bearer ")
    shown = repr((exchanges, account.client, account.settings))
    assert not any(secret in shown for secret in (token, APP_KEY, CLIENT_SECRET, CLIENT_ID))


# --- bookings ---


async def test_a_booking_is_made_got_and_listed(account: Account) -> None:
    made = await account.do("create_booking_by_provider", **BOOKING)
    assert made == await account.do("get_booking_by_provider", id=made["id"])
    page = await account.do("list_bookings_by_provider", externalId="evt_1")
    assert ([made], False) == (page["data"], page["hasMore"])
    assert ("New", 774125) == (made["status"], made["bookingProviderId"])


async def test_a_steps_provider_goes_before_the_connections(account: Account) -> None:
    made = await account.do("create_booking", **BOOKING, booking_provider=9)
    assert 9 == made["bookingProviderId"]
    assert "booking_provider" not in json.loads(account.box.requests[-1]["body"])


async def test_a_booking_without_a_provider_says_where_to_give_it() -> None:
    account = Account(booking_provider=None)
    with pytest.raises(Permanent, match="booking_provider: is needed"):
        await account.do("create_booking", **BOOKING)


async def test_a_booking_of_unknown_outcome_is_found_by_its_external_id(account: Account) -> None:
    account.box.faults.append(Fault(kind="cut_after", path="bookings"))
    with pytest.raises(Transient) as caught:
        await account.do("create_booking", **BOOKING)
    assert caught.value.unknown
    found = await account.look_up("create_booking", **BOOKING)
    [booking] = account.box.of("bookings")
    assert Done(booking, adopted=True) == found


@pytest.mark.parametrize("inputs", [{"externalId": "evt_2"}, {"booking_provider": 9}])
async def test_another_booking_is_not_adopted(account: Account, inputs: dict[str, Any]) -> None:
    await account.do("create_booking", **BOOKING)
    assert await account.look_up("create_booking", **{**BOOKING, **inputs}) is None


async def test_a_list_that_ignores_the_filter_does_not_fool_the_look_up(account: Account) -> None:
    async def all_of_them(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        return httpx.Response(200, json={"data": [{"externalId": "evt_9"}, "junk"]})

    client = ServiceTitanClient("titan", account.settings, transport=httpx.MockTransport(all_of_them))
    assert await action("create_booking").lookup(client, Call(BOOKING, "k", 5.0)) is None


# --- customers, locations, jobs ---


async def test_a_job_is_made_for_a_new_customer_and_found_again(account: Account) -> None:
    customer = await account.do("create_customer", **CUSTOMER, externalData=OWN)
    location = await account.do(
        "create_location", customerId=customer["id"], name="Shop", address=ADDRESS, externalData=OWN
    )
    job = await account.do("create_job", customerId=customer["id"], locationId=location["id"], **JOB, externalData=OWN)
    assert customer["name"] == (await account.do("get_customer", id=customer["id"]))["name"]
    assert "Shop" == (await account.do("get_location", id=location["id"]))["name"]
    assert 1 == (await account.do("get_job", id=job["id"]))["appointmentCount"]
    assert 2 == len((await account.do("list_locations", customerId=customer["id"]))["data"])
    assert 1 == len((await account.do("list_customers", name="Maya Ortiz"))["data"])
    for name, record, inputs in (
        ("create_customer", customer, CUSTOMER),
        ("create_location", location, {"customerId": customer["id"], "name": "Shop", "address": ADDRESS}),
        ("create_job", job, {"customerId": customer["id"], "locationId": location["id"], **JOB}),
    ):
        found = await account.look_up(name, **inputs, externalData=OWN)
        assert found is not None
        assert (True, record["id"]) == (found.adopted, found.output["id"])


@pytest.mark.parametrize("name", ["create_customer", "create_location", "create_job"])
async def test_without_external_data_a_person_decides(account: Account, name: str) -> None:
    with pytest.raises(Undecided):
        await account.look_up(name, **CUSTOMER)
    assert [] == account.box.requests


async def test_other_external_data_is_not_adopted(account: Account) -> None:
    await account.do("create_customer", **CUSTOMER, externalData=OWN)
    other = {**OWN, "externalData": [{"key": "event", "value": "evt_2"}]}
    assert await account.look_up("create_customer", **CUSTOMER, externalData=other) is None


async def test_a_list_that_ignores_external_data_does_not_fool_the_look_up(account: Account) -> None:
    async def all_of_them(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        others = [{"id": 1}, {"id": 2, "externalData": [{"key": "event", "value": "evt_9"}]}]
        return httpx.Response(200, json={"data": others})

    client = ServiceTitanClient("titan", account.settings, transport=httpx.MockTransport(all_of_them))
    assert await action("create_customer").lookup(client, Call({**CUSTOMER, "externalData": OWN}, "k", 5.0)) is None
    await client.aclose()


async def test_lists_are_pages_and_say_whether_there_are_more(account: Account) -> None:
    for number in range(3):
        await account.do("create_booking", **{**BOOKING, "externalId": f"e{number}"})
    first = await account.do("list_bookings_by_provider", pageSize=2, page=1, includeTotal=True, sort="-Id")
    second = await account.do("list_bookings_by_provider", pageSize=2, page=2, sort="-Id")
    assert (True, False, 3) == (first["hasMore"], second["hasMore"], first["totalCount"])
    assert ["e2", "e1", "e0"] == [booking["externalId"] for booking in first["data"] + second["data"]]


def test_lists_in_a_query_are_joined_and_a_plus_sign_is_encoded() -> None:
    account = Account()
    request = action("list_jobs").render(
        {"ids": [1, 2], "sort": "+Id", "hasUnusedAppointments": True}, account.settings
    )
    assert account.client.url(request).endswith("/jobs?sort=%2BId&ids=1%2C2&hasUnusedAppointments=true")


async def test_a_refusal_is_told_by_field(account: Account) -> None:
    with pytest.raises(Permanent, match=r"validation errors occurred\. \(customerId: customerId 5 does not exist"):
        await account.do("create_location", customerId=5, name="Shop", address=ADDRESS)
    with pytest.raises(Permanent, match="answered 404"):
        await account.do("get_job", id=5)


@pytest.mark.parametrize(
    ("name", "inputs", "told"),
    [
        ("create_booking", {**BOOKING, "isFirstTimeClient": "yes"}, "isFirstTimeClient"),
        ("create_booking", {key: value for key, value in BOOKING.items() if key != "externalId"}, "externalId"),
        ("create_booking", {**BOOKING, "customerType": "Other"}, "customerType"),
        ("create_booking", {**BOOKING, "priority": "low"}, "priority"),
        ("create_booking", {**BOOKING, "address": {"street": "18 Birch Rd"}}, r"address\.city"),
        ("create_booking", {**BOOKING, "contacts": [{"type": "Pigeon", "value": "x"}]}, r"contacts\[0\]\.type"),
        ("create_customer", {**CUSTOMER, "locations": []}, "locations"),
        ("create_job", {"customerId": 1, "locationId": 1, **JOB, "appointments": []}, "appointments"),
        ("create_job", {"customerId": "1", "locationId": 1, **JOB}, "customerId"),
        ("list_jobs", {"ids": list(range(1, 52))}, "ids"),
        ("list_jobs", {"sort": "Id"}, "sort"),
        ("list_jobs", {"pageSize": 5001}, "pageSize"),
        ("get_job", {"id": 0}, "id"),
    ],
)
async def test_what_cannot_be_right_is_never_sent(
    account: Account, name: str, inputs: dict[str, Any], told: str
) -> None:
    with pytest.raises(Permanent, match=told):
        await account.do(name, **inputs)
    assert [] == account.box.requests


async def test_the_sandbox_takes_tokens_by_form_only() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox()), base_url="http://127.0.0.1") as http:
        answer = await http.post("/connect/token", json={"grant_type": "client_credentials"})
    assert (400, {"error": "invalid_request"}) == (answer.status_code, answer.json())


def test_names_and_aliases_are_the_documented_ones() -> None:
    assert action("create_booking") is action("create_booking_by_provider")
    assert "createBookingByProvider" == action("create_booking").operation
    assert "listBookingByProvider" == action("list_bookings_by_provider").operation
    assert "/crm/v2/tenant/{tenant}/customers" == action("create_customer").path
