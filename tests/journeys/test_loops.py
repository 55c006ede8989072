"""Loops: a vendor update makes a webhook that makes an update. They end, and what people do is not swallowed."""

from __future__ import annotations

from typing import Any

from hooks.cli.sandboxes import credentials
from tests.journeys.world import SIGNING_SECRET, SOURCES, World

KEY = credentials("housecall_pro")["api_key"]
RULES = (
    SOURCES
    + f"""\
connections:
  company: {{vendor: housecall_pro, base_url: SANDBOX/housecall_pro, api_key: "{KEY}"}}
rules:
  - id: mark
    event: customer.updated
    do:
      - action: housecall_pro.update_customer
        with: {{customer_id: "${{data.id}}", notes: synced}}
"""
)


async def customer(world: World) -> str:
    """A customer at the vendor, who tells us of changes from now on."""
    made = await call(world, "POST", "/customers", {"first_name": "Maya", "email": "maya@example.org"})
    hook = {"url": f"{world.inbox}/in/hcp", "secret": SIGNING_SECRET}
    answer = await world._client.post(f"{world.sandbox_url}/housecall_pro/_sandbox/webhooks", json=hook)
    assert answer.is_success, answer.text
    return str(made["id"])


async def call(world: World, method: str, path: str, body: Any) -> Any:
    """What a person does in the vendor's own pages."""
    answer = await world._client.request(
        method,
        f"{world.sandbox_url}/housecall_pro{path}",
        json=body,
        headers={"Authorization": f"Token {KEY}"},
    )
    assert answer.is_success, answer.text
    return answer.json()


def writes(world: World) -> int:
    return len(world.asked("housecall_pro", "PUT", "/customers"))


async def test_an_update_that_comes_back_settles_at_once(world: World) -> None:
    await world.serve(RULES)
    identity = await customer(world)
    await call(world, "PUT", f"/customers/{identity}", {"first_name": "Maja"})
    await world.until(world.stats, lambda stats: stats["runs"]["skipped"] == 1)
    stats = await world.quiet()
    assert (1, 1, 0) == (stats["runs"]["done"], stats["runs"]["skipped"], stats["runs"]["held"])
    assert 1 + 1 == writes(world), "the person's and ours"
    skipped = (await world.read("runs?state=skipped"))["items"][0]
    assert skipped["reason"].startswith("echo: run_")

    await call(world, "PUT", f"/customers/{identity}", {"first_name": "Maria"})
    await world.until(world.stats, lambda stats: stats["runs"]["done"] == 2)
    assert 2 == (await world.quiet())["runs"]["done"], "a person's change is acted on"


async def test_a_record_that_changes_each_time_has_a_budget_and_others_go_on(world: World) -> None:
    await world.serve(RULES)
    identity = (await call(world, "POST", "/customers", {"first_name": "Maya", "email": "maya@example.org"}))["id"]
    other = (await call(world, "POST", "/customers", {"first_name": "Otto", "email": "otto@example.org"}))["id"]
    for number in range(25):
        edit = {"event": "customer.updated", "customer": {"id": identity, "first_name": f"Maya {number}"}}
        await world.hcp(edit)
        if number == 0:
            await world.until(world.stats, lambda stats: stats["runs"]["done"] == 1)
    stats = await world.quiet()
    assert (21, 4) == (stats["runs"]["done"], stats["runs"]["held"]), "the first one was before any write of ours"
    await world.hcp({"event": "customer.updated", "customer": {"id": other, "first_name": "Otto"}})
    assert 22 == (await world.until(world.stats, lambda stats: stats["runs"]["done"] == 22))["runs"]["done"]

    held = (await world.read("runs?state=held"))["items"][0]
    assert "looks like a loop" in held["reason"]
    await world.api(f"runs/{held['id']}/retry", "POST")
    await world.until(world.stats, lambda stats: stats["runs"]["done"] == 23)
    assert (await world.stats())["books_balance"]


async def test_a_rule_that_watches_what_it_writes_is_pointed_out(world: World) -> None:
    await world.serve(RULES)
    checked = (await world.api("rules/check", "POST", {"text": RULES.replace("SANDBOX", world.sandbox_url)})).json()
    assert checked["ok"]
    assert 1 == sum("set itself off" in finding["message"] for finding in checked["findings"])
    other = RULES.replace("event: customer.updated", "event: job.completed").replace(
        "${data.id}", "${data.customer.id}"
    )
    checked = (await world.api("rules/check", "POST", {"text": other.replace("SANDBOX", world.sandbox_url)})).json()
    assert not any("set itself off" in finding["message"] for finding in checked["findings"])
