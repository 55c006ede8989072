"""What a backtest works out of stored times is what the engine does: the same rules and events through both.

The engine is the oracle: matching, a real store, and a clock that is set to each moment at which something is due.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hooks.events import Event, Receipt, event_id, new_id
from hooks.pipeline.match import plan
from hooks.ports import Progress, RunFilter
from hooks.rules.ruleset import RuleSet
from hooks.rules.timeline import Fate, Timeline
from hooks.store.opening import open_history, open_store
from hooks.store.verbs import SqlStore
from tests.rules.rules_world import MOMENT, event, load_after_head

Ends = dict[tuple[str, str], tuple[bool | None, datetime | None]]
"""By event and rule: whether the run acted (None: it still waits), and when."""

ACTION = "    do: [{action: home.ping}]\n"
KEYS = {
    "at-once": "",
    "delayed": "    delay: 90s\n",
    "hours": "    within: office\n",
    "delayed-hours": "    delay: 5m\n    within: office\n",
    "once": "    once_per: data.id\n    once_within: 10m\n",
    "queue": "    throttle: {max: 2, per: 5m}\n",
    "queue-by": "    throttle: {max: 1, per: 3m, by: data.id}\n    delay: 30s\n",
    "queue-hours": "    throttle: {max: 3, per: 20m}\n    within: office\n",
    "skip": "    throttle: {max: 2, per: 5m, over: skip}\n",
    "skip-by": "    throttle: {max: 1, per: 4m, over: skip, by: data.id}\n    once_per: data.id\n    once_within: 7m\n",
    "last": "    debounce: {by: data.id, wait: 2m, max_wait: 5m}\n",
    "first": "    debounce: {by: data.id, wait: 2m, max_wait: 5m, keep: first}\n",
    "last-hours": "    debounce: {by: data.id, wait: 3m}\n    within: office\n",
    "last-queue": "    debounce: {by: data.id, wait: 1m}\n    throttle: {max: 2, per: 6m}\n",
    "first-queue": "    debounce: {by: data.id, wait: 2m, keep: first}\n    throttle: {max: 1, per: 3m}\n",
    "alarm": "    expect: {event: lead.created, by: data.id, within: 4m}\n",
    "alarm-when": "    within: office\n"
    "    expect: {event: lead.*, by: data.id, within: 6m, when: data.total_cents > 5}\n",
    "alarm-once": "    once_per: data.id\n    once_within: 9m\n"
    "    expect: {event: lead.created, by: data.id, within: 3m}\n",
}
RULES = (
    "calendars:\n  office: {zone: America/New_York, hours: {mon-sun: '10:30-11:10'}}\nrules:\n"
    + "".join(f"  - id: {id}\n    event: job.completed\n{keys}{ACTION}" for id, keys in KEYS.items())
)  # fmt: skip


def some_events(chance: random.Random, number: int) -> list[Event]:
    """Jobs and leads of a few ids, some without one, seconds or minutes apart."""
    made, at = [], MOMENT
    for _ in range(number):
        at += timedelta(milliseconds=chance.choice([1, 40, 200]) * chance.randrange(1, 1000))
        data = {"id": chance.choice(["a", "b", "c", None]), "total_cents": chance.randrange(0, 12)}
        type = chance.choice(["job.completed", "job.completed", "lead.created", "lead.lost"])
        receipt = new_id("rcp")
        made.append(event(id=event_id(receipt), receipt=receipt, type=type, data=data, time=at, received_at=at))
    return made


async def by_the_engine(rules: RuleSet, events: Sequence[Event], end: datetime, folder: Path) -> Ends:
    store = await open_store(f"sqlite:///{folder}/hooks.db", relaxed=True)
    history = await open_history(f"sqlite:///{folder}/hooks.db")
    began: dict[str, datetime] = {}
    for each in events:
        await _until(store, each.received_at, began)
        receipt = Receipt(each.receipt, each.source, each.vendor, each.received_at, "accepted", body=b"{}", events=1)
        await store.record(receipt, None, 0)
        await store.plan([receipt.id], [plan(each, rules, each.received_at)], rules.version)
        await _carry_out(store, each.received_at, began)
    await _until(store, end, began)
    runs = (await history.runs(RunFilter(limit=10_000))).items
    ends = {"done": True, "skipped": False, "waiting": None}
    found = {(run["event"], run["rule"]): (ends[run["state"]], began.get(run["id"])) for run in runs}
    await history.close()
    await store.close()
    return found


async def _until(store: SqlStore, end: datetime, began: dict[str, datetime]) -> None:
    """Carry out what is due before then, each when it is due."""
    while (due := await store.next_due(["home"])) is not None and due <= end:
        await _carry_out(store, due, began)


async def _carry_out(store: SqlStore, at: datetime, began: dict[str, datetime]) -> None:
    for run, _ in await store.claim("me", {"home": 1000}, at, 20):
        began[run.id] = at
        await store.progress(Progress(run.id, run.fence, at, "done"))


def by_the_timeline(rules: RuleSet, events: Sequence[Event], end: datetime) -> Ends:
    timeline = Timeline(rules)
    fates: dict[tuple[str, str], Fate] = {}
    for each in events:
        timeline.pass_by(each)
        for rule in rules.candidates(each.type, each.source):
            fates[each.id, rule.id] = Fate()
            timeline.enter(rule, each, fates[each.id, rule.id])
    timeline.finish(end)
    return {place: (fate.acts, fate.at) for place, fate in fates.items()}


@pytest.mark.parametrize("seed", [1, 10])
async def test_it_is_known_of_every_run_whether_it_acts_and_when(seed: int, tmp_path: Path) -> None:
    rules = load_after_head(RULES)
    events = some_events(random.Random(seed), 40)
    end = events[-1].received_at + timedelta(minutes=4)
    expected = await by_the_engine(rules, events, end, tmp_path)
    found = by_the_timeline(rules, events, end)
    for place, (_, at) in found.items():  # what begins after the end has not begun
        if at is not None and at > end:
            found[place] = (None, None)
    moment = timedelta(milliseconds=2)
    wrong = {
        place: (expected[place], found.get(place))
        for place in expected
        if expected[place][0] != found[place][0]
        or (expected[place][1] is not None and abs(expected[place][1] - found[place][1]) > moment)  # type: ignore[operator]
    }
    assert {} == wrong
    assert expected.keys() == found.keys()
    assert {True, False, None} == {acts for acts, _ in expected.values()}
