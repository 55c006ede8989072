"""PostgreSQL's clearing away of old rows: set up for a queue, and watched.

Each change of a row leaves an old one behind until a vacuum takes it. By its defaults PostgreSQL begins when a fifth of
a table is old, which in a large one is too late for a queue: every claim steps over what is left lying. And while
somebody holds a view of an old moment open, no vacuum can take anything at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hooks.store.engine import Reading

_QUEUE = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
    "autovacuum_analyze_scale_factor": "0.02",
}
_PRUNED = {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "1000"}
"""What retention deletes from, each day as much as has come: a fiftieth of it may lie there unused, not a fifth."""

_SMALL = {"fillfactor": "50", "autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "500"}
"""A few rows that change all the time: room for their next versions beside them, so that no index hears of it."""

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "runs": {"fillfactor": "80", **_QUEUE},
    "receipts": {"fillfactor": "90", **_QUEUE},
    "steps": {"fillfactor": "80", **_QUEUE},
    "events": _PRUNED,
    "attempts": _PRUNED,
    "duplicates": _PRUNED,
    "person_queue": _QUEUE,
    "counters": _SMALL,
    "turns": _SMALL,
    "traffic": {"fillfactor": "70"},
}
"""By table. What somebody has set otherwise stays."""


def tune(connection: Any) -> None:
    """Set what is set nowhere yet, inside a transaction of a migration. Holds up neither readers nor writers."""
    rows = connection.execute(
        "SELECT relname, coalesce(reloptions, '{}') FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = to_regnamespace(current_schema())::oid AND relname = ANY(%s)",
        (list(SETTINGS),),
    ).fetchall()
    for table, options in rows:
        given = {option.partition("=")[0] for option in options}
        wanted = ", ".join(f"{name} = {value}" for name, value in SETTINGS[table].items() if name not in given)
        if wanted:
            connection.execute(f"ALTER TABLE {table} SET ({wanted})")


def measured(reading: Reading) -> Mapping[str, int]:
    """The age of the oldest view that anybody holds of this database, in seconds, and its rows that wait for a vacuum.

    Of other people's sessions PostgreSQL tells only those that are allowed to see them (pg_monitor).
    """
    oldest = reading.execute(
        "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - since)), 0)::bigint FROM ("
        "SELECT xact_start AS since FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid() "
        "UNION ALL SELECT prepared FROM pg_prepared_xacts WHERE database = current_database()) AS views"
    ).fetchone()[0]
    dead = reading.execute("SELECT coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables").fetchone()[0]
    return {"oldest_snapshot_seconds": int(oldest), "dead_rows": int(dead)}
