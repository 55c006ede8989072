"""What watching costs the intake: ``python -m benchmarks.live [--rounds 5] [--seconds 3] [--pace 1000]``.

Each round drives a fresh ``hooks serve`` twice: with nobody looking, and with a console open on its list of events,
which follows the stream and fetches the page again as the page's own script does. Medians of the rounds; only the ratio
means anything.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from statistics import median

import httpx
import uvloop

from benchmarks.ingest import RATE, prepared
from benchmarks.load import Figures, drive
from benchmarks.servers import Server, hooks

CONNECTIONS = 16
PAUSE = 0.7
"""Seconds that the console's script waits after a change before it fetches the page again."""


async def watched(server: Server) -> None:
    """Look at the list of events, without end."""
    token = (server.data / "admin.token").read_text(encoding="utf-8").strip()
    headers = {"authorization": f"Bearer {token}", "accept": "text/html"}
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.admin}", headers=headers, timeout=60) as client,
        client.stream("GET", "/api/v1/stream") as stream,
    ):
        async for line in stream.aiter_lines():
            if line == "event: change":
                await asyncio.sleep(PAUSE)
                (await client.get("/events")).raise_for_status()


async def driven(server: Server, seconds: float, look: bool, first: int, pace: float | None) -> Figures:
    watcher = asyncio.create_task(watched(server)) if look else None
    requests = prepared(iter(range(first, 10**9)), server.port, int((pace or RATE) * seconds))
    figures = await drive(server.port, requests, connections=CONNECTIONS, seconds=seconds, pace=pace)
    if watcher is not None:
        assert not watcher.done(), "nobody was watching"
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--pace", type=float, help="so many a second; as many as it takes if not given")
    given = parser.parse_args()
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for number in range(given.rounds):
        for look in (False, True) if number % 2 else (True, False):
            with hooks() as server:
                began = server.cpu()
                figures = uvloop.run(driven(server, given.seconds, look, number * 10**6, given.pace))
                used = (server.cpu() - began) / sum(figures.statuses.values()) * 1e6
            if set(figures.statuses) != {202}:
                raise SystemExit(f"not a measurement: statuses {figures.statuses}")
            found[look].append((figures.rate, used))
    alone, seen = ([median(part) for part in zip(*found[look], strict=True)] for look in (False, True))
    print(f"nobody looks: {alone[0]:7.0f} accepted/s, {alone[1]:5.0f} us of processor each")
    print(f"one looks:    {seen[0]:7.0f} accepted/s, {seen[1]:5.0f} us of processor each")
    print(f"ratio:        {seen[0] / alone[0]:7.3f} of the rate, {seen[1] / alone[1]:.3f} of the processor time")


if __name__ == "__main__":
    main()
