"""The desk: what people may ask of a running engine, and what it answers when that cannot be done."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hooks.desk.engine import event_from_json
from hooks.events import Event
from hooks.registry import describe
from hooks.web.console.rendering import render
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


# --- many runs at once ---


async def failed_runs(world: World, number: int) -> list[Any]:
    world.fault("http", kind="status", status=422, path="/notes", count=number)
    return [await world.run(await world.job(), "failed") for _ in range(number)]


async def test_all_failed_runs_of_a_rule_go_on_at_once_but_for_those_that_were_given_up(world: World) -> None:
    await world.serve(RULES)
    given_up, *others = await failed_runs(world, 4)
    await world.api(f"runs/{given_up['id']}/cancel", "POST")

    foreseen = (await world.api("runs/retry", "POST", {"state": "failed", "rule": "note", "dry_run": True})).json()
    assert (3, 3, 0, None) == tuple(foreseen[name] for name in ("runs", "done", "refused", "next"))
    assert {run["id"] for run in others} == {item["run"] for item in foreseen["items"]}
    assert (4, 1) == ((stats := await world.stats())["runs"]["failed"], stats["given_up"])

    first = (await world.api("runs/retry", "POST", {"state": "failed", "limit": 2})).json()
    rest = (await world.api("runs/retry", "POST", {"state": "failed", "after": first["next"]})).json()
    assert (2, 1, None) == (first["done"], rest["done"], rest["next"])
    stats = await world.quiet()
    assert (3, 1, 1) == (stats["runs"]["done"], stats["runs"]["failed"], stats["given_up"])

    change = (await world.read("audit?what=runs.retry_many"))["items"][0]
    assert ("done", "runs 1, done 1, refused 0") == (change["outcome"], change["after"])
    assert 2 == len((await world.read("audit?what=runs.retry_many"))["items"]), "the dry run is no change"

    again = (await world.api("runs/retry", "POST", {"state": "failed", "given_up": True})).json()
    assert [given_up["id"]] == [item["run"] for item in again["items"]]


async def test_what_a_vendor_may_have_is_not_sent_again_with_all_that_are_held(world: World) -> None:
    await world.serve(RULES)
    world.fault("http", kind="cut_after", path="/notes", count=1)
    held = await world.run(await world.job(), "held")

    told = (await world.api("runs/retry", "POST", {"state": "held"})).json()

    assert (1, 0, 1) == (told["runs"], told["done"], told["refused"])
    assert "look at the vendor" in told["items"][0]["why"]
    assert told["items"] == (await world.api("runs/retry", "POST", {"state": "held", "dry_run": True})).json()["items"]
    assert 1 == len(world.notes())
    by_id = (await world.api("runs/retry", "POST", {"runs": [held["id"]]})).json()
    assert 1 == by_id["done"], "who names it has looked"


async def test_many_runs_are_given_up_and_each_that_cannot_be_says_why(world: World) -> None:
    await world.serve(RULES)
    one, two = await failed_runs(world, 2)
    done = await world.run(await world.job())
    unknown = "run_00000000000000000000000000000000"
    ids = [one["id"], done["id"], unknown, one["id"]]

    told = (await world.api("runs/cancel", "POST", {"runs": ids})).json()

    assert (3, 1, 2) == (told["runs"], told["done"], told["refused"])
    assert [True, False, False] == [item["done"] for item in told["items"]]
    assert [None, "there is no such run"] == [told["items"][0]["why"], told["items"][2]["why"]]
    assert "only a waiting, held or failed run" in told["items"][1]["why"]
    left = (await world.api("runs/cancel", "POST", {"state": "failed"})).json()
    assert [two["id"]] == [item["run"] for item in left["items"]]
    assert (2, 2) == ((stats := await world.stats())["runs"]["failed"], stats["given_up"])
    dry = (await world.api("runs/cancel", "POST", {"runs": [one["id"]], "dry_run": True})).json()
    assert (0, 1) == (dry["done"], dry["refused"])


@pytest.mark.parametrize(
    ("path", "body", "parameter", "said"),
    [
        ("runs/retry", {}, "body", "say which runs"),
        ("runs/retry", {"state": "failed", "runs": ["run_" + "0" * 32]}, "body", "say which runs"),
        ("runs/retry", {"rule": "note", "runs": ["run_" + "0" * 32]}, "body", "no further choice"),
        ("runs/retry", {"runs": ["evt_" + "0" * 32]}, "runs", "such as run_"),
        ("runs/retry", {"state": "waiting"}, "state", "tried by itself"),
        ("runs/retry", {"state": "done"}, "state", "failed"),
        ("runs/cancel", {"state": "failed", "since": "soon"}, "since", "24h"),
        ("runs/cancel", {"state": "failed", "rule": "noot"}, "rule", "did you mean 'note'?"),
        ("runs/cancel", {"state": "held", "connection": "ofice"}, "connection", "did you mean 'office'?"),
        ("replays", {"rule": "noot"}, "rule", "did you mean 'note'?"),
        ("replays", {"source": "hpc"}, "source", "did you mean 'hcp'?"),
        ("replays", {"source": "hpc", "dry_run": True}, "source", "did you mean 'hcp'?"),
        ("reconcile", {"connection": "ofice"}, "connection", "did you mean 'office'?"),
    ],
)
async def test_a_choice_that_says_nothing_or_names_nothing_is_refused(
    world: World, path: str, body: Any, parameter: str, said: str
) -> None:
    await world.serve(RULES)
    answer = await world.api(path, "POST", body)
    assert (422, parameter) == (answer.status_code, answer.json()["parameter"])
    assert said in answer.json()["detail"]


async def test_an_event_to_replay_that_is_not_there_is_named(world: World) -> None:
    await world.serve(RULES)
    run = await world.run(await world.job())
    unknown = "evt_00000000000000000000000000000000"

    told = (await world.api("replays", "POST", {"events": [run["event"], unknown]})).json()

    assert (1, 2) == (told["events"], told["nothing"])
    assert {"event": unknown, "why": "there is no such event"}.items() <= told["items"][0].items()
    later = (await world.api("replays", "POST", {"events": [unknown], "after": run["event"]})).json()
    assert [] == later["items"], "told once"


async def test_a_rule_that_is_gone_and_has_acted_can_still_be_named(world: World) -> None:
    await world.serve(RULES)
    await failed_runs(world, 1)
    await world.stop()
    await world.serve(RULES.replace("id: note", "id: memo"))

    replayed = await world.api("replays", "POST", {"rule": "note", "mode": "same-version", "dry_run": True})
    retried = await world.api("runs/retry", "POST", {"state": "failed", "rule": "note", "dry_run": True})

    assert (200, 200, 1) == (replayed.status_code, retried.status_code, retried.json()["done"])


async def test_the_reference_of_all_vendors_is_made_beside_whoever_is_being_received(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_in: list[threading.Thread] = []

    def noted(*given: Any) -> Any:
        made_in.append(threading.current_thread())
        return describe(*given)

    monkeypatch.setattr("hooks.desk.engine.describe", noted)
    await world.serve(RULES)
    first, second = await world.read("vendors"), await world.read("vendors")
    assert first == second
    assert [False] == [thread is threading.main_thread() for thread in made_in]


async def test_the_page_of_an_event_explains_the_nearest_of_very_many_rules_beside_whoever_is_being_received(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered_in: list[threading.Thread] = []

    def noted(*given: Any) -> bytes:
        rendered_in.append(threading.current_thread())
        return render(*given)

    monkeypatch.setattr("hooks.web.console.shell.render", noted)
    other = NOTE.replace("id: note", "id: other-NUMBER").replace('event: "*"', "event: lead.created")
    assert other != NOTE and "lead.created" in other
    many = "".join(other.replace("NUMBER", str(number)) for number in range(150))
    await world.serve(SOURCES + "connections:\n" + OFFICE + HOMEBASE + "rules:\n" + many + NOTE)
    event = await world.job()
    await world.run(event)

    page = await world.page(f"/events/{event}")

    assert "<b>note</b>" in page, "the last of the file, and the only one that matched"
    assert 100 == page.count('<details class="rule"')
    assert f"51 more rules are not shown here: <code>hooks explain {event}</code>" in page
    assert 151 == len((await world.read(f"events/{event}/explain"))["rules"])
    assert [False] == [thread is threading.main_thread() for thread in rendered_in]
