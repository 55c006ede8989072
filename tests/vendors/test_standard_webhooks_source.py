"""Standard Webhooks: the published known answer, tampering, rotation, and the whole way through the inbox."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hooks.errors import NormalizationError, VerificationError
from hooks.events import Request
from hooks.kit.guards import MAX_SIGNATURES
from hooks.ports import Inbound
from hooks.vendors.http.client import HttpClient, HttpSettings
from hooks.vendors.standard_webhooks import vendor
from hooks.vendors.standard_webhooks.source import StandardWebhooksSource, StandardWebhooksSourceSettings
from tests.vendors.knocking import STAMP, House, drafts, inbound, refusal

# The known answer that the specification's own libraries and Svix's documents share (read November 2026); computed once
# more with `hmac` before it was written down.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

OTHER = "whsec_" + base64.b64encode(b"another secret, 24 bytes").decode()
WRONG = "v1," + base64.b64encode(bytes(32)).decode()


def source(**keys: Any) -> StandardWebhooksSource:
    return StandardWebhooksSource("here", StandardWebhooksSourceSettings.model_validate({"secret": SECRET, **keys}))


def request(
    signature: str = SIGNATURE, *, body: bytes = BODY, identity: str = ID, stamp: str = str(AT), at: float = AT
) -> Inbound:
    headers = (("webhook-id", identity), ("webhook-timestamp", stamp), ("webhook-signature", signature))
    return inbound(body, *headers, at=at)


def signed(body: bytes, secret: str = SECRET, identity: str = "msg_1", at: int = STAMP) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


# --- verify ---


@pytest.mark.parametrize(
    "signature",
    [
        SIGNATURE,
        f"{WRONG} {SIGNATURE}",
        f"v1a,whatever {SIGNATURE} v2,else",
        f"nocomma {SIGNATURE}",
        f"  {SIGNATURE}  ",
    ],
)
def test_the_published_known_answer_verifies_also_among_others(signature: str) -> None:
    source().verify(request(signature))


def test_a_secret_needs_no_prefix() -> None:
    source(secret=SECRET.removeprefix("whsec_")).verify(request())


def test_either_secret_of_a_rotation_passes() -> None:
    for secret in (SECRET, OTHER):
        source(secret=[OTHER, SECRET]).verify(inbound(BODY, *signed(BODY, secret).items()))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (request(SIGNATURE.removeprefix("v1,")), "malformed"),
        (request("v1"), "malformed"),
        (request("v1,"), "malformed"),
        (request(","), "malformed"),
        (request("v1,abc"), "malformed"),
        (request(SIGNATURE.replace("v1,", "v1a,")), "malformed"),
        (request(SIGNATURE.replace("v1,", "V1,")), "malformed"),
        (request(SIGNATURE.rstrip("=")), "malformed"),
        (request(SIGNATURE.replace("g0hM", "G0hM")), "mismatch"),
        (request(SIGNATURE[:-2] + "F="), "mismatch"),
        (request(WRONG), "mismatch"),
        (request(" ".join([WRONG] * MAX_SIGNATURES + [SIGNATURE])), "malformed"),
        (request(body=b'{"test":2432232314}'), "mismatch"),
        (request(identity=ID + "x"), "mismatch"),
        (request(stamp=str(AT + 1)), "mismatch"),
        (request(stamp=f"{AT}.0"), "malformed"),
        (request(stamp=f"-{AT}"), "malformed"),
        (request(at=AT + 301), "stale"),
        (request(at=AT - 301), "stale"),
        (request(""), "missing"),
        (request(identity=""), "missing"),
        (request(stamp=""), "missing"),
        (inbound(BODY, at=AT), "missing"),
    ],
)
def test_everything_that_was_changed_is_refused(changed: Inbound, expected: str) -> None:
    assert expected == refusal(source(), changed)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_comes_twice_is_refused(name: str) -> None:
    good = request()
    twice = next(pair for pair in good.headers if pair[0] == name.encode())
    again = Inbound("POST", "", b"", [*good.headers, twice], BODY, good.received_at)
    assert "repeated" == refusal(source(), again)


def test_the_tolerance_is_a_setting() -> None:
    source(tolerance="10m").verify(request(at=AT + 599))
    assert "stale" == refusal(source(tolerance="10s"), request(at=AT + 11))


def test_older_senders_name_their_headers_otherwise() -> None:
    headers = (("svix-id", ID), ("svix-timestamp", str(AT)), ("svix-signature", SIGNATURE))
    mine = source(header_prefix="svix")
    mine.verify(inbound(BODY, *headers, at=AT))
    assert ID == mine.read(inbound(BODY, *headers)).key
    assert "missing" == refusal(source(), inbound(BODY, *headers, at=AT))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"webhook-id", b"webhook-timestamp", b"webhook-signature"]),
            st.binary(max_size=60)
            | st.sampled_from([b"v1,", b"v1", str(AT).encode(), SIGNATURE.encode(), ID.encode()]),
        ),
        max_size=4,
    ),
    st.binary(max_size=30),
)
def test_verify_is_total(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    unlike = Inbound("POST", "", b"", headers, body, request().received_at)
    with pytest.raises(VerificationError) as caught:
        source().verify(unlike)
    assert caught.value.reason in {"missing", "malformed", "repeated", "stale", "mismatch"}


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", "whsec_abc", [], [SECRET, ""], "pässword"])
def test_a_secret_that_is_none_is_refused_and_not_quoted(secret: object) -> None:
    with pytest.raises(ValidationError) as caught:
        source(secret=secret)
    assert "not base64!" not in "".join(error["msg"] for error in caught.value.errors())


def test_a_source_without_a_secret_is_refused() -> None:
    with pytest.raises(ValidationError):
        StandardWebhooksSourceSettings.model_validate({})


# --- through the inbox ---


async def test_a_delivery_becomes_an_event_and_its_id_decides_what_is_a_duplicate() -> None:
    house = House(vendor, secret=SECRET)
    body = b'{"type":"invoice.paid","timestamp":"2026-05-04T14:00:00.5Z","data":{"id":"inv_1"}}'
    first = await house.post(body, signed(body))
    again = await house.post(body, signed(body, at=STAMP - 60))
    other = await house.post(body, signed(body, identity="msg_2"))
    assert [202, 202, 202] == [first.status_code, again.status_code, other.status_code]
    assert [False, True, False] == [answer.json()["duplicate"] for answer in (first, again, other)]
    event = house.events()[0]
    assert ("invoice.paid", "invoice.paid", {"id": "inv_1"}) == (event.type, event.vendor_type, event.data)
    assert "2026-05-04T14:00:00.500000+00:00" == event.time.isoformat()
    stored = house.intake.receipts[0].headers
    assert "msg_1" == stored["webhook-id"]
    assert "webhook-signature" not in stored


async def test_refusals_leave_their_reason_and_no_body() -> None:
    house = House(vendor, secret=SECRET)
    assert 401 == (await house.post(BODY, {**signed(BODY), "webhook-signature": "nocomma"})).status_code
    assert 401 == (await house.post(BODY)).status_code
    assert [("refused", "malformed"), ("refused", "missing")] == house.verdicts()
    assert b"" == house.intake.last().body


async def test_an_authentic_body_that_cannot_be_read_is_quarantined() -> None:
    house = House(vendor, secret=SECRET)
    assert 400 == (await house.post(b"not json", signed(b"not json"))).status_code
    assert 415 == (await house.post(b"a=1", signed(b"a=1"), content_type="text/plain")).status_code


async def test_what_our_own_client_signs_is_taken() -> None:
    sent: list[httpx.Request] = []

    def answer(one: httpx.Request) -> httpx.Response:
        sent.append(one)
        return httpx.Response(200, json={})

    auth = {"scheme": "standard_webhooks", "secret": SECRET}
    settings = HttpSettings.model_validate({"base_url": "http://127.0.0.1", "auth": auth})
    client = HttpClient("out", settings, transport=httpx.MockTransport(answer))
    body = b'{"type":"a.b","data":{}}'
    await client.send(Request("POST", "/x", body=body), timeout=5.0, key="evt_1")
    await client.aclose()
    taken = inbound(body, *sent[0].headers.items(), at=int(sent[0].headers["webhook-timestamp"]))
    source().verify(taken)
    assert "evt_1" == source().read(taken).key


# --- normalize ---


@pytest.mark.parametrize(
    ("body", "kind", "data", "flag"),
    [
        (b'{"type":"a.b","data":{"x":1}}', "a.b", {"x": 1}, None),
        (b'{"type":"a.b"}', "a.b", {"type": "a.b"}, None),
        (b'{"type":"a.b","data":[1]}', "a.b", [1], None),
        (b'{"x":1}', "standard_webhooks.received", {"x": 1}, "type: expected an event's name"),
        (b'{"type":{}}', "standard_webhooks.received", {"type": {}}, "type: expected an event's name"),
        (b'{"type":"a","timestamp":"soon","data":{}}', "a", {}, "timestamp: expected a date and time"),
    ],
)
def test_a_body_becomes_its_event(body: bytes, kind: str, data: object, flag: str | None) -> None:
    (found,) = drafts(source(), inbound(body))
    assert (kind, kind, data, flag) == (found.type, found.vendor_type, found.data, found.flag)


def test_one_type_for_all_keeps_the_senders_word() -> None:
    assert [("x", "a.b"), ("x", "standard_webhooks.received")] == [
        (found.type, found.vendor_type)
        for body in (b'{"type":"a.b"}', b"{}")
        for found in drafts(source(type="x"), inbound(body))
    ]


@pytest.mark.parametrize("body", [b"", b"5", b'"text"', b"[]", b"\xff"])
def test_a_body_without_an_object_is_not_readable(body: bytes) -> None:
    with pytest.raises(NormalizationError):
        source().read(inbound(body))
