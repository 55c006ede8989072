"""What was just written is not read back, and what the tables say counts."""

from __future__ import annotations

import pytest

from hooks.events import new_id
from hooks.ports import Plan
from hooks.store import fresh
from hooks.store.accept import accepted_row
from hooks.store.engine import Transaction
from hooks.store.fresh import Fresh
from hooks.store.verbs import SqlStore
from tests.store.test_store_conformance import NOW, claimed_one, event_of, planned, receipt, run_to


async def test_an_event_that_was_emptied_meanwhile_is_claimed_empty(store: SqlStore) -> None:
    event = await planned(store, run_to())

    def empty(transaction: Transaction) -> None:
        transaction.execute("UPDATE events SET data = '{}', raw = 'null', flag = 'gone' WHERE id = ?", (event.id,))

    await store.engine.write(empty)
    run = await claimed_one(store)
    assert ({}, None, "gone") == (run.event.data, run.event.raw, run.event.flag)


async def test_what_is_claimed_and_seen_from_memory_is_what_the_tables_hold(store: SqlStore) -> None:
    stored = receipt(b'{"a": 1}')
    await store.pending("me", 10, NOW)
    assert await store.record(stored, None, 0) is None
    assert [stored] == await store.pending("me", 10, NOW)
    event = event_of(stored)._replace(data={"id": "job_1", "customer": {"first_name": "Zoë"}, "n": [1, 2.5, None]})
    await store.plan([stored.id], [Plan(event, (run_to(), run_to("other", rule="rule-2")))], "v1")
    [mention] = await store.mentions(10)
    assert (event.data, event.received_at) == (mention.data, mention.received_at)
    size = len('{"id":"job_1","customer":{"first_name":"Zoë"},"n":[1,2.5,null]}{"event":"job.completed"}')
    for connection in ("titan", "other"):
        run = await claimed_one(store, connection)
        assert (event, size) == (run.event, run.size)
    await store.leave("me", NOW)  # from now on it is read from its row
    again = await claimed_one(store)
    assert (event, size) == (again.event, again.size)


def test_what_came_first_is_kept_until_it_was_used_or_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("hooks.store.fresh.time.monotonic", lambda: now)
    kept = Fresh()
    kept.wanted = True
    rows = [accepted_row(receipt(), None, 0) for _ in range(fresh.MOST_RECEIPTS + 1)]
    for row in rows:
        kept.took(row)
    first, last = rows[0].values[0], rows[-1].values[0]
    assert kept.receipt(first) is rows[0]
    assert kept.receipt(last) is None
    kept.planned([first], [])
    assert kept.receipt(first) is None
    kept.took(rows[-1])
    assert kept.receipt(last) is rows[-1]
    now = fresh.STALE + 1
    kept.took(rows[0])
    assert kept.receipt(first) is rows[0]
    assert kept.receipt(rows[1].values[0]) is None


def test_no_more_is_kept_than_so_many_characters() -> None:
    kept = Fresh()
    events = [event_of(receipt())._replace(id=new_id("evt")) for _ in range(3)]
    kept.planned([], [(event, fresh.MOST_SIZE // 2, 1) for event in events])
    assert [True, True, False] == [kept.event(event.id) is not None for event in events]
    kept.used([events[0].id])
    kept.planned([], [(events[2], fresh.MOST_SIZE // 2, 2)])
    kept.used([events[2].id])
    assert [False, True, True] == [kept.event(event.id) is not None for event in events]


def test_a_server_that_only_receives_keeps_nothing() -> None:
    kept = Fresh()
    row = accepted_row(receipt(), None, 0)
    kept.took(row)
    assert kept.receipt(row.values[0]) is None
