"""kill -9 at each point around a vendor call: whatever is found at the restart, the vendor ends with one booking."""

from __future__ import annotations

import sqlite3

import pytest

from tests.faults.processes import ProcessWorld, forbidden
from tests.journeys.world import BOOK, HOMEBASE, OFFICE, SOURCES


async def _booked_once(world: ProcessWorld, event: str) -> None:
    run = await world.run(event)
    assert "done" == run["steps"][0]["state"]
    assert [event] == [booking["externalId"] for booking in world.records("servicetitan", "bookings")]
    assert (await world.quiet())["books_balance"]
    assert [] == forbidden(world.said())


async def test_killed_after_the_intent_and_before_the_vendor_acts(world: ProcessWorld) -> None:
    await world.serve(BOOK)
    world.fault("servicetitan", kind="hang", path="/bookings")
    event = await world.job()
    await world.asked_for("servicetitan", "/bookings")

    await world.kill()
    with sqlite3.connect(world.data / "hooks.db") as database:
        left = database.execute("SELECT r.state, s.state, s.tries FROM runs r JOIN steps s ON s.run = r.id").fetchall()
    await world.serve()

    assert [("running", "intended", 1)] == left
    await _booked_once(world, event)
    assert 2 == len(world.asked("servicetitan", "GET", "/bookings")), "looked for at once, and again after its time"


async def test_killed_after_the_vendor_acted_and_before_its_answer(world: ProcessWorld) -> None:
    await world.serve(BOOK.replace("timeout: 2s", "timeout: 20s"))
    world.fault("servicetitan", kind="delay", seconds=0.4, path="/bookings")
    event = await world.job()
    await world.asked_for("servicetitan", "/bookings")

    await world.kill()

    async def booked() -> int:
        return len(world.records("servicetitan", "bookings"))

    await world.until(booked, bool)
    await world.serve()
    await _booked_once(world, event)


async def test_killed_before_the_run_begins(world: ProcessWorld) -> None:
    await world.serve(BOOK.replace("    do:", "    delay: 1s\n    do:"))
    event = await world.job()

    await world.kill()
    assert [] == world.box("servicetitan").requests
    await world.serve()

    await _booked_once(world, event)


async def test_killed_between_two_steps_the_first_is_not_done_again(world: ProcessWorld) -> None:
    rules = (
        SOURCES
        + "connections:\n"
        + HOMEBASE
        + OFFICE
        + """\
rules:
  - id: two
    event: job.completed
    do:
      - id: customer
        action: homebase360.upsert_customer
        with: {customer: "${data.customer}"}
      - action: http.request
        on_unknown: repeat
        with: {method: POST, path: /notes, json: {customer: "${steps.customer.customerId}"}}
"""
    )
    await world.serve(rules)
    world.fault("http", kind="hang", path="/notes")
    event = await world.job()
    await world.asked_for("http", "/notes")

    await world.kill()
    await world.serve()
    await world.run(event)

    assert 1 == len(world.asked("homebase360", "POST", "/customers"))
    customer = world.records("homebase360", "customers")[0]["customerId"]
    assert [customer, customer] == [note["customer"] for note in world.notes()]


async def test_killed_in_a_call_that_must_not_be_repeated_a_person_decides(world: ProcessWorld) -> None:
    rules = SOURCES + "connections:\n" + OFFICE
    rules += """\
rules:
  - id: tell
    event: job.completed
    do:
      - action: http.request
        with: {method: POST, path: /notes}
"""
    await world.serve(rules)
    world.fault("http", kind="hang")
    event = await world.job()
    await world.asked_for("http", "/notes")

    await world.kill()
    await world.serve()
    held = await world.run(event, "held", "unknown")

    assert 1 == len(world.asked("http", "POST", "/notes"))
    assert 200 == (await world.api(f"runs/{held['id']}/retry", "POST")).status_code
    await world.run(event)
    assert 2 == len(world.asked("http", "POST", "/notes"))


@pytest.mark.parametrize("after", ["accept", "plan"])
async def test_killed_with_rules_that_wait_everything_accepted_is_acted_on(world: ProcessWorld, after: str) -> None:
    broken = BOOK.replace("servicetitan.create_booking", "servicetitan.create_boking")
    await world.serve(broken if after == "accept" else BOOK.replace("    do:", "    delay: 700ms\n    do:"))
    events = [await world.job() for _ in range(20)]

    await world.kill()
    await world.serve(BOOK)
    for event in events:
        await world.run(event)

    booked = [booking["externalId"] for booking in world.records("servicetitan", "bookings")]
    assert sorted(events) == sorted(booked)
