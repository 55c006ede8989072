"""Kill a real server again and again under load, and keep a ledger of what every sender was told.

The vendor's own records are what is counted, never our log: lost is what was answered 2xx and is not in the database,
unacted what is there and has no booking, double what has more than one. A request without an answer is unknown, and
may be there or not.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROUTES = """\
version: 1
sources:
  leads: {vendor: zapier, key: "${secret.TEST_LEADS_KEY}"}
connections:
  titan:
    vendor: servicetitan
    tenant: 1001
    app_key: ${secret.TEST_APP_KEY}
    client_id: ${secret.TEST_CLIENT_ID}
    client_secret: ${secret.TEST_CLIENT_SECRET}
    booking_provider: 774125
    base_url: SANDBOX/servicetitan
    auth_url: SANDBOX/servicetitan/connect/token
    lookup_wait: 300ms
    timeout: 3s
    rate: 500
rules:
  - id: lead-to-booking
    event: lead.created
    do:
      - action: servicetitan.create_booking_by_provider
        on_unknown: ON_UNKNOWN
        with:
          source: Website
          name: ${data.customer.display_name}
          summary: ${data.note ?? 'Web lead'}
          isFirstTimeClient: true
          externalId: ${id}
"""

SECRETS = {
    "TEST_LEADS_KEY": "leads-key-for-the-tests",
    "TEST_APP_KEY": "sandbox-app-key",
    "TEST_CLIENT_ID": "sandbox-client-id",
    "TEST_CLIENT_SECRET": "sandbox-client-secret",
}


STARTING = 90.0
"""Seconds after which a start has failed: several servers that start on a busy machine take half a minute."""

_GIVEN: set[int] = set()


def free_port() -> int:
    """A port that nobody is given by chance until a server takes it, and takes it again after it was killed.

    It lies below those that the system hands out, to connections and to whoever asks for any: other tests do all the
    time, and one of them may get a port in the second in which nobody listens there.
    """
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    for port in random.SystemRandom().sample(range(first // 2, first), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _GIVEN:
                _GIVEN.add(port)
                return port
    raise AssertionError("no port is free")


@dataclass
class Ledger:
    """What the senders know. ``told`` maps event ids to receipts answered 202."""

    told: dict[str, str] = field(default_factory=dict)
    unknown: int = 0
    refused: int = 0


@dataclass
class Verdict:
    """What a series of kills came to."""

    accepted: int
    unknown: int
    lost: list[str]
    unacted: list[str]
    doubled: dict[str, int]
    unexpected: list[str]
    books_balance: bool
    restarts: list[float]


class Arena:
    """A sandbox that stays, and a server that is killed."""

    def __init__(self, folder: Path, seed: int, *, on_unknown: str = "lookup") -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.ledger = Ledger()
        self.sandbox_port, self.port, self.admin_port = free_port(), free_port(), free_port()
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.routes = folder / "routes.yaml"
        text = ROUTES.replace("SANDBOX", self.sandbox_url).replace("ON_UNKNOWN", on_unknown)
        self.routes.write_text(text, encoding="utf-8")
        self.data = folder / "data"
        self.log = (folder / "server.log").open("ab")
        self.restarts: list[float] = []
        """Seconds from each start until a sender heard 2xx, where it was not killed before."""
        self._started: float | None = None
        self._number = 0

    @contextmanager
    def sandbox(self) -> Iterator[None]:
        command = [sys.executable, "-m", "hooks", "sandbox", "--port", str(self.sandbox_port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.log)
        try:
            self._until_up(f"{self.sandbox_url}/servicetitan/_sandbox/records", process)
            yield
        finally:
            process.terminate()
            process.wait()
            self.log.close()

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "hooks", "serve", "--routes", str(self.routes), "--data", str(self.data)]
        command += ["--port", str(self.port), "--admin", f"127.0.0.1:{self.admin_port}"]
        return subprocess.Popen(
            command,
            env={**os.environ, "HOOKS_DURABILITY": "relaxed", "HOOKS_FREE_SPACE": "0", **SECRETS},
            stderr=self.log,
        )

    def until_up(self, process: subprocess.Popen[bytes]) -> None:
        """Return when the server answers."""
        self._until_up(f"http://127.0.0.1:{self.port}/healthz", process)

    def _until_up(self, url: str, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + STARTING
        while time.monotonic() < deadline:
            assert process.poll() is None, f"the process ended with {process.returncode}, see {self.folder}"
            with suppress(OSError), urllib.request.urlopen(url, timeout=1):
                return
            time.sleep(0.02)
        raise AssertionError("it did not come up")

    async def round(self, senders: int = 6) -> None:
        """Start the server, load it, and kill it at a random moment: one time in four that is while it starts."""
        process = self.start()
        self._started = time.monotonic()
        tasks = [asyncio.create_task(self._send_to(self.port)) for _ in range(senders)]
        if self.random.random() < 0.75:
            await asyncio.to_thread(self.until_up, process)
        await asyncio.sleep(self.random.uniform(0.0, 2.0))
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_to(self, port: int, pause: float = 0.005) -> None:
        """One sender: a new lead after each answer, until it is cancelled."""
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            try:
                while True:
                    await self._deliver(reader, writer)
                    await asyncio.sleep(pause)
            except (OSError, asyncio.IncompleteReadError):
                self.ledger.unknown += 1
            finally:
                writer.transport.abort()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _deliver(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._number += 1
        body = json.dumps({"full_name": f"Invented Person {self._number}", "email": f"p{self._number}@example.org"})
        head = (
            f"POST /in/leads HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
            f"X-Api-Key: {SECRETS['TEST_LEADS_KEY']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write((head + body).encode())
        status, answer = await _answer(reader)
        if status == 202:
            if self._started is not None:
                self.restarts.append(time.monotonic() - self._started)
                self._started = None
            told = json.loads(answer)
            self.ledger.told[told["events"][0]] = told["receipt"]
        else:
            self.ledger.refused += 1

    def finish(self, seconds: float = 60.0) -> Verdict:
        """Start once more, let everything be done, stop in order, and count. ``seconds``: patience with standstill."""
        process = self.start()
        began = time.monotonic()
        self._until_up(f"http://127.0.0.1:{self.port}/healthz", process)
        self.restarts.append(time.monotonic() - began)
        deadline, done = time.monotonic() + seconds, -1
        while time.monotonic() < deadline:
            stats = self._stats()
            if stats["runs"]["done"] != done:
                deadline, done = time.monotonic() + seconds, stats["runs"]["done"]
            if not (stats["runs"]["waiting"] or stats["runs"]["running"] or stats["events"]["pending"]):
                break
            time.sleep(0.1)
        balance = bool(self._stats()["books_balance"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, "a stop in order ends with 0"
        return self._count(balance)

    def _stats(self) -> dict[str, Any]:
        token = (self.data / "admin.token").read_text(encoding="utf-8").strip()
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin_port}/api/v1/stats", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def bookings(self) -> Counter[str]:
        """How many bookings the vendor has of each external id."""
        with urllib.request.urlopen(f"{self.sandbox_url}/servicetitan/_sandbox/records", timeout=30) as answer:
            records = json.load(answer)
        return Counter(booking["externalId"] for booking in records.get("bookings", []))

    def _count(self, balance: bool) -> Verdict:
        with closing(sqlite3.connect(self.data / "hooks.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            receipts = {row[0] for row in database.execute("SELECT id FROM receipts WHERE verdict = 'accepted'")}
            events = {row[0] for row in database.execute("SELECT id FROM events")}
            ended = {row[0]: f"{row[0]} {row[1]} {row[2]}" for row in database.execute(_ENDED)}
        bookings = self.bookings()
        return Verdict(
            accepted=len(self.ledger.told),
            unknown=self.ledger.unknown,
            lost=sorted(event for event, receipt in self.ledger.told.items() if receipt not in receipts),
            unacted=sorted(ended.get(event, event) for event in events if event not in bookings),
            doubled={event: number for event, number in bookings.items() if number > 1},
            unexpected=sorted(event for event in bookings if event not in events),
            books_balance=balance,
            restarts=self.restarts,
        )


_ENDED = "SELECT event, state, reason FROM runs"


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    return int(head[9:12]), await reader.readexactly(length)
