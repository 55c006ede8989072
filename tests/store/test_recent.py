"""Deliveries are told apart at every moment: in memory only, on their way to the table, and after a crash."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.events import Receipt, new_id
from hooks.store import recent
from hooks.store.retention import Pruner
from hooks.store.sqlite import SqliteEngine, open_sqlite
from hooks.store.verbs import SqlStore

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DAY = 86400.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await open_sqlite(tmp_path / "hooks.db", relaxed=True)
    yield opened
    await opened.close()


def receipt(at: datetime = NOW) -> Receipt:
    return Receipt(new_id("rcp"), "hcp", "housecall_pro", at, "accepted", body=b"{}", events=1)


def key(number: int) -> bytes:
    return b"%016d" % number


async def recorded(store: SqlStore, numbers: Sequence[int]) -> list[Receipt]:
    made = [receipt() for _ in numbers]
    await asyncio.gather(*(store.record(one, key(n), DAY) for one, n in zip(made, numbers, strict=True)))
    return made


def in_the_table(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT count(*) FROM duplicates").fetchone()[0])


async def crashed(store: SqlStore) -> SqlStore:
    """What another process finds when this one is gone without a word: the files as they are now."""
    path = store.engine.file
    assert path is not None
    folder = Path(tempfile.mkdtemp(dir=path.parent))
    for file in (path, path.with_name("hooks.db-wal")):
        shutil.copy(file, folder / file.name)
    return await open_sqlite(folder / "hooks.db", relaxed=True)


async def test_the_table_gets_its_rows_many_at_once(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST", 300)
    first = await recorded(store, range(299))
    assert 0 == in_the_table(tmp_path / "hooks.db")

    await recorded(store, [299])
    assert [one.id for one in first] == [await store.record(receipt(), key(n), DAY) for n in range(299)]
    await store.engine.settle()

    assert 300 == in_the_table(tmp_path / "hooks.db")
    assert first[7].id == await store.record(receipt(), key(7), DAY)


async def test_a_stop_writes_them_in_few_transactions(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "hooks.db", relaxed=True)
    await recorded(store, range(1000))
    before = store.engine.commits
    await store.close()
    assert 1000 == in_the_table(tmp_path / "hooks.db")
    assert store.engine.commits - before <= 2


async def test_large_bodies_do_not_make_a_start_after_a_crash_long(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST_BYTES", 100_000)
    large = receipt()._replace(body=b"x" * 100_000)
    await store.record(large, key(1), DAY)
    await store.engine.settle()  # after what it has begun by itself
    assert 1 == in_the_table(tmp_path / "hooks.db")


async def test_of_two_that_come_together_the_earlier_is_the_first(store: SqlStore) -> None:
    one, other = receipt(), receipt()
    found = await asyncio.gather(store.record(one, key(1), DAY), store.record(other, key(1), DAY))
    assert [None, one.id] == list(found)


async def test_after_a_crash_those_that_were_in_memory_are_known(store: SqlStore) -> None:
    written = await recorded(store, range(3))
    await store.engine.settle()
    in_memory = await recorded(store, range(3, 6))
    again = await crashed(store)
    try:
        found = [await again.record(receipt(), key(n), DAY) for n in range(6)]
        assert [one.id for one in (*written, *in_memory)] == found
    finally:
        await again.close()


async def test_after_a_crash_they_are_known_although_their_numbers_were_given_before(store: SqlStore) -> None:
    engine = store.engine
    assert isinstance(engine, SqliteEngine)
    old = await recorded(store, range(3))
    await store.plan([one.id for one in old], [], "v1")

    async def at_once(_: float) -> None:
        return

    pruner = Pruner(engine, monotonic=lambda: 0.0, sleep=at_once)
    swept = [each async for each in pruner.prune(NOW + timedelta(days=1), NOW)]
    assert 3 == swept[-1].receipts

    young = await recorded(store, range(3, 5))
    again = await crashed(store)
    try:
        everyone = [one.id for one in (*old, *young)]
        assert everyone == [await again.record(receipt(), key(n), DAY) for n in range(5)]
    finally:
        await again.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(0, 4), st.integers(0, 3)),
        st.tuples(st.just("settle"), st.just(0), st.just(0)),
        st.tuples(st.just("crash"), st.just(0), st.just(0)),
    ),
    max_size=10,
)


@settings(max_examples=6, deadline=None)
@given(STEPS)
def test_nothing_that_happens_meanwhile_changes_who_was_first(steps: list[tuple[str, int, int]]) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as folder:
            stores = [await open_sqlite(Path(folder) / "hooks.db", relaxed=True)]
            known: dict[int, tuple[str, datetime]] = {}
            at = NOW
            for what, number, hours in steps:
                if what == "settle":
                    await stores[-1].engine.settle()
                elif what == "crash":
                    stores.append(await crashed(stores[-1]))
                else:
                    at += timedelta(hours=hours)
                    given = receipt(at)
                    first = known.get(number)
                    expected = first[0] if first is not None and first[1] > at else None
                    assert expected == await stores[-1].record(given, key(number), 2 * 3600.0)
                    if expected is None:
                        known[number] = (given.id, at + timedelta(hours=2))
            for store in stores:
                await store.close()

    asyncio.run(play())
