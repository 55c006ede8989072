"""Rules in shadow, in a real server: they see every event, keep what they would send, and never send it."""

from __future__ import annotations

import json
from typing import Any

from hooks.store.opening import open_history
from hooks.store.rulerecords import SqlRuleRecords
from tests.journeys.world import HOMEBASE, LEADS_KEY, OFFICE, SOURCES, World

HEAD = SOURCES + "connections:\n" + OFFICE + HOMEBASE + "rules:\n"
LIVE = """\
  - id: job-over
    event: job.completed
    when: data.total_cents >= 5000
    do:
      - id: person
        action: homebase360.create_customer
        with: {firstName: Maya, lastName: Ortiz, email: ["${data.customer.email}"]}
      - action: http.request
        with:
          method: POST
          path: /notes/${steps.person.customerId}
          json: {of: "${steps.person.customerId}", say: "${data.description}"}
"""
SHADOW = LIVE.replace("id: job-over", "id: job-over-2\n    mode: shadow")


async def report(world: World, **query: str) -> Any:
    return await world.read(
        "rules/shadow-report" + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
    )


async def test_what_would_be_sent_is_kept_and_nothing_is_sent(world: World) -> None:
    await world.serve(HEAD + SHADOW)
    event = await world.job(total_amount=9000)

    run = await world.run(event, "skipped")

    assert ("shadow", 0) == (run["reason"], run["attempts"])
    first, second = run["steps"]
    assert ("skipped", "POST", "Ortiz") == (
        first["state"],
        first["request"]["method"],
        first["request"]["body"]["lastName"],
    )
    assert {"of": "<steps.person.customerId>", "say": "AC tune-up"} == second["request"]["body"]
    assert ([], []) == (first["attempts"], second["attempts"])
    world.clock.leap(7200)
    stats = await world.quiet()
    assert (1, 0, True) == (stats["runs"]["skipped"], stats["runs"]["done"], stats["books_balance"])
    assert [] == [*world.box("http").requests, *world.box("homebase360").requests]
    assert 409 == (await world.api(f"runs/{run['id']}/retry", "POST")).status_code


async def test_a_shadow_that_would_do_the_same_is_the_same_though_it_knows_no_answers(world: World) -> None:
    await world.serve(HEAD + LIVE + SHADOW)
    for total in (9000, 100, 6000):
        event = await world.job(total_amount=total)
        if total >= 5000:
            await world.run(event, rule="job-over")

    (found,) = (await report(world))["rules"]

    assert ("job-over-2", "job-over", []) == (found["rule"], found["against"], found["events"])
    assert {"same": 2, "added": 0, "removed": 0, "changed": 0} == found["summary"]
    assert 2 == len(world.asked("http", "POST", "/notes"))


async def test_added_removed_and_changed_are_told_with_their_fields(world: World) -> None:
    other = SHADOW.replace(">= 5000", "< 8000").replace('say: "${data.description}"', 'say: "Job ${data.id}"')
    await world.serve(HEAD + LIVE + other)
    cheap, both, dear = [await world.job(total_amount=total) for total in (100, 6000, 9000)]
    await world.run(both, rule="job-over")
    await world.run(dear, rule="job-over")
    await world.run(cheap, "skipped", rule="job-over-2")

    (found,) = (await report(world, rule="job-over-2", against="job-over", since="1h"))["rules"]

    assert {cheap: "added", both: "changed", dear: "removed"} == {
        each["event"]: each["change"] for each in found["events"]
    }
    (changed,) = [each["fields"] for each in found["events"] if each["event"] == both]
    assert [{"path": "step2.body.say", "old": "AC tune-up", "new": "Job job_2"}] == changed
    assert 404 == (await world.api("rules/shadow-report?rule=job-over")).status_code


async def test_once_per_holds_in_the_shadow_and_does_not_hold_the_live_rule_back(world: World) -> None:
    once = SHADOW.replace("    do:", "    once_per: data.customer.phone\n    once_within: 24h\n    do:", 1)
    await world.serve(HEAD + once)
    first, second = await world.job(total_amount=9000), await world.job(total_amount=9000)
    acted, held = await world.run(first, "skipped"), await world.run(second, "skipped")
    assert (2, 0) == (len(acted["steps"]), len(held["steps"]))
    assert held["reason"].startswith(f"shadow; once_per: {acted['id']}")

    world.write(HEAD + once.replace("    mode: shadow\n", ""))
    assert (await world.api("rules/reload", "POST")).json()["ok"]

    await world.run(await world.job(total_amount=9000), "done")


async def test_a_shadow_that_would_fail_says_why(world: World) -> None:
    job = """\
  - id: over
    mode: shadow
    event: job.completed
    do:
      - action: homebase360.create_job
        with:
          customerId: ${raw.job.nobody}
          start: ${data.scheduled_start_at}
          end: ${data.scheduled_end_at}
          lineItems: [{name: Drain, quantity: 1, unitPrice: "5"}]
"""
    await world.serve(HEAD + job)

    run = await world.run(await world.job(), "skipped")

    assert run["reason"].startswith("shadow: required field 'customerId' came out empty (raw.job.nobody is missing)")
    assert [("step1", "failed", None)] == [(step["id"], step["state"], step["request"]) for step in run["steps"]]


async def test_a_secret_in_a_header_is_not_kept(world: World) -> None:
    rule = """\
  - id: tell
    mode: shadow
    event: job.completed
    do:
      - action: http.request
        with: {method: POST, path: /notes, headers: {X-Key: "${secret.LEADS_KEY}"}, json: {a: 1}}
"""
    await world.serve(HEAD + rule)

    run = await world.run(await world.job(), "skipped")

    assert LEADS_KEY not in json.dumps(run)
    store = await open_history(world.database or f"sqlite:///{world.folder / 'data' / 'hooks.db'}")
    (kept,) = await SqlRuleRecords(store.reader).runs(["tell"], None, 10)
    await store.close()
    assert "${secret.LEADS_KEY}" == kept["steps"][0]["request"]["headers"]["x-key"]


async def test_the_other_steps_of_a_shadow_are_kept_where_its_conditions_do_not_hold(world: World) -> None:
    rule = """\
  - id: tell
    mode: shadow
    event: job.completed
    when: data.total_cents >= 5000
    do:
      - action: http.request
        with: {method: POST, path: /dear, json: {a: 1}}
    else:
      - action: http.request
        with: {method: POST, path: /cheap, json: {a: 1}}
"""
    await world.serve(HEAD + rule)

    runs = [await world.run(await world.job(total_amount=total), "skipped") for total in (100, 9000)]

    assert ["/cheap", "/dear"] == [
        run["steps"][0]["request"]["url"].removeprefix(f"{world.sandbox_url}/http") for run in runs
    ]
    assert [1, 1] == [len(run["steps"]) for run in runs]
