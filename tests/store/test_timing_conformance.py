"""What every store promises of runs that wait for others: throttles, bursts, lanes, expected events."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest

from hooks.events import Event, RunState, new_id
from hooks.ports import Plan, PlannedRun, Progress, RunFilter, Timing
from hooks.store import timing
from hooks.store.history import SqlHistory
from hooks.store.leasing import CALM
from hooks.store.opening import open_history, open_store
from hooks.store.verbs import SqlStore
from tests.store.test_store_conformance import NOW, event_of, receipt

UNTIMED = Timing()


class Books:
    """A store, its history, and a clock that is moved by hand."""

    def __init__(self, store: SqlStore, history: SqlHistory) -> None:
        self.store = store
        self.history = history
        self.now = NOW

    def after(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    async def plan(self, *runs: PlannedRun, meets: Sequence[str] = (), type: str = "job.completed") -> Event:
        """An event that is accepted now, with these runs."""
        stored = receipt(at=self.now)
        await self.store.record(stored, None, 0)
        event = event_of(stored, type=type)
        await self.store.plan([stored.id], [Plan(event, runs, tuple(meets))], "v1")
        return event

    async def run(
        self, timing: Timing = UNTIMED, *, wait: float = 0.0, state: RunState = "waiting", reason: str | None = None
    ) -> str:
        """A run of an event that is accepted now, due after ``wait`` seconds; gives its id."""
        due = self.now + timedelta(seconds=wait)
        run = PlannedRun(new_id("run"), "rule-1", "titan", due, state, reason, timing=timing)
        await self.plan(run)
        return run.id

    async def claim(self, free: int = 100) -> list[str]:
        claimed = await self.store.claim("me", {"titan": free}, self.now, 20)
        self.fences = {**getattr(self, "fences", {}), **{run.id: run.fence for run, _ in claimed}}
        return [run.id for run, _ in claimed]

    async def end(self, run: str, state: RunState = "done", due: datetime | None = None) -> None:
        await self.store.progress(Progress(run, self.fences[run], self.now, state, "said", due))

    async def state(self, run: str) -> tuple[str, str | None]:
        shown = await self.history.run(run)
        assert shown is not None
        return shown["state"], shown["reason"]

    async def balance(self) -> dict[str, int]:
        stats = await self.history.stats()
        assert stats["books_balance"]
        listed = [run["state"] for run in (await self.history.runs(RunFilter(limit=500))).items]
        assert {state: listed.count(state) for state in stats["runs"]} == stats["runs"]
        found: dict[str, int] = stats["runs"]
        return found


@pytest.fixture
async def books(database: str) -> AsyncIterator[Books]:
    store = await open_store(database, relaxed=True)
    history = await open_history(database)
    yield Books(store, history)
    await history.close()
    await store.close()


# --- throttle ---

TWO_A_MINUTE = Timing(gate="2/60000/key")


async def test_a_throttle_lets_its_limit_begin_and_the_others_as_room_comes(books: Books) -> None:
    runs = [await books.run(TWO_A_MINUTE) for _ in range(5)]
    assert runs[:2] == await books.claim()
    assert ("waiting", "throttle: it waits for room") == await books.state(runs[2])
    books.after(59.9)
    assert [] == await books.claim()
    assert NOW + timedelta(seconds=60) == await books.store.next_due(["titan"])
    books.after(0.1)
    assert runs[2:4] == await books.claim()
    books.after(30)
    assert [] == await books.claim()
    books.after(30)
    assert runs[4:] == await books.claim()
    assert await books.store.next_due(["titan"]) is None
    await books.balance()


async def test_a_throttle_counts_what_begins_and_not_what_is_tried_again(books: Books) -> None:
    first = await books.run(TWO_A_MINUTE)
    await books.claim()
    await books.end(first, "waiting", books.now)
    assert [first] == await books.claim()
    second, third = await books.run(TWO_A_MINUTE), await books.run(TWO_A_MINUTE)
    assert [second] == await books.claim()
    assert "waiting" == (await books.state(third))[0]


async def test_room_is_used_as_soon_as_it_is_there(books: Books) -> None:
    runs = [await books.run(TWO_A_MINUTE)]
    assert runs == await books.claim()
    books.after(30)
    runs += [await books.run(TWO_A_MINUTE) for _ in range(3)]
    assert runs[1:2] == await books.claim()
    books.after(30)
    assert runs[2:3] == await books.claim()
    books.after(30)
    assert runs[3:] == await books.claim()


async def test_keys_of_a_throttle_do_not_know_of_each_other(books: Books) -> None:
    mine = [await books.run(Timing(gate="1/60000/mine")) for _ in range(2)]
    others = [await books.run(Timing(gate="1/60000/other")) for _ in range(2)]
    assert [mine[0], others[0]] == await books.claim()


async def test_runs_that_may_not_begin_take_no_room_from_those_that_may(books: Books) -> None:
    throttled = [await books.run(TWO_A_MINUTE) for _ in range(9)]
    free = [await books.run() for _ in range(3)]
    assert [*throttled[:2], free[0]] == await books.claim(3)
    assert free[1:] == await books.claim(3)


async def test_with_skip_what_a_throttle_has_no_room_for_is_skipped(books: Books) -> None:
    skipping = replace(TWO_A_MINUTE, over="skip")
    runs = [await books.run(skipping) for _ in range(3)]
    books.after(60)
    runs.append(await books.run(skipping))
    assert [runs[0], runs[1], runs[3]] == await books.claim()
    state, reason = await books.state(runs[2])
    assert "skipped" == state
    assert "throttled" in str(reason)
    await books.balance()


async def test_a_throttled_run_can_be_cancelled(books: Books) -> None:
    runs = [await books.run(TWO_A_MINUTE) for _ in range(4)]
    await books.claim()
    assert await books.store.cancel(runs[2], "no", books.now)
    books.after(60)
    assert [runs[3]] == await books.claim()
    assert {"failed": 1, "running": 3} == {state: n for state, n in (await books.balance()).items() if n}


async def test_idle_throttles_are_forgotten(books: Books) -> None:
    for number in range(6):
        await books.run(Timing(gate=f"1/1000/{number}"))
        await books.claim()
        books.after(2)

    def count(reading: Any) -> tuple[int, int]:
        tables = ("gates", "starts")
        gates, starts = (reading.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
        return gates, starts

    assert (1, 1) == await books.store._engine.read(count)


@pytest.mark.parametrize("seed", range(3))
async def test_no_stretch_of_time_ever_holds_more_starts_than_a_throttle_allows(books: Books, seed: int) -> None:
    chance = random.Random(seed)
    most, per = chance.randint(1, 4), chance.choice([5.0, 20.0])
    waiting, ever = 0, 0
    begun: list[datetime] = []
    for _ in range(60):
        for _ in range(chance.choice([0, 0, 1, 5])):
            await books.run(Timing(gate=f"{most}/{int(per * 1000)}/key"), wait=chance.choice([0.0, 0.0, 3.0]))
            ever += 1
        claimed = await books.claim(chance.randint(1, 3))
        begun += [books.now] * len(claimed)
        books.after(chance.choice([0.2, 1.0, 4.0]))
    while len(begun) < ever:
        claimed = await books.claim(10)
        begun += [books.now] * len(claimed)
        books.after(1.0)
        waiting += 1
        assert waiting < 1000, "a run was forgotten behind the throttle"
    for number, at in enumerate(begun[most:]):
        assert (at - begun[number]).total_seconds() >= per
    await books.balance()


# --- debounce ---


def burst(books: Books, keep: Literal["last", "first"] = "last", most: float = 300.0, key: str = "key") -> Timing:
    return Timing(burst=key, keep=keep, settles_by=books.now + timedelta(seconds=most))


async def test_quick_events_become_one_run_that_stands_for_the_others(books: Books) -> None:
    runs = []
    for _ in range(4):
        runs.append(await books.run(burst(books), wait=60))
        books.after(30)
    assert [] == await books.claim()
    books.after(30)
    assert [runs[3]] == await books.claim()
    for run in runs[:3]:
        assert ("skipped", f"debounce: {runs[3]} stands for it") == await books.state(run)
    assert {"running": 1, "skipped": 3} == {state: n for state, n in (await books.balance()).items() if n}


async def test_with_first_the_first_one_stands_for_the_others_and_waits_until_it_is_quiet(books: Books) -> None:
    runs = []
    for _ in range(4):
        runs.append(await books.run(burst(books, "first"), wait=60))
        books.after(30)
    for run in runs[1:]:
        assert ("skipped", f"debounce: {runs[0]} stands for it") == await books.state(run)
    books.after(29.9)
    assert [] == await books.claim()
    books.after(0.1)
    assert [runs[0]] == await books.claim()
    await books.balance()


@pytest.mark.parametrize("keep", ["last", "first"])
async def test_a_burst_that_does_not_end_is_cut_at_its_longest_wait(
    books: Books, keep: Literal["last", "first"]
) -> None:
    began = books.now
    claimed: list[str] = []
    while not claimed:
        await books.run(burst(books, keep, most=100), wait=60)
        books.after(10)
        claimed = await books.claim()
    assert 100 == (books.now - began).total_seconds()


async def test_what_comes_after_a_burst_has_settled_is_a_new_one(books: Books) -> None:
    first = await books.run(burst(books), wait=60)
    other = await books.run(burst(books, key="other"), wait=60)
    books.after(60)
    assert [first, other] == await books.claim()
    second = await books.run(burst(books), wait=60)
    assert "running" == (await books.state(first))[0]
    books.after(60)
    assert [second] == await books.claim()


@pytest.mark.parametrize("keep", ["last", "first"])
async def test_while_its_connection_rests_a_burst_goes_on(books: Books, keep: Literal["last", "first"]) -> None:
    runs = [await books.run(burst(books, keep, most=60), wait=60)]
    assert 1 == await books.store.hold({"titan": "paused"})
    books.after(500)
    runs.append(await books.run(burst(books, keep, most=60), wait=60, state="held"))
    await books.store.release(["titan"], ["paused"], books.now)
    await books.store.release(["titan"], [], books.now)
    stands = runs[1] if keep == "last" else runs[0]
    if keep == "last":
        assert await books.store.retry(stands, books.now)
    assert [stands] == await books.claim()
    assert {"running": 1, "skipped": 1} == {state: n for state, n in (await books.balance()).items() if n}


async def test_a_burst_that_is_too_large_for_one_transaction_takes_several(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "SETTLED_AT_ONCE", 2)
    runs = [await books.run(burst(books), wait=60) for _ in range(6)]
    books.after(60)
    turns = 0
    while not (claimed := await books.claim()):
        books.after(0.001)
        turns += 1
    assert (2, runs[5:]) == (turns, claimed)
    assert {"running": 1, "skipped": 5} == {state: n for state, n in (await books.balance()).items() if n}
    others = [await books.run(burst(books), wait=60) for _ in range(6)]
    assert await books.store.cancel(others[5], "no", books.now)
    assert 10 == (await books.balance())["skipped"]


async def test_cancelling_the_run_that_stands_for_a_burst_ends_the_burst(books: Books) -> None:
    runs = [await books.run(burst(books), wait=60) for _ in range(3)]
    assert await books.store.cancel(runs[2], "no", books.now)
    assert "skipped" == (await books.state(runs[0]))[0]
    fresh = await books.run(burst(books), wait=60)
    books.after(60)
    assert [fresh] == await books.claim()
    await books.balance()


# --- in_order_by ---


def lane(key: str = "lane", on_stuck: Literal["skip", "wait"] = "skip") -> Timing:
    return Timing(lane=key, on_stuck=on_stuck)


async def test_runs_of_a_lane_go_one_after_the_other_and_other_lanes_meanwhile(books: Books) -> None:
    mine = [await books.run(lane()) for _ in range(3)]
    other = await books.run(lane("other"))
    assert [mine[0], other] == await books.claim()
    assert ("waiting", "in_order_by: it waits for those before it") == await books.state(mine[1])
    assert [] == await books.claim()
    await books.end(mine[0])
    assert [mine[1]] == await books.claim()
    await books.end(mine[1])
    assert [mine[2]] == await books.claim()
    await books.end(mine[2])
    assert [await books.run(lane())] == await books.claim()
    await books.balance()


async def test_what_was_accepted_first_goes_first_whoever_reads_it_when(books: Books) -> None:
    """Of two servers the one that was given the later webhook is the quicker one."""
    receipts = [receipt(at=books.now) for _ in range(3)]
    runs = [PlannedRun(new_id("run"), "rule-1", "titan", books.now, timing=lane()) for _ in receipts]
    for stored in receipts:
        await books.store.record(stored, None, 0)
    other = PlannedRun(new_id("run"), "rule-2", "titan", books.now)
    for number, also in ((2, other), (1, None)):
        planned = (runs[number],) if also is None else (runs[number], also)
        await books.store.plan([receipts[number].id], [Plan(event_of(receipts[number]), planned)], "v1")
        assert ([other.id] if also else []) == await books.claim(), "the first has not been read"
        books.after(1)
    await books.store.plan([receipts[0].id], [Plan(event_of(receipts[0]), (runs[0],))], "v1")
    for run in runs:
        assert [run.id] == await books.claim()
        await books.end(run.id)
        books.after(1)
    await books.end(other.id)
    await books.balance()


async def test_a_run_that_has_begun_keeps_its_lane(books: Books) -> None:
    first, second = receipt(at=books.now), receipt(at=books.now)
    runs = [PlannedRun(new_id("run"), "rule-1", "titan", books.now, timing=lane()) for _ in range(2)]
    await books.store.record(second, None, 0)
    await books.store.plan([second.id], [Plan(event_of(second), (runs[1],))], "v1")
    assert [runs[1].id] == await books.claim()
    await books.store.record(first, None, 0)
    await books.store.plan([first.id], [Plan(event_of(first), (runs[0],))], "v1")
    assert [] == await books.claim()
    await books.end(runs[1].id)
    assert [runs[0].id] == await books.claim()


async def test_a_head_that_is_tried_again_holds_its_lane_until_its_tries_end(books: Books) -> None:
    first, second = await books.run(lane()), await books.run(lane())
    await books.claim()
    await books.end(first, "waiting", books.now + timedelta(seconds=30))
    assert [] == await books.claim()
    books.after(30)
    assert [first] == await books.claim()
    await books.end(first, "failed")
    assert [second] == await books.claim()


async def test_with_wait_those_behind_a_failed_run_wait_until_it_is_retried(books: Books) -> None:
    first, second = await books.run(lane(on_stuck="wait")), await books.run(lane(on_stuck="wait"))
    await books.claim()
    await books.end(first, "failed")
    assert "on_stuck: wait" in str((await books.state(first))[1])
    assert [] == await books.claim()
    assert await books.store.retry(first, books.now)
    assert [first] == await books.claim()
    await books.end(first)
    assert [second] == await books.claim()


async def test_cancelling_a_failed_head_lets_those_behind_it_go(books: Books) -> None:
    first, second = await books.run(lane(on_stuck="wait")), await books.run(lane(on_stuck="wait"))
    await books.claim()
    await books.end(first, "failed")
    assert await books.store.cancel(first, "cancelled by a person", books.now)
    assert ("failed", "cancelled by a person") == await books.state(first)
    assert [second] == await books.claim()
    assert not await books.store.cancel(first, "again", books.now)
    await books.balance()


@pytest.mark.parametrize("on_stuck", ["skip", "wait"])
async def test_a_head_that_waits_for_a_person_is_passed_only_with_skip(
    books: Books, on_stuck: Literal["skip", "wait"]
) -> None:
    first, second = await books.run(lane(on_stuck=on_stuck)), await books.run(lane(on_stuck=on_stuck))
    await books.claim()
    await books.end(first, "held")
    assert ([second] if on_stuck == "skip" else []) == await books.claim()


async def test_a_head_whose_connection_rests_is_never_passed(books: Books) -> None:
    first, _ = await books.run(lane()), await books.run(lane())
    await books.claim()
    await books.end(first, "held", books.now)
    assert [] == await books.claim()
    await books.store.release(["titan"], ["said"], books.now)
    assert [first] == await books.claim()


async def test_a_run_that_was_passed_and_is_retried_waits_its_turn_and_comes_first(books: Books) -> None:
    runs = [await books.run(lane()) for _ in range(3)]
    await books.claim()
    await books.end(runs[0], "failed")
    assert [runs[1]] == await books.claim()
    assert await books.store.retry(runs[0], books.now)
    assert [] == await books.claim()
    await books.end(runs[1])
    assert [runs[0]] == await books.claim()
    await books.end(runs[0])
    assert [runs[2]] == await books.claim()


async def test_runs_are_cancelled_out_of_a_lane(books: Books) -> None:
    runs = [await books.run(lane()) for _ in range(4)]
    assert await books.store.cancel(runs[1], "no", books.now)
    assert await books.store.cancel(runs[0], "no", books.now)
    assert [runs[2]] == await books.claim()
    await books.end(runs[2])
    assert [runs[3]] == await books.claim()
    await books.balance()


async def test_a_lease_that_is_lost_does_not_lose_the_lane(books: Books) -> None:
    first, second = await books.run(lane()), await books.run(lane())
    await books.claim()
    books.after(21)
    await books.store.recover("after a crash", books.now)
    assert [first] == await books.claim()
    assert "waiting" == (await books.state(second))[0]


async def test_a_lane_waits_while_its_head_waits_for_a_throttle(books: Books) -> None:
    both = Timing(gate="1/60000/key", lane="lane")
    runs = [await books.run(both) for _ in range(2)]
    alone = await books.run(Timing(gate="1/60000/key"))
    assert [runs[0]] == await books.claim()
    await books.end(runs[0])
    assert [] == await books.claim()
    books.after(60)
    assert 1 == len(await books.claim())
    books.after(60)
    assert 1 == len(await books.claim())
    states = [(await books.state(run))[0] for run in (*runs, alone)]
    assert ["done", "running", "running"] == states


@pytest.mark.parametrize("seed", range(4))
async def test_lanes_keep_order_and_forget_nobody_whatever_happens(books: Books, seed: int) -> None:
    """Against a plain model: per key the open runs in order, the first of them at work."""
    chance = random.Random(seed)
    on_stuck: Literal["skip", "wait"] = chance.choice(["skip", "wait"])
    key_of: dict[str, str] = {}
    running: set[str] = set()
    for _ in range(120):
        what = chance.choice(["plan", "plan", "claim", "end", "end", "again", "fail", "retry", "cancel"])
        if what == "plan":
            key = chance.choice("abc")
            key_of[await books.run(lane(key, on_stuck))] = key
        elif what == "claim":
            running |= set(await books.claim(chance.randint(1, 4)))
        elif what in ("end", "again", "fail") and running:
            run = chance.choice(sorted(running))
            running.discard(run)
            if what == "end":
                await books.end(run)
            elif what == "fail":
                await books.end(run, chance.choice(["failed", "held"]))
            else:
                await books.end(run, "waiting", books.now + timedelta(seconds=1))
        elif key_of and what in ("retry", "cancel"):
            run = chance.choice(sorted(key_of))
            if run not in running:
                state, _ = await books.state(run)
                if what == "retry":
                    await books.store.retry(run, books.now)
                elif state in ("waiting", "held", "failed"):
                    await books.store.cancel(run, "no", books.now)
        books.after(0.5)
        assert len({key_of[run] for run in running}) == len(running), "two of one lane at once"
    for _ in range(len(key_of) + 5):  # all that can end does
        running |= set(await books.claim())
        for run in sorted(running):
            await books.end(run)
        running.clear()
        books.after(2)
        for run in key_of:
            await books.store.retry(run, books.now)
    assert {"done": len(key_of)} == {state: n for state, n in (await books.balance()).items() if n}

    def lanes(reading: Any) -> int:
        return int(reading.execute("SELECT count(*) FROM lanes").fetchone()[0])

    assert 0 == await books.store._engine.read(lanes)


async def test_a_burst_takes_its_place_in_the_lane_when_it_has_settled(books: Books) -> None:
    quick = await books.run(lane())
    both = [await books.run(replace(burst(books), lane="lane"), wait=60) for _ in range(2)]
    later = await books.run(lane())
    assert [quick] == await books.claim()
    books.after(60)
    assert [] == await books.claim()
    await books.end(quick)
    await books.claim()
    states = {run: (await books.state(run))[0] for run in (*both, later)}
    assert "skipped" == states[both[0]]
    assert ["running", "waiting"] == sorted(states[run] for run in (both[1], later))
    await books.end(both[1] if states[both[1]] == "running" else later)
    assert 1 == len(await books.claim())


async def test_what_is_held_keeps_its_place_in_the_lane_and_is_not_let_go_by_it(books: Books) -> None:
    first = await books.run(lane())
    held = await books.run(lane(), state="held", reason="restored")
    last = await books.run(lane())
    await books.claim()
    await books.end(first)
    assert [] == await books.claim()
    assert ("held", "restored") == await books.state(held)
    assert await books.store.retry(held, books.now)
    assert [held] == await books.claim()
    await books.end(held)
    assert [last] == await books.claim()
    await books.balance()


async def test_a_delayed_head_is_waited_for(books: Books) -> None:
    first, second = await books.run(lane(), wait=30), await books.run(lane(), wait=30)
    books.after(30)
    assert [first] == await books.claim()
    await books.end(first)
    assert [second] == await books.claim()


async def test_a_poisonous_head_that_is_set_aside_leaves_its_lane(books: Books) -> None:
    first, second = await books.run(lane()), await books.run(lane())
    while [first] == await books.claim():
        books.after(21)
        await books.store.recover("after a crash", books.now)
        books.after(CALM)
    assert "failed" == (await books.state(first))[0]
    assert "running" == (await books.state(second))[0]


# --- expect ---


def expecting(books: Books, within: float = 60.0, key: str = "key") -> Timing:
    return Timing(expects=key, deadline=books.now + timedelta(seconds=within))


async def test_a_run_whose_expected_event_came_is_skipped_and_names_it(books: Books) -> None:
    run, other = await books.run(expecting(books), wait=60), await books.run(expecting(books, key="other"), wait=60)
    books.after(60)
    came = await books.plan(meets=["key"], type="job.scheduled")
    assert ("skipped", f"expect: {came.id} (job.scheduled) came in time") == await books.state(run)
    assert [other] == await books.claim()
    await books.balance()


async def test_an_event_that_comes_too_late_changes_nothing(books: Books) -> None:
    run = await books.run(expecting(books), wait=60)
    await books.store.hold({"titan": "paused"})
    books.after(60.1)
    await books.plan(meets=["key"])
    assert "held" == (await books.state(run))[0]
    await books.store.release(["titan"], ["paused"], books.now)
    assert [run] == await books.claim()


async def test_a_held_run_is_skipped_too_when_its_event_comes_in_time(books: Books) -> None:
    run = await books.run(expecting(books), wait=60)
    await books.store.hold({"titan": "paused"})
    await books.plan(meets=["key"])
    assert "skipped" == (await books.state(run))[0]
    await books.balance()


async def test_no_alarm_is_given_while_what_was_accepted_in_time_is_unread(books: Books) -> None:
    run = await books.run(expecting(books), wait=60)
    books.after(59)
    in_time = receipt(at=books.now)
    await books.store.record(in_time, None, 0)
    books.after(10)
    assert [] == await books.claim()
    await books.store.plan([in_time.id], [Plan(event_of(in_time))], "v1")
    books.after(1)
    late = receipt(at=books.now)
    await books.store.record(late, None, 0)
    assert [run] == await books.claim()


async def test_an_event_meets_those_that_waited_before_it_and_opens_its_own(books: Books) -> None:
    first = await books.run(expecting(books), wait=60)
    again = PlannedRun(new_id("run"), "rule-1", "titan", books.now + timedelta(seconds=60), timing=expecting(books))
    await books.plan(again, meets=["key"])
    assert ["skipped", "waiting"] == [(await books.state(run))[0] for run in (first, again.id)]


async def test_alarms_are_throttled_when_they_are_due(books: Books) -> None:
    alarms = [await books.run(replace(expecting(books, key=key), gate="1/60000/key"), wait=60) for key in "abc"]
    books.after(60)
    await books.plan(meets=["a"])
    assert [alarms[1]] == await books.claim()
    books.after(60)
    assert [alarms[2]] == await books.claim()
    assert "skipped" == (await books.state(alarms[0]))[0]


async def test_an_alarm_that_has_begun_is_not_skipped_any_more(books: Books) -> None:
    run = await books.run(expecting(books), wait=0)
    assert [run] == await books.claim()
    await books.plan(meets=["key"])
    assert "running" == (await books.state(run))[0]
