"""What is kept of sources that go quiet: told once whoever looks, and moved along with the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hooks.events import Receipt, Verdict, new_id
from hooks.pipeline.emitting import own_receipt
from hooks.ports import SELF_TEST_AGENT
from hooks.store.history import SqlHistory
from hooks.store.moments import ALIVE, note
from hooks.store.opening import open_store
from hooks.store.retention import Pruner
from hooks.store.rows import millis
from hooks.store.shifting import shift
from hooks.store.silences import LATELY, SqlSilences, Watched, was_absent
from hooks.store.verbs import SqlStore

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)


async def came(
    store: SqlStore, at: datetime, verdict: Verdict = "accepted", source: str = "leads", agent: str = "Zapier"
) -> None:
    headers = {"user-agent": agent}
    await store.record(Receipt(new_id("rcp"), source, "zapier", at, verdict, headers=headers, events=1), None, 0.0)


async def watched(store: SqlStore) -> Watched:
    known = await SqlSilences(store.engine).watched()
    assert ["leads"] == list(known)
    return known["leads"]


def event() -> Receipt:
    return own_receipt("event", NOW, b'{"type":"hooks.source.quiet","subject":null,"data":{}}', {})


async def own(history: SqlHistory) -> int:
    """How many events of our own there are."""
    stats = await history.stats()
    assert stats["books_balance"]
    return int(stats["events"]["pending"])


async def test_of_many_who_find_it_quiet_one_tells(store: SqlStore, history: SqlHistory, database: str) -> None:
    await SqlSilences(store.engine).watch(["leads"], NOW)
    known = await watched(store)
    stores = [store] if store.alone else [store, *[await open_store(database, relaxed=True) for _ in range(2)]]
    try:
        for _ in range(5):
            silences = [SqlSilences(one.engine) for one in stores for _ in range(3)]
            told = await asyncio.gather(*[one.tell_quiet(known, event()) for one in silences])
            assert 1 == sum(told)
            known = await watched(store)
            sign = (known.seq + 1, NOW)
            told = await asyncio.gather(*[one.tell_heard(known, sign, NOW, event()) for one in silences])
            assert 1 == sum(told)
            known = await watched(store)
    finally:
        for another in stores[1:]:
            await another.close()
    assert 10 == await own(history)


async def test_only_what_shows_that_the_sender_lives_is_a_sign(store: SqlStore) -> None:
    silences = SqlSilences(store.engine)
    await came(store, NOW, "refused")
    await came(store, NOW, "quarantined")
    await came(store, NOW, "accepted", agent=SELF_TEST_AGENT)
    assert (None, None) == (await silences.newest("leads", 0), await silences.first("leads", 0))
    verdicts: list[Verdict] = ["ping", "duplicate", "accepted"]
    for number, verdict in enumerate(verdicts):
        await came(store, NOW + number * DAY, verdict)
        await came(store, NOW + number * DAY, "refused")
    newest, first = await silences.newest("leads", 0), await silences.first("leads", 0)
    assert newest is not None
    assert first is not None
    assert (NOW + 2 * DAY, NOW) == (newest[1], first[1])
    assert await silences.newest("leads", newest[0]) is None
    assert {"refused": 1} == await silences.meanwhile("leads", newest[0])


@pytest.mark.parametrize("by", [10 * DAY, -10 * DAY])
async def test_a_clock_that_is_set_makes_no_silence_longer(store: SqlStore, by: timedelta) -> None:
    await SqlSilences(store.engine).watch(["leads"], NOW)
    await came(store, NOW + DAY)
    await shift(store.engine, by.total_seconds(), NOW + DAY)
    assert NOW + DAY + by == (await watched(store)).since


async def test_the_time_without_a_server_is_taken_off_once(store: SqlStore) -> None:
    await SqlSilences(store.engine).watch(["leads"], NOW)
    await store.engine.write(lambda transaction: note(transaction, ALIVE, millis(NOW)))
    for _ in range(2):  # several servers start, and have all seen the same
        await store.engine.write(lambda transaction: was_absent(transaction, NOW, NOW + DAY))
    assert NOW + DAY == (await watched(store)).since
    minute = timedelta(minutes=1)
    await store.engine.write(lambda transaction: was_absent(transaction, NOW + DAY, NOW + DAY + minute))
    assert NOW + DAY == (await watched(store)).since, "a restart takes a moment, and that is all"


async def test_what_is_deleted_is_remembered_by_its_source(store: SqlStore, history: SqlHistory) -> None:
    silences = SqlSilences(store.engine)
    await silences.watch(["leads"], NOW)
    await came(store, NOW + DAY, "ping")
    pruner = Pruner(store.engine, monotonic=lambda: 0.0, sleep=_no_rest)
    async for _ in pruner.prune(NOW + 2 * DAY, NOW + 30 * DAY):
        pass
    known = await watched(store)
    assert (NOW + DAY, NOW + DAY) == (known.since, known.heard_at)
    assert NOW + DAY == (await history.heard(["leads"]))["leads"].last_received_at
    assert await silences.newest("leads", 0) is None


async def test_the_last_sign_of_life_is_found_behind_very_many_refusals(store: SqlStore, history: SqlHistory) -> None:
    await came(store, NOW)
    await asyncio.gather(*[came(store, NOW + timedelta(minutes=2), "refused") for _ in range(LATELY)])
    found = await history.heard(["leads", "hcp"])
    assert [NOW, None] == [found[name].last_received_at for name in ("leads", "hcp")]


async def test_a_source_that_is_no_longer_watched_begins_anew(store: SqlStore) -> None:
    silences = SqlSilences(store.engine)
    await silences.watch(["leads"], NOW)
    assert await silences.tell_quiet(await watched(store), event())
    await silences.watch(["leads", "hcp"], NOW + DAY)
    known = await silences.watched()
    assert [(NOW, True), (NOW + DAY, False)] == [(known[name].since, known[name].told) for name in ("leads", "hcp")]
    await silences.watch([], NOW + DAY)
    await silences.watch(["leads"], NOW + 2 * DAY)
    assert (NOW + 2 * DAY, False) == ((await watched(store)).since, (await watched(store)).told)


async def _no_rest(seconds: float) -> None:
    """The pruner need not rest."""
