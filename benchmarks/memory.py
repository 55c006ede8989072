"""What a server holds in memory: ``python -m benchmarks.memory [--events 20000]``.

Resident bytes of a real ``hooks serve`` at rest, after a first tenth of the events, and after all of them: what it
grows by in between is what history costs it. Every 202 is proved to be stored. A million: ``--events 1000000``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from typing import Any

import uvloop

from benchmarks.ingest import prepared, prove_present
from benchmarks.load import Figures, drive
from benchmarks.servers import Server, hooks, stats

PART = 5_000
SETTLE = 120.0
MIB = 1 << 20


def measure(events: int) -> dict[str, Any]:
    """MiB at rest, early and at the end, when all has become events."""
    numbers = iter(range(10**9))
    with hooks() as server:
        time.sleep(2)
        rest = server.resident()
        _send(server, numbers, events // 10)
        early = server.resident()
        _send(server, numbers, events - events // 10)
        end = server.resident()
    return {
        "events": events,
        "rest_mib": round(rest / MIB, 1),
        "early_mib": round(early / MIB, 1),
        "end_mib": round(end / MIB, 1),
        "grown_mib": round((end - early) / MIB, 1),
    }


def _send(server: Server, numbers: Iterator[int], events: int) -> None:
    before = stats(server)["events"]["total"]
    figures = Figures()
    for start in range(0, events, PART):
        requests = prepared(numbers, server.port, min(PART, events - start))
        uvloop.run(drive(server.port, requests, connections=64, seconds=SETTLE, keep=True, into=figures))
    prove_present(server.data, figures)
    made, at = 0, time.monotonic()
    while made < events:
        found = stats(server)["events"]["total"] - before
        if found > made:
            made, at = found, time.monotonic()
        elif time.monotonic() > at + SETTLE:
            raise SystemExit(f"not a measurement: {made} of {events} have become events")
        time.sleep(0.2)


def show(found: Mapping[str, Any]) -> None:
    """The result in a line."""
    print(
        f"memory: {found['rest_mib']} MiB at rest, {found['early_mib']} after {found['events'] // 10} events, "
        f"{found['end_mib']} after {found['events']}: grown by {found['grown_mib']}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    show(measure(parser.parse_args().events))


if __name__ == "__main__":
    main()
