"""The world of the journeys with its server in a process of its own, which can be killed, limited and looked at."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg

from tests.journeys.world import ADMIN_TOKEN, SECRETS, World


class ProcessWorld(World):
    """`serve` starts a process, `stop` ends it in order, `kill` does not."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.under: list[str] = []
        """What the server runs under: a tracer that makes system calls fail, as a list of arguments."""
        self.database: str | None = None
        """The address of its PostgreSQL, None for the file in its folder."""
        self.open_files: int | None = None
        """How many files and connections the server may have open, None for what is usual."""
        self.environment = {"HOOKS_DURABILITY": "relaxed", "HOOKS_FREE_SPACE": "0"}  # a test's disk may be anything

    def spawn(self, *arguments: str, file_bytes: int | None = None) -> subprocess.Popen[bytes]:
        """`hooks serve` on this world's folder; ``file_bytes`` is the largest file that it may write."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOKS_")}
        environment = {**inherited, **SECRETS, "HOOKS_ADMIN_TOKEN": ADMIN_TOKEN, **self.environment}
        if self.database is not None:
            environment["HOOKS_DATABASE"] = self.database
        command = [sys.executable, "-m", "hooks", "serve", "--routes", str(self.routes), "--data", str(self.data)]

        def limit() -> None:
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
            if self.open_files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.open_files, self.open_files))

        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.under, *command, "--port", "0", "--admin", "127.0.0.1:0", *arguments],
                env=environment,
                stdout=log,
                stderr=log,
                preexec_fn=limit,
            )

    async def serve(self, rules: str | None = None, *, strict: bool = False, file_bytes: int | None = None) -> None:
        if rules is not None:
            self.write(rules)
        told = self.data / "server.json"
        told.unlink(missing_ok=True)
        process = self.process = self.spawn(*(["--strict"] if strict else []), file_bytes=file_bytes)
        deadline = time.monotonic() + 30
        while not told.is_file() or not told.read_text(encoding="utf-8").endswith("\n"):
            assert process.poll() is None, self.log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "the server did not start"
            await asyncio.sleep(0.02)
        addresses: Mapping[str, str] = json.loads(told.read_text(encoding="utf-8"))
        self.inbox, self.admin = addresses["inbox"], addresses["admin"]
        await self.until(lambda: self.get("/readyz"), lambda answer: answer.status_code == 200)

    async def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            await self.ended()
        self.process = None

    async def kill(self) -> None:
        """As a power cut is for a process."""
        assert self.process is not None, "serve first"
        self.process.send_signal(signal.SIGKILL)
        await self.ended()

    async def ended(self, seconds: float = 35.0) -> int:
        """The exit code, once there is one."""
        assert self.process is not None, "serve first"
        return await asyncio.to_thread(self.process.wait, seconds)

    def stored(self, sql: LiteralString) -> list[tuple[Any, ...]]:
        """What its database says, asked past the server."""
        if self.database is not None:
            with psycopg.connect(self.database) as connection:
                return connection.execute(sql).fetchall()
        with closing(sqlite3.connect(self.data / "hooks.db")) as database:
            return database.execute(sql).fetchall()

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    async def metrics(self) -> str:
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.get(f"{self.admin}/metrics", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
        assert 200 == answer.status_code
        return answer.text

    async def asked_for(self, vendor: str, path: str, method: str = "POST", times: int = 1) -> None:
        """Return once a sandbox was asked this often."""

        async def count() -> int:
            return len(self.asked(vendor, method, path))

        await self.until(count, lambda found: found >= times)


def forbidden(text: str) -> list[str]:
    """The traces in a log that an operator should never see."""
    return re.findall(r"Traceback|Task exception was never|was never awaited|Exception ignored", text)
