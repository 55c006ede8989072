"""Whatever is sent, the server's memory stays where it was, and a good request is served all the while."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.faults.killing import SECRETS, Arena

ALLOWED_GROWTH = 64 * 1024 * 1024


def resident(pid: int) -> int:
    """Bytes of memory that a process holds now."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the process has no memory figure: it has ended")


async def send(port: int, data: bytes, *, parts: int = 1, pause: float = 0.0) -> bytes:
    """Send bytes on a connection of their own and give what came back; a reset counts as an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(ConnectionError):
            for _ in range(parts):
                writer.write(data)
                await writer.drain()
                if pause:
                    await asyncio.sleep(pause)
        with contextlib.suppress(ConnectionError, TimeoutError):  # a half sent body is waited for, and then given up
            return await asyncio.wait_for(reader.read(4096), 5)
        return b""
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def head(*lines: str, path: str = "/in/leads", key: str = SECRETS["TEST_LEADS_KEY"]) -> bytes:
    fixed = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"X-Api-Key: {key}", "Content-Type: application/json"]
    return ("\r\n".join([*fixed, *lines]) + "\r\n\r\n").encode()


def whole(body: bytes, *lines: str, key: str = SECRETS["TEST_LEADS_KEY"]) -> bytes:
    return head(f"Content-Length: {len(body)}", *lines, key=key) + body


async def hostile(port: int) -> list[bytes]:
    """The expensive kinds: endless, huge, deep, wide, compressed, half sent, and many."""
    mebibyte = b"x" * 1024 * 1024
    chunk = b"100000\r\n" + mebibyte + b"\r\n"
    bomb = gzip.compress(b"0" * 100 * 1024 * 1024)
    deep = b"[" * 500_000 + b"]" * 500_000
    wide = json.dumps([{} for _ in range(200_000)]).encode()
    digits = b'{"a":' + b"9" * 900_000 + b"}"
    kinds = [
        send(port, head("Content-Length: 104857600")),  # refused by its head: nothing can get lost on the way back
        send(port, head("Content-Length: 104857600") + mebibyte, parts=100),
        send(port, head("Transfer-Encoding: chunked") + chunk, parts=1),
        send(port, head("Transfer-Encoding: chunked") + chunk * 20),
        send(port, whole(b'{"a": NaN}')),
        send(port, whole(bomb, "Content-Encoding: gzip")),
        send(port, whole(deep)),
        send(port, whole(wide)),
        send(port, whole(digits)),
        send(port, whole(b"\xff" * 1_000_000)),
        send(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"y" * 10_000_000),
        *(send(port, head("Content-Length: 1000000") + b"x" * 500_000) for _ in range(40)),
        *(send(port, whole(json.dumps({"n": n}).encode(), key="wrong-key-wrong-key")) for n in range(300)),
        *(send(port, whole(json.dumps({"pad": "x" * 900_000, "n": n}).encode())) for n in range(40)),
    ]
    limit = asyncio.Semaphore(64)

    async def one(kind: Coroutine[Any, Any, bytes]) -> bytes:
        async with limit:
            return await kind

    return await asyncio.gather(*(one(kind) for kind in kinds))


@pytest.mark.timeout(120)
async def test_memory_stays_flat_and_good_requests_are_served_throughout(tmp_path: Path) -> None:
    arena = Arena(tmp_path, seed=1)
    with arena.sandbox():
        process = arena.start()
        try:
            arena.until_up(process)
            good = whole(json.dumps({"full_name": "Warm Up", "email": "warm@example.org"}).encode())
            assert b" 202 " in await send(arena.port, good)
            before = resident(process.pid)
            highest, served, done = before, 0, False

            async def canary() -> None:
                nonlocal served, highest
                while not done:
                    body = {"full_name": f"Canary {served}", "email": f"canary{served}@example.org"}
                    answer = await send(arena.port, whole(json.dumps(body).encode()))
                    assert b" 202 " in answer, answer
                    served += 1
                    highest = max(highest, resident(process.pid))
                    await asyncio.sleep(0.05)

            watching = asyncio.create_task(canary())
            answers = await hostile(arena.port)
            done = True
            await watching
            statuses = {answer[9:12] for answer in answers}
            assert served > 5
            assert not statuses & {b"500", b"502"}, statuses
            assert {b"413", b"415", b"400", b"401"} <= statuses
            print(f"{before / 1e6:.0f} MB at rest, {highest / 1e6:.0f} MB at most, {served} good requests served")
            assert highest - before < ALLOWED_GROWTH, (
                f"{(highest - before) / 1e6:.0f} MB more, from {before / 1e6:.0f} MB"
            )
        finally:
            process.terminate()
            process.wait()
