"""A database of a million events against one of a thousand: ``python -m benchmarks million [--rounds 5]``.

Two databases are filled with invented events, runs and people, and with a digest for each delivery. Then, in rounds
that take turns, a real server on each takes signed webhooks (``ingest``), and another takes them, plans them and calls
a sink on this machine (``end to end``). Every 202 is looked up afterwards, every event is seen at the sink. The ratios
are medians: 1 would be that history costs nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import uvloop

from benchmarks.console import fill
from benchmarks.end_to_end import ROUTES, Sink
from benchmarks.ingest import prepared, prove_present
from benchmarks.load import drive
from benchmarks.servers import Server, hooks, stats

CONNECTIONS = 64
WARM = 200
PATIENCE = 120.0
FEW, MANY = 1_000, 1_000_000


class Measured(NamedTuple):
    """Events a second, microseconds of processor time for each, milliseconds that the slowest hundredth waited."""

    rate: float
    cpu: float
    p99: float


def measure(rounds: int, events: int, folder: Path | None = None, many: int = MANY) -> dict[str, Any]:
    """Ratios of the large database to the small one. ``folder``: where they are filled once and used again."""
    with tempfile.TemporaryDirectory(prefix="hooks-million-") as temporary:
        place = folder or Path(temporary)
        data = {number: _filled(place / str(number), number) for number in (FEW, many)}
        numbers = iter(range(time.time_ns(), time.time_ns() + 10**9))  # others than those of an earlier run
        found: dict[str, dict[int, list[Measured]]] = {kind: {FEW: [], many: []} for kind in ("ingest", "end_to_end")}
        for number in range(rounds):
            for stored, path in data.items():
                found["ingest"][stored].append(_ingest(path, numbers, events))
                found["end_to_end"][stored].append(uvloop.run(_whole(path, numbers, events // 20)))
            print(f"million: round {number + 1} of {rounds} done", file=sys.stderr)
    return {
        "rounds": rounds,
        "events": events,
        "stored": many,
        **{kind: _row(series[FEW], series[many]) for kind, series in found.items()},
    }


def _row(few: list[Measured], many: list[Measured]) -> dict[str, float]:
    pairs = list(zip(few, many, strict=True))
    return {
        "rate_ratio": round(median(large.rate / small.rate for small, large in pairs), 2),
        "cpu_ratio": round(median(small.cpu / large.cpu for small, large in pairs), 2),
        "few_cpu_us": round(median(one.cpu for one in few), 1),
        "many_cpu_us": round(median(one.cpu for one in many), 1),
        "few_p99_ms": round(median(one.p99 for one in few), 1),
        "many_p99_ms": round(median(one.p99 for one in many), 1),
    }


def _filled(data: Path, number: int) -> Path:
    if not (data / "filled").exists():
        data.mkdir(parents=True, exist_ok=True)
        print(f"million: filling a database with {number} events", file=sys.stderr)
        fill(data / "hooks.db", number)
        with closing(sqlite3.connect(data / "hooks.db")) as database, database:
            database.execute("PRAGMA synchronous = OFF")
            expires = int(time.time()) + 30 * 86_400
            rows = sorted((os.urandom(16), os.urandom(16), expires) for _ in range(number))
            database.executemany("INSERT INTO duplicates (digest, receipt, expires_at) VALUES (?, ?, ?)", rows)
            database.execute(
                "INSERT INTO marks (name, value) SELECT 'duplicates', max(seq) FROM receipts WHERE seq > 0 "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            )
        (data / "filled").touch()
    return data


def _ingest(data: Path, numbers: Iterator[int], events: int) -> Measured:
    with hooks(role="receive", data=data) as server:
        uvloop.run(drive(server.port, prepared(numbers, server.port, WARM), connections=8, seconds=PATIENCE))
        requests = prepared(numbers, server.port, events)
        used = server.cpu()
        figures = uvloop.run(drive(server.port, requests, connections=CONNECTIONS, seconds=PATIENCE, keep=True))
        used = server.cpu() - used
        prove_present(server.data, figures)
    with closing(sqlite3.connect(data / "hooks.db")) as database, database:
        database.execute("UPDATE receipts SET pending = 0 WHERE pending = 1")  # they are no work for the next server
    return Measured(figures.rate, used / events * 1e6, figures.percentile(0.99) * 1000)


async def _whole(data: Path, numbers: Iterator[int], events: int) -> Measured:
    seen: Counter[str] = Counter()
    sink = await asyncio.get_running_loop().create_server(lambda: Sink(seen), "127.0.0.1", 0)
    async with sink:
        with hooks(ROUTES % sink.sockets[0].getsockname()[1], data=data) as server:
            # what the measurement of ingest has left is planned first
            await _until_idle(server)
            warm = prepared(numbers, server.port, WARM)
            await drive(server.port, warm, connections=CONNECTIONS, seconds=PATIENCE)
            await _until_idle(server)
            before = seen.total()
            requests = prepared(numbers, server.port, events)
            used, began = server.cpu(), time.perf_counter()
            figures = await drive(server.port, requests, connections=CONNECTIONS, seconds=PATIENCE)
            while seen.total() < before + events and time.perf_counter() - began < PATIENCE:
                await asyncio.sleep(0.005)
            seconds, used = time.perf_counter() - began, server.cpu() - used
    if seen.total() != before + events or set(figures.statuses) != {202}:
        raise SystemExit(f"not a measurement: {figures.statuses}, {seen.total() - before} of {events} called")
    return Measured(events / seconds, used / events * 1e6, figures.percentile(0.99) * 1000)


async def _until_idle(server: Server) -> None:
    """All that came has become events, and their runs are over."""
    deadline = time.monotonic() + PATIENCE * 5
    while True:
        counted = await asyncio.to_thread(stats, server)
        if not counted["events"]["pending"] + counted["runs"]["waiting"] + counted["runs"]["running"]:
            return
        if time.monotonic() > deadline:
            raise SystemExit("not a measurement: the server does not come to the end of what it has")
        await asyncio.sleep(0.1)


def show(found: Mapping[str, Any]) -> None:
    """The result as a table."""
    print(f"{found['stored']} stored events against {FEW}: medians of {found['rounds']} rounds of {found['events']}")
    print("              by rate   by CPU   CPU us: few     many   p99 ms: few     many")
    for kind in ("ingest", "end_to_end"):
        row = found[kind]
        print(
            f"  {kind:<12}{row['rate_ratio']:>7}  {row['cpu_ratio']:>7}  {row['few_cpu_us']:>12}"
            f"  {row['many_cpu_us']:>7}  {row['few_p99_ms']:>12}  {row['many_p99_ms']:>7}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=40_000, help="of each round; end to end takes a twentieth")
    parser.add_argument("--stored", type=int, default=MANY)
    parser.add_argument("--folder", type=Path, help="where the databases are filled once, to be used again")
    given = parser.parse_args()
    show(measure(given.rounds, given.events, given.folder, given.stored))


if __name__ == "__main__":
    main()
