"""PostgreSQL set up for a queue, and what it is watched for."""

from __future__ import annotations

import psycopg

from hooks.store.opening import open_store
from hooks.store.tuning import SETTINGS, measured, tune


async def test_hot_tables_are_cleared_early_and_what_somebody_set_stays(postgres_database: str) -> None:
    await (await open_store(postgres_database, relaxed=True)).close()
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("ALTER TABLE runs RESET (fillfactor, autovacuum_vacuum_threshold)")
        connection.execute("ALTER TABLE runs SET (autovacuum_vacuum_scale_factor = 0.5)")
        tune(connection)
        tune(connection)
        rows = connection.execute("SELECT relname, reloptions FROM pg_class WHERE reloptions IS NOT NULL").fetchall()
    found = {table: dict(option.split("=") for option in options) for table, options in rows if table in SETTINGS}
    assert "0.5" == found["runs"].pop("autovacuum_vacuum_scale_factor")
    wanted = {table: dict(options) for table, options in SETTINGS.items()}
    del wanted["runs"]["autovacuum_vacuum_scale_factor"]
    assert wanted == found


async def test_a_transaction_that_somebody_leaves_open_is_seen(postgres_database: str) -> None:
    store = await open_store(postgres_database, relaxed=True)
    try:
        with psycopg.connect(postgres_database) as idle:
            idle.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            idle.execute("SELECT count(*) FROM runs")
            with psycopg.connect(postgres_database, autocommit=True) as other:
                other.execute("SELECT pg_sleep(1.1)")
            found = await store.engine.read(measured)
            assert found["oldest_snapshot_seconds"] >= 1
            assert found["dead_rows"] >= 0
            await store.engine.tidy()
            assert store.engine.figures().keys() == found.keys()
    finally:
        await store.close()
