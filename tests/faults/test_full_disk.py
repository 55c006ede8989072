"""A disk that is full, or refuses: senders are put off, nothing acknowledged is lost, and work goes on with room."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.conftest import Tell
from tests.faults.processes import ProcessWorld, forbidden
from tests.faults.table import Row
from tests.journeys.world import NOTE, OFFICE, SOURCES

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
FILLER = "x" * 60_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB in memory; `grown` makes it larger."""
    yield from _disk(tmp_path / "disk", "4m")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """One that holds the log of the database at its longest, and some."""
    yield from _disk(tmp_path / "disk", "48m")


def _disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if made.returncode != 0:
        pytest.skip(f"this machine lets nobody mount a file system here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def grown(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=160m", str(folder)], check=True)


async def _fill(world: ProcessWorld) -> tuple[list[str], list[httpx.Response]]:
    """Post until nothing is taken any more: the events that were acknowledged, and ten answers after that."""
    told: list[str] = []
    refused: list[httpx.Response] = []
    for _ in range(400):
        answer = await world.hcp({"event": "job.completed", "job": world.some_job(note=FILLER)})
        if answer.status_code == 202:
            told.append(answer.json()["events"][0])
        else:
            refused.append(answer)
            if len(refused) == 10:
                return told, refused
    raise AssertionError("the disk did not become full")


async def _kept(world: ProcessWorld, told: list[str]) -> None:
    await world.quiet()
    for event in told:
        shown: Any = await world.read(f"events/{event}")
        assert ["done"] == [run["state"] for run in shown["runs"]], shown


async def test_a_full_disk_puts_senders_off_and_needs_no_restart(
    world: ProcessWorld, small_disk: Path, tell: Tell
) -> None:
    world.data = small_disk / "data"
    await world.serve(RULES)

    told, refused = await _fill(world)
    lead = await world.lead({"full_name": "Maya Ortiz", "message": FILLER})
    grown(small_disk)
    began = time.monotonic()
    answer = await world.until(
        lambda: world.hcp({"event": "job.completed", "job": world.some_job()}), lambda found: found.status_code == 202
    )

    recovery = time.monotonic() - began

    assert len(told) > 5
    assert {503} == {one.status_code for one in refused}
    assert all(int(one.headers["retry-after"]) > 0 for one in refused)
    assert (429, True) == (lead.status_code, "retry-after" in lead.headers)
    await _kept(world, [*told, answer.json()["events"][0]])
    assert sorted({note["event"] for note in world.notes()}) == sorted({*told, answer.json()["events"][0]})
    assert (await world.stats())["books_balance"]
    seen = f"{len(told)} kept, then all put off with Retry-After"
    tell(Row("F9 disk full", "tmpfs of 4 MiB, no mark, then enlarged", "no restart", seen, 0, 0, 0, recovery))
    await world.stop()
    assert [] == forbidden(world.said())


async def test_what_a_call_came_to_is_written_when_there_is_room_and_never_sent_twice(
    world: ProcessWorld, small_disk: Path
) -> None:
    world.data = small_disk / "data"
    await world.serve(RULES.replace("timeout: 2s", "timeout: 20s"))
    world.fault("http", kind="delay", seconds=2.0)
    event = await world.job()
    await world.asked_for("http", "/notes")

    _to_the_last_byte(small_disk / "somebody-elses")

    async def said() -> str:
        return world.said()

    await world.until(said, lambda text: "cannot be written now" in text)
    (small_disk / "somebody-elses").unlink()
    run = await world.run(event)

    assert 1 == len(world.notes())
    assert ["done"] == [attempt["verdict"] for attempt in run["steps"][0]["attempts"]]


async def test_a_disk_that_refuses_to_write_loses_nothing_that_was_acknowledged(world: ProcessWorld) -> None:
    await world.serve(RULES, file_bytes=1_500_000)

    told, refused = await _fill(world)
    await world.kill()
    await world.serve()

    assert {503} == {one.status_code for one in refused}
    assert all(int(one.headers["retry-after"]) > 0 for one in refused)
    assert (await world.quiet())["books_balance"]
    noted = [note["event"] for note in world.notes()]
    for event in told:
        run = (await world.read(f"events/{event}"))["runs"][0]
        assert run["state"] in ("done", "held"), run  # held: it was told when the disk could not take that down
        assert 1 == noted.count(event)


async def test_intake_ends_at_the_mark_while_what_was_taken_is_acted_on(
    world: ProcessWorld, disk: Path, tell: Tell
) -> None:
    world.data = disk / "data"
    world.environment["HOOKS_FREE_SPACE"] = "24MiB"
    await world.serve(RULES.replace("    do:", "    delay: 3s\n    do:"))

    told, refused = await _fill(world)
    lead = await world.lead({"full_name": "Maya Ortiz", "message": FILLER})
    left = shutil.disk_usage(disk).free
    await _kept(world, told)

    assert len(told) > 5
    assert {503} == {one.status_code for one in refused}
    assert all(int(one.headers["retry-after"]) > 0 for one in refused)
    assert (429, True) == (lead.status_code, "retry-after" in lead.headers)
    assert left > 8 << 20, "the mark is above zero"
    assert "webhooks are put off until there are 24 MiB again" in world.said()
    grown(disk)
    await world.until(
        lambda: world.hcp({"event": "job.completed", "job": world.some_job()}), lambda found: found.status_code == 202
    )
    await world.stop()
    assert [] == forbidden(world.said())
    seen = f"{len(told)} kept and acted on, {left >> 20} MiB left free"
    tell(Row("F9 free-space mark", "tmpfs of 48 MiB, mark 24 MiB", "put off above zero", seen, 0, 0, 0))


async def test_a_disk_that_others_fill_has_a_reserve_for_the_results(
    world: ProcessWorld, disk: Path, tell: Tell
) -> None:
    world.data = disk / "data"
    world.environment["HOOKS_FREE_SPACE"] = "24MiB"
    await world.serve(RULES.replace("timeout: 2s", "timeout: 20s"))
    world.fault("http", kind="delay", seconds=1.0)
    reserve = world.data / "hooks.db.reserve"
    kept = reserve.stat().st_size
    events = [await world.job() for _ in range(4)]
    await world.asked_for("http", "/notes", times=4)

    _to_the_last_byte(disk / "somebody-elses")
    for event in events:
        await world.run(event)
    given_up = not reserve.exists()
    refused = await world.hcp({"event": "job.completed", "job": world.some_job()})
    (disk / "somebody-elses").unlink()
    await world.until(
        lambda: world.hcp({"event": "job.completed", "job": world.some_job()}), lambda found: found.status_code == 202
    )

    assert 6 << 20 == kept
    assert given_up, world.said()
    assert 503 == refused.status_code
    assert reserve.stat().st_size == kept, "it is taken again"
    assert 4 <= len(world.notes()) <= 5
    attempts = [run["steps"][0]["attempts"] for run in [await world.run(event) for event in events]]
    assert [["done"]] * 4 == [[attempt["verdict"] for attempt in made] for made in attempts], "no outcome is unknown"
    seen = "reserve given up, 4 results written, taken again"
    tell(Row("F10 disk full by others", "the last byte taken during 4 calls", "0 unknown", seen, 0, 0, 0))


async def test_storage_that_forgets_is_refused_by_name(world: ProcessWorld, disk: Path) -> None:
    world.data = disk / "data"
    del world.environment["HOOKS_DURABILITY"]
    world.write(RULES)

    code = await asyncio.to_thread(world.spawn().wait, 30)

    assert 1 == code
    assert "is on a tmpfs" in world.said()
    assert "HOOKS_DURABILITY=relaxed" in world.said()
    assert not (world.data / "hooks.db").exists()


def _to_the_last_byte(path: Path) -> None:
    with path.open("wb", buffering=0) as other, contextlib.suppress(OSError):
        while True:
            other.write(b"x" * 4096)
