"""A backlog: runs that wait, written into a server's database with SQL, as many as wanted.

They are whole rows as the engine writes them: receipts with bodies, events with data, runs that are due.
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

PART = 50_000

_NUMBERS = "WITH RECURSIVE numbers(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :after) "
_ID = "printf('{}_%012x7%03x8%015x', :began + i / 4, i % 4096, i)"
_RECEIPT, _EVENT, _RUN = (_ID.format(prefix) for prefix in ("rcp", "evt", "run"))
_ROWS = (
    "INSERT INTO receipts (id, source, vendor, received_at, verdict, path, query, headers, body, events, pending) "
    f"{_NUMBERS} SELECT {_RECEIPT}, 'hcp', 'housecall_pro', :began + i / 4, 'accepted', '', '[]', "
    "'{\"content-type\":\"application/json\"}', CAST(replace(:raw, 'job_0', 'job_' || i) AS BLOB), 1, 0 FROM numbers",
    "INSERT INTO events (id, type, source, vendor, vendor_type, receipt, subject, time, received_at, data, raw, state, "
    f"rules_version) {_NUMBERS} SELECT {_EVENT}, 'job.completed', 'hcp', 'housecall_pro', 'job.completed', {_RECEIPT}, "
    "'job/job_' || i, '2026-05-06T17:30:00Z', '2026-05-06T17:30:00+00:00', replace(:data, 'job_0', 'job_' || i), "
    "replace(:raw, 'job_0', 'job_' || i), 'matched', :version FROM numbers",
    "INSERT INTO runs (id, event, rule, rules_version, generation, state, connection, due_at, created_at, attempts, "
    f"fence, lane, behind) {_NUMBERS} SELECT {_RUN}, {_EVENT}, :rule, :version, 0, 'waiting', :connection, "
    ":began + i / 4, :began + i / 4, 0, 0, NULL, NULL FROM numbers",
)

_JOB = {
    "id": "job_0",
    "number": "1234",
    "description": "Spring tune-up, two units on the roof",
    "status": "completed",
    "total_cents": 18900,
    "customer": {"id": "cus_1", "display_name": "Maya Ortiz", "phone": "+13035550142", "email": "maya@example.org"},
    "address": {"street": "12 Alder Way", "city": "Denver", "state": "CO", "zip": "80203"},
}


def seed(path: Path, number: int, *, rule: str, connection: str) -> None:
    """Add so many waiting runs to the database of a server that has been stopped, by the rules it had in force."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        (version,) = database.execute("SELECT version FROM rule_versions ORDER BY number DESC LIMIT 1").fetchone()
        given = {
            "began": round(time.time() * 1000) - 3_600_000,
            "version": version,
            "rule": rule,
            "connection": connection,
            "data": json.dumps(_JOB),
            "raw": json.dumps({"event": "job.completed", "job": _JOB}),
        }
        for first in range(0, number, PART):
            database.execute("BEGIN")
            for statement in _ROWS:
                database.execute(statement, {**given, "first": first, "after": min(first + PART, number)})
            database.execute("COMMIT")
        for name in ("receipts.accepted", "events.accepted", "events.matched", "runs.waiting"):
            database.execute(
                "INSERT INTO counters (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                (name, number),
            )
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
