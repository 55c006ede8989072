"""Two servers on one PostgreSQL that stand in each other's way: one stands back, and both come through."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import datetime

from hooks.ports import Timing
from hooks.store.engine import Reading, Transaction
from hooks.store.moments import note, recall
from hooks.store.opening import open_history, open_store
from tests.store.test_timing_conformance import UNTIMED, Books


async def test_two_that_wait_for_each_other_both_come_through(ready_postgres: str) -> None:
    stores = [await open_store(ready_postgres, relaxed=True) for _ in range(2)]
    both_have_one = threading.Barrier(2)
    tried: list[str] = []

    def work(first: str, second: str, at: int) -> Callable[[Transaction], int]:
        def move(transaction: Transaction) -> int:
            tried.append(first)
            note(transaction, first, at)
            if tried.count(first) == 1:
                both_have_one.wait(5)
            note(transaction, second, at)
            return at

        return move

    def harmless(transaction: Transaction) -> str:
        return "done"

    def begin(transaction: Transaction) -> None:
        note(transaction, "one", 0)
        note(transaction, "other", 0)

    def kept(reading: Reading) -> set[datetime | None]:
        return {recall(reading, "one"), recall(reading, "other")}

    try:
        await stores[0].engine.write(begin)
        done = await asyncio.gather(
            stores[0].engine.write(harmless),
            stores[0].engine.write(work("one", "other", 1)),
            stores[1].engine.write(work("other", "one", 2)),
        )
        assert ["done", 1, 2] == list(done)
        assert 3 <= len(tried) <= 4, "one of them was tried again"
        assert 1 == len(await stores[0].engine.read(kept)), "one after the other, each as a whole"
    finally:
        for store in stores:
            await store.close()


async def test_servers_that_were_in_each_others_way_take_turns_from_then_on(ready_postgres: str) -> None:
    stores = [await open_store(ready_postgres, relaxed=True) for _ in range(3)]
    tried: list[str] = []

    def work(*names: str) -> Callable[[Transaction], None]:
        def move(transaction: Transaction) -> None:
            tried.append(names[0])
            for name in names:
                note(transaction, name, 0)
                time.sleep(0.02)

        return move

    try:
        for _ in range(15):
            orders = [("one", "two", "three"), ("two", "three", "one"), ("three", "one", "two")]
            await asyncio.gather(
                *[store.engine.write(work(*names)) for store, names in zip(stores, orders, strict=True)]
            )
        assert len(tried) <= 45 + 12, "if each time one or two stood back, it were 60 to 75, and took fifteen seconds"
    finally:
        for store in stores:
            await store.close()


async def test_who_claims_the_run_of_a_burst_does_not_wait_for_who_plans_the_next_one(ready_postgres: str) -> None:
    """The one who plans has the burst and wants the run's row, the other has that: it would wait for ever."""
    stores = [await open_store(ready_postgres, relaxed=True) for _ in range(2)]
    history = await open_history(ready_postgres)
    books = Books(stores[0], history)
    has_the_burst, claimed = threading.Event(), threading.Event()
    try:
        first = await books.run(Timing(burst="key", settles_by=books.after(300)))
        second = await books.run(UNTIMED)

        def plan_slowly(transaction: Transaction) -> bool:
            transaction.execute("UPDATE bursts SET burst = burst WHERE burst = 'key'")
            has_the_burst.set()
            waited = claimed.wait(3)
            transaction.execute("UPDATE runs SET reason = reason WHERE id = ?", (first,))
            return waited

        planning = asyncio.create_task(stores[0].engine.write(plan_slowly))
        await asyncio.to_thread(has_the_burst.wait, 5)
        found = await stores[1].claim("another", {"titan": 5}, books.now, 20)
        claimed.set()
        assert await planning, "the claim came back meanwhile"
        assert [second] == [run.id for run, _ in found]
        assert [first] == [run.id for run, _ in await stores[1].claim("another", {"titan": 5}, books.after(1), 20)]
    finally:
        await history.close()
        for store in stores:
            await store.close()
