"""What every store promises, through its verbs: `hooks.ports.Store`, the intake and the history."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hooks.errors import LeaseLost
from hooks.events import Event, Exchange, Receipt, Request, event_id, new_id
from hooks.names import name_in
from hooks.ports import (
    Attempt,
    Claimed,
    Edit,
    EventFilter,
    Pause,
    Plan,
    PlannedRun,
    Progress,
    ReceiptFilter,
    RunFilter,
    Step,
    Subscriber,
)
from hooks.store import verbs
from hooks.store.history import SqlHistory
from hooks.store.leasing import CALM
from hooks.store.rulerecords import SqlRuleRecords
from hooks.store.verbs import SqlStore

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
DAY = 86400.0


def receipt(body: bytes = b"{}", *, events: int = 1, at: datetime = NOW) -> Receipt:
    return Receipt(new_id("rcp"), "hcp", "housecall_pro", at, "accepted", body=body, events=events)


def event_of(stored: Receipt, index: int = 0, *, type: str = "job.completed") -> Event:
    return Event(
        id=event_id(stored.id, index),
        type=type,
        source=stored.source,
        vendor=stored.vendor,
        vendor_type=type,
        receipt=stored.id,
        time=NOW,
        received_at=stored.received_at,
        subject="job/job_1",
        data={"id": "job_1", "customer": {"first_name": "Zoë"}},
        raw={"event": type},
    )


def run_to(connection: str = "titan", *, due: datetime = NOW, rule: str = "rule-1") -> PlannedRun:
    return PlannedRun(new_id("run"), rule, connection, due)


async def planned(store: SqlStore, *runs: PlannedRun) -> Event:
    """A stored event with these runs."""
    stored = receipt()
    assert await store.record(stored, None, 0) is None
    event = event_of(stored)
    await store.plan([stored.id], [Plan(event, runs)], "v1")
    return event


async def claimed_one(store: SqlStore, connection: str = "titan", *, owner: str = "me", at: datetime = NOW) -> Claimed:
    [(run, _)] = await store.claim(owner, {connection: 1}, at, 20)
    return run


# --- receipts ---


async def test_a_recorded_receipt_is_read_back_byte_for_byte(store: SqlStore, history: SqlHistory) -> None:
    body = bytes(range(256))
    given = receipt(body)._replace(path="/x", query=(("a", "1"), ("a", "2")), headers={"user-agent": "Zapier"})
    assert await store.record(given, b"key", DAY) is None
    assert [given] == await store.pending("me", 10, NOW)
    shown = await history.receipt(given.id)
    assert shown is not None
    assert 256 == shown["size"]
    assert [["a", "1"], ["a", "2"]] == shown["query"]


async def test_the_same_key_is_a_duplicate_of_the_first(store: SqlStore, history: SqlHistory) -> None:
    first, second = receipt(), receipt()
    assert await store.record(first, b"key", DAY) is None
    assert first.id == await store.record(second, b"key", DAY)
    assert [first.id] == [pending.id for pending in await store.pending("me", 10, NOW)]
    shown = await history.receipt(second.id)
    assert shown is not None
    assert ("duplicate", first.id, []) == (shown["verdict"], shown["duplicate_of"], shown["events"])


async def test_fifty_copies_at_once_leave_one_accepted(store: SqlStore, history: SqlHistory) -> None:
    results = await asyncio.gather(*(store.record(receipt(), b"key", DAY) for _ in range(50)))
    assert 1 == results.count(None)
    assert 2 == len(set(results))
    stats = await history.stats()
    assert (1, 49) == (stats["receipts"]["accepted"], stats["receipts"]["duplicate"])


async def test_a_key_may_come_again_after_its_window(store: SqlStore) -> None:
    assert await store.record(receipt(at=NOW), b"key", 60) is None
    assert await store.record(receipt(at=NOW + timedelta(seconds=59)), b"key", 60) is not None
    assert await store.record(receipt(at=NOW + timedelta(seconds=60)), b"key", 60) is None


async def test_requests_that_wait_together_share_a_commit(store: SqlStore) -> None:
    before = store.commits
    await asyncio.gather(*(store.record(receipt(), None, 0) for _ in range(200)))
    assert store.commits - before < 20


# --- planning ---


async def test_planning_stores_events_and_runs_and_empties_the_list(store: SqlStore, history: SqlHistory) -> None:
    stored = receipt(events=2)
    await store.record(stored, None, 0)
    first, second = event_of(stored), event_of(stored, 1, type="job.paid")
    run = run_to()
    assert 1 == await store.plan([stored.id], [Plan(first, (run,)), Plan(second)], "v1")
    assert [] == await store.pending("me", 10, NOW)
    shown = await history.event(first.id)
    assert shown is not None
    assert ("matched", [run.id]) == (shown["state"], [made["id"] for made in shown["runs"]])
    assert "Zoë" == shown["data"]["customer"]["first_name"]
    other = await history.event(second.id)
    assert other is not None
    assert "unmatched" == other["state"]


async def test_planning_the_same_receipt_twice_changes_nothing(store: SqlStore, history: SqlHistory) -> None:
    stored = receipt()
    await store.record(stored, None, 0)
    await store.plan([stored.id], [Plan(event_of(stored), (run_to(),))], "v1")
    assert 0 == await store.plan([stored.id], [Plan(event_of(stored), (run_to(),))], "v1")
    stats = await history.stats()
    assert (1, 1) == (stats["events"]["total"], stats["runs"]["waiting"])
    assert stats["books_balance"]


async def test_an_event_that_is_not_planned_yet_is_shown_as_pending(store: SqlStore, history: SqlHistory) -> None:
    stored = receipt(events=2)
    await store.record(stored, None, 0)
    shown = await history.event(event_id(stored.id, 1))
    assert shown is not None
    assert ("pending", stored.id) == (shown["state"], shown["receipt"])
    assert await history.event(event_id(stored.id, 2)) is None
    assert await history.event("evt_nonsense") is None


async def test_once_per_lets_the_first_act_and_skips_the_others(store: SqlStore, history: SqlHistory) -> None:
    first = run_to()._replace(once=(b"digest", 60.0))
    await planned(store, first)
    second = run_to()._replace(once=(b"digest", 60.0))
    await planned(store, second)
    other_rule = run_to(rule="rule-2")._replace(once=(b"digest", 60.0))
    await planned(store, other_rule)
    shown = await history.run(second.id)
    assert shown is not None
    assert "skipped" == shown["state"]
    assert first.id in shown["reason"]
    stats = await history.stats()
    assert (2, 1) == (stats["runs"]["waiting"], stats["runs"]["skipped"])


# --- claiming ---


async def test_a_run_is_claimed_once(store: SqlStore) -> None:
    await planned(store, run_to())
    results = await asyncio.gather(*(store.claim(f"owner-{n}", {"titan": 5}, NOW, 20) for n in range(5)))
    assert 1 == sum(len(claimed) for claimed in results)


async def test_claims_keep_to_the_slots_of_each_connection_and_the_order_of_due_times(store: SqlStore) -> None:
    late, early = run_to(due=NOW - timedelta(seconds=1)), run_to(due=NOW - timedelta(seconds=9))
    other, future = run_to("home"), run_to(due=NOW + timedelta(seconds=1))
    for run in (late, early, other, future):
        await planned(store, run)
    claimed = await store.claim("me", {"titan": 1, "home": 0}, NOW, 20)
    assert [(early.id, "titan")] == [(run.id, connection) for run, connection in claimed]
    claimed = await store.claim("me", {"titan": 9, "home": 9}, NOW, 20)
    assert {late.id, other.id} == {run.id for run, _ in claimed}
    assert future.due_at == await store.next_due(["titan", "home"])


async def test_progress_is_kept_and_read_back_with_the_next_claim(store: SqlStore, history: SqlHistory) -> None:
    await planned(store, run_to())
    run = await claimed_one(store)
    request = Request("POST", "/customers?x=1", (("a", "b"),), {"accept": "x"}, b"\xff\x00")
    step = Step(
        0, "customer", "homebase360.create_customer", "titan", "intended", {"a": 1}, request, "https://x", tries=1
    )
    step = step._replace(intended_at=NOW)
    exchange = Exchange("POST", "https://x/customers", b"{}", 200, b"ok", None, 12)
    attempt = Attempt(new_id("att"), 0, 1, NOW, 12, "transient", 503, "busy", (exchange,))
    later = NOW + timedelta(seconds=5)
    change = Progress(run.id, run.fence, NOW, "waiting", "busy", later, "home", (step,), (attempt,))
    await store.progress(change)
    assert [] == await store.claim("me", {"titan": 5, "home": 5}, NOW, 20)
    [(again, connection)] = await store.claim("me", {"titan": 5, "home": 5}, later, 20)
    assert ("home", (step,), 1) == (connection, again.steps, again.attempts)
    shown = await history.run(run.id)
    assert shown is not None
    assert "https://x/customers" == shown["steps"][0]["attempts"][0]["exchanges"][0]["url"]


async def test_a_late_result_of_an_old_owner_is_not_written(store: SqlStore) -> None:
    await planned(store, run_to())
    old = await claimed_one(store, owner="dead")
    assert 1 == await store.recover("alive", NOW + timedelta(seconds=21))
    new = await claimed_one(store, owner="alive", at=NOW + timedelta(seconds=21))
    with pytest.raises(LeaseLost):
        await store.progress(Progress(old.id, old.fence, NOW, "failed"))
    await store.progress(Progress(new.id, new.fence, NOW, "done"))
    with pytest.raises(LeaseLost):
        await store.progress(Progress(new.id, new.fence, NOW, "failed"))


async def test_a_failing_write_takes_nobody_else_down(store: SqlStore, history: SqlHistory) -> None:
    await planned(store, run_to())
    run = await claimed_one(store)
    wrong = store.progress(Progress(run.id, run.fence + 1, NOW, "failed"))
    right = store.progress(Progress(run.id, run.fence, NOW, "done"))
    results = await asyncio.gather(wrong, right, store.record(receipt(), None, 0), return_exceptions=True)
    assert isinstance(results[0], LeaseLost)
    assert (None, None) == (results[1], results[2])
    stats = await history.stats()
    assert (1, 0) == (stats["runs"]["done"], stats["runs"]["failed"])
    assert stats["books_balance"]


async def test_a_lease_that_ran_out_is_given_back(store: SqlStore) -> None:
    await planned(store, run_to())
    run = await claimed_one(store)
    assert 0 == await store.recover("me", NOW + timedelta(seconds=19))
    await store.renew("me", [], NOW + timedelta(seconds=19), 20)
    await store.renew("another", [run.id], NOW + timedelta(seconds=19), 60)
    await store.renew("me", [run.id], NOW + timedelta(seconds=19), 20)
    assert 0 == await store.recover("me", NOW + timedelta(seconds=30))
    assert 1 == await store.recover("another", NOW + timedelta(seconds=40))


async def test_runs_of_a_connection_are_held_and_released(store: SqlStore, history: SqlHistory) -> None:
    await planned(store, run_to("old"))
    await planned(store, run_to("titan"))
    assert ["old"] == await store.absent_connections(["titan"])
    assert 1 == await store.hold({"old": "gone"})
    assert [] == await store.claim("me", {"old": 5}, NOW, 20)
    page = await history.runs(RunFilter(state="held"))
    assert ["gone"] == [run["reason"] for run in page.items]
    assert 0 == await store.release(["old"], ["another reason"], NOW)
    assert 1 == await store.release(["old"], ["gone"], NOW)
    assert 1 == len(await store.claim("me", {"old": 5}, NOW, 20))


async def test_live_runs_are_claimed_before_those_that_are_tried_again(store: SqlStore) -> None:
    again, live, later = run_to(), run_to(), run_to(due=NOW + timedelta(hours=1))
    await planned(store, again)
    run = await claimed_one(store)
    await store.progress(Progress(run.id, run.fence, NOW, "waiting", "busy", NOW, again=True))
    await planned(store, live)
    await planned(store, later)
    assert NOW == await store.next_due(["titan"])
    assert [live.id, again.id] == [run.id for run, _ in await store.claim("me", {"titan": 9}, NOW, 20)]


async def test_what_was_in_progress_in_three_crashes_is_set_aside(store: SqlStore, history: SqlHistory) -> None:
    poison, other = run_to(), run_to()
    await planned(store, poison)
    await planned(store, other)
    at = NOW
    for number in range(3):
        claimed = [run.id for run, _ in await store.claim(f"owner-{number}", {"titan": 9}, at, 20)]
        assert (1 if number == 2 else 2) == len(claimed), "after two crashes one at a time"
        assert poison.id in claimed
        at += timedelta(seconds=21)
        await store.recover(f"owner-{number + 1}", at)
        if number == 1:
            assert [] == await store.claim("soon", {"titan": 9}, at, 20), (
                "who is killed again at once is not killed by it"
            )
            at += timedelta(seconds=CALM)
    shown = await history.run(poison.id)
    assert shown is not None
    assert ("failed", True) == (shown["state"], "3 crashes" in shown["reason"])
    assert [other.id] == [run.id for run, _ in await store.claim("me", {"titan": 9}, at, 20)]
    assert (await history.stats())["books_balance"]
    assert await store.retry(poison.id, at)


async def test_a_stop_in_order_is_no_crash(store: SqlStore) -> None:
    await planned(store, run_to())
    for number in range(5):
        run = await claimed_one(store, owner=f"owner-{number}")
        assert 1 == await store.leave(f"owner-{number}", NOW)
        with pytest.raises(LeaseLost):
            await store.progress(Progress(run.id, run.fence, NOW, "done"))


async def test_held_runs_go_on_oldest_first_and_spaced(store: SqlStore, history: SqlHistory) -> None:
    runs = [run_to() for _ in range(3)]
    for run in runs:
        await planned(store, run)
    assert 3 == await store.hold({"titan": "paused"})
    assert 3 == await store.release(["titan"], ["paused"], NOW, {"titan": 10.0})
    assert [runs[0].id] == [run.id for run, _ in await store.claim("me", {"titan": 9}, NOW, 20)]
    assert NOW + timedelta(seconds=10) == await store.next_due(["titan"])
    later = NOW + timedelta(seconds=20)
    assert [runs[1].id, runs[2].id] == [run.id for run, _ in await store.claim("me", {"titan": 9}, later, 20)]


async def test_very_many_are_held_and_let_go_in_several_goes_and_in_one_row(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "PART", 1)
    monkeypatch.setattr(verbs, "AT_ONCE", 2)
    runs = [run_to() for _ in range(3)]
    for run in runs:
        await planned(store, run)
    assert [2, 1, 0] == [await store.hold({"titan": "paused"}) for _ in range(3)]
    spaced = {"titan": 10.0}
    assert [2, 1, 0] == [await store.release(["titan"], ["paused"], NOW, spaced) for _ in range(3)]
    later = NOW + timedelta(seconds=20)
    claimed = [await store.claim("me", {"titan": 9}, at, 20) for at in (NOW, later - timedelta(seconds=1), later)]
    assert [[run.id] for run in runs] == [[run.id for run, _ in each] for each in claimed]


async def test_what_was_said_of_a_connection_is_kept(store: SqlStore) -> None:
    await store.set_pause(Pause("titan", True, NOW, "maintenance"))
    assert {"titan": Pause("titan", True, NOW, "maintenance")} == await store.pauses()
    await store.set_pause(Pause("titan", False, NOW, None, 4.0))
    assert {"titan": Pause("titan", False, NOW, None, 4.0)} == await store.pauses()


async def test_a_failed_run_is_tried_again_from_its_unfinished_step(store: SqlStore) -> None:
    await planned(store, run_to())
    run = await claimed_one(store)
    done = Step(0, "a", "x.y", "titan", "done", {}, output={"id": 1}, tries=1, finished_at=NOW)
    refused = Step(1, "b", "x.z", "titan", "failed", {}, error="no", tries=3, finished_at=NOW)
    await store.progress(Progress(run.id, run.fence, NOW, "failed", "no", steps=(done, refused)))
    assert await store.retry(run.id, NOW)
    assert not await store.retry(run.id, NOW)
    again = await claimed_one(store)
    assert ["done", "waiting"] == [step.state for step in again.steps]
    assert 0 == again.steps[1].tries


async def test_retrying_a_run_whose_outcome_was_never_found_out_looks_it_up_first(store: SqlStore) -> None:
    await planned(store, run_to())
    run = await claimed_one(store)
    unknown = Step(0, "a", "x.y", "titan", "failed", {}, tries=3, intended_at=NOW, finished_at=NOW)
    await store.progress(Progress(run.id, run.fence, NOW, "failed", "no", steps=(unknown,)))
    assert await store.retry(run.id, NOW)
    again = await claimed_one(store)
    assert "intended" == again.steps[0].state


async def test_a_waiting_run_can_be_cancelled_and_is_kept(store: SqlStore, history: SqlHistory) -> None:
    run = run_to()
    await planned(store, run)
    assert await store.cancel(run.id, "cancelled by a person", NOW)
    assert not await store.cancel(run.id, "again", NOW)
    assert [] == await store.claim("me", {"titan": 5}, NOW, 20)
    shown = await history.run(run.id)
    assert shown is not None
    assert ("failed", "cancelled by a person") == (shown["state"], shown["reason"])


async def test_rule_texts_are_kept_by_version(store: SqlStore) -> None:
    assert await store.latest_rules() is None
    await store.keep_rules("v1", {"routes.yaml": "version: 1"}, NOW)
    await store.keep_rules("v2", {"routes.yaml": "version: 1\n"}, NOW + timedelta(seconds=1))
    await store.keep_rules("v1", {"routes.yaml": "version: 1"}, NOW + timedelta(seconds=2))
    assert {"routes.yaml": "version: 1\n"} == await store.rules("v2")
    assert await store.rules("v3") is None
    latest = await store.latest_rules()
    assert latest is not None
    assert "v1" == latest[0]


async def test_what_came_into_force_is_numbered_with_its_author(store: SqlStore, history: SqlHistory) -> None:
    records = SqlRuleRecords(history.reader)
    assert [] == await records.versions(None, 5)
    edit = Edit("maya", "api", "prices")

    given = [
        await store.keep_rules("v1", {"routes.yaml": "a"}, NOW),
        await store.keep_rules("v1", {"routes.yaml": "a"}, NOW),
        await store.keep_rules("v2", {"routes.yaml": "b", "more.yaml": "c"}, NOW, edit),
        await store.keep_rules("v1", {"routes.yaml": "a"}, NOW, Edit("maya", "rollback")),
    ]

    assert [1, 1, 2, 3] == given
    versions = await records.versions(None, 5)
    assert [(3, "v1", "rollback"), (2, "v2", "api"), (1, "v1", "file")] == [
        (each["number"], each["version"], each["origin"]) for each in versions
    ]
    assert [2, 1] == [each["number"] for each in await records.versions(3, 5)]
    second = await records.version(2)
    assert second is not None
    assert ("maya", "prices", {"routes.yaml": "b", "more.yaml": "c"}) == tuple(
        second[key] for key in ("author", "note", "files")
    )
    assert ["routes.yaml", "more.yaml"] == list(second["files"]), "the main file first"
    assert await records.version(4) is None


async def test_servers_that_load_at_the_same_moment_get_numbers_of_their_own(
    store: SqlStore, history: SqlHistory
) -> None:
    given = await asyncio.gather(*(store.keep_rules(f"v{n}", {"routes.yaml": str(n)}, NOW) for n in range(8)))

    assert list(range(1, 9)) == sorted(given)
    versions = await SqlRuleRecords(history.reader).versions(None, 20)
    assert list(range(8, 0, -1)) == [each["number"] for each in versions]


# --- reading ---


async def test_lists_are_newest_first_and_paged_without_gaps(store: SqlStore, history: SqlHistory) -> None:
    events = [await planned(store, run_to()) for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await history.events(EventFilter(cursor=cursor, limit=3))
        seen += [item["id"] for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert [event.id for event in reversed(events)] == seen
    runs = await history.runs(RunFilter(limit=500))
    assert 7 == len(runs.items)
    about = {"type": events[-1].type, "subject": events[-1].subject, "display_name": name_in(events[-1].data)}
    assert about == runs.items[0]["about"]
    run = await history.run(runs.items[0]["id"])
    assert run is not None and about == run["about"]
    receipts = await history.receipts(ReceiptFilter(limit=5))
    assert (5, True) == (len(receipts.items), receipts.next is not None)


async def test_dead_letters_that_were_given_up_are_told_from_those_that_wait_for_a_person(
    store: SqlStore, history: SqlHistory
) -> None:
    for number in range(4):
        await planned(store, run_to(rule=f"rule-{number}", connection="titan" if number else "office"))
    runs = [run for run, _ in await store.claim("me", {"titan": 5, "office": 5}, NOW, 20)]
    runs.sort(key=lambda run: run.rule)
    for run in runs[:3]:
        await store.progress(Progress(run.id, run.fence, NOW, "failed", "answered 422"))
    await store.cancel(runs[0].id, "cancelled by a person: answered 422", NOW)

    async def found(filter: RunFilter) -> list[str]:
        return sorted(item["rule"] for item in (await history.runs(filter)).items)

    assert ["rule-0"] == await found(RunFilter(given_up=True))
    assert ["rule-0"] == await found(RunFilter(state="failed", given_up=True))
    assert ["rule-1", "rule-2"] == await found(RunFilter(state="failed", given_up=False))
    assert ["rule-1", "rule-2", "rule-3"] == await found(RunFilter(given_up=False))
    assert [] == await found(RunFilter(state="running", given_up=True))
    assert ["rule-0"] == await found(RunFilter(state="failed", connection="office"))
    stats = await history.stats()
    assert (3, 1) == (stats["runs"]["failed"], stats["given_up"])

    assert await store.retry(runs[0].id, NOW)
    assert (2, 0) == ((stats := await history.stats())["runs"]["failed"], stats["given_up"])


async def test_runs_are_listed_by_when_they_were_made(store: SqlStore, history: SqlHistory) -> None:
    await planned(store, run_to())
    made = (await history.runs(RunFilter())).items[0]["created_at"]
    at = datetime.fromisoformat(made)

    async def count(filter: RunFilter) -> int:
        return len((await history.runs(filter)).items)

    later = at + timedelta(seconds=1)
    assert (1, 0) == (await count(RunFilter(since=at)), await count(RunFilter(since=later)))
    assert (0, 1) == (await count(RunFilter(until=at)), await count(RunFilter(until=later)))


async def test_filters_narrow_a_list(store: SqlStore, history: SqlHistory) -> None:
    event = await planned(store, run_to(rule="the-rule"))
    await planned(store)

    async def found(filter: EventFilter) -> list[str]:
        return [item["id"] for item in (await history.events(filter)).items]

    assert 2 == len(await found(EventFilter(type="job.*")))
    assert 0 == len(await found(EventFilter(type="job.?ompleted")))
    assert [event.id] == await found(EventFilter(rule="the-rule"))
    assert [event.id] == await found(EventFilter(state="matched"))
    assert 2 == len(await found(EventFilter(q="zoë")))
    assert 0 == len(await found(EventFilter(q="%")))
    assert 0 == len(await found(EventFilter(since=NOW + timedelta(days=1))))
    assert 2 == len(await found(EventFilter(until=NOW + timedelta(days=1), source="hcp")))


# --- large events ---


async def test_large_events_are_claimed_a_few_at_a_time_and_none_is_left_out(store: SqlStore) -> None:
    runs = [run_to() for _ in range(5)]
    for run in runs:
        stored = receipt()
        await store.record(stored, None, 0)
        large = event_of(stored)._replace(data={"note": "x" * 600_000})
        await store.plan([stored.id], [Plan(large, (run,))], "v1")
    seen: list[str] = []
    while claimed := await store.claim("me", {"titan": 5}, NOW, 20):
        assert len(claimed) < 5
        assert all(run.size > 600_000 for run, _ in claimed)
        seen += [run.id for run, _ in claimed]
    assert [run.id for run in runs] == seen


# --- traffic ---


async def test_what_happened_is_counted_by_the_minute(store: SqlStore, history: SqlHistory) -> None:
    await asyncio.gather(*(store.record(receipt(), b"key", DAY) for _ in range(3)))
    await store.record(receipt(at=NOW + timedelta(minutes=2)), None, 0)
    await planned(store, run_to())
    run = await claimed_one(store)
    await store.progress(Progress(run.id, run.fence, NOW + timedelta(minutes=1), "done"))
    minute = timedelta(minutes=1)
    assert [
        (NOW, "receipt.accepted", "hcp", 2),
        (NOW, "receipt.duplicate", "hcp", 2),
        (NOW + minute, "run.done", "titan", 1),
        (NOW + 2 * minute, "receipt.accepted", "hcp", 1),
    ] == list(await history.traffic(NOW))
    assert 2 == len(await history.traffic(NOW + timedelta(seconds=61)))


# --- subscribers ---


def subscriber(name: str = "a", event: str = "job.completed", expires_at: datetime | None = None) -> Subscriber:
    return Subscriber(new_id("sub"), "zaps", event, f"https://hooks.zapier.com/{name}", NOW, expires_at)


async def test_subscribers_are_kept_and_given_as_they_were(store: SqlStore) -> None:
    wanted = [subscriber("a"), subscriber("b", expires_at=NOW + timedelta(hours=1)), subscriber("a", "job.*")]

    kept = [await store.subscribe(one, 10) for one in wanted]

    assert wanted == kept == await store.subscribers()


async def test_the_same_address_for_the_same_event_is_one_subscriber_with_the_new_expiry(store: SqlStore) -> None:
    first = subscriber()
    later = NOW + timedelta(hours=2)
    await store.subscribe(first, 1)

    again = await store.subscribe(subscriber(expires_at=later), 1)

    assert replace(first, expires_at=later) == again
    assert [again] == await store.subscribers()


async def test_one_more_subscriber_than_allowed_is_not_kept(store: SqlStore) -> None:
    await store.subscribe(subscriber("a"), 1)

    assert None is await store.subscribe(subscriber("b"), 1)
    assert 1 == len(await store.subscribers())


async def test_a_subscriber_is_forgotten_at_his_own_source_only(store: SqlStore) -> None:
    kept = await store.subscribe(subscriber(), 10)
    assert kept is not None

    assert [False, True, False] == [await store.unsubscribe(kept.id, source) for source in ("other", "zaps", "zaps")]
    assert [] == await store.subscribers()


async def test_subscribers_that_have_expired_are_forgotten(store: SqlStore) -> None:
    for name, expires_at in (("old", NOW), ("new", NOW + timedelta(days=1)), ("ever", None)):
        await store.subscribe(subscriber(name, expires_at=expires_at), 10)

    assert 1 == await store.forget_expired(NOW + timedelta(seconds=1))
    assert 2 == len(await store.subscribers())


# --- turns ---


async def test_turns_are_given_once_and_evenly_and_none_lies_in_the_past(store: SqlStore) -> None:
    second = timedelta(seconds=1)
    assert NOW == await store.take_turns("titan", 5, 0.2, NOW)
    assert NOW + second == await store.take_turns("titan", 5, 0.2, NOW)
    assert NOW == await store.take_turns("other", 1, 1.0, NOW)
    later = NOW + 60 * second
    assert later == await store.take_turns("titan", 1, 0.2, later)
    taken = await asyncio.gather(*(store.take_turns("titan", 2, 0.5, later) for _ in range(10)))
    assert [later + timedelta(seconds=0.2) + place * second for place in range(10)] == sorted(taken)
