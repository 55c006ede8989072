"""Hints between servers: they wake, they are few, and nothing hangs on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import pytest

from hooks.store import hints
from hooks.store.opening import open_hints


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def test_one_server_wakes_another_for_what_it_names(ready_postgres: str) -> None:
    door, worker = open_hints(ready_postgres), open_hints(ready_postgres)
    assert door is not None
    assert worker is not None
    woken: list[str] = []
    wake = {"receipts": lambda: woken.append("receipts"), "runs": lambda: woken.append("runs")}
    tasks = [asyncio.create_task(worker.listen(wake)), asyncio.create_task(door.send())]
    try:
        await until(lambda: woken == ["receipts", "runs"])  # it looks at once for what came before it listened
        woken.clear()
        door.tell("runs")
        await until(lambda: bool(woken))
        assert ["runs"] == woken
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_thousand_receipts_make_a_handful_of_hints(ready_postgres: str) -> None:
    door, worker = open_hints(ready_postgres), open_hints(ready_postgres)
    assert door is not None
    assert worker is not None
    heard = 0

    def hear() -> None:
        nonlocal heard
        heard += 1

    tasks = [asyncio.create_task(worker.listen({"receipts": hear})), asyncio.create_task(door.send())]
    loop = asyncio.get_running_loop()
    try:
        await until(lambda: heard == 1)
        began = loop.time()
        for _ in range(1000):
            door.tell("receipts")
            await asyncio.sleep(0)
        await until(lambda: heard > 1)
        await asyncio.sleep(3 * hints.EVERY)
        assert heard - 1 <= (loop.time() - began) / hints.EVERY + 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_listener_that_is_cut_off_listens_again(ready_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "AGAIN", 0.05)
    worker = open_hints(ready_postgres)
    assert worker is not None
    heard: list[None] = []
    listening = asyncio.create_task(worker.listen({"receipts": lambda: heard.append(None)}))
    try:
        await until(lambda: len(heard) == 1)
        with psycopg.connect(ready_postgres, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'hooks'"
            )
            await until(lambda: len(heard) == 2)  # it looks for what came meanwhile
            other.execute("SELECT pg_notify('hooks', 'receipts')")
            await until(lambda: len(heard) == 3)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def test_where_servers_cannot_or_should_not_wake_each_other_they_look_for_themselves() -> None:
    addresses = ("sqlite:///hooks.db", "postgresql://h/d?notify=off", "postgresql://h/d?pooler=transaction")
    assert [None, None, None] == [open_hints(address) for address in addresses]
