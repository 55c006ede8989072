"""Deliver, one run: what has been found out of it, and writing that back.

Everything that is known is written in one transaction: a result shares it with the next step's intent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hooks.errors import LeaseLost, StoreError
from hooks.people import Sighting
from hooks.pipeline.accounts import Account, obstacle_of
from hooks.pipeline.people import NOBODY, Meeting
from hooks.pipeline.slots import Slot
from hooks.ports import Attempt, Claimed, Clock, Progress, Step, Store, Wrote
from hooks.rules.ruleset import Rule

log = logging.getLogger("hooks.deliver")

STORE_WAIT = 1.0
"""Seconds between two tries to write what a call came to, while the store takes nothing."""


@dataclass(slots=True)
class Carry:
    """One run while it is carried out: what has been found out and not been written yet."""

    run: Claimed
    rule: Rule
    names: dict[str, Any]
    slot: Slot
    steps: dict[int, Step] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    meeting: Meeting = NOBODY
    sightings: tuple[Sighting, ...] = ()
    leaves: bool = False
    depth: int = 0
    """How deep in a chain of events its event is."""
    watched: frozenset[str] = frozenset()
    """Vendors whose webhooks come in: what we write there may come back."""
    wrote: tuple[Wrote, ...] = ()


class Stop(Exception):
    """The run has been written back: nothing more to do with it now."""


class Writing:
    """Writes runs back. ``stopping``: no longer for as long as it takes."""

    def __init__(self, store: Store, clock: Clock, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts
        self.stopping = False

    async def put_back(
        self, carry: Carry, step: Step, delay: float, reason: str | None, *, again: bool = False
    ) -> None:
        """Let the run wait in the queue of the step's connection, or be held there. Always raises Stop.

        ``again``: it is tried again, so that live runs go first.
        """
        carry.steps[step.position] = step
        due = self._clock.now() + timedelta(seconds=delay)
        obstacle = obstacle_of(step.connection, self._accounts())
        state = "waiting" if obstacle is None else "held"
        await self.flush(carry, state, obstacle or reason, due_at=due, connection=step.connection, again=again)
        raise Stop

    async def flush(
        self, carry: Carry, state: Any, reason: str | None = None, at: datetime | None = None, **more: Any
    ) -> None:
        """Write what has been found out, in one transaction: a result shares it with the next step's intent."""
        await self.write(
            carry.run,
            state,
            reason,
            at,
            steps=tuple(carry.steps.values()),
            attempts=tuple(carry.attempts),
            sightings=carry.sightings,
            leaves=carry.leaves,
            wrote=carry.wrote,
            **more,
        )
        carry.steps.clear()
        carry.attempts.clear()
        carry.sightings, carry.leaves, carry.wrote = (), False, ()

    async def write(
        self, run: Claimed, state: Any, reason: str | None, at: datetime | None = None, **more: Any
    ) -> None:
        """Write a change, for as long as it takes: what a vendor answered must not be forgotten by a full disk."""
        change = Progress(run.id, run.fence, at or self._clock.now(), state, reason, **more)
        while True:
            try:
                await self._store.progress(change)
            except LeaseLost:
                raise
            except StoreError as error:
                if self.stopping:
                    raise
                log.warning("%s cannot be written now: %s", run.id, error)
                change = change._replace(repeated=True)
                await self._clock.sleep(STORE_WAIT)
            else:
                return
