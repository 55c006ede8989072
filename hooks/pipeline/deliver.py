"""Last step, deliver: due runs are claimed, each under a lease, and handed to `hooks.pipeline.steps`.

Each connection has its own room, so that one that hangs or refuses holds up no other; a run that stumbles over a fault
of ours holds up none either. On a stop nothing new is begun, and what is in progress gets its time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from hooks.errors import LeaseLost, StoreError
from hooks.pipeline.accounts import Account
from hooks.pipeline.people import Acquaintance
from hooks.pipeline.receive import log_fault
from hooks.pipeline.sharing import Shared
from hooks.pipeline.steps import Carrier
from hooks.ports import Claimed, Clock, Progress, Store
from hooks.rules.ruleset import RuleSet

log = logging.getLogger("hooks.deliver")

LEASE = 20.0
"""Seconds a claimed run is ours without being renewed."""

RENEW_EVERY = 5.0
SETTLE_EVERY = 0.5
"""Seconds between two goes at holding, or letting go, what waits for a connection, while there is more of it."""

GATHER = 0.005
"""Seconds between two claims at least, but for what has room because others end: what has become due meanwhile is
claimed together, in one transaction."""

POLL = 1.0
FAULT_WAIT = 30.0
"""Seconds before a run that stumbled over a fault of ours is tried again."""

MAX_FAULTS = 3
"""After this many faults of ours a run is a dead letter: it must not come back for ever."""


class Worker:
    """Carries runs out. ``run`` goes on until `drain`; `wake` tells it that there may be something to do."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        owner: str,
        accounts: Callable[[], Mapping[str, Account]],
        rules: Callable[[str], Awaitable[RuleSet | None]],
        chance: Callable[[], float],
        settle: Callable[[], Awaitable[bool]] | None = None,
        people: Acquaintance | None = None,
        shared: Shared | None = None,
    ) -> None:
        """``settle`` holds runs whose connection is paused or gone, and gives whether it did something: asked now and
        then, because rules change."""
        self._store = store
        self._clock = clock
        self._owner = owner
        self._accounts = accounts
        self._carrier = Carrier(store, clock, accounts=accounts, rules=rules, chance=chance, people=people)
        self._settle = settle
        self._shared = shared
        self._faults: dict[str, int] = {}
        self._signal = asyncio.Event()
        self._stopping = False
        self._claiming = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = 0
        """Runs whose last word was handed to the store."""
        self._room = asyncio.Event()
        """Set by that: there is room for others."""
        self._unsure = False
        """Whether runs may be ours that this worker knows nothing of: nobody has said how a claim ended."""
        self.turned_at = clock.monotonic()
        """When the loop last turned, by the monotonic clock: what health is measured by."""

    def wake(self) -> None:
        self._signal.set()

    async def run(self) -> None:
        """Claim and carry out until `drain` is called; leases are renewed meanwhile."""
        renewing = asyncio.create_task(self._renew(), name="renew-leases")
        try:
            while not self._stopping:
                self._signal.clear()
                self._room.clear()
                self.turned_at = self._clock.monotonic()
                try:
                    await self._gather()
                    claimed = await self.turn()
                    wait = 0.0 if claimed else await self._until_due()
                except StoreError as error:
                    log.warning("runs cannot be claimed now: %s", error)
                    self._unsure = True
                    wait = POLL
                except Exception as error:
                    log_fault(log, "claiming", error)
                    wait = POLL
                if wait:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self._signal.wait()
                if self._clock.monotonic() - self.turned_at < GATHER:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(GATHER):
                            await self._room.wait()
            while self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            renewing.cancel()
            for task in self._tasks:
                task.cancel()

    async def drain(self, grace: float) -> int:
        """Begin nothing more and give calls in progress ``grace`` seconds; gives how many were left as intents."""
        self._stopping = True
        self.wake()
        self._carrier.stop()
        with contextlib.suppress(TimeoutError):  # what is being claimed at this moment is ours to give back
            async with asyncio.timeout(grace), self._claiming:
                pass
        begun = bool(self._tasks)
        if begun:
            await asyncio.wait(self._tasks, timeout=grace)
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if begun:  # those that waited for their call have been cancelled, and are not to count as part of a crash
            with contextlib.suppress(StoreError):
                await self._store.leave(self._owner, self._clock.now())
        return len(left)

    async def _gather(self) -> None:
        """Go on when a look at the sockets brings no more ends of runs: what is claimed now shares their commit."""
        seen = -1
        while seen < self._ended:
            seen = self._ended
            await asyncio.sleep(0)  # who takes their slots says so here,
            await asyncio.sleep(0)  # and who ends too, here

    async def turn(self) -> int:
        """Claim what there is room for and begin it; gives how many runs that were."""
        async with self._claiming:
            return 0 if self._stopping else await self._claim()

    async def _claim(self) -> int:
        if self._unsure:
            await self._store.leave(self._owner, self._clock.now(), [task.get_name() for task in self._tasks])
            self._unsure = False
        now = self._clock.monotonic()
        accounts = self._accounts()
        slots = {name: account.free(now) for name, account in accounts.items()}
        if self._shared is not None:
            for name, account in accounts.items():
                if slots[name] and account.breaker.probing and not await self._shared.may_try(account):
                    slots[name] = 0
        claimed = await self._store.claim(self._owner, slots, self._clock.now(), LEASE)
        for run, connection in claimed:
            account = accounts[connection]
            account.in_flight += 1
            account.held += run.size
            task = asyncio.create_task(self._carry_out(run, account), name=run.id)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(claimed)

    async def _until_due(self) -> float:
        accounts = self._accounts()
        now = self._clock.monotonic()
        open_now = [name for name, account in accounts.items() if account.free(now)]
        if not open_now:
            return POLL  # whatever is due, there is no room for it until a run ends, and that is told
        due = await self._store.next_due(open_now)
        if due is None:
            return POLL
        return min(POLL, max(0.001, (due - self._clock.now()).total_seconds()))

    async def _renew(self) -> None:
        moving = False
        while True:
            await self._clock.sleep(SETTLE_EVERY if moving else RENEW_EVERY)
            moving = False
            try:
                # Not all leases of this owner: a run that was dropped without being written back must be taken up.
                if self._tasks:
                    runs = [task.get_name() for task in self._tasks]
                    await self._store.renew(self._owner, runs, self._clock.now(), LEASE)
                if await self._store.recover(self._owner, self._clock.now()):
                    self.wake()
                if self._settle is not None and (moving := await self._settle()):
                    self.wake()
            except StoreError as error:
                log.warning("leases cannot be renewed now: %s", error)
            except Exception as error:
                log_fault(log, "renewing leases", error)

    # --- one run ---

    async def _carry_out(self, run: Claimed, account: Account) -> None:
        ending = 0

        def ends() -> None:
            nonlocal ending
            ending = 1
            account.ending += 1
            self._ended += 1
            self._room.set()
            self.wake()

        try:
            await self._carrier.carry_out(run, account, ends)
        except LeaseLost:
            log.warning("%s was taken over by another worker; its late result is not written", run.id)
        except StoreError as error:
            log.warning("%s could not be written: %s; it is taken up again when its lease ends", run.id, error)
        except Exception as error:
            log_fault(log, f"carrying out {run.id}", error)
            with contextlib.suppress(StoreError):
                await self._faulted(run, error)
        else:
            self._faults.pop(run.id, None)
        finally:
            account.in_flight -= 1
            account.ending -= ending
            account.held -= run.size
            self.wake()

    async def _faulted(self, run: Claimed, error: Exception) -> None:
        """Put a run that we stumbled over aside, and after `MAX_FAULTS` of them for good."""
        now = self._clock.now()
        faults = self._faults[run.id] = self._faults.get(run.id, 0) + 1
        reason = f"a fault of this program ({type(error).__name__}), see the log"
        if faults < MAX_FAULTS:
            later = now + timedelta(seconds=FAULT_WAIT)
            await self._store.progress(Progress(run.id, run.fence, now, "waiting", reason, later))
        else:
            del self._faults[run.id]
            await self._store.progress(Progress(run.id, run.fence, now, "failed", reason))
