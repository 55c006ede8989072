from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hooks.errors import NormalizationError, VerificationError
from hooks.events import Receipt, new_id
from hooks.ports import Draft, Inbound, Outcome
from hooks.vendors.housecall_pro import vendor
from hooks.vendors.housecall_pro.source import ALIASES, KINDS, HousecallProSource, HousecallProSourceSettings

# Known answers, computed by someone else's code.
SECRET = "hcp-test-secret-0001"
TIME_A = b"1775143244"
BODY_A = (
    b'{"event":"job.created","event_occurred_at":"2026-04-02T15:20:38Z","company_id":"11111111-2222-4333-8444-555555555555",'
    b'"job":{"id":"job_a1","work_status":"needs scheduling"}}'
)
SIGNATURE_A = b"3b616f8cc4188e73ae68a052015ac2a9bc2414f8f912285d8338e8f4968bb7c4"
BASE64_A = b"O2FvjMQYjnOuaKBSAVrCqbwkFPj5Eihdgzjo9JaLt8Q="
BODY_ONLY_A = b"65dd9cdaad52c692de55d1798ed242c45956dd0b9aa10cf651e8888eca103106"
TIME_B = b"1775143262"
BODY_B = (
    '{"event": "lead.created", "event_occurred_at": "2026-04-02T15:21:00Z", "company_id": '
    '"11111111-2222-4333-8444-555555555555", "lead": {"id": "lea_b2", "customer": {"first_name": "Zo\u00eb", '
    '"last_name": "O\'Neil"}, "status": "open"}}\n'
).encode()
SIGNATURE_B = b"720b4f498c93409f437b224d91145339d5f67345ba98efb4d5bb9e6e982f825d"
RESERIALIZED_B = b"4763c278017f99173201c73f144963aef8b7aabac5f16053719a3076882a93d2"
PING_SIGNATURE = b"5e8c54ff37701d8f659a4fd845233227c3877a5f00d09a17eec200e244fe17c7"
NOW = datetime(2026, 4, 2, 15, 20, 50, tzinfo=UTC)


def source(**settings: Any) -> HousecallProSource:
    given = {"signing_secret": SECRET, **settings}
    return HousecallProSource("hcp", HousecallProSourceSettings.model_validate(given))


def inbound(
    body: bytes = BODY_A,
    signature: bytes | None = SIGNATURE_A,
    timestamp: bytes | None = TIME_A,
    *,
    at: datetime = NOW,
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> Inbound:
    headers = [(b"content-type", b"application/json")]
    if signature is not None:
        headers.append((b"api-signature", signature))
    if timestamp is not None:
        headers.append((b"api-timestamp", timestamp))
    return Inbound("POST", "", b"", [*headers, *more], body, at)


def refusal(request: Inbound, **settings: Any) -> str:
    with pytest.raises(VerificationError) as caught:
        source(**settings).verify(request)
    return caught.value.reason


def receipt(body: bytes, events: int) -> Receipt:
    return Receipt(new_id("rcp"), "hcp", "housecall_pro", NOW, "accepted", body=body, events=events)


def drafts(body: object) -> list[Draft]:
    raw = json.dumps(body).encode()
    reading = source().read(inbound(raw))
    found = source().normalize(receipt(raw, reading.events))
    assert reading.events == len(found)
    return found


def draft(body: object) -> Draft:
    (found,) = drafts(body)
    return found


def test_a_type_of_ones_own_names_all_but_what_could_not_be_read() -> None:
    body = [{"event": "job.paid", "job": {"id": "job_1"}}, {"event": "job.paid", "job": "none"}, {"event": "new.thing"}]
    raw = json.dumps(body).encode()
    found = source(type="east.changed").normalize(receipt(raw, 3))
    assert ["east.changed", "job.paid", "east.changed"] == [each.type for each in found]
    assert ["job.paid", "job.paid", "new.thing"] == [each.vendor_type for each in found]


# --- verify ---


def test_the_known_answers_pass() -> None:
    source().verify(inbound())
    source().verify(inbound(BODY_B, SIGNATURE_B, TIME_B))


@pytest.mark.parametrize("signature", [SIGNATURE_A.upper(), b"sha256=" + SIGNATURE_A, b"SHA256=" + SIGNATURE_A.upper()])
def test_capitals_and_the_prefix_make_no_difference(signature: bytes) -> None:
    source().verify(inbound(signature=signature))


def test_a_signature_over_the_body_alone_or_over_other_bytes_is_a_mismatch() -> None:
    assert "mismatch" == refusal(inbound(signature=BODY_ONLY_A))
    assert "mismatch" == refusal(inbound(BODY_B, RESERIALIZED_B, TIME_B))
    compact = json.dumps(json.loads(BODY_B), separators=(",", ":"), ensure_ascii=False).encode()
    assert "mismatch" == refusal(inbound(compact, SIGNATURE_B, TIME_B))


def test_base64_passes_only_where_it_is_configured() -> None:
    assert "malformed" == refusal(inbound(signature=BASE64_A))
    source(encoding="base64").verify(inbound(signature=BASE64_A))
    source(encoding="auto").verify(inbound(signature=BASE64_A))
    source(encoding="auto").verify(inbound())


def test_either_secret_passes_while_it_is_rotated() -> None:
    source(signing_secret=["the-next-secret", SECRET]).verify(inbound())
    assert "mismatch" == refusal(inbound(), signing_secret=["the-next-secret", "another"])


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_timestamp_at_the_edge_of_the_tolerance_passes(seconds: int) -> None:
    source().verify(inbound(at=datetime.fromtimestamp(int(TIME_A), UTC) + timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_stale_or_future_timestamp_is_refused(seconds: int) -> None:
    at = datetime.fromtimestamp(int(TIME_A), UTC) + timedelta(seconds=seconds)
    assert "stale" == refusal(inbound(at=at))
    source(tolerance="2d").verify(inbound(at=at))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (inbound(signature=None), "missing"),
        (inbound(timestamp=None), "missing"),
        (inbound(signature=b""), "missing"),
        (inbound(signature=b"sha256="), "malformed"),
        (inbound(signature=SIGNATURE_A[:-1]), "malformed"),
        (inbound(signature=SIGNATURE_A + b"0"), "malformed"),
        (inbound(signature=b"\xff" * 64), "mismatch"),
        (inbound(timestamp=b"1775143244.0"), "malformed"),
        (inbound(timestamp=b"-1775143244"), "malformed"),
        (inbound(timestamp=b"2026-04-02T15:20:44Z"), "malformed"),
        (inbound(timestamp=b"1775143244000"), "malformed"),
        (inbound(more=((b"api-signature", SIGNATURE_A),)), "repeated"),
        (inbound(more=((b"api-timestamp", TIME_A),)), "repeated"),
    ],
)
def test_what_is_missing_malformed_or_repeated_is_refused(request_: Inbound, expected: str) -> None:
    assert expected == refusal(request_)


def test_headers_template_and_prefix_can_be_set_otherwise() -> None:
    signature = base64.b64encode(hmac.digest(b"s2", b"v0:" + TIME_A + b":" + BODY_A, hashlib.sha256))
    settings = {
        "signing_secret": "s2",
        "signature_header": "X-HCP-Signature",
        "timestamp_header": "X-HCP-Time",
        "template": "v0:{timestamp}:{body}",
        "encoding": "base64",
        "prefix": "v0=",
    }
    more = ((b"x-hcp-signature", b"v0=" + signature), (b"x-hcp-time", TIME_A))
    source(**settings).verify(inbound(signature=None, timestamp=None, more=more))
    source(timestamp_header=None, template="{body}").verify(inbound(signature=BODY_ONLY_A, timestamp=None))


@pytest.mark.parametrize(
    "settings",
    [
        {"signing_secret": ""},
        {"signing_secret": []},
        {"signing_secret": None},
        {"template": "{timestamp}"},
        {"template": "{body}"},
        {"timestamp_header": None},
        {"signature_header": "not a header"},
        {"on_bad_signature": "ignore"},
        {"tolerance": 300},
        {"signing_secrets": "x"},
    ],
)
def test_settings_that_do_not_fit_together_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        source(**settings)


def test_no_secret_shows_in_settings_errors_or_the_source() -> None:
    settings = HousecallProSourceSettings.model_validate({"signing_secret": SECRET})
    with pytest.raises(ValidationError) as caught:
        HousecallProSourceSettings.model_validate({"signing_secret": SECRET, "tolerance": "soon"})
    assert SECRET not in f"{settings!r} {settings.model_dump_json()} {source()!r} {caught.value}"


header_bytes = st.binary(max_size=80) | st.sampled_from([SIGNATURE_A, TIME_A, b"sha256=" + SIGNATURE_A])
header_names = st.sampled_from([b"api-signature", b"api-timestamp", b"content-type"]) | st.binary(max_size=9)


@given(st.lists(st.tuples(header_names, header_bytes), max_size=6), st.binary(max_size=100), st.datetimes())
def test_verify_is_total(headers: list[tuple[bytes, bytes]], body: bytes, at: datetime) -> None:
    request = Inbound("POST", "", b"", headers, body, at.replace(tzinfo=UTC))
    with pytest.raises(VerificationError) as caught:
        source().verify(request)
    assert caught.value.reason in {"missing", "malformed", "repeated", "stale", "mismatch"}
    assert source().is_ping(request) in (True, False)


@given(st.sampled_from(["body", "timestamp", "signature"]), st.integers(0, 172), st.integers(0, 255))
def test_any_changed_byte_is_refused(part: str, place: int, byte: int) -> None:
    parts = {"body": BODY_A, "timestamp": TIME_A, "signature": SIGNATURE_A}
    old = parts[part]
    place %= len(old)
    changed = old[:place] + bytes([byte]) + old[place + 1 :]
    if changed.lower() == old.lower() and (part == "signature" or changed == old):
        return
    parts[part] = changed
    refusal(inbound(parts["body"], parts["signature"], parts["timestamp"]))


# --- ping ---


@pytest.mark.parametrize("body", [b'{"foo":"bar"}', b'{ "foo" : "bar" }\n'])
def test_the_vendors_test_request_is_a_ping_signed_or_not(body: bytes) -> None:
    assert source().is_ping(inbound(body, None, None))
    assert source().is_ping(inbound(body, PING_SIGNATURE))
    source().verify(inbound(b'{"foo":"bar"}', PING_SIGNATURE))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"foo":"baz"}', b'{"foo":"bar","foo":"bar"}', b'["foo"]', b'{"foo":"bar"', BODY_A]
)
def test_anything_else_is_no_ping(body: bytes) -> None:
    assert not source().is_ping(inbound(body))


# --- read ---


def test_an_object_is_one_event_and_a_list_one_each() -> None:
    assert 1 == source().read(inbound()).events
    assert 3 == source().read(inbound(b"[" + b",".join([BODY_A] * 3) + b"]")).events
    reading = source().read(inbound())
    assert (None, None) == (reading.key, reading.masked)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"1", b'"text"', b"[]", b"[1]", b'{"event":', b'{"a":1,"a":2}', b'{"a":NaN}', b"[" * 70 + b"]" * 70],
)
def test_a_body_that_is_no_object_is_not_readable(body: bytes) -> None:
    with pytest.raises(NormalizationError):
        source().read(inbound(body))


# --- normalize ---


def test_there_are_41_names_and_visits_have_short_ones() -> None:
    assert 41 == len(KINDS)
    renamed = {name: kind.type for name, kind in KINDS.items() if name != kind.type}
    expected = {
        "job.appointment.scheduled": "appointment.scheduled",
        "job.appointment.rescheduled": "appointment.rescheduled",
        "job.appointment.appointment_discarded": "appointment.discarded",
        "job.appointment.appointment_pros_assigned": "appointment.assigned",
        "job.appointment.appointment_pros_unassigned": "appointment.unassigned",
    }
    assert expected == renamed
    assert {"pro.created": "employee.created"} == ALIASES
    assert list(KINDS) == [kind.vendor_type for kind in vendor.kinds]


def test_a_known_answer_becomes_a_job() -> None:
    (found,) = source().normalize(receipt(BODY_A, 1))
    assert ("job.created", "job.created", "job/job_a1") == (found.type, found.vendor_type, found.subject)
    assert datetime(2026, 4, 2, 15, 20, 38, tzinfo=UTC) == found.time
    assert ("job_a1", "needs_scheduling") == (found.data["id"], found.data["status"])
    assert json.loads(BODY_A) == found.raw
    assert found.flag is None


@pytest.mark.parametrize("key", ["employee", "pro"])
def test_the_name_of_the_settings_page_is_taken_too(key: str) -> None:
    found = draft({"event": "pro.created", key: {"id": "pro_1", "first_name": "Lee"}})
    assert ("employee.created", "pro.created", "employee/pro_1") == (found.type, found.vendor_type, found.subject)


def test_an_unknown_name_passes_through_with_the_whole_body() -> None:
    body = {
        "event": "customer.membership.renewed",
        "customer": {"id": "cus_1"},
        "event_created_at": "2026-05-04T10:00:00-04:00",
    }
    found = draft(body)
    assert ("customer.membership.renewed", None) == (found.type, found.flag)
    assert body == found.data == found.raw
    assert datetime(2026, 5, 4, 14, 0, tzinfo=UTC) == found.time


@pytest.mark.parametrize("name", [None, "", ["job.created"], {}, "a\nb", "a\x00b", "x" * 300])
def test_a_body_without_an_events_name_is_kept_and_flagged(name: object) -> None:
    found = draft({"event": name, "job": {"id": "job_1"}})
    assert ("unknown", "event: expected an event's name") == (found.type, found.flag)
    assert {"event": name, "job": {"id": "job_1"}} == found.data


@pytest.mark.parametrize(
    ("part", "flag"),
    [
        ({}, "appointment: expected an object"),
        ({"appointment": None}, "appointment: expected an object"),
        ({"appointment": []}, "appointment: expected an object"),
        ({"appointment": "appt_1"}, "appointment: expected an object"),
        ({"appointment": {"id": {}}}, "appointment.id: expected text"),
        ({"appointment": {"start_time": "soon"}}, "appointment.start_time: expected a date and time"),
        (
            {"appointment": {"arrival_window_minutes": 1.5}},
            "appointment.arrival_window_minutes: expected a whole number",
        ),
        ({"appointment": {"dispatched_employees": {}}}, "appointment.dispatched_employees: expected a list"),
        ({"appointment": {"dispatched_employees": [3]}}, "appointment.dispatched_employees[0]: expected an object"),
    ],
)
def test_a_wrong_shape_is_flagged_under_the_vendors_own_type(part: dict[str, Any], flag: str) -> None:
    body = {"event": "job.appointment.scheduled", **part}
    found = draft(body)
    assert ("job.appointment.scheduled", flag, None) == (found.type, found.flag, found.subject)
    assert body == found.data


def test_a_list_gives_one_draft_for_each_object_in_order() -> None:
    found = drafts([{"event": "a.b"}, {"event": "job.paid", "job": {"id": 7}}, {}])
    assert ["a.b", "job.paid", "unknown"] == [one.type for one in found]
    assert [None, "job/7", None] == [one.subject for one in found]
    assert {"event": "a.b"} == found[0].raw


@pytest.mark.parametrize("time", [None, "", "yesterday", 1775143244, {}, "0001-01-01T00:00:00+14:00"])
def test_a_time_that_cannot_be_read_is_no_time(time: object) -> None:
    assert draft({"event": "job.paid", "job": {}, "event_occurred_at": time}).time is None


def test_an_id_that_cannot_stand_in_a_line_gives_no_subject() -> None:
    assert draft({"event": "job.paid", "job": {"id": "a\nb"}}).subject is None
    assert draft({"event": "job.paid", "job": {"id": None}}).subject is None


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ("Ring twice", "Ring twice"),
        ([{"id": "1", "content": "Ring twice"}, {"id": "2", "content": None}, "Dog"], "Ring twice\nDog"),
        ([], None),
        (None, None),
    ],
)
def test_notes_are_a_text_or_a_list(notes: object, expected: str | None) -> None:
    assert expected == draft({"event": "job.paid", "job": {"notes": notes}}).data.get("note")


def test_spellings_of_older_documents_are_read() -> None:
    job = {"work_status": "completed_unrated", "total_amount": "18900", "tags": ["a", {"name": "b"}]}
    found = draft({"event": "job.completed", "job": job}).data
    assert ("complete_unrated", 18900, ["a", "b"]) == (found["status"], found["total_cents"], found["tags"])
    invoice = {"id": "i1", "outstanding_balance": 5, "customer_id": "cus_1", "customer": {"id": "cus_1"}}
    payments = [{"amount": 5, "processed_at": "2026-05-04"}]
    found = draft({"event": "invoice.paid", "invoice": {**invoice, "payments": payments}}).data
    assert (5, "cus_1", "cus_1") == (found["balance_cents"], found["customer_id"], found["customer"]["id"])
    expected = {"invoice_id": "i1", "amount_cents": 5, "paid_at": "2026-05-04T00:00:00Z"}
    assert [expected] == found["payments"]


def test_the_accounts_own_company_never_becomes_the_customers() -> None:
    customer = {"id": "cus_1", "company_name": "Summit Air", "company": None}
    data = draft({"event": "customer.created", "customer": customer}).data
    assert "company" not in data
    assert "display_name" not in data


def test_lists_stay_and_nulls_go() -> None:
    data = draft({"event": "job.created", "job": {"id": "job_1", "customer": {}, "schedule": None, "tags": None}}).data
    assert {"emails": [], "addresses": [], "tags": []} == data["customer"]
    assert [] == data["tags"] == data["line_items"] == data["employees"]
    assert None not in data.values()


def test_only_json_is_taken_and_the_usual_answers_are_given() -> None:
    mine = source()
    assert {"": frozenset({"POST"})} == mine.paths
    assert {"application/json", ""} == mine.media_types
    assert frozenset() == mine.kept_headers
    assert mine.answer(inbound(), Outcome("accepted")) is None
    assert mine.answer(inbound(), Outcome("refused")) is None


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(KINDS)), anything)
def test_any_entity_at_all_gives_a_draft(name: str, entity: Any) -> None:
    body: Mapping[str, Any] = {"event": name, KINDS[name].entity.keys[0]: entity}
    raw = json.dumps(body).encode()
    try:
        reading = source().read(inbound(raw))
    except NormalizationError:
        return
    (found,) = source().normalize(receipt(raw, reading.events))
    assert found.type in (name, KINDS[name].type)
    json.dumps(found.data, allow_nan=False)
