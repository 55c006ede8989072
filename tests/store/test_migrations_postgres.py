"""Migrations of a PostgreSQL that other servers are at work on."""

from __future__ import annotations

import asyncio
import re

import psycopg
import pytest

from hooks.errors import StoreRefused
from hooks.store import migrate, postgres
from hooks.store.migrate import Migration, expands, migrations
from hooks.store.opening import open_store
from tests.store.test_store_conformance import DAY, receipt

_ADDING = re.compile(
    r"CREATE TABLE |CREATE (UNIQUE )?INDEX |ALTER TABLE \w+ ADD COLUMN (?!.*NOT NULL(?!.*DEFAULT))", re.DOTALL
)


def next_release(monkeypatch: pytest.MonkeyPatch, name: str, sql: str) -> None:
    known = [*migrations(), Migration(9001, name, sql)]
    monkeypatch.setattr(migrate, "migrations", lambda: known)


async def test_a_server_of_before_may_start_on_tables_that_only_have_more(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        next_release(newer, "9001_expand_moods.sql", "ALTER TABLE runs ADD COLUMN mood TEXT;")
        await (await open_store(postgres_database, relaxed=True)).close()
    store = await open_store(postgres_database, relaxed=True)
    assert await store.record(receipt(), None, DAY) is None
    await store.close()


async def test_a_server_of_before_is_refused_on_tables_that_have_less(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        next_release(newer, "9001_without_reasons.sql", "ALTER TABLE runs DROP COLUMN reason;")
        await (await open_store(postgres_database, relaxed=True)).close()
    with pytest.raises(StoreRefused, match="newer release"):
        await open_store(postgres_database, relaxed=True)


async def test_a_table_in_use_holds_a_migration_up_and_the_others_not_for_long(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCKED_FOR", 1)
    monkeypatch.setattr(postgres, "AGAIN_LAST", 0.1)
    old = await open_store(postgres_database, relaxed=True)
    next_release(monkeypatch, "9001_expand_moods.sql", "ALTER TABLE receipts ADD COLUMN mood TEXT;")
    with psycopg.connect(postgres_database) as somebody:
        somebody.execute("SELECT count(*) FROM receipts")  # and stays in the transaction
        new = asyncio.create_task(open_store(postgres_database, relaxed=True))
        for _ in range(3):
            await asyncio.wait_for(old.record(receipt(), None, DAY), 3)
        assert not new.done()
    opened = await new
    assert ("9001_expand_moods.sql",) == opened.engine.migrated
    await opened.close()
    await old.close()


@pytest.mark.parametrize("migration", [one for one in migrations() if expands(one.name)], ids=lambda one: one.name)
def test_a_migration_that_says_it_expands_only_adds(migration: Migration) -> None:
    without_comments = re.sub(r"--[^\n]*", "", migration.sql)
    statements = [statement.strip() for statement in without_comments.split(";") if statement.strip()]
    assert statements
    made = {found[1] for statement in statements if (found := re.match(r"CREATE TABLE (\w+)", statement))}
    filled = {found[1]: statement for statement in statements if (found := re.match(r"INSERT INTO (\w+)", statement))}
    assert filled.keys() <= made
    assert all(_ADDING.match(statement) or statement in filled.values() for statement in statements)
