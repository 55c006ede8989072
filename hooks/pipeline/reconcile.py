"""Reconcile: what the vendors show of the steps whose outcome is unknown. Nothing is written at a vendor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hooks.errors import DeliveryError, Undecided
from hooks.kit.pacing import paced
from hooks.pipeline.accounts import GONE, RULES_LOST, Account
from hooks.pipeline.hidden import show, show_request
from hooks.pipeline.policies import idempotency_key
from hooks.pipeline.turns import Turns
from hooks.ports import Call, Clock, UnknownStep
from hooks.rules.ruleset import RuleSet

Shown = Literal["yes", "no", "cannot be asked", "no answer"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a vendor shows of a step: ``output`` is the record where it is there, ``why`` the trouble where there is."""

    unknown: UnknownStep
    found: Shown
    output: Any = None
    why: str | None = None

    def as_json(self, mended: bool) -> dict[str, Any]:
        """For people."""
        step = self.unknown.step
        return {
            "run": self.unknown.run,
            "event": self.unknown.event.id,
            "rule": self.unknown.rule,
            "state": self.unknown.state,
            "step": step.id,
            "action": step.action,
            "connection": step.connection,
            "found": self.found,
            "mended": mended,
            "why": self.why,
        }


async def look(
    unknown: UnknownStep, rules: RuleSet | None, accounts: Mapping[str, Account], turns: Turns, clock: Clock
) -> Finding:
    """Look the step up at its vendor, at the pace of its connection."""
    rule = None if rules is None else rules.rule(unknown.rule)
    spec = None if rule is None else rule.step(unknown.step.id)
    account = accounts.get(unknown.step.connection)
    if spec is None or unknown.step.inputs is None:
        return Finding(unknown, "cannot be asked", why=RULES_LOST)
    if account is None:
        return Finding(unknown, "cannot be asked", why=GONE)
    if spec.action.on_unknown != "lookup":
        why = f"{spec.action_name} has nothing to be found by: look at the vendor yourself"
        return Finding(unknown, "cannot be asked", why=why)
    call = Call(
        inputs=show(dict(unknown.step.inputs), spec.secrets),
        key=idempotency_key(unknown.event.id, unknown.rule, spec.id, unknown.generation),
        timeout=spec.timeout or account.settings.timeout,
        request=show_request(unknown.step.request, spec.secrets),
        again=True,
    )

    async def turn() -> None:
        await clock.sleep(await turns.wait_for(account))

    try:
        with paced(turn, taken=False, leave=turns.leaving(account)):
            done = await asyncio.wait_for(spec.action.lookup(account.client, call), 2 * call.timeout)
    except Undecided as error:
        return Finding(unknown, "cannot be asked", why=error.message)
    except DeliveryError as error:
        return Finding(unknown, "no answer", why=error.message)
    except TimeoutError:
        return Finding(unknown, "no answer", why=f"no answer within {2 * call.timeout:g} s")
    if done is None:
        return Finding(unknown, "no", why="the vendor has no record of it")
    return Finding(unknown, "yes", done.output)
