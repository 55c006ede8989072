"""Any other sender: through the real inbox, and what its settings make of a delivery."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hooks.errors import NormalizationError, RulesError, VerificationError
from hooks.ports import Inbound
from hooks.registry import CATALOGUE
from hooks.rules.load import load_text
from hooks.vendors.webhook import vendor
from hooks.vendors.webhook.source import WebhookSource, WebhookSourceSettings
from tests.vendors.knocking import STAMP, House, drafts, hmac_hex, inbound, refusal

SECRET = "a secret of the tests"
WHY = "only our own network reaches it"
FORM = "application/x-www-form-urlencoded"


def source(**keys: Any) -> WebhookSource:
    return WebhookSource("here", WebhookSourceSettings.model_validate(keys))


def open_source(**keys: Any) -> WebhookSource:
    return source(unverified=WHY, **keys)


def github(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac_hex(secret, body)}


# --- settings ---


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, 'unverified: "why nobody is checked"'),
        ({"unverified": True}, "say in words"),
        ({"key": SECRET, "unverified": WHY}, "neither raw nor headers"),
        ({"unverified": WHY, "type": "${data.x}"}, "neither raw nor headers"),
        ({"unverified": WHY, "subject": ""}, "empty"),
        ({"unverified": WHY, "subject": "${headers.authorization}"}, "carries a proof"),
        ({"verify": "github", "secret": SECRET, "type": "${headers['X-Hub-Signature-256']}"}, "carries a proof"),
        ({"verify": {"scheme": "token", "header": "X-T", "key": SECRET}, "key": "headers['x-t']"}, "carries a proof"),
        ({"verify": {"scheme": "token", "key": SECRET, "secret": SECRET}}, "keep one"),
        ({"verify": {"scheme": "token", "secret": SECRET}, "secret": SECRET}, "keep one"),
        ({"verify": {"scheme": "basic", "username": "us", "password": SECRET, "secret": SECRET}}, "keep one"),
        ({"unverified": WHY, "nonsense": 1}, "nonsense"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        source(**keys)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("verify", "good", "bad"),
    [
        ({"scheme": "token", "header": "X-T", "secret": SECRET}, ("X-T", SECRET), ("X-T", "another secret")),
        (
            {"scheme": "basic", "username": "us", "secret": SECRET},
            ("Authorization", "Basic dXM6YSBzZWNyZXQgb2YgdGhlIHRlc3Rz"),
            ("Authorization", "Basic dXM6YW5vdGhlciBzZWNyZXQ="),
        ),
    ],
)
def test_every_scheme_takes_its_secret_by_that_name(
    verify: dict[str, Any], good: tuple[str, str], bad: tuple[str, str]
) -> None:
    here = source(verify=verify)
    here.verify(inbound(b"{}", good))
    assert "missing" == refusal(here, inbound(b"{}"))
    assert "mismatch" == refusal(here, inbound(b"{}", bad))


RULES = """
version: 1
sources:
  shop:
    vendor: webhook
    verify: {scheme: hmac, header: X-Sig, secret: "${secret.SHOP}"}
    type: "shop.${raw.event}"
    subject: "${headers['x-shop']}"
    key: %s
rules: []
"""


def test_the_rules_file_hands_paths_over_as_they_are() -> None:
    rules = load_text(RULES % "raw.id", CATALOGUE, {"SHOP": SECRET}.get)
    settings = rules.sources["shop"].settings
    assert isinstance(settings, WebhookSourceSettings)
    assert ("shop.${raw.event}", "${headers['x-shop']}", "${raw.id}") == (settings.type, settings.subject, settings.key)
    body = b'{"event":"paid","id":5}'
    mine = WebhookSource("shop", settings)
    request = inbound(body, ("X-Shop", "s1"), ("X-Sig", hmac_hex(SECRET, body)))
    mine.verify(request)
    assert [("shop.paid", "s1", "5")] == [
        (one.type, one.subject, mine.read(request).key) for one in drafts(mine, request)
    ]


def test_a_shared_secret_in_the_place_of_the_key_is_not_taken_for_one() -> None:
    with pytest.raises(RulesError, match="neither raw nor headers") as caught:
        load_text(RULES % '"${secret.SHOP}"', CATALOGUE, {"SHOP": SECRET}.get)
    assert SECRET not in str(caught.value)


# --- through the inbox ---


async def test_a_signed_delivery_becomes_an_event_named_by_its_header() -> None:
    house = House(
        vendor,
        verify="github",
        secret=["a new secret", SECRET],
        type="github.${headers['x-github-event']}",
        subject="repo/${raw.repository.full_name}",
        key="headers['x-github-delivery']",
    )
    body = b'{"action":"opened","repository":{"full_name":"o/r"}}'
    headers = {"X-GitHub-Event": "issues", "X-GitHub-Delivery": "72d3162e", **github(body)}
    first = await house.post(body, headers)
    again = await house.post(b'{"other":1}', {**headers, **github(b'{"other":1}')})
    assert (202, False) == (first.status_code, first.json()["duplicate"])
    assert first.json()["receipt"] == again.json()["duplicate_of"]
    (event,) = house.events()
    assert ("github.issues", "github.issues", "repo/o/r") == (event.type, event.vendor_type, event.subject)
    assert json.loads(body) == event.data == event.raw
    stored = house.intake.receipts[0].headers
    assert {"x-github-event": "issues", "x-github-delivery": "72d3162e"}.items() <= stored.items()
    assert "x-hub-signature-256" not in stored


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ('{"action":"opened"}', [{"action": "opened"}]),
        ('[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
        ("opened", [{"payload": "opened"}]),
        ("5", [{"payload": "5"}]),
    ],
)
async def test_json_in_the_field_payload_of_a_form_is_the_body(field: str, found: list[object]) -> None:
    body = b"payload=" + quote(field).encode()
    house = House(vendor, verify="github", secret=SECRET)
    answer = await house.post(body, github(body), content_type=FORM)
    assert (202, len(found)) == (answer.status_code, len(answer.json()["events"]))
    assert found == [event.data for event in house.events()]


async def test_what_is_not_proven_is_refused_with_its_reason() -> None:
    house = House(vendor, verify="github", secret=SECRET, type="${headers['x-event']}")
    body = b'{"a":1}'
    tries = [
        await house.post(body),
        await house.post(body, github(b'{"a":2}')),
        await house.post(body, github(body, "another secret")),
        await house.post(body, {"X-Hub-Signature-256": "sha256=xyz"}),
    ]
    assert {401} == {answer.status_code for answer in tries}
    assert {tries[0].content} == {answer.content for answer in tries}
    assert ["missing", "mismatch", "mismatch", "malformed"] == [why for _, why in house.verdicts()]


async def test_an_open_source_takes_all_kinds_of_bodies() -> None:
    house = House(vendor, unverified=WHY)
    assert 202 == (await house.post(b'{"a":1}')).status_code
    assert 202 == (await house.post(b"a=1&b=2", content_type=FORM)).status_code
    assert 202 == (await house.post(b"<r><a>1</a></r>", content_type="application/xml")).status_code
    assert 202 == (await house.post(b'{"a":2}', content_type="text/plain")).status_code
    multipart = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--'
    assert 202 == (await house.post(multipart, content_type="multipart/form-data; boundary=x")).status_code
    assert [{"a": 1}, {"a": "1", "b": "2"}, {"a": "1"}, {"a": 2}, {"a": "1"}] == [one.data for one in house.events()]
    assert {"webhook.received"} == {one.type for one in house.events()}
    assert 415 == (await house.post(b"x", content_type="image/png")).status_code


async def test_what_is_written_in_json_or_xml_is_read_whatever_it_is() -> None:
    house = House(vendor, unverified=WHY)
    assert 202 == (await house.post(b'{"a":1}', content_type="application/vnd.api+json")).status_code
    assert 202 == (await house.post(b'{"a":2}', content_type="Application/Problem+JSON; charset=utf-8")).status_code
    assert 202 == (await house.post(b"<r><a>3</a></r>", content_type="application/soap+xml")).status_code
    assert [{"a": 1}, {"a": 2}, {"a": "3"}] == [one.data for one in house.events()]
    assert 400 == (await house.post(b'{"a":1,"a":2}', content_type="application/vnd.api+json")).status_code
    for other in ("application/json+zip", "application/vnd.api+", "application/x+jsonp", "+"):
        assert 415 == (await house.post(b'{"a":1}', content_type=other)).status_code, other


async def test_what_cannot_be_read_is_quarantined() -> None:
    house = House(vendor, unverified=WHY)
    for body in (b"", b"{", b"5", b"[]", b"[1]", b'{"a":1,"a":2}'):
        assert 400 == (await house.post(body)).status_code
    assert {"quarantined"} == {verdict for verdict, _ in house.verdicts()}


async def test_the_same_bytes_are_a_duplicate_where_no_key_is_set() -> None:
    house = House(vendor, unverified=WHY)
    assert [False, True] == [(await house.post(b'{"a":1}')).json()["duplicate"] for _ in range(2)]


def test_a_header_that_is_read_must_not_come_twice() -> None:
    mine = open_source(type="${headers['x-event']}", key="headers['x-id']")
    assert "repeated" == refusal(mine, inbound(b"{}", ("X-Event", "a"), ("X-Event", "b")))
    assert "repeated" == refusal(mine, inbound(b"{}", ("X-Id", "a"), ("X-Id", "a")))
    mine.verify(inbound(b"{}", ("X-Other", "a"), ("X-Other", "b")))


# --- Slack's challenge ---

CHALLENGE = (
    b'{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}'
)


def slack(body: bytes, secret: str = SECRET) -> dict[str, str]:
    signature = "v0=" + hmac_hex(secret, f"v0:{STAMP}:".encode() + body)
    return {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": str(STAMP)}


async def test_slacks_signed_challenge_is_given_back_and_makes_no_event() -> None:
    house = House(vendor, verify="slack", secret=SECRET)
    answer = await house.post(CHALLENGE, slack(CHALLENGE))
    assert (200, {"challenge": json.loads(CHALLENGE)["challenge"]}) == (answer.status_code, answer.json())
    assert ["ping"] == [verdict for verdict, _ in house.verdicts()]


async def test_an_unsigned_challenge_and_one_at_another_source_are_ordinary() -> None:
    house = House(vendor, verify="slack", secret=SECRET)
    assert 401 == (await house.post(CHALLENGE)).status_code
    assert 401 == (await house.post(CHALLENGE, slack(CHALLENGE, "another"))).status_code
    plain = b'{"type":"event_callback"}'
    assert 202 == (await house.post(plain, slack(plain))).status_code
    other = House(vendor, unverified=WHY)
    assert 202 == (await other.post(CHALLENGE)).status_code
    for body in (b'{"type":"url_verification"', b'{"type":"url_verification","challenge":5}', b'["url_verification"]'):
        assert not source(verify="slack", secret=SECRET).is_ping(inbound(body, *slack(body).items()))


# --- type, subject and key ---


@pytest.mark.parametrize(
    ("setting", "body", "expected"),
    [
        (None, {"event": "x"}, "webhook.received"),
        ("order.created", {}, "order.created"),
        ("${raw.event}", {"event": "order.paid"}, "order.paid"),
        ("shop.${raw.order.state}", {"order": {"state": "paid"}}, "shop.paid"),
    ],
)
def test_the_type_is_a_constant_or_read_off_the_delivery(setting: str | None, body: object, expected: str) -> None:
    (found,) = drafts(open_source(type=setting), inbound(json.dumps(body).encode()))
    assert (expected, expected, None) == (found.type, found.vendor_type, found.flag)


def test_a_type_that_is_not_there_is_flagged() -> None:
    (found,) = drafts(open_source(type="${raw.event}", subject="${raw.id}"), inbound(b'{"a":1}'))
    assert ("webhook.received", None, "type: ${raw.event} gave no name") == (found.type, found.subject, found.flag)
    assert {"a": 1} == found.data


def test_each_object_of_a_list_has_its_own_type_and_subject() -> None:
    body = b'[{"event":"a","id":1},{"event":"b","id":2}]'
    found = drafts(open_source(type="${raw.event}", subject="order/${raw.id}"), inbound(body))
    assert [("a", "order/1"), ("b", "order/2")] == [(one.type, one.subject) for one in found]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id":"evt_1"}', "evt_1"),
        (b'{"id":7}', "7"),
        (b'[{"id":"a"},{"id":"b"}]', "a\nb"),
        (b'[{"id":"a"},{}]', None),
        (b'{"id":""}', None),
        (b'{"id":{"a":1}}', None),
    ],
)
def test_the_key_is_the_senders_id_of_the_whole_delivery(body: bytes, expected: str | None) -> None:
    assert expected == open_source(key="raw.id").read(inbound(body)).key


@given(
    st.lists(st.tuples(st.sampled_from([b"content-type", b"x-event", b"x-id"]), st.binary(max_size=30)), max_size=4),
    st.binary(max_size=60) | st.text('{}[]"event:id,=&<>/', max_size=40).map(str.encode),
)
def test_verify_read_and_normalize_are_total(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    mine = open_source(type="a.${headers['x-event']}", key="${headers['x-id']}/${raw.id}", subject="${raw.event}")
    request = Inbound("POST", "", b"", headers, body, inbound(b"").received_at)
    assert not mine.is_ping(request)
    try:
        mine.verify(request)
    except VerificationError as error:
        assert "repeated" == error.reason
        return
    try:
        for found in drafts(mine, request):
            assert found.type.startswith("a.") or found.flag
    except NormalizationError:
        return
