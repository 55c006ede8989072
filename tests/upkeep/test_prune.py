"""Pruning a running server's database and a resting one's, from the command line and through the admin API."""

from __future__ import annotations

import json

from tests.journeys.world import NOTE, OFFICE, SOURCES, World
from tests.upkeep.conftest import Command

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
HELD = SOURCES + "connections:\n" + OFFICE.replace("timeout: 2s", "timeout: 2s, paused: true") + "rules:\n" + NOTE


async def test_a_dry_run_and_then_a_real_one_on_a_running_server(world: World, command: Command) -> None:
    await world.serve(RULES)
    for _ in range(5):
        await world.job()
    await world.quiet()
    world.clock.leap(3600)

    told = await command("db", "prune", "--older-than", "30m", "--dry-run", "--json")
    before = (await world.stats())["events"]["total"]
    done = await command("db", "prune", "--older-than", "30m")

    assert (0, 5, True) == (told[0], json.loads(told[1])["events"], json.loads(told[1])["dry_run"])
    assert 5 == before
    assert (0, "5 events with 5 runs, 5 receipts and 0 remembered keys deleted") == (done[0], done[1].split(";")[0])
    stats = await world.stats()
    assert (0, 0, True) == (stats["events"]["total"], stats["runs"]["done"], stats["books_balance"])
    answer = await world.lead({"full_name": "Maya Ortiz", "email": "maya@example.org"})
    await world.run(answer.json()["events"][0])


async def test_it_works_on_a_file_that_nobody_uses(world: World, command: Command) -> None:
    await world.serve(RULES)
    await world.run(await world.job())
    await world.stop()

    code, printed, _ = await command("db", "prune", "--older-than", "0s", "--json")

    assert (0, 1) == (code, json.loads(printed)["events"])
    assert 0 == json.loads((await command("stats", "--json"))[1])["events"]["total"]


async def test_what_is_held_is_never_pruned(world: World, command: Command) -> None:
    await world.serve(HELD)
    await world.job()
    await world.until(world.stats, lambda stats: stats["runs"]["held"] == 1)
    world.clock.leap(400 * 86400)

    code, printed, _ = await command("db", "prune", "--json")

    assert (0, 0, 1) == (code, json.loads(printed)["events"], json.loads(printed)["kept"])


async def test_what_it_cannot_do_is_said(world: World, command: Command) -> None:
    assert 1 == (await command("db", "prune"))[0]
    assert not (world.folder / "data").exists()
    code, _, told = await command("db", "prune", "--older-than", "30")
    assert (2, "hooks: --older-than: a duration needs its unit: 30s, 30m or 30h, or forever\n") == (code, told)
    await world.serve(RULES)
    answers = [
        await world.api(f"prune?{query}", "POST", {})
        for query in ("older_than=5", "dry_run=yes", "start=nonsense", "start=events:x", "unknown=1")
    ]
    assert [422, 422, 409, 409, 422] == [answer.status_code for answer in answers]


async def test_a_round_goes_on_where_the_one_before_ended(world: World) -> None:
    await world.serve(RULES)
    await world.run(await world.job())
    for start in ("receipts:0", "quarantine:0", "duplicates:", "onces:", "traffic:0"):
        answer = await world.api(f"prune?older_than=0s&start={start}", "POST", {})
        assert (200, 0, None) == (answer.status_code, answer.json()["events"], answer.json()["next"])


async def test_what_has_failed_goes_when_a_person_has_given_it_up(world: World, command: Command) -> None:
    await world.serve(RULES.replace("path: /notes", "path: /status/404"))
    run = await world.run(await world.job(), "failed")
    world.clock.leap(400 * 86400)
    assert 0 == json.loads((await command("db", "prune", "--older-than", "30d", "--json"))[1])["events"]

    assert 0 == (await command("runs", "cancel", run["id"]))[0]
    given_up = await world.read(f"runs/{run['id']}")
    assert ("failed", f"cancelled by a person: {run['reason']}") == (given_up["state"], given_up["reason"])
    code, _, told = await command("runs", "cancel", run["id"])
    assert (1, True) == (code, "a failed one once" in told)

    world.clock.leap(31 * 86400)
    assert 1 == json.loads((await command("db", "prune", "--older-than", "30d", "--json"))[1])["events"]
    assert (await world.stats())["books_balance"]
