"""JobCloser's ``send_lead``: canonical leads and customers in the vendor's fields, against its sandbox."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.canonical import Address, Customer, Lead, Phones
from hooks.errors import DeliveryError, Permanent, Transient, Undecided
from hooks.kit.sandbox import Fault, Sandbox
from hooks.ports import Action, Call
from hooks.vendors.jobcloser import vendor
from hooks.vendors.jobcloser.client import JobCloserClient, JobCloserSettings
from hooks.vendors.jobcloser.sandbox import KEY, sandbox
from hooks.vendors.jobcloser.send_lead import as_contact

HOME = Address(type="service", street="18 Birch Rd", city="Golden", state="CO", zip="80401")
OFFICE = Address(type="billing", street="4 Quay St", street_line_2="Unit 2", city="Denver", state="CO", zip="80203")
MAYA = Customer(
    first_name="Maya",
    last_name="Ortiz",
    display_name="Maya Ortiz",
    company="Ortiz Bakery",
    customer_type="commercial",
    email="maya@example.org",
    emails=["maya@example.org"],
    phone="+13035550142",
    addresses=[OFFICE, HOME],
    address=HOME,
    lead_source="Referral",
)
SENT = {
    "Name": "Maya Ortiz",
    "Email": "maya@example.org",
    "Phone": "+13035550142",
    "JobAddress1": "18 Birch Rd",
    "JobCity": "Golden",
    "JobState": "CO",
    "JobZip": "80401",
    "BillingAddress1": "4 Quay St",
    "BillingAddress2": "Unit 2",
    "BillingCity": "Denver",
    "BillingState": "CO",
    "BillingZip": "80203",
    "CustomerType": "commercial",
    "ReferredBy": "Referral",
}


class Account:
    """A connection to a sandbox of its own."""

    def __init__(self, **keys: Any) -> None:
        app = sandbox()
        self.box: Sandbox = app.state.sandbox
        self.settings = JobCloserSettings.model_validate({"base_url": "http://127.0.0.1", "key": KEY, **keys})
        self.client = JobCloserClient("jc", self.settings, transport=httpx.ASGITransport(app))

    async def do(self, **inputs: Any) -> Any:
        request = action().render(inputs, self.settings)
        return (await action().send(self.client, Call(inputs, "key-1", 5.0, request=request))).output

    def sent(self) -> dict[str, str]:
        return dict(parse_qsl(self.box.requests[-1]["body"]))


def action() -> Action:
    found = vendor.action("send_lead")
    assert found is not None
    return found


async def test_a_lead_is_sent_with_all_that_is_known_of_it() -> None:
    account = Account()
    lead = Lead(id="lea_9c", customer=MAYA, address=HOME, lead_source="Website", note="AC is noisy")

    made = await account.do(lead=lead.dump())

    assert {**SENT, "ReferredBy": "Website"} == account.sent()
    [kept] = account.box.of("leads")
    assert (made["Id"], "Golden", "4 Quay St") == (kept["Id"], kept["JobCity"], kept["BillingAddress1"])


@pytest.mark.parametrize("under", ["customer", "lead"])
async def test_a_customer_alone_is_a_lead_too(under: str) -> None:
    account = Account()

    await account.do(**{under: MAYA.dump()})

    assert SENT == account.sent()


async def test_what_the_step_says_comes_before_what_the_event_says() -> None:
    account = Account()
    theo = Customer(display_name="Theo Lindqvist", phone="+12075550117")

    await account.do(
        lead=Lead(customer=MAYA, address=HOME).dump(), customer=theo.dump(), ReferredBy="Zap", CustomerType="vip"
    )

    assert {
        "Name": "Theo Lindqvist",
        "Phone": "+12075550117",
        **{name: value for name, value in SENT.items() if name.startswith("Job")},
        "ReferredBy": "Zap",
        "CustomerType": "vip",
    } == account.sent()


@pytest.mark.parametrize(
    ("customer", "name"),
    [
        (MAYA, "Maya Ortiz"),
        (Customer(first_name="Maya", last_name="Ortiz", company="Ortiz Bakery"), "Maya Ortiz"),
        (Customer(last_name="Ortiz"), "Ortiz"),
        (Customer(company="Ortiz Bakery", email="maya@example.org"), "Ortiz Bakery"),
        (Customer(email="maya@example.org", phone="+13035550142"), "maya@example.org"),
        (Customer(phones=Phones(work="+13035550142")), "+13035550142"),
        (Customer(phones=Phones(additional=["+13035550142"])), "+13035550142"),
    ],
)
def test_the_name_is_the_best_that_is_known(customer: Customer, name: str) -> None:
    assert name == as_contact({}, customer.dump())["Name"]


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        (Address(one_line="18 Birch Rd, Golden, CO 80401"), {"JobAddress1": "18 Birch Rd, Golden, CO 80401"}),
        (Address(zip="80401", one_line="80401"), {"JobZip": "80401"}),
        (Address(type="billing", city="Denver"), {"BillingCity": "Denver"}),
        (Address(id="adr_1"), {}),
    ],
)
def test_an_address_goes_where_it_belongs(place: Address, fields: dict[str, str]) -> None:
    customer = Customer(display_name="Maya", address=place, addresses=[place])

    assert {"Name": "Maya", **fields} == as_contact({}, customer.dump())


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, "lead or customer is needed"),
        ({"lead": None}, "lead or customer is needed"),
        ({"lead": {}}, "has no name, company"),
        ({"lead": {"customer": {"display_name": " "}}}, "has no name, company"),
        ({"lead": "Maya"}, "lead"),
        ({"lead": {}, "Name": "Maya"}, "Name"),
    ],
)
async def test_a_lead_about_nobody_is_never_sent(inputs: dict[str, Any], told: str) -> None:
    account = Account()

    with pytest.raises(Permanent, match=told):
        await account.do(**inputs)

    assert [] == account.box.requests


async def test_a_lost_answer_is_held_for_a_person() -> None:
    account = Account()
    account.box.faults.append(Fault(kind="cut_after"))

    with pytest.raises(Transient) as caught:
        await account.do(customer=MAYA.dump())

    assert (True, 1) == (caught.value.unknown, len(account.box.of("leads")))
    assert (False, "hold") == (action().repeatable, action().on_unknown)
    with pytest.raises(Undecided):
        await action().lookup(account.client, Call({"customer": MAYA.dump()}, "key-1", 5.0, again=True))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*Customer.model_fields, *Lead.model_fields])


@given(st.dictionaries(NAMES, ANYTHING, max_size=6), st.dictionaries(NAMES, ANYTHING, max_size=6))
def test_any_object_gives_a_request_or_a_refusal(lead: dict[str, Any], customer: dict[str, Any]) -> None:
    settings = JobCloserSettings.model_validate({"base_url": "http://127.0.0.1", "key": KEY})
    try:
        request = action().render({"lead": {**lead, "customer": customer}}, settings)
    except DeliveryError as error:
        assert isinstance(error, Permanent)
    else:
        assert dict(parse_qsl((request.body or b"").decode()))["Name"].strip()


def test_an_extension_goes_with_its_number() -> None:
    office = Customer(display_name="Birch LLC", phone="+13035550142", phone_extension="12")
    assert "+13035550142 x12" == as_contact({}, office.dump())["Phone"]
