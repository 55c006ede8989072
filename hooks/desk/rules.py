"""The rules' own desk: their state, their history, and changing them, for the admin API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hooks.desk.runs import unknown
from hooks.errors import Conflict
from hooks.events import utc_text
from hooks.plurals import so_many
from hooks.ports import Clock, Edit, PastEvent, RuleRecords, RulesDesk, RulesDraft, Span
from hooks.rulebook.book import Rulebook
from hooks.rules.backtest import Backtest
from hooks.rules.findings import RulesInvalid
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.shadow_report import live_counterpart, report_shadow
from hooks.rules.text_changes import unified

MOST_RUNS = 10_000
"""Runs of a shadow and its live rule that one report looks at, the newest."""

BATCH = 25
"""Events of a backtest that are compared without a pause."""

MOST_SECONDS = 60.0
"""How long a backtest may take; what it has found by then is the answer."""

MOST_CHANGES = 1_000
"""Events that differ which one report tells."""

log = logging.getLogger("hooks.rules")


class EngineRulesDesk:
    """The desk of one running server."""

    def __init__(self, rulebook: Rulebook, records: RuleRecords, clock: Clock, *, reloaded: Callable[[], None]) -> None:
        self._rulebook = rulebook
        self._records = records
        self._clock = clock
        self._trying = asyncio.Lock()
        self._reloaded = reloaded

    def state(self) -> Mapping[str, Any]:
        book = self._rulebook
        findings = [] if book.invalid is None else book.invalid.as_json()
        current = book.in_file
        return {
            "path": str(book.path),
            "ok": book.invalid is None,
            "findings": findings,
            "number": book.number,
            "version": None if current is None else current.version,
            "rules": 0 if current is None else len(current.rules),
            "loaded_at": None if book.loaded_at is None else utc_text(book.loaded_at),
        }

    def figures(self) -> Mapping[str, int]:
        state = self.state()
        errors = sum(finding["severity"] == "error" for finding in state["findings"])
        return {"rules_in_force": state["rules"], "rules_number": state["number"] or 0, "rules_file_errors": errors}

    async def versions(self, before: int | None, limit: int) -> Sequence[Mapping[str, Any]]:
        return await self._records.versions(before, limit)

    async def version(self, number: int, against: int | None) -> Mapping[str, Any] | None:
        found = await self._records.version(number)
        if found is None:
            return None
        other = number - 1 if against is None else against
        before = await self._records.version(other)
        if before is None and against is not None:
            return None
        texts: Mapping[str, str] = {} if before is None else before["files"]
        labels = (f"version {other}", f"version {number}")
        return {**found, "against": other, "diff": await asyncio.to_thread(unified, texts, found["files"], *labels)}

    async def publish(self, draft: RulesDraft, edit: Edit, expected: str | None) -> Mapping[str, Any]:
        try:
            changed = await self._rulebook.publish(draft, edit, expected)
        except RulesInvalid as invalid:
            return {"ok": False, "findings": invalid.as_json()}
        return self._changed(edit, *changed)

    async def rollback(self, number: int, edit: Edit, expected: str | None) -> Mapping[str, Any] | None:
        found = await self._records.version(number)
        if found is None:
            return None
        try:
            changed = await self._rulebook.restore(found["files"], edit, expected)
        except RulesInvalid as invalid:
            return {"ok": False, "findings": invalid.as_json()}
        return self._changed(edit, *changed)

    async def backtest(self, draft: RulesDraft, span: Span, rule: str | None) -> Mapping[str, Any]:
        if self._rulebook.in_file is None:
            raise Conflict("no rules are in force to compare with: the file is broken")
        if self._trying.locked():
            raise Conflict("another backtest is under way: ask again when it has ended")
        async with self._trying:
            try:
                new = await self._rulebook.read(draft)
            except RulesInvalid as invalid:
                return {"ok": False, "findings": invalid.as_json()}
            known = [each.id for rules in (self._rulebook.in_file, new) for each in rules.rules]
            if rule is not None and rule not in known:
                raise unknown("rule", rule, known)
            source, sources = span.source, self._rulebook.doors
            if source is not None and source not in sources and not await self._records.count(Span(source=source)):
                raise unknown("source", source, sources)
            backtest = Backtest(self._rulebook.in_file, new, rule, whole=span.source is None)
            complete = await self._compare(backtest, span)
            backtest.finish((span.until or self._clock.now()) if complete else None)
        shown = backtest.as_json()
        return {
            "ok": True,
            **shown,
            "events": shown["events"][:MOST_CHANGES],
            "looked_at": backtest.events,
            "of": await self._records.count(span),
            "complete": complete,
        }

    async def _compare(self, backtest: Backtest, span: Span) -> bool:
        """Take the events through, in small batches with pauses as long, so that what comes in is still served.

        Gives whether all of them were, within `MOST_SECONDS`.
        """
        end = self._clock.monotonic() + MOST_SECONDS
        after: int | None = None
        while self._clock.monotonic() < end:
            began = self._clock.monotonic()
            after, batch = await self._records.past(span, after, BATCH)
            if not batch:
                return True
            await asyncio.to_thread(_compare_batch, backtest, batch)
            await self._clock.sleep(min(self._clock.monotonic() - began, 1.0))
        return False

    async def shadow_report(
        self, rule: str | None, against: str | None, since: datetime | None
    ) -> Mapping[str, Any] | None:
        current = self._rulebook.in_file
        found = [] if current is None else [each for each in current.rules if each.mode == "shadow"]
        chosen = [each for each in found if rule in (None, each.id)]
        if current is None or (rule is not None and not chosen):
            return None
        return await shadow_reports(current, chosen, against, since, self._records, self._rulebook.of)

    def _changed(self, edit: Edit, rules: RuleSet, aside: list[Path]) -> Mapping[str, Any]:
        self._reloaded()
        log.info(
            "rules version %s put in force (%s): %s",
            self._rulebook.number,
            edit.origin,
            so_many(len(rules.rules), "rule"),
        )
        return {
            "ok": True,
            "number": self._rulebook.number,
            "version": rules.version,
            "rules": len(rules.rules),
            "findings": [finding.as_json() for finding in rules.warnings],
            "set_aside": [str(path) for path in aside],
        }


def _compare_batch(backtest: Backtest, batch: Sequence[PastEvent]) -> None:
    for past in batch:
        backtest.compare(past)


async def shadow_reports(
    rules: RuleSet,
    chosen: Sequence[Rule],
    against: str | None,
    since: datetime | None,
    records: RuleRecords,
    of: Callable[[str], Awaitable[RuleSet | None]],
) -> Mapping[str, Any]:
    """The report on each of these rules. ``of`` gives the rule set of a version."""
    shown = []
    truncated = False
    for rule in chosen:
        live = against or live_counterpart(rules, rule)
        names = [rule.id] if live is None else [rule.id, live]
        runs = await records.runs(names, since, MOST_RUNS)
        truncated = truncated or len(runs) == MOST_RUNS
        shadowed = {}
        for version in {run["rules_version"] for run in runs}:
            then = await of(version)
            was = None if then is None else then.rule(rule.id)
            shadowed[version] = was is not None and was.enabled and was.mode == "shadow"
        report = await asyncio.to_thread(report_shadow, rule.id, live, runs, shadowed.__getitem__)
        shown.append(report.as_json(MOST_CHANGES))
    return {"rules": shown, "truncated": truncated}


_: type[RulesDesk] = EngineRulesDesk
