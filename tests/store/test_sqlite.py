"""A store on one SQLite file: what taking the file, leaving it and damage to it come to."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hooks.errors import StoreError, StoreRefused
from hooks.events import Event, Receipt, event_id, new_id
from hooks.ports import Plan, PlannedRun
from hooks.store import books
from hooks.store.leasing import CALM
from hooks.store.sqlite import open_sqlite, open_sqlite_history
from hooks.store.verbs import SqlStore

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DAY = 86400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hooks.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    opened = await open_sqlite(path, relaxed=True)
    yield opened
    await opened.close()


def receipt(body: bytes = b"{}") -> Receipt:
    return Receipt(new_id("rcp"), "hcp", "housecall_pro", NOW, "accepted", body=body)


async def test_what_was_in_two_crashes_is_tried_by_a_server_that_has_lived_a_while(store: SqlStore) -> None:
    stored = receipt()
    await store.record(stored, None, 0)
    event = Event(event_id(stored.id), "job", "hcp", "housecall_pro", "job", stored.id, NOW, NOW, None, {}, {})
    await store.plan([stored.id], [Plan(event, (PlannedRun(new_id("run"), "rule", "titan", NOW),))], "v1")
    at = NOW
    for number in range(2):
        assert 1 == len(await store.claim(f"owner-{number}", {"titan": 9}, at, 20))
        assert 1 == await store.recover(f"owner-{number + 1}", at, starting=True)
    for number in range(2, 9):  # killed each time before it has lived for long
        at += timedelta(seconds=CALM - 1)
        assert [] == await store.claim(f"owner-{number}", {"titan": 9}, at, 20)
        await store.recover(f"owner-{number + 1}", at, starting=True)
    at += timedelta(seconds=CALM)
    await store.recover("owner-9", at)
    assert 1 == len(await store.claim("owner-9", {"titan": 9}, at, 20))


async def test_what_was_recorded_is_there_after_a_new_start(tmp_path: Path) -> None:
    path = tmp_path / "hooks.db"
    first = await open_sqlite(path, relaxed=True)
    given = receipt(b"body")
    await first.record(given, b"key", DAY)
    await first.close()
    again = await open_sqlite(path, relaxed=True)
    try:
        assert [given] == await again.pending("me", 10, NOW)
        assert given.id == await again.record(receipt(), b"key", DAY)
    finally:
        await again.close()


async def test_a_statement_that_waits_for_a_lock_does_not_hold_the_loop(store: SqlStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        waiting = store.record(receipt(), b"key", DAY)
        for _ in range(10):
            await asyncio.sleep(0.001)
        assert not waiting.done()
        other.execute("ROLLBACK")  # were the loop held until the statement ends, this would come too late
    assert await waiting is None
    assert await store.record(receipt(b"two"), b"another", DAY) is None


async def test_a_second_server_on_the_same_file_is_refused_by_name(store: SqlStore, path: Path) -> None:
    with pytest.raises(StoreRefused, match=r"another server \(process \d+\) is using hooks\.db"):
        await open_sqlite(path, relaxed=True)


@pytest.mark.parametrize("taken", ["hooks.db", "hooks.db-wal", "the folder"])
async def test_nothing_is_taken_into_a_file_that_somebody_took_away(tmp_path: Path, taken: str) -> None:
    folder = tmp_path / "data"
    store = await open_sqlite(folder / "hooks.db", relaxed=True)
    try:
        await store.record(receipt(), None, 0)
        await store.engine.tidy()
        assert store.broken is None
        if taken == "the folder":
            folder.rename(tmp_path / "elsewhere")
        else:
            (folder / taken).unlink()
        await store.engine.tidy()
        await store.engine.tidy()
        assert "was deleted" in (store.broken or "")
        with pytest.raises(StoreError, match="was deleted, or something else was put in its place"):
            await store.record(receipt(), None, 0)
        store.engine.figures()
    finally:
        await store.close()


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hooks.db"
    await (await open_sqlite(path, relaxed=True)).close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO migrations VALUES (9999, '9999_later.sql', 'x', 'now')")
    with pytest.raises(StoreRefused, match="newer release"):
        await open_sqlite(path, relaxed=True)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hooks.db"
    path.write_bytes(b"this is a letter to a customer, and no database at all" * 100)
    with pytest.raises(StoreRefused):
        await open_sqlite(path, relaxed=True)
    assert path.read_bytes().startswith(b"this is a letter")


async def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hooks.db"
    opened = await open_sqlite(path, relaxed=True)
    for _ in range(50):
        await opened.record(receipt(b"x" * 3000), None, 0)
    await opened.close()
    content = bytearray(path.read_bytes())
    for at in range(8192 * 3, len(content), 8192):
        content[at : at + 64] = b"\xff" * 64
    path.write_bytes(bytes(content))
    with pytest.raises(StoreRefused, match="damaged"):
        await open_sqlite(path, relaxed=True)


async def test_the_database_is_for_its_owner_only(store: SqlStore, path: Path) -> None:
    await store.record(receipt(b"one"), b"one", DAY)
    files = [path, path.with_name("hooks.db-wal"), path.with_name("hooks.db-shm")]
    assert [0o600] * 3 == [file.stat().st_mode & 0o777 for file in files]


async def test_what_others_could_read_is_for_its_owner_only_from_the_next_start_on(tmp_path: Path) -> None:
    path = tmp_path / "hooks.db"
    await (await open_sqlite(path, relaxed=True)).close()
    path.chmod(0o644)
    opened = await open_sqlite(path, relaxed=True)
    try:
        assert 0o600 == path.stat().st_mode & 0o777
        assert 0o600 == path.with_name("hooks.db-wal").stat().st_mode & 0o777
    finally:
        await opened.close()


async def test_a_folder_in_the_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hooks.db").mkdir()
    with pytest.raises(StoreRefused, match=r"hooks\.db cannot be used as a database: Is a directory"):
        await open_sqlite(tmp_path / "hooks.db", relaxed=True)


async def test_nothing_is_taken_after_the_end(tmp_path: Path) -> None:
    opened = await open_sqlite(tmp_path / "hooks.db", relaxed=True)
    await opened.close()
    with pytest.raises(StoreError):
        await opened.record(receipt(), None, 0)


async def test_reading_without_a_database_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        await open_sqlite_history(tmp_path / "hooks.db")


async def test_counting_the_tables_anew_holds_up_nobody_who_reads(
    store: SqlStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def count(*_: object) -> list[str]:
        begun.set()
        go_on.wait(10)
        return ["one is missing"]

    history = await open_sqlite_history(path)
    try:
        monkeypatch.setattr(books, "rows_of", lambda counted: books.COUNTED_AT_ONCE + 1)
        monkeypatch.setattr(books, "differences", count)
        counting = asyncio.create_task(history.audit())
        await asyncio.to_thread(begun.wait, 10)
        assert (await history.stats())["books_balance"]
        go_on.set()
        assert ["one is missing"] == await counting
        assert not (await history.stats())["books_balance"]
    finally:
        await history.close()
