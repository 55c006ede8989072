"""Damaged pages, a killed migration, a hot table: what the file itself may meet."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hooks.errors import StoreRefused
from hooks.events import Receipt, new_id
from hooks.store.migrate import migrations
from hooks.store.sqlite import open_sqlite
from tests.faults.conftest import Tell
from tests.faults.processes import ProcessWorld
from tests.faults.table import Row
from tests.journeys.world import NOTE, OFFICE, SOURCES
from tests.store.first_release import first_release
from tests.store.test_retention import happened

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
PAGE = 8192
ROUNDS = 5
"""How often pruning is tried where something else holds answers up."""
Answered = tuple[float, float]
"""When a webhook was sent, and when its answer was there."""
OLDEST = (datetime.now(UTC) - timedelta(days=40)).replace(microsecond=0)


async def _filled(path: Path, events: int = 60) -> None:
    store = await open_sqlite(path, relaxed=True)
    for _ in range(events):
        await happened(store, "done")
    await store.close()


async def test_a_page_that_was_overwritten_is_noticed_at_the_start(tmp_path: Path, tell: Tell) -> None:
    path = tmp_path / "hooks.db"
    await _filled(path)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    print(f"seed {seed}")
    with closing(sqlite3.connect(path)) as raw:
        assert 0 == raw.execute("PRAGMA freelist_count").fetchone()[0]
    sound = path.read_bytes()
    noticed = 0
    for number in chance.sample(range(1, len(sound) // PAGE), 20):
        damaged = bytearray(sound)
        damaged[number * PAGE : (number + 1) * PAGE] = chance.randbytes(PAGE)
        path.write_bytes(damaged)
        try:
            await (await open_sqlite(path, relaxed=True)).close()
        except StoreRefused:
            noticed += 1
    path.write_bytes(sound)
    await (await open_sqlite(path, relaxed=True)).close()
    assert 20 == noticed
    tell(Row("F8 damaged page", "20 random pages overwritten", "20 noticed", f"{noticed} of 20 refused at the start"))


async def test_a_database_that_is_deleted_under_a_server_ends_acknowledging(world: ProcessWorld, tell: Tell) -> None:
    await world.serve(RULES)
    for number in range(5):
        assert 202 == (await world.lead({"full_name": f"Invented Person {number}"})).status_code
    for file in world.data.glob("hooks.db*"):
        file.unlink()
    await world.until(lambda: world.get("/readyz"), lambda answer: answer.status_code == 503)
    put_off = await world.lead({"full_name": "Somebody who is told to come again"})
    assert 429 == put_off.status_code
    assert put_off.headers["Retry-After"].isdigit()
    await asyncio.sleep(5)
    said = world.said()
    assert 1 == said.count("ERROR   hooks.store: hooks.db was deleted, or something else was put in its place")
    assert 1 == said.count("runs cannot be claimed now"), "and not every second"
    assert "failed with" not in said
    await world.stop()
    tell(Row("F8 deleted", "the files of a running server", "no 2xx afterwards", "put off within 2 s, and told"))


async def test_rubbish_after_the_last_sync_of_the_log_costs_nothing(tmp_path: Path, tell: Tell) -> None:
    path, copy = tmp_path / "hooks.db", tmp_path / "copy" / "hooks.db"
    copy.parent.mkdir()
    store = await open_sqlite(path, relaxed=True)
    told = [Receipt(new_id("rcp"), "s", "v", OLDEST, "accepted", body=b"x" * 900, events=1) for _ in range(30)]
    for receipt in told:
        await store.record(receipt, None, 0)
    for name in ("hooks.db", "hooks.db-wal"):
        shutil.copy(tmp_path / name, copy.parent / name)
    await store.close()
    with copy.with_name("hooks.db-wal").open("ab") as wal:
        wal.write(random.Random(3).randbytes(3 * PAGE + 100))
    again = await open_sqlite(copy, relaxed=True)
    there = {receipt.id for receipt in await again.pending("me", 100, OLDEST)}
    await again.close()
    lost = len([receipt for receipt in told if receipt.id not in there])
    assert 0 == lost
    tell(Row("F8 rubbish in the log", "random bytes after the last frame", "lost 0", "goes on", lost))


def _first_release(path: Path, receipts: int) -> None:
    with first_release(path) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.executemany(
            "INSERT INTO runs (id, event, rule, rules_version, generation, state, connection, due_at, created_at, "
            "attempts, fence) VALUES (?, ?, 'r', 'v', 0, 'done', 'c', 0, 0, 1, 1)",
            ((f"run_{number:032x}", f"evt_{number:032x}") for number in range(receipts)),
        )
        raw.execute("INSERT INTO counters VALUES ('runs.done', ?)", (receipts,))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("rows", "kills"), [(20_000, 4), pytest.param(100_000, 50, marks=pytest.mark.slow)])
def test_a_migration_that_is_killed_leaves_the_old_or_the_new(
    tmp_path: Path, tell: Tell, rows: int, kills: int
) -> None:
    chance = random.Random(11)
    old = tmp_path / "old.db"
    _first_release(old, rows)
    command = [sys.executable, "-m", "hooks", "db", "migrate", "--data", str(tmp_path / "data"), "--json"]
    data = tmp_path / "data" / "hooks.db"
    states: set[int] = set()
    took = 1.0
    for number in range(kills + 1):
        shutil.rmtree(data.parent, ignore_errors=True)
        data.parent.mkdir()
        shutil.copy(old, data)
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if number:  # the first is not killed: how long it takes is what the moments are chosen from
            time.sleep(chance.uniform(took * 0.3, took))
            process.send_signal(signal.SIGKILL)
        process.wait()
        took = time.monotonic() - began if not number else took
        with closing(sqlite3.connect(data)) as raw:
            assert ("ok",) == raw.execute("PRAGMA integrity_check").fetchone()
            applied = [row[0] for row in raw.execute("SELECT number FROM migrations ORDER BY number")]
            columns = {row[1] for row in raw.execute("PRAGMA table_info(runs)")}
            assert rows == raw.execute("SELECT count(*) FROM runs").fetchone()[0]
        assert [migration.number for migration in migrations()[: len(applied)]] == applied, "whole ones, in order"
        assert ("priority" in columns) == (5 in applied), "a migration and the note of it are one"
        states.add(len(applied))
        assert 0 == subprocess.run(command, stdout=subprocess.DEVNULL).returncode, "and the next start goes on"
    seen = f"{kills} kills, {rows} rows: found with {sorted(states)} of {len(migrations())} applied"
    tell(Row("F51 migration killed", "kill -9 at random moments", "old or new, never between", seen, 0))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("events", "share"), [(1_500, 0.3), pytest.param(100_000, 0.02, marks=pytest.mark.slow)])
async def test_pruning_a_hot_table_holds_up_nobody(world: ProcessWorld, tell: Tell, events: int, share: float) -> None:
    """Pruning goes in small pieces and rests between them: no answer waits for more than this share of the whole time.

    One round that shows it is enough. A machine that is busy otherwise may hold up an answer, and so spoil a round;
    deleting all at once spoils each of them.
    """
    for _ in range(ROUNDS):
        plain, during, pruning, before, after = await _hot_table(world, events)
        worst, usual = (max(ended - began for began, ended in answers) for answers in (during, plain))
        if worst < share * pruning:
            break
        shutil.rmtree(world.data)
    assert worst < share * pruning, f"an answer waited for {worst:.2f} of {pruning:.2f} s"
    seen = f"{events} events: worst answer {worst * 1000:.0f} ms of {pruning:.1f} s (before: {usual * 1000:.0f} ms), "
    seen += f"file {before >> 20} → {after >> 20} MiB"
    tell(Row("F45 hot table", "retention deletes under load", "no pause over 250 ms, no growth", seen, 0))


async def _hot_table(world: ProcessWorld, events: int) -> tuple[list[Answered], list[Answered], float, int, int]:
    """When webhooks were answered before and during the pruning of so many events, its seconds, and the file's size."""
    file = world.data / "hooks.db"
    await world.serve(RULES)
    await world.stop()
    _old_events(file, events)
    await world.serve()
    plain = await _paced(world, 40)
    before = file.stat().st_size
    began = time.monotonic()
    pruning = asyncio.create_task(_pruned(world))
    during: list[Answered] = []
    while not pruning.done():
        during += await _paced(world, 5)
    gone, ended = await pruning
    refilled = await _paced(world, 40)
    after = file.stat().st_size

    assert events == gone
    assert after < before * 1.2 + 40 * 20_000
    assert refilled
    assert (await world.quiet())["books_balance"]
    await world.stop()
    return plain, during, ended - began, before, after


def _old_events(path: Path, number: int) -> None:
    """Finished events of long ago, as the engine would have left them."""
    at, text = round(OLDEST.timestamp() * 1000), OLDEST.isoformat()
    body = "x" * 1500
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("BEGIN")
        for n in range(number):
            name = f"{n:032x}"
            raw.execute(
                "INSERT INTO receipts (id, source, vendor, received_at, verdict, path, query, headers, body, events, "
                "pending) VALUES (?, 'leads', 'zapier', ?, 'accepted', '', '[]', '{}', ?, 1, 0)",
                (f"rcp_{name}", at, body.encode()),
            )
            raw.execute(
                "INSERT INTO events (id, type, source, vendor, vendor_type, receipt, time, received_at, data, raw, "
                "state, rules_version) VALUES (?, 'lead.created', 'leads', 'zapier', 'x', ?, ?, ?, '{}', ?, "
                "'matched', 'v')",
                (f"evt_{name}", f"rcp_{name}", text, text, f'"{body}"'),
            )
            raw.execute(
                "INSERT INTO runs (id, event, rule, rules_version, generation, state, connection, due_at, created_at, "
                "finished_at, attempts, fence) VALUES (?, ?, 'note', 'v', 0, 'done', 'office', ?, ?, ?, 1, 1)",
                (f"run_{name}", f"evt_{name}", at, at, at),
            )
        for total in ("receipts.accepted", "events.accepted", "events.matched", "runs.done"):
            raw.execute(
                "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                (total, number),
            )
        raw.execute("COMMIT")


async def _paced(world: ProcessWorld, number: int) -> list[Answered]:
    answered = []
    for _ in range(number):
        began = time.monotonic()
        answer = await world.lead({"full_name": "Maya Ortiz", "note": str(time.monotonic_ns())})
        answered.append((began, time.monotonic()))
        assert 202 == answer.status_code
        await asyncio.sleep(0.01)
    return answered


async def _pruned(world: ProcessWorld) -> tuple[int, float]:
    """How many events were deleted, and when that ended."""
    gone, start = 0, ""
    while True:
        answer = (await world.api(f"prune?older_than=30d{start}", "POST", {})).json()
        gone += int(answer["events"])
        if answer["next"] is None:
            return gone, time.monotonic()
        start = f"&start={answer['next']}"
