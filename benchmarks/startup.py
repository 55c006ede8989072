"""How long people and machines wait for a start: ``python -m benchmarks.startup [--rounds 7]``.

``hooks --version``, ``hooks --help``, ``hooks check`` of a small file, and from the start of ``hooks serve`` on an
empty folder to its first 202, each against a Python that imports what it stands on. Medians of interleaved rounds, but
for a first one in which Python compiles them all, as it does once after an installation.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from benchmarks.ingest import prepared
from benchmarks.load import drive
from benchmarks.servers import ROUTES, SECRET, environment, hooks

YARDSTICK = "importing starlette, uvicorn, httpx and pydantic"


def measure(rounds: int) -> dict[str, Any]:
    """Seconds of each, and of the yardstick."""
    with tempfile.TemporaryDirectory(prefix="hooks-bench-") as folder:
        routes = Path(folder) / "routes.yaml"
        routes.write_text(ROUTES, encoding="utf-8")
        ours = [sys.executable, "-m", "hooks"]
        commands = {
            YARDSTICK: [sys.executable, "-c", "import starlette, uvicorn, httpx, pydantic"],
            "hooks --version": [*ours, "--version"],
            "hooks --help": [*ours, "--help"],
            "hooks check": [*ours, "check", str(routes)],
        }
        found: dict[str, list[float]] = {name: [] for name in (*commands, "serve to the first 202")}
        for _ in range(rounds + 1):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment(BENCH_SECRET=SECRET))
                found[name].append(time.perf_counter() - began)
            found["serve to the first 202"].append(_first_answer())
    found = {name: times[1:] for name, times in found.items()}  # in the first round Python compiled them
    yardstick = found[YARDSTICK]
    return {
        "rounds": rounds,
        "seconds": {name: round(median(times), 3) for name, times in found.items()},
        "ratios": {
            name: round(median(one / other for one, other in zip(times, yardstick, strict=True)), 2)
            for name, times in found.items()
        },
    }


def _first_answer() -> float:
    began = time.perf_counter()
    with hooks() as server:
        request = prepared(iter(range(1)), server.port, 1)
        figures = uvloop.run(drive(server.port, request, connections=1, seconds=5))
        took = time.perf_counter() - began
    if set(figures.statuses) != {202}:
        raise SystemExit(f"not a measurement: {figures.statuses}")
    return took


def show(found: Mapping[str, Any]) -> None:
    """The result as a table."""
    print(f"startup: medians of {found['rounds']} rounds")
    for name, seconds in found["seconds"].items():
        print(f"  {name:<50} {seconds:>7.3f} s  {found['ratios'][name]:>5}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    show(measure(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
