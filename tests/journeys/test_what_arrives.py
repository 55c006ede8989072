"""What may arrive at a source, and what each of it becomes."""

from __future__ import annotations

import json

import pytest

from tests.journeys.world import NOTE, OFFICE, SOURCES, World

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE


async def test_a_list_becomes_several_events(world: World) -> None:
    await world.serve(RULES)

    answer = (
        await world.lead([{"full_name": "Maya Ortiz"}, {"full_name": "Ana Lima"}, {"email": "x@example.org"}])
    ).json()
    shown = [await world.event(event) for event in answer["events"]]
    stats = await world.quiet()

    assert 3 == len(answer["events"])
    assert ["Maya Ortiz", "Ana Lima"] == [event["data"]["customer"]["display_name"] for event in shown[:2]]
    assert {answer["receipt"]} == {event["receipt"] for event in shown}
    assert answer["events"] == (await world.read(f"receipts/{answer['receipt']}"))["events"]
    assert 3 == stats["runs"]["done"]
    assert set(answer["events"]) == {note["event"] for note in world.notes()}


@pytest.mark.parametrize("secret", [None, "a-secret-that-does-not-matter"])
async def test_the_test_of_an_address_is_a_ping_and_no_event(world: World, secret: str | None) -> None:
    await world.serve(RULES)

    body = b'{"foo":"bar"}'
    headers = {"Content-Type": "application/json"}
    answer = await (world.post("/in/hcp", body, headers) if secret is None else world.hcp(body, secret=secret))

    assert 200 == answer.status_code
    stats = await world.quiet()
    assert (1, 0, 0) == (stats["receipts"]["ping"], stats["receipts"]["refused"], stats["events"]["total"])


async def test_bad_signatures_have_one_answer_and_the_operator_has_the_reasons(world: World) -> None:
    await world.serve(RULES)
    body = json.dumps({"event": "job.completed", "job": {"id": "job_1"}}).encode()
    json_type = {"Content-Type": "application/json"}

    wrong = await world.hcp(body, secret="another-secret-than-the-right-one")
    missing = await world.post("/in/hcp", body, json_type)
    stale = await world.post("/in/hcp", body, {**json_type, "Api-Timestamp": "1700000000", "Api-Signature": "0" * 64})

    assert {401} == {answer.status_code for answer in (wrong, missing, stale)}
    assert 1 == len({answer.text for answer in (wrong, missing, stale)})
    refused = (await world.read("receipts?verdict=refused"))["items"]
    assert ["stale", "missing", "mismatch"] == [one["reason"] for one in refused]
    assert 0 == (await world.quiet())["events"]["total"]


async def test_what_is_authentic_and_unreadable_is_quarantined_with_its_bytes(world: World) -> None:
    await world.serve(RULES)

    answer = await world.hcp(b'{"event": "job.completed", "job": {')

    assert 400 == answer.status_code
    kept = (await world.read("receipts?verdict=quarantined"))["items"]
    assert 1 == len(kept)
    assert '{"event": "job.completed", "job": {' == (await world.read(f"receipts/{kept[0]['id']}"))["body"]
    assert 1 == (await world.quiet())["receipts"]["quarantined"]


async def test_a_kind_that_nobody_knows_passes_through_under_its_own_name(world: World) -> None:
    await world.serve(RULES)

    answer = await world.hcp({"event": "gift_card.sold", "gift_card": {"id": "gc_1", "worth": 50}})
    event = await world.event(answer.json()["events"][0])
    await world.quiet()

    assert ("gift_card.sold", "gift_card.sold") == (event["type"], event["vendor_type"])
    assert 50 == event["data"]["gift_card"]["worth"]
    assert ["gift_card.sold"] == [note["about"] for note in world.notes()]


async def test_what_cannot_be_mapped_is_flagged_and_acted_on_by_nobody(world: World) -> None:
    await world.serve(RULES)

    answer = await world.hcp({"event": "job.completed", "job": "not an object"})
    event = await world.event(answer.json()["events"][0])
    stats = await world.quiet()

    assert 202 == answer.status_code
    assert ("job.completed", "unmatched", []) == (event["vendor_type"], event["state"], event["runs"])
    assert event["flag"]
    assert (1, 0) == (stats["events"]["unmatched"], len(world.notes()))


async def test_events_are_cloudevents_for_those_who_ask(world: World) -> None:
    await world.serve(RULES)
    event = await world.job()
    await world.event(event)

    strict = await world.api(f"events/{event}", Accept="application/cloudevents+json")

    assert "application/cloudevents+json" == strict.headers["content-type"].partition(";")[0]
    assert ("1.0", event, "job.completed", "hcp") == tuple(
        strict.json()[k] for k in ("specversion", "id", "type", "source")
    )
    assert not [name for name in strict.json() if "_" in name]
