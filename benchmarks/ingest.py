"""Durable ingest against the bare stack: ``python -m benchmarks.ingest [--seconds 4] [--rounds 3] [--json FILE]``.

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
import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.load import Figures, drive
from benchmarks.servers import SECRET, bare, hooks

CONNECTIONS = (1, 16, 64, 256)


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


def measure(rounds: int, seconds: float) -> dict[str, Any]:
    numbers = iter(range(10**9))
    rates: dict[str, dict[int, list[float]]] = {
        name: {c: [] for c in CONNECTIONS} for name in ("bare", "receive", "all")
    }
    p99: dict[str, dict[int, list[float]]] = {name: {c: [] for c in CONNECTIONS} for name in rates}
    for number in range(rounds):
        for connections in CONNECTIONS:
            with bare() as port:
                requests = prepared(numbers, port, int(12000 * seconds))
                figures = uvloop.run(drive(port, requests, connections=connections, seconds=seconds))
                rates["bare"][connections].append(figures.rate)
                p99["bare"][connections].append(figures.percentile(0.99))
            for role in ("receive", "all"):
                with hooks(role=role) as (port, _, data):
                    requests = prepared(numbers, port, int(12000 * seconds))
                    figures = uvloop.run(drive(port, requests, connections=connections, seconds=seconds, keep=True))
                    prove_present(data, figures)
                rates[role][connections].append(figures.rate)
                p99[role][connections].append(figures.percentile(0.99))
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    return {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        "rounds": rounds,
        "seconds": seconds,
        "connections": {
            str(c): {
                "bare_rate": round(statistics.median(rates["bare"][c])),
                "receive_ratio": _ratio(rates["receive"][c], rates["bare"][c]),
                "all_ratio": _ratio(rates["all"][c], rates["bare"][c]),
                **{f"{name}_p99_ms": round(statistics.median(p99[name][c]) * 1000, 1) for name in rates},
            }
            for c in CONNECTIONS
        },
    }


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = measure(given.rounds, given.seconds)
    print(f"{found['machine']}; medians of {given.rounds} rounds of {given.seconds:g} s; every 202 proved to be stored")
    print("connections  bare/s  receive/bare  all/bare   p99 ms: bare  receive    all")
    for connections, row in found["connections"].items():
        print(
            f"{connections:>11}  {row['bare_rate']:>6}  {row['receive_ratio']:>12}  {row['all_ratio']:>8}"
            f"  {row['bare_p99_ms']:>13}  {row['receive_p99_ms']:>7}  {row['all_p99_ms']:>5}"
        )
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
