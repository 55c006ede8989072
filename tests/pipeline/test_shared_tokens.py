"""Access tokens that servers share through the store: fetched by one, used by all, readable by nobody else."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from hooks.errors import StoreError, Transient
from hooks.kit import tokens
from hooks.kit.tokens import Token, TokenKeeper
from hooks.pipeline.sharing import FETCH, Shelf
from hooks.store.opening import open_store
from hooks.store.tokens import SqlTokens
from hooks.store.verbs import SqlStore
from tests import postgres
from tests.pipeline.engine import SetClock

LIFE = 900.0
NUMBERS = itertools.count()


class Servers:
    """Some servers in the same account at a vendor that counts what it is asked for."""

    def __init__(self, store: Any, number: int, *credentials: str) -> None:
        self._credentials = credentials or (f"an account of its own for each test {next(NUMBERS)}",)
        self._store = store
        self.clock = SetClock()
        self.fetched: list[str] = []
        self.error: Exception | None = None
        self.let = asyncio.Event()
        self.let.set()
        self.heard: list[str] = []
        self.keepers: list[TokenKeeper] = []
        for _ in range(number):
            self.start()

    def start(self) -> TokenKeeper:
        """One server more."""
        keeper = TokenKeeper(
            self._fetch,
            credentials=self._credentials,
            taken=lambda token: self.heard.append(token.text),
            monotonic=self.clock.monotonic,
        )
        keeper.share(Shelf(SqlTokens(self._store), self.clock, f"server-{len(self.keepers)}"))
        self.keepers.append(keeper)
        return keeper

    async def _fetch(self) -> Token:
        text = f"token-{len(self.fetched) + 1}"
        self.fetched.append(text)
        await self.let.wait()
        if self.error is not None:
            raise self.error
        return Token(text, LIFE)

    async def ask(self) -> list[str]:
        return list(await asyncio.gather(*(keeper.get(9.0) for keeper in self.keepers)))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One for all tests here: each uses an account of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('tokens') / 'hooks.db'}"
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as dsn:
        yield dsn


@pytest.fixture
async def store(shared_database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqlStore]:
    monkeypatch.setattr(tokens, "LOOK_AGAIN", 0.002)
    opened = await open_store(shared_database, relaxed=True)
    yield opened
    await opened.close()


async def test_four_servers_fetch_one_token_for_each_of_its_lives(store: SqlStore) -> None:
    servers = Servers(store.engine, 4)
    for number in range(1, 6):
        assert [f"token-{number}"] * 4 == await servers.ask()
        servers.clock.seconds += LIFE
    assert 5 == len(servers.fetched)
    assert 15 == len(servers.heard), "the other three were told each time"


async def test_a_server_that_comes_later_uses_what_is_there(store: SqlStore) -> None:
    servers = Servers(store.engine, 1)
    await servers.ask()
    servers.start()
    servers.clock.seconds += 60

    assert ["token-1", "token-1"] == await servers.ask()


async def test_a_token_that_the_vendor_refuses_is_replaced_once_for_all(store: SqlStore) -> None:
    servers = Servers(store.engine, 4)
    await servers.ask()
    for keeper in servers.keepers:
        keeper.refuse("token-1")

    assert ["token-2"] * 4 == await servers.ask()
    assert 2 == len(servers.fetched)


async def test_a_vendor_that_gives_a_refused_token_again_is_asked_no_more_often(store: SqlStore) -> None:
    servers = Servers(store.engine, 1)
    await servers.ask()
    servers.keepers[0].refuse("token-1")
    servers.fetched.clear()  # so that the next is called token-1 too

    assert ["token-1"] == await servers.ask()
    servers.start()
    assert ["token-1"] * 2 == await servers.ask()
    assert ["token-1"] == servers.fetched


async def test_where_the_one_could_not_the_next_one_tries(store: SqlStore) -> None:
    servers = Servers(store.engine, 3)
    servers.error = Transient("the token address is down")
    found = await asyncio.gather(*(keeper.get(9.0) for keeper in servers.keepers), return_exceptions=True)
    assert [Transient] * 3 == [type(one) for one in found]
    assert 3 == len(servers.fetched)

    servers.error = None
    assert ["token-4"] * 3 == await servers.ask()


async def test_the_turn_of_a_server_that_died_runs_out(store: SqlStore) -> None:
    servers = Servers(store.engine, 2)
    hangs = servers.let = asyncio.Event()
    stopped = asyncio.create_task(servers.keepers[0].get(9.0))
    while not servers.fetched:
        await asyncio.sleep(0)
    servers.let = asyncio.Event()
    servers.let.set()
    servers.clock.seconds += FETCH

    assert "token-2" == await servers.keepers[1].get(9.0)
    hangs.set()  # what it has fetched all that time ago is its own, and takes nobody else's place
    assert "token-1" == await stopped
    assert "token-2" == await servers.start().get(9.0)


async def test_other_credentials_are_another_account(store: SqlStore) -> None:
    ours, others = Servers(store.engine, 1, "id", "a secret"), Servers(store.engine, 1, "id", "another secret")
    await ours.ask()
    await others.ask()
    assert (1, 1) == (len(ours.fetched), len(others.fetched))


async def test_no_token_and_no_secret_is_readable_in_the_store(store: SqlStore) -> None:
    servers = Servers(store.engine, 1, "a-client-of-ours", "a-secret-of-ours")
    await servers.ask()

    rows = await store.engine.read(lambda reading: reading.execute("SELECT * FROM tokens").fetchall())
    told = b"".join(cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row)
    assert len(told) > 100
    assert not any(word in told for word in (b"token-1", b"of-ours"))


async def test_without_the_store_each_server_fetches_for_itself() -> None:
    class Gone:
        async def read(self, read: Any) -> Any:
            raise StoreError("the database is not there")

        write = read

    servers = Servers(Gone(), 2)
    assert {"token-1", "token-2"} == set(await servers.ask())
