"""The store: the verbs of `hooks.ports.Store` and of the intake over an engine, each one durable transaction.

What the verbs do inside a transaction stands in the modules beside this one, by subject: accept, planning, leasing,
steering, ruletexts, subscribing. Reading for people is in `history`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType

from hooks.errors import StoreError
from hooks.events import Event, Receipt, RunState
from hooks.people import KeptAt, Sighting
from hooks.ports import (
    Chosen,
    Claimed,
    ConnectionStates,
    Edit,
    Hear,
    Intake,
    Mention,
    Opened,
    Pause,
    People,
    Plan,
    Progress,
    Replay,
    ReplaySelection,
    Resolution,
    Store,
    Subscriber,
    SubscriberStore,
    UnknownStep,
)
from hooks.store import (
    acquaintances,
    breaking,
    doubting,
    leasing,
    pausing,
    people,
    planning,
    replaying,
    resolving,
    ruletexts,
    starting,
    steering,
    subscribing,
)
from hooks.store.accept import accepted_row
from hooks.store.engine import Engine, Transaction
from hooks.store.fairness import Share
from hooks.store.fresh import Fresh
from hooks.store.results import Results

PART = 500
"""Runs that are held or let go in one transaction: a million of them hold up no other commit for long."""

AT_ONCE = 4_000
"""Runs that are held or let go of one connection at a time: a million of them hold up no start and no renewal."""

NO_SPACING: Mapping[str, float] = MappingProxyType({})


class SqlStore:
    """A store on an open database. `hooks.store.sqlite.open_sqlite` makes one; end it with `close`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shares: dict[str, Share] = {}
        self._results = Results(engine.write)
        self._fresh = Fresh()

    async def close(self) -> None:
        """Finish what was asked for and free the database."""
        await self._engine.close()

    @property
    def engine(self) -> Engine:
        """The database itself, for what keeps it in order."""
        return self._engine

    @property
    def broken(self) -> str | None:
        """Why nothing can be written any more, or None."""
        return self._engine.broken

    @property
    def commits(self) -> int:
        """Transactions committed since the start."""
        return self._engine.commits

    async def settle_restored(self) -> tuple[datetime, int] | None:
        """At the start of a server on a copy: what was not over in it is to be held; gives its moment, and how many."""
        return await self._engine.write(starting.settle_restored)

    # --- receive ---

    def record(self, receipt: Receipt, key: bytes | None, window: float) -> asyncio.Future[str | None]:
        """Commit a receipt and give None, or the id of the receipt that it duplicates.

        ``key`` names the delivery for ``window`` seconds; a receipt without one is never a duplicate.
        """
        row = accepted_row(receipt, key, window)
        self._fresh.took(row)
        return self._engine.accept(row)

    def hand(self, receipt: Receipt, key: bytes | None, window: float, hear: Hear) -> None:
        """The same for somebody who is called instead of waiting."""
        row = accepted_row(receipt, key, window)
        self._fresh.took(row)
        self._engine.hand(row, hear)

    # --- dispatch ---

    async def doubt(self, limit: int) -> None:
        await self._engine.write(lambda transaction: doubting.doubt(transaction, limit))

    async def count_crash(self, receipt: str) -> int:
        return await self._engine.write(lambda transaction: doubting.count_crash(transaction, receipt))

    async def give_back(self, owner: str) -> None:
        await self._engine.write(lambda transaction: doubting.give_back(transaction, owner))

    async def pending(self, owner: str, limit: int, now: datetime, *, doubtful: bool = True) -> list[Receipt]:
        if self._engine.alone:
            self._fresh.wanted = True
            return await self._engine.read(
                lambda reading: planning.pending(reading, limit, self._fresh, doubtful=doubtful)
            )
        return await self._engine.write(
            lambda transaction: planning.take_pending(transaction, owner, limit, now, doubtful=doubtful)
        )

    async def plan(self, receipts: Sequence[str], plans: Sequence[Plan], rules_version: str) -> int:
        made: list[tuple[Event, int, int]] = []

        def work(transaction: Transaction) -> int:
            made.clear()  # it may be tried again
            return planning.plan(transaction, receipts, plans, rules_version, made)

        waiting = await self._engine.write(work)
        self._fresh.planned(receipts, made)
        return waiting

    async def keep_rules(
        self, version: str, files: Mapping[str, str], now: datetime, edit: Edit = ruletexts.UNKNOWN
    ) -> int:
        return await self._engine.write(
            lambda transaction: ruletexts.keep_rules(transaction, version, files, now, edit)
        )

    async def rules(self, version: str) -> Mapping[str, str] | None:
        return await self._engine.read(lambda reading: ruletexts.rules(reading, version))

    @property
    def alone(self) -> bool:
        """Whether no other server can use this store."""
        return self._engine.alone

    async def latest_version(self) -> tuple[int, str] | None:
        return await self._engine.read(ruletexts.latest_version)

    async def latest_rules(self) -> tuple[str, Mapping[str, str]] | None:
        return await self._engine.read(ruletexts.latest_rules)

    # --- deliver ---

    async def claim(
        self, owner: str, slots: Mapping[str, int], now: datetime, lease: float
    ) -> list[tuple[Claimed, str]]:
        wanted = {connection: free for connection, free in slots.items() if free > 0}
        if not wanted:
            return []
        if self._engine.scarce:
            raise StoreError("the disk is full: nothing is begun until there is room")
        claimed = await self._engine.write(
            lambda transaction: leasing.claim(transaction, owner, wanted, now, lease, self._shares, self._fresh)
        )
        self._fresh.used(run.event.id for run, _ in claimed)
        return claimed

    async def progress(self, change: Progress) -> None:
        await self._results.add(change)

    async def renew(self, owner: str, runs: Sequence[str], now: datetime, lease: float) -> None:
        await self._engine.write(lambda transaction: leasing.renew(transaction, owner, runs, now, lease))

    async def recover(self, owner: str, now: datetime, *, starting: bool = False) -> int:
        return await self._engine.write(lambda transaction: leasing.recover(transaction, owner, now, starting=starting))

    async def leave(self, owner: str, now: datetime, keep: Sequence[str] = ()) -> int:
        return await self._engine.write(lambda transaction: leasing.leave(transaction, owner, now, keep))

    async def next_due(self, connections: Sequence[str]) -> datetime | None:
        return await self._engine.read(lambda reading: leasing.next_due(reading, connections))

    async def absent_connections(self, known: Sequence[str]) -> list[str]:
        return await self._engine.read(lambda reading: leasing.absent_connections(reading, known))

    # --- people ---

    async def mentions(self, limit: int) -> list[Mention]:
        return await self._engine.read(lambda reading: people.mentions(reading, limit, self._fresh))

    async def sight(self, events: Sequence[str], sightings: Sequence[Sighting]) -> None:
        await self._engine.write(lambda transaction: acquaintances.sight(transaction, events, sightings))
        self._fresh.used(events)

    async def meet(
        self, seen: Sighting, kept_at: KeptAt, run: str, until: datetime
    ) -> tuple[str | None, Mapping[str, str]]:
        return await self._engine.write(lambda transaction: people.meet(transaction, seen, kept_at, run, until))

    # --- steer ---

    async def hold(self, runs: Mapping[str, str]) -> int:
        return sum([await self._in_parts(partial(_hold, connection, reason)) for connection, reason in runs.items()])

    async def release(
        self,
        connections: Sequence[str],
        reasons: Sequence[str],
        now: datetime,
        every: Mapping[str, float] = NO_SPACING,
    ) -> int:
        found = await self._engine.read(lambda raw: steering.is_held(raw, connections, reasons))
        return sum(
            [
                await self._in_parts(partial(_release, connection, reason, now, every.get(connection, 0.0)))
                for connection, reason in found
            ]
        )

    async def _in_parts(self, work: Callable[[Transaction], int]) -> int:
        """Repeat the work until it finds less than a part to do, or has done enough; each part is a transaction."""
        done = 0
        while True:
            part = await self._engine.write(work)
            done += part
            if part < PART or done >= AT_ONCE:
                return done

    async def take_turns(self, connection: str, number: int, spacing: float, now: datetime) -> datetime:
        return await self._engine.write(
            lambda transaction: pausing.take_turns(transaction, connection, number, spacing, now)
        )

    async def set_pause(self, pause: Pause) -> None:
        await self._engine.write(lambda transaction: pausing.set_pause(transaction, pause))

    async def pauses(self) -> Mapping[str, Pause]:
        return await self._engine.read(pausing.pauses)

    async def connection_states(self) -> tuple[Mapping[str, Opened], Mapping[str, int]]:
        return await self._engine.read(lambda reading: (breaking.opened(reading), breaking.under_way(reading)))

    async def open_breaker(self, found: Opened) -> None:
        await self._engine.write(lambda transaction: breaking.open_breaker(transaction, found))

    async def take_try(self, connection: str, now: datetime, until: datetime) -> bool:
        return await self._engine.write(lambda transaction: breaking.take_try(transaction, connection, now, until))

    async def close_breaker(self, connection: str) -> None:
        await self._engine.write(lambda transaction: breaking.close_breaker(transaction, connection))

    async def retry(self, run: str, now: datetime) -> bool:
        return await self._engine.write(lambda transaction: steering.retry(transaction, run, now))

    async def resolve(self, run: str, resolution: Resolution, now: datetime) -> bool:
        return await self._engine.write(lambda transaction: resolving.resolve(transaction, run, resolution, now))

    async def unknown_steps(self, connection: str | None, limit: int) -> list[UnknownStep]:
        found: list[tuple[int, UnknownStep]] = []
        states: tuple[RunState, ...] = ("held", "failed")
        for state in states:
            after: int | None = 0
            left = limit
            while after is not None and left:
                part = partial(resolving.unknown_steps, state=state, connection=connection, after=after, limit=left)
                after, steps = await self._engine.read(part)
                found += steps
                left -= len(steps)
        return [step for _, step in sorted(found, key=lambda each: each[0])[:limit]]

    async def chosen(self, selection: ReplaySelection, after: str | None, limit: int) -> list[Chosen]:
        place: int | None = 0
        if after is not None:
            place = await self._engine.read(lambda reading: replaying.place_of(reading, after))
        found: list[Chosen] = []
        while place is not None and len(found) < limit:
            part = partial(replaying.chosen, selection=selection, after=place, limit=limit - len(found))
            place, chosen = await self._engine.read(part)
            found += chosen
        return found

    async def replay(
        self, replays: Sequence[Replay], now: datetime, anew: Sequence[Plan] = (), version: str = ""
    ) -> int:
        def replayed(transaction: Transaction) -> int:
            replaying.read_anew(transaction, anew, version)
            return replaying.add(transaction, replays, now)

        return await self._engine.write(replayed)

    async def cancel(self, run: str, reason: str, now: datetime) -> bool:
        return await self._engine.write(lambda transaction: steering.cancel(transaction, run, reason, now))

    # --- subscribers ---

    async def subscribe(self, wanted: Subscriber, limit: int) -> Subscriber | None:
        return await self._engine.write(lambda transaction: subscribing.subscribe(transaction, wanted, limit))

    async def unsubscribe(self, id: str, source: str | None = None) -> bool:
        return await self._engine.write(lambda transaction: subscribing.unsubscribe(transaction, id, source))

    async def forget_expired(self, before: datetime) -> int:
        return await self._engine.write(lambda transaction: subscribing.forget_expired(transaction, before))

    async def subscribers(self) -> list[Subscriber]:
        return await self._engine.read(subscribing.subscribers)


def _hold(connection: str, reason: str, transaction: Transaction) -> int:
    return steering.hold(transaction, connection, reason, PART)


def _release(connection: str, reason: str, now: datetime, every: float, transaction: Transaction) -> int:
    return steering.release(transaction, connection, reason, now, every, PART)


_: type[Store] = SqlStore
_subscribers: type[SubscriberStore] = SqlStore
_people: type[People] = SqlStore
_intake: type[Intake] = SqlStore
_states: type[ConnectionStates] = SqlStore
