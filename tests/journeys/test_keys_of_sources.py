"""What the keys of a source change: statuses, limits, windows, names, several secrets at once."""

from __future__ import annotations

from tests.journeys.world import LEADS_KEY, SIGNING_SECRET, World

RULES = """\
version: 1
sources:
  hcp:
    vendor: housecall_pro
    signing_secret: ["${secret.HCP_SIGNING_SECRET}", "${secret.HOMEBASE360_API_KEY}"]
    on_bad_signature: drop
    respond_status: 200
    max_bytes: 2000
    duplicate_window: 1h
    tolerance: 60s
  leads: {vendor: zapier, key: "${secret.LEADS_KEY}", type: quote.asked}
"""
JOB = {"event": "job.completed", "job": {"id": "job_1"}}


async def test_a_bad_signature_may_be_dropped_and_is_noted(world: World) -> None:
    await world.serve(RULES)

    answer = await world.hcp(JOB, secret="another-secret-than-the-right-one")

    assert 200 == answer.status_code
    stats = await world.quiet()
    assert (1, 0) == (stats["receipts"]["refused"], stats["receipts"]["accepted"])


async def test_two_secrets_are_good_while_one_is_being_replaced(world: World) -> None:
    await world.serve(RULES)

    answers = [
        await world.hcp({**JOB, "n": number}, secret=secret)
        for number, secret in enumerate([SIGNING_SECRET, "sandbox-homebase360-key"])
    ]

    assert [200, 200] == [answer.status_code for answer in answers]
    assert 2 == (await world.quiet())["receipts"]["accepted"]


async def test_a_body_over_the_limit_is_not_taken(world: World) -> None:
    await world.serve(RULES)

    at = await world.hcp(b'{"event":"job.completed","x":"' + b"x" * (2000 - 32) + b'"}')
    over = await world.hcp(b'{"event":"job.completed","x":"' + b"x" * (2001 - 32) + b'"}')

    assert (200, 413) == (at.status_code, over.status_code)
    assert "application/problem+json" == over.headers["content-type"]


async def test_a_duplicate_is_none_any_more_after_its_window(world: World) -> None:
    await world.serve(RULES)
    body = {"full_name": "Maya Ortiz"}
    job = b'{"event":"job.completed","job":{"id":"job_1"}}'

    first = (await world.hcp(job)).json()
    second = (await world.hcp(job)).json()
    lead, again = [(await world.lead(body)).json() for _ in range(2)]

    assert (False, True, first["receipt"]) == (first["duplicate"], second["duplicate"], second["duplicate_of"])
    assert (False, True) == (lead["duplicate"], again["duplicate"])
    world.clock.leap(50)
    assert (await world.hcp(job)).json()["duplicate"]
    world.clock.leap(3600)
    assert not (await world.lead({"full_name": "Ana Lima"})).json()["duplicate"]
    assert (await world.lead(body)).json()["duplicate"], "leads keep the usual thirty days"
    world.clock.leap(30 * 86400)
    assert not (await world.lead(body)).json()["duplicate"]
    assert (await world.quiet())["books_balance"]


async def test_a_source_may_name_its_events(world: World) -> None:
    await world.serve(RULES)

    event = await world.event((await world.lead({"full_name": "Maya Ortiz"})).json()["events"][0])

    assert "quote.asked" == event["type"]
    assert "Maya Ortiz" == event["data"]["full_name"], "no model is known by that name: the data is the body"


async def test_a_repeated_lead_of_jobclosers_own_form_is_a_success_and_one_event(world: World) -> None:
    await world.serve(RULES)
    body = f"key={LEADS_KEY}&Name=Maya+Ortiz".encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answers = [(await world.post("/in/leads/api/zapier/createlead", body, form)).json() for _ in range(2)]

    assert [True, True] == [answer["Success"] for answer in answers]
    stats = await world.quiet()
    assert (1, 1, 1) == (stats["receipts"]["accepted"], stats["receipts"]["duplicate"], stats["events"]["total"])


async def test_a_stamp_beyond_the_tolerance_is_dropped(world: World) -> None:
    await world.serve(RULES)
    world.clock.leap(61)

    assert 200 == (await world.hcp(JOB)).status_code
    assert ["stale"] == [one["reason"] for one in (await world.read("receipts"))["items"]]
