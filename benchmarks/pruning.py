"""Retention on a large PostgreSQL: ``python -m benchmarks pruning [--events 1000000] [--old 100000] [--rounds 3]``.

Fills a fresh database with a month of finished events (each a receipt, an event, a run, a step, an attempt and a
remembered delivery: six rows). In each round ``--old`` more come, as many as before them are past their time, and are
deleted as a server does it, while receipts keep coming at a fixed pace and their runs are carried out. What has grown
after some rounds grows for ever.

``pauses``: how long a sender waited for its commit, for ten seconds beside pruning and ten without, and so on. ``CPU``
is per event that was deleted, that of the load taken off. ``size`` is the whole database; a vacuum is PostgreSQL's own
affair here (autovacuum, as the migrations set it up), which looks every five seconds, because days pass in minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import uvloop

from benchmarks.stores import _carry_out, _database_cpu, _plan_all, _receipt
from hooks.store.opening import open_store
from hooks.store.retention import Pruner, Swept
from hooks.store.rows import millis
from hooks.store.verbs import SqlStore
from tests import postgres

KEPT = timedelta(days=30)

TURN = 10.0
"""Seconds beside pruning, and then without it."""

_IDS = "lpad(to_hex({since} + n * {step}), 12, '0') || '7' || lpad(to_hex(n), 19, '0')"
"""Like our own: they begin with their instant."""

FILL = (
    "INSERT INTO receipts (id, source, vendor, received_at, verdict, path, query, headers, body, events, pending) "
    "SELECT 'rcp_' || {id}, 'hcp', 'housecall_pro', {since} + n * {step}, 'accepted', '', '[]', '{{}}', "
    "convert_to(repeat(md5(n::text), {body} / 32), 'UTF8'), 1, 0 FROM generate_series(1::bigint, {rows}) n",
    "INSERT INTO events (id, type, source, vendor, vendor_type, receipt, subject, time, received_at, data, raw, state, "
    "rules_version) SELECT 'evt_' || {id}, 'job.completed', 'hcp', 'housecall_pro', 'job.completed', 'rcp_' || {id}, "
    "'job/job_' || n % 50000, {at}, {at}, repeat(md5(n::text), {body} / 32), repeat(md5(n::text), {body} / 32), "
    "'matched', 'v1' FROM (SELECT n, {text} AS at FROM generate_series(1::bigint, {rows}) n) AS each",
    "INSERT INTO runs (id, event, rule, rules_version, generation, state, connection, due_at, created_at, finished_at, "
    "attempts, fence) SELECT 'run_' || {id}, 'evt_' || {id}, 'rule-' || n % 20, 'v1', 0, 'done', 'titan', "
    "{since} + n * {step}, {since} + n * {step}, {since} + n * {step}, 1, 1 FROM generate_series(1::bigint, {rows}) n",
    "INSERT INTO steps (run, position, id, action, connection, state, inputs, request, output, tries) SELECT "
    "'run_' || {id}, 0, 'one', 'titan.x', 'titan', 'done', repeat(md5(n::text), 8), repeat(md5(n::text), 8), '{{}}', 1 "
    "FROM generate_series(1::bigint, {rows}) n",
    "INSERT INTO attempts (id, run, position, number, started_at, duration_ms, verdict, status, exchanges) SELECT "
    "'att_' || {id}, 'run_' || {id}, 0, 1, {since} + n * {step}, 5, 'done', 200, repeat(md5(n::text), 16) "
    "FROM generate_series(1::bigint, {rows}) n",
    "INSERT INTO duplicates (digest, receipt, expires_at) SELECT decode(md5({since}::text || n), 'hex'), "
    "'\\x00'::bytea, ({since} + n * {step}) / 1000 + 2592000 FROM generate_series(1::bigint, {rows}) n",
    "INSERT INTO counters (name, value) VALUES ('receipts.accepted', {rows}), ('events.accepted', {rows}), "
    "('events.matched', {rows}), ('runs.done', {rows}) ON CONFLICT (name) DO UPDATE SET value = counters.value + "
    "excluded.value",
)


@dataclass
class Pauses:
    """How long senders waited for their commits, in seconds."""

    waits: list[float] = field(default_factory=list)

    def shown(self) -> str:
        found = sorted(self.waits)
        if not found:
            return "nothing came"
        middle, late = found[len(found) // 2], found[int(len(found) * 0.99)]
        return f"p50 {middle * 1000:.1f}, p99 {late * 1000:.1f}, longest {found[-1] * 1000:.0f} ms of {len(found)}"


def fill(dsn: str, rows: int, since: datetime, until: datetime, body: int) -> None:
    """So many finished events, evenly between two instants."""
    step = max(1, (millis(until) - millis(since)) // rows)
    names: dict[str, object] = {"since": millis(since), "step": step, "rows": rows, "body": body, "at": "at"}
    names["id"] = _IDS.format(**names)
    stamp = f"to_timestamp(({names['since']} + n * {step}) / 1000.0) AT TIME ZONE 'UTC'"
    names["text"] = f"to_char({stamp}, 'YYYY-MM-DD\"T\"HH24:MI:SS+00:00')"
    with psycopg.connect(dsn, autocommit=True) as connection:
        for sql in FILL:
            connection.execute(sql.format(**names))
        connection.execute("ANALYZE")


def size(dsn: str) -> float:
    """Of the database, in MiB."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return 0.0 if row is None else row[0] / 2**20


async def come(store: SqlStore, pauses: Pauses, load: float) -> None:
    """Receipts at a fixed pace, whoever waits; for ever."""

    async def one() -> None:
        began = time.perf_counter()
        receipt = _receipt()
        await store.record(receipt, bytes.fromhex(receipt.id[4:]) * 2, 86400.0)
        pauses.waits.append(time.perf_counter() - began)

    at = time.perf_counter()
    async with asyncio.TaskGroup() as senders:
        while True:
            at += 1 / load
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            senders.create_task(one())


async def work(store: SqlStore) -> None:
    """Carry out what comes, for ever."""
    while True:
        planned = await _plan_all(store, "worker", False)
        claimed = await store.claim("worker", {"titan": 50}, datetime.now(UTC), 20.0)
        await asyncio.gather(*(_carry_out(store, run) for run, _ in claimed))
        if not planned and not claimed:
            await asyncio.sleep(0.02)


@dataclass
class Phases:
    """Pruning and leaving it alone, turn by turn: what came in each, and what it cost."""

    postmaster: int
    pauses: dict[bool, Pauses] = field(default_factory=lambda: {True: Pauses(), False: Pauses()})
    seconds: dict[bool, float] = field(default_factory=lambda: {True: 0.0, False: 0.0})
    ours: dict[bool, float] = field(default_factory=lambda: {True: 0.0, False: 0.0})
    database: dict[bool, float] = field(default_factory=lambda: {True: 0.0, False: 0.0})
    going: asyncio.Event = field(default_factory=asyncio.Event)

    async def rest(self, seconds: float) -> None:
        """As the pruner's sleep: it goes on in its turn."""
        await asyncio.sleep(seconds)
        await self.going.wait()

    async def take_turns(self, store: SqlStore, load: float) -> None:
        """For ever."""
        while True:
            for pruning in (True, False):
                (self.going.set if pruning else self.going.clear)()
                began, ours, database = time.perf_counter(), _cpu(), _database_cpu(self.postmaster)
                coming = asyncio.create_task(come(store, self.pauses[pruning], load))
                try:
                    await asyncio.sleep(TURN)
                finally:
                    coming.cancel()
                    self.seconds[pruning] += time.perf_counter() - began
                    self.ours[pruning] += _cpu() - ours
                    self.database[pruning] += _database_cpu(self.postmaster) - database
                await asyncio.gather(coming, return_exceptions=True)

    def cost(self, used: dict[bool, float]) -> float:
        """Seconds of CPU that pruning took, beside those of the load."""
        return used[True] - used[False] / max(self.seconds[False], 0.001) * self.seconds[True]


async def prune(store: SqlStore, now: datetime, phases: Phases, share: float) -> Swept:
    """As a server's upkeep does, in its turns; gives what went."""
    pruner = Pruner(store.engine, monotonic=time.monotonic, sleep=phases.rest, share=share)
    last = Swept()
    async for swept in pruner.prune(now - KEPT, now):
        last = swept
    return last


async def measure(dsn: str, postmaster: int, given: argparse.Namespace) -> None:
    store = await open_store(dsn)
    span = KEPT * given.old / given.events
    begin = datetime.now(UTC) - KEPT - span * given.rounds
    await asyncio.to_thread(fill, dsn, given.events, begin, begin + KEPT, given.body)
    for number in range(given.rounds):
        now = begin + KEPT + span * (number + 1)
        await asyncio.to_thread(fill, dsn, given.old, now - span, now, given.body)
        print(f"round {number + 1}: {given.events + given.old} events, {size(dsn):.0f} MiB", flush=True)
        phases = Phases(postmaster)
        working = asyncio.create_task(work(store))
        turns = asyncio.create_task(phases.take_turns(store, given.load))
        swept = await prune(store, now, phases, given.share)
        turns.cancel()
        working.cancel()
        await asyncio.gather(turns, working, return_exceptions=True)
        seconds, each = phases.seconds[True], 1e6 / max(1, swept.events)
        ours, database = phases.cost(phases.ours) * each, phases.cost(phases.database) * each
        rate = swept.events / seconds
        print(f"  {swept.events} events, {swept.keys} keys deleted in {seconds:.0f} s: {rate:.0f} events a second")
        print(f"  CPU an event: ours {ours:.0f} us, PostgreSQL's {database:.0f} us")
        print(f"  pauses without pruning: {phases.pauses[False].shown()}")
        print(f"  pauses beside it:       {phases.pauses[True].shown()}")
        await asyncio.sleep(TURN * 2)
        print(f"  size {size(dsn):.0f} MiB, rows that wait for a vacuum: {dead(dsn)}", flush=True)
    await store.close()


def dead(dsn: str) -> int:
    """Rows that are deleted and not cleared away."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables").fetchone()
    return 0 if row is None else int(row[0])


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--old", type=int, default=100_000, help="events that run out in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load", type=float, default=20.0, help="receipts a second meanwhile")
    parser.add_argument("--body", type=int, default=512, help="bytes of each body")
    parser.add_argument("--share", type=float, default=0.25, help="of the time that pruning may take")
    given, _ = parser.parse_known_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {json.dumps(vars(given))}")
    with (
        postgres.running(fsync=True, options=("autovacuum_naptime=5",)) as server,
        postgres.database(server.dsn("postgres")) as dsn,
    ):
        uvloop.run(measure(dsn, server.pid, given))


if __name__ == "__main__":
    main()
