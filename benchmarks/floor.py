"""What a durable answer costs at least on this machine: ``python -m benchmarks floor [--rounds 5]``.

Processor time of the parts that no code of ours can save: the hop into the writing thread and back, writing 64 KiB
(what one receipt alone changes in the database's log), and syncing it. At one connection each request pays all three;
with many they are shared. Then one receiving server against two beside each other, each with a database of its own:
what several intake processes could gain at most where there are no more cores than this.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import uvloop

from benchmarks.ingest import prepared
from benchmarks.load import drive
from benchmarks.servers import Server, hooks
from hooks.store.writer import connect

HOPS = 5_000
SYNCS = 400
BLOCK = b"x" * 64 * 1024
CONNECTIONS = 64
SECONDS = 1.5


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def hop(folder: Path) -> float:
    """Microseconds of processor time to have nothing done by the thread of a database connection."""
    connection = connect(folder / "hop.db")
    await connection
    await connection.run(lambda raw: None)
    began = _cpu()
    for _ in range(HOPS):
        await connection.run(lambda raw: None)
    used = _cpu() - began
    await connection.close()
    return used / HOPS * 1e6


def writes(folder: Path, after: Callable[[int], None]) -> float:
    """Microseconds for a block in a file that has its length already, as a log that is used again has."""
    file = os.open(folder / "log", os.O_RDWR | os.O_CREAT)
    try:
        os.pwrite(file, BLOCK * SYNCS, 0)
        os.fsync(file)
        began = _cpu()
        for number in range(SYNCS):
            os.pwrite(file, BLOCK, number * len(BLOCK))
            after(file)
        return (_cpu() - began) / SYNCS * 1e6
    finally:
        os.close(file)


async def _together(servers: list[Server], numbers: Iterator[int]) -> int:
    share = CONNECTIONS // len(servers)
    figures = await asyncio.gather(
        *(
            drive(
                server.port, prepared(numbers, server.port, round(8_000 * SECONDS)), connections=share, seconds=SECONDS
            )
            for server in servers
        )
    )
    return sum(sum(each.statuses.values()) for each in figures)


def receiving(processes: int, numbers: Iterator[int]) -> float:
    """Microseconds of processor time for a receipt at so many servers beside each other."""
    with ExitStack() as stack:
        servers = [stack.enter_context(hooks(role="receive")) for _ in range(processes)]
        began = sum(server.cpu() for server in servers)
        answered = uvloop.run(_together(servers, numbers))
        return (sum(server.cpu() for server in servers) - began) / answered * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = range(parser.parse_args().rounds)
    numbers = iter(range(10**9))
    with tempfile.TemporaryDirectory(prefix="hooks-bench-") as name:
        folder = Path(name)
        (folder / "hops").mkdir()
        hops, plain, synced = [], [], []
        for _ in rounds:
            hops.append(uvloop.run(hop(folder / "hops")))
            plain.append(writes(folder, lambda file: None))
            synced.append(writes(folder, os.fdatasync))
    alone, beside = [], []
    for _ in rounds:
        alone.append(receiving(1, numbers))
        beside.append(receiving(2, numbers))
    print(f"the hop into the writing thread and back {median(hops):.0f} us of processor time")
    print(f"writing 64 KiB {median(plain):.0f} us, with fdatasync {median(synced):.0f} us")
    print(f"a receipt at one server {median(alone):.0f} us, at two beside each other {median(beside):.0f} us")


if __name__ == "__main__":
    main()
