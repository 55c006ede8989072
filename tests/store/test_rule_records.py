"""What rules are looked back at by: stored events in their order with answers, and runs of chosen rules."""

from __future__ import annotations

from datetime import timedelta

from hooks.ports import Span
from hooks.store.history import SqlHistory
from hooks.store.rulerecords import SqlRuleRecords
from hooks.store.verbs import SqlStore
from tests.store.test_store_conformance import NOW, planned, run_to


async def test_the_newest_events_come_in_the_order_they_came(store: SqlStore, history: SqlHistory) -> None:
    records = SqlRuleRecords(history.reader)
    events = [await planned(store, run_to()) for _ in range(5)]

    after, first = await records.past(Span(most=4), None, 3)
    after, second = await records.past(Span(most=4), after, 3)
    _, third = await records.past(Span(most=4), after, 3)

    assert [event.id for event in events[1:]] == [event.id for event, _ in (*first, *second)]
    assert ([], 5) == (third, await records.count(Span()))
    assert 0 == await records.count(Span(until=NOW - timedelta(days=1)))


async def test_runs_of_chosen_rules_come_newest_first(store: SqlStore, history: SqlHistory) -> None:
    records = SqlRuleRecords(history.reader)
    run = run_to()
    await planned(store, run)

    (found,) = await records.runs([run.rule, "another"], NOW - timedelta(days=1), 10)

    assert (run.id, run.rule, run.state, []) == tuple(found[key] for key in ("id", "rule", "state", "steps"))
    assert [] == await records.runs(["another"], None, 10)
    assert [] == await records.runs([run.rule], NOW + timedelta(days=1), 10)
    assert await records.texts("no such version") is None
