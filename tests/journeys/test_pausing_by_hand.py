"""A connection that a person pauses: nothing goes out, nothing is lost, and it goes on as fast as was said."""

from __future__ import annotations

from typing import Any

from tests.journeys.world import NOTE, OFFICE, SOURCES, World

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE


async def pause(world: World, **body: Any) -> Any:
    answer = await world.api("connections/office/pause", "POST", body)
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def test_a_pause_holds_survives_a_restart_and_ends_in_order(world: World) -> None:
    await world.serve(RULES)
    shown = await pause(world, reason="their maintenance")
    assert (True, "their maintenance") == (shown["paused"], shown["pause_reason"])
    events = [await world.job() for _ in range(3)]
    held = await world.run(events[0], "held", "paused by a person")
    assert 409 == (await world.api(f"runs/{held['id']}/retry", "POST")).status_code
    await world.stop()

    await world.serve()
    assert ["their maintenance"] == [one["pause_reason"] for one in (await world.read("connections"))["items"]]
    events.append(await world.job())
    for event in events:
        await world.run(event, "held", "paused by a person")
    assert [] == world.notes()

    resumed = await world.api("connections/office/resume", "POST", {"drain_rate": 20})
    assert (200, False) == (resumed.status_code, resumed.json()["paused"])
    await world.run(events[-1])
    await world.quiet()
    assert events == [note["event"] for note in world.notes()], "the oldest first"


async def test_what_was_held_goes_on_at_the_rate_that_was_said(world: World) -> None:
    await world.serve(RULES)
    await pause(world)
    events = [await world.job() for _ in range(3)]
    await world.run(events[2], "held")
    await world.api("connections/office/resume", "POST", {"drain_rate": 0.01})
    await world.run(events[0])
    assert 1 == len(world.notes())
    world.clock.leap(101)
    await world.run(events[1])
    assert 2 == len(world.notes())
    assert "waiting" == (await world.run(events[2], "waiting"))["state"]


async def test_what_cannot_be_paused_or_resumed_is_said(world: World) -> None:
    await world.serve(RULES)
    statuses = [
        (await world.api(path, "POST", body)).status_code
        for path, body in (
            ("connections/nobody/pause", {}),
            ("connections/nobody/resume", {}),
            ("connections/office/resume", {}),
            ("connections/office/pause", {"because": "x"}),
            ("connections/office/pause", {"reason": 7}),
            ("connections/office/resume", {"drain_rate": 0}),
            ("connections/office/resume", {"drain_rate": True}),
        )
    ]
    assert [404, 404, 409, 422, 422, 422, 422] == statuses


async def test_the_state_of_connections_is_a_figure(world: World) -> None:
    await world.serve(RULES)
    await pause(world)
    text = (await world.api("../../metrics")).text
    assert 'hooks_connection_paused{connection="office"} 1.0' in text
    assert 'hooks_connection_breaker{connection="office"} 0.0' in text
