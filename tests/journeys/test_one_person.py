"""The same person stays one: whatever comes how often, in which writing, by which source, and how many at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hooks.cli.sandboxes import credentials
from hooks.ports import Progress
from hooks.store.verbs import SqlStore
from tests.journeys.world import HOMEBASE, LEADS_KEY, SOURCES, TITAN, World

PRO = """\
  pro: {vendor: housecall_pro, base_url: SANDBOX/housecall_pro, api_key: "${secret.HCP_API_KEY}", lookup_wait: 100ms}
"""
RULES = (
    SOURCES
    + """\
  shop: {vendor: zapier, key: "${secret.LEADS_KEY}"}
connections:
"""
    + HOMEBASE.replace("api_key", "lookup_wait: 100ms, timeout: 2s, api_key")
    + TITAN
    + PRO
    + """\
rules:
  - id: to-homebase
    event: lead.created
    retry: {attempts: 4, first_wait: 50ms, backoff: fixed}
    do:
      - {action: homebase360.upsert_customer, with: {customer: "${data.customer}"}}
  - id: to-titan
    event: lead.created
    retry: {attempts: 4, first_wait: 50ms, backoff: fixed}
    do:
      - {action: servicetitan.upsert_customer, with: {customer: "${data.customer}"}}
  - id: to-pro
    event: lead.created
    retry: {attempts: 4, first_wait: 50ms, backoff: fixed}
    do:
      - {action: housecall_pro.upsert_customer, with: {customer: "${data.customer}"}}
"""
)
ADDRESS = {"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401"}
WRITINGS = (
    "3035550142",
    "303-555-0142",
    "(303) 555-0142",
    "303.555.0142",
    "+1 303 555 0142",
    "1-303-555-0142",
    "+13035550142",
    "303 555 0142",
    "(303)555-0142",
    "303/555-0142",
)
VENDORS = ("homebase360", "servicetitan", "housecall_pro")


@pytest.fixture(autouse=True)
def key_of_pro(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HCP_API_KEY", credentials("housecall_pro")["api_key"])


def lead(phone: str, **more: Any) -> dict[str, Any]:
    return {"full_name": "Maya Ortiz", "phone": phone, **ADDRESS, **more}


async def shop(world: World, body: Any) -> str:
    """A lead by the second source; gives its event's id."""
    headers = {"Content-Type": "application/json", "X-Api-Key": LEADS_KEY}
    answer = await world.post("/in/shop", json.dumps(body).encode(), headers)
    assert 202 == answer.status_code, answer.text
    return str(answer.json()["events"][0])


async def leads(world: World, *bodies: Any) -> list[str]:
    answers = await asyncio.gather(*(world.lead(body) for body in bodies))
    return [answer.json()["events"][0] for answer in answers]


async def leads_again(world: World, body: Any) -> None:
    """The sender tries the very same bytes again: a duplicate."""
    assert (await world.lead(body)).json()["duplicate"]


async def done(world: World, events: list[str], rule: str) -> list[Any]:
    return [await world.run(event, rule=rule) for event in events]


def customers(world: World) -> list[int]:
    """How many customers each vendor has."""
    return [len(world.records(vendor, "customers")) for vendor in VENDORS]


async def test_ten_leads_of_one_person_are_one_customer_at_each_vendor(world: World) -> None:
    await world.serve(RULES)
    for vendor in VENDORS:  # made, and nobody hears of it; then trouble on the way
        world.fault(vendor, kind="cut_after", path="/customers", method="POST")
        world.fault(vendor, kind="status", status=503, count=2, path="/customers")

    first = await leads(world, *(lead(phone) for phone in WRITINGS[:5]))
    await leads_again(world, lead(WRITINGS[0]))
    second = [await shop(world, lead(phone, email="maya@example.org")) for phone in WRITINGS[5:]]
    by_mail = [await shop(world, {"full_name": "Maya Ortiz", "email": "Maya@Example.org", **ADDRESS})]
    for rule in ("to-homebase", "to-titan", "to-pro"):
        await done(world, [*first, *second, *by_mail], rule)

    assert [1, 1, 1] == customers(world)
    assert (await world.quiet())["books_balance"]


async def test_a_stop_in_the_middle_makes_no_second_customer(world: World) -> None:
    await world.serve(RULES)
    for vendor in VENDORS:
        world.fault(vendor, kind="delay", seconds=0.3, path="/customers", method="POST")
    events = await leads(world, *(lead(phone) for phone in WRITINGS[:4]))
    await world.stop()
    await world.serve()
    for rule in ("to-homebase", "to-titan", "to-pro"):
        await done(world, events, rule)
    assert [1, 1, 1] == customers(world)


async def test_two_leads_of_somebody_new_at_the_same_moment_make_one_customer(world: World) -> None:
    await world.serve(RULES)
    for vendor in VENDORS:
        world.fault(vendor, kind="delay", seconds=0.4, count=2, path="/customers", method="GET")
        world.fault(vendor, kind="delay", seconds=0.4, path="/customers", method="POST")

    events = await leads(world, lead("303-555-0142"), lead("(303) 555-0142"))
    for rule in ("to-homebase", "to-titan", "to-pro"):
        runs = await done(world, events, rule)
        outputs = [run["steps"][0]["output"] for run in runs]
        assert [False, True] == sorted(output["created"] for output in outputs)

    assert [1, 1, 1] == customers(world)


async def test_a_run_whose_turn_was_over_before_its_call_left_takes_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow: list[str] = []
    progress = SqlStore.progress

    async def slowly(store: SqlStore, change: Progress) -> None:
        """Writing the first intent takes a minute: a disk that hangs, a process that is stopped for a while."""
        await progress(store, change)
        if not slow and any(step.state == "intended" for step in change.steps):
            slow.append(change.run)
            world.clock.leap(60)

    monkeypatch.setattr(SqlStore, "progress", slowly)
    await world.serve(RULES[: RULES.index("  - id: to-titan")])
    world.fault("homebase360", kind="delay", seconds=0.4, count=4, path="/customers")

    events = await leads(world, lead("303-555-0142"), lead("(303) 555-0142"))
    runs = await done(world, events, "to-homebase")

    assert slow[0] in {run["id"] for run in runs}
    assert [False, True] == sorted(run["steps"][0]["output"]["created"] for run in runs)
    assert 1 == len(world.records("homebase360", "customers"))


async def test_what_the_map_knows_is_not_searched_for(world: World) -> None:
    await world.serve(RULES)
    [first] = await leads(world, lead("303-555-0142", email="maya@example.org"))
    await done(world, [first], "to-homebase")
    for box in VENDORS:
        world.box(box).requests.clear()

    [again] = await leads(world, {"full_name": "Maya Ortiz", "email": "maya@example.org"})
    [run] = await done(world, [again], "to-homebase")

    assert run["steps"][0]["output"]["unchanged"]
    asked = [one["query"] for one in world.asked("homebase360", "GET", "/customers")]
    identity = world.records("homebase360", "customers")[0]["customerId"]
    assert [f"customerId={identity}"] == asked


async def test_a_known_record_that_is_gone_is_made_again_and_forgotten(world: World) -> None:
    await world.serve(RULES)
    [first] = await leads(world, lead("303-555-0142"))
    for rule in ("to-homebase", "to-titan", "to-pro"):
        await done(world, [first], rule)
    for vendor in VENDORS:
        world.records(vendor, "customers").clear()

    [again] = await leads(world, lead("303.555.0142"))
    for rule in ("to-homebase", "to-titan", "to-pro"):
        [run] = await done(world, [again], rule)
        assert run["steps"][0]["output"]["created"]
    assert [1, 1, 1] == customers(world)

    [third] = await leads(world, lead("+13035550142"))
    [run] = await done(world, [third], "to-homebase")
    assert run["steps"][0]["output"]["unchanged"]


async def test_a_family_with_one_phone_stays_two_customers(world: World) -> None:
    await world.serve(RULES)
    [maya] = await leads(world, lead("303-555-0142"))
    for rule in ("to-homebase", "to-titan", "to-pro"):
        await done(world, [maya], rule)
    [leo] = await leads(world, lead("303-555-0142", full_name="Leo Ortiz"))
    for rule in ("to-homebase", "to-titan", "to-pro"):
        [run] = await done(world, [leo], rule)
        assert run["steps"][0]["output"]["created"]

    assert [2, 2, 2] == customers(world)
    names = {(one["firstName"], one["lastName"]) for one in world.records("homebase360", "customers")}
    assert {("Maya", "Ortiz"), ("Leo", "Ortiz")} == names


async def test_a_lead_that_cannot_be_made_holds_up_no_other_of_the_same_person(world: World) -> None:
    await world.serve(RULES)
    world.fault("homebase360", kind="status", status=422, path="/customers", method="POST")
    [bad] = await leads(world, lead("303-555-0142"))
    failed = await world.run(bad, "failed", rule="to-homebase")
    [good] = await leads(world, lead("303.555.0142"))
    await done(world, [good], "to-homebase")
    assert "422" in str(failed["steps"][0]["attempts"][-1]["status"])
    assert 1 == len(world.records("homebase360", "customers"))
