"""Rules of several steps: answers passed on, conditions, delays, fallbacks, several accounts in one rule."""

from __future__ import annotations

from tests.journeys.world import HOMEBASE, OFFICE, SOURCES, TITAN, World

HEAD = SOURCES + "connections:\n" + HOMEBASE + OFFICE + "rules:\n"

SEVERAL = (
    HEAD
    + """\
  - id: several
    event: job.completed
    do:
      - id: customer
        action: homebase360.upsert_customer
        with: {customer: "${data.customer}"}
      - id: big
        if: data.total_cents > 100000
        action: http.request
        with: {method: POST, path: /big}
      - id: note
        if: steps.customer.customerId != null and steps.big == null
        action: http.request
        with: {method: POST, path: /notes, json: {customer: "${steps.customer.customerId}", skipped: "${steps.big}"}}
"""
)


async def test_answers_of_earlier_steps_and_conditions_across_two_accounts(world: World) -> None:
    await world.serve(SEVERAL)

    run = await world.run(await world.job())

    customer = world.records("homebase360", "customers")[0]["customerId"]
    assert customer == world.notes()[0]["customer"]
    assert [("customer", "done"), ("big", "skipped"), ("note", "done")] == [
        (step["id"], step["state"]) for step in run["steps"]
    ]
    assert "if" in run["steps"][1]["error"]
    assert [] == world.asked("http", "POST", "/big")


async def test_a_delay_holds_the_first_step_back(world: World) -> None:
    rules = (
        HEAD
        + """\
  - id: later
    event: job.completed
    delay: 2h
    do:
      - action: http.request
        with: {method: POST, path: /notes}
"""
    )
    await world.serve(rules)
    event = await world.job()

    waiting = await world.run(event, "waiting")
    assert [] == world.box("http").requests
    assert waiting["due_at"] > waiting["created_at"]
    world.clock.leap(2 * 3600 - 60)
    assert "waiting" == (await world.run(event, "waiting"))["state"]
    world.clock.leap(61)
    await world.run(event)

    assert 1 == len(world.asked("http", "POST", "/notes"))


FALLBACK = (
    HEAD
    + """\
  - id: rescued
    event: job.completed
    do:
      - id: first
        action: http.request
        with: {method: POST, path: /first}
      - id: second
        action: http.request
        with: {method: POST, path: /second}
    fallback:
      - action: http.request
        with: {method: POST, path: /notes, json: {step: "${error.step}", why: "${error.message}"}}
"""
)


async def test_a_fallback_is_told_what_went_wrong(world: World) -> None:
    await world.serve(FALLBACK)
    world.fault("http", kind="status", status=422, path="/first")

    run = await world.run(await world.job(), reason="fallback")

    assert "first" == world.notes()[0]["step"]
    assert "422" in world.notes()[0]["why"]
    assert [] == world.asked("http", "POST", "/second")
    assert [("first", "failed"), ("fallback1", "done")] == [(step["id"], step["state"]) for step in run["steps"]]


async def test_a_fallback_stays_at_home_when_all_is_well(world: World) -> None:
    await world.serve(FALLBACK)

    await world.run(await world.job())

    assert [] == world.notes()
    assert 1 == len(world.asked("http", "POST", "/second"))


async def test_a_fallback_that_fails_too_leaves_a_dead_letter_that_can_be_tried_again(world: World) -> None:
    await world.serve(FALLBACK)
    world.fault("http", kind="status", status=422, count=2)
    event = await world.job()
    failed = await world.run(event, "failed", "422")

    assert 200 == (await world.api(f"runs/{failed['id']}/retry", "POST")).status_code
    done = await world.run(event)

    assert ["done", "done"] == [step["state"] for step in done["steps"][:2]]
    assert 1 == len(world.asked("http", "POST", "/second"))


async def test_a_value_that_cannot_be_sent_is_a_dead_letter_that_names_its_field(world: World) -> None:
    rules = (
        SOURCES
        + "connections:\n"
        + TITAN
        + "rules:\n"
        + (
            """\
  - id: unnamed
    event: job.completed
    do:
      - action: servicetitan.create_booking
        with: {source: a, name: "${data.note}", summary: b, isFirstTimeClient: true, externalId: "${id}"}
"""
        )
    )
    await world.serve(rules)
    event = await world.job()
    failed = await world.run(event, "failed", "name")

    assert 200 == (await world.api(f"runs/{failed['id']}/retry", "POST")).status_code
    again = await world.run(event, "failed", "name")

    assert [None] == [step["request"] for step in again["steps"]]
    assert [] == world.box("servicetitan").requests
