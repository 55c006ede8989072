"""What a person may do with a run, decided in one place for one run and for many."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hooks.errors import Conflict, UnknownName
from hooks.events import CANCELLABLE, CANCELLED, given_up
from hooks.pipeline.accounts import GONE, PAUSED, PAUSED_BY_HAND
from hooks.ports import Clock, History, RunFilter, RunsAct, Store
from hooks.rules.findings import did_you_mean

AT_ONCE = 50
"""Runs whose changes may share a commit."""

_NOT_RETRIED = "only a failed or held run can be tried again"
_NOT_CANCELLED = "only a waiting, held or failed run can be cancelled, and a failed one once"


async def retry(store: Store, clock: Clock, run: Mapping[str, Any], *, dry_run: bool = False) -> None:
    """Let a failed or held run go on. Raises Conflict with the reason why it cannot."""
    if run["state"] == "held" and run["reason"] in (GONE, PAUSED):
        raise Conflict(f"{run['reason']}: it goes on by itself when that is mended in the rules file")
    if run["state"] == "held" and run["reason"] == PAUSED_BY_HAND:
        raise Conflict(f"{run['reason']}: it goes on by itself after `hooks connections resume`")
    if run["state"] not in ("failed", "held") or not (dry_run or await store.retry(run["id"], clock.now())):
        raise Conflict(_NOT_RETRIED)


async def cancel(store: Store, clock: Clock, run: Mapping[str, Any], *, dry_run: bool = False) -> None:
    """Give a run up. Raises Conflict when there is nothing to give up."""
    reason = CANCELLED
    if run["state"] == "failed" and run["reason"]:
        reason = f"{reason}: {run['reason']}"
    if dry_run:
        possible = run["state"] in CANCELLABLE and not given_up(run["state"], run["reason"])
    else:
        possible = await store.cancel(run["id"], reason, clock.now())
    if not possible:
        raise Conflict(_NOT_CANCELLED)


async def each(
    store: Store, history: History, clock: Clock, act: RunsAct, chosen: Sequence[str] | RunFilter, *, dry_run: bool
) -> dict[str, Any]:
    """The same for many; what cannot be done for one is told with it and holds up no other.

    A retry of all that are held sends nothing again that a vendor may have: that takes a look, and so an id.
    """
    next_: str | None = None
    runs: list[Mapping[str, Any]] = []
    if by_state := isinstance(chosen, RunFilter):
        page = await history.runs(chosen)
        runs, next_ = list(page.items), page.next
    else:
        for id in dict.fromkeys(chosen):
            found = await history.run(id)
            runs.append(found or {"id": id, "rule": None, "event": None, "state": None, "reason": None})

    async def told(run: Mapping[str, Any]) -> dict[str, Any]:
        why = None if run["state"] else "there is no such run"
        if why is None and by_state and act == "retry" and run["state"] == "held":
            why = await _unknown_outcome(history, run["id"])
        if why is None:
            try:
                await (retry if act == "retry" else cancel)(store, clock, run, dry_run=dry_run)
            except Conflict as conflict:
                why = str(conflict)
        shown = {"run": run["id"], "rule": run["rule"], "event": run["event"], "state": run["state"]}
        return {**shown, "done": why is None, "why": why}

    items: list[dict[str, Any]] = []
    for start in range(0, len(runs), AT_ONCE):
        items += await asyncio.gather(*(told(run) for run in runs[start : start + AT_ONCE]))
    done = sum(item["done"] for item in items)
    return {
        "act": act,
        "dry_run": dry_run,
        "runs": len(items),
        "done": done,
        "refused": len(items) - done,
        "items": items,
        "next": next_,
    }


async def _unknown_outcome(history: History, id: str) -> str | None:
    """Why a held run does not go on with all others: nobody has looked whether its vendor has carried a step out."""
    run = await history.run(id)
    if run is None or not any(step["state"] == "intended" for step in run["steps"]):
        return None
    return "a step's outcome is unknown: look at the vendor, then resolve it, or retry this run by its id"


def unknown(member: str, name: str, known: Iterable[str]) -> UnknownName:
    """That nothing goes by a name, with the nearest one that something goes by."""
    hint = did_you_mean(name, known)
    return UnknownName(member, f"there is no {member} of this name{', ' + hint if hint else ''}")
