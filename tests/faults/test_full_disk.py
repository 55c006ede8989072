"""A disk that is full, or refuses: senders are put off, nothing acknowledged is lost, and work goes on with room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.processes import ProcessWorld, forbidden
from tests.journeys.world import NOTE, OFFICE, SOURCES

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
FILLER = "x" * 60_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB in memory; `grown` makes it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if made.returncode != 0:
        pytest.skip(f"this machine lets nobody mount a file system here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def grown(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)


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


async def test_a_full_disk_puts_senders_off_and_needs_no_restart(world: ProcessWorld, small_disk: Path) -> None:
    world.data = small_disk / "data"
    await world.serve(RULES)

    told, refused = await _fill(world)
    lead = await world.lead({"full_name": "Maya Ortiz", "message": FILLER})
    grown(small_disk)
    answer = await world.until(
        lambda: world.hcp({"event": "job.completed", "job": world.some_job()}), lambda found: found.status_code == 202
    )

    assert len(told) > 5
    assert {503} == {one.status_code for one in refused}
    assert all(int(one.headers["retry-after"]) > 0 for one in refused)
    assert (429, True) == (lead.status_code, "retry-after" in lead.headers)
    await _kept(world, [*told, answer.json()["events"][0]])
    assert sorted({note["event"] for note in world.notes()}) == sorted({*told, answer.json()["events"][0]})
    assert (await world.stats())["books_balance"]
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

    (small_disk / "somebody-elses").write_bytes(b"")
    with (small_disk / "somebody-elses").open("wb", buffering=0) as other:
        try:
            while True:
                other.write(b"x" * 4096)
        except OSError:
            pass

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
