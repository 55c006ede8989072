"""Zaps that subscribe are told of events, each by a run like any other, until they unsubscribe or are gone."""

from __future__ import annotations

import json

from tests.journeys.world import World
from tests.journeys.zaps import RULES, SIGNED, Zap, serve


async def test_a_zap_that_is_switched_on_is_told_by_a_run_like_any_other(world: World) -> None:
    await serve(world)
    zap = Zap(world)

    answer = await zap.on()
    event = await world.job()
    run = await world.run(event)

    assert 201 == answer.status_code
    assert {"id": zap.id, "event": "job.completed"} == answer.json()
    [told] = zap.told()
    assert (event, "job.completed", "hcp") == (told["id"], told["type"], told["source"])
    assert "maya@example.org" == told["data"]["customer"]["email"]
    assert "raw" not in told
    assert f"leads:{zap.id}" == run["rule"]
    [step] = run["steps"]
    assert ("zapier.trigger", "leads:hooks", "done") == (step["action"], step["connection"], step["state"])
    assert ["done"] == [attempt["verdict"] for attempt in step["attempts"]]
    assert (await world.quiet())["books_balance"]


async def test_only_events_that_were_asked_for_are_told(world: World) -> None:
    await serve(world)
    jobs, leads = Zap(world, "jobs", "job.*"), Zap(world, "leads", "lead.created")
    await jobs.on()
    await leads.on()

    await world.run(await world.job())
    await world.hcp({"event": "invoice.paid", "invoice": {"id": "invoice_1"}})
    await world.quiet()

    assert (1, 0) == (len(jobs.told()), len(leads.told()))


async def test_nobody_is_told_of_what_came_in_by_his_own_door_unless_it_is_opened(world: World) -> None:
    await serve(world)
    zap = Zap(world, event="lead.created")
    await zap.on()
    await world.lead({"Name": "Maya Ortiz"})
    await world.quiet()
    assert [] == zap.told()

    await world.stop()
    await serve(world, ", sources: [leads]")
    await world.lead({"Name": "Lee Park"})
    await world.quiet()

    assert ["Lee Park"] == [told["data"]["customer"]["display_name"] for told in zap.told()]


async def test_a_zap_that_is_switched_off_is_told_no_more(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()

    first, again = await zap.off(), await zap.off()
    event = await world.event(await world.job())

    assert (200, True) == (first.status_code, first.json()["deleted"])
    assert (200, False) == (again.status_code, again.json()["deleted"])
    assert ("unmatched", []) == (event["state"], event["runs"])
    assert [] == zap.told()


async def test_subscribing_again_is_the_same_subscription(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    first = (await zap.on()).json()["id"]
    again = (await zap.on()).json()["id"]

    await world.run(await world.job())

    assert first == again
    assert 1 == len(zap.told())


async def test_subscriptions_survive_a_restart_and_a_reload(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    await world.stop()

    await serve(world)
    await world.run(await world.job())
    assert 200 == (await world.api("rules/reload", "POST", {})).status_code
    await world.run(await world.job())

    assert 2 == len(zap.told())


async def test_a_zap_that_is_gone_is_unsubscribed_and_leaves_no_dead_letter(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    world.box("zapier").add("gone", {"hook": zap.name})

    run = await world.run(await world.job())
    later = await world.event(await world.job())

    assert "was unsubscribed" in run["steps"][0]["output"]["why"]
    assert [410] == [one["status"] for attempt in run["steps"][0]["attempts"] for one in attempt["exchanges"]]
    assert [] == later["runs"]
    assert 0 == (await world.quiet())["runs"]["failed"]


async def test_trouble_at_zapier_is_tried_again_and_the_event_is_told_in_the_end(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    world.fault("zapier", kind="rate", retry_after=3)
    world.fault("zapier", kind="cut_before")

    event = await world.job()
    await world.run(event, "waiting", "429")
    world.clock.leap(5)
    await world.run(event, "waiting", "broke")
    world.clock.leap(10)
    run = await world.run(event)

    assert [event] == [told["id"] for told in zap.told()]
    assert ["transient", "unknown", "done"] == [attempt["verdict"] for attempt in run["steps"][0]["attempts"]]


async def test_what_waits_for_a_zap_that_unsubscribes_meanwhile_ends_in_order(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    world.fault("zapier", kind="status", status=503, retry_after=60)
    event = await world.job()
    await world.run(event, "waiting", "answered 503")
    await zap.off()
    world.clock.leap(90)

    run = await world.run(event)

    assert "unsubscribed" in run["steps"][0]["output"]["why"]
    assert [] == zap.told()


async def test_an_expired_subscription_is_told_no_more_until_the_zap_comes_again(world: World) -> None:
    await serve(world, ", expire_after: 60s")
    zap = Zap(world)
    answer = await zap.on()
    assert answer.json()["expiration_date"].endswith("Z")
    world.clock.leap(70)
    assert 200 == (await world.api("rules/reload", "POST", {})).status_code

    assert [] == (await world.event(await world.job()))["runs"]
    await zap.on()
    await world.run(await world.job())

    assert 1 == len(zap.told())


# --- the operator ---


async def test_the_operator_sees_who_is_told_and_can_end_it(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()

    [shown] = (await world.read("subscribers"))["items"]
    ended = await world.api(f"subscribers/{zap.id}/end", "POST")
    again = await world.api(f"subscribers/{zap.id}/end", "POST")

    host = world.sandbox_url.removeprefix("http://")
    assert (zap.id, "leads", "job.completed", host) == tuple(shown[key] for key in ("id", "source", "event", "host"))
    assert zap.name not in json.dumps(shown)
    assert (200, 404) == (ended.status_code, again.status_code)
    assert [] == (await world.event(await world.job()))["runs"]


async def test_narrowing_what_is_open_ends_the_telling_and_widening_brings_it_back(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()

    narrow = (RULES % (SIGNED, "")).replace('"job.*", lead.created', "lead.created")
    world.write(narrow.replace("HOST", world.sandbox_url.removeprefix("http://")))
    assert 200 == (await world.api("rules/reload", "POST", {})).status_code
    assert [] == (await world.event(await world.job()))["runs"]
    await load_again(world)
    await world.run(await world.job())

    assert 1 == len(zap.told())


async def load_again(world: World) -> None:
    """The file as `serve` has it, taken over by the running server."""
    world.write((RULES % (SIGNED, "")).replace("HOST", world.sandbox_url.removeprefix("http://")))
    assert 200 == (await world.api("rules/reload", "POST", {})).status_code


async def test_a_source_that_closes_its_hooks_holds_what_still_waits(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    world.fault("zapier", kind="status", status=503, retry_after=60)
    event = await world.job()
    await world.run(event, "waiting", "answered 503")

    closed = (RULES % (SIGNED, "")).replace('    hooks: {events: ["job.*", lead.created], hosts: ["HOST"]}\n', "")
    world.write(closed)
    assert 200 == (await world.api("rules/reload", "POST", {})).status_code
    await world.run(event, "held", "not configured any more")
    await load_again(world)
    world.clock.leap(90)
    await world.run(event)

    assert [event] == [told["id"] for told in zap.told()]
