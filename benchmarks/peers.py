"""The same work on what else people use: ``python -m benchmarks peers [--rounds 3] [--events 2000] [--folder DIR]``.

A webhook of 2 KB comes in and one HTTP call to a sink on this machine goes out: by Node-RED and n8n (npm), Debian's
``webhook`` (apt) and ansible-rulebook (pip, Java), each installed from its public registry into a folder that is thrown
away (or kept: ``--folder``, because n8n alone takes 1.8 GB and five minutes), and by ours, which alone verifies a
signature, refuses duplicates, and has everything on disk before its 2xx. Everything stays on 127.0.0.1, telemetry is
off. What cannot be installed is skipped, loudly.

The rate is from the first webhook to the last call at the sink, in rounds that take turns; the ratios are medians.
Then each is killed (``kill -9``) in the middle and started again on its own folder: what was answered 2xx before and
never reaches the sink is what a 2xx of it is worth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from benchmarks.end_to_end import Sink
from benchmarks.ingest import prepared
from benchmarks.load import Figures, drive
from benchmarks.peerage import PEERS, Missing, Peer, Running

CONNECTIONS = 16
WARM = 20
PATIENCE = 60.0
"""Seconds that an answered event may take to its call before it counts as lost."""

SETTLED = 5.0
"""Seconds without any call, after a kill and a new start, after which no more is waited for."""


def measure(rounds: int, events: int, folder: Path | None, names: Sequence[str]) -> dict[str, Any]:
    """Rates, processor time and losses of all that can be installed here."""
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hooks-peers-")))
        skipped: dict[str, str] = {}
        there: dict[str, Peer] = {}
        for name in names:
            try:
                (place / name).mkdir(parents=True, exist_ok=True)
                there[name] = PEERS[name](place / name)
            except Missing as missing:
                skipped[name] = str(missing)
                print(f"SKIPPED: {name}: {missing}", file=sys.stderr)
        numbers = iter(range(10**9))
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in there}
        lost: dict[str, dict[str, int]] = {}
        for number in range(rounds):
            for name, peer in there.items():
                found[name].append(uvloop.run(_pass(peer, numbers, max(1, round(events * peer.share)))))
            print(f"peers: round {number + 1} of {rounds} done", file=sys.stderr)
        for name, peer in there.items():
            lost[name] = uvloop.run(_killed(peer, numbers, max(20, round(events * peer.share))))
    ours = found["hooks"]
    return {
        "rounds": rounds,
        "events": events,
        "skipped": skipped,
        "peers": {
            name: {
                "version": there[name].version,
                "promise": there[name].promise,
                "rate": round(median(rate for rate, _ in figures), 1),
                "cpu_us": round(median(used for _, used in figures)),
                "ours_to_it": round(median(our[0] / its[0] for our, its in zip(ours, figures, strict=True)), 2),
                "cpu_ours_to_it": round(median(its[1] / our[1] for our, its in zip(ours, figures, strict=True)), 2),
                **lost[name],
            }
            for name, figures in found.items()
        },
    }


def _requests(running: Running, numbers: Iterator[int], count: int) -> Iterator[bytes]:
    path = b"POST %s HTTP/1.1" % running.path.encode()
    return (request.replace(b"POST /in/hcp HTTP/1.1", path, 1) for request in prepared(numbers, running.port, count))


async def _pass(peer: Peer, numbers: Iterator[int], events: int) -> tuple[float, float]:
    """Events a second from the first webhook to the last call, and microseconds of processor time for each."""
    seen: Counter[str] = Counter()
    sink = await asyncio.get_running_loop().create_server(lambda: Sink(seen), "127.0.0.1", 0)
    async with sink:
        with peer.started(sink.sockets[0].getsockname()[1]) as running:
            warm = max(1, round(WARM * peer.share))
            await _drive(peer, running, _requests(running, numbers, warm), warm)
            await _until(seen, warm)
            requests = _requests(running, numbers, events)
            used, began = running.cpu(), time.perf_counter()
            await _drive(peer, running, requests, events)
            await _until(seen, warm + events)
            seconds = time.perf_counter() - began
            used = running.cpu() - used
    if len(seen) != warm + events:
        raise SystemExit(f"not a measurement: {peer.name} was sent {warm + events} and called for {len(seen)}")
    return events / seconds, used / events * 1e6


async def _drive(peer: Peer, running: Running, requests: Iterator[bytes], events: int) -> None:
    figures = await drive(running.port, requests, connections=min(CONNECTIONS, events), seconds=PATIENCE)
    if any(not 200 <= status < 300 for status in figures.statuses):
        raise SystemExit(f"not a measurement: {peer.name} answered {figures.statuses}")


async def _until(seen: Counter[str], wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(seen) < wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.005)


async def _killed(peer: Peer, numbers: Iterator[int], events: int) -> dict[str, int]:
    """What was answered 2xx before a kill in the middle, and how much of that was never called for."""
    seen: Counter[str] = Counter()
    sink = await asyncio.get_running_loop().create_server(lambda: Sink(seen), "127.0.0.1", 0)
    async with sink:
        port = sink.sockets[0].getsockname()[1]
        figures = Figures()
        with tempfile.TemporaryDirectory(prefix="hooks-peers-") as state:
            with peer.started(port, Path(state)) as running:
                requests = _requests(running, numbers, events)
                driving = asyncio.create_task(
                    drive(running.port, requests, connections=min(CONNECTIONS, events), seconds=PATIENCE, into=figures)
                )
                while sum(figures.statuses.values()) < events // 2 and not driving.done():
                    await asyncio.sleep(0.001)
                running.kill(signal.SIGKILL)
                await asyncio.gather(driving, return_exceptions=True)
            with peer.started(port, Path(state)):
                before, since = -1, time.monotonic()
                while time.monotonic() - since < SETTLED:
                    if len(seen) != before:
                        before, since = len(seen), time.monotonic()
                    await asyncio.sleep(0.05)
    answered = sum(number for status, number in figures.statuses.items() if 200 <= status < 300)
    # A call may be for one whose answer the kill cut off, so this is the least that is lost.
    return {"answered": answered, "lost_at_least": max(0, answered - len(seen))}


def show(found: dict[str, Any]) -> None:
    """The result as a table, and what each promises."""
    print(f"peers: medians of {found['rounds']} rounds, {CONNECTIONS} connections; a webhook in, one call out")
    print("                      events/s  ours/it   by CPU  answered 2xx, then killed: lost at least")
    for name, row in found["peers"].items():
        print(
            f"{name + ' ' + row['version']:<20}  {row['rate']:>8}  {row['ours_to_it']:>7}  {row['cpu_ours_to_it']:>7}"
            f"  {row['answered']:>12}  {row['lost_at_least']:>26}"
        )
    for name, row in found["peers"].items():
        print(f"  {name}: {row['promise']}")
    for name, why in found["skipped"].items():
        print(f"  SKIPPED {name}: {why}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=2_000, help="of each round; slow ones take a share of them")
    parser.add_argument("--folder", type=Path, help="where they are installed, to be used again")
    parser.add_argument("--only", nargs="+", choices=[*PEERS], default=[*PEERS])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    names = ["hooks", *(name for name in given.only if name != "hooks")]
    found = measure(given.rounds, given.events, given.folder, names)
    show(found)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
