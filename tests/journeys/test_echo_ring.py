"""Two vendors that tell us of each update, and a rule for each way: it settles or is held, and edits get through."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from hooks.cli.sandboxes import credentials
from tests.journeys.world import SECRETS, SOURCES, TITAN, World

KEY = credentials("housecall_pro")["api_key"]
HMAC_KEY = "an-hmac-key-of-a-journey-0123456789"

RULES = (
    SOURCES
    + f"""\
  titan_says: {{vendor: servicetitan, hmac_key: "${{secret.TITAN_HMAC_KEY}}"}}
connections:
  company: {{vendor: housecall_pro, base_url: SANDBOX/housecall_pro, api_key: "{KEY}", rate: 1000}}
"""
    + TITAN
    + """\
    rate: 1000
vars: PAIRS
rules:
  - id: to-titan
    event: customer.updated
    source: hcp
    in_order_by: data.id
    do:
      - action: servicetitan.update_customer
        with: {id: "${vars.titan[data.id]}", name: "${data.display_name}"}
  - id: to-company
    event: customer.updated
    source: titan_says
    do:
      - action: housecall_pro.update_customer
        with: {customer_id: "${vars.company[data.id]}", first_name: "${data.first_name}"}
"""
)


class Telling:
    """In front of a sandbox: after each update of a customer that went well, its vendor tells us of it."""

    def __init__(self, app: ASGIApp, ring: Ring, vendor: str) -> None:
        self._app = app
        self._ring = ring
        self._vendor = vendor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told: list[int] = []

        async def answered(message: Any) -> None:
            if message["type"] == "http.response.start":
                told.append(message["status"])
            await send(message)

        await self._app(scope, receive, answered)
        if scope["type"] == "http" and scope["method"] in ("PUT", "PATCH") and told == [200]:
            await self._ring.tell(self._vendor, scope["path"].rpartition("/")[2])


class Ring:
    """Customers that both vendors have. ``unsteady``: each vendor changes a further field with each update."""

    def __init__(self, world: World, customers: int, *, unsteady: bool = False) -> None:
        self.world = world
        self.unsteady = unsteady
        self.told = 0
        self.pairs: dict[str, str] = {}
        for number in range(customers):
            company, titan = f"cus_{number}", 4400 + number
            name = {"first_name": "Maya", "last_name": "Ortiz", "lead_source": "campaign 0"}
            world.box("housecall_pro").add("customers", {"id": company, **name})
            told = {"name": "Maya Ortiz", "type": "Residential", "balance": 0, "active": True}
            world.box("servicetitan").add("customers", {"id": titan, **told})
            self.pairs[company] = str(titan)
        for vendor in ("housecall_pro", "servicetitan"):
            world.apps[vendor].add_middleware(Telling, ring=self, vendor=vendor)

    async def serve(self) -> None:
        pairs = {
            "titan": {company: int(titan) for company, titan in self.pairs.items()},
            "company": {titan: company for company, titan in self.pairs.items()},
        }
        await self.world.serve(RULES.replace("PAIRS", json.dumps(pairs)))

    async def tell(self, vendor: str, identity: str) -> None:
        self.told += 1
        [record] = [one for one in self.world.records(vendor, "customers") if str(one["id"]) == identity]
        shown = copy.deepcopy(record)
        if vendor == "housecall_pro":
            await self.edited({**shown, **({"lead_source": f"campaign {self.told}"} if self.unsteady else {})})
            return
        told = {**shown, **({"balance": self.told} if self.unsteady else {})}
        body = json.dumps({"eventType": "customer.updated", "tenantId": 1, "data": told}).encode()
        signature = hmac.new(HMAC_KEY.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-ServiceTitan-Signature": signature}
        answer = await self.world.post("/in/titan_says", body, headers)
        assert 202 == answer.status_code, answer.text

    async def edited(self, customer: dict[str, Any]) -> None:
        answer = await self.world.hcp({"event": "customer.updated", "customer": customer})
        assert 202 == answer.status_code, answer.text

    def writes(self) -> tuple[int, int]:
        """What we have written at the two."""
        return (
            len(self.world.asked("housecall_pro", "PUT", "/customers")),
            len(self.world.asked("servicetitan", "PATCH", "/customers")),
        )

    def name_at_titan(self, company: str) -> str:
        [found] = [
            one["name"]
            for one in self.world.records("servicetitan", "customers")
            if str(one["id"]) == self.pairs[company]
        ]
        return str(found)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TITAN_HMAC_KEY", HMAC_KEY)


async def test_a_ring_of_two_vendors_settles_within_two_writes(world: World) -> None:
    ring = Ring(world, 1)
    await ring.serve()
    await ring.edited({"id": "cus_0", "first_name": "Maja", "last_name": "Ortiz"})
    await world.until(world.stats, lambda stats: stats["runs"]["skipped"] == 1)
    stats = await world.quiet()
    assert (1, 1, 0) == (stats["runs"]["done"], stats["runs"]["skipped"], stats["runs"]["held"])
    assert (0, 1) == ring.writes()
    assert "Maja Ortiz" == ring.name_at_titan("cus_0")
    [skipped] = (await world.read("runs?state=skipped"))["items"]
    assert ("to-company", True) == (skipped["rule"], skipped["reason"].startswith("echo: run_"))


async def test_a_ring_in_which_a_field_changes_each_time_is_held_after_its_budget(world: World) -> None:
    ring = Ring(world, 1, unsteady=True)
    await ring.serve()
    await ring.edited({"id": "cus_0", "first_name": "Maja", "last_name": "Ortiz"})
    stats = await world.until(world.stats, lambda stats: stats["runs"]["held"] == 1)
    stats = await world.quiet()
    assert 1 == stats["runs"]["held"]
    assert (20, 21) == ring.writes()
    [held] = (await world.read("runs?state=held"))["items"]
    assert "looks like a loop: to-company has fired 21 times in ten minutes" in held["reason"]
    assert stats["books_balance"]


async def test_five_hundred_edits_of_people_in_a_minute_are_all_carried_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one store: it is 1,500 requests, and what is compared is the same code on both."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with World(tmp_path) as world:
        ring = Ring(world, 25)
        await ring.serve()
        began = time.monotonic()
        for number in range(20):
            edits = [{"id": company, "first_name": f"Maya {number}", "last_name": "Ortiz"} for company in ring.pairs]
            await asyncio.gather(*map(ring.edited, edits))
        assert time.monotonic() - began < 60
        await world.until(world.stats, lambda stats: stats["runs"]["skipped"] == 500, seconds=60)
        stats = await world.quiet()
        assert (500, 500, 0) == (stats["runs"]["done"], stats["runs"]["skipped"], stats["runs"]["held"])
        assert (0, 500) == ring.writes()
        assert {"Maya 19 Ortiz"} == {ring.name_at_titan(company) for company in ring.pairs}
        assert stats["books_balance"]
