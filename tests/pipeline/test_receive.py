"""Receive: what becomes of a request, and what is left of it for the operator."""

from __future__ import annotations

import logging

import pytest

from hooks.events import event_id
from hooks.pipeline.receive import MAX_EVENTS, Door, Receiver, duplicate_key
from hooks.ports import Inbound
from tests.web.doors import (
    NOW,
    SECRET,
    BrokenSource,
    MemoryIntake,
    OpenSettings,
    StillClock,
    signed_headers,
    some_doors,
)

DOORS = some_doors()


def delivery(body: bytes = b'{"a":1}', *, path: str = "", query: bytes = b"", method: str = "POST") -> Inbound:
    headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer " + SECRET)]
    return Inbound(method, path, query, headers, body, NOW)


def signed(body: bytes = b'{"a":1}') -> Inbound:
    pairs = [(name.encode(), value.encode()) for name, value in signed_headers(body).items()]
    return delivery(body)._replace(headers=pairs)


def receiver() -> tuple[Receiver, MemoryIntake, StillClock]:
    intake, clock = MemoryIntake(), StillClock()
    return Receiver(intake, clock), intake, clock


async def test_a_good_delivery_is_accepted_with_its_bytes() -> None:
    subject, intake, _ = receiver()
    body = b'[{"a":1},\n {"b":2}]'
    outcome = await subject.receive(DOORS["open"], delivery(body))
    kept = intake.last()
    assert "accepted" == outcome.kind
    assert kept == outcome.receipt
    assert ("open", "webhook", "accepted", body, 2) == (kept.source, kept.vendor, kept.verdict, kept.body, kept.events)
    assert [event_id(kept.id), event_id(kept.id, 1)] == kept.event_ids


async def test_only_listed_headers_are_kept() -> None:
    subject, intake, _ = receiver()
    request = delivery()._replace(
        headers=[*delivery().headers, (b"x-delivery", b"d-\x001"), (b"user-agent", b"a"), (b"user-agent", b"b")],
    )
    await subject.receive(DOORS["open"], request)
    assert {
        "content-type": "application/json",
        "x-delivery": "d-\ufffd1",
        "user-agent": "a, b",
    } == intake.last().headers


async def test_credentials_in_the_query_are_masked() -> None:
    subject, intake, _ = receiver()
    query = b"key=k1&api_key=k2&apiKey=k3&token=k4&X-Signature=k5&zip_code=90210&a=b%00c&loose&e="
    await subject.receive(DOORS["open"], delivery(query=query))
    kept = intake.last().query
    assert [("key", "***"), ("api_key", "***"), ("apiKey", "***"), ("token", "***")] == list(kept[:4])
    assert [("X-Signature", "***"), ("zip_code", "90210"), ("a", "b\ufffdc"), ("***", ""), ("e", "")] == list(kept[4:])


async def test_a_query_of_any_length_is_kept_short() -> None:
    subject, intake, _ = receiver()
    await subject.receive(DOORS["open"], delivery(query=b"a=" + b"x" * 5000 + b"&b=1" * 500))
    assert 50 == len(intake.last().query)
    assert 1000 == len(intake.last().query[0][1])


async def test_the_same_bytes_again_are_a_duplicate_without_events() -> None:
    subject, intake, _ = receiver()
    first = await subject.receive(DOORS["open"], delivery())
    second = await subject.receive(DOORS["open"], delivery())
    assert first.receipt is not None
    assert second.receipt is not None
    assert "duplicate" == second.kind
    assert ("duplicate", first.receipt.id, 0) == (
        second.receipt.verdict,
        second.receipt.duplicate_of,
        second.receipt.events,
    )
    assert 2 == len(intake.receipts)


async def test_the_senders_id_decides_where_there_is_one() -> None:
    subject, _, _ = receiver()
    await subject.receive(DOORS["open"], delivery(b'{"delivery":"d1","n":1}'))
    again = await subject.receive(DOORS["open"], delivery(b'{"delivery":"d1","n":2}'))
    other = await subject.receive(DOORS["open"], delivery(b'{"delivery":"d2","n":1}'))
    assert ["duplicate", "accepted"] == [again.kind, other.kind]


def test_an_id_a_body_a_source_and_a_path_make_different_keys() -> None:
    request = delivery(b"d1")
    keys = {
        duplicate_key(DOORS["open"], request, None),
        duplicate_key(DOORS["open"], request, "d1"),
        duplicate_key(DOORS["signed"], request, None),
        duplicate_key(DOORS["open"], request._replace(path="/api/lead"), None),
        duplicate_key(DOORS["open"], request._replace(body=b"d2"), None),
    }
    assert 5 == len(keys)
    assert {32} == {len(key) for key in keys}


async def test_a_refusal_is_kept_with_its_reason_and_without_its_body() -> None:
    subject, intake, _ = receiver()
    outcome = await subject.receive(DOORS["signed"], delivery(b'{"private":"Maya Ortiz"}'))
    assert ("refused", "missing") == (outcome.kind, outcome.reason)
    kept = intake.last()
    assert ("refused", "missing", b"", 0) == (kept.verdict, kept.reason, kept.body, kept.events)
    assert SECRET.decode() not in repr(kept)


async def test_a_signed_delivery_is_accepted() -> None:
    subject, _, _ = receiver()
    assert "accepted" == (await subject.receive(DOORS["signed"], signed())).kind


async def test_refusals_by_strangers_are_rationed_and_still_refused() -> None:
    subject, intake, clock = receiver()
    for _ in range(1100):
        outcome = await subject.receive(DOORS["signed"], delivery())
        assert "refused" == outcome.kind
    assert 1000 == len(intake.receipts)
    clock.seconds += 1
    for _ in range(20):
        await subject.receive(DOORS["signed"], delivery())
    assert 1010 == len(intake.receipts)
    assert "accepted" == (await subject.receive(DOORS["signed"], signed())).kind


async def test_a_refusal_stands_even_when_it_cannot_be_stored() -> None:
    subject, intake, _ = receiver()
    intake.broken = True
    outcome = await subject.receive(DOORS["signed"], delivery())
    assert ("refused", None) == (outcome.kind, outcome.receipt)


async def test_what_cannot_be_read_goes_to_quarantine_with_its_bytes() -> None:
    subject, intake, _ = receiver()
    outcome = await subject.receive(DOORS["open"], delivery(b"{not json"))
    assert "unreadable" == outcome.kind
    assert ("quarantined", b"{not json", "not JSON: key must be a string at line 1 column 2") == (
        intake.last().verdict,
        intake.last().body,
        intake.last().reason,
    )


async def test_a_ping_is_kept_and_makes_no_event() -> None:
    subject, intake, _ = receiver()
    outcome = await subject.receive(DOORS["signed"], delivery(b'{"foo":"bar"}'))
    assert "ping" == outcome.kind
    assert ("ping", 0, b'{"foo":"bar"}') == (intake.last().verdict, intake.last().events, intake.last().body)


@pytest.mark.parametrize("body", [b'{"a":1}', b"{not json", b'{"foo":"bar"}'], ids=["good", "unreadable", "ping"])
async def test_what_the_store_cannot_take_is_unavailable(body: bytes) -> None:
    subject, intake, _ = receiver()
    intake.broken = True
    outcome = await subject.receive(DOORS["open"], delivery(body))
    assert ("unavailable", None) == (outcome.kind, outcome.receipt)


async def test_a_probe_is_verified_and_stores_nothing() -> None:
    subject, intake, _ = receiver()
    good = delivery(b"", path="/api/signin", query=b"key=" + SECRET, method="GET")
    assert "probe" == (await subject.receive(DOORS["envelope"], good)).kind
    assert [] == intake.receipts
    assert "refused" == (await subject.receive(DOORS["envelope"], good._replace(query=b"key=no"))).kind


async def test_a_handshake_needs_no_key() -> None:
    subject, intake, _ = receiver()
    assert "probe" == (await subject.receive(DOORS["envelope"], delivery(method="OPTIONS"))).kind
    assert [] == intake.receipts


@pytest.mark.parametrize(
    ("where", "kind"),
    [("is_ping", "accepted"), ("verify", "refused"), ("read", "unreadable"), ("count", "unreadable")],
)
async def test_a_source_that_stumbles_fails_closed_and_is_logged_without_the_body(
    where: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    subject, intake, _ = receiver()
    door = Door("broken", "webhook", OpenSettings(), BrokenSource(where))
    with caplog.at_level(logging.DEBUG):
        outcome = await subject.receive(door, delivery(b'{"private":"Maya Ortiz"}'))
    assert kind == outcome.kind
    assert "Maya" not in caplog.text
    assert "Maya" not in str(intake.last().reason)
    assert (where == "count") or f"{where} of source broken failed with RuntimeError" in caplog.text


@pytest.mark.parametrize(
    ("where", "verdict"), [("masked", "quarantined"), ("count", "quarantined"), ("nothing", "accepted")]
)
async def test_a_body_that_holds_a_key_is_kept_masked(where: str, verdict: str) -> None:
    subject, intake, _ = receiver()
    await subject.receive(Door("masking", "webhook", OpenSettings(), BrokenSource(where)), delivery())
    assert (verdict, b"****") == (intake.last().verdict, intake.last().body)


async def test_a_list_beyond_the_limit_is_quarantined() -> None:
    subject, _, _ = receiver()
    body = b"[" + b",".join([b"{}"] * (MAX_EVENTS + 1)) + b"]"
    assert "unreadable" == (await subject.receive(DOORS["open"], delivery(body))).kind
    assert "accepted" == (await subject.receive(DOORS["open"], delivery(body[:-4] + b"]"))).kind


async def test_rows_of_one_source_do_not_use_up_anothers_ration() -> None:
    subject, intake, _ = receiver()
    for _ in range(1001):
        await subject.receive(DOORS["signed"], delivery())
    before = len(intake.receipts)
    await subject.receive(DOORS["dropping"], delivery())
    assert before + 1 == len(intake.receipts)
