"""Fifth step, dispatch: pending receipts become events and runs, a batch in one transaction.

It goes on from the table: whatever was accepted and not yet planned, by this process or by one that died, is planned
next. While there are no usable rules nothing is planned and nothing is lost; while requests come in it leaves most of
the processor to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from hooks.errors import HooksError, StoreError
from hooks.events import Event, Receipt
from hooks.pipeline.bounded import TookTooLong, bounded
from hooks.pipeline.emitting import cause_of
from hooks.pipeline.match import plan
from hooks.pipeline.normalize import emptied_event, normalize, unread_events
from hooks.pipeline.receive import log_fault
from hooks.pipeline.underway import Underway
from hooks.ports import Clock, Normalizer, Plan, Store
from hooks.rules.ruleset import RuleSet

log = logging.getLogger("hooks.dispatch")

BATCH = 64
GATHER = 0.01
"""Seconds between two batches that are not full: the first of a burst is planned at once, the rest of it together, in
few transactions instead of many. Each costs the disk a sync that a sender may be waiting for."""

MAX_CRASHES = 3
"""A receipt during whose reading the program ended so often is set aside: it is stored as events that say so."""

CALM = 10.0
"""Seconds that a server has lived before it reads what another may have ended over, where nobody knows: what is killed
again and again within that time is not killed by it."""

POLL = 1.0
"""Seconds after which the table is looked at without being told to."""


class Dispatcher:
    """Plans pending receipts. ``run`` goes on until it is cancelled; `wake` tells it that there is something to do."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        owner: str,
        rules: Callable[[], RuleSet | None],
        sources: Callable[[], Mapping[str, Normalizer]],
        planned: Callable[[], None],
        obstacle: Callable[[str], str | None] = lambda connection: None,
        busy: Callable[[], bool] = lambda: False,
        underway: Underway | None = None,
    ) -> None:
        """``underway`` knows which receipt was read when the program ended; without it, any of some may be."""
        self._store = store
        self._underway = underway
        self._clock = clock
        self._owner = owner
        self._rules = rules
        self._sources = sources
        self._planned = planned
        self._obstacle = obstacle
        self._busy = busy
        self._began_at = clock.monotonic()
        self._certain = False
        """Whether the note outlives this process, so that what it dies of is known."""
        self._begun = False
        self._signal = asyncio.Event()
        self.turned_at = clock.monotonic()
        """When the loop last turned, by the monotonic clock: what health is measured by."""

    def wake(self) -> None:
        self._signal.set()

    async def run(self) -> None:
        try:
            await self._turns()
        finally:
            if not self._store.alone:
                # What was taken and not planned waits for nobody's death, and counts as nobody's cause of it.
                with contextlib.suppress(StoreError):
                    await self._store.give_back(self._owner)

    async def _turns(self) -> None:
        while True:
            self._signal.clear()
            try:
                if not self._begun:
                    await self.begin()
                while planned := await self.turn():
                    if planned < BATCH:
                        await self._clock.sleep(GATHER)
            except StoreError as error:
                log.warning("events cannot be planned now: %s", error)
            except Exception as error:
                log_fault(log, "planning", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._signal.wait()

    async def begin(self) -> None:
        """At a start: find out which receipt was under way when the program ended, or which may have been.

        A shared store doubts by itself what a server was given that is not heard of any more. One that has found the
        note of its predecessor knows better, and knows that the next one will find its own.
        """
        note, alone = self._underway, self._store.alone
        if note is not None:
            note.take_over(self._owner)  # so it is counted once, whatever becomes of this process
            self._certain = alone or note.before is not None
            if note.at_death is not None:
                await self._store.count_crash(note.at_death)
            if note.before is not None and not alone:
                await self._store.give_back(note.before)
        elif alone:
            await self._store.doubt(BATCH)
        self._begun = True

    async def turn(self) -> int:
        """Plan one batch; gives how many receipts it held."""
        self.turned_at = started = self._clock.monotonic()
        if self._rules() is None:
            return 0
        calm = self._certain or started - self._began_at >= CALM
        receipts = await self._store.pending(self._owner, BATCH, self._clock.now(), doubtful=calm)
        rules = self._rules()  # asked after the receipts: what came in under new rules is never planned by older ones
        if not receipts or rules is None:
            return 0
        plans: dict[str, list[Plan]] = {}
        for number, receipt in enumerate(receipts):
            if receipt.crashes >= MAX_CRASHES or (receipt.crashes and not self._certain):
                await self._read_alone(receipt, rules)
                continue
            plans[receipt.id] = self._plans(receipt, rules)
            if number % 4 == 3:
                await asyncio.sleep(0)  # requests that wait to be answered come first
        if plans and await self._stored(plans, rules):
            self._planned()
        if self._busy():
            await self._clock.sleep(
                min(self._clock.monotonic() - started, POLL)
            )  # the process may have been stopped meanwhile
        return len(receipts)

    async def _read_alone(self, receipt: Receipt, rules: RuleSet) -> None:
        """Plan a receipt that may have ended the program before, by itself; one that did so too often is set aside."""
        if receipt.crashes >= MAX_CRASHES:
            why = f"the program ended {MAX_CRASHES} times while it was read: see the log, and the body in its receipt"
            plans = [Plan(event) for event in unread_events(receipt, why)]
            log.error("%s is set aside: %s", receipt.id, why)
        else:
            await self._store.count_crash(receipt.id)
            plans = self._plans(receipt, rules, noted=False)
        if await self._stored({receipt.id: plans}, rules):
            self._planned()

    async def _stored(self, plans: Mapping[str, list[Plan]], rules: RuleSet) -> int:
        """Store the plans of a batch of receipts; gives how many runs wait.

        One that cannot be written holds up no other: it is stored as an event that could not be read.
        """
        try:
            return await self._store.plan(
                list(plans), [plan for made in plans.values() for plan in made], rules.version
            )
        except HooksError:
            raise
        except Exception as error:
            log_fault(log, f"storing the plans of {len(plans)} receipts", error)
        if len(plans) > 1:
            return sum([await self._stored({receipt: made}, rules) for receipt, made in plans.items()])
        emptied = [Plan(emptied_event(plan.event, "it cannot be stored")) for made in plans.values() for plan in made]
        return await self._store.plan(list(plans), emptied, rules.version)

    def _plans(self, receipt: Receipt, rules: RuleSet, *, noted: bool = True) -> list[Plan]:
        """What the rules make of a receipt. ``noted``: a death in the middle of it has not been counted yet."""
        now, cause = self._clock.now(), cause_of(receipt)
        plans: list[Plan] = []
        note = self._underway if noted else None
        if note is not None:
            note.begin(receipt.id)
        for event in normalize(receipt, self._sources().get(receipt.source)):
            planned = matched(event, rules, now, self._obstacle)
            plans.append(planned if cause is None else planned._replace(cause=cause))
        if note is not None:
            note.end()
        return plans


def matched(
    event: Event, rules: RuleSet, now: datetime, obstacle: Callable[[str], str | None] = lambda connection: None
) -> Plan:
    """The plan for an event; one that cannot be matched is flagged, and no rule acts on it. Never raises."""
    try:
        with bounded():
            return plan(event, rules, now, obstacle)
    except TookTooLong as error:
        log.error("%s is set aside: matching it did not end, %s", event.id, error)
        return Plan(event._replace(flag=f"matching it did not end: {error}"))
    except Exception as error:
        log_fault(log, f"matching of {event.id}", error)
        return Plan(event._replace(flag=f"matching it failed ({type(error).__name__})"))
