"""All measurements, one after the other: ``make bench``, or some: ``make bench ARGS='ingest startup'``.

The rounds of each are interleaved, the figures are medians, and only ratios inside one run mean anything: the machines
are small, shared and noisy. At the end stands one table of all ratios, with what is wanted of each. ``--json`` writes
all figures, ``--plot`` an SVG of the ratios. The others go by their names, with what is for them:
``python -m benchmarks stores --rounds 1``; ``python -m benchmarks.million`` and ``.peers`` have options of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import (
    console,
    end_to_end,
    floor,
    ingest,
    live,
    memory,
    million,
    peers,
    pruning,
    rules,
    startup,
    stores,
    year,
)
from benchmarks.peerage import PEERS
from benchmarks.plot import draw
from benchmarks.ratios import ratios, table

NAMES = ("ingest", "end_to_end", "rules", "startup", "memory", "million", "peers")

APART = {
    "stores": stores.main,
    "year": year.main,
    "live": live.main,
    "console": console.main,
    "floor": floor.main,
    "pruning": pruning.main,
}
"""Those with options and tables of their own; console and pruning fill a database with a million events first."""


def machine() -> str:
    """What it ran on, in a line."""
    stack = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "starlette", "httpx", "pydantic"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores {platform.machine()}, load "
        f"{os.getloadavg()[0]:.1f}; Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {stack}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when none is given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each drive of ingest")
    parser.add_argument(
        "--events", type=int, default=2_000, help="of each round of end_to_end; memory and million take more"
    )
    parser.add_argument(
        "--folder", type=Path, help="where a million events and other programs are kept for the next run"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    found: dict[str, Any] = {"machine": machine()}
    print(found["machine"])
    for name in given.names or NAMES:
        print()
        if name == "ingest":
            found[name] = ingest.measure(given.rounds, given.seconds)
            ingest.show(found[name])
        elif name == "end_to_end":
            found[name] = end_to_end.measure(given.rounds, given.events)
            end_to_end.show(found[name])
        elif name == "rules":
            found[name] = rules.measure(given.rounds)
            rules.show(found[name])
        elif name == "startup":
            found[name] = startup.measure(given.rounds)
            startup.show(found[name])
        elif name == "memory":
            found[name] = memory.measure(given.events * 10)
            memory.show(found[name])
        elif name == "million":
            place = given.folder and given.folder / "million"
            found[name] = million.measure(given.rounds, given.events * 20, place)
            million.show(found[name])
        else:
            found[name] = peers.measure(
                given.rounds, given.events, given.folder and given.folder / "peers", list(PEERS)
            )
            peers.show(found[name])
    print()
    shown = ratios(found)
    print(table(shown))
    found["ratios"] = [ratio._asdict() for ratio in shown]
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if given.plot is not None:
        given.plot.write_text(draw([(one.what, one.ratio) for one in shown], found["machine"]), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in APART:
        APART[sys.argv.pop(1)]()
    else:
        main()
