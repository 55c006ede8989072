"""Deliver, who is who: what events and results say of people goes to the identity map, and what it knows to the steps.

Events are looked at after they have been planned, in a task of their own that goes on from its queue after a crash. A
step that finds or makes somebody's record is told what is known, and two of them for the same person at the same
account take turns: a record that one is making just now cannot be found yet by the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hooks.errors import StoreError
from hooks.events import Event
from hooks.people import KeptAt, Sighting, VendorRecord, customer_in, record_id, sighting
from hooks.pipeline.accounts import Account
from hooks.pipeline.receive import log_fault
from hooks.ports import Call, Catalogue, Clock, Mention, People, PersonRecord
from hooks.rules.step import StepSpec

log = logging.getLogger("hooks.people")

BATCH = 100
POLL = 1.0
"""Seconds after which the queue is looked at without being told to."""

LATE = 10.0
"""Seconds from the lane to the call's first byte, at most: the intent is written meanwhile."""

LANE_WAIT = 0.5
"""Seconds after which a run looks again whether the one before it has done with the same person."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a step may know of its person. ``busy``: the run that is finding or making the same record just now.

    ``latest``: when the call must have left, because the lane is another run's before it would be over otherwise.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    busy: str | None = None
    latest: datetime | None = None


NOBODY = Meeting()
"""For a step that is about nobody, as most are."""


class Acquaintance:
    """What steps ask the identity map and tell it."""

    def __init__(self, people: People, clock: Clock, catalogue: Catalogue) -> None:
        self._people = people
        self._clock = clock
        self._records = {
            (vendor.name, action): record for vendor in catalogue.values() for action, record in vendor.people.items()
        }

    def takes_turns(self, spec: StepSpec) -> bool:
        """Whether two of these steps for one person must not run at the same time."""
        record = self._record(spec)
        return record is not None and record.searches

    async def meet(self, run: str, event: Event, spec: StepSpec, account: Account, call: Call) -> Meeting:
        """Before the call: take the person's lane at this account, and say what is known there. Raises StoreError."""
        record = self._record(spec)
        if record is None or not record.searches:
            return NOBODY
        seen = self._seen(run, event, record, call.inputs)
        if seen is None:
            return NOBODY
        latest = self._clock.now() + timedelta(seconds=LATE + _turn(account))
        until = latest + timedelta(seconds=call.timeout + account.settings.lookup_wait)
        busy, known = await self._people.meet(seen, _kept_at(account), run, until)
        return Meeting(known, busy, latest)

    def learned(
        self,
        run: str,
        event: Event,
        spec: StepSpec,
        account: Account,
        inputs: Mapping[str, Any],
        output: Any,
        known: Mapping[str, str],
    ) -> tuple[Sighting, ...]:
        """What a step's result says of its person: that this record is of somebody with this name and these numbers."""
        record = self._record(spec)
        identity = record_id(output.get(record.id)) if record is not None and isinstance(output, dict) else None
        if record is None or identity is None:
            return ()
        made = VendorRecord(_kept_at(account), record.kind, identity)
        seen = self._seen(run, event, record, inputs, made)
        if seen is None:
            return ()
        before = known.get(record.kind)
        if before not in (None, identity):
            seen = replace(seen, gone=VendorRecord(made.kept_at, record.kind, before))
        return (seen,)

    def _record(self, spec: StepSpec) -> PersonRecord | None:
        return self._records.get((spec.vendor, spec.action.name))

    def _seen(
        self,
        run: str,
        event: Event,
        record: PersonRecord,
        inputs: Mapping[str, Any],
        made: VendorRecord | None = None,
    ) -> Sighting | None:
        try:
            customer = record.customer(inputs)
            return sighting(
                customer, origin=run, event=event.id, at=self._clock.now(), place=inputs.get("address"), record=made
            )
        except Exception as error:  # whatever it is, a call must not fail because of what is noted about it
            log_fault(log, f"reading the person of {run}", error)
            return None


def _kept_at(account: Account) -> KeptAt:
    return KeptAt(account.vendor, "connection", account.name)


def _turn(account: Account) -> float:
    """Seconds until a call's turn comes, at most."""
    settings = account.settings
    return settings.concurrency / settings.rate if settings.rate else 0.0


class Sighter:
    """Looks at events about people. ``run`` goes on until it is cancelled; `wake` says that there may be some."""

    def __init__(
        self,
        people: People,
        clock: Clock,
        busy: Callable[[], bool] = lambda: False,
        own: Container[str] = (),
    ) -> None:
        """``own``: vendors that are this program itself. They keep no records, whatever ids their events hold."""
        self._own = own
        self._people = people
        self._clock = clock
        self._busy = busy
        self._signal = asyncio.Event()

    def wake(self) -> None:
        self._signal.set()

    async def run(self) -> None:
        while True:
            self._signal.clear()
            try:
                while await self.turn() == BATCH:
                    await self._clock.sleep(0.05 if self._busy() else 0.0)
            except StoreError as error:
                log.warning("who is who cannot be written now: %s", error)
            except Exception as error:
                log_fault(log, "looking at people", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._signal.wait()

    async def turn(self) -> int:
        """Look at one batch; gives how many events it held."""
        mentions = await self._people.mentions(BATCH)
        if mentions:
            await self._sight(mentions)
        return len(mentions)

    async def _sight(self, mentions: list[Mention]) -> None:
        """Learn from these events. One that cannot be learned from holds up no other: it is passed over."""
        events = [mention.event for mention in mentions]
        seen = [found for mention in mentions if (found := _sighting(mention, mention.vendor in self._own)) is not None]
        try:
            await self._people.sight(events, seen)
            return
        except StoreError:
            raise
        except Exception as error:
            log_fault(log, f"learning from {len(events)} events", error)
        if len(mentions) == 1:
            await self._people.sight(events, [])
            return
        for mention in mentions:
            await self._sight([mention])


def _sighting(mention: Mention, own: bool) -> Sighting | None:
    customer = customer_in(mention.type, mention.data)
    if customer is None:
        return None
    try:
        identity = None if own else record_id(customer.get("id"))
        kept_at = KeptAt(mention.vendor, "source", mention.source)
        return sighting(
            customer,
            origin=mention.event,
            event=mention.event,
            at=mention.received_at,
            place=mention.data.get("address"),
            record=None if identity is None else VendorRecord(kept_at, "customer", identity),
        )
    except Exception as error:
        log_fault(log, f"reading the person of {mention.event}", error)
        return None
