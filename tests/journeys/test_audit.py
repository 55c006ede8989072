"""Who changed what: asked of a whole server after people, programs and a text editor have changed things."""

from __future__ import annotations

from typing import Any

from tests.journeys.world import NOTE, OFFICE, SOURCES, World

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE


async def changes(world: World) -> list[tuple[Any, ...]]:
    rows = (await world.read("audit"))["items"]
    return [tuple(row[name] for name in ("what", "target", "before", "after", "outcome")) for row in rows]


async def test_every_change_is_kept_with_how_it_stood_before_and_after(world: World) -> None:
    await world.serve(RULES)
    await world.api("connections/office/pause", "POST", {"reason": "their maintenance"})
    event = await world.job()
    held = await world.run(event, "held")
    assert 409 == (await world.api(f"runs/{held['id']}/retry", "POST")).status_code
    await world.api(f"runs/{held['id']}/cancel", "POST")
    await world.api("connections/office/resume", "POST")
    await world.api(f"events/{event}/replay", "POST", {"dry_run": True})
    await world.api("rules/check", "POST", {"text": "version: 1\n"})
    await world.api("rules", "POST", {"text": "version: 2\n"})
    assert [
        ("rules.publish", None, "version 1", None, "refused"),
        ("connections.resume", "office", "paused", "works", "done"),
        ("runs.cancel", held["id"], "held", "failed", "done"),
        ("runs.retry", held["id"], "held", "its connection was paused by a person: i", "refused"),
        ("connections.pause", "office", "works", "paused", "done"),
        ("rules.load", None, None, "version 1", "done"),
    ] == [(*row[:3], (row[3] or "")[:40] or None, row[4]) for row in await changes(world)]


async def test_the_list_has_the_name_that_was_given(world: World) -> None:
    await world.serve(RULES)

    await world.api("connections/office/pause", "POST", {}, **{"x-hooks-author": "nightly job"})
    row = (await world.read("audit"))["items"][0]
    assert ("nightly job", "api") == (row["who"], row["via"])
    assert [] == (await world.read("audit?who=somebody"))["items"]
    assert 1 == len((await world.read("audit?target=office&what=connections.pause"))["items"])
    assert 422 == (await world.api("audit?cursor=1")).status_code
