"""Health: red when something does not happen that should, and a server that is not ready for no other reason."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from hooks.events import Receipt, Verdict, new_id
from hooks.health import (
    CROWDED,
    LATE,
    NO_COMMIT,
    REFUSED_IN_A_ROW,
    REFUSED_LATELY,
    STALE_IN_A_ROW,
    STALLED,
    UNREAD,
    Finding,
    Health,
)
from tests.faults.conftest import Tell
from tests.faults.table import Row
from tests.journeys.world import ADMIN_TOKEN, NOTE, OFFICE, SOURCES, World
from tests.upkeep.conftest import Command

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Store:
    broken: str | None = None
    alone: bool = True
    crowded: bool = False
    commits: int = 0


class Patient:
    """Health over a store and a clock that are set by hand."""

    def __init__(self) -> None:
        self.clock, self.store = Clock(), Store()
        self.health = Health(self.clock, self.store)

    def said(self) -> tuple[bool, str, str]:
        """Ready, the verdict, and all that was found, in one line."""
        report = self.health.report(self.health.ready())
        return report["ready"], report["status"], "; ".join(one["what"] for one in report["findings"])


def receipt(verdict: Verdict, reason: str | None = None, source: str = "hcp") -> Receipt:
    return Receipt(new_id("rcp"), source, "housecall_pro", NOW, verdict, reason=reason)


@pytest.fixture
def patient() -> Patient:
    return Patient()


def test_a_server_that_does_what_it_should_is_green(patient: Patient) -> None:
    patient.health.took(receipt("accepted"))
    assert (True, "green", "") == patient.said()


def test_a_store_that_is_broken_or_crowded_is_red_and_not_ready(patient: Patient) -> None:
    patient.store.broken = "the disk is gone"
    assert (False, "red", "nothing can be stored: the disk is gone") == patient.said()
    patient.store = Store(crowded=True)
    patient.health = Health(patient.clock, patient.store)
    assert (False, "red", "too little room is left on the disk: webhooks are put off") == patient.said()


def test_a_database_that_several_servers_share_is_not_mended_by_restarting_them(patient: Patient) -> None:
    patient.store.broken, patient.store.alone = "the database has not answered for 5 s", False
    [finding] = patient.health.findings()
    assert "goes on by itself" in finding.mend


def test_a_loop_that_has_not_turned_is_red_and_not_ready(patient: Patient) -> None:
    patient.health.watch("worker", lambda: 0.0)
    patient.clock.seconds = STALLED - 0.1
    assert (True, "green", "") == patient.said()
    patient.clock.seconds = STALLED
    assert (False, "red", "the worker has not turned for 10s") == patient.said()


def test_a_connection_that_is_left_alone_is_named_with_what_to_do(patient: Patient) -> None:
    patient.health.left_alone = lambda: {"titan": "answered 401: no such client"}
    said = "connection 'titan' is left alone until it works again: answered 401: no such client"
    assert (True, "yellow", said) == patient.said()
    assert "hooks connections test titan" in patient.health.findings()[0].mend


def test_requests_without_a_commit_are_red_until_something_is_committed(patient: Patient) -> None:
    patient.health.could_not_take()
    assert (True, "green", "") == patient.said()
    patient.clock.seconds = NO_COMMIT + 1
    assert (False, "red", "requests come and nothing is committed") == patient.said()
    patient.store.commits += 1
    assert (True, "green", "") == patient.said()


def test_late_work_is_red_and_takes_no_webhooks_away(patient: Patient) -> None:
    patient.health.figures.update(oldest_due_seconds=LATE + 1, oldest_pending_seconds=UNREAD + 1)
    ready, status, what = patient.said()
    assert (True, "red") == (ready, status)
    assert "the oldest run that is due" in what
    assert "the oldest accepted webhook" in what
    patient.health.rules_loaded = lambda: False
    assert "no rules are loaded" in patient.said()[2]


def test_a_row_of_webhooks_that_are_too_old_is_put_down_to_our_clock(
    patient: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(STALE_IN_A_ROW - 1):
        patient.health.took(receipt("refused", "stale"))
    patient.health.took(receipt("refused", "mismatch"))
    assert "green" == patient.said()[1]
    patient.health.took(receipt("refused", "stale"))
    assert "this machine's clock is probably wrong (it shows 2026-05-04T14:00:00Z)" in patient.said()[2]
    assert 1 == caplog.text.count("probably wrong")
    patient.health.took(receipt("accepted", source="leads"))
    assert "red" == patient.said()[1]
    patient.health.took(receipt("accepted"))
    assert "green" == patient.said()[1]


def test_a_source_whose_webhooks_are_all_refused_is_told(patient: Patient, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(REFUSED_IN_A_ROW - 1):
        patient.health.took(receipt("refused", "mismatch"))
    patient.health.took(receipt("ping"))
    assert "green" == patient.said()[1]
    for _ in range(3):
        patient.health.took(receipt("refused", "malformed"))
    assert "yellow" == patient.said()[1]
    assert f"the last {REFUSED_IN_A_ROW + 2} webhooks of source 'hcp' were refused" in patient.said()[2]
    assert 1 == caplog.text.count("were refused")
    patient.clock.seconds += REFUSED_LATELY + 1
    assert "green" == patient.said()[1]
    patient.health.took(receipt("refused", "mismatch"))
    assert "yellow" == patient.said()[1]
    patient.health.took(receipt("accepted"))
    assert "green" == patient.said()[1]


def test_senders_that_were_put_off_are_told_of_for_five_minutes(
    patient: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    patient.health.put_off()
    patient.health.put_off()
    assert (True, "yellow") == patient.said()[:2]
    assert "more webhooks come than this server can store: 2 were put off, the last one now" == patient.said()[2]
    patient.clock.seconds = CROWDED
    assert patient.said()[2].endswith("the last one 5m ago")
    patient.clock.seconds += 1
    assert "green" == patient.said()[1]
    patient.health.put_off()
    assert "1 was put off" in patient.said()[2]
    assert 3 == patient.health.stats(True)["put_off"]
    assert 2 == caplog.text.count("senders are put off"), "a line for each crowd"


def test_warnings_are_yellow_and_come_last(patient: Patient) -> None:
    patient.health.notes["old"] = Finding("yellow", "an old library", "renew it")
    assert (True, "yellow", "an old library") == patient.said()
    patient.store.crowded = True
    assert patient.said()[2].endswith("; an old library")


async def test_a_running_server_tells_its_health_and_exports_it(world: World, command: Command) -> None:
    await world.serve(RULES)
    await world.run(await world.job())
    code, printed, _ = await command("healthcheck", "--detail")
    assert (0, True) == (code, "durability is relaxed" in printed)

    health = await world.read("health")
    stats = await world.until(world.stats, lambda found: "oldest_due_seconds" in found)
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        metrics = (await client.get(f"{world.admin}/metrics", headers=headers)).text

    assert health["ready"]
    assert [] == [one for one in health["findings"] if one["level"] == "red"]
    assert any("durability is relaxed" in one["what"] for one in health["findings"])
    assert (True, True, "relaxed") == (stats["ready"], stats["healthy"], stats["durability"])
    assert {"dispatcher", "worker"} <= set(stats["loops_seconds"])
    for name in (
        "ready",
        "healthy",
        "books_balance",
        "put_off",
        "oldest_due_seconds",
        "oldest_pending_seconds",
        "free_bytes",
    ):
        assert f"\nhooks_{name} " in metrics, name
    assert 'hooks_loops_seconds{kind="worker"}' in metrics


async def test_rows_changed_by_hand_show_in_the_books_and_stop_nothing(world: World, tell: Tell) -> None:
    await world.serve(RULES)
    events = [await world.job() for _ in range(3)]
    for event in events:
        await world.run(event)
    assert (await world.stats())["books_balance"]
    found = []
    for hand in (
        f"DELETE FROM runs WHERE event = '{events[0]}'",
        f"UPDATE runs SET state = 'waiting' WHERE event = '{events[1]}'",
        f"UPDATE runs SET state = 'finished by hand' WHERE event = '{events[1]}'",
        f"DELETE FROM events WHERE id = '{events[2]}'",
        "DELETE FROM receipts",
    ):
        with closing(sqlite3.connect(world.folder / "data" / "hooks.db", isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            raw.execute(hand)
            raw.execute("COMMIT")
        found.append((await world.stats())["books_balance"])
    assert [False] * 5 == found
    assert world._app is not None
    assert world._app.keeper is not None
    await world._app.keeper._round()
    assert any("the books do not balance" in one["what"] for one in (await world.read("health"))["findings"])
    await world.run(await world.job())
    tell(Row("F53 hand edits", "rows deleted, states set by hand", "noticed", "5 of 5 noticed by the books"))


async def test_damage_that_is_found_while_it_runs_ends_the_taking(world: World, command: Command) -> None:
    await world.serve(RULES)
    for _ in range(40):
        await world.job(note="x" * 3000)
    await world.quiet()
    assert world._app is not None
    keeper = world._app.keeper
    assert keeper is not None
    await keeper._examine()
    sound = (await world.read("health"))["ready"]
    path = world.folder / "data" / "hooks.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events_by_type'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * 8192)
        file.write(b"\xa5" * 8192)

    await keeper._examine()

    assert sound
    code, printed, _ = await command("healthcheck", "--json")
    assert (1, "red") == (code, json.loads(printed)["status"])
    report = await world.read("health")
    assert (False, "red") == (report["ready"], report["status"])
    assert 503 == (await world.hcp({"event": "job.completed", "job": world.some_job()})).status_code
