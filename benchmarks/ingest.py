"""Durable ingest against the bare stack: ``python -m benchmarks.ingest [--seconds 3] [--rounds 3]``.

Each round drives, one after the other, bare uvicorn+Starlette reading the body, and a real ``hooks serve`` that
verifies the signature, refuses duplicates and commits to SQLite (WAL, synchronous=FULL) before each answer. The body is
a Housecall Pro job of about 2 KB, every request another one. What was answered 202 is looked up in the database
afterwards. Medians of the rounds; only the ratios mean anything.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import uvloop

from benchmarks.load import Figures, drive
from benchmarks.servers import SECRET, bare, hooks

CONNECTIONS = (1, 16, 64, 256)
SERVERS = ("bare", "receive", "all")
"""The yardstick, and two servers of ours: one that only receives, one that also makes events and runs meanwhile."""

RATE = 20_000
"""Requests to build beforehand for each second: when there are no more, a drive ends."""


def job(number: int) -> bytes:
    """The body of a ``job.completed`` of about 2 KB, another one for each number."""
    person = {"id": f"cus_{number}", "first_name": "Maya", "last_name": "Ortiz", "email": "maya@example.org"}
    body = {
        "event": "job.completed",
        "event_occurred_at": "2026-05-06T19:40:00Z",
        "company_id": "0b7d2a6e-51c4-4d3f-9f0e-6a1d3c8e2b11",
        "job": {
            "id": f"job_{number}",
            "invoice_number": str(number),
            "description": "AC tune-up",
            "customer": {**person, "mobile_number": "3035550142", "notes": None, "tags": ["maintenance-plan"]},
            "address": {"id": "adr_77", "type": "service", "street": "18 Birch Rd", "city": "Golden", "state": "CO"},
            "notes": [
                {"id": f"nte_{n}", "content": "Filter replaced, pressure checked, coil cleaned"} for n in range(8)
            ],
            "work_status": "complete unrated",
            "work_timestamps": {"started_at": "2026-05-06T17:45:00Z", "completed_at": "2026-05-06T19:40:00Z"},
            "schedule": {"scheduled_start": "2026-05-06T17:30:00Z", "scheduled_end": "2026-05-06T19:30:00Z"},
            "total_amount": 18900,
            "outstanding_balance": 18900,
            "assigned_employees": [{"id": f"pro_{n}", "first_name": "Lee", "last_name": "Park"} for n in range(6)],
            "tags": ["maintenance", "vip"],
            "created_at": "2026-05-04T15:00:00Z",
            "updated_at": "2026-05-06T19:40:00Z",
        },
    }
    return json.dumps(body).encode()


def signed(numbers: Iterator[int], port: int) -> Iterator[bytes]:
    """Requests as Housecall Pro sends them, without end."""
    key = SECRET.encode()
    while True:
        stamp = str(int(time.time())).encode()
        for _ in range(2000):
            body = job(next(numbers))
            signature = hmac.new(key, stamp + b"." + body, hashlib.sha256).hexdigest().encode()
            yield (
                b"POST /in/hcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                b"User-Agent: bench\r\nApi-Timestamp: %s\r\nApi-Signature: %s\r\nContent-Length: %d\r\n\r\n%s"
                % (port, stamp, signature, len(body), body)
            )


def prepared(numbers: Iterator[int], port: int, count: int) -> Iterator[bytes]:
    """So many requests built beforehand, so that building them does not count."""
    source = signed(numbers, port)
    return iter([next(source) for _ in range(count)])


def prove_present(data: Path, figures: Figures) -> None:
    """Every receipt that was answered 202 is in the database file, else this is no measurement."""
    told = {json.loads(body)["receipt"] for body in figures.bodies}
    with closing(sqlite3.connect(f"file:{data / 'hooks.db'}?mode=ro", uri=True)) as database:
        stored = {row[0] for row in database.execute("SELECT id FROM receipts WHERE verdict = 'accepted'")}
    missing = told - stored
    if missing or set(figures.statuses) != {202}:
        raise SystemExit(
            f"not a measurement: {len(missing)} acknowledged receipts missing, statuses {figures.statuses}"
        )


def measure(rounds: int, seconds: float, connections: Sequence[int] = CONNECTIONS) -> dict[str, Any]:
    """Rates, processor time and waiting of the three servers, in turn, for each number of connections."""
    numbers = iter(range(10**9))
    found: dict[int, dict[str, list[Measured]]] = {c: {name: [] for name in SERVERS} for c in connections}
    for number in range(rounds):
        for count in connections:
            for name in SERVERS:
                found[count][name].append(_measured(name, numbers, count, seconds))
        print(f"ingest: round {number + 1} of {rounds} done", file=sys.stderr)
    return {"rounds": rounds, "seconds": seconds, "connections": {str(c): _row(found[c]) for c in connections}}


class Measured(NamedTuple):
    """One drive: requests a second, microseconds of processor time a request, milliseconds of the slow ones."""

    rate: float
    cpu: float
    p50: float
    p99: float


def _measured(name: str, numbers: Iterator[int], connections: int, seconds: float) -> Measured:
    with bare() if name == "bare" else hooks(role=name) as server:
        requests = prepared(numbers, server.port, int(RATE * seconds))
        began = server.cpu()
        figures = uvloop.run(
            drive(server.port, requests, connections=connections, seconds=seconds, keep=name != "bare")
        )
        used = server.cpu() - began
        if name != "bare":
            prove_present(server.data, figures)
    answers = sum(figures.statuses.values())
    p50, p99 = (figures.percentile(part) * 1000 for part in (0.5, 0.99))
    return Measured(figures.rate, used / answers * 1e6, p50, p99)


def _row(found: Mapping[str, list[Measured]]) -> dict[str, float]:
    row: dict[str, float] = {"bare_rate": round(median(one.rate for one in found["bare"]))}
    for name in SERVERS[1:]:
        pairs = list(zip(found[name], found["bare"], strict=True))
        row[f"{name}_ratio"] = round(median(ours.rate / theirs.rate for ours, theirs in pairs), 2)
        row[f"{name}_cpu_ratio"] = round(median(theirs.cpu / ours.cpu for ours, theirs in pairs), 2)
    for name in SERVERS:
        row[f"{name}_cpu_us"] = round(median(one.cpu for one in found[name]), 1)
        row[f"{name}_p50_ms"] = round(median(one.p50 for one in found[name]), 1)
        row[f"{name}_p99_ms"] = round(median(one.p99 for one in found[name]), 1)
    return row


def show(found: Mapping[str, Any]) -> None:
    """The result as a table."""
    print(f"ingest: medians of {found['rounds']} rounds of {found['seconds']:g} s; every 202 proved to be stored")
    print("connections  bare/s  receive/bare  all/bare  by CPU: receive  all   p99 ms: bare  receive    all")
    for connections, row in found["connections"].items():
        print(
            f"{connections:>11}  {row['bare_rate']:>6}  {row['receive_ratio']:>12}  {row['all_ratio']:>8}"
            f"  {row['receive_cpu_ratio']:>15}  {row['all_cpu_ratio']:>3}"
            f"   {row['bare_p99_ms']:>12}  {row['receive_p99_ms']:>7}  {row['all_p99_ms']:>5}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    given = parser.parse_args()
    show(measure(given.rounds, given.seconds, given.connections))


if __name__ == "__main__":
    main()
