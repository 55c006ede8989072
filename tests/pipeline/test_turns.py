"""The rate of an account that several servers share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from hooks.pipeline.accounts import Account
from hooks.pipeline.turns import Turns
from hooks.ports import Client, ConnectionSettings
from hooks.store.opening import open_store
from hooks.store.verbs import SqlStore


class StandingClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def account(rate: float | None) -> Account:
    settings = ConnectionSettings(base_url="http://127.0.0.1:9", rate=rate)
    return Account("titan", "hello", settings, cast(Client, None))


@pytest.fixture
async def stores(ready_postgres: str) -> AsyncIterator[list[SqlStore]]:
    opened = [await open_store(ready_postgres, relaxed=True) for _ in range(3)]
    yield opened
    for store in opened:
        await store.close()


async def test_three_servers_together_keep_the_rate_of_one(stores: list[SqlStore]) -> None:
    clock = StandingClock()
    servers = [Turns(store, clock) for store in stores]
    waits: list[float] = sorted(
        await asyncio.gather(*(server.wait_for(account(5)) for server in servers for _ in range(20)))
    )
    assert 60 == len(set(waits))
    assert max(waits) == pytest.approx(59 * account(5).spacing)
    in_any_second = max(sum(start <= wait < start + 1 for wait in waits) for start in waits)
    assert in_any_second <= 5


async def test_turns_that_were_not_used_in_their_time_make_no_burst(stores: list[SqlStore]) -> None:
    clock = StandingClock()
    turns = Turns(stores[0], clock)
    assert 0.0 == await turns.wait_for(account(10))
    await clock.sleep(60)
    waits: list[Any] = [await turns.wait_for(account(10)) for _ in range(10)]
    assert max(sum(start <= wait < start + 1 for wait in waits) for start in waits) <= 11
    assert waits[-1] >= 0.8


async def test_without_a_rate_nobody_waits(stores: list[SqlStore]) -> None:
    assert 0.0 == await Turns(stores[0], StandingClock()).wait_for(account(None))
