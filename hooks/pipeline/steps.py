"""Deliver, one run: its steps in order, each with its intent, its call and its result.

The intent is committed before the first byte leaves, with the request frozen as it will be sent, and the result after
the answer. A step whose outcome is unknown (the process died, or the answer was missing or unreadable) is resolved as
its action says: sent again where that does no harm, looked up at the vendor, or held for a person. Results of earlier
steps are read from their rows, never worked out again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from hooks.errors import DeliveryError, Transient, Unconfigured
from hooks.events import Done, new_id
from hooks.kit.chain import carrying
from hooks.kit.http import record_exchanges
from hooks.kit.pacing import paced
from hooks.pipeline.accounts import RULES_LOST, Account, obstacle_of
from hooks.pipeline.hidden import show, show_request
from hooks.pipeline.looking import LookUp, adopted
from hooks.pipeline.loops import judge, writes_of
from hooks.pipeline.people import LANE_WAIT, NOBODY, Acquaintance
from hooks.pipeline.policies import idempotency_key, policy_of, schedule_of, unknown_reason
from hooks.pipeline.preparing import prepared
from hooks.pipeline.repeating import done_before, how_to_repeat
from hooks.pipeline.retry import UNCONFIGURED_WAIT, Decision, decide
from hooks.pipeline.slots import Slot
from hooks.pipeline.timing import waits_until
from hooks.pipeline.turns import Turns
from hooks.pipeline.writing import Carry, Stop, Writing
from hooks.ports import Attempt, Call, Claimed, Clock, Step, Store
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.step import StepSpec

INTERRUPTED = "the program ended before the answer came"

TOO_MANY = 429

PROBE_WAIT = 1.0
"""Seconds that a run is put back for at least, while another one tries whether the account works again."""


class Carrier:
    """Carries claimed runs out. Nothing in it belongs to one run, so one serves all."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        accounts: Callable[[], Mapping[str, Account]],
        rules: Callable[[str], Awaitable[RuleSet | None]],
        chance: Callable[[], float],
        people: Acquaintance | None = None,
    ) -> None:
        """``people`` tells steps what is known of the person they are about."""
        self._people = people
        self._clock = clock
        self._accounts = accounts
        self._rules = rules
        self._chance = chance
        self._turns = Turns(store, clock)
        self._writing = Writing(store, clock, accounts)
        self._stopping = False
        self._resting: set[asyncio.Task[Any]] = set()

    def stop(self) -> None:
        """Begin no call from now on; those in progress go on."""
        self._stopping = self._writing.stopping = True
        for task in self._resting:
            task.cancel()  # it waits for its account's rate or for a slot, and nothing of it has left

    async def carry_out(self, run: Claimed, account: Account, ends: Callable[[], None] = lambda: None) -> None:
        """Carry the run out as far as it goes now, and write it back. Raises StoreError when that cannot be written.

        ``ends`` is called when nothing is left to do but to write how it ended.
        """
        slot = Slot(account.calls)
        try:
            with contextlib.suppress(Stop):
                await self._steps(run, account, slot, ends)
        finally:
            slot.leave()
            account.breaker.leave(run.id)

    async def _steps(self, run: Claimed, account: Account, slot: Slot, ends: Callable[[], None]) -> None:
        rules = await self._rules(run.rules_version)
        rule = None if rules is None else rules.rule(run.rule)
        if rules is None or rule is None:
            await self._writing.write(run, "held", RULES_LOST)
            return
        depth = await self._looped(run, rule)
        await self._opened(run, rule)
        names = rules.names(run.event)
        rule = rule.branch(names) or rule
        carry = Carry(run, rule, names, slot, depth=depth, watched=rules.watched)
        stored = {step.position: step for step in run.steps}
        failed: Step | None = None
        for position, spec in enumerate((*rule.steps, *rule.fallback)):
            if (position >= len(rule.steps)) != (failed is not None):
                continue  # the fallback's steps are for a failure, and after a failure only they are
            step = stored.get(position)
            if step is None or step.state not in ("done", "skipped", "failed"):
                step = await self._step(carry, spec, position, step, account)
            if step.state == "failed":
                failed = step
                names["error"] = {"step": spec.id, "message": step.error, "action": step.action}
                if position >= len(rule.steps):
                    break
            else:
                names["steps"][spec.id] = step.output
        fell_back = failed is not None and rule.fallback and failed.position < len(rule.steps)
        ends()
        if failed is None:
            await self._writing.flush(carry, "done")
        elif fell_back:
            await self._writing.flush(
                carry, "done", f"by its fallback, after step {failed.id!r} failed: {failed.error}"
            )
        else:
            await self._writing.flush(carry, "failed", f"step {failed.id!r}: {failed.error}")

    async def _opened(self, run: Claimed, rule: Rule) -> None:
        """Let a run that has not begun wait for the hours of its rule. Raises Stop when it does.

        It was planned for those hours where that was known then; what was gathered or waited for may end at night.
        """
        if rule.within is None or run.steps:
            return
        now = self._clock.now()
        opens = rule.within.calendar.next_open(now)
        if opens is None:
            await self._writing.write(run, "held", f"{rule.within.calendar.name} does not open any more")
            raise Stop
        if opens > now:
            await self._writing.write(run, "waiting", waits_until(rule.within, opens), due_at=opens)
            raise Stop

    async def _looped(self, run: Claimed, rule: Rule) -> int:
        """Skip or hold a run that one of our own writes has caused, where it would go round in circles.

        Gives how deep in a chain of events its own is.
        """
        judged = judge(run, rule)
        cause = None if judged.cause is None else (judged.cause, judged.depth)
        if judged.outcome == "act" and cause is None:
            return run.depth
        state = {"act": None, "skip": "skipped", "hold": "held"}[judged.outcome]
        await self._writing.write(run, state, judged.reason, cause=cause)
        if state is not None:
            raise Stop
        return judged.depth

    async def _step(self, carry: Carry, spec: StepSpec, position: int, stored: Step | None, account: Account) -> Step:
        """Carry one step to its end. Raises Stop when the run waits for something instead."""
        step = stored
        if step is None or step.request is None:
            acting = account if spec.connection == account.name else self._accounts().get(spec.connection)
            step = prepared(spec, position, carry.names, acting, self._clock.now())
        if step.state in ("skipped", "failed"):
            carry.steps[position] = step
            return step
        if step.connection != account.name:
            await self._writing.put_back(carry, step, 0.0, None)
        if not carry.slot.take():
            await self._rest(carry.slot.wait())
        await self._let_in(carry, step, account)
        key = idempotency_key(carry.run.event.id, carry.run.rule, spec.id, carry.run.generation)
        call = Call(
            inputs=show(dict(step.inputs or {}), spec.secrets),
            key=key,
            timeout=spec.timeout or account.settings.timeout,
            request=show_request(step.request, spec.secrets),
            again=step.state == "intended",
        )
        if step.state == "intended":
            found = await self._resolved(carry, spec, step, account, call)
            if found is not None:
                return found
        elif step.tries == 0 and (found := await self._repeated(carry, spec, step, account, call)) is not None:
            return found
        call = await self._introduced(carry, spec, step, account, call)
        await self._turn(carry, step, account)
        await self._let_in(carry, step, account)
        now = self._clock.now()
        step = step._replace(state="intended", tries=step.tries + 1, intended_at=now, error=None)
        carry.steps[position] = step
        await self._writing.flush(carry, None, at=now)
        if carry.meeting.latest is not None and self._clock.now() > carry.meeting.latest:
            unsent = step._replace(state="waiting", tries=step.tries - 1, intended_at=None)
            carry.leaves = True
            await self._writing.put_back(
                carry, unsent, 0.0, "its turn with the person was over before the call could leave"
            )
        return await self._tried(carry, spec, step, account, spec.action.send(account.client, call), "done")

    async def _introduced(self, carry: Carry, spec: StepSpec, step: Step, account: Account, call: Call) -> Call:
        """The call with what is known of its person; it waits while another run is at the same person's record."""
        if self._people is None:
            return call
        carry.meeting = await self._people.meet(carry.run.id, carry.run.event, spec, account, call)
        if carry.meeting.busy is not None:
            reason = f"{carry.meeting.busy} is finding or making the same person's record at {account.name} just now"
            await self._writing.put_back(carry, step, LANE_WAIT, reason)
        return replace(call, known=carry.meeting.known) if carry.meeting.known else call

    async def _let_in(self, carry: Carry, step: Step, account: Account) -> None:
        """Put the run back, with all its tries, when its account is paused or left alone meanwhile."""
        if obstacle_of(account.name, self._accounts()) is not None:
            await self._writing.put_back(carry, step, 0.0, None)
        now = self._clock.monotonic()
        if account.breaker.keeps_out(carry.run.id, now):
            wait = max(PROBE_WAIT, account.breaker.until - now)
            reason = f"{account.name} is left alone until it works again: {account.breaker.reason}"
            await self._writing.put_back(carry, step, wait, reason, again=True)

    async def _turn(self, carry: Carry, step: Step, account: Account) -> None:
        """Wait until the account's rate lets the next call go, before its intent: a wait is no unknown outcome.

        While stopping nothing new is begun.
        """
        wait = await self._turns.wait_for(account)
        if wait > 0 and not self._stopping:
            if carry.steps or carry.attempts:
                await self._writing.flush(carry, None)  # what is known is not kept waiting
            await self._rest(self._clock.sleep(wait))
        if self._stopping:
            await self._writing.put_back(carry, step, 0.0, None)

    async def _rest(self, waiting: Awaitable[None]) -> None:
        """Wait for something before a call: `stop` ends that."""
        resting = asyncio.current_task()
        assert resting is not None, "runs are carried out in tasks"
        self._resting.add(resting)
        try:
            await waiting
        finally:
            self._resting.discard(resting)

    async def _resolved(self, carry: Carry, spec: StepSpec, step: Step, account: Account, call: Call) -> Step | None:
        """Find out what an earlier try made. None: send it (again)."""
        policy = policy_of(spec)
        if policy == "repeat":
            return None
        if step.error is None:
            # The program ended during the call: nobody knows when the request left, so the vendor's time begins now.
            step = step._replace(intended_at=self._clock.now(), error=INTERRUPTED)
        if policy == "hold":
            await self._writing.flush(carry, "held", unknown_reason(step))
            raise Stop
        asked_at = self._clock.now()
        lookup = adopted(spec.action.lookup(account.client, call))
        looked_up = await self._tried(carry, spec, step, account, lookup, "adopted")
        if looked_up.state == "done":
            return looked_up
        due = (step.intended_at or asked_at) + timedelta(seconds=account.settings.lookup_wait)
        if asked_at < due:
            wait = max(0.0, (due - self._clock.now()).total_seconds())
            carry.steps[step.position] = step
            reason = f"the outcome of step {step.id!r} is unknown; {account.name} is asked again before it is resent"
            await self._writing.put_back(carry, step, wait, reason, again=True)
        return None

    async def _repeated(self, carry: Carry, spec: StepSpec, step: Step, account: Account, call: Call) -> Step | None:
        """What an earlier run of the same event made of this step, for a replay. None: send it."""
        how = how_to_repeat(carry.run, step, repeatable=spec.action.repeatable, policy=policy_of(spec))
        earlier = None
        if how == "look":
            asking = LookUp(spec.action.lookup(account.client, call))
            looked_up = await self._tried(carry, spec, step, account, asking.found(), "adopted")
            if looked_up.state == "done":
                return looked_up
            earlier = done_before(carry.run, step)
            if asking.undecided:
                carry.attempts.pop()  # nobody was asked
                how = how_to_repeat(carry.run, step, repeatable=False, policy="hold")
        if how == "hold":
            step = step._replace(state="intended", error="an earlier run sent it, and its outcome is unknown")
            carry.steps[step.position] = step
            await self._writing.flush(carry, "held", unknown_reason(step))
            raise Stop
        if how == "adopt":
            earlier = (carry.run.earlier or {}).get(step.id)
        if earlier is None:
            return None
        now = self._clock.now()
        told = "an earlier run of the event did it: its output was taken over"
        carry.attempts.append(Attempt(new_id("att"), step.position, 0, now, 0, "adopted", error=told))
        step = step._replace(state="done", output=earlier.output, error=None, finished_at=now)
        carry.steps[step.position] = step
        return step

    async def _tried(
        self,
        carry: Carry,
        spec: StepSpec,
        step: Step,
        account: Account,
        doing: Awaitable[Done | None],
        verdict: Literal["done", "adopted"],
    ) -> Step:
        """Await a call, note the attempt, and give the step's new state. Raises Stop when it is tried again later.

        A look-up that finds nothing gives the step unchanged.
        """
        started, began = self._clock.now(), self._clock.monotonic()

        async def turn() -> None:
            await self._clock.sleep(await self._turns.wait_for(account))

        with (
            record_exchanges() as exchanges,
            paced(turn, taken=verdict == "done", leave=self._turns.leaving(account)),
            carrying(carry.run.id, carry.depth),
        ):
            error: DeliveryError | None = None
            done: Done | None = None
            try:
                done = await doing
            except DeliveryError as failure:
                error = failure
        took = self._clock.monotonic() - began
        if verdict == "done":
            carry.slot.leave()  # what comes now is between us and the disk
            account.took(took)
        status = next((e.status for e in reversed(exchanges) if e.status is not None), None)
        attempt = Attempt(
            new_id("att"),
            step.position,
            step.tries,
            started,
            round(took * 1000),
            verdict,
            status,
            exchanges=tuple(exchanges),
        )
        if error is None:
            return self._answered(carry, spec, step, account, done, attempt)
        return await self._failed(carry, spec, step, account, error, attempt)

    def _answered(
        self, carry: Carry, spec: StepSpec, step: Step, account: Account, done: Done | None, attempt: Attempt
    ) -> Step:
        account.breaker.works()
        if done is None:
            told = "the vendor has no record of it (yet)"
            carry.attempts.append(attempt._replace(verdict="unknown", error=told))
            return step
        ended = step._replace(
            state="done", output=done.output, error=None, intended_at=None, finished_at=self._clock.now()
        )
        carry.attempts.append(attempt._replace(verdict="adopted") if done.adopted else attempt)
        carry.steps[step.position] = ended
        if account.vendor in carry.watched:
            carry.wrote += writes_of(account.vendor, attempt.exchanges)
        self._learn(carry, spec, ended, account)
        return ended

    async def _failed(
        self, carry: Carry, spec: StepSpec, step: Step, account: Account, error: DeliveryError, attempt: Attempt
    ) -> Step:
        looking_up = attempt.verdict == "adopted"
        counts = self._judged(carry.run.id, account, error)
        decision = decide(
            error,
            tries=max(1, step.tries),
            schedule=schedule_of(spec),
            repeatable=spec.action.repeatable,
            on_unknown=policy_of(spec),
            chance=self._chance(),
            counts=counts,
        )
        if not counts:
            decision = replace(decision, delay=max(decision.delay, account.breaker.until - self._clock.monotonic()))
        # a look-up that was refused has not failed: nobody knows what became of the step
        told = "unknown" if looking_up and decision.next == "fail" else decision.verdict
        carry.attempts.append(
            attempt._replace(verdict=told, error=error.message, status=error.status or attempt.status)
        )
        if self._people is not None and not looking_up and decision.verdict != "unknown":
            carry.leaves = self._people.takes_turns(spec)  # nothing was made, so there is nothing to wait for
        return await self._after(carry, step, error, decision, looking_up=looking_up, counts=counts)

    def _learn(self, carry: Carry, spec: StepSpec, step: Step, account: Account) -> None:
        """Note what a result says of a person, to be written with it."""
        if self._people is None:
            return
        carry.leaves = carry.leaves or self._people.takes_turns(spec)
        carry.sightings += self._people.learned(
            carry.run.id, carry.run.event, spec, account, step.inputs or {}, step.output, carry.meeting.known
        )
        carry.meeting = NOBODY

    def _judged(self, run: str, account: Account, error: DeliveryError) -> bool:
        """Tell the breaker how a call ended; gives whether it uses up one of the run's tries."""
        now = self._clock.monotonic()
        if isinstance(error, Unconfigured):
            account.breaker.refuse(now, UNCONFIGURED_WAIT, error.message)
            return False
        if not isinstance(error, Transient):
            account.breaker.works()  # refused or not, it has answered
            return True
        if error.status == TOO_MANY:
            account.rest(now, error.retry_after)
            return True
        return account.breaker.fail(run, now, error.message)

    async def _after(
        self, carry: Carry, step: Step, error: DeliveryError, decision: Decision, *, looking_up: bool, counts: bool
    ) -> Step:
        """Act on a decision. While looking up, the step stays intended whatever the look-up met."""
        now = self._clock.now()
        if decision.next == "fail" and not looking_up:
            unknown = decision.verdict == "unknown"
            failed = step._replace(
                state="failed",
                error=error.message,
                intended_at=step.intended_at if unknown else None,
                finished_at=now,
            )
            carry.steps[step.position] = failed
            return failed
        if decision.next == "hold" or (looking_up and decision.next == "fail"):
            carry.steps[step.position] = step._replace(error=error.message)
            await self._writing.flush(carry, "held", unknown_reason(step))
            raise Stop
        if not counts:
            if not looking_up:
                step = step._replace(tries=max(0, step.tries - 1))
        elif looking_up:
            step = step._replace(tries=step.tries + 1)  # a vendor that cannot be asked is not asked for ever
        stays = looking_up or decision.next == "resolve"
        if stays and not looking_up:
            step = step._replace(intended_at=now)  # from now on the vendor is given its time to show what it made
        step = step._replace(state="intended" if stays else "waiting", error=error.message)
        carry.steps[step.position] = step
        await self._writing.put_back(carry, step, decision.delay, f"step {step.id!r}: {error.message}", again=True)
        return step
