"""ServiceTitan's conveniences against its sandbox: a canonical lead is booked once, a canonical customer kept once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from hooks.canonical import Address, Customer, Lead, Phones
from hooks.errors import Permanent, Transient
from hooks.events import Done
from hooks.kit.sandbox import Fault
from hooks.ports import Call
from hooks.vendors.servicetitan import vendor
from hooks.vendors.servicetitan.client import ServiceTitanClient
from hooks.vendors.servicetitan.sandbox import APP_KEY, CLIENT_ID, CLIENT_SECRET, sandbox
from tests.vendors.sandboxed import Sandboxed, action_of

action = partial(action_of, vendor)

HOME = Address(street="18 Birch Rd", street_line_2="Unit 2", city="Golden", state="CO", zip="80401")
MAYA = Customer(
    first_name="Maya",
    last_name="Ortiz",
    display_name="Maya Ortiz",
    email="maya@example.org",
    emails=["maya@example.org", "MAYA@example.org"],
    phone="+13035550142",
    phone_valid=True,
    phones=Phones(mobile="+13035550142", work="+13035550143", additional=["303.555.0142"]),
    address=HOME,
    addresses=[HOME],
    customer_type="homeowner",
)
LEAD = Lead(id="lea_1", customer=MAYA, address=HOME, lead_source="Website", note="No heat")
OWN = {"applicationGuid": "00000000-0000-4000-8000-000000000000", "externalData": [{"key": "hcp", "value": "cus_1"}]}


HOME_SENT = {"street": "1 Oak St", "city": "Golden", "state": "CO", "zip": "80401", "country": "US"}
LOCATION = {"name": "Old", "address": HOME_SENT}


class Account(Sandboxed):
    """A connection to a sandbox of its own."""

    def __init__(self) -> None:
        super().__init__(
            vendor,
            sandbox(),
            {
                "base_url": "http://127.0.0.1",
                "auth_url": "http://127.0.0.1/connect/token",
                "tenant": 5,
                "app_key": APP_KEY,
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "booking_provider": 9,
            },
        )

    def writes(self) -> list[str]:
        return [
            f"{request['method']} {request['path'].partition('/tenant/5/')[2]}"
            for request in self.box.requests
            if request["method"] != "GET" and request["path"] != "/connect/token"
        ]


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    account = Account()
    yield account
    await account.client.aclose()


# --- book_lead ---


async def test_a_lead_becomes_a_booking_with_address_and_contacts(account: Account) -> None:
    done = await account.done("book_lead", lead=LEAD.dump())
    assert {
        "externalId": "key-1",
        "source": "Website",
        "name": "Maya Ortiz",
        "summary": "No heat",
        "isFirstTimeClient": True,
        "address": {
            "street": "18 Birch Rd",
            "unit": "Unit 2",
            "city": "Golden",
            "state": "CO",
            "zip": "80401",
            "country": "US",
        },
        "contacts": [
            {"type": "MobilePhone", "value": "3035550142"},
            {"type": "Phone", "value": "3035550143", "memo": "work"},
            {"type": "Email", "value": "maya@example.org"},
        ],
        "customerType": "Residential",
    } == json.loads(account.box.requests[-1]["body"])
    assert (False, "New") == (done.adopted, done.output["status"])


async def test_a_lead_is_booked_once(account: Account) -> None:
    first = await account.done("book_lead", lead=LEAD.dump())
    assert Done(first.output, adopted=True) == await account.done("book_lead", lead=LEAD.dump())
    assert Done(first.output, adopted=True) == await account.look_up("book_lead", lead=LEAD.dump())
    assert await account.look_up("book_lead", key="key-2", lead=LEAD.dump()) is None
    assert 1 == len(account.box.of("bookings"))


async def test_what_is_given_goes_before_what_is_read(account: Account) -> None:
    done = await account.done(
        "book_lead",
        customer=MAYA.dump(),
        externalId="evt_7",
        source="Phone",
        summary="Call back",
        isFirstTimeClient=False,
    )
    assert ("evt_7", "Phone", "Call back", False) == tuple(
        done.output[name] for name in ("externalId", "source", "summary", "isFirstTimeClient")
    )
    assert await account.look_up("book_lead", customer=MAYA.dump(), externalId="evt_7") is not None


async def test_an_address_that_is_not_whole_is_told_in_the_summary(account: Account) -> None:
    lead = Lead(customer=Customer(company="Acme"), address=Address(street="18 Birch Rd", city="Golden"))
    done = await account.done("book_lead", lead=lead.dump())
    assert ("New lead\nAddress: 18 Birch Rd, Golden", "Acme") == (done.output["summary"], done.output["name"])
    assert "address" not in done.output


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, "lead: give the lead"),
        ({"lead": {}}, "names nobody"),
        ({"lead": "Maya"}, "lead"),
        ({"lead": LEAD.dump(), "priority": "Soon"}, "priority"),
        ({"lead": LEAD.dump(), "phone": "1"}, "phone"),
    ],
)
async def test_a_lead_that_cannot_be_booked_is_never_sent(account: Account, inputs: dict[str, Any], told: str) -> None:
    with pytest.raises(Permanent, match=told):
        await account.done("book_lead", **inputs)
    assert [] == account.box.requests


def test_the_booking_is_shown_before_it_has_a_key() -> None:
    request = action("book_lead").render({"lead": LEAD.dump()}, Account().settings)
    assert request.body is not None
    assert ("POST", "/crm/v2/tenant/5/booking-provider/9/bookings") == (request.method, request.path)
    assert "(the step's key)" == json.loads(request.body)["externalId"]


async def test_an_extension_is_noted_at_its_number(account: Account) -> None:
    person = Customer(first_name="Maya", phone="+13035550142", phone_extension="12", address=Address(country="US"))
    done = await account.done("book_lead", customer=person.dump())
    sent = json.loads(account.box.requests[-1]["body"])
    assert [{"type": "MobilePhone", "value": "3035550142", "memo": "extension 12"}] == sent["contacts"]
    assert "New lead" == done.output["summary"]


# --- upsert_customer ---


async def test_a_new_customer_is_created_with_its_location(account: Account) -> None:
    output = (await account.done("upsert_customer", customer=MAYA.dump(), externalData=OWN)).output
    [customer], [place] = account.box.of("customers"), account.box.of("locations")
    assert (customer["id"], place["id"], True, False, False) == (
        output["id"],
        output["locationId"],
        output["created"],
        output["updated"],
        output["unchanged"],
    )
    assert ["POST customers"] == account.writes()


@pytest.mark.parametrize(
    "again",
    [
        MAYA,
        Customer(display_name="M. Ortiz", phone="+13035550143"),
        Customer(display_name="maya  ortiz", email="Maya@Example.org"),
        Customer(display_name="Maya Ortiz", address=HOME),
    ],
    ids=["all", "phone", "name and e-mail", "name and address"],
)
async def test_a_known_customer_is_found_and_nothing_is_written(account: Account, again: Customer) -> None:
    made = (await account.done("upsert_customer", customer=MAYA.dump())).output
    account.box.requests.clear()
    output = (await account.done("upsert_customer", customer=again.dump())).output
    assert {**made, "created": False, "unchanged": True} == output
    assert [] == account.writes()
    found = await account.look_up("upsert_customer", customer=again.dump())
    assert found is not None
    assert (output, True) == (found.output, found.adopted)


@pytest.mark.parametrize(
    "other",
    [
        Customer(display_name="Maya Ortiz", email="another@example.org", address=HOME.model_copy(update={"zip": "1"})),
        Customer(display_name="Ben Wu", phone="+13035550199", address=HOME),
    ],
    ids=["same name", "same address"],
)
async def test_another_person_is_not_taken_for_this_one(account: Account, other: Customer) -> None:
    await account.done("upsert_customer", customer=MAYA.dump())
    assert await account.look_up("upsert_customer", customer=other.dump()) is None
    assert (await account.done("upsert_customer", customer=other.dump())).output["created"]
    assert 2 == len(account.box.of("customers"))


async def test_what_is_lacking_is_added_and_the_rest_stays(account: Account) -> None:
    identity = (await account.done("upsert_customer", customer=MAYA.dump(), tagTypeIds=[1])).output["id"]
    account.box.requests.clear()
    newer = MAYA.model_copy(update={"email": "new@example.org", "display_name": "Maya Lake", "address": None})
    newer = newer.model_copy(update={"addresses": []})
    output = (await account.done("upsert_customer", customer=newer.dump(), tagTypeIds=[2], type="Commercial")).output
    assert ["PATCH customers/" + str(identity), f"POST customers/{identity}/contacts"] == account.writes()
    assert (True, identity) == (output["updated"], output["id"])
    [record] = account.box.of("customers")
    assert ("Maya Ortiz", [1, 2], "Commercial") == (record["name"], record["tagTypeIds"], record["type"])
    assert output["locationId"] == account.box.of("locations")[0]["id"]


async def test_our_own_key_finds_a_customer_whose_name_and_number_have_changed(account: Account) -> None:
    identity = (await account.done("upsert_customer", customer=MAYA.dump(), externalData=OWN)).output["id"]
    newer = Customer(display_name="Maya Lake", phone="+13035550177")
    output = (await account.done("upsert_customer", customer=newer.dump(), externalData=OWN)).output
    assert (identity, True) == (output["id"], output["updated"])
    assert "Maya Lake" == account.box.of("customers")[0]["name"]


async def test_our_own_key_is_merged_into_a_customer_found_by_phone(account: Account) -> None:
    await account.done("upsert_customer", customer=MAYA.dump())
    assert (await account.done("upsert_customer", customer=MAYA.dump(), externalData=OWN)).output["updated"]
    assert [{"key": "hcp", "value": "cus_1"}] == account.box.of("customers")[0]["externalData"]
    assert (await account.done("upsert_customer", customer=MAYA.dump(), externalData=OWN)).output["unchanged"]


async def test_a_new_place_has_no_location_yet(account: Account) -> None:
    await account.done("upsert_customer", customer=MAYA.dump())
    shop = {"street": "2 Mill St", "city": "Golden", "state": "CO", "zip": "80401"}
    assert (await account.done("upsert_customer", customer=MAYA.dump(), address=shop)).output["locationId"] is None


async def known(account: Account, identity: object, customer: Customer) -> dict[str, Any]:
    """What the action gives when the identity map knows this id."""
    call = Call({"customer": customer.dump()}, "key-1", 5.0, known={"customer": str(identity)})
    output: dict[str, Any] = (await action("upsert_customer").send(account.client, call)).output
    return output


async def test_a_known_customer_is_not_searched_for(account: Account) -> None:
    made = (await account.done("upsert_customer", customer=MAYA.dump())).output
    account.box.requests.clear()
    output = await known(account, made["id"], Customer(display_name="Maya Ortiz", email="new@example.org"))
    assert (made["id"], True) == (output["id"], output["updated"])
    assert not [one for one in account.box.requests if one["path"].endswith("/customers")]


@pytest.mark.parametrize("gone", ["closed", "deleted", "no number"])
async def test_a_known_customer_that_is_gone_is_searched_for(account: Account, gone: str) -> None:
    old = (await account.done("create_customer", name="Old", address=HOME_SENT, locations=[LOCATION])).output["id"]
    made = (await account.done("upsert_customer", customer=MAYA.dump())).output
    if gone == "closed":
        account.box.of("customers")[0]["active"] = False
    output = await known(account, {"closed": old, "deleted": 99, "no number": "cus_1"}[gone], MAYA)
    assert (made["id"], True) == (output["id"], output["unchanged"])


async def test_somebody_else_with_the_same_phone_is_not_taken(account: Account) -> None:
    await account.done("upsert_customer", customer=MAYA.dump())
    leo = Customer(display_name="Leo Ortiz", phone="+13035550142", address=HOME)
    assert (await account.done("upsert_customer", customer=leo.dump())).output["created"]
    firm = account.box.of("customers")[0]
    firm["type"] = "Commercial"  # a firm's name is not compared with a person's
    ana = Customer(display_name="Ana Diaz", phone="+13035550143", address=HOME)
    assert firm["id"] == (await account.done("upsert_customer", customer=ana.dump())).output["id"]


async def test_a_customer_of_unknown_outcome_is_found_again(account: Account) -> None:
    account.box.faults.append(Fault(kind="cut_after", path="/customers", method="POST"))
    with pytest.raises(Transient) as caught:
        await account.done("upsert_customer", customer=MAYA.dump())
    assert caught.value.unknown
    found = await account.look_up("upsert_customer", customer=MAYA.dump())
    assert found is not None
    assert account.box.of("customers")[0]["id"] == found.output["id"]


async def test_a_search_that_fails_has_changed_nothing(account: Account) -> None:
    account.box.faults.append(Fault(kind="status", status=500, path="/customers"))
    with pytest.raises(Transient) as caught:
        await account.done("upsert_customer", customer=MAYA.dump())
    assert not caught.value.unknown


async def test_a_customer_without_a_whole_address_can_be_found_but_not_made(account: Account) -> None:
    customer = Customer(display_name="Maya Ortiz", phone="+13035550142").dump()
    shown = action("upsert_customer").render({"customer": customer}, account.settings)
    assert ("GET", (("phone", "3035550142"),)) == (shown.method, shown.query)
    with pytest.raises(Permanent, match=r"address: \$\{data.address\}.*book_lead"):
        await account.done("upsert_customer", customer=customer)
    assert [] == account.writes()


async def test_a_customer_who_is_nobody_is_never_sent(account: Account) -> None:
    with pytest.raises(Permanent, match="neither a name"):
        await account.done("upsert_customer", customer=Customer(id="cus_1").dump())
    assert [] == account.box.requests


def test_the_creation_is_what_is_shown() -> None:
    request = action("upsert_customer").render({"customer": MAYA.dump()}, Account().settings)
    assert ("POST", "/crm/v2/tenant/5/customers") == (request.method, request.path)


async def test_lists_that_ignore_their_filters_fool_nobody(account: Account) -> None:
    others = [{"id": 1, "name": "Maya Ortiz"}, {"id": 2, "name": "Ben Wu", "address": "none"}]

    async def all_of_them(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        if request.method == "POST":
            return httpx.Response(200, json={"id": 3})
        contacts = [{"type": "Phone", "value": "3035550199"}]
        return httpx.Response(200, json={"data": contacts if request.url.path.endswith("contacts") else others})

    client = ServiceTitanClient("titan", account.settings, transport=httpx.MockTransport(all_of_them))
    inputs = {"customer": MAYA.dump(), "externalData": OWN}
    done = await action("upsert_customer").send(client, Call(inputs, "k", 5.0))
    await client.aclose()
    assert (3, None, True) == (done.output["id"], done.output["locationId"], done.output["created"])


async def test_a_number_that_everybody_writes_joins_nobody(account: Account) -> None:
    place = {"address": HOME.dump(), "phone": "000-000-0000"}
    made = (await account.done("upsert_customer", customer={"display_name": "John Smith", **place})).output
    other = (await account.done("upsert_customer", customer={"display_name": "John Miller", **place})).output
    again = (await account.done("upsert_customer", customer={"display_name": "John Smith", **place})).output
    assert (True, True, made["id"]) == (other["created"], again["unchanged"], again["id"])


@pytest.mark.parametrize(
    ("reach", "contact"),
    [
        ({"phone": "+13035550142", "email": "n/a"}, {"type": "MobilePhone", "value": "3035550142"}),
        ({"phone": "none", "email": "maya@example.org"}, {"type": "Email", "value": "maya@example.org"}),
    ],
)
async def test_what_reaches_nobody_is_no_contact(
    account: Account, reach: dict[str, str], contact: dict[str, str]
) -> None:
    lead = {**LEAD.dump(), "customer": {"display_name": "Maya Ortiz", **reach}}
    await account.done("book_lead", lead=lead, booking_provider=7)
    assert [contact] == json.loads(account.box.requests[-1]["body"])["contacts"]
