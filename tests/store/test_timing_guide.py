"""The examples of the guide on when a rule acts, carried out: matched, planned and claimed by a real store."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hooks.events import new_id
from hooks.pipeline.match import plan
from hooks.registry import CATALOGUE
from hooks.rules import load_text
from hooks.rules.ruleset import RuleSet
from hooks.store.opening import open_history, open_store
from tests.rules.rules_world import EVENT
from tests.rules.test_examples import ACCOUNTS, a_secret
from tests.store.test_store_conformance import receipt
from tests.store.test_timing_conformance import Books

GUIDE = Path(__file__).parents[2] / "docs" / "rules.md"
EXAMPLES = {
    re.findall(r"- id: ([\w-]+)", text)[0]: text
    for text in re.findall(r"```yaml\n(rules:\n.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
}


class Office:
    """A rule of the guide and what comes in."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.rules: RuleSet = load_text(ACCOUNTS, CATALOGUE, a_secret)

    def follow(self, id: str) -> None:
        self.rules = load_text(ACCOUNTS + EXAMPLES[id], CATALOGUE, a_secret)
        assert () == self.rules.warnings

    async def comes(self, type: str, **data: Any) -> str:
        """An event that is accepted now; gives its run's id, or its own when it has none."""
        stored = receipt(at=self.books.now)
        await self.books.store.record(stored, None, 0)
        event = EVENT._replace(
            id=stored.event_ids[0], receipt=stored.id, type=type, data=data, received_at=self.books.now
        )
        made = plan(event, self.rules, self.books.now)
        await self.books.store.plan([stored.id], [made], self.rules.version)
        return made.runs[0].id if made.runs else event.id

    async def begins(self) -> list[str]:
        claimed = await self.books.store.claim(
            new_id("run"), dict.fromkeys(self.rules.connections, 100), self.books.now, 20
        )
        self.books.fences = {run.id: run.fence for run, _ in claimed}
        return [run.id for run, _ in claimed]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store = await open_store(f"sqlite:///{tmp_path / 'hooks.db'}")
    history = await open_history(f"sqlite:///{tmp_path / 'hooks.db'}")
    yield Office(Books(store, history))
    await history.close()
    await store.close()


async def test_the_throttle_of_the_guide(office: Office) -> None:
    office.follow("leads-not-all-at-once")
    runs = [await office.comes("lead.created", lead_source=source) for source in ("ads", "ads", "ads", "radio")]
    assert [runs[0], runs[1], runs[3]] == await office.begins()
    office.books.after(60)
    assert [runs[2]] == await office.begins()


async def test_the_debounce_of_the_guide(office: Office) -> None:
    office.follow("job-changes-to-homebase")
    runs = []
    for type in ("job.created", "job.updated", "job.completed"):
        runs.append(await office.comes(type, id="job_1"))
        office.books.after(60)
    assert [] == await office.begins()
    office.books.after(60)
    assert [runs[2]] == await office.begins()
    assert ("skipped", f"debounce: {runs[2]} stands for it") == await office.books.state(runs[0])


async def test_the_order_of_the_guide(office: Office) -> None:
    office.follow("jobs-in-order")
    first, second = [await office.comes("job.completed", customer={"id": "cus_1"}) for _ in range(2)]
    other = await office.comes("job.canceled", customer={"id": "cus_2"})
    assert [first, other] == await office.begins()
    await office.books.end(first, "failed")
    assert [second] == await office.begins()


async def test_the_alarm_of_the_guide(office: Office) -> None:
    office.follow("speed-to-lead")
    late = await office.comes("lead.created", customer={"phone": "513 555 0142"})
    booked = await office.comes("lead.created", customer={"phone": "513 555 0177"})
    office.books.after(300)
    await office.comes("job.created", customer={"phone": "+15135550142"})
    job = await office.comes(
        "job.updated", customer={"phone": "+15135550177"}, scheduled_start_at="2026-05-05T14:00:00Z"
    )
    office.books.after(600)
    assert [late] == await office.begins()
    assert ("skipped", f"expect: {job} (job.updated) came in time") == await office.books.state(booked)
