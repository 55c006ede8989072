"""The desk: what people may ask of a running engine, and what it answers when that cannot be done."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hooks.desk.engine import event_from_json
from hooks.events import Event
from tests.journeys.world import HOMEBASE, NOTE, OFFICE, SECRETS, SOURCES, World

RULES = SOURCES + "connections:\n" + OFFICE + HOMEBASE + "rules:\n" + NOTE


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with World(tmp_path) as world:
        yield world


async def test_rules_sources_and_connections_are_shown_without_secrets(world: World) -> None:
    await world.serve(RULES)

    rules, sources, connections = [(await world.read(name))["items"] for name in ("rules", "sources", "connections")]

    rule = rules[0]
    assert ("note", ["*"], [], True, "live") == tuple(rule[key] for key in ("id", "event", "source", "enabled", "mode"))
    assert [{"id": "step1", "action": "http.request", "connection": "office"}] == rule["steps"]
    assert [("hcp", "housecall_pro", "/in/hcp"), ("leads", "zapier", "/in/leads")] == [
        (source["name"], source["vendor"], source["path"]) for source in sources
    ]
    assert "/in/leads/api/zapier/createlead" in sources[1]["paths"]
    assert {("office", False), ("homebase", False)} == {(one["name"], one["paused"]) for one in connections}
    everything = json.dumps([rules, sources, connections])
    assert not any(secret in everything for secret in SECRETS.values())


async def test_vendors_are_shown_as_the_command_line_shows_them(world: World) -> None:
    await world.serve(RULES)
    vendors: Any = await world.read("vendors")
    items = vendors["items"] if isinstance(vendors, dict) else vendors
    homebase = next(one for one in items if one["vendor"] == "homebase360")
    assert "homebase360.create_job" in [action["name"] for action in homebase["actions"]]


async def test_an_event_of_before_is_explained_with_the_requests_it_would_make(world: World) -> None:
    await world.serve(RULES)
    event = await world.job()
    await world.run(event)

    explained = await world.read(f"events/{event}/explain")

    assert event == explained["event"]["id"]
    rule = explained["rules"][0]
    assert ("note", True) == (rule["id"], rule["matched"])
    request = rule["requests"][0]
    assert ("step1", "http.request", "POST", f"{world.sandbox_url}/http/notes") == tuple(
        request[key] for key in ("step", "action", "method", "url")
    )
    assert {"about": "job.completed", "event": event} == request["body"]
    assert 1 == len(world.notes()), "explaining sends nothing"


async def test_what_has_not_been_read_yet_cannot_be_explained(world: World) -> None:
    await world.serve(RULES.replace("http.request", "http.reqest"))
    event = await world.job()
    assert 409 == (await world.api(f"events/{event}/explain")).status_code


async def test_a_connection_is_tested_as_the_command_line_tests_it(world: World) -> None:
    await world.serve(RULES)

    well = (await world.api("connections/homebase/test", "POST")).json()
    skipped = (await world.api("connections/office/test", "POST")).json()
    world.fault("homebase360", kind="status", status=401)
    refused = (await world.api("connections/homebase/test", "POST")).json()

    assert ("homebase", "ok", None) == (well["connection"], well["result"], well["problem"])
    assert well["asked"].startswith("GET http://")
    assert ("skipped", None) == (skipped["result"], skipped["asked"])
    assert ("failed", 401) == (refused["result"], refused["status"])
    assert "`api_key`" in refused["mend"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "connections/nobody/test"),
        ("GET", "events/evt_00000000000000000000000000000000/explain"),
        ("GET", "events/evt_00000000000000000000000000000000"),
        ("GET", "runs/run_00000000000000000000000000000000"),
        ("GET", "receipts/rcp_00000000000000000000000000000000"),
        ("POST", "runs/run_00000000000000000000000000000000/retry"),
        ("POST", "runs/run_00000000000000000000000000000000/cancel"),
    ],
)
async def test_what_is_not_there_is_not_found(world: World, method: str, path: str) -> None:
    await world.serve(RULES)
    assert 404 == (await world.api(path, method)).status_code


async def test_a_run_that_is_done_is_neither_tried_again_nor_cancelled(world: World) -> None:
    await world.serve(RULES)
    run = await world.run(await world.job())
    for verb in ("retry", "cancel"):
        answer = await world.api(f"runs/{run['id']}/{verb}", "POST")
        assert (409, "application/problem+json") == (answer.status_code, answer.headers["content-type"])


async def test_a_waiting_run_is_cancelled_and_stays_so(world: World) -> None:
    await world.serve(RULES.replace("    do:", "    delay: 1h\n    do:"))
    event = await world.job()
    run = await world.run(event, "waiting")

    assert "failed" == (await world.api(f"runs/{run['id']}/cancel", "POST")).json()["state"]
    world.clock.leap(3601)

    assert [] == world.notes()
    assert (await world.quiet())["books_balance"]


async def test_a_text_is_checked_without_being_loaded(world: World) -> None:
    await world.serve(RULES)
    version = (await world.read("rules"))["items"][0]["version"]
    text = RULES.replace("SANDBOX", world.sandbox_url)

    sound = (await world.api("rules/check", "POST", {"text": text.replace("/notes", "/x")})).json()
    broken = (await world.api("rules/check", "POST", {"text": text.replace("http.request", "http.reqest")})).json()

    assert (True, False) == (sound["ok"], broken["ok"])
    finding = broken["findings"][0]
    assert "did you mean" in json.dumps(finding)
    assert {"file", "line", "column"} <= set(finding)
    assert version == (await world.read("rules"))["items"][0]["version"]


async def test_a_stored_event_is_read_back_as_it_was(world: World) -> None:
    await world.serve(RULES)
    event = await world.job()
    shown = await world.event(event)

    read = event_from_json(shown)

    assert isinstance(read, Event)
    assert {key: shown[key] for key in read.attributes()} == read.attributes()
    assert shown["raw"] == read.raw
