"""The delivery desk: how people steer what goes out, from the rulebook and the store."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hooks.desk import runs
from hooks.desk.engine import connection_as_json
from hooks.errors import Conflict, HooksError
from hooks.events import new_id
from hooks.pipeline.accounts import obstacle_of
from hooks.pipeline.dispatch import MAX_CRASHES, matched
from hooks.pipeline.normalize import read_anew
from hooks.pipeline.receive import log_fault
from hooks.pipeline.reconcile import look
from hooks.pipeline.replay import Choice, Circumstances, choices, forecast, requests_of
from hooks.pipeline.turns import Turns
from hooks.ports import (
    Chosen,
    Clock,
    DeliveryDesk,
    EventFilter,
    History,
    Pause,
    Plan,
    Replay,
    ReplayMode,
    ReplaySelection,
    Resolution,
    ResolutionOutcome,
    RunFilter,
    RunsAct,
    Store,
)
from hooks.rulebook.book import Rulebook
from hooks.rules.ruleset import RuleSet

log = logging.getLogger("hooks.replay")

BATCH = 50
"""Events that are replayed in one transaction."""

SHOWN = 200
"""Runs that an answer about a replay names one by one."""

_SAID: Mapping[ResolutionOutcome, str] = {
    "sent": "a person said that it was carried out",
    "not_sent": "a person said that it was not carried out",
    "give_up": "a person gave it up",
}


class EngineDeliveryDesk:
    """The delivery desk of one running server."""

    def __init__(
        self, rulebook: Rulebook, store: Store, history: History, clock: Clock, *, wake: Callable[[], None]
    ) -> None:
        self._rulebook = rulebook
        self._store = store
        self._history = history
        self._clock = clock
        self._wake = wake
        self._turns = Turns(store, clock)

    # --- connections ---

    async def pause(self, name: str, reason: str | None) -> Mapping[str, Any] | None:
        return await self._say(Pause(name, True, self._clock.now(), reason))

    async def resume(self, name: str, drain_rate: float | None) -> Mapping[str, Any] | None:
        account = self._rulebook.accounts.get(name)
        if account is not None and account.settings.paused:
            raise Conflict(f"{name} is paused in the rules file: take `paused: true` out of it there")
        if account is not None and not account.paused:
            raise Conflict(f"{name} is not paused")
        return await self._say(Pause(name, False, self._clock.now(), None, drain_rate))

    async def _say(self, pause: Pause) -> Mapping[str, Any] | None:
        if pause.connection not in self._rulebook.accounts:
            return None
        await self._store.set_pause(pause)
        await self._rulebook.settle()
        self._wake()
        return connection_as_json(self._rulebook.accounts[pause.connection], self._clock.monotonic())

    # --- unknown outcomes ---

    async def resolve(self, run_id: str, outcome: ResolutionOutcome, output: Any) -> Mapping[str, Any] | None:
        if await self._history.run(run_id) is None:
            return None
        resolution = Resolution(outcome, new_id("att"), _SAID[outcome], output)
        if not await self._store.resolve(run_id, resolution, self._clock.now()):
            raise Conflict("only a held or failed run with a step whose outcome is unknown can be resolved")
        self._wake()
        return await self._history.run(run_id)

    async def each(self, act: RunsAct, chosen: Sequence[str] | RunFilter, *, dry_run: bool) -> Mapping[str, Any]:
        told = await runs.each(self._store, self._history, self._clock, act, chosen, dry_run=dry_run)
        if isinstance(chosen, RunFilter) and not told["runs"] and chosen.cursor is None:
            self._require("rule", chosen.rule, self._rule_ids())
            self._require("connection", chosen.connection, self._rulebook.accounts)
        if told["done"] and not dry_run:
            self._wake()
        return told

    async def reconcile(self, connection: str | None, *, mend: bool, limit: int) -> Mapping[str, Any]:
        items = []
        for unknown in await self._store.unknown_steps(connection, limit):
            rules = await self._rulebook.of(unknown.version)
            finding = await look(unknown, rules, self._rulebook.accounts, self._turns, self._clock)
            mended = False
            if mend and finding.found == "yes":
                resolution = Resolution("sent", new_id("att"), "the vendor has it: reconciled", finding.output)
                mended = await self._store.resolve(unknown.run, resolution, self._clock.now())
            items.append(finding.as_json(mended))
        if any(item["mended"] for item in items):
            self._wake()
        if not items:
            self._require("connection", connection, self._rulebook.accounts)
        return {
            "items": items,
            "found": sum(item["found"] == "yes" for item in items),
            "mended": sum(item["mended"] for item in items),
        }

    # --- replays ---

    async def replay(
        self, selection: ReplaySelection, mode: ReplayMode, *, dry_run: bool, after: str | None, limit: int
    ) -> Mapping[str, Any]:
        current = self._rulebook.current
        if current is None:
            raise Conflict("no rules are loaded: mend the rules file first")
        await self._require_selected(selection)
        made = [] if after is not None else await self._absent(selection.events or ())
        events = done = read = 0
        while events < limit:
            batch = await self._store.chosen(selection, after, min(BATCH, limit - events))
            if not batch:
                break
            batch, anew = self._read_anew(batch, current, named=selection.events is not None)
            found = await self._choices(batch, mode, current, selection.rule)
            if not dry_run:
                replays = [choice.replay for choice in found if choice.replay is not None]
                made_now, anew = await self._carried_out(replays, anew, current.version)
                done += made_now
            made += found
            read += len(anew)
            events += len(batch)
            after = batch[-1].event.id
        else:
            if not await self._store.chosen(selection, after, 1):
                after = None
        if done:
            self._wake()
        return self._told(made, mode, dry_run, events, done, read, after if events >= limit else None)

    async def _carried_out(self, replays: Sequence[Replay], anew: list[Plan], version: str) -> tuple[int, list[Plan]]:
        """How many runs were made, and the events that are kept as they were read.

        Where one of these cannot be written, none of the batch is: they stay flagged, and hold up no other.
        """
        try:
            return await self._store.replay(replays, self._clock.now(), anew, version), anew
        except HooksError:
            raise
        except Exception as error:
            if not anew:
                raise
            log_fault(log, f"storing {len(anew)} events that were read anew", error)
        staying = {plan.event.id for plan in anew}
        others = [replay for replay in replays if replay.event not in staying]
        return await self._store.replay(others, self._clock.now()), []

    def _read_anew(self, batch: Sequence[Chosen], rules: RuleSet, *, named: bool) -> tuple[list[Chosen], list[Plan]]:
        """The same events, of which those that could not be read before are read anew, and what has come of these.

        What the program ended over is read again only where a person has ``named`` it.
        """
        found, anew = [], []
        for chosen in batch:
            receipt = chosen.receipt
            if receipt is not None and (named or receipt.crashes < MAX_CRASHES):
                event = read_anew(chosen.event, receipt, self._rulebook.sources.get(receipt.source))
                plan = matched(event, rules, self._clock.now())
                chosen = replace(chosen, event=plan.event)
                if plan.event.flag is None:
                    anew.append(plan._replace(runs=()))
            found.append(chosen)
        return found, anew

    async def _absent(self, events: Sequence[str]) -> list[Choice]:
        """What to say of ids that no event has, or none that has been read: else they would be passed over."""
        found = []
        for id in events:
            event = await self._history.event(id)
            if event is None or event["state"] == "pending":
                why = "there is no such event" if event is None else "it has not been read yet"
                found.append(Choice(id, "", "nothing", None, why))
        return found

    async def _require_selected(self, selection: ReplaySelection) -> None:
        """Raises UnknownName for a rule or a source that there is not and never was: nothing would be found of it."""
        rule, source = selection.rule, selection.source
        if rule is not None and not (await self._history.runs(RunFilter(rule=rule, limit=1))).items:
            self._require("rule", rule, self._rule_ids())
        if source is not None and not (await self._history.events(EventFilter(source=source, limit=1))).items:
            self._require("source", source, self._rulebook.doors)

    def _rule_ids(self) -> list[str]:
        current = self._rulebook.current
        return [] if current is None else [rule.id for rule in current.rules]

    def _require(self, member: str, name: str | None, known: Collection[str]) -> None:
        if name is not None and name not in known and ":" not in name:  # what a subscriber is told of is no rule
            raise runs.unknown(member, name, known)

    async def _choices(self, batch: list[Chosen], mode: ReplayMode, current: RuleSet, only: str | None) -> list[Choice]:
        versions = {run.version for chosen in batch for run in chosen.runs}
        given = Circumstances(
            mode,
            current,
            {version: await self._rulebook.of(version) for version in versions},
            only,
            self._clock.now(),
            lambda connection: obstacle_of(connection, self._rulebook.accounts),
        )
        return [choice for chosen in batch for choice in choices(chosen, given)]

    def _told(
        self, made: list[Choice], mode: ReplayMode, dry_run: bool, events: int, done: int, read: int, next_: str | None
    ) -> dict[str, Any]:
        counted = Counter(choice.action for choice in made)
        rates = {name: account.settings.rate for name, account in self._rulebook.accounts.items()}
        return {
            "mode": mode,
            "dry_run": dry_run,
            "events": events,
            **{action: counted[action] for action in ("make", "retry", "nothing")},
            "made": done,
            "read": read,
            "items": [choice.as_json() for choice in made[:SHOWN]],
            "forecast": forecast(requests_of(made), rates),
            "next": next_,
        }


_: type[DeliveryDesk] = EngineDeliveryDesk
