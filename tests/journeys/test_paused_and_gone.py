"""A connection that is paused, or taken out of the file: its runs are held, and go on when it is back."""

from __future__ import annotations

from tests.journeys.world import HOMEBASE, NOTE, OFFICE, SOURCES, World

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
PAUSED = RULES.replace("timeout: 2s", "timeout: 2s, paused: true")

TWO = (
    SOURCES
    + "connections:\n"
    + OFFICE
    + HOMEBASE
    + """\
rules:
  - id: two
    event: job.completed
    do:
      - action: http.request
        with: {method: POST, path: /notes, json: {event: "${id}"}}
      - action: homebase360.upsert_customer
        with: {customer: "${data.customer}"}
"""
)
GONE = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE.replace('"*"', "gift_card.sold")


async def test_runs_of_a_paused_connection_are_held_and_go_on(world: World) -> None:
    await world.serve(PAUSED)

    event = await world.job()
    held = await world.run(event, "held", "paused")
    conflict = await world.api(f"runs/{held['id']}/retry", "POST")
    assert (409, []) == (conflict.status_code, world.notes())
    assert [True] == [one["paused"] for one in (await world.read("connections"))["items"]]

    world.write(RULES)
    await world.run(event)
    assert 1 == len(world.notes())


async def test_a_run_that_waits_is_held_when_its_connection_is_paused(world: World) -> None:
    await world.serve(RULES.replace("    do:", "    delay: 1h\n    do:"))
    event = await world.job()
    await world.run(event, "waiting")

    world.write(PAUSED)
    await world.run(event, "held", "paused")
    world.clock.leap(3601)
    world.write(RULES)
    await world.run(event)


async def test_runs_of_a_connection_that_is_gone_are_held_and_go_on(world: World) -> None:
    await world.serve(TWO)
    world.fault("homebase360", kind="status", status=503, count=1)
    event = await world.job()
    await world.run(event, "waiting", "503")

    world.write(GONE)
    await world.run(event, "held", "not configured")
    world.write(TWO)
    await world.run(event)

    assert 1 == len(world.records("homebase360", "customers"))
    assert 1 == len(world.notes()), "the step that was done is not done again"


async def test_a_run_that_comes_to_a_paused_connection_later_is_held_there(world: World) -> None:
    await world.serve(TWO.replace("homebase360/api/v1,", "homebase360/api/v1, paused: true,"))

    event = await world.job()
    held = await world.run(event, "held", "paused")
    assert 1 == len(world.notes())
    assert "done" == held["steps"][0]["state"]

    world.write(TWO)
    await world.run(event)
    assert 1 == len(world.notes())
    assert 1 == len(world.records("homebase360", "customers"))


async def test_a_connection_that_goes_while_a_run_is_on_its_way_holds_the_run(world: World) -> None:
    await world.serve(TWO)
    world.fault("http", kind="delay", seconds=1.0)
    event = await world.job()
    await world.run(event, "running")

    world.write(GONE)
    await world.api("rules/reload", "POST")
    await world.run(event, "held", "not configured")
    world.write(TWO)
    await world.run(event)

    assert 1 == len(world.notes())
    assert 1 == len(world.records("homebase360", "customers"))


async def test_held_runs_survive_a_restart(world: World) -> None:
    await world.serve(PAUSED)
    event = await world.job()
    await world.run(event, "held", "paused")
    await world.stop()

    await world.serve(RULES)
    await world.run(event)

    assert (await world.quiet())["books_balance"]
