"""kill -9 while somebody's customer is being made: still one customer at each vendor."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.faults.processes import ProcessWorld
from tests.journeys.world import HOMEBASE, SOURCES, TITAN

RULES = (
    SOURCES
    + "connections:\n"
    + HOMEBASE.replace("api_key", "lookup_wait: 500ms, timeout: 2s, api_key")
    + TITAN
    + """\
rules:
  - id: to-homebase
    event: lead.created
    retry: {attempts: 6, first_wait: 50ms, backoff: fixed}
    do:
      - {action: homebase360.upsert_customer, with: {customer: "${data.customer}"}}
  - id: to-titan
    event: lead.created
    retry: {attempts: 6, first_wait: 50ms, backoff: fixed}
    do:
      - {action: servicetitan.upsert_customer, with: {customer: "${data.customer}"}}
"""
)
ADDRESS = {"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401"}
WRITINGS = ("303-555-0142", "(303) 555-0142", "303.555.0142", "+1 303 555 0142")


def lead(phone: str) -> dict[str, Any]:
    return {"full_name": "Maya Ortiz", "phone": phone, **ADDRESS}


@pytest.mark.timeout(120)
async def test_a_server_killed_while_it_makes_a_customer_makes_no_second_one(world: ProcessWorld) -> None:
    vendors = ("homebase360", "servicetitan")
    for vendor in vendors:
        world.fault(vendor, kind="delay", seconds=0.6, count=2, path="/customers", method="POST")
    await world.serve(RULES)
    events: list[str] = []
    for round_, after in enumerate((0.2, 0.7)):
        answers = await asyncio.gather(*(world.lead(lead(phone)) for phone in WRITINGS[round_ * 2 : round_ * 2 + 2]))
        events += [answer.json()["events"][0] for answer in answers]
        await asyncio.sleep(after)
        await world.kill()
        await world.serve()
    for event in events:
        for rule in ("to-homebase", "to-titan"):
            await world.run(event, rule=rule)
    assert [1, 1] == [len(world.records(vendor, "customers")) for vendor in vendors]
    assert (await world.quiet())["books_balance"]
