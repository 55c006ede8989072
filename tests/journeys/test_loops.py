"""Loops: a vendor update makes a webhook that makes an update. They end, and what people do is not swallowed."""

from __future__ import annotations

from typing import Any

from hooks.cli.sandboxes import credentials
from tests.journeys.world import LEADS_KEY, SIGNING_SECRET, SOURCES, World

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


RING = """\
version: 1
sources:
  own: {vendor: webhook, verify: {scheme: token, header: X-Key}, secret: "${secret.LEADS_KEY}", type: went.round}
connections:
  ourselves: {vendor: http, base_url: "INBOX", headers: {X-Key: "${secret.LEADS_KEY}"}}
rules:
  - id: round
    event: went.round
    do:
      - action: http.request
        on_unknown: repeat
        with: {method: POST, path: /in/own, json: {from: "${id}"}}
"""


async def test_a_rule_that_posts_to_our_own_address_goes_round_five_times(world: World) -> None:
    await world.serve(RING.replace("INBOX", "http://127.0.0.1:9"))
    world.write(RING.replace("INBOX", str(world.inbox)))
    assert (await world.api("rules/reload", "POST", {})).json()["ok"]
    key = {"X-Key": LEADS_KEY, "Content-Type": "application/json"}

    assert 202 == (await world.post("/in/own", b'{"from":"outside"}', key)).status_code
    held = await world.until(lambda: world.read("runs?state=held"), lambda page: page["items"])
    stats = await world.quiet()

    assert (7, 6, 1) == (stats["events"]["total"], stats["runs"]["done"], stats["runs"]["held"])
    assert "number 6 of a chain" in held["items"][0]["reason"]
    last = await world.read(f"events/{held['items'][0]['event']}")
    assert 6 == last["cause"]["depth"]
    assert (await world.read(f"runs/{last['cause']['run']}"))["rule"] == "round"


async def test_what_others_write_into_the_header_is_no_cause(world: World) -> None:
    await world.serve(RING.replace("INBOX", "http://127.0.0.1:9"))
    key = {"X-Key": LEADS_KEY, "Content-Type": "application/json"}
    for number, said in enumerate(("", "run_1;1", "run_" + "0" * 32, "run_" + "0" * 32 + ";-1", "x" * 5000)):
        answer = await world.post("/in/own", f'{{"from":{number}}}'.encode(), {**key, "Hooks-Cause": said})
        assert (await world.event(answer.json()["events"][0]))["cause"] is None
