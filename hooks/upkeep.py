"""What keeps a running server's database in order: pruning, counting, copying, looking at the clock, for ever.

Everything here gives way to intake. What it finds out stands in `/api/v1/stats` and `/metrics`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hooks.clock import APART, EngineClock
from hooks.errors import Conflict, StoreError
from hooks.events import utc_text
from hooks.health import Finding, Health, Level
from hooks.pipeline.accounts import OBSTACLES
from hooks.pipeline.receive import log_fault
from hooks.ports import Upkeep
from hooks.store import starting
from hooks.store.copying import copy_database
from hooks.store.engine import Reading, Transaction
from hooks.store.eventlists import flagged_since
from hooks.store.history import SqlHistory
from hooks.store.moments import ALIVE, note, recall
from hooks.store.retention import Pruner, Swept
from hooks.store.rows import millis, moment
from hooks.store.shifting import shift, shift_late
from hooks.store.silences import refresh, was_absent
from hooks.store.verbs import SqlStore
from hooks.values import show_duration

log = logging.getLogger("hooks.upkeep")

FIRST = 120.0
"""Seconds after the start before the first round: a start has better things to do."""

TICK = 2.0
"""Seconds between two looks at what cannot wait for a round, such as a disk that has room again."""

DAILY = 86400.0
"""Seconds between two readings of the whole database, and between two looks through all remembered keys."""

EVERY = 3600.0
"""Seconds between two rounds of pruning and counting."""

SEEN_EVERY = 60.0
"""Seconds between two notes that a server is at work."""

MISTAKEN = 15.0
"""Seconds by which this clock and the database's may part before a lease that another server has just renewed looks
as if it had run out."""

DOUBTED = 86400.0
"""Seconds by which the clock may at least be ahead at a start, compared with the last note."""

TOLD_FOR = 86400.0
"""Seconds for which it is told that an event could not be read."""

COUNTED = 100
"""So many of these events are counted; of more it is said that there are more."""

ROUND = 1.5
"""Seconds after which a round that somebody waits for is interrupted, to be gone on with."""


OLD_SNAPSHOT = 300.0
"""Seconds that somebody may hold a view of a PostgreSQL open."""

MANY_DEAD = 2_000_000
"""Rows that wait for PostgreSQL's vacuum, past which it does not come through."""


class Keeper:
    """The upkeep of one server. ``run`` goes on until it is cancelled."""

    def __init__(
        self,
        store: SqlStore,
        history: SqlHistory,
        clock: EngineClock,
        health: Health,
        *,
        retention: float | None,
        working: Callable[[], Sequence[str]],
    ) -> None:
        """``retention``: seconds that what has ended is kept, None for ever.

        ``working``: the connections that runs could be carried out in now, for noticing that they are not.
        """
        self._store = store
        self._history = history
        self._clock = clock
        self._health = health
        self._retention = retention
        self._working = working
        self._copying = asyncio.Lock()
        self._seen_at = float("-inf")
        self._keys_at = float("-inf")
        self.jumped: str | None = None
        """What the clock did, when it was set while the server ran or was away: nothing is pruned by such a clock."""
        self.pruned = 0
        """Events deleted since the start."""
        self.settled = False
        """Whether all is done that must be before anything is carried out."""

    async def begin(self) -> None:
        """At the start, before anything is carried out: notice a clock that shows less than when work was last done."""
        now = self._clock.now()
        seen = await self._store.engine.read(lambda reading: recall(reading, ALIVE))
        await refresh(self._store.engine)
        if seen is not None and self._store.engine.alone:
            by = (now - seen).total_seconds()
            if by < -APART:
                await starting.settle(self._store.engine, OBSTACLES)  # what an earlier start has not come to the end of
                await self._store.engine.write(lambda transaction: _set_back(transaction, by, now))
                self._noticed(f"it shows {show_duration(-by)} less than when this database was last worked on")
            elif self._retention is not None and by > max(DOUBTED, self._retention / 2):
                self._noticed(f"it shows {show_duration(by)} more than when this database was last worked on")

        if seen is not None:
            await self._store.engine.write(lambda transaction: was_absent(transaction, seen, now))
        await self._compare_clocks()
        self.settled = not await self._store.engine.read(starting.owes)
        if not self.settled:
            what = "what waited before the start is looked through, and nothing is carried out until then"
            self._note("start", what, "wait: a million runs take some seconds", "yellow")

    async def _settle(self) -> None:
        """Do what the start owes the runs that were there before it, behind the first webhooks that are taken."""
        while not self.settled:
            try:
                await starting.settle(self._store.engine, OBSTACLES)
            except StoreError as error:
                log.warning("what waited before the start is looked through later: %s", error)
                await self._clock.sleep(TICK)
            else:
                self.settled = True
                self._note("start", None, "")

    def _noticed(self, what: str) -> None:
        self.jumped = f"the clock was set: {what}"
        log.error("%s. What waits keeps its time; nothing is pruned by this clock until `hooks db prune`", self.jumped)
        self._note(
            "clock", self.jumped, "if it is right now, say so with `hooks db prune`; until then none is", "yellow"
        )

    async def _look_at_clock(self) -> None:
        """Follow the wall clock when it was set, and keep the time for the next start now and then."""
        jump = self._clock.jump
        engine = self._store.engine
        if jump and not engine.alone:
            # Others work by the same rows: this server goes on evenly, as they do, and does not follow its wall clock.
            if self.jumped is None:
                self._noticed(f"by {'+' if jump > 0 else '-'}{show_duration(abs(jump))}")
        elif jump:
            before = self._clock.now()
            if jump < 0:
                self._clock.follow(jump)
            moved = await shift(engine, jump, before)
            if jump > 0:
                self._clock.follow(jump)
            else:
                moved += await shift_late(engine, jump, before)
            self._noticed(f"by {'+' if jump > 0 else '-'}{show_duration(abs(jump))}, {moved} runs were moved along")
        if jump or self._health.failing or self._clock.monotonic() - self._seen_at > SEEN_EVERY:
            self._seen_at = self._clock.monotonic()
            at = millis(self._clock.now())
            await engine.write(lambda transaction: note(transaction, ALIVE, at))
            await self._compare_clocks()

    async def _compare_clocks(self) -> None:
        """Where servers share a database, theirs is the clock that all can see: say so when ours shows something else.

        What is due and who has a run is judged by each server's own clock.
        """
        if self._store.engine.alone:
            return
        there = await self._store.engine.read(_clock_of_database)
        ahead = self._clock.now().timestamp() - there
        if abs(ahead) <= APART:
            self._note("clocks", None, "")
            return
        by = f"{show_duration(round(abs(ahead)))} {'more' if ahead > 0 else 'less'}"
        what = f"this machine's clock shows {by} than the database's"
        if abs(ahead) > MISTAKEN:
            what += ": servers whose clocks part so far take runs that are under way from each other"
        if "clocks" not in self._health.notes:
            log.error("%s; set both (NTP)", what)
        self._note("clocks", what, "set the clocks of both machines (NTP)", "yellow")

    async def run(self) -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._settle())
            loops.create_task(self._again(TICK, self._tick))
            loops.create_task(self._again(EVERY, self._round, first=FIRST))
            loops.create_task(self._again(DAILY, self._examine, first=FIRST))

    async def _again(self, every: float, work: Callable[[], Awaitable[None]], first: float = 0.0) -> None:
        await self._clock.sleep(first)
        while True:
            try:
                await work()
            except StoreError as error:
                log.warning("upkeep is put off: %s", error)
            except Exception as error:
                log_fault(log, "upkeep", error)
            await self._clock.sleep(every)

    async def _tick(self) -> None:
        await self._look_at_clock()
        await self._store.engine.tidy()
        due, pending = await self._store.next_due(self._working()), await self._store.engine.read(_oldest_pending)
        now = self._clock.now()
        self._health.figures.update(
            oldest_due_seconds=0.0 if due is None else max(0.0, (now - due).total_seconds()),
            oldest_pending_seconds=0.0 if pending is None else max(0.0, (now - pending).total_seconds()),
            commits=self._store.commits,
            pruned_events=self.pruned,
            **self._store.engine.figures(),
        )
        await self._look_for_flagged(now)
        held = self._health.figures.get("oldest_snapshot_seconds", 0)
        self._note(
            "snapshot",
            held > OLD_SNAPSHOT and f"a transaction has been open in PostgreSQL for {show_duration(held)}",
            "it keeps old rows from being cleared away, and claims get slower: look into pg_stat_activity, and end it",
            "yellow",
        )
        dead = self._health.figures.get("dead_rows", 0)
        self._note(
            "dead rows",
            dead > MANY_DEAD and f"{dead} rows wait for PostgreSQL's vacuum",
            "look whether autovacuum is on and comes through; see docs/scaling.md",
            "yellow",
        )

    async def _look_for_flagged(self, now: datetime) -> None:
        """Say that events could not be read: nobody else would notice that no rule acts on them."""
        since = now - timedelta(seconds=TOLD_FOR)
        sources = await self._store.engine.read(partial(flagged_since, since=since, limit=COUNTED))
        what = None
        if sources:
            number = f"more than {COUNTED - 1}" if len(sources) == COUNTED else str(len(sources))
            what = f"{number} {'event' if number == '1' else 'events'} of the last 24 hours could not be read, the "
            what += f"latest of source {sources[0]!r}: no rule acts on {'it' if number == '1' else 'them'}"
        mend = (
            "why: `hooks events list --flagged`; when that is mended, `hooks events replay --flagged` reads them anew"
        )
        self._note("flagged", what, mend, "yellow")

    async def _round(self) -> None:
        """Prune, and count the books anew."""
        if self._retention is not None and self.jumped is None:
            before = self._clock.now() - timedelta(seconds=self._retention)
            keys = self._clock.monotonic() - self._keys_at >= DAILY
            last = await self._pruned(before, Swept(), limit=None, keys=keys)
            if keys:
                self._keys_at = self._clock.monotonic()
            self.pruned += last.events
            if last.events or last.receipts:
                log.info("%d events and %d receipts were old enough to be deleted", last.events, last.receipts)
        wrong = await self._history.audit()
        for difference in wrong:
            log.error("the books do not balance: %s", difference)
        self._note("books", wrong and f"the books do not balance: {wrong[0]}", "see `hooks db check` and the log")

    async def _examine(self) -> None:
        """Read all pages, which a start does only of a small file."""
        wrong = await self._store.engine.examine()
        if wrong is not None:
            log.error("the database is damaged: %s", wrong)
        self._note("pages", wrong and f"the database is damaged: {wrong}", "stop the server, `hooks db restore` a copy")

    def _note(self, about: str, what: Any, mend: str, level: Level = "red") -> None:
        """A finding that stands until it is found no more."""
        if what:
            self._health.notes[about] = Finding(level, what, mend)
        else:
            self._health.notes.pop(about, None)

    def health(self) -> Mapping[str, Any]:
        return self._health.report(self._health.ready())

    async def prune(self, older_than: float | None, start: str | None, dry_run: bool) -> Mapping[str, Any]:
        seconds = self._retention if older_than is None else older_than
        if seconds is None:
            raise Conflict("nothing is set to be deleted (HOOKS_RETENTION=forever): say how old it must be")
        now = self._clock.now()
        last = await self._pruned(now - timedelta(seconds=seconds), _resumed(start), limit=ROUND, dry_run=dry_run)
        if not dry_run:
            self.jumped = None  # a person has said that this clock is right
            self._note("clock", None, "")
            self.pruned += last.events
        return prune_report(last)

    async def backup(self) -> Mapping[str, Any]:
        file = self._store.engine.file
        if file is None:
            raise Conflict("the database is a PostgreSQL: copy it with pg_dump")
        if self._copying.locked():
            raise Conflict("a copy is being made: wait until it is ready")
        async with self._copying:
            now = self._clock.now()
            folder = file.parent / "backups"
            folder.mkdir(mode=0o700, exist_ok=True)
            target = folder / f"{file.stem}-{now:%Y%m%dT%H%M%S}-{now.microsecond:06d}Z.db"
            figures = self._store.engine.figures()
            if not figures:
                raise Conflict(f"there is nothing to copy: {self._store.broken}")
            if figures["free_bytes"] - figures["database_bytes"] < figures["free_bytes_wanted"]:
                raise Conflict(f"there is no room for a copy in {folder}: it would stop webhooks from being taken")
            try:
                made = await asyncio.to_thread(copy_database, file, target, now)
            except StoreError as error:
                raise Conflict(str(error)) from None
        log.info("the database was copied to %s", made.file)
        return {"file": str(made.file.absolute()), "at": utc_text(made.at), "bytes": made.size}

    async def _pruned(
        self, before: datetime, start: Swept, *, limit: float | None, dry_run: bool = False, keys: bool = True
    ) -> Swept:
        """Prune from there on, to the end or until the limit of seconds is over."""
        pruner = Pruner(self._store.engine, monotonic=self._clock.monotonic, sleep=self._clock.sleep)
        began = self._clock.monotonic()
        last = start
        async with contextlib.aclosing(
            pruner.prune(before, self._clock.now(), start, dry_run=dry_run, keys=keys)
        ) as rounds:
            async for swept in rounds:
                last = swept
                if limit is not None and self._clock.monotonic() - began > limit:
                    break
        return last


def _set_back(transaction: Transaction, by: float, now: datetime) -> None:
    """Note that the clock was set back while nobody looked, and that all that waits is to be moved along."""
    starting.owe(transaction, starting.MOVE, round(by * 1000))
    note(transaction, ALIVE, millis(now))


def _clock_of_database(reading: Reading) -> float:
    """Seconds since 1970, by the clock of a PostgreSQL."""
    return float(reading.execute("SELECT CAST(extract(epoch FROM clock_timestamp()) AS float8)").fetchone()[0])


def _oldest_pending(reading: Reading) -> datetime | None:
    row = reading.execute("SELECT received_at FROM receipts WHERE pending = 1 ORDER BY seq LIMIT 1").fetchone()
    at = None if row is None else row[0]
    return None if at is None else moment(at)


def prune_report(swept: Swept) -> dict[str, Any]:
    """As `hooks.ports.Upkeep.prune` gives it."""
    done = swept.stage == "done"
    return {
        "events": swept.events,
        "runs": swept.runs,
        "receipts": swept.receipts,
        "keys": swept.keys,
        "kept": swept.kept,
        "next": None if done else f"{swept.stage}:{swept.after}",
    }


def _resumed(start: str | None) -> Swept:
    """Where an earlier round said to go on. Raises Conflict for anything else."""
    if start is None:
        return Swept()
    stage, _, after = start.partition(":")
    try:
        match stage:
            case "events" | "receipts" | "quarantine" | "traffic":
                return replace(Swept(), stage=stage, after=int(after))
            case "duplicates" | "onces":
                bytes.fromhex(after.rpartition("/")[2])
                return replace(Swept(), stage=stage, after=after)
    except ValueError:
        pass
    raise Conflict("start must be what the round before gave as its next")


_: type[Upkeep] = Keeper
