"""Customers, leads and jobs that a rule has put together: read into the canonical form, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hooks.canonical import Address, Customer, Phones
from hooks.errors import DeliveryError
from hooks.kit.handed import HandedCustomer, HandedJob, HandedLead
from hooks.registry import CATALOGUE

CUSTOMER: TypeAdapter[dict[str, Any]] = TypeAdapter(HandedCustomer)
LEAD: TypeAdapter[dict[str, Any]] = TypeAdapter(HandedLead)
JOB: TypeAdapter[dict[str, Any]] = TypeAdapter(HandedJob)


@pytest.mark.parametrize(
    ("handed", "read"),
    [
        ({"phone": "(303) 555-0142"}, {"phone": "+13035550142"}),
        ({"phone": 3035550142}, {"phone": "+13035550142"}),
        ({"phone": "303-555-0142 x7"}, {"phone": "+13035550142", "phone_extension": "7"}),
        ({"phone": "303-555-0142 x7", "phone_extension": 8}, {"phone": "+13035550142", "phone_extension": "8"}),
        ({"phone": "+442079460000"}, {"phone": "+442079460000"}),
        ({"phone": "ask at the gate"}, {"phone": "ask at the gate"}),
        ({"phones": "303-555-0142"}, {"phones": {"additional": ["+13035550142"]}}),
        ({"phones": ["303-555-0142", 3035550143]}, {"phones": {"additional": ["+13035550142", "+13035550143"]}}),
        ({"phones": {"mobile": "303 555 0142", "home": None}}, {"phones": {"mobile": "+13035550142"}}),
        ({"address": "18 Birch Rd, Golden"}, {"address": {"one_line": "18 Birch Rd, Golden"}}),
        ({"addresses": ["18 Birch Rd"]}, {"addresses": [{"one_line": "18 Birch Rd"}]}),
        (
            {"address": {"street": " 18 Birch Rd ", "zip": 80401}},
            {"address": {"street": "18 Birch Rd", "zip": "80401"}},
        ),
        ({"tags": "vip", "emails": "maya@example.org"}, {"tags": ["vip"], "emails": ["maya@example.org"]}),
        (
            {"email": "Maya Ortiz <maya@example.org>", "emails": "a@example.org; b@example.org"},
            {"email": "maya@example.org", "emails": ["a@example.org", "b@example.org"]},
        ),
        ({"email": "n/a", "emails": []}, {"email": "n/a", "emails": []}),
        ({"tags": ["vip", None], "notes": None}, {"tags": ["vip"]}),
        ({"first_name": "Maya ", "last_name": 5}, {"first_name": "Maya", "last_name": "5"}),
        ({"score": {"a": [1, 2]}, "id": 7}, {"score": {"a": [1, 2]}, "id": 7}),
    ],
)
def test_what_can_be_read_is_canonical(handed: dict[str, Any], read: dict[str, Any]) -> None:
    assert read == CUSTOMER.validate_python(handed)


def test_an_events_own_customer_is_left_as_it_is() -> None:
    maya = Customer(
        first_name="Maya",
        email="maya@example.org",
        phone="+13035550142",
        phones=Phones(mobile="+13035550142"),
        addresses=[Address(street="18 Birch Rd", zip="80401", one_line="18 Birch Rd, 80401")],
        notifications=True,
    ).dump()
    assert maya == CUSTOMER.validate_python(maya)
    assert {"customer": maya, "note": "AC"} == LEAD.validate_python({"customer": maya, "note": "AC"})


@pytest.mark.parametrize(
    ("adapter", "handed", "told"),
    [
        (CUSTOMER, {"first_name": ["Maya"]}, "first_name: Input should be a valid string"),
        (CUSTOMER, {"address": 5}, "address: an object is needed"),
        (CUSTOMER, {"address": {"street": {"name": "Birch"}}}, "address.street: Input should be a valid string"),
        (CUSTOMER, {"phones": {"mobile": True}}, "phones.mobile: Input should be a valid string"),
        (CUSTOMER, {"tags": [{"name": "vip"}]}, "tags[0]: Input should be a valid string"),
        (CUSTOMER, {"notifications": "yes"}, "notifications: Input should be a valid boolean"),
        (LEAD, {"customer": "Maya"}, "customer: an object is needed"),
        (JOB, {"line_items": ["AC"]}, "line_items[0]: an object is needed"),
        (JOB, {"total_cents": "189.00"}, "total_cents: Input should be a valid integer"),
        (JOB, {"total_cents": 10**40}, "total_cents: Input should be less than or equal to 1000000000000"),
    ],
)
def test_what_cannot_be_read_is_named(adapter: TypeAdapter[dict[str, Any]], handed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(handed)
    assert told in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SOME = "first_name last_name display_name company email emails phone phones address addresses tags notes lead_source"
person = st.dictionaries(st.sampled_from([*SOME.split(), "notifications", "customer_type"]), anything, max_size=6)
lead = st.dictionaries(st.sampled_from(["customer", "address", "note", "lead_source", "status"]), anything | person)
job = st.dictionaries(
    st.sampled_from(["line_items", "total_cents", "description", "note", "scheduled_start_at"]), anything
)
TAKING = [
    ("homebase360.upsert_customer", {"customer": person}),
    ("housecall_pro.upsert_customer", {"customer": person}),
    ("servicetitan.upsert_customer", {"customer": person, "address": st.dictionaries(st.just("street"), anything)}),
    ("servicetitan.book_lead", {"lead": lead}),
    ("jobcloser.send_lead", {"lead": lead}),
    ("jobcloser.send_lead", {"customer": person}),
    ("homebase360.upsert_job", {"job": job, "customerId": st.just("c")}),
]


class Settings:
    """What rendering reads of a connection."""

    tenant, booking_provider, lists_in_query, body_format, company_id = 1, 2, "repeat", "form", None


@pytest.mark.parametrize(("name", "inputs"), TAKING)
@given(data=st.data())
def test_whatever_is_handed_over_is_rendered_or_refused(name: str, inputs: dict[str, Any], data: st.DataObject) -> None:
    vendor, _, operation = name.partition(".")
    action = CATALOGUE[vendor].action(operation)
    assert action is not None
    settings: Any = Settings()
    given_inputs = {key: data.draw(made) for key, made in inputs.items()}
    try:
        action.render(given_inputs, settings)
    except DeliveryError as error:
        assert error.message
