"""``python -m tests.faults``: the faults that this machine allows, as the tables of ``docs/reliability.md``.

The first table counts, by the vendor's own records, what came of many rounds or stories of one fault. The second says
which tests hold what one look can show, and how they ended now. The third is of disk, power, clock and files that were
broken here (`tests.faults.table`). ``--store postgres`` does the same on PostgreSQL, as far as it makes sense there,
and breaks what only several servers and their database have.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests import postgres
from tests.faults.cluster import Cluster
from tests.faults.killing import Arena
from tests.faults.table import broken, table
from tests.simulation.simulator import Options, simulate

COLUMNS = ("fault", "how", "rounds", "lost", "unacted", "double", "unexpected", "recovered within", "wanted")
NOTHING = "0, 0, 0, 0"
NOTHING_RAN = 5
"""Pytest's exit code where no test was left."""


@dataclass(frozen=True, slots=True)
class Story:
    """A fault that the simulation tells on its own."""

    fault: str
    how: str
    trouble: float = 0.0
    kinds: tuple[str, ...] = ("refuse",)
    deaths: int = 0
    copies: int = 0


STORIES = (
    Story("F21 connection refused", "half of all calls", 0.5, ("refuse",)),
    Story("F22 500, 502, 504, before or after acting", "half of all calls", 0.5, ("status", "status after")),
    Story("F25 connection cut, before or after acting", "half of all calls", 0.5, ("cut before", "cut after")),
    Story("F25 request arrives late, no answer", "half of all calls", 0.5, ("late",)),
    Story("F31 every delivery four times, with deaths", "three deaths", 0.0, deaths=3, copies=3),
    Story("F41 process dies around a commit", "six deaths at any verb of the store", 0.0, deaths=6),
    Story("F42 worker stalls beyond its lease", "half of all calls", 0.5, ("stall before", "stall after")),
    Story("all of these at once", "80 % of calls, six deaths", 0.8, deaths=6, copies=1, kinds=()),
)

HELD: tuple[tuple[str, str, str], ...] = (
    ("F24, F26", "hostile answers, redirects", "tests/kit/test_http_client.py"),
    ("F33, F34", "poison, crash loops", "tests/pipeline/test_dispatch_and_deliver.py"),
    ("F35", "rule files swapped under load", "tests/faults/test_rule_swaps.py"),
    ("F36", "tokens that expire in flight", "tests/kit/test_tokens.py"),
    ("F37, F39", "refusing and dead vendors", "tests/pipeline/test_breaker.py"),
    ("F40", "endless loops", "tests/journeys/test_loops.py"),
    ("F40", "a ring of two vendors, 500 edits", "tests/journeys/test_echo_ring.py"),
    ("F41", "kill -9 at the points of a call", "tests/faults/test_crash_points.py"),
    ("F46, F47", "slow and oversized requests", "tests/web/test_protocol_limits.py"),
)


@contextmanager
def database(store: str) -> Iterator[str | None]:
    """The address of an empty PostgreSQL database that keeps what it commits; None for SQLite, which is but a file."""
    if store == "sqlite":
        yield None
        return
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as dsn:
        yield dsn


def kills(rounds: int, dsn: str | None) -> tuple[str, ...]:
    """F1: a real server killed at random under load."""

    async def run(folder: Path) -> tuple[str, ...]:
        arena = Arena(folder, seed=1) if dsn is None else Cluster(folder, 1, dsn, "all")
        with arena.sandbox():
            for _ in range(rounds):
                await arena.round()
            verdict = arena.finish()
        half, slowest = statistics.median(verdict.restarts), max(verdict.restarts)
        worst = f"{half:.1f} s to the first 2xx (slowest {slowest:.1f} s)"
        counts = [len(each) for each in (verdict.lost, verdict.unacted, verdict.doubled, verdict.unexpected)]
        how = f"real process under load, {verdict.accepted} accepted"
        return ("F1 kill -9 at random", how, str(rounds), *map(str, counts), worst, NOTHING)

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder)))


def told(story: Story, seeds: int, dsn: str | None) -> tuple[str, ...]:
    """What came of many seeds of one story."""
    counts, worst = [0, 0, 0, 0], 0.0
    for seed in range(seeds):
        options = replace(Options.of(seed), trouble=story.trouble, deaths=story.deaths, copies=story.copies)
        if story.kinds:
            options = replace(options, kinds=story.kinds)
        verdict = asyncio.run(simulate(seed, options, dsn))
        found = (verdict.lost, verdict.unacted, verdict.doubled, verdict.unexpected)
        counts = [count + len(each) for count, each in zip(counts, found, strict=True)]
        worst = max(worst, verdict.seconds)
    return (story.fault, story.how, str(seeds), *map(str, counts), f"{worst / 3600:.1f} h (virtual)", NOTHING)


def held(store: str) -> Iterator[tuple[str, ...]]:
    """The second table, one row at a time. On PostgreSQL: of the tests that touch a store."""
    which = "not postgres" if store == "sqlite" else "postgres"
    for fault, what, file in HELD:
        began = time.monotonic()
        ran = subprocess.run([sys.executable, "-m", "pytest", "-q", "-k", which, file], capture_output=True, text=True)
        if ran.returncode == NOTHING_RAN:
            continue
        last = re.sub(r" in .*", "", ran.stdout.strip().splitlines()[-1]).strip("= ")
        yield (fault, what, f"`{file}`", last, f"{time.monotonic() - began:.0f} s")


def row(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--rounds", type=int, default=25, help="kills")
    parser.add_argument("--seeds", type=int, default=100, help="of each story")
    parser.add_argument("--long", action="store_true", help="the long tests of the third table too")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    which = f"--store {given.store} --rounds {given.rounds} --seeds {given.seeds}"
    print(f"Python {platform.python_version()}, {platform.machine()}, {which}\n")
    row(COLUMNS)
    row(["---"] * len(COLUMNS))
    with database(given.store) as dsn:
        counted = [kills(given.rounds, dsn)]
        row(counted[0])
        for story in STORIES:
            counted.append(told(story, given.seeds, dsn))
            row(counted[-1])
    print()
    row(("fault", "what", "held by", "result", "time"))
    row(["---"] * 5)
    results = []
    for line in held(given.store):
        results.append(line)
        row(line)
    print()
    code, lines = broken(given.long, given.store)
    print(table(lines), flush=True)
    bad = code != 0 or any(cells[3:7] != ("0", "0", "0", "0") for cells in counted)
    return 1 if bad or any("failed" in line[3] or "error" in line[3] for line in results) else 0


if __name__ == "__main__":
    sys.exit(main())
