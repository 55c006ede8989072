"""ServiceTitan's webhooks: the signature over the body in either encoding, and objects of its API as canonical ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hooks.errors import NormalizationError, VerificationError
from hooks.ports import Draft, Inbound
from hooks.vendors.servicetitan import vendor
from hooks.vendors.servicetitan.source import ServiceTitanSource, ServiceTitanSourceSettings
from tests.vendors.knocking import House, drafts, hmac_hex, inbound, refusal

# Computed by other code than ours: HMAC-SHA256 over these 97 bytes.
KEY = "st-test-hmac-key-32-characters!!"
BODY = b'{"eventType":"job.completed","tenantId":10978752986,"data":{"id":551122,"jobStatus":"Completed"}}'
HEX = "02f5927e3d6b5b656aff3c726f4506a7cc951a0a2e7236e7323de7c00d14e0b7"
BASE64 = "AvWSfj1rW2Vq/zxyb0UGp8yVGgoucjbnMj3nwA0U4Lc="
HEADER = "x-servicetitan-signature"


def source(**keys: Any) -> ServiceTitanSource:
    return ServiceTitanSource("here", ServiceTitanSourceSettings.model_validate({"hmac_key": KEY, **keys}))


def draft(kind: str, data: object, **keys: Any) -> Draft:
    body = json.dumps({"eventType": kind, "tenantId": 1, "data": data}).encode()
    (found,) = drafts(source(**keys), inbound(body))
    return found


# --- verify ---


@pytest.mark.parametrize("signature", [HEX, HEX.upper(), BASE64, f"sha256={HEX}"])
def test_the_known_answer_verifies_in_either_encoding(signature: str) -> None:
    source().verify(inbound(BODY, (HEADER, signature)))


@pytest.mark.parametrize(
    ("keys", "headers", "body", "expected"),
    [
        ({}, [(HEADER, HEX)], BODY + b"\n", "mismatch"),
        ({}, [(HEADER, BASE64)], BODY.replace(b"Completed", b"Canceled!"), "mismatch"),
        ({"hmac_key": "another key of the portal"}, [(HEADER, HEX)], BODY, "mismatch"),
        ({"encoding": "hex"}, [(HEADER, BASE64)], BODY, "malformed"),
        ({"encoding": "base64"}, [(HEADER, HEX)], BODY, "malformed"),
        ({}, [(HEADER, HEX[:-1])], BODY, "malformed"),
        ({}, [(HEADER, "")], BODY, "missing"),
        ({}, [], BODY, "missing"),
        ({"header": "X-Other"}, [(HEADER, HEX)], BODY, "missing"),
        ({}, [(HEADER, HEX), (HEADER, HEX)], BODY, "repeated"),
    ],
)
def test_what_was_changed_is_refused(
    keys: dict[str, Any], headers: list[tuple[str, str]], body: bytes, expected: str
) -> None:
    assert expected == refusal(source(**keys), inbound(body, *headers))


def test_either_key_of_a_rotation_passes() -> None:
    source(hmac_key=["the next key", KEY]).verify(inbound(BODY, (HEADER, HEX)))


@pytest.mark.parametrize("keys", [{"hmac_key": ""}, {"hmac_key": []}, {"header": "no header"}, {"encoding": "octal"}])
def test_settings_that_cannot_check_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        source(**keys)


def test_a_source_without_a_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="hmac_key"):
        ServiceTitanSourceSettings.model_validate({})


@given(st.lists(st.tuples(st.just(HEADER.encode()), st.binary(max_size=80)), max_size=2), st.binary(max_size=30))
def test_verify_is_total(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    with pytest.raises(VerificationError):
        source().verify(Inbound("POST", "", b"", headers, body, inbound(b"").received_at))


# --- through the inbox ---


async def test_a_signed_delivery_becomes_a_job_and_its_repetition_a_duplicate() -> None:
    house = House(vendor, hmac_key=KEY)
    answers = [await house.post(BODY, {HEADER: HEX}), await house.post(BODY, {HEADER: BASE64})]
    assert [(202, False), (202, True)] == [(one.status_code, one.json()["duplicate"]) for one in answers]
    (event,) = house.events()
    assert ("job.completed", "job/551122", "completed") == (event.type, event.subject, event.data["status"])
    assert 10978752986 == event.raw["tenantId"]


async def test_what_is_not_proven_is_refused_and_what_cannot_be_read_is_kept() -> None:
    house = House(vendor, hmac_key=KEY)
    assert 401 == (await house.post(BODY)).status_code
    assert 401 == (await house.post(BODY, {HEADER: hmac_hex("another", BODY)})).status_code
    assert 400 == (await house.post(b"[", {HEADER: hmac_hex(KEY, b"[")})).status_code
    assert ["refused", "refused", "quarantined"] == [verdict for verdict, _ in house.verdicts()]


# --- normalize ---


def test_a_job_has_its_words_and_numbers_translated() -> None:
    found = draft(
        "job.updated",
        {
            "id": 5,
            "jobNumber": "J-5",
            "jobStatus": "In Progress",
            "customerId": 4,
            "summary": "AC",
            "total": "1,200.50",
        },
    )
    assert ("job.updated", "job/5") == (found.type, found.subject)
    assert {
        "id": "5",
        "number": "J-5",
        "status": "in_progress",
        "description": "AC",
        "total_cents": 120050,
    }.items() <= found.data.items()
    assert "4" == found.data["customer"]["id"]


def test_a_company_is_a_company_and_a_person_has_two_names() -> None:
    company = draft("customer.created", {"id": 1, "name": "Acme Heating LLC", "type": "Commercial"}).data
    person = draft("customer.created", {"id": 2, "name": "Ortiz, Maya", "type": "Residential"}).data
    assert ("Acme Heating LLC", "Acme Heating LLC") == (company["company"], company["display_name"])
    assert "first_name" not in company
    assert ("Maya", "Ortiz") == (person["first_name"], person["last_name"])


def test_the_address_of_a_customer_is_where_bills_go() -> None:
    address = {"street": "18 Birch Rd", "unit": "2", "city": "Golden", "state": "CO", "zip": 2139, "country": "US"}
    data = draft("customer.created", {"id": 1, "address": address}).data
    assert ("billing", "02139", "2") == tuple(data["address"][name] for name in ("type", "zip", "street_line_2"))
    assert [data["address"]] == data["addresses"]


def test_the_first_contact_of_each_use_counts_and_further_ones_are_kept() -> None:
    contacts = [
        {"type": "MobilePhone", "value": "303-555-0142"},
        {"type": "MobilePhone", "value": "303-555-0199"},
        {"type": "Phone", "value": "303-555-0155"},
        {"type": "Email", "value": "maya@example.org"},
        {"type": "Email", "value": "office@example.org"},
        {"type": "Fax", "value": "303-555-0100"},
    ]
    data = draft("customer.updated", {"id": 1, "name": "Maya Ortiz", "contacts": contacts}).data
    assert {"mobile": "+13035550142", "home": "+13035550155", "additional": ["+13035550199"]} == data["phones"]
    assert "+13035550142" == data["phone"]
    assert ["maya@example.org", "office@example.org"] == data["emails"]


@pytest.mark.parametrize(
    ("body", "kind", "flag"),
    [
        ({"eventType": "invoice.created", "data": {"id": 1}}, "invoice.created", None),
        ({"event": "x"}, "unknown", "eventType: expected an event's name"),
        ({"eventType": "job.created"}, "job.created", "data: expected an object"),
        (
            {"eventType": "job.created", "data": {"total": "much"}},
            "job.created",
            "data.total: expected an amount of money",
        ),
    ],
)
def test_what_is_not_known_passes_through(body: dict[str, Any], kind: str, flag: str | None) -> None:
    (found,) = drafts(source(), inbound(json.dumps(body).encode()))
    assert (kind, kind, flag, body) == (found.type, found.vendor_type, found.flag, found.data)


def test_one_type_for_all_keeps_the_vendors_word() -> None:
    found = [draft(kind, {"id": 1}, type="mine") for kind in ("job.created", "invoice.created")]
    assert [("mine", "job.created"), ("mine", "invoice.created")] == [(one.type, one.vendor_type) for one in found]


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"[1]"])
def test_a_body_without_an_object_is_not_readable(body: bytes) -> None:
    with pytest.raises(NormalizationError):
        source().read(inbound(body))
