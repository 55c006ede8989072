"""Supergood's webhooks: whichever proof is configured, and the two bodies that are assumed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hooks.errors import NormalizationError, VerificationError
from hooks.ports import Inbound
from hooks.vendors.supergood import vendor
from hooks.vendors.supergood.source import SupergoodSource, SupergoodSourceSettings
from tests.vendors.knocking import STAMP, House, drafts, hmac_hex, inbound, refusal

# Computed by other code than ours: HMAC-SHA256 over the timestamp, a full stop and these 92 bytes.
SECRET = "supergood-test-secret"
AT = 1775143300
BODY = b'{"id":"evt_1","type":"invoice.payment_recorded","data":{"invoiceId":"inv_1","amount":12500}}'
SIGNATURE = "790c580a1be8b89e8ff8eecc6da7a629a36904ccc614f0e184f02eb7e04c0683"
VERIFY = {
    "scheme": "hmac",
    "header": "X-Supergood-Signature",
    "timestamp_header": "X-Supergood-Timestamp",
    "template": "{timestamp}.{body}",
    "secret": SECRET,
}


def source(**keys: Any) -> SupergoodSource:
    return SupergoodSource("here", SupergoodSourceSettings.model_validate(keys or {"verify": VERIFY}))


def request(body: bytes = BODY, signature: str = SIGNATURE, stamp: int = AT, at: int = AT) -> Inbound:
    headers = (("X-Supergood-Signature", signature), ("X-Supergood-Timestamp", str(stamp)))
    return inbound(body, *headers, at=at)


# --- verify ---


def test_the_known_answer_verifies() -> None:
    source().verify(request())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (request(BODY + b" "), "mismatch"),
        (request(BODY.replace(b"12500", b"92500")), "mismatch"),
        (request(stamp=AT + 1), "mismatch"),
        (request(at=AT + 301), "stale"),
        (request(signature=SIGNATURE[:-1]), "malformed"),
        (request(signature=""), "missing"),
        (inbound(BODY, ("X-Supergood-Signature", SIGNATURE), at=AT), "missing"),
    ],
)
def test_what_was_changed_is_refused(changed: Inbound, expected: str) -> None:
    assert expected == refusal(source(), changed)


@pytest.mark.parametrize("keys", [{}, {"key": ""}, {"key": "a", "verify": VERIFY}, {"unverified": "why not"}])
def test_settings_without_one_check_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SupergoodSourceSettings.model_validate(keys)


@given(
    st.lists(st.tuples(st.sampled_from([b"x-api-key", b"authorization"]), st.binary(max_size=30)), max_size=3),
    st.binary(max_size=30),
    st.binary(max_size=30),
)
def test_verify_is_total(headers: list[tuple[bytes, bytes]], body: bytes, query: bytes) -> None:
    with pytest.raises(VerificationError):
        source(key="a key").verify(Inbound("POST", "", query, headers, body, inbound(b"").received_at))


# --- through the inbox ---


@pytest.mark.parametrize(
    ("headers", "query"),
    [({"X-Api-Key": "old key"}, ""), ({"Authorization": "Bearer new key"}, ""), ({}, "?key=new%20key")],
)
async def test_a_shared_key_opens_the_door_in_a_header_or_the_address(headers: dict[str, str], query: str) -> None:
    house = House(vendor, key=["new key", "old key"])
    answer = await house.post(BODY, headers, query)
    assert 202 == answer.status_code
    assert "new key" not in repr(house.intake.receipts)
    assert 401 == (await house.post(BODY, {"X-Api-Key": "another"})).status_code


async def test_the_id_of_the_body_decides_what_is_a_duplicate() -> None:
    house = House(vendor, verify=VERIFY)

    async def duplicate(body: bytes) -> bool:
        signature = hmac_hex(SECRET, f"{STAMP}.".encode() + body)
        headers = {"X-Supergood-Signature": signature, "X-Supergood-Timestamp": str(STAMP)}
        answer = await house.post(body, headers)
        assert 202 == answer.status_code
        return bool(answer.json()["duplicate"])

    assert [False, True, False, False, True] == [
        await duplicate(body)
        for body in (BODY, BODY + b"\n", BODY.replace(b"evt_1", b"evt_2"), b'{"type":"x"}', b'{"type":"x"}')
    ]


# --- normalize ---


def test_a_payment_of_an_invoice_becomes_a_payment() -> None:
    (found,) = drafts(source(), request())
    assert ("invoice.payment_recorded", "invoice/inv_1") == (found.type, found.subject)
    assert {"invoice_id": "inv_1", "amount_cents": 12500} == found.data
    assert json.loads(BODY) == found.raw


def test_a_change_of_status_becomes_a_job() -> None:
    body = (
        b'{"type":"job.status_changed","occurred_at":"2026-05-06T19:40:00Z","data":{"jobId":41,"status":"InProgress"}}'
    )
    (found,) = drafts(source(), inbound(body))
    assert ("job/41", "41", "in_progress") == (found.subject, found.data["id"], found.data["status"])
    assert found.time is not None
    assert "2026-05-06T19:40:00+00:00" == found.time.isoformat()


@pytest.mark.parametrize(
    ("body", "kind", "flag"),
    [
        (b'{"type":"quote.sent","data":{"a":1}}', "quote.sent", None),
        (b'{"data":{}}', "unknown", "type: expected an event's name"),
        (b'{"type":"job.status_changed"}', "job.status_changed", "data: expected an object"),
        (
            b'{"type":"invoice.payment_recorded","data":{"amount":12.5}}',
            "invoice.payment_recorded",
            "data.amount: expected a whole number",
        ),
        (b'{"type":"quote.sent","occurred_at":"soon"}', "quote.sent", None),
    ],
)
def test_what_is_not_known_passes_through(body: bytes, kind: str, flag: str | None) -> None:
    (found,) = drafts(source(), inbound(body))
    assert (kind, flag, json.loads(body)) == (found.type, found.flag, found.data)


def test_one_type_for_all_keeps_the_vendors_word() -> None:
    (found,) = drafts(source(key="a key", type="mine"), request())
    assert ("mine", "invoice.payment_recorded") == (found.type, found.vendor_type)


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"a=1"])
def test_a_body_without_an_object_is_not_readable(body: bytes) -> None:
    with pytest.raises(NormalizationError):
        source().read(inbound(body))
