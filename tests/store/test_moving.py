"""Moving a SQLite file to PostgreSQL: all rows, once, also when the move was interrupted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from hooks.errors import StoreError, StoreRefused
from hooks.ports import EventFilter, RunFilter
from hooks.store import moving
from hooks.store.migrate import migrate
from hooks.store.moving import move_database
from hooks.store.opening import open_history, open_store
from tests.store.test_past import NOW, fill


async def shown(address: str) -> tuple[object, ...]:
    """What people would see of it."""
    history = await open_history(address)
    try:
        events = await history.events(EventFilter(limit=500))
        runs = await history.runs(RunFilter(limit=500))
        details = [await history.run(run["id"]) for run in runs.items]
        return events, details, await history.stats()
    finally:
        await history.close()


async def test_everything_that_was_seen_before_is_seen_after(tmp_path: Path, postgres_database: str) -> None:
    path = tmp_path / "hooks.db"
    await fill(f"sqlite:///{path}", 30, answered=9)
    counted: list[tuple[str, int, int]] = []
    moved = move_database(path, postgres_database, lambda *told: counted.append(told))
    assert (30, 30, 9) == (moved["events"], moved["receipts"], moved["runs"])
    assert ("events", 30, 30) in counted
    assert await shown(f"sqlite:///{path}") == await shown(postgres_database)


async def test_work_goes_on_in_the_new_place(tmp_path: Path, postgres_database: str) -> None:
    path = tmp_path / "hooks.db"
    await fill(f"sqlite:///{path}", 4, answered=4)
    move_database(path, postgres_database)
    store = await open_store(postgres_database, relaxed=True)
    try:
        assert [] == await store.pending("me", 10, NOW)
        assert "v2" == ((await store.latest_rules()) or ("",))[0]
    finally:
        await store.close()
    await fill(postgres_database, 2)  # rows that come are numbered after those that came over


async def test_an_interrupted_move_goes_on_where_it_was(
    tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hooks.db"
    await fill(f"sqlite:///{path}", 40, answered=5)
    monkeypatch.setattr(moving, "BATCH_ROWS", 7)
    batches = 0

    def cut(name: str, done: int, rows: int) -> None:
        nonlocal batches
        batches += 1
        if batches == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_database(path, postgres_database, cut)
    moved = move_database(path, postgres_database)
    assert 40 == moved["events"]
    assert await shown(f"sqlite:///{path}") == await shown(postgres_database)


async def test_a_database_that_is_in_use_is_not_written_over(tmp_path: Path, postgres_database: str) -> None:
    await fill(postgres_database, 1)
    path = tmp_path / "hooks.db"
    await fill(f"sqlite:///{path}", 1)
    with pytest.raises(StoreRefused, match="in use already"):
        move_database(path, postgres_database)


async def test_a_file_that_a_server_uses_is_refused_by_name(tmp_path: Path, postgres_database: str) -> None:
    path = tmp_path / "hooks.db"
    store = await open_store(f"sqlite:///{path}", relaxed=True)
    try:
        with pytest.raises(StoreRefused, match="another server"):
            move_database(path, postgres_database)
    finally:
        await store.close()


async def test_rows_that_are_missing_afterwards_are_noticed(tmp_path: Path, postgres_database: str) -> None:
    path = tmp_path / "hooks.db"
    await fill(f"sqlite:///{path}", 5)

    def lose(name: str, done: int, rows: int) -> None:
        if name == "traffic":  # the last table: what was copied before is there
            with psycopg.connect(postgres_database, autocommit=True) as other:
                other.execute("DELETE FROM events WHERE seq = 1")

    with pytest.raises(StoreError, match="events: 4 of 5"):
        move_database(path, postgres_database, lose)


def test_every_table_has_a_key(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as raw:
        migrate(raw)
        tables = list(moving._tables(raw))
    assert {"receipts", "events", "runs", "steps", "attempts"} <= {table.name for table in tables}
