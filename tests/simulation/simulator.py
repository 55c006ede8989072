"""The engine under seeded trouble: real code on a real store, with virtual time, a bad network and processes that die.

One seed is one story. It has two parts: in the first everything goes wrong (safety: nothing is lost, doubled or made
up, and the books balance), in the second nothing does (liveness: all that is due is done within a bounded virtual
time). With one run at a time a story is the same each time; with several, threads of the store may change its course.
The store is a SQLite file, or a PostgreSQL database that is emptied first.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from hooks.errors import HooksError
from hooks.events import Receipt, event_id, new_id
from hooks.pipeline.accounts import Account
from hooks.ports import EventFilter, RunFilter
from tests.pipeline.engine import RULES, Engine
from tests.simulation.vendor_network import TROUBLE, VendorNetwork
from tests.vendors.hello import client as hello_client
from tests.vendors.hello import sandbox as hello_sandbox

PATIENT = RULES.replace("    retry: {attempts: 3, first_wait: 1s, backoff: fixed}\n", "")
BOUND = 4 * 86400.0
"""Virtual seconds within which everything must be done once nothing goes wrong any more."""


class Died(BaseException):
    """The process is no more."""


class Mortal:
    """The store as one process sees it: at the chosen verb the process dies, before its commit or after it."""

    def __init__(self, store: Any, verbs: int | None, after: bool) -> None:
        self._store = store
        self._left = verbs
        self._after = after
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._store, name)
        if not asyncio.iscoroutinefunction(verb):
            return verb

        async def lived(*given: Any, **named: Any) -> Any:
            self._step()
            if self.dead and not self._after:
                raise Died
            result = await verb(*given, **named)
            if self.dead:
                raise Died
            return result

        return lived

    def _step(self) -> None:
        if self.dead:
            raise Died
        if self._left is not None:
            self._left -= 1
            self.dead = self._left < 0


@dataclass(frozen=True, slots=True)
class Options:
    """One story, from its seed alone: what is printed is what happens."""

    seed: int
    events: int
    copies: int
    trouble: float
    deaths: int
    concurrency: int
    kinds: tuple[str, ...] = TROUBLE

    @classmethod
    def of(cls, seed: int) -> Options:
        chance = random.Random(f"options {seed}")
        return cls(
            seed,
            events=chance.randint(1, 6),
            copies=chance.choice((0, 0, 1, 3)),
            trouble=chance.choice((0.0, 0.2, 0.5, 0.8)),
            deaths=chance.choice((0, 1, 3, 6)),
            concurrency=chance.choice((1, 2, 8)),
        )


@dataclass(slots=True)
class Verdict:
    """What the checker found, by event."""

    lost: list[str] = field(default_factory=list)
    unacted: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    books_balance: bool = True
    seconds: float = 0.0
    calls: tuple[str, ...] = ()
    """What the vendor was asked, and what became of it on the way."""

    @property
    def good(self) -> bool:
        return self.books_balance and not (self.lost or self.unacted or self.doubled or self.unexpected)


class Simulation:
    """One story being told."""

    def __init__(self, engine: Engine, options: Options) -> None:
        self.engine = engine
        self.options = options
        self.chance = random.Random(f"story {options.seed}")
        self.real = engine.store
        self.told: dict[str, str] = {}
        """Events that a sender was promised, with their receipts."""
        app = hello_sandbox.sandbox()
        engine.box = app.state.sandbox
        self.network = VendorNetwork(app, engine.clock, self.chance, options.trouble, options.kinds)
        self.network.stalled = self._others_look
        self.deaths = options.deaths

    async def run(self) -> Verdict:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # those who die leave no word
        await self._born()
        await self._receive()
        for _ in range(60):
            await self._turn()
            self.engine.clock.seconds += self.chance.choice((0.1, 1.0, 5.0, 30.0, 300.0))
        self.network.trouble, self.deaths = 0.0, 0
        began = self.engine.clock.seconds
        await self._born()
        while await self._is_busy() and self.engine.clock.seconds < began + BOUND:
            await self._turn()
            self.engine.clock.seconds += 60.0
        return await self._verdict(self.engine.clock.seconds - began)

    async def _born(self) -> None:
        """A new process on what the one before has left."""
        engine = self.engine
        if self.deaths > 0:
            self.deaths -= 1
            life: int | None = self.chance.randint(1, 25)
        else:
            life = None
        mortal: Any = Mortal(self.real, life, after=self.chance.random() < 0.5)
        engine.store = mortal
        assert engine.rules is not None
        connect: Any = hello_client.HelloClient
        engine.accounts = {
            name: Account(
                name,
                "hello",
                config.settings.model_copy(update={"concurrency": self.options.concurrency}),
                connect(name, config.settings, transport=self.network),
            )
            for name, config in engine.rules.connections.items()
        }
        engine.dispatcher, engine.worker = engine.new_dispatcher(), engine.new_worker()
        try:
            await mortal.recover(new_id("run"), engine.clock.now())
            await engine.dispatcher.begin()
        except Died:
            await self._born()

    async def _receive(self) -> None:
        """Senders deliver, and deliver again what they were given no answer to, and sometimes what they were."""
        for number in range(self.options.events):
            body = b'{"kind":"greeting.sent","to":"Maya Ortiz %d"}' % number
            for _ in range(1 + self.options.copies):
                while not await self._delivered(body, b"key %d" % number):
                    pass

    async def _delivered(self, body: bytes, key: bytes) -> bool:
        engine = self.engine
        receipt = Receipt(new_id("rcp"), "hello", "hello", engine.clock.now(), "accepted", body=body, events=1)
        try:
            first = await engine.store.record(receipt, key, 86400.0)
        except Died:
            await self._born()
            return False
        if first is None:
            self.told[event_id(receipt.id)] = receipt.id
        return True

    async def _turn(self) -> None:
        try:
            if not self.real.alone:  # there the leases of the dead run out, which every server looks for
                await self.engine.store.recover(new_id("run"), self.engine.clock.now())
            while await self.engine.dispatcher.turn():
                pass
            await self.engine.turn()
            await self.network.arrive()
            if self.engine.store.dead:  # type: ignore[attr-defined]  # it is a Mortal
                raise Died
        except Died:
            while any(account.in_flight for account in self.engine.accounts.values()):
                await asyncio.sleep(0)
            await self._born()
        except HooksError:
            pass

    async def _others_look(self) -> None:
        """Another process finds leases that have run out, and works on what it finds."""
        theirs = {name: replace(account, in_flight=0) for name, account in self.engine.accounts.items()}
        other = self.engine.new_worker(theirs)
        try:
            await self.engine.store.recover(new_id("run"), self.engine.clock.now())
            await other.turn()
            while other._tasks:
                await asyncio.wait(set(other._tasks))
        except Died:
            pass

    async def _is_busy(self) -> bool:
        stats = await self.engine.history.stats()
        return bool(stats["runs"]["waiting"] or stats["runs"]["running"] or stats["events"]["pending"])

    async def _verdict(self, seconds: float) -> Verdict:
        engine = self.engine
        stats = await engine.history.stats()
        runs = (await engine.history.runs(RunFilter(limit=500))).items
        done = {run["event"] for run in runs if run["state"] == "done"}
        seen = {run["event"] for run in runs if run["state"] in ("failed", "held")}
        known = {run["event"] for run in runs}
        events = (await engine.history.events(EventFilter(limit=500))).items
        seen |= {event["id"] for event in events if event.get("flag")}  # it was being read whenever the process died
        known |= {event["id"] for event in events}
        greeted = Counter(str(one.get("to")) for one in engine.box.of("greetings"))
        effects = Counter(str(one.get("ref")) for one in engine.box.of("greetings"))
        return Verdict(
            lost=[event for event in self.told if event not in known],
            unacted=[event for event in known if event not in seen and (event not in done or not effects[event])],
            doubled=[event for event, number in (*effects.items(), *greeted.items()) if number > 1],
            unexpected=[event for event in effects if event not in known],
            books_balance=stats["books_balance"],
            seconds=seconds,
            calls=tuple(self.network.calls),
        )


async def simulate(seed: int, options: Options | None = None, database: str | None = None) -> Verdict:
    """Tell the story of a seed, or of these options, and judge it. ``database``: on this PostgreSQL; it is emptied."""
    if database is not None:
        _emptied(database)
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="hooks-simulation-", dir=memory if memory.is_dir() else None))
    engine = await Engine.open(folder, PATIENT, database)
    simulation = Simulation(engine, options or Options.of(seed))
    try:
        return await simulation.run()
    finally:
        engine.store = simulation.real
        await engine.close()
        shutil.rmtree(folder, ignore_errors=True)


def _emptied(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'migrations'"
        ).fetchall()
        if rows:
            names = ", ".join(name for (name,) in rows)
            connection.execute(f"TRUNCATE {names} RESTART IDENTITY")
