"""Events of our own: what one rule emits sets off others, once, with its history, and not for ever."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hooks.errors import StoreError
from hooks.store.verbs import SqlStore
from tests.journeys.test_console_pages import browser
from tests.journeys.world import OFFICE, SOURCES, World

RULES = (
    SOURCES
    + "connections:\n"
    + OFFICE
    + """\
rules:
  - id: find
    event: job.completed
    source: hcp
    when: data.total_cents >= 10000
    do:
      - id: told
        action: event.emit
        with: {type: job.large, subject: "job/${data.id}", data: {job: "${data}", gap: [1, null], by: find}}
      - action: http.request
        with: {method: POST, path: /notes, json: {emitted: "${steps.told.event}", receipt: "${steps.told.receipt}"}}
  - id: call
    event: job.large
    source: event
    do:
      - action: http.request
        with: {method: POST, path: /notes, json: {about: "${data.job.customer.first_name}", event: "${id}"}}
"""
)

RING = (
    SOURCES
    + """\
rules:
  - id: tick
    event: job.*
    do:
      - action: event.emit
        with: {type: job.tock, data: {number: "${(data.number ?? 0) + 1}"}}
"""
)


async def emitted(world: World, event: str) -> Any:
    """What the rule `find` has made of an event: ``{event, receipt}``."""
    run = await world.run(event, rule="find")
    [output] = [step["output"] for step in run["steps"] if step["id"] == "told"]
    return output


async def test_what_one_rule_emits_another_takes(world: World) -> None:
    await world.serve(RULES, strict=True)
    first = await world.job()
    made = await emitted(world, first)
    called = await world.run(made["event"])

    assert "call" == called["rule"]
    assert {"emitted": made["event"], "receipt": made["receipt"]} in world.notes()
    assert {"about": "Maya", "event": made["event"]} in world.notes()
    event = await world.event(made["event"])
    named = [event[key] for key in ("type", "source", "vendor", "vendor_type", "receipt")]
    assert ["job.large", "event", "event", "job.large", made["receipt"]] == named
    assert f"job/{event['data']['job']['id']}" == event["subject"]
    assert ([1, None], "find") == (event["data"]["gap"], event["data"]["by"]), "its nulls are its own"
    assert {"run": (await world.run(first))["id"], "depth": 1} == event["cause"]
    assert (await world.event(first))["cause"] is None
    assert (await world.stats())["books_balance"]


async def test_an_emitted_event_has_a_receipt_and_an_explanation_like_any_other(world: World) -> None:
    await world.serve(RULES, strict=True)
    made = await emitted(world, await world.job())
    receipt = await world.read(f"receipts/{made['receipt']}")
    assert ("accepted", "event", [made["event"]]) == (receipt["verdict"], receipt["source"], receipt["events"])
    assert receipt["body"].startswith('{"type":"job.large","subject":"job/')

    await world.event(made["event"])
    explained = await world.read(f"events/{made['event']}/explain")
    assert {"find": False, "call": True} == {rule["id"]: rule["matched"] for rule in explained["rules"]}
    before = await world.read(f"events/{(await world.run(made['event']))['event']}")
    cause = await world.read(f"runs/{before['cause']['run']}")
    request = cause["steps"][0]["request"]
    assert ("POST", "hooks://event/", "job.large") == (request["method"], request["url"], request["body"]["type"])


async def test_nobody_outside_can_emit(world: World) -> None:
    await world.serve(RULES, strict=True)
    answer = await world.post("/in/event", b'{"type":"job.large","subject":null,"data":{}}', {})
    assert 404 == answer.status_code
    assert {"hcp", "leads"} == {source["name"] for source in (await world.read("sources"))["items"]}


async def test_a_step_that_is_tried_again_finds_what_it_has_emitted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is lost after the event is on disk: as when the program ends between the two."""
    await world.serve(RULES, strict=True)
    real = SqlStore.progress
    lost: list[str] = []

    async def progress(store: SqlStore, change: Any) -> None:
        if not lost and any(step.id == "told" and step.state == "done" for step in change.steps):
            lost.append(change.run)
            raise ValueError("this result is lost")
        await real(store, change)

    monkeypatch.setattr(SqlStore, "progress", progress)
    first = await world.job()
    await world.run(first, state="waiting", reason="a fault of this program")
    world.clock.leap(60)
    made = await emitted(world, first)
    await world.run(made["event"])
    stats = await world.quiet()
    assert (2, 2) == (stats["events"]["total"], stats["runs"]["done"])
    assert (2, 1) == (stats["receipts"]["accepted"], stats["receipts"]["duplicate"])
    assert stats["books_balance"]


async def test_a_replay_emits_nothing_anew_and_a_forced_one_does(world: World) -> None:
    await world.serve(RULES, strict=True)
    first = await world.job()
    made = await emitted(world, first)
    await world.run(made["event"])
    for mode, events in (("same-version", 2), ("force", 3)):
        answer = await world.api("replays", "POST", {"events": [first], "mode": mode})
        assert answer.is_success, answer.text
        assert events == (await world.quiet())["events"]["total"], mode


async def test_a_store_that_takes_nothing_now_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.serve(RULES, strict=True)
    real = SqlStore.record
    refused: list[str] = []

    def record(store: SqlStore, receipt: Any, key: Any, window: float) -> Any:
        if receipt.source == "event" and not refused:
            refused.append(receipt.id)
            raise StoreError("no room")
        return real(store, receipt, key, window)

    monkeypatch.setattr(SqlStore, "record", record)
    first = await world.job()
    run = await world.run(first, state="waiting", reason="cannot be stored now")
    assert "no room" in run["reason"]
    world.clock.leap(60)
    assert (await emitted(world, first))["receipt"] not in refused


async def test_rules_that_set_each_other_off_come_to_an_end(world: World) -> None:
    await world.serve(RING)
    await world.job()
    stats = await world.until(world.stats, lambda stats: stats["runs"]["held"] == 1)
    stats = await world.quiet()
    assert (6, 1, 7) == (stats["runs"]["done"], stats["runs"]["held"], stats["events"]["total"])
    [held] = (await world.read("runs?state=held"))["items"]
    assert "looks like a loop: its event is number 6 of a chain" in held["reason"]
    last = await world.event(held["event"])
    assert (6, {"number": 6}) == (last["cause"]["depth"], last["data"])


async def test_runs_go_on_when_no_rule_emits_any_more(world: World) -> None:
    await world.serve(RULES)
    await world.api("connections/event/pause", "POST", {"reason": "for this test"})
    first = await world.job()
    await world.run(first, state="held")
    without = RULES[: RULES.index("rules:")] + "rules: []\n"
    world.write(without)
    await world.api("rules/reload", "POST")
    await world.api("connections/event/resume", "POST", {})
    made = await emitted(world, first)
    assert "unmatched" == (await world.event(made["event"]))["state"]


async def test_the_console_shows_what_has_caused_an_event(world: World) -> None:
    await world.serve(RULES, strict=True)
    made = await emitted(world, await world.job())
    await world.run(made["event"])
    cause = (await world.event(made["event"]))["cause"]["run"]
    async with browser(world) as client:
        page = (await client.get(f"/events/{made['event']}")).text
        assert re.search(rf"caused by\s*<a [^>]*/runs/{cause}", page)
        for path in ("/connections", "/vendors/event", f"/runs/{cause}", f"/receipts/{made['receipt']}", "/rules"):
            answer = await client.get(path)
            assert (200, path) == (answer.status_code, answer.url.path), answer.text


async def test_a_change_of_what_is_emitted_is_backtested_and_tried_in_the_shadow(world: World) -> None:
    await world.serve(RULES, strict=True)
    first = await world.job()
    made = await emitted(world, first)
    await world.run(made["event"])
    changed = RULES.replace("by: find", "by: search").replace("SANDBOX", world.sandbox_url)
    found = (await world.api("rules/backtest", "POST", {"text": changed})).json()
    assert (1, 1) == (found["summary"]["same"], found["summary"]["changed"])
    [difference] = found["events"]
    assert (first, "find") == (difference["event"], difference["rule"])
    assert "search" in [field["new"] for field in difference["fields"]]

    world.write(RULES.replace("  - id: find\n", "  - id: find\n    mode: shadow\n"))
    await world.api("rules/reload", "POST")
    run = await world.run(await world.job(), state="skipped")
    assert ["event.emit", "http.request"] == [step["action"] for step in run["steps"]]
    assert "job.large" == run["steps"][0]["request"]["body"]["type"]
    assert 3 == (await world.quiet())["events"]["total"], "nothing was put in"


async def test_an_emitted_customer_is_the_same_person_and_no_new_record(world: World) -> None:
    await world.serve(RULES.replace('{job: "${data}", gap: [1, null], by: find}', '"${data}"'), strict=True)
    made = await emitted(world, await world.job())
    await world.run(made["event"])

    async def person() -> Any:
        found = (await world.read("people?q=maya%40example.org"))["items"]
        return await world.read(f"people/{found[0]['id']}") if len(found) == 1 else None

    shown = await world.until(person, lambda shown: shown is not None and len(shown["events"]) == 2)
    assert [("housecall_pro", "cus_1")] == [(record["vendor"], record["id"]) for record in shown["records"]]
