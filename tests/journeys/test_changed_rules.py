"""Rules that change while the server runs: all of a file or nothing, and runs end by the rules they began with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hooks.rules.findings import RulesInvalid
from tests.journeys.world import NOTE, OFFICE, SOURCES, World

HEAD = SOURCES + "connections:\n" + OFFICE + "rules:\n"
RULES = HEAD + NOTE
CHANGED = RULES.replace("/notes", "/changed")
BROKEN = RULES.replace("http.request", "http.reqest")


async def loaded(world: World, path: str) -> None:
    """Wait until the rules in force post to this path."""

    async def version() -> Any:
        return (await world.read("rules"))["items"][0]["version"]

    before = await version()
    await world.until(version, lambda now: now != before)
    event = await world.job()
    await world.run(event)
    assert world.asked("http", "POST", path)


async def test_a_saved_file_is_taken_over(world: World) -> None:
    await world.serve(RULES)

    world.write(CHANGED)

    await loaded(world, "/changed")


async def test_a_file_that_is_written_in_place_and_one_behind_a_link_are_taken_over(world: World) -> None:
    (world.folder / "one").mkdir()
    (world.folder / "two").mkdir()
    for name, rules in (("one", RULES), ("two", CHANGED)):
        text = rules.replace("SANDBOX", world.sandbox_url)
        (world.folder / name / "routes.yaml").write_text(text, encoding="utf-8")
    (world.folder / "now").symlink_to("one")
    world.routes.symlink_to(Path("now") / "routes.yaml")
    await world.serve()

    # as a mounted ConfigMap is changed: the folder's link is moved to another one
    (world.folder / "next").symlink_to("two")
    (world.folder / "next").replace(world.folder / "now")
    await loaded(world, "/changed")

    third = CHANGED.replace("/changed", "/third").replace("SANDBOX", world.sandbox_url)
    (world.folder / "two" / "routes.yaml").write_text(third, encoding="utf-8")
    await loaded(world, "/third")


async def test_an_included_file_is_watched_too(world: World) -> None:
    (world.folder / "more").mkdir()
    more = world.folder / "more" / "note.yaml"
    more.write_text("rules:\n" + NOTE, encoding="utf-8")
    await world.serve("include: more/*.yaml\n" + SOURCES + "connections:\n" + OFFICE)

    more.write_text("rules:\n" + NOTE.replace("/notes", "/changed"), encoding="utf-8")

    await loaded(world, "/changed")


async def test_the_api_loads_the_file_and_says_what_it_found(world: World) -> None:
    await world.serve(RULES)
    world.routes.write_text(CHANGED.replace("SANDBOX", world.sandbox_url), encoding="utf-8")

    answer = (await world.api("rules/reload", "POST")).json()

    assert (True, 1, []) == (answer["ok"], answer["rules"], answer["findings"])
    await world.run(await world.job())
    assert world.asked("http", "POST", "/changed")


async def test_a_broken_file_changes_nothing_and_is_told(world: World) -> None:
    await world.serve(RULES)
    version = (await world.read("rules"))["items"][0]["version"]

    world.write(BROKEN)
    answer = (await world.api("rules/reload", "POST")).json()
    await world.run(await world.job())

    assert not answer["ok"]
    assert "http.reqest" in answer["findings"][0]["message"]
    assert version == (await world.read("rules"))["items"][0]["version"]
    assert 1 == len(world.notes())
    assert 200 == (await world.get("/readyz")).status_code


async def test_a_run_ends_by_the_rules_it_began_with(world: World) -> None:
    await world.serve(RULES.replace("    do:", "    delay: 1h\n    do:"))
    event = await world.job()
    await world.run(event, "waiting")

    world.write(CHANGED)
    assert (await world.api("rules/reload", "POST")).json()["ok"]
    world.clock.leap(3601)
    await world.run(event)

    assert ([1], []) == ([len(world.notes())], world.asked("http", "POST", "/changed"))


async def test_a_run_ends_by_its_rules_after_a_restart_too(world: World) -> None:
    await world.serve(RULES.replace("    do:", "    delay: 1h\n    do:"))
    event = await world.job()
    await world.run(event, "waiting")
    await world.stop()

    await world.serve(CHANGED)
    world.clock.leap(3601)
    await world.run(event)

    assert ([1], []) == ([len(world.notes())], world.asked("http", "POST", "/changed"))


async def test_with_a_broken_file_it_starts_and_stores_and_acts_when_the_file_is_mended(world: World) -> None:
    await world.serve(BROKEN)

    events = [await world.job() for _ in range(3)]
    refused = await world.hcp({"event": "job.completed"}, secret="another-secret-than-the-right-one")
    stats = await world.stats()
    pending = await world.read(f"events/{events[0]}")
    assert (202, 401) == (202, refused.status_code)
    assert (3, 3, 0) == (stats["receipts"]["accepted"], stats["events"]["pending"], sum(stats["runs"].values()))
    assert ("pending", []) == (pending["state"], pending["runs"])
    assert stats["books_balance"]

    world.write(RULES)
    for event in events:
        await world.run(event)

    assert events == [note["event"] for note in world.notes()]
    assert (await world.quiet())["books_balance"]


async def test_what_a_source_had_taken_before_it_was_renamed_is_read_all_the_same(world: World) -> None:
    await world.serve(BROKEN)
    event = await world.job()

    world.write(RULES.replace("  hcp: {", "  housecall: {"))
    run = await world.run(event)
    shown = await world.event(event)

    assert ("done", "job.completed", "hcp") == (run["state"], shown["type"], shown["source"])
    gone = await world.hcp({"event": "job.completed", "job": world.some_job()})
    assert 404 == gone.status_code, "it takes no more"


async def test_with_a_file_that_is_no_yaml_the_sources_in_force_last_go_on(world: World) -> None:
    await world.serve(RULES)
    await world.stop()
    await world.serve("version: 1\nsources: {")

    event = await world.job()
    world.write(RULES)
    await world.run(event)


async def test_a_source_that_lacks_its_secret_shuts_no_other_and_its_sender_is_put_off(world: World) -> None:
    lacking = RULES.replace("sources:\n", 'sources:\n  zap: {vendor: zapier, key: "${secret.NOT_THERE}"}\n')
    await world.serve(lacking)

    event = await world.job()
    put_off = await world.post("/in/zap", b"{}", {"Content-Type": "application/json"})
    assert (429, True) == (put_off.status_code, "retry-after" in put_off.headers)
    assert 404 == (await world.post("/in/other", b"{}", {"Content-Type": "application/json"})).status_code

    world.write(RULES)
    await world.run(event)
    assert 404 == (await world.post("/in/zap", b"{}", {"Content-Type": "application/json"})).status_code


async def test_with_a_first_file_that_is_no_yaml_every_sender_is_put_off(world: World) -> None:
    await world.serve("version: 1\nsources: {")
    answer = await world.hcp({"event": "job.completed"})
    assert (503, "30") == (answer.status_code, answer.headers["retry-after"])

    world.write(RULES)
    await world.until(lambda: world.get("/in/hcp"), lambda answer: answer.status_code == 200)
    await world.run(await world.job())


async def test_with_no_file_at_all_it_starts_and_takes_the_one_that_comes(world: World) -> None:
    await world.serve()
    assert 404 == (await world.hcp({"event": "job.completed"})).status_code

    world.write(RULES)
    await world.until(lambda: world.get("/in/hcp"), lambda answer: answer.status_code == 200)

    await world.run(await world.job())


async def test_strict_refuses_a_broken_file(world: World) -> None:
    with pytest.raises(RulesInvalid, match=r"http\.reqest"):
        await world.serve(BROKEN, strict=True)
    await world.serve(RULES, strict=True)


async def test_a_rule_that_is_switched_off_makes_no_runs(world: World) -> None:
    await world.serve(RULES.replace("    do:", "    enabled: false\n    do:"))

    assert "unmatched" == (await world.event(await world.job()))["state"]
