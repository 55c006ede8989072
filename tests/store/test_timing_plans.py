"""However many runs wait, what looks for the next one goes by an index: no statement reads a whole table."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hooks.ports import EventFilter, Plan, PlannedRun, Progress, Timing
from hooks.store import history, leasing, planning, results, steering
from hooks.store.eventlists import flagged_since, list_events
from hooks.store.fairness import Share
from hooks.store.migrate import migrate
from tests.store.test_store_conformance import NOW, event_of, receipt

ALL = Timing(gate="1/1000/g", lane="l")


class Recorded:
    """A transaction that keeps the statements it was asked for."""

    skip_locked = ""
    alone = True

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.statements: dict[str, Sequence[Any]] = {}

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> sqlite3.Cursor:
        self.statements[sql] = parameters
        return self._connection.execute(sql, parameters)

    def count(self, name: str, by: int = 1) -> None:
        pass

    def tally(self, at: int, kind: str, name: str, by: int = 1) -> None:
        pass


def work(transaction: Recorded) -> None:
    """Everything that runs which wait for others go through."""
    later = NOW + timedelta(seconds=5)
    burst = Timing(burst="b", settles_by=later)
    first = Timing(burst="f", settles_by=later, keep="first")
    for number, timing in enumerate((ALL, ALL, Timing(gate="1/1000/g"), burst, burst, first, first, ALL)):
        stored = receipt()
        transaction.execute(
            "INSERT INTO receipts (id, source, vendor, received_at, verdict, path, query, headers, body, events, "
            "pending) VALUES (?, 'hcp', 'v', 0, 'accepted', '', '[]', '{}', x'', 1, 1)",
            (stored.id,),
        )
        run = PlannedRun(f"run_{number}", "r", "titan", NOW, timing=timing)
        planning.plan(transaction, [stored.id], [Plan(event_of(stored), (run,), ("e",))], "v")
    for _ in range(6):
        for claimed, _ in leasing.claim(transaction, "me", {"titan": 9}, later, 20, {"titan": Share(passed=9)}):
            results.write_results(transaction, [Progress(claimed.id, claimed.fence, later, "done")])
        later += timedelta(seconds=1)
    steering.cancel(transaction, "run_7", "no", later)
    leasing.next_due(transaction, ["titan"])
    leasing.absent_connections(transaction, ["titan"])
    steering.hold(transaction, "titan", "paused", 10)


def test_no_statement_of_the_queue_reads_a_whole_table() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection)
        transaction = Recorded(connection)
        work(transaction)
        read = [
            f"{row[3]}: {sql}"
            for sql, parameters in transaction.statements.items()
            for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
            if row[3].startswith("SCAN") and "USING" not in row[3] and "CONSTANT" not in row[3]
        ]
    finally:
        connection.close()
    assert len(transaction.statements) > 40
    assert [] == [text for text in read if any(text.startswith(f"SCAN {table}") for table in TABLES)]


TABLES = ("runs", "gates", "starts", "lanes", "bursts", "receipts", "events", "steps", "onces")


def test_dead_letters_that_nobody_has_given_up_are_found_among_any_number_of_the_others() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection)
        listed = f"SELECT r.reason FROM runs r WHERE {history.OPEN} ORDER BY r.seq DESC LIMIT 50"
        counted = f"SELECT count(*) FROM runs r WHERE {history.OPEN}"
        plans = [connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in (listed, counted)]
    finally:
        connection.close()
    assert [["SCAN r USING INDEX runs_open"]] * 2 == [[row[3] for row in plan] for plan in plans]


@pytest.mark.parametrize(
    "narrowed",
    [
        {},
        {"source": "leads"},
        {"state": "unmatched"},
        {"type": "lead.created"},
        {"type": "lead.*"},
        {"since": datetime(2026, 5, 4, tzinfo=UTC), "source": "leads"},
    ],
)
def test_events_that_could_not_be_read_are_found_among_any_number_of_the_others(narrowed: dict[str, Any]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection)
        transaction = Recorded(connection)
        list_events(transaction, EventFilter(flagged=True, **narrowed))
        flagged_since(transaction, datetime(2026, 5, 4, tzinfo=UTC), 100)
        plans = [
            connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
            for sql, parameters in transaction.statements.items()
        ]
    finally:
        connection.close()
    assert ["events_flagged"] * 2 == [plan[0][3].rpartition(" ")[2] for plan in plans]
