"""When a vendor is in trouble: retries, Retry-After, unknown outcomes, refused credentials, dead letters."""

from __future__ import annotations

import time

import pytest

from tests.journeys.world import BOOK, JOBCLOSER, OFFICE, SOURCES, TITAN, World

TELL = (
    SOURCES
    + "connections:\n"
    + OFFICE
    + """\
rules:
  - id: tell
    event: job.completed
    retry: {attempts: 3, first_wait: 50ms, backoff: fixed}
    do:
      - action: http.request
        with: {method: POST, path: /notes, json: {about: "${id}"}}
"""
)
LEAD = """\
rules:
  - id: lead
    event: job.completed
    do:
      - action: jobcloser.create_lead
        with: {Name: "${data.customer.display_name}"}
"""


async def test_a_vendor_that_is_down_is_tried_again_and_then_told_once(world: World) -> None:
    await world.serve(BOOK)
    world.fault("servicetitan", kind="status", status=503, count=2, path="/bookings")

    run = await world.run(await world.job())

    attempts = run["steps"][0]["attempts"]
    assert ["transient", "transient", "done"] == [attempt["verdict"] for attempt in attempts]
    assert [1, 2, 3] == [attempt["number"] for attempt in attempts]
    assert 1 == len(world.records("servicetitan", "bookings"))


async def test_tries_come_to_an_end_in_a_dead_letter(world: World) -> None:
    await world.serve(BOOK)
    world.fault("servicetitan", kind="status", status=503, count=3, path="/bookings")

    run = await world.run(await world.job(), "failed", "503")

    assert 3 == run["attempts"]
    assert 3 == len(world.asked("servicetitan", "POST", "/bookings"))
    assert 1 == (await world.quiet())["runs"]["failed"]


async def test_retry_after_is_waited_for_when_it_is_longer(world: World) -> None:
    await world.serve(TELL)
    world.fault("http", kind="rate", retry_after=3600)
    event = await world.job()

    waiting = await world.run(event, "waiting", "429")
    world.clock.leap(3500)
    assert "waiting" == (await world.run(event, "waiting", "429"))["state"]
    world.clock.leap(101)
    await world.run(event)

    assert waiting["due_at"] > waiting["created_at"]
    assert 1 == len(world.notes()) - 1, "the one that was turned away and the one after the hour"


@pytest.mark.parametrize("kind", ["cut_after", "garbage"])
async def test_a_booking_whose_answer_was_lost_is_found_and_not_made_again(world: World, kind: str) -> None:
    await world.serve(BOOK)
    world.fault("servicetitan", kind=kind, path="/bookings")
    event = await world.job()

    run = await world.run(event)

    assert ["unknown", "adopted"] == [attempt["verdict"] for attempt in run["steps"][0]["attempts"]]
    assert [event] == [booking["externalId"] for booking in world.records("servicetitan", "bookings")]
    assert world.records("servicetitan", "bookings")[0]["id"] == run["steps"][0]["output"]["id"]


async def test_a_booking_that_never_arrived_is_looked_for_twice_and_sent_again(world: World) -> None:
    await world.serve(BOOK)
    world.fault("servicetitan", kind="cut_before", path="/bookings")
    event = await world.job()

    run = await world.run(event)

    assert 1 == len(world.records("servicetitan", "bookings"))
    verdicts = [attempt["verdict"] for attempt in run["steps"][0]["attempts"]]
    assert ("unknown", "done") == (verdicts[0], verdicts[-1])
    assert 1 <= len(world.asked("servicetitan", "GET", "/bookings"))
    assert 2 == len(world.asked("servicetitan", "POST", "/bookings"))


async def test_an_unknown_outcome_is_not_resent_before_the_vendor_had_its_time(world: World) -> None:
    await world.serve(BOOK.replace("lookup_wait: 100ms", "lookup_wait: 1h"))
    world.fault("servicetitan", kind="cut_before", path="/bookings")
    event = await world.job()

    await world.run(event, "waiting", "asked again")
    assert 1 == len(world.asked("servicetitan", "POST", "/bookings"))
    assert 1 == len(world.asked("servicetitan", "GET", "/bookings"))
    world.clock.leap(3601)
    await world.run(event)

    assert 2 == len(world.asked("servicetitan", "GET", "/bookings")), "it is looked for once more before it is sent"
    assert 1 == len(world.records("servicetitan", "bookings"))


async def test_a_vendor_that_cannot_be_asked_ends_with_a_person(world: World) -> None:
    await world.serve(BOOK)
    world.fault("servicetitan", kind="cut_after", path="/bookings", method="POST")
    world.fault("servicetitan", kind="status", status=500, path="/bookings", method="GET", count=50)

    event = await world.job()
    held = await world.run(event, "held", "unknown")

    assert 1 == len(world.records("servicetitan", "bookings"))
    assert held["attempts"] <= 5, "looking is tried as often as sending"


async def test_what_must_not_be_repeated_is_held_for_a_person_who_decides(world: World) -> None:
    await world.serve(TELL)
    world.fault("http", kind="cut_after", count=2)
    first, second = await world.job(), await world.job()
    runs = [await world.run(event, "held", "unknown") for event in (first, second)]
    assert 2 == len(world.notes())

    again = await world.api(f"runs/{runs[0]['id']}/retry", "POST")
    given_up = await world.api(f"runs/{runs[1]['id']}/cancel", "POST")

    assert (200, 200) == (again.status_code, given_up.status_code)
    await world.run(first)
    await world.run(second, "failed", "cancelled")
    assert 3 == len(world.notes())
    assert 409 == (await world.api(f"runs/{runs[0]['id']}/retry", "POST")).status_code
    assert (await world.quiet())["books_balance"]


async def test_on_unknown_repeat_sends_again(world: World) -> None:
    await world.serve(TELL.replace("    event: job", "    on_unknown: repeat\n    event: job"))
    world.fault("http", kind="cut_after")

    await world.run(await world.job())

    assert 2 == len(world.notes())


async def test_refused_credentials_make_the_connection_wait_and_nothing_dies(world: World) -> None:
    await world.serve(TELL)
    world.fault("http", kind="status", status=401, count=1)
    first = await world.job()
    await world.run(first, "waiting", "401")

    others = [await world.job() for _ in range(4)]
    stats = await world.until(world.stats, lambda found: found["runs"]["waiting"] == 5)
    shown = (await world.read("connections"))["items"]
    asked = len(world.box("http").requests)
    world.clock.leap(61)
    for event in (first, *others):
        await world.run(event)

    assert 1 == asked, "nobody else tries while the credentials are refused"
    assert [True] == [one["refused"] for one in shown]
    assert 0 == stats["runs"]["failed"]
    assert [1, 1, 1, 1, 1] == [
        len([n for n in world.notes() if n["about"] == e]) - (e == first) for e in (first, *others)
    ]
    assert [False] == [one["refused"] for one in (await world.read("connections"))["items"]]


async def test_a_key_that_is_refused_with_status_200_kills_no_lead(world: World) -> None:
    rules = SOURCES + "connections:\n" + JOBCLOSER + LEAD
    await world.serve(rules.replace("${secret.JOBCLOSER_KEY}", "a-key-that-was-changed-there"))
    events = [await world.job() for _ in range(3)]
    await world.run(events[0], "waiting", "the key is not taken")
    stats = await world.until(world.stats, lambda found: found["runs"]["waiting"] == 3)
    shown = (await world.read("connections"))["items"]
    ill = [one["what"] for one in (await world.read("health"))["findings"]]

    world.write(rules)
    assert (await world.api("rules/reload", "POST")).json()["ok"]
    world.clock.leap(61)
    for event in events:
        await world.run(event)

    assert 0 == stats["runs"]["failed"]
    assert [True] == [one["refused"] for one in shown]
    assert ["connection 'closer' is left alone until it works again: the key is not taken"] == [
        what.partition(": refused")[0] for what in ill if "closer" in what
    ]
    assert not [one for one in (await world.read("health"))["findings"] if "closer" in one["what"]]
    assert 3 == len(world.records("jobcloser", "leads"))


async def test_a_rate_is_kept(world: World) -> None:
    await world.serve(TELL.replace("timeout: 2s", "timeout: 2s, rate: 20"))

    began = time.monotonic()
    for event in [await world.job() for _ in range(10)]:
        await world.run(event)

    assert time.monotonic() - began >= 9 / 20


async def test_one_vendor_that_hangs_leaves_the_others_working(world: World) -> None:
    rules = SOURCES + "connections:\n" + OFFICE + TITAN + TELL.partition(OFFICE)[2] + BOOK.partition("rules:\n")[2]
    await world.serve(rules)
    world.fault("servicetitan", kind="hang", count=100)

    events = [await world.job() for _ in range(20)]
    for event in events:
        await world.run(event, rule="tell")

    assert 20 == len(world.notes())
    assert 8 == (await world.stats())["runs"]["running"], "the calls that hang, one for each slot of their connection"
    world.box("servicetitan").faults.clear()
