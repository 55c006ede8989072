"""The two stores side by side: ``python -m benchmarks.stores [--events 3000] [--rounds 3] [--json FILE]``.

One run measures, in turn, on a fresh database each: accepting receipts (64 at once), claiming and completing runs (50
at a time, the intent and the result of each committed), the whole life of events in processes that do everything at
once, and runs that must keep an order by key. SQLite (WAL, synchronous=FULL) with the one process that may write it,
PostgreSQL (fsync on) with one, two and four. Everything goes through the verbs of the store; no HTTP is in it.

CPU is that of our processes and of PostgreSQL's, per event. Medians of the rounds; only ratios in one run mean
anything, and least of all the rates of four processes that share two cores with their database. ``--share 0.1`` makes
of each process a small machine of its own: it rests so that it uses a tenth of a core, and the last core is
PostgreSQL's. Then the rates show how throughput grows with machines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import uvloop

from hooks.errors import LeaseLost
from hooks.events import Event, Receipt, event_id, new_id
from hooks.ports import Attempt, Claimed, Plan, PlannedRun, Progress, Step, Timing
from hooks.store.opening import open_store
from hooks.store.verbs import SqlStore
from tests import postgres

KINDS = ("accept", "work", "life", "order")
SETUPS = (("sqlite", 1), ("postgres", 1), ("postgres", 2), ("postgres", 4))
AT_ONCE = 64
CLAIM = 50
LANES = 100
BODY = json.dumps({"event": "job.completed", "job": {"id": "job_1", "notes": ["checked"] * 130}}).encode()
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Job:
    """What one process does in a measurement."""

    kind: str
    address: str
    events: int
    """Of this process for ``accept`` and ``life``; of all of them for the others."""
    total: int
    number: int
    share: float = 0.0
    """Of a core, that it may use; 0 for as much as there is."""


@dataclass(slots=True)
class Figures:
    """What one measurement gave. Microseconds of CPU are per event."""

    rate: float
    ours_us: float
    database_us: float


# --- the work, in a process of its own ---


def _receipt() -> Receipt:
    return Receipt(new_id("rcp"), "hcp", "housecall_pro", datetime.now(UTC), "accepted", body=BODY, events=1)


def _plan(receipt: Receipt, number: int, ordered: bool) -> Plan:
    data = json.loads(receipt.body)
    event = Event(
        id=event_id(receipt.id, 0),
        type="job.completed",
        source="hcp",
        vendor="housecall_pro",
        vendor_type="job.completed",
        receipt=receipt.id,
        time=receipt.received_at,
        received_at=receipt.received_at,
        subject="job/job_1",
        data=data["job"],
        raw=data,
    )
    # Half of what must keep an order is of one busy customer, the rest of a hundred others.
    lane = f"lane-{0 if number % 2 else number % LANES}" if ordered else None
    return Plan(event, (PlannedRun(new_id("run"), "rule", "titan", receipt.received_at, timing=Timing(lane=lane)),))


async def _accept(store: SqlStore, events: int) -> None:
    left = iter(range(events))

    async def sender() -> None:
        for _ in left:
            receipt = _receipt()
            await store.record(receipt, bytes.fromhex(receipt.id[4:]) * 2, 86400.0)

    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))


async def _plan_all(store: SqlStore, owner: str, ordered: bool) -> int:
    planned = 0
    while receipts := await store.pending(owner, AT_ONCE, datetime.now(UTC)):
        plans = [_plan(receipt, planned + number, ordered) for number, receipt in enumerate(receipts)]
        await store.plan([receipt.id for receipt in receipts], plans, "v1")
        planned += len(receipts)
    return planned


async def _carry_out(store: SqlStore, run: Claimed) -> int:
    now = datetime.now(UTC)
    step = Step(0, "one", "titan.create", "titan", "intended", {"name": "Maya"}, tries=1, intended_at=now)
    done = Step(0, "one", "titan.create", "titan", "done", {"name": "Maya"}, output={"id": 1}, tries=1, finished_at=now)
    attempt = Attempt(new_id("att"), 0, 1, now, 5, "done", 200)
    try:
        await store.progress(Progress(run.id, run.fence, now, steps=(step,)))
        await store.progress(Progress(run.id, run.fence, now, "done", steps=(done,), attempts=(attempt,)))
    except LeaseLost:
        return 0
    return 1


async def _work_once(store: SqlStore, owner: str) -> int:
    claimed = await store.claim(owner, {"titan": CLAIM}, datetime.now(UTC), 20.0)
    return sum(await asyncio.gather(*(_carry_out(store, run) for run, _ in claimed)))


async def _measure(job: Job, barrier: Any, done: Any) -> float:
    """Do it and give the seconds of CPU that it took."""
    store = await open_store(job.address)
    owner = f"worker-{job.number}"
    if job.share and (cores := sorted(os.sched_getaffinity(0)))[1:]:
        os.sched_setaffinity(0, cores[:-1])
    await asyncio.to_thread(barrier.wait)
    began, started = _cpu(), time.monotonic()
    try:
        if job.kind == "accept":
            await _accept(store, job.events)
            return _cpu() - began
        accepting = asyncio.create_task(_accept(store, job.events if job.kind == "life" else 0))
        while done.value < job.total:
            planned = await _plan_all(store, owner, False) if job.kind == "life" else 0
            ended = await _work_once(store, owner)
            with done.get_lock():
                done.value += ended
            if job.share:
                await asyncio.sleep(max(0.0, (_cpu() - began) / job.share - (time.monotonic() - started)))
            if not planned and not ended:
                await asyncio.sleep(0.05 if job.share else 0.002)
        await accepting
        return _cpu() - began
    finally:
        await store.close()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _process(job: Job, barrier: Any, done: Any, results: Any) -> None:
    results.put(uvloop.run(_measure(job, barrier, done)))


# --- measuring ---


def _database_cpu(postmaster: int | None) -> float:
    """Seconds of CPU of a PostgreSQL server, those of its processes that have ended too."""
    if postmaster is None:
        return 0.0
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if stat.parent.name == str(postmaster):
            ticks += sum(int(fields[at]) for at in (11, 12, 13, 14))
        elif fields[1] == str(postmaster):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def measure(
    kind: str, address: str, processes: int, events: int, postmaster: int | None, limit: float = 0.0
) -> Figures:
    """One measurement, on an empty database. ``limit``: of a core, that each process may use."""
    if kind in ("work", "order"):

        async def fill() -> None:
            store = await open_store(address)
            await _accept(store, events)
            await _plan_all(store, "filler", kind == "order")
            await store.close()

        uvloop.run(fill())
    context = multiprocessing.get_context("spawn")
    barrier, done, results = context.Barrier(processes + 1), context.Value("i", 0), context.Queue()
    share = events // processes
    jobs = [Job(kind, address, share, share * processes, number, limit) for number in range(processes)]
    started = [context.Process(target=_process, args=(job, barrier, done, results)) for job in jobs]
    for process in started:
        process.start()
    barrier.wait(60)
    began, database = time.perf_counter(), _database_cpu(postmaster)
    ours = sum(results.get(timeout=600) for _ in started)
    seconds, database = time.perf_counter() - began, _database_cpu(postmaster) - database
    for process in started:
        process.join()
    total = share * processes
    return Figures(total / seconds, ours / total * 1e6, database / total * 1e6)


@contextmanager
def empty(engine: str, server: postgres.Server) -> Iterator[str]:
    """The address of an empty database."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="hooks-bench-") as folder:
            yield f"sqlite:///{folder}/hooks.db"
    else:
        with postgres.database(server.dsn("postgres")) as dsn:
            yield dsn


def version_of(server: postgres.Server) -> str:
    with psycopg.connect(server.dsn("postgres")) as connection:
        return str(connection.info.server_version // 10000)


def run(events: int, rounds: int, kinds: Sequence[str] = KINDS, limit: float = 0.0) -> dict[str, Any]:
    found: dict[tuple[str, str, int], list[Figures]] = {}
    with postgres.running(fsync=True) as server:
        if limit:
            os.sched_setaffinity(server.pid, sorted(os.sched_getaffinity(0))[-1:])
        for number in range(rounds):
            for kind in kinds:
                for engine, processes in SETUPS:
                    with empty(engine, server) as address:
                        postmaster = server.pid if engine == "postgres" else None
                        figures = measure(kind, address, processes, events, postmaster, limit)
                    found.setdefault((kind, engine, processes), []).append(figures)
            print(f"round {number + 1} of {rounds} done", file=sys.stderr)
        versions = f"SQLite {sqlite3.sqlite_version}, PostgreSQL {version_of(server)}"
    rows = []
    for (kind, engine, processes), series in found.items():
        base = found[kind, "sqlite", 1]
        ratio = statistics.median(one.rate / other.rate for one, other in zip(series, base, strict=True))
        middle = Figures(*(statistics.median(asdict(one)[name] for one in series) for name in asdict(series[0])))
        rows.append({"kind": kind, "engine": engine, "processes": processes, "ratio": ratio, **asdict(middle)})
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
    return {"machine": machine, "events": events, "rounds": rounds, "share": limit, "rows": rows}


def show(found: dict[str, Any]) -> None:
    print(f"{found['machine']}; medians of {found['rounds']} rounds of {found['events']} events")
    print("what     store     processes  events/s  to SQLite  CPU us per event: ours  database's")
    for row in found["rows"]:
        print(
            f"{row['kind']:<8} {row['engine']:<9} {row['processes']:>9}  {row['rate']:>8.0f}  {row['ratio']:>9.2f}"
            f"  {row['ours_us']:>22.0f}  {row['database_us']:>10.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--share", type=float, default=0.0, help="of a core, for each process; not for accept")
    parser.add_argument("--json", type=Path)
    given, _ = parser.parse_known_args()
    found = run(given.events, given.rounds, given.kinds, given.share)
    show(found)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
