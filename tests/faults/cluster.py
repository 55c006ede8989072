"""Several servers on one PostgreSQL, some killed and the database too: the arena of one server, made wider."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.killing import SECRETS, Arena, Verdict, free_port

TOKEN = "an-admin-token-of-the-cluster-tests"


class Member:
    """One server: started again at the same ports after each kill."""

    def __init__(self, role: str, folder: Path) -> None:
        self.role = role
        self.folder = folder
        self.port, self.admin_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.release: Path | None = None
        """The folder of the package that it runs, when that is another one than ours."""

    @property
    def health(self) -> str:
        return f"http://127.0.0.1:{self.admin_port if self.role == 'work' else self.port}/healthz"


class Cluster(Arena):
    """Servers by role over one database. ``dsn`` is where they reach it, ``direct`` where it is counted."""

    def __init__(self, folder: Path, seed: int, dsn: str, *roles: str, direct: str | None = None) -> None:
        super().__init__(folder, seed)
        self.dsn, self.direct = dsn, direct or dsn
        self.members = [Member(role, folder / f"server-{number}") for number, role in enumerate(roles)]
        self.port, self.admin_port = self.members[0].port, self.members[0].admin_port

    def start_member(self, member: Member) -> None:
        command = [sys.executable, "-m", "hooks", "serve", "--routes", str(self.routes), "--data", str(member.folder)]
        command += ["--port", str(member.port), "--admin", f"127.0.0.1:{member.admin_port}", "--role", member.role]
        environment = {**os.environ, **SECRETS, "HOOKS_DATABASE": self.dsn, "HOOKS_ADMIN_TOKEN": TOKEN}
        member.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=self.log, cwd=member.release
        )

    def start_all(self) -> None:
        for member in self.members:
            if member.process is None or member.process.poll() is not None:
                self.start_member(member)
        for member in self.members:
            assert member.process is not None, "it was started"
            self._until_up(member.health, member.process)

    def start(self) -> subprocess.Popen[bytes]:
        """Its first server, for rounds of the arena."""
        member = self.members[0]
        self.start_member(member)
        assert member.process is not None, "it was started"
        return member.process

    def kill(self, member: Member, how: signal.Signals = signal.SIGKILL) -> None:
        assert member.process is not None, "it was started"
        member.process.send_signal(how)
        member.process.wait()

    def leased_by(self, member: Member) -> int:
        """How many runs the database says that this server carries out."""
        assert member.process is not None, "it was started"
        with psycopg.connect(self.direct) as database:
            row = database.execute(
                "SELECT count(*) FROM runs WHERE state = 'running' AND owner LIKE %s", (f"{member.process.pid}-%",)
            ).fetchone()
        return 0 if row is None else int(row[0])

    def senders(self, number: int) -> list[asyncio.Task[None]]:
        """Senders that go to the receiving servers in turn."""
        doors = [member.port for member in self.members if member.role != "work"]
        return [asyncio.create_task(self._send_to(doors[place % len(doors)], pause=0.01)) for place in range(number)]

    @staticmethod
    async def end(tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def end_tokens(self) -> None:
        """The vendor takes none of its access tokens any more."""
        fault = json.dumps({"kind": "token_expired", "path": "/bookings"}).encode()
        url = f"{self.sandbox_url}/servicetitan/_sandbox/faults"
        urllib.request.urlopen(urllib.request.Request(url, fault, {"Content-Type": "application/json"})).close()

    def tokens_fetched(self) -> int:
        """How often the vendor was asked for an access token."""
        with urllib.request.urlopen(f"{self.sandbox_url}/servicetitan/_sandbox/requests", timeout=30) as answer:
            return sum(one["path"].endswith("/connect/token") for one in json.load(answer))

    def send_one(self) -> None:
        """One delivery to the first receiving server, which must take it."""
        member = next(one for one in self.members if one.role != "work")
        url = f"http://127.0.0.1:{member.port}/in/leads?key={SECRETS['TEST_LEADS_KEY']}"
        body = json.dumps({"name": "Maya", "note": f"{self.random.random()}"}).encode()
        urllib.request.urlopen(
            urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=9
        ).close()

    def delays(self, number: int) -> list[float]:
        """Seconds from receipt to the end of each run, when so many have ended."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with psycopg.connect(self.direct) as database:
                rows = database.execute(
                    "SELECT r.finished_at - c.received_at FROM runs r JOIN events e ON e.id = r.event "
                    "JOIN receipts c ON c.id = e.receipt WHERE r.state = 'done'"
                ).fetchall()
            if len(rows) == number:
                return [row[0] / 1000 for row in rows]
            time.sleep(0.1)
        raise AssertionError(f"{len(rows)} of {number} have ended")

    def slowest_refusal(self) -> float:
        """The longest that a receiving server takes to put a delivery off now, in seconds, of a few."""
        slowest = 0.0
        for member in self.members:
            for _ in range(3):
                url = f"http://127.0.0.1:{member.port}/in/leads?key={SECRETS['TEST_LEADS_KEY']}"
                body = json.dumps({"name": "Maya", "phone": f"2065550{self.random.randrange(1000):03}"}).encode()
                request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
                began = time.monotonic()
                try:
                    urllib.request.urlopen(request, timeout=30).close()
                except urllib.error.HTTPError as refused:
                    assert refused.code == 429
                    assert refused.headers["Retry-After"]
                    refused.close()
                else:
                    raise AssertionError("it was taken")
                slowest = max(slowest, time.monotonic() - began)
        return slowest

    def readiness(self) -> int:
        """What the servers say to a balancer: 200, or the first that is not."""
        for member in self.members:
            url = f"http://127.0.0.1:{member.admin_port}/readyz"
            try:
                urllib.request.urlopen(url, timeout=5).close()
            except urllib.error.HTTPError as refused:
                refused.close()
                return refused.code
        return 200

    def connections(self) -> int:
        """How many connections the servers hold at the database."""
        with psycopg.connect(self.direct) as database:
            row = database.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hooks'").fetchone()
        return 0 if row is None else int(row[0])

    def asked(self, what: str) -> dict[str, Any]:
        """What the first server that answers says of this, at the admin API."""
        for member in self.members:
            request = urllib.request.Request(
                f"http://127.0.0.1:{member.admin_port}/api/v1/{what}", headers={"Authorization": f"Bearer {TOKEN}"}
            )
            with suppress(OSError), urllib.request.urlopen(request, timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        raise AssertionError("no server answers")

    def finish(self, seconds: float = 90.0) -> Verdict:
        """Let everything due be done, however long that takes, unless nothing is for so many seconds; and count."""
        began = time.monotonic()
        self.start_all()
        self.restarts.append(time.monotonic() - began)
        left, since = -1, time.monotonic()
        while left and time.monotonic() - since < seconds:
            stats = self.asked("stats")
            now = int(stats["runs"]["waiting"] + stats["runs"]["running"] + stats["events"]["pending"])
            if now != left:
                left, since = now, time.monotonic()
            time.sleep(0.2)
        balance = bool(self.asked("stats")["books_balance"])
        for member in self.members:
            self.kill(member, signal.SIGTERM)
        return self._count(balance)

    def stop_all(self) -> None:
        """Whatever became of the test."""
        for member in self.members:
            if member.process is not None and member.process.poll() is None:
                member.process.kill()
                member.process.wait()

    def _count(self, balance: bool) -> Verdict:
        with psycopg.connect(self.direct) as database:
            receipts = {row[0] for row in database.execute("SELECT id FROM receipts WHERE verdict = 'accepted'")}
            events = {row[0] for row in database.execute("SELECT id FROM events")}
        bookings = self.bookings()
        return Verdict(
            accepted=len(self.ledger.told),
            unknown=self.ledger.unknown,
            lost=sorted(event for event, receipt in self.ledger.told.items() if receipt not in receipts),
            unacted=sorted(event for event in events if event not in bookings),
            doubled={event: number for event, number in bookings.items() if number > 1},
            unexpected=sorted(event for event in bookings if event not in events),
            books_balance=balance,
            restarts=self.restarts,
        )
