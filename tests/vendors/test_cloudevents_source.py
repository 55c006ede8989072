"""CloudEvents in their three forms, their proof, and the handshake, through the real inbox."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hooks.cli.explaining import of_body
from hooks.errors import NormalizationError
from hooks.ports import Draft, Inbound
from hooks.vendors.cloudevents import vendor
from hooks.vendors.cloudevents.source import CloudEventsSource, CloudEventsSourceSettings
from tests.vendors.knocking import STAMP, House, drafts, hmac_hex, inbound, refusal

KEY = "a key of the tests"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
EVENT: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "org.example.paid"}
BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "org.example.paid"}


def source(**keys: Any) -> CloudEventsSource:
    return CloudEventsSource("here", CloudEventsSourceSettings.model_validate({"key": KEY, **keys}))


def structured(**changes: Any) -> Inbound:
    event = {name: value for name, value in {**EVENT, **changes}.items() if value is not ...}
    return inbound(json.dumps(event).encode(), content_type=STRUCTURED)


def binary(body: bytes = b"", content_type: str = "application/json", **changes: str) -> Inbound:
    headers = {**BINARY, **{f"ce-{name}": value for name, value in changes.items()}}
    return inbound(body, *headers.items(), content_type=content_type)


def one(request: Inbound, **keys: Any) -> Draft:
    (found,) = drafts(source(**keys), request)
    return found


# --- the three forms, through the inbox ---


async def test_all_three_forms_become_the_same_event() -> None:
    house = House(vendor, key=KEY)
    data = {"id": "ord_7", "cents": 18900}
    event = {**EVENT, "time": "2026-05-04T16:00:00+02:00", "subject": "ord_7", "data": data}
    proof = {"X-Api-Key": KEY}
    inner = {**BINARY, "ce-time": event["time"], "ce-subject": "ord_7", "ce-id": "2", **proof}
    batch = json.dumps([{**event, "id": "3"}, {**event, "id": "4"}]).encode()
    answers = [
        await house.post(json.dumps(event).encode(), proof, content_type=STRUCTURED + "; charset=utf-8"),
        await house.post(json.dumps(data).encode(), inner),
        await house.post(batch, proof, content_type=BATCH),
    ]
    assert [202, 202, 202] == [answer.status_code for answer in answers]
    assert [1, 1, 2] == [len(answer.json()["events"]) for answer in answers]
    found = house.events()
    assert ["1", "2", "3", "4"] == [one.raw["id"] for one in found]
    assert {("org.example.paid", "ord_7", "2026-05-04T14:00:00+00:00")} == {
        (one.type, one.subject, one.time.isoformat()) for one in found
    }
    assert [data] * 4 == [one.data for one in found]


async def test_id_and_source_decide_what_is_a_duplicate() -> None:
    house = House(vendor, key=KEY)

    async def duplicate(**changes: Any) -> bool:
        body = json.dumps({**EVENT, **changes}).encode()
        answer = await house.post(body, query="?key=a%20key%20of%20the%20tests", content_type=STRUCTURED)
        assert 202 == answer.status_code
        return bool(answer.json()["duplicate"])

    assert not await duplicate(data=1)
    assert await duplicate(data=2)
    assert not await duplicate(id="2")
    assert not await duplicate(source="/else")
    again = await house.post(b"1", {**BINARY, "X-Api-Key": KEY})
    assert again.json()["duplicate"]


async def test_a_sender_without_proof_is_refused() -> None:
    house = House(vendor, key=[KEY, "the old one"])
    body = json.dumps(EVENT).encode()
    assert 401 == (await house.post(body, content_type=STRUCTURED)).status_code
    assert 401 == (await house.post(body, {"X-Api-Key": "x"}, content_type=STRUCTURED)).status_code
    assert 202 == (await house.post(body, {"X-Api-Key": "the old one"}, content_type=STRUCTURED)).status_code
    assert ["missing", "mismatch", None] == [why for _, why in house.verdicts()]


async def test_a_signature_may_cover_the_attributes_of_a_binary_event() -> None:
    template = "{timestamp}.{header:ce-id}.{header:ce-type}.{body}"
    verify = {"scheme": "hmac", "header": "X-Sig", "timestamp_header": "X-T", "template": template, "secret": KEY}
    house = House(vendor, verify=verify)
    signature = hmac_hex(KEY, f"{STAMP}.1.org.example.paid.".encode() + b"{}")
    headers = {**BINARY, "X-Sig": signature, "X-T": str(STAMP)}
    assert 401 == (await house.post(b"{}", {**headers, "ce-type": "org.example.sent"})).status_code
    assert 202 == (await house.post(b"{}", headers)).status_code


@pytest.mark.parametrize("name", ["ce-id", "ce-unheard"])
def test_an_attribute_in_two_headers_is_refused(name: str) -> None:
    request = inbound(b"{}", *BINARY.items(), (name, "2"), (name, "3"), ("X-Api-Key", KEY))
    assert "repeated" == refusal(source(), request)


# --- the handshake ---


async def test_options_is_not_a_method_without_the_handshake() -> None:
    house = House(vendor, key=KEY)
    assert 405 == (await house.ask("OPTIONS", headers={"WebHook-Request-Origin": "grid.example.org"})).status_code


async def test_a_sender_that_asks_is_told_that_it_may_post() -> None:
    house = House(vendor, key=KEY, handshake=True)
    asked = {"WebHook-Request-Origin": "grid.example.org", "WebHook-Request-Rate": "120"}
    answer = await house.ask("OPTIONS", headers=asked)
    assert (200, b"") == (answer.status_code, answer.content)
    assert "grid.example.org" == answer.headers["webhook-allowed-origin"]
    assert "*" == answer.headers["webhook-allowed-rate"]
    assert "POST" in answer.headers["allow"]
    assert [] == house.intake.receipts
    assert 401 == (await house.post(b"{}", BINARY)).status_code


@pytest.mark.parametrize("origin", [None, "", "a b", "<x>", "x" * 300, "*"])
async def test_nobody_in_particular_gets_no_consent(origin: str | None) -> None:
    house = House(vendor, key=KEY, handshake=True)
    answer = await house.ask("OPTIONS", headers={} if origin is None else {"WebHook-Request-Origin": origin})
    assert 200 == answer.status_code
    assert "webhook-allowed-origin" not in answer.headers
    assert "webhook-allowed-rate" not in answer.headers


# --- what is not a CloudEvent ---


@pytest.mark.parametrize(
    "request_",
    [
        structured(specversion=...),
        structured(specversion="0.3"),
        structured(specversion=1.0),
        structured(id=...),
        structured(id=""),
        structured(id=5),
        structured(id="a\nb"),
        structured(source=...),
        structured(source="x" * 1001),
        structured(type=...),
        structured(type="x" * 201),
        structured(type=None),
        structured(data=1, data_base64="MQ=="),
        structured(data_base64="not base64"),
        structured(data_base64=5),
        inbound(b"[]", content_type=STRUCTURED),
        inbound(json.dumps([EVENT]).encode(), content_type=STRUCTURED),
        inbound(b"[]", content_type=BATCH),
        inbound(json.dumps(EVENT).encode(), content_type=BATCH),
        inbound(json.dumps([EVENT, {**EVENT, "id": ""}]).encode(), content_type=BATCH),
        inbound(b"{", content_type=STRUCTURED),
        inbound(b'{"plain":"webhook"}'),
        binary(id=""),
        binary(specversion="2.0"),
        binary(id="%00"),
        binary(source="x" * 1001),
        binary(b"{", "application/json"),
        binary(b"<", "application/xml"),
    ],
)
def test_what_is_not_a_cloudevent_is_not_readable(request_: Inbound) -> None:
    with pytest.raises(NormalizationError):
        source().read(request_)


async def test_what_is_not_readable_is_quarantined_with_its_bytes() -> None:
    house = House(vendor, key=KEY)
    assert 400 == (await house.post(b'{"id":"1"}', {"X-Api-Key": KEY}, content_type=STRUCTURED)).status_code
    assert ("quarantined", b'{"id":"1"}') == (house.intake.last().verdict, house.intake.last().body)


# --- data ---


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (structured(), None),
        (structured(data={"a": 1}), {"a": 1}),
        (structured(data="<a/>", datacontenttype="application/xml"), "<a/>"),
        (structured(data_base64=base64.b64encode(b'{"a":1}').decode()), {"a": 1}),
        (structured(data_base64="aGk=", datacontenttype="text/plain"), "hi"),
        (structured(data_base64="aGk="), "hi"),
        (structured(data_base64="/w==", datacontenttype="text/plain"), {"base64": "/w=="}),
        (structured(data_base64="aGk=", datacontenttype="application/octet-stream"), {"base64": "aGk="}),
        (structured(data_base64="aGk=", datacontenttype=5), "hi"),
        (binary(), None),
        (binary(b'{"a":1}'), {"a": 1}),
        (binary(b'{"a":1}', "application/vnd.shop.order+json; charset=utf-8"), {"a": 1}),
        (binary(b"[1,2]"), [1, 2]),
        (binary(b"a=1", "application/x-www-form-urlencoded"), {"a": "1"}),
        (binary(b"<r><a>1</a></r>", "text/xml"), {"a": "1"}),
        (binary(b"hi", "text/plain; charset=utf-8"), "hi"),
        (inbound(b'{"a":1}', *BINARY.items(), content_type=""), {"a": 1}),
        (binary(b"\xff", "application/octet-stream"), {"base64": "/w=="}),
    ],
)
def test_data_is_decoded_by_its_content_type(request_: Inbound, expected: object) -> None:
    assert expected == one(request_).data


def test_attributes_in_headers_are_percent_decoded() -> None:
    found = one(binary(subject="Z%C3%BCrich%20%22x%22", partitionkey="p", ours="o", other="x"), extensions=["ours"])
    assert 'Zürich "x"' == found.subject
    assert {"partitionkey": "p", "ours": "o"}.items() <= found.raw.items()
    assert "other" not in found.raw


def test_a_time_that_cannot_be_read_is_flagged() -> None:
    found = one(structured(time="yesterday"), type="mine")
    assert ("org.example.paid", "time: expected a date and time") == (found.type, found.flag)


def test_one_type_for_all_keeps_the_senders_word() -> None:
    found = one(structured(), type="mine")
    assert ("mine", "org.example.paid") == (found.type, found.vendor_type)


def test_explaining_a_sample_reads_its_attributes_too(tmp_path: Path) -> None:
    routes = tmp_path / "routes.yaml"
    routes.write_text(f"version: 1\nsources:\n  here: {{vendor: cloudevents, key: {KEY}}}\nrules: []\n")
    (shown,) = of_body("cloudevents/order.paid.binary", None, None, {"routes": str(routes)})
    assert "org.example.order.paid" == shown["event"]["type"]


# --- settings ---


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"key": ""},
        {"handshake": True},
        {"key": KEY, "verify": "github", "secret": KEY},
        {"verify": "github"},
        {"key": KEY, "extensions": ["Not-One"]},
        {"unverified": "because we say so"},
    ],
)
def test_settings_without_one_check_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CloudEventsSourceSettings.model_validate(keys)


# --- hostile requests ---


@given(
    st.dictionaries(st.sampled_from(sorted(BINARY)), st.binary(max_size=20) | st.just(b"1.0")),
    st.binary(max_size=40)
    | st.builds(
        lambda part: json.dumps({**EVENT, **part}).encode(),
        st.dictionaries(
            st.sampled_from(["id", "data", "data_base64", "time", "subject", "datacontenttype", "type"]),
            st.none() | st.integers() | st.text(max_size=4) | st.lists(st.none(), max_size=1),
        ),
    ),
    st.sampled_from([STRUCTURED, BATCH, "application/json", "text/plain", "application/octet-stream", ""]),
)
def test_reading_and_normalizing_are_total(headers: dict[str, bytes], body: bytes, content_type: str) -> None:
    pairs = [(b"content-type", content_type.encode()), *((name.encode(), value) for name, value in headers.items())]
    request = Inbound("POST", "", b"", pairs, body, inbound(b"").received_at)
    try:
        found = drafts(source(), request)
    except NormalizationError:
        return
    json.dumps([[draft.data, draft.raw] for draft in found], allow_nan=False)
    assert all(draft.type for draft in found)
