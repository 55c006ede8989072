"""How PostgreSQL goes about what the engine asks all the time: never through a whole table, however much waits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg.types.numeric import IntLoader

from hooks.events import Receipt, new_id
from hooks.ports import AuditFilter, EventFilter, Plan, Progress, ReceiptFilter, ReplaySelection, RunFilter, Span
from hooks.store import breaking, leasing, people, planning, replaying, resolving, results, retention, steering
from hooks.store.accept import accept_rows, accepted_row
from hooks.store.auditing import SqlAudit
from hooks.store.dialect import statement
from hooks.store.engine import Reading
from hooks.store.fairness import Share
from hooks.store.history import SqlHistory
from hooks.store.opening import open_store
from hooks.store.postgres import PostgresTransaction
from hooks.store.rows import millis
from hooks.store.rulerecords import SqlRuleRecords
from tests.store.test_store_conformance import event_of, run_to

T = TypeVar("T")

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
LARGE = frozenset({"receipts", "events", "runs", "steps", "attempts", "duplicates"})
CONNECTIONS = ("homebase", "office", "titan")

_FILL = (
    "INSERT INTO receipts (id, source, vendor, received_at, verdict, path, query, headers, body, events, pending) "
    "SELECT 'rcp_' || lpad(to_hex(n), 32, '0'), 'hcp', 'housecall_pro', {at} + n, 'accepted', '', '[]', '{{}}', "
    "'{{}}'::bytea, 1, 0 FROM generate_series(1, {rows}) n",
    "INSERT INTO events (id, type, source, vendor, vendor_type, receipt, time, received_at, data, raw, state, "
    "rules_version) SELECT 'evt_' || lpad(to_hex(n), 32, '0'), 'job.completed', 'hcp', 'housecall_pro', "
    "'job.completed', 'rcp_' || lpad(to_hex(n), 32, '0'), '2026-05-04T14:00:00+00:00', '2026-05-04T14:00:00+00:00', "
    "'{{}}', '{{}}', 'matched', 'v1' FROM generate_series(1, {rows}) n",
    "INSERT INTO runs (id, event, rule, rules_version, generation, state, connection, due_at, created_at, attempts, "
    "fence) SELECT 'run_' || lpad(to_hex(n), 32, '0'), 'evt_' || lpad(to_hex(n), 32, '0'), 'rule-' || n % 20, 'v1', 0, "
    "CASE WHEN n % 100 = 0 THEN 'failed' WHEN n % 100 = 1 THEN 'held' WHEN n % 10 = 2 THEN 'done' ELSE 'waiting' END, "
    "(ARRAY['homebase', 'office', 'titan'])[1 + n % 3], {at} + n % 1000, {at}, 0, 0 FROM generate_series(1, {rows}) n",
    "INSERT INTO steps (run, position, id, action, connection, state, tries) SELECT id, 0, 'one', 'titan.x', "
    "connection, 'waiting', 0 FROM runs",
    "INSERT INTO attempts (id, run, position, number, started_at, duration_ms, verdict, exchanges) SELECT "
    "'att_' || seq, id, 0, 1, {at}, 1, 'done', '[]' FROM runs WHERE state <> 'waiting'",
    "INSERT INTO duplicates (digest, receipt, expires_at) SELECT decode(md5(n::text), 'hex'), '\\x00'::bytea, 0 "
    "FROM generate_series(1, {rows}) n",
    "INSERT INTO counters (name, value) VALUES ('receipts.accepted', {rows}), ('events.accepted', {rows}), "
    "('events.matched', {rows})",
    "INSERT INTO counters (name, value) SELECT 'runs.' || state, count(*) FROM runs GROUP BY state",
    "VACUUM ANALYZE",
)


class Explaining(PostgresTransaction):
    """A transaction that has each of its statements explained before it runs, and timed."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection, 0)
        self._explained = connection
        self.whole: list[str] = []
        """Statements that go through a whole large table."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        if sql.lstrip().split(None, 1)[0] in ("SELECT", "UPDATE", "DELETE", "INSERT"):
            cursor = psycopg.RawCursor(self._explained)
            row = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement(sql)}", parameters).fetchone()
            assert row is not None, "it was explained"
            plan = row[0] if isinstance(row[0], list) else json.loads(row[0])
            self.whole += [f"{table}: {sql}" for table in _scanned(plan[0]["Plan"]) if table in LARGE]
        return super().execute(sql, parameters)


def _scanned(plan: dict[str, Any]) -> Iterator[str]:
    """The tables that this plan reads from end to end."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from _scanned(part)


class Reader:
    """A history's way into the explained transaction."""

    def __init__(self, transaction: Explaining) -> None:
        self._transaction = transaction

    async def read(self, read: Callable[[Reading], T]) -> T:
        return read(self._transaction)

    async def close(self) -> None:
        return None


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    print(f"{what:24} {(time.perf_counter() - began) * 1000:8.1f} ms")


async def _nothing_is_read_whole(dsn: str, rows: int) -> None:
    await (await open_store(dsn, relaxed=True)).close()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.adapters.register_loader("numeric", IntLoader)
        for sql in _FILL:
            connection.execute(sql.format(at=millis(NOW) - 2000, rows=rows))
        connection.execute("BEGIN")
        transaction = Explaining(connection)
        _work(transaction)
        await _look(SqlHistory(Reader(transaction)))
        await _look_further(Reader(transaction))
        _tidy(transaction)
        connection.execute("ROLLBACK")
    assert not transaction.whole, "\n".join(transaction.whole)


def _work(transaction: Explaining) -> None:
    """What servers do all the time."""
    stored = [Receipt(new_id("rcp"), "hcp", "housecall_pro", NOW, "accepted", body=b"{}", events=1) for _ in range(50)]
    with timed("accept 50"):
        accept_rows(transaction, [accepted_row(one, bytes([n]) * 32, 9.0) for n, one in enumerate(stored)])
    with timed("take_pending 50"):
        assert 50 == len(planning.take_pending(transaction, "me", 64, NOW))
    with timed("plan 50"):
        plans = [Plan(event_of(one), (run_to("titan"),)) for one in stored]
        planning.plan(transaction, [one.id for one in stored], plans, "v1")
    with timed("next_due"):
        assert leasing.next_due(transaction, CONNECTIONS) is not None
    with timed("claim 3 x 16"):
        claimed = leasing.claim(
            transaction, "me", dict.fromkeys(CONNECTIONS, 16), NOW, 20.0, {"titan": Share(passed=16)}
        )
        assert 48 == len(claimed)
    with timed("progress 48"):
        for number, (run, _) in enumerate(claimed):
            results.write_results(transaction, [Progress(run.id, run.fence, NOW, "done" if number else None)])
    with timed("renew"):
        leasing.renew(transaction, "me", [run.id for run, _ in claimed], NOW, 20.0)
    with timed("recover"):
        leasing.recover(transaction, "you", NOW + timedelta(seconds=60))
    with timed("leave"):
        leasing.leave(transaction, "me", NOW)
    with timed("absent_connections"):
        assert [] == leasing.absent_connections(transaction, CONNECTIONS)
    with timed("is_held"):
        steering.is_held(transaction, CONNECTIONS, ("its connection is paused",))
    with timed("hold 500"):
        assert 500 == steering.hold(transaction, "titan", "its connection is paused", 500)
    with timed("release 500"):
        assert 500 == steering.release(transaction, "titan", "its connection is paused", NOW, 0.0, 500)
    with timed("mentions"):
        people.mentions(transaction, 50)
    with timed("under way"):
        breaking.under_way(transaction)
    with timed("unknown steps"):
        for state in ("held", "failed"):
            resolving.unknown_steps(transaction, state, "titan", 0, 500)


def _tidy(transaction: Explaining) -> None:
    """What upkeep does, as far as it goes in one transaction: all events are old, and those of failed runs stay."""
    late = NOW + timedelta(days=40)
    for stage in ("events", "receipts", "quarantine", "duplicates", "onces", "traffic"):
        with timed(f"prune {stage}"):
            rows, swept = retention._candidates(transaction, swept=_at(stage), before=late, now=late)
            retention._deleted(transaction, swept=swept, rows=rows[: retention.SCANNED], before=late)


def _at(stage: retention.Stage) -> retention.Swept:
    return retention.Swept(stage=stage, after="" if stage in ("duplicates", "onces") else 0)


async def _look(history: SqlHistory) -> None:
    """What people look at."""
    some = f"run_{5:032x}"
    for state in ("waiting", "running", "held", "failed", "skipped"):
        with timed(f"runs {state}"):
            await history.runs(RunFilter(state=state, limit=50))
    with timed("runs"):
        await history.runs(RunFilter(limit=50, cursor=some))
    with timed("runs of a rule"):
        await history.runs(RunFilter(rule="rule-7", limit=50))
    with timed("runs of an event"):
        await history.runs(RunFilter(event=f"evt_{5:032x}", limit=50))
    with timed("a run"):
        await history.run(some)
    with timed("events"):
        page = await history.events(EventFilter(limit=50))
    with timed("events of a type"):
        await history.events(EventFilter(type="job.completed", limit=50))
    with timed("events of no rule"):
        await history.events(EventFilter(rule="rule-7", limit=5))
    with timed("an event"):
        assert await history.event(page.items[0]["id"]) is not None
    with timed("receipts"):
        await history.receipts(ReceiptFilter(limit=50))
    with timed("receipts refused"):
        await history.receipts(ReceiptFilter(verdict="refused", limit=50))
    with timed("stats"):
        await history.stats()


async def _look_further(reader: Reader) -> None:
    """What the console's lists, searches and rule pages ask, and replays."""
    history, records = SqlHistory(reader), SqlRuleRecords(reader)
    since, until = NOW - timedelta(minutes=5), NOW + timedelta(minutes=5)
    event = f"evt_{70:032x}"
    filters = {
        "of a source": EventFilter(source="hcp", limit=50),
        "unmatched": EventFilter(state="unmatched", limit=50),
        "of types": EventFilter(type="job.*", limit=50),
        "of a time": EventFilter(since=since, until=until, limit=50),
        "page of a time": EventFilter(since=since, until=until, cursor=event, limit=50),
        "named": EventFilter(q=event, limit=50),
        "with a text": EventFilter(q="Maya Ortiz", limit=50),
        "with a phone": EventFilter(q="(206) 555-0123", limit=50),
    }
    for name, wanted in filters.items():
        with timed(f"events {name}"):
            await history.events(wanted)
    with timed("receipts of a source"):
        await history.receipts(ReceiptFilter(source="hcp", limit=50))
    with timed("receipts of a time"):
        await history.receipts(ReceiptFilter(since=since, until=until, limit=50))
    with timed("traffic"):
        await history.traffic(since)
    with timed("changes"):
        await SqlAudit(None, reader).changes(AuditFilter(target=event, limit=50))  # type: ignore[arg-type]
    with timed("past of the rules"):
        await records.past(Span(since, None, None, most=1000), None, 100)
    with timed("runs of rules"):
        await records.runs(["rule-3", "rule-7"], since, 200)
    selections = {
        "failed": ReplaySelection(state="failed"),
        "failed of a rule": ReplaySelection(state="failed", rule="rule-3"),
        "of a type and time": ReplaySelection(type="job.completed", since=since, until=until),
    }
    for name, selection in selections.items():
        with timed(f"replay {name}"):
            await reader.read(partial(replaying.chosen, selection=selection, after=0, limit=100))


@pytest.mark.timeout(120)
async def test_nothing_that_is_asked_all_the_time_reads_a_whole_table(postgres_database: str) -> None:
    await _nothing_is_read_whole(postgres_database, 100_000)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_million_rows_change_nothing_about_that(postgres_database: str) -> None:
    await _nothing_is_read_whole(postgres_database, 1_150_000)


def test_a_scan_is_found_where_it_is() -> None:
    plan = {"Node Type": "Limit", "Plans": [{"Node Type": "Seq Scan", "Relation Name": "runs"}]}
    assert ["runs"] == list(_scanned(plan))
