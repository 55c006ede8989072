"""What ten servers find out of a connection, for the price of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from hooks.pipeline.accounts import Account
from hooks.pipeline.sharing import TRY, Shared
from hooks.ports import Pause
from hooks.store.opening import open_store
from hooks.store.verbs import SqlStore
from tests.pipeline.test_turns import StandingClock, account


class Server:
    """One server's view: its account, and what it shares."""

    def __init__(self, store: SqlStore, clock: StandingClock, *, works: bool = True) -> None:
        self.clock = clock
        self.account: Account = account(None)
        self.accounts = {"titan": self.account}
        self.shared = Shared(store, clock, lambda: self.accounts, works=works)

    def refused(self) -> None:
        self.account.breaker.refuse(self.clock.monotonic(), 60.0, "the key was refused")

    async def would_try(self) -> bool:
        return bool(self.account.free(self.clock.monotonic())) and await self.shared.may_try(self.account)

    @property
    def state(self) -> str:
        return self.account.breaker.state(self.clock.monotonic())


@pytest.fixture
async def stores(ready_postgres: str) -> AsyncIterator[list[SqlStore]]:
    opened = [await open_store(ready_postgres, relaxed=True) for _ in range(2)]
    yield opened
    for store in opened:
        await store.close()


@pytest.fixture
def servers(stores: list[SqlStore]) -> list[Server]:
    """Ten that work, over two ways to the database."""
    clock = StandingClock()
    return [Server(stores[number % 2], clock) for number in range(10)]


async def look(servers: list[Server]) -> None:
    for server in servers:
        await server.shared.look()


async def test_a_key_that_one_server_finds_refused_is_tried_by_one_server_a_minute(servers: list[Server]) -> None:
    clock = servers[0].clock
    servers[0].refused()
    await look(servers)
    assert {"open"} == {server.state for server in servers}
    assert "the key was refused" == servers[7].account.breaker.reason
    assert servers[7].account.breaker.refused
    tries = 0
    for _ in range(300):
        await clock.sleep(1)
        for server in servers:
            if await server.would_try():
                tries += 1
                server.refused()
        await look(servers)
    assert 4 <= tries <= 5


async def test_when_the_one_that_tries_gets_through_all_go_on(servers: list[Server]) -> None:
    servers[0].refused()
    await look(servers)
    await servers[0].clock.sleep(61)
    trying = [server for server in servers if await server.would_try()]
    assert 1 == len(trying)
    trying[0].account.breaker.works()
    await look(servers)
    await look(servers)
    assert {"closed"} == {server.state for server in servers}
    assert all([await server.would_try() for server in servers])


async def test_a_server_that_dies_with_the_try_in_its_hands_is_followed_by_another(servers: list[Server]) -> None:
    servers[0].refused()
    await look(servers)
    await servers[0].clock.sleep(61)
    [dead] = [server for server in servers if await server.would_try()]
    others = [server for server in servers if server is not dead]
    await look(others)
    assert not any([await server.would_try() for server in others])
    await servers[0].clock.sleep(TRY + 1.5)
    assert 1 == sum([await server.would_try() for server in others])


async def test_a_pause_that_was_said_to_one_server_holds_at_the_next_look_of_the_others(
    stores: list[SqlStore], servers: list[Server]
) -> None:
    said = servers[0].clock.now()
    await stores[0].set_pause(Pause("titan", True, said, "moving"))
    await look(servers)
    assert [0] * len(servers) == [server.account.free(server.clock.monotonic()) for server in servers]
    await stores[0].set_pause(Pause("titan", False, said))
    await look(servers)
    assert not any(server.account.paused for server in servers)


async def test_a_server_that_only_receives_shows_what_the_others_found_and_changes_nothing(
    stores: list[SqlStore], servers: list[Server]
) -> None:
    door = Server(stores[0], servers[0].clock, works=False)
    servers[0].refused()
    await stores[1].set_pause(Pause("titan", True, servers[0].clock.now(), "moving"))
    await look([servers[0], door, door])
    assert "open" == door.state
    assert door.account.paused
    assert 0 == door.account.everywhere
    door.account.breaker.works()
    await look([door, servers[1]])
    assert "open" == servers[1].state


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await open_store(f"sqlite:///{tmp_path / 'hooks.db'}", relaxed=True)
    yield opened
    await opened.close()


async def test_a_server_goes_on_leaving_alone_what_the_one_before_it_did(alone: SqlStore) -> None:
    clock = StandingClock()
    before = Server(alone, clock)
    before.refused()
    await before.shared.look()
    await clock.sleep(10)
    after = Server(alone, clock)
    await after.shared.look()
    assert ("open", "the key was refused", True) == (
        after.state,
        after.account.breaker.reason,
        after.account.breaker.refused,
    )
    assert not await after.would_try()
    await clock.sleep(51)
    assert 1 == after.account.free(clock.monotonic()), "one run tries"
    after.account.breaker.works()
    await after.shared.look()
    last = Server(alone, clock)
    await last.shared.look()
    assert "closed" == last.state


async def test_an_account_of_rules_that_are_mended_later_is_left_alone_too(alone: SqlStore) -> None:
    clock = StandingClock()
    before, after = Server(alone, clock), Server(alone, clock)
    before.refused()
    await before.shared.look()
    mended, after.accounts = after.accounts, {}
    await after.shared.look()
    after.accounts = mended
    await after.shared.look()
    assert "open" == after.state


async def test_a_clock_that_was_set_back_leaves_nothing_alone_for_ever(alone: SqlStore) -> None:
    clock = StandingClock()
    before = Server(alone, clock)
    before.refused()
    await before.shared.look()
    clock.at -= timedelta(days=400)
    after = Server(alone, clock)
    await after.shared.look()
    assert 60.0 >= after.account.breaker.until - clock.monotonic() > 0
