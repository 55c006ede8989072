"""However many live events come, older work keeps its part of a connection's turns; what it leaves others have."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from hooks.events import new_id
from hooks.ports import OLDER_PART as PART
from hooks.ports import Claimed, PlannedRun, Progress, Repeated, Timing
from hooks.store.fairness import Share
from hooks.store.leasing import CALM
from hooks.store.verbs import SqlStore
from tests.store.test_store_conformance import NOW, claimed_one, planned

LIVE, OLDER = "live", "older"
UNTIMED = Timing()


class Traffic:
    """One connection under more live events than it takes. Runs carry the kind of work that they are as their rule."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.now = NOW
        self.waiting = 0
        self.seen: list[str] = []
        """The kinds of the runs that were carried out, in order."""

    async def come(self, kind: str, number: int, *, replay: Repeated | None = None, timing: Timing = UNTIMED) -> None:
        await planned(
            self.store,
            *(
                PlannedRun(new_id("run"), f"{kind} {new_id('run')}", "titan", self.now, replay=replay, timing=timing)
                for _ in range(number)
            ),
        )

    async def fail_once(self, kind: str, number: int, *, timing: Timing = UNTIMED) -> None:
        """Runs that have been tried, and are due again now."""
        await self.come(kind, number, timing=timing)
        for run, _ in await self.store.claim("me", {"titan": number + 1}, self.now, 20):
            await self.store.progress(Progress(run.id, run.fence, self.now, "waiting", "busy", self.now, again=True))

    async def turn(self, room: int, *, live: bool = True) -> list[Claimed]:
        """Claim so many and carry them out; before that more live ones have come than that."""
        if live and self.waiting <= room:
            await self.come(LIVE, 4 * room)
            self.waiting += 4 * room
        claimed = [run for run, _ in await self.store.claim("me", {"titan": room}, self.now, 20)]
        for run in claimed:
            await self.store.progress(Progress(run.id, run.fence, self.now, "done"))
            self.seen.append(run.rule.split()[0])
            self.waiting -= run.rule.startswith(LIVE)
        self.now += timedelta(seconds=1)
        return claimed


async def test_what_is_tried_again_gets_through_however_many_live_events_come(store: SqlStore) -> None:
    traffic = Traffic(store)
    await traffic.fail_once(OLDER, 1)
    for _ in range(2 * PART):
        await traffic.turn(1)
    assert OLDER in traffic.seen[: PART + 1], "one turn at a time: at the fifth at the latest"
    assert 1 == traffic.seen.count(OLDER)


@pytest.mark.parametrize("room", [1, 3, 8])
async def test_older_work_has_a_quarter_of_the_turns_and_no_more(store: SqlStore, room: int) -> None:
    traffic = Traffic(store)
    await traffic.fail_once(OLDER, 40)
    while len(traffic.seen) < 48:
        await traffic.turn(room)
    assert 48 // PART - 3 <= traffic.seen.count(OLDER) <= 48 // PART
    longest = max(map(len, "".join("." if kind == LIVE else "o" for kind in traffic.seen).split("o")))
    assert longest <= 2 * max(room, PART), "and never waits long for one"


async def test_what_one_kind_does_not_use_the_other_has(store: SqlStore) -> None:
    traffic = Traffic(store)
    await traffic.fail_once(OLDER, 6)
    assert 6 == len(await traffic.turn(6, live=False)), "older work has all turns when nothing is live"
    for _ in range(4):
        assert 3 == len(await traffic.turn(3)), "and live work when nothing is older"
    assert 12 == traffic.seen[6:].count(LIVE)


async def test_no_kind_of_older_work_keeps_another_waiting_for_ever(store: SqlStore) -> None:
    traffic = Traffic(store)
    await traffic.fail_once("again", 30)
    await traffic.come("replay", 30, replay=Repeated(NOW))
    for _ in range(24 * PART):
        await traffic.turn(1)
    seen = Counter(traffic.seen)
    assert seen["again"] + seen["replay"] >= 24 - 1
    assert 2 * seen["replay"] >= seen["again"] - 2 >= seen["replay"], "what is live by origin goes before replays"


async def test_what_may_have_ended_the_program_gets_its_turn_too(store: SqlStore) -> None:
    await planned(store, PlannedRun(new_id("run"), f"suspect {new_id('run')}", "titan", NOW))
    traffic = Traffic(store)
    for number in range(2):
        assert await claimed_one(store, owner=f"owner-{number}", at=traffic.now)
        traffic.now += timedelta(seconds=30)
        assert 1 == await store.recover(f"owner-{number + 1}", traffic.now)
    await traffic.fail_once("again", 9)
    traffic.now += timedelta(seconds=CALM)
    for _ in range(4 * PART):
        await traffic.turn(1)
    assert 1 == traffic.seen.count("suspect")


async def test_what_a_pause_held_goes_out_beside_live_events_and_not_before_them(store: SqlStore) -> None:
    traffic = Traffic(store)
    await traffic.come(OLDER, 20)
    await store.hold({"titan": "paused"})
    await store.release(["titan"], ["paused"], traffic.now, {"titan": 1.0})
    for _ in range(6 * PART):
        await traffic.turn(1)
    assert 5 <= traffic.seen.count(OLDER) <= 6


async def test_runs_kept_in_order_stay_so_and_have_their_part(store: SqlStore) -> None:
    """A run that is tried again is the first of its key: the live ones of the key follow it, and wait for it."""
    traffic = Traffic(store)
    lane = Timing(lane="key")
    await traffic.fail_once("first", 1, timing=lane)
    await traffic.come("second", 1, timing=lane)
    for _ in range(3 * PART):
        await traffic.turn(1)
    assert traffic.seen.index("first") < traffic.seen.index("second") < 3 * PART
    assert traffic.seen.index("first") <= PART


def test_each_server_counts_for_itself_what_it_has_passed_over() -> None:
    share = Share()
    assert 0 == share.owed(9)
    share.gave(9, 9, 0, 0)
    assert (2, 1) == (share.owed(9), share.owed(1))
    share.gave(9, 9, 2, 2)
    assert 2 == share.owed(9)
    share.gave(9, 9, 2, 1)
    assert 0 == share.owed(9), "older work has got all it wanted"
    share.gave(9, 9, 0, 0)
    share.gave(9, 8, 2, 2)
    assert 0 == share.owed(9), "nothing waits"


async def test_a_claim_asks_for_older_work_only_while_more_waits_than_it_takes(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Share] = []

    def order(share: Share) -> tuple[int, ...]:
        asked.append(share)
        return (1, 2, 3)

    monkeypatch.setattr(Share, "order", order)
    traffic = Traffic(store)
    for _ in range(3):
        await traffic.come(LIVE, 4)
        await traffic.turn(5, live=False)
    assert [] == asked
