from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hooks.errors import NormalizationError, VerificationError
from hooks.events import Receipt, event_id, new_id
from hooks.ports import Draft, Inbound, Outcome, OutcomeKind, Reading
from hooks.vendors.zapier.source import ZapierSource, ZapierSourceSettings

KEY = "s3cret-pass"
NOW = datetime(2026, 5, 4, 14, 5, tzinfo=UTC)
LEAD = "/api/zapier/createlead"
CUSTOMER = "/api/zapier/createcustomer"
SIGN_IN = "/api/zapier/signin"
JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"


def source(**settings: Any) -> ZapierSource:
    return ZapierSource("leads", ZapierSourceSettings.model_validate({"key": KEY, **settings}))


def inbound(
    body: object = None,
    *,
    path: str = "",
    query: bytes = b"",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    content_type: bytes | None = JSON,
    method: str = "POST",
) -> Inbound:
    raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    typed = () if content_type is None else ((b"content-type", content_type),)
    return Inbound(method, path, query, [*typed, *headers], raw, NOW)


def refusal(request: Inbound, **settings: Any) -> str:
    with pytest.raises(VerificationError) as caught:
        source(**settings).verify(request)
    return caught.value.reason


def receipt(request: Inbound, reading: Reading) -> Receipt:
    return Receipt(
        id=new_id("rcp"),
        source="leads",
        vendor="zapier",
        received_at=NOW,
        verdict="accepted",
        path=request.path,
        headers={name.decode(): value.decode() for name, value in request.headers if name == b"content-type"},
        body=request.body if reading.masked is None else reading.masked,
        events=reading.events,
    )


def drafts(request: Inbound, **settings: Any) -> list[Draft]:
    reading = source(**settings).read(request)
    found = source(**settings).normalize(receipt(request, reading))
    assert reading.events == len(found)
    return found


def draft(body: object, **settings: Any) -> Draft:
    (found,) = drafts(inbound(body), **settings)
    return found


# --- verify ---


@pytest.mark.parametrize(
    "request_",
    [
        inbound(headers=((b"x-api-key", KEY.encode()),)),
        inbound(headers=((b"authorization", b"Bearer s3cret-pass"),)),
        inbound(headers=((b"authorization", b"Basic emFwaWVyOnMzY3JldC1wYXNz"),)),
        inbound(query=b"a=1&key=s3cret%2Dpass"),
        inbound({"key": KEY}),
        inbound([{"Name": "Maya", "Key": KEY}]),
        inbound(b"name=Maya&key=s3cret-pass", content_type=FORM),
        inbound(b"<r><key>s3cret-pass</key></r>", content_type=b"text/xml"),
        inbound(b'{"key":"s3cret-pass"}', content_type=b"text/plain"),
        inbound(b'{"key":"s3cret-pass"}', content_type=None),
        inbound(
            b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\ns3cret-pass\r\n--x--',
            content_type=b"multipart/form-data; boundary=x",
        ),
        inbound({"key": KEY}, query=b"key=s3cret-pass", headers=((b"x-api-key", KEY.encode()),)),
        inbound(b"", path=SIGN_IN, query=b"key=s3cret-pass", method="GET", content_type=None),
        inbound(b"not json", headers=((b"x-api-key", KEY.encode()),)),
    ],
)
def test_the_key_is_found_wherever_it_stands(request_: Inbound) -> None:
    source().verify(request_)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (inbound(), "missing"),
        (inbound(query=b"key="), "missing"),
        (inbound({"key": None}), "missing"),
        (inbound(b"not json"), "missing"),
        (inbound(headers=((b"authorization", b"Digest x"),)), "missing"),
        (inbound(headers=((b"x-api-key", b"S3cret-pass"),)), "mismatch"),
        (inbound(headers=((b"x-api-key", b"\xff\xfe"),)), "mismatch"),
        (inbound({"key": ["s3cret-pass"]}), "mismatch"),
        (inbound({"key": 5}), "mismatch"),
        (inbound(query=b"key=%ff%ED%A0%80"), "mismatch"),
        (inbound(headers=((b"authorization", b"Basic !"),)), "malformed"),
        (inbound(headers=((b"x-api-key", KEY.encode()),) * 2), "repeated"),
        (inbound(query=b"key=s3cret-pass&key=other"), "repeated"),
        (inbound({"key": "other"}, headers=((b"x-api-key", KEY.encode()),)), "repeated"),
        (inbound([{"key": KEY}, {"key": "other"}]), "repeated"),
    ],
)
def test_a_missing_wrong_or_doubtful_key_is_refused(request_: Inbound, expected: str) -> None:
    assert expected == refusal(request_)


def test_two_keys_of_a_rotation_pass_but_not_both_at_once() -> None:
    for key in (b"new-key", b"old-key"):
        source(key=["new-key", "old-key"]).verify(inbound(query=b"key=" + key))
    both = inbound({"key": "old-key"}, query=b"key=new-key")
    assert "repeated" == refusal(both, key=["new-key", "old-key"])


@pytest.mark.parametrize(
    "settings", [{"key": ""}, {"key": []}, {"key": None}, {"keys": "x"}, {"unavailable_status": 500}]
)
def test_settings_without_a_key_or_with_unknown_ones_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        source(**settings)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"x-api-key", b"authorization", b"content-type"]),
            st.binary(max_size=30) | st.sampled_from([JSON, FORM, b"text/xml", b"text/plain", b"Basic x", b"Bearer x"]),
        ),
        max_size=4,
    ),
    st.binary(max_size=60) | st.text('{}[]"key:,=&<>/', max_size=40).map(str.encode),
    st.binary(max_size=40) | st.just(b"key=x"),
)
def test_verify_is_total_and_read_raises_one_error(
    headers: list[tuple[bytes, bytes]], body: bytes, query: bytes
) -> None:
    request = Inbound("POST", "", query, headers, body, NOW)
    with pytest.raises(VerificationError) as caught:
        source().verify(request)
    assert caught.value.reason in {"missing", "malformed", "repeated", "mismatch"}
    try:
        reading = source().read(request)
    except NormalizationError:
        return
    assert reading.events > 0


# --- the key is stored nowhere ---


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"Name":"Maya","key":"s3cret-pass"}', JSON),
        (b'[{"Name":"Maya","KEY":"s3cret-pass"},{"Name":"Lee","note":"s3cret-pass"}]', JSON),
        (b'{"Name":"Maya","k\\u0065y":"s3cret\\u002dpass"}', JSON),
        (b"Name=Maya&key=s3cret%2Dpass", FORM),
        (b"<r><Name>Maya</Name><key>s3cret&#45;pass</key></r>", b"text/xml"),
    ],
)
def test_a_key_in_the_body_is_masked_and_shows_in_no_event(body: bytes, content_type: bytes) -> None:
    request = inbound(body, content_type=content_type)
    source().verify(request)
    reading = source().read(request)
    assert reading.masked is not None
    assert len(body) == len(reading.masked)
    for found in source().normalize(receipt(request, reading)):
        assert "key" not in found.data
        shown = json.dumps([found.data, found.raw])
        assert KEY not in shown
        assert "Maya" in shown or "Lee" in shown


def test_a_body_without_a_key_is_kept_as_it_is() -> None:
    assert source().read(inbound({"Name": "Maya"}, query=b"key=s3cret-pass")).masked is None


def test_what_goes_to_quarantine_is_masked_too() -> None:
    for body, path in ((b'{"key":"s3cret-pass","Email":"a@example.org"}', LEAD), (b'{"key":"s3cret-pass",', "")):
        with pytest.raises(NormalizationError) as caught:
            source().read(inbound(body, path=path))
        assert body.replace(KEY.encode(), b"*" * len(KEY)) == caught.value.masked


def test_a_key_that_cannot_be_masked_is_not_stored() -> None:
    body = b"<r><Name>Maya</Name><key>s3cret<!-- -->-pass</key></r>"
    request = inbound(body, content_type=b"text/xml")
    source().verify(request)
    with pytest.raises(NormalizationError) as caught:
        source().read(request)
    assert b"" == caught.value.masked


# --- normalize ---


def test_a_plain_post_is_a_lead() -> None:
    found = draft({"Name": "Maya Ortiz", "Phone": "303-555-0142", "JobZip": "80401", "ReferredBy": "Facebook Lead Ads"})
    assert ("lead.created", "post", None, None) == (found.type, found.vendor_type, found.subject, found.flag)
    assert "Facebook Lead Ads" == found.data["lead_source"]
    customer = found.data["customer"]
    assert ("Maya", "Ortiz", "Maya Ortiz") == (customer["first_name"], customer["last_name"], customer["display_name"])
    assert ("+13035550142", True) == (customer["phone"], customer["phone_valid"])
    assert "80401" == found.data["address"]["zip"]


NAMES = (
    "Name Email Phone JobAddress1 JobAddress2 JobCity JobState JobZip BillingAddress1 BillingAddress2 BillingCity "
    "BillingState BillingZip CustomerType ReferredBy"
)


def camel(name: str) -> str:
    return name[0].lower() + name[1:]


def snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


def snake_with_number(name: str) -> str:
    return snake(name).replace("1", "_1").replace("2", "_2")


@pytest.mark.parametrize(
    "spelling", [str, camel, snake, snake_with_number, str.upper, lambda name: snake(name).replace("_", " ")]
)
def test_jobclosers_fifteen_names_are_read_in_any_spelling(spelling: Any) -> None:
    values = dict.fromkeys(NAMES.split(), "x") | {"Name": "Zoë Reed", "Email": "z@example.org", "Phone": "5125550128"}
    values |= {
        "JobAddress1": "3 Mesquite Ln",
        "JobCity": "Round Rock",
        "BillingAddress1": "PO Box 5",
        "BillingCity": "Austin",
    }
    expected = draft(values).data
    assert expected == draft({spelling(name): value for name, value in values.items()}).data
    job, billing = expected["customer"]["addresses"]
    assert ("service", "3 Mesquite Ln, x, Round Rock, x x") == (job["type"], job["one_line"])
    assert ("billing", "PO Box 5, x, Austin, x x") == (billing["type"], billing["one_line"])
    assert ("x", "x") == (expected["customer"]["customer_type"], expected["lead_source"])


@pytest.mark.parametrize(
    "body",
    [
        {
            "full_name": "Lee Park",
            "phone_number": "3035550121",
            "street": "1 Elm",
            "postal_code": "80202",
            "message": "Hi",
        },
        {
            "first_name": "Lee",
            "last_name": "Park",
            "Cell Phone": "3035550121",
            "address": "1 Elm",
            "zip": 80202,
            "notes": "Hi",
        },
        {
            "customer": {"name": "Lee Park", "phone": "3035550121"},
            "address": {"line1": "1 Elm", "zip": "80202"},
            "comments": "Hi",
        },
        {
            "customer__name": "Lee Park",
            "customer__phone": "3035550121",
            "address__street": "1 Elm",
            "address__zip": "80202",
            "note": "Hi",
        },
        {
            "lead": {
                "contact": {
                    "name": {"first": "Lee", "last": "Park"},
                    "tel": "3035550121",
                    "address": {"street": "1 Elm", "zip": "80202"},
                },
                "details": "Hi",
            }
        },
        {
            "Name": "Lee Park",
            "name": "",
            "Phone": None,
            "mobile": "3035550121",
            "service_address": {"street": "1 Elm", "zip": "80202"},
            "Message": "Hi",
        },
    ],
)
def test_the_usual_names_of_lead_forms_are_read(body: dict[str, Any]) -> None:
    data = draft(body).data
    assert ("Lee", "Park", "+13035550121") == tuple(
        data["customer"][name] for name in ("first_name", "last_name", "phone")
    )
    assert ("1 Elm, 80202", "Hi") == (data["address"]["one_line"], data["note"])


def test_a_lone_number_is_the_mobile_one_and_further_ones_keep_their_use() -> None:
    phones = draft({"name": "L", "phone": "3035550121"}).data["customer"]["phones"]
    assert {"mobile": "+13035550121", "additional": []} == phones
    body = {
        "name": "L",
        "phone": "3035550121",
        "mobile": "3035550122",
        "home_phone": "3035550123",
        "work phone": "3035550124",
    }
    expected = {
        "mobile": "+13035550122",
        "home": "+13035550123",
        "work": "+13035550124",
        "additional": ["+13035550121"],
    }
    assert expected == draft(body).data["customer"]["phones"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "L", "phone": {"mobile": "3035550121", "work": "3035550124"}, "email": {"value": "l@e.org"}},
        {
            "customer": {"name": "L", "phones": {"Mobile": "3035550121", "office": "3035550124"}},
            "email": "l@e.org",
        },
        {
            "name": "L",
            "phone__mobile": "3035550121",
            "phone__business": "3035550124",
            "emails__contact": "l@e.org",
        },
    ],
)
def test_numbers_by_their_use_are_read(body: dict[str, Any]) -> None:
    data = draft(body).data["customer"]
    assert {"mobile": "+13035550121", "work": "+13035550124", "additional": []} == data["phones"]
    assert ["l@e.org"] == data["emails"]


@pytest.mark.parametrize(
    "body", [{}, {"message": "call me"}, {"Name": " ", "Email": "", "Phone": None}, {"address": "1 Elm"}]
)
def test_a_lead_with_nobody_to_call_is_kept_and_flagged(body: dict[str, Any]) -> None:
    found = draft(body)
    assert ("post", "body: expected a name, a phone number or an e-mail address") == (found.type, found.flag)
    assert body == found.data


def test_a_wrong_shape_is_flagged_with_its_field() -> None:
    found = draft({"name": "Lee", "phone": {"verified": True}})
    assert ("post", "body.phone: expected text") == (found.type, found.flag)
    found = draft({"name": "Lee", "phone": ["3035550121", "3035550122"]})
    assert ("post", "body.phone: expected text") == (found.type, found.flag)


def test_a_list_gives_one_lead_each() -> None:
    found = drafts(
        inbound([{"name": "Lee Park"}, {"name": "Ana Silva", "id": 7, "created_time": "2026-05-04T14:02:11+0000"}])
    )
    assert ["Lee Park", "Ana Silva"] == [one.data["customer"]["display_name"] for one in found]
    assert [None, "lead/7"] == [one.subject for one in found]
    assert [None, datetime(2026, 5, 4, 14, 2, 11, tzinfo=UTC)] == [one.time for one in found]


def test_a_lead_keeps_its_own_id_and_the_customers_apart() -> None:
    data = draft({"lead_id": "l1", "customer": {"id": "c1", "name": "Lee"}}).data
    assert ("l1", "c1") == (data["id"], data["customer"]["id"])
    assert draft({"id": "l1", "name": "Lee", "created_at": "whenever"}).time is None


def test_an_id_in_the_body_never_decides_what_is_a_duplicate() -> None:
    assert source().read(inbound({"id": "1", "name": "Lee"})).key is None


def test_the_type_of_plain_posts_can_be_set() -> None:
    found = draft({"id": "c1", "name": "Lee Park", "notes": "vip", "tags": "a,b"}, type="customer.updated")
    assert ("customer.updated", "customer/c1") == (found.type, found.subject)
    assert ("c1", "Lee Park", "vip", ["a", "b"]) == tuple(
        found.data[name] for name in ("id", "display_name", "notes", "tags")
    )
    other = draft({"id": "x", "anything": {"goes": 1}, "key": "k"}, type="form.submitted")
    assert ("form.submitted", {"id": "x", "anything": {"goes": 1}}, None) == (other.type, other.data, other.flag)


def test_jobclosers_routes_have_their_own_types_whatever_the_setting_says() -> None:
    for path, expected in ((LEAD, ("lead.created", "createlead")), (CUSTOMER, ("customer.created", "createcustomer"))):
        (found,) = drafts(inbound({"Name": "Lee"}, path=path), type="form.submitted")
        assert expected == (found.type, found.vendor_type)


@pytest.mark.parametrize(
    "body",
    [{}, {"Email": "a@example.org"}, {"Name": ""}, {"Name": None}, {"Name": ["a"]}, [{"Name": "a"}, {"Phone": "1"}]],
)
@pytest.mark.parametrize("path", [LEAD, CUSTOMER])
def test_jobclosers_routes_require_a_name(path: str, body: object) -> None:
    with pytest.raises(NormalizationError, match="Name"):
        source().read(inbound(body, path=path))


# --- answers ---


def answer(
    kind: OutcomeKind, request: Inbound, given: Receipt | None = None, reason: str | None = None, **settings: Any
) -> Any:
    reply = source(**settings).answer(request, Outcome(kind, given, reason))
    return None if reply is None else (reply.status, reply.body)


def test_a_plain_post_gets_the_usual_answers() -> None:
    kinds: tuple[OutcomeKind, ...] = ("accepted", "duplicate", "refused", "unreadable", "unavailable")
    for kind in kinds:
        assert answer(kind, inbound({"name": "Lee"})) is None


@pytest.mark.parametrize("path", [LEAD, CUSTOMER])
def test_a_record_is_answered_as_jobcloser_would(path: str) -> None:
    request = inbound({"name": "Lee Park", "job_zip": "80202", "key": KEY, "Phone": "303 555 0121", "x": 1}, path=path)
    stored = receipt(request, source().read(request))
    result = {"Id": event_id(stored.id), "Name": "Lee Park", "Phone": "303 555 0121", "JobZip": "80202"}
    assert (200, {"Success": True, "Message": "Success", "Result": result}) == answer("accepted", request, stored)


def test_a_duplicate_hears_the_first_ones_success() -> None:
    request = inbound([{"Name": "Lee"}, {"Name": "Ana"}], path=LEAD)
    first = new_id("rcp")
    second = Receipt(new_id("rcp"), "leads", "zapier", NOW, "duplicate", duplicate_of=first)
    status, body = answer("duplicate", request, second)
    assert (200, True) == (status, body["Success"])
    assert [event_id(first, 0), event_id(first, 1)] == [record["Id"] for record in body["Result"]]


def test_a_record_whose_fields_cannot_be_read_is_answered_by_its_id() -> None:
    request = inbound({"Name": "Lee", "Phone": ["1", "2"]}, path=LEAD)
    stored = receipt(request, source().read(request))
    assert {"Id": event_id(stored.id)} == answer("accepted", request, stored)[1]["Result"]


def test_failures_are_told_in_jobclosers_envelope() -> None:
    request = inbound({}, path=LEAD)
    status, body = answer("refused", request, reason="mismatch")
    assert (401, False, None) == (status, body["Success"], body["Result"])
    assert "mismatch" not in body["Message"]
    expected = {"Success": False, "Message": "Name is required.", "Result": None}
    assert (400, expected) == answer("unreadable", request, reason="Name is required.")
    assert "stumbled" not in answer("unreadable", request, reason="the reader stumbled")[1]["Message"]
    assert 429 == answer("unavailable", request)[0]
    assert 503 == answer("unavailable", request, unavailable_status=503)[0]


def test_sign_in_answers_the_company() -> None:
    request = inbound(b"", path=SIGN_IN, query=b"key=" + quote(KEY).encode(), method="GET", content_type=None)
    status, body = answer("probe", request)
    assert (200, True, "Success") == (status, body["Success"], body["Message"])
    assert ("leads", True) == (body["Result"]["Name"], body["Result"]["Active"])
    assert body["Result"]["Id"] == answer("probe", request)[1]["Result"]["Id"]
    assert 401 == answer("refused", request)[0]


def test_paths_and_types_are_those_of_jobcloser_and_webhooks_by_zapier() -> None:
    mine = source()
    post, get = frozenset({"POST"}), frozenset({"GET"})
    assert {"": post, LEAD: post, CUSTOMER: post, SIGN_IN: get, "/me": get} == mine.paths
    assert {"application/json", "multipart/form-data", "text/xml", "text/plain", ""} <= mine.media_types
    assert not mine.is_ping(inbound({"foo": "bar"}))
    assert frozenset() == mine.kept_headers
    assert KEY not in repr(mine)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "customer", "address", "phone", "zip", "tags", "id", "a__b", "key"]), inner
        )
    ),
    max_leaves=8,
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["Name", "customer__name", "address", "email"]), anything),
        min_size=1,
        max_size=3,
    )
)
def test_any_objects_at_all_give_one_draft_each(bodies: list[dict[str, Any]]) -> None:
    try:
        request = inbound(bodies)
        found = drafts(request)
    except NormalizationError:
        return
    assert len(bodies) == len(found)
    for one in found:
        json.dumps([one.data, one.raw], allow_nan=False)


# --- forms that Zapier's step can give a body ---

FRAGMENT = b"<first_name>Maya</first_name>\n<last_name>Ortiz</last_name>\n<phone>303-555-0121</phone>"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ({"data": {"name": "Maya Ortiz", "phone": "3035550121"}}, JSON),
        ({"key": KEY, "payload": {"full_name": "Maya Ortiz", "phone": "3035550121"}}, JSON),
        (b"payload=" + quote('{"name": "Maya Ortiz", "phone": 3035550121}').encode(), FORM),
        (FRAGMENT, b"application/xml"),
        (b'<?xml version="1.0" encoding="utf-8"?>\n' + FRAGMENT, b"text/xml; charset=utf-8"),
        (FRAGMENT, b"text/plain"),
    ],
)
def test_a_body_under_one_name_or_without_an_element_around_it_is_read(body: object, content_type: bytes) -> None:
    (found,) = drafts(inbound(body, content_type=content_type))
    who = found.data["customer"]
    assert ("Maya", "Ortiz", "+13035550121") == (who["first_name"], who["last_name"], who["phone"])
    assert found.flag is None


@pytest.mark.parametrize(
    "body", [b"<a>1</a><b>", b"</root><root><a>1</a>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>']
)
def test_xml_that_is_broken_stays_unreadable(body: bytes) -> None:
    with pytest.raises(NormalizationError):
        source().read(inbound(body, content_type=b"text/xml"))


def test_a_key_among_fields_without_an_element_around_them_is_checked_and_masked() -> None:
    request = inbound(FRAGMENT + b"<key>s3cret-pass</key>", content_type=b"text/xml")
    source().verify(request)
    assert KEY.encode() not in receipt(request, source().read(request)).body
