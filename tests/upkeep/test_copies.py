"""Copies: made under load, proven, restored; and what is held afterwards, because nobody knows whether it was done."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hooks.store import starting
from hooks.store.engine import Engine
from hooks.store.migrate import migrations
from tests.faults.conftest import Tell
from tests.faults.table import Row
from tests.journeys.world import NOTE, OFFICE, SOURCES, World
from tests.store.first_release import first_release
from tests.upkeep.conftest import Command

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
LATER = RULES.replace("    do:", "    delay: 1h\n    do:")


def rows(file: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(file)) as raw:
        return raw.execute(sql).fetchall()


async def test_a_copy_under_load_holds_all_that_was_acknowledged_before_it(
    world: World, command: Command, tell: Tell
) -> None:
    await world.serve(RULES)
    told: list[str] = []

    async def send() -> None:
        while True:
            answer = await world.hcp({"event": "job.completed", "job": world.some_job(note="x" * 5000)})
            told.append(answer.json()["receipt"])

    senders = [asyncio.create_task(send()) for _ in range(4)]
    await world.until(world.stats, lambda stats: stats["receipts"]["accepted"] > 40)
    before = list(told)
    copy = world.folder / "copy.db"
    code, printed, said = await command("db", "backup", str(copy), "--json")
    for sender in senders:
        sender.cancel()
    await asyncio.gather(*senders, return_exceptions=True)

    assert 0 == code, said
    assert copy.stat().st_size == json.loads(printed)["bytes"]
    assert 0o600 == stat.S_IMODE(copy.stat().st_mode)
    there = {row[0] for row in rows(copy, "SELECT id FROM receipts")}
    assert [] == [receipt for receipt in before if receipt not in there]
    assert [("ok",)] == rows(copy, "PRAGMA integrity_check")
    assert {"copy.db"} == {file.name for file in world.folder.glob("copy*")}, "one file, with nothing beside it"
    assert [] == list((world.folder / "data" / "backups").iterdir()), "it went where it was wanted"
    tell(Row("F52 backup under load", "4 senders", "0 missing", f"{len(before)} acknowledged before it, all there", 0))


async def test_what_was_not_over_in_a_copy_is_held_after_a_restore(world: World, command: Command) -> None:
    await world.serve(LATER)
    done, waiting = await world.job(), await world.job()
    await world.run(waiting, "waiting")
    copy = world.folder / "copy.db"
    assert 0 == (await command("db", "backup", str(copy)))[0]
    world.clock.leap(3700)
    await world.run(done)
    after = (await world.lead({"full_name": "Maya Ortiz"})).json()["events"][0]
    running, *_ = await command("db", "restore", str(copy))
    await world.stop()

    code, printed, _ = await command("db", "restore", str(copy), "--json")
    told = json.loads(printed)
    await world.serve(LATER)

    assert (1, 0) == (running, code), "not while a server has it"
    assert (2, True) == (told["unfinished"], told["held"])
    held = [await world.run(event, "held", "restored from a copy of") for event in (done, waiting)]
    assert 404 == (await world.api(f"events/{after}")).status_code
    assert after in {row[0] for row in rows(Path(told["kept"]), "SELECT id FROM events")}
    assert (await world.stats())["books_balance"]
    assert 2 == len(world.notes()), "nothing was sent again"
    assert 200 == (await world.api(f"runs/{held[1]['id']}/retry", "POST")).status_code
    await world.run(waiting)
    await world.stop()
    await world.serve(LATER)
    await world.run(done, "held"), "a copy is settled once"


async def test_what_was_accepted_and_not_read_in_a_copy_is_held_too(world: World, command: Command) -> None:
    await world.serve(RULES.replace("http.request", "http.reqest"))
    event = await world.job()
    copy = world.folder / "copy.db"
    assert 0 == (await command("db", "backup", str(copy)))[0]
    await world.stop()
    assert 0 == (await command("db", "restore", str(copy)))[0]

    await world.serve(RULES)
    await world.run(event, "held", "restored from a copy of")
    await world.run(await world.job())

    assert 1 == len(world.notes())


async def test_a_restore_may_go_on(world: World, command: Command) -> None:
    await world.serve(LATER)
    event = await world.job()
    await world.run(event, "waiting")
    await world.stop()
    copy = world.folder / "copy.db"
    assert 0 == (await command("db", "backup", str(copy)))[0]
    (world.folder / "data" / "hooks.db").unlink()

    code, printed, _ = await command("db", "restore", str(copy), "--go-on")
    await world.serve(LATER)
    world.clock.leap(3700)

    assert (0, True) == (code, "may be done a second time" in printed)
    await world.run(event)


async def test_a_copy_that_is_not_sound_is_not_restored(world: World, command: Command) -> None:
    await world.serve(RULES)
    event = await world.job()
    await world.run(event)
    copy = world.folder / "copy.db"
    assert 0 == (await command("db", "backup", str(copy)))[0]
    await world.stop()
    broken = bytearray(copy.read_bytes())
    broken[8192 * 2 : 8192 * 5] = b"\xa5" * (8192 * 3)
    copy.write_bytes(broken)
    (world.folder / "text.db").write_text("no database at all, but a text that is long enough" * 20)

    for file in ("copy.db", "text.db", "missing.db"):
        code, _, said = await command("db", "restore", str(world.folder / file))
        assert (1, True) == (code, file in said), said

    await world.serve(RULES)
    await world.run(event)


async def test_a_copy_overwrites_nothing_and_needs_a_folder(world: World, command: Command) -> None:
    await world.serve(RULES)
    there = world.folder / "there.db"
    there.write_text("mine")
    assert 1 == (await command("db", "backup", str(there)))[0]
    assert 1 == (await command("db", "backup", str(world.folder / "no" / "folder.db")))[0]
    await world.stop()
    assert 1 == (await command("db", "backup", str(there)))[0]
    assert "mine" == there.read_text()


def _of_the_first_release(file: Path, receipts: int) -> None:
    """A database as the first release left it."""
    with first_release(file) as raw:
        raw.executemany(
            "INSERT INTO receipts (id, source, vendor, received_at, verdict, path, query, headers, body, events, "
            "pending) VALUES (?, 'hcp', 'housecall_pro', 0, 'refused', '', '[]', '{}', x'', 0, 0)",
            ((f"rcp_{number:032x}",) for number in range(receipts)),
        )
        raw.execute("INSERT INTO counters VALUES ('receipts.refused', ?)", (receipts,))


async def test_an_older_database_is_copied_before_its_tables_are_changed(world: World, command: Command) -> None:
    data = world.folder / "data"
    data.mkdir()
    _of_the_first_release(data / "hooks.db", 3)

    code, printed, _ = await command("db", "migrate", "--json")
    again = await command("db", "migrate")

    assert 0 == code
    assert [migration.name for migration in migrations()[1:]] == json.loads(printed)["applied"]
    [copy] = (data / "backups").iterdir()
    assert copy.name.endswith(f"-before-{migrations()[1].number:04d}.db")
    assert [(1,)] == rows(copy, "SELECT number FROM migrations")
    assert (0, "The database is of this release already.\n") == again[:2]
    await world.serve(RULES)
    stats = await world.stats()
    assert (3, True) == (stats["receipts"]["refused"], stats["books_balance"])


async def test_what_copies_left_that_were_killed_goes_at_the_next_start(world: World) -> None:
    data = world.folder / "data"
    (data / "backups").mkdir(parents=True)
    left = [
        data / "backups" / "hooks-20260504T140000Z-before-0002.db.partial",
        data / "backups" / "hooks-20260504T140000Z-before-0002.db.partial-journal",
        data / "backups" / "hooks-20260504T140000-000001Z.db.partial",
        data / "hooks.db.restoring",
        data / "hooks.db.restoring-journal",
    ]
    kept = [
        data / "backups" / "hooks-20260504T140000Z-before-0002.db",
        data / "backups" / "mine.db.partial",
        data / "hooks.db.before-20260504T140000-000",
    ]
    for file in (*left, *kept):
        file.write_bytes(b"a part of a copy")

    await world.serve(RULES)

    assert [False] * len(left) == [file.exists() for file in left]
    assert [True] * len(kept) == [file.exists() for file in kept]


async def test_without_room_for_the_copy_nothing_is_changed(
    world: World, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = world.folder / "data"
    data.mkdir()
    _of_the_first_release(data / "hooks.db", 3)
    monkeypatch.setattr("hooks.store.copying.shutil.disk_usage", lambda path: type("Usage", (), {"free": 10})())

    code, _, said = await command("db", "migrate")

    assert (1, True) == (code, "no room for the copy" in said)
    assert [(1,)] == rows(data / "hooks.db", "SELECT number FROM migrations")


async def test_a_copy_with_much_to_look_through_takes_webhooks_first_and_carries_nothing_out(
    world: World, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = world.folder / "copy.db"
    await world.serve(LATER)
    waiting = await world.job()
    await world.run(waiting, "waiting")
    assert 0 == (await command("db", "backup", str(copy)))[0]
    await world.stop()
    assert 0 == (await command("db", "restore", str(copy)))[0]
    with closing(sqlite3.connect(world.folder / "data" / "hooks.db", isolation_level=None)) as raw:
        raw.execute("UPDATE runs SET due_at = 0")
    looked, settle = asyncio.Event(), starting.settle

    async def later(engine: Engine, reasons: Sequence[str]) -> None:
        await looked.wait()
        await settle(engine, reasons)

    monkeypatch.setattr(starting, "settle", later)
    await world.serve(RULES)
    new = await world.job()
    await world.run(new, "waiting")
    told = (await world.api("health")).json()
    assert [] == world.notes(), "both are due"
    assert "is looked through" in json.dumps(told)

    looked.set()
    await world.run(new)
    await world.run(waiting, "held", "restored from a copy of")
    assert 1 == len(world.notes())


async def test_the_copy_of_a_postgresql_is_left_to_its_own_programs(world: World, command: Command) -> None:
    for verb, instead in (("backup", "pg_dump"), ("restore", "pg_restore")):
        code, _, said = await command(
            "db", verb, str(world.folder / "copy.db"), "--database", "postgresql://nobody@127.0.0.1:1/none"
        )

        assert 3 == code, said
        assert instead in said
