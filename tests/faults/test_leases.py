"""Many workers, short leases: whatever is claimed, renewed, lost and taken over, each step is carried out by one."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from hooks.clock import SystemClock
from hooks.events import Receipt, new_id
from hooks.pipeline import deliver
from hooks.pipeline.accounts import Account
from hooks.pipeline.deliver import Worker
from hooks.pipeline.dispatch import Dispatcher
from hooks.rules.ruleset import RuleSet
from hooks.store.opening import open_store
from tests.faults.conftest import Tell
from tests.faults.table import Row
from tests.pipeline.engine import RULES, VENDOR, load
from tests.vendors.hello import client as hello_client
from tests.vendors.hello import sandbox as hello_sandbox

WORKERS, EVENTS = 8, 400

App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


def dawdling(app: App, chance: random.Random) -> App:
    """The vendor, which now and then takes longer for an answer than a lease lasts."""

    async def answer(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await asyncio.sleep(chance.choice((0.0, 0.01, 0.05, 0.2, 1.5)))
        await app(scope, receive, send)

    return answer


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_eight_workers_with_leases_of_a_second_carry_each_step_out_once(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    monkeypatch.setattr(deliver, "LEASE", 1.0)
    monkeypatch.setattr(deliver, "RENEW_EVERY", 0.25)
    chance = random.Random(43)
    clock, rules = SystemClock(), load(RULES.replace("lookup_wait: 10s", "lookup_wait: 3s"))
    vendor = hello_sandbox.sandbox()
    transport = httpx.ASGITransport(dawdling(vendor, chance))
    config = rules.connections["friend"]
    stores = [await open_store(postgres_database, relaxed=True) for _ in range(WORKERS)]
    [source] = rules.sources.items()
    assert VENDOR.make_source is not None
    reader = VENDOR.make_source(source[0], source[1].settings)
    dispatcher = Dispatcher(
        stores[0], clock, owner="reader", rules=lambda: rules, sources=lambda: {"hello": reader}, planned=lambda: None
    )
    receipts = [
        Receipt(
            *(new_id("rcp"), "hello", "hello", datetime.now(UTC), "accepted"),
            body=b'{"kind":"greeting.sent","to":"Maya %d"}' % number,
            events=1,
        )
        for number in range(EVENTS)
    ]
    await asyncio.gather(*(stores[0].record(receipt, None, 0.0) for receipt in receipts))
    while await dispatcher.turn():
        pass

    async def of(version: str) -> RuleSet | None:
        return rules

    def worker(place: int) -> Worker:
        client = hello_client.HelloClient("friend", config.settings, transport=transport)  # type: ignore[arg-type]
        accounts = {"friend": Account("friend", "hello", config.settings, client)}
        return Worker(
            *(stores[place], clock), owner=f"worker-{place}", accounts=lambda: accounts, rules=of, chance=chance.random
        )

    workers = [worker(place) for place in range(WORKERS)]
    running = [asyncio.create_task(one.run()) for one in workers]
    dropped = 0
    try:
        async with asyncio.timeout(240):
            while await stores[0].next_due(["friend"]) is not None or (await stores[0].connection_states())[1]:
                await asyncio.sleep(0.3)
                if dropped < 20:  # a worker dies, with all it holds, and another one begins
                    place = dropped % WORKERS
                    running[place].cancel()
                    await asyncio.gather(running[place], return_exceptions=True)
                    workers[place] = worker(place)
                    running[place] = asyncio.create_task(workers[place].run())
                    dropped += 1
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for store in stores:
            await store.close()
    made = Counter(one["ref"] for one in vendor.state.sandbox.of("greetings"))
    wanted = {receipt.event_ids[0] for receipt in receipts}
    unacted, double = wanted - set(made), [ref for ref, number in made.items() if number > 1]
    seen = f"{EVENTS} events, each sent by one of them; {dropped} workers died with what they held"
    tell(Row("F43 two workers, one event", "8 workers, leases of 1 s, on PostgreSQL", "double 0", seen, 0,
             len(unacted), len(double)))  # fmt: skip
    assert (set(), []) == (unacted, double)
