"""The history of the rules: numbered, told with its author, published and rolled back as a whole, in a real server."""

from __future__ import annotations

import asyncio
import getpass
from pathlib import Path
from typing import Any

from tests.journeys.world import NOTE, OFFICE, SOURCES, World

HEAD = SOURCES + "connections:\n" + OFFICE + "rules:\n"
RULES = HEAD + NOTE
BROKEN = RULES.replace("http.request", "http.reqest")


def rules(world: World, path: str = "/notes") -> str:
    return RULES.replace("/notes", path).replace("SANDBOX", world.sandbox_url)


async def publish(world: World, text: str, **more: Any) -> Any:
    answer = await world.api("rules", "POST", {"text": text, **more})
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def numbers(world: World) -> list[tuple[int, str, str]]:
    items = (await world.read("rules/versions"))["items"]
    return [(each["number"], each["author"], each["origin"]) for each in items]


async def test_each_rule_set_in_force_gets_a_number_an_author_and_a_diff(world: World) -> None:
    await world.serve(RULES)
    world.routes.write_text(rules(world, "/changed"), encoding="utf-8")
    assert (await world.api("rules/reload", "POST")).json()["ok"]
    assert (await world.api("rules/reload", "POST")).json()["ok"]

    found = await publish(world, rules(world, "/third"), author="maya", note="prices", expected=2)

    assert (3, 1, []) == (found["number"], found["rules"], found["set_aside"])
    me = getpass.getuser()
    assert [(3, "maya", "api"), (2, me, "file"), (1, me, "file")] == await numbers(world)
    third = await world.read("rules/versions/3")
    assert ("prices", 2) == (third["note"], third["against"])
    changed = [
        line.strip() for line in third["diff"].splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert ["/changed", "/third"] == [next(word.strip(",") for word in line.split() if "/" in word) for line in changed]
    assert rules(world, "/third") == world.routes.read_text(encoding="utf-8")
    assert "/changed" in (await world.read("rules/versions/3?against=1"))["files"][str(world.routes)] or third["diff"]


async def test_a_run_is_stamped_with_the_version_that_the_history_has(world: World) -> None:
    await world.serve(RULES)
    first = await world.run(await world.job())
    await publish(world, rules(world, "/changed"))
    second = await world.run(await world.job())

    versions = [each["version"] for each in (await world.read("rules/versions"))["items"]]

    assert versions == [second["rules_version"], first["rules_version"]]
    assert ([1], [1]) == ([len(world.notes())], [len(world.asked("http", "POST", "/changed"))])


async def test_a_broken_text_is_not_published_and_changes_nothing(world: World) -> None:
    await world.serve(RULES)

    answer = await world.api("rules", "POST", {"text": BROKEN.replace("SANDBOX", world.sandbox_url)})

    assert 422 == answer.status_code
    assert "http.reqest" in answer.json()["findings"][0]["message"]
    assert rules(world) == world.routes.read_text(encoding="utf-8")
    assert 1 == len(await numbers(world))


async def test_of_two_who_saw_the_same_rules_one_is_told_of_the_other(world: World) -> None:
    await world.serve(RULES)
    version = (await world.read("rules"))["file"]["version"]

    answers = await asyncio.gather(
        *(world.api("rules", "POST", {"text": rules(world, f"/{name}"), "expected": version}) for name in "ab")
    )

    assert [200, 409] == sorted(answer.status_code for answer in answers)
    assert 2 == len(await numbers(world))


async def test_an_edit_on_disk_that_was_never_loaded_is_a_conflict_or_set_aside(world: World) -> None:
    await world.serve(RULES)
    unsaved = BROKEN.replace("SANDBOX", world.sandbox_url)
    world.routes.write_text(unsaved, encoding="utf-8")

    refused = await world.api("rules", "POST", {"text": rules(world, "/x"), "expected": 1})
    found = await publish(world, rules(world, "/x"))

    assert (409, True) == (refused.status_code, "changed on disk" in refused.json()["detail"])
    (aside,) = found["set_aside"]
    assert unsaved == Path(aside).read_text(encoding="utf-8")


async def test_a_rollback_brings_back_all_files_as_the_newest_version(world: World) -> None:
    (world.folder / "more").mkdir()
    kept, gone = world.folder / "more" / "a.yaml", world.folder / "more" / "b.yaml"
    kept.write_text("rules:\n" + NOTE, encoding="utf-8")
    main = "include: more/*.yaml\n" + SOURCES + "connections:\n" + OFFICE
    await world.serve(main)
    first = world.routes.read_text(encoding="utf-8")
    kept.write_text("rules:\n" + NOTE.replace("/notes", "/changed"), encoding="utf-8")
    gone.write_text("rules:\n" + NOTE.replace("id: note", "id: second"), encoding="utf-8")
    assert (await world.api("rules/reload", "POST")).json()["ok"]

    answer = await world.api("rules/rollback", "POST", {"to": 1, "author": "maya"})

    found = answer.json()
    assert (200, 3, 1, []) == (answer.status_code, found["number"], found["rules"], found["set_aside"])
    versions = (await world.read("rules/versions"))["items"]
    assert versions[0]["version"] == versions[2]["version"] == found["version"]
    assert ("maya", "rollback", "back to version 1") == tuple(versions[0][key] for key in ("author", "origin", "note"))
    assert (first, False) == (world.routes.read_text(encoding="utf-8"), gone.exists())
    assert "rules:\n" + NOTE == kept.read_text(encoding="utf-8")
    await world.run(await world.job())
    assert ([1], []) == ([len(world.notes())], world.asked("http", "POST", "/changed"))
    assert 404 == (await world.api("rules/rollback", "POST", {"to": 9})).status_code


async def test_a_server_that_began_with_a_broken_file_is_brought_back_by_a_rollback(world: World) -> None:
    await world.serve(RULES)
    await world.stop()
    await world.serve(BROKEN)
    event = await world.job()
    broken = world.routes.read_text(encoding="utf-8")

    found = (await world.api("rules/rollback", "POST", {"to": 1})).json()

    assert (True, 1, 1) == (found["ok"], found["number"], found["rules"])
    (aside,) = found["set_aside"]
    assert broken == Path(aside).read_text(encoding="utf-8")
    await world.run(event)
    assert 0 == (await world.stats())["rules_file_errors"]


async def test_after_a_restart_the_history_goes_on(world: World) -> None:
    await world.serve(RULES)
    await world.stop()
    await world.serve(RULES)
    assert [1] == [number for number, _, _ in await numbers(world)]
    await world.stop()

    await world.serve(RULES.replace("/notes", "/changed"))

    assert [2, 1] == [number for number, _, _ in await numbers(world)]
    assert 2 == (await world.read("rules"))["file"]["number"]


async def test_the_state_of_the_file_is_told_everywhere(world: World) -> None:
    await world.serve(RULES)
    sound, stats = (await world.read("rules"))["file"], await world.stats()
    assert (True, [], 1, 1) == (sound["ok"], sound["findings"], sound["number"], sound["rules"])
    assert (1, 1, 0) == tuple(stats[name] for name in ("rules_in_force", "rules_number", "rules_file_errors"))

    world.write(BROKEN)
    await world.until(world.stats, lambda stats: stats["rules_file_errors"] == 1)

    listing = await world.read("rules")
    assert ("note", False, 1) == (listing["items"][0]["id"], listing["file"]["ok"], listing["file"]["number"])
    assert "http.reqest" in listing["file"]["findings"][0]["message"]
    metrics = await world.metrics()
    assert {"hooks_rules_in_force 1.0", "hooks_rules_number 1.0", "hooks_rules_file_errors 1.0"} <= set(
        metrics.splitlines()
    )

    await publish(world, rules(world, "/mended"))
    assert 0 == (await world.stats())["rules_file_errors"]
