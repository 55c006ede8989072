"""A PostgreSQL that is away: every wait ends, what cannot be known is resolved, and it comes back by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from hooks.errors import LeaseLost, StoreError, StoreRefused
from hooks.events import new_id
from hooks.ports import Attempt, Claimed, Progress
from hooks.store import postgres
from hooks.store.opening import open_store
from hooks.store.session import Address, Kind
from hooks.store.verbs import SqlStore
from tests.faults.proxy import Proxy
from tests.store.test_store_conformance import DAY, NOW, planned, receipt, run_to


def sockets_of(dsn: str) -> Path:
    return Path(dsn.partition("host=")[2].partition("&")[0])


@pytest.fixture
async def proxy(postgres_server: str) -> AsyncIterator[Proxy]:
    if "host=/" not in postgres_server:
        pytest.skip("the PostgreSQL of HOOKS_TEST_POSTGRES is not reached through a socket")
    async with Proxy(sockets_of(postgres_server)) as way:
        yield way


@pytest.fixture
async def store(proxy: Proxy, postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqlStore]:
    monkeypatch.setattr(postgres, "RECEIPTS", Kind("BEGIN", 1, 0.5))
    monkeypatch.setattr(postgres, "WRITES", Kind("BEGIN", 1, 0.7))
    opened = await open_store(proxy.dsn(postgres_database), relaxed=True)
    yield opened
    proxy.lead()
    await opened.close()


async def until_back(store: SqlStore) -> float:
    began = time.monotonic()
    while store.broken is not None:
        assert time.monotonic() - began < 10, "it did not come back by itself"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def record(store: SqlStore) -> None:
    assert await store.record(receipt(), None, DAY) is None


async def test_a_database_that_swallows_everything_is_given_up_and_comes_back(store: SqlStore, proxy: Proxy) -> None:
    await record(store)
    proxy.swallow()
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"has not answered for 0\.5 s"):
        await record(store)
    assert 0.4 < time.monotonic() - began < 3
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(StoreError):
            await record(store)
        with pytest.raises(StoreError):
            await store.pauses()
    assert time.monotonic() - began < 0.45, "while it is away nobody waits for it: one that did would wait for 0.5 s"
    assert store.broken is not None
    proxy.lead()
    await until_back(store)
    await record(store)
    assert {} == await store.pauses()


async def test_dropped_connections_are_made_again(store: SqlStore, proxy: Proxy, postgres_database: str) -> None:
    for _ in range(5):
        await record(store)
        proxy.reset()
        await asyncio.sleep(0.01)
        await store.pauses()  # it was idle: made again without a word
    assert store.broken is None
    with psycopg.connect(postgres_database) as direct:
        row = direct.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hooks'").fetchone()
    assert row is not None
    assert row[0] <= 3, "one for receipts, one for what else is written, one to read"


async def test_a_database_that_refuses_connections_is_away_with_its_reason(store: SqlStore, proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(StoreError, match="the database is not there"):
        await record(store)
    assert "the database is not there" in (store.broken or "")
    proxy.lead()
    assert await until_back(store) < 3
    await record(store)


async def test_a_database_that_may_only_be_read_is_away_until_it_may_be_written(
    store: SqlStore, postgres_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As a host sets it for a database whose disk is full, which ends the connections too."""
    name = postgres_database.partition("?")[0].rpartition("/")[2]
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    with psycopg.connect(postgres_database, autocommit=True) as direct:
        direct.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        direct.execute(ended, (name,))
        with pytest.raises(StoreError):
            await record(store)
        for _ in range(20):
            await asyncio.sleep(0.05)
            assert store.broken is not None, "it is not back as long as nothing can be written"
            with pytest.raises(StoreError, match="may only be read"):
                await record(store)
        direct.execute("SET default_transaction_read_only = off")
        direct.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        direct.execute(ended, (name,))
    await until_back(store)
    await record(store)
    assert 2 == len([line for line in caplog.messages if line.startswith("the database is")]), "away, and back"


async def test_what_a_database_has_set_for_its_clients_changes_no_name(
    proxy: Proxy, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    name = postgres_database.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgres_database, autocommit=True) as direct:
        direct.execute(f"ALTER DATABASE \"{name}\" SET client_encoding = 'LATIN1'")
    store = await open_store(proxy.dsn(postgres_database), relaxed=True)
    try:
        stored = receipt()._replace(path="/Łucja 😀")
        await store.record(stored, None, 0)
        [found] = await store.pending("owner", 1, NOW)
    finally:
        await store.close()
    assert stored.path == found.path


async def test_a_commit_whose_answer_was_lost_is_found_by_its_key(store: SqlStore, proxy: Proxy) -> None:
    first = receipt()
    asked = asyncio.ensure_future(store.record(first, b"k" * 32, DAY))
    await asyncio.sleep(0)
    proxy.swallow()
    with pytest.raises(StoreError):
        await asked
    proxy.lead()
    await until_back(store)
    again = receipt()
    duplicate_of = await store.record(again, b"k" * 32, DAY)
    assert duplicate_of in (None, first.id), "it was stored then, or it is stored now, and never both"


async def _claimed(store: SqlStore) -> Claimed:
    await planned(store, run_to())
    [(run, _)] = await store.claim("me", {"titan": 1}, NOW, 20.0)
    return run


def _tried(run: Claimed) -> Progress:
    attempt = Attempt(new_id("att"), 0, 1, NOW, 5, "done", 200)
    return Progress(run.id, run.fence, NOW, attempts=(attempt,))


async def test_what_was_written_and_not_heard_of_is_written_once(store: SqlStore, postgres_database: str) -> None:
    run = await _claimed(store)
    under_way = _tried(run)
    await store.progress(under_way)
    await store.progress(under_way._replace(repeated=True))
    ended = under_way._replace(state="done", attempts=(*under_way.attempts, *_tried(run).attempts))
    await store.progress(ended._replace(repeated=True))
    await store.progress(ended._replace(repeated=True))  # heard of at last
    with psycopg.connect(postgres_database) as direct:
        assert [(2, 2, "done")] == direct.execute(
            "SELECT attempts, (SELECT count(*) FROM attempts a WHERE a.run = r.id), state FROM runs r"
        ).fetchall()
    with pytest.raises(LeaseLost):
        await store.progress(ended)


async def test_a_claim_that_was_not_heard_of_is_given_back_without_counting_as_a_crash(store: SqlStore) -> None:
    known = await _claimed(store)
    await _claimed(store)
    assert 1 == await store.leave("me", NOW, [known.id])
    assert 0 == await store.recover("me", NOW + timedelta(seconds=1))
    [(again, _)] = await store.claim("me", {"titan": 5}, NOW + timedelta(seconds=1), 20.0)
    assert known.id != again.id


async def test_servers_that_are_sent_the_same_deliveries_do_not_block_each_other(postgres_database: str) -> None:
    stores = [await open_store(postgres_database, relaxed=True) for _ in range(2)]
    keys = [number.to_bytes(2, "big") * 16 for number in range(100)]
    try:
        for _ in range(5):
            await asyncio.gather(
                *(stores[0].record(receipt(), key, DAY) for key in keys),
                *(stores[1].record(receipt(), key, DAY) for key in reversed(keys)),
            )
    finally:
        for store in stores:
            await store.close()


def test_what_is_ours_in_an_address_is_not_given_to_the_driver() -> None:
    assert Address("postgresql://h/d", True, True) == Address.read("postgresql://h/d")
    assert Address("postgresql://h/d?user=me", False, False) == Address.read(
        "postgresql://h/d?pooler=transaction&user=me"
    )
    assert Address("postgresql://h/d", True, False) == Address.read("postgresql://h/d?notify=off")


async def test_a_start_waits_for_a_database_that_reads_its_log(
    proxy: Proxy, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "AGAIN_LAST", 0.01)
    proxy.starting = 3 * postgres.START_TRIES
    await (await open_store(proxy.dsn(postgres_database), relaxed=True)).close()
    assert 0 == proxy.starting


async def test_a_start_does_not_wait_long_for_a_database_that_is_not_there(
    proxy: Proxy, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "AGAIN_LAST", 0.01)
    proxy.refuse()
    with pytest.raises(StoreRefused):
        await open_store(proxy.dsn(postgres_database), relaxed=True)
    assert postgres.START_TRIES == proxy.connections
