"""The mark and the reserve: when intake ends, and when it goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hooks.store.room import LARGEST_MARK, LOOK_EVERY, MIB, RESERVE, Room, default_mark
from hooks.store.storage import fleeting

GIB = 1 << 30


@pytest.mark.parametrize(
    ("disk", "mark"),
    [(10 * GIB, GIB // 2), (4 * GIB, 256 * MIB), (1000 * GIB, LARGEST_MARK), (100 * MIB, 25 * MIB)],
)
def test_the_mark_follows_the_disk_within_bounds(disk: int, mark: int) -> None:
    assert mark == default_mark(disk)


class Disk:
    """A disk whose free bytes are set, and a clock beside it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
        self.free, self.now = free, 0.0
        monkeypatch.setattr(os, "statvfs", self.statvfs)

    def statvfs(self, path: object) -> os.statvfs_result:
        blocks = (4096, 4096, 1 << 20, self.free // 4096, self.free // 4096, 0, 0, 0, 0, 255)
        return os.statvfs_result(blocks)

    def monotonic(self) -> float:
        return self.now


def test_below_the_mark_nothing_is_taken_and_above_it_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = Disk(monkeypatch, 100 * MIB)
    room = Room(tmp_path / "hooks.db", 64 * MIB, disk.monotonic)
    assert not room.low(100)
    disk.free = 63 * MIB
    assert not room.low(100), "it looks once a second"
    disk.now += LOOK_EVERY + 0.1
    assert room.low(100)
    disk.free = 65 * MIB
    disk.now += LOOK_EVERY + 0.1
    assert not room.low(100)
    disk.free = 1 * MIB
    assert room.low(5 * MIB), "and sooner when much is written"


def test_what_the_file_can_use_again_is_room_while_the_log_has_some(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disk = Disk(monkeypatch, 20 * MIB)
    room = Room(tmp_path / "hooks.db", 64 * MIB, disk.monotonic)
    room.reusable = 100 * MIB
    assert not room.low(0)
    disk.free, disk.now = 7 * MIB, 10.0
    assert room.low(0)


def test_no_mark_looks_at_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = Disk(monkeypatch, 0)
    room = Room(tmp_path / "hooks.db", 0, disk.monotonic)
    room.restore()
    assert not room.low(10**9)
    assert (False, False) == (room.give_up(), room.given_up)
    assert [] == list(tmp_path.iterdir())


def test_the_reserve_is_given_up_once_and_taken_again_with_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disk = Disk(monkeypatch, 200 * MIB)
    room = Room(tmp_path / "hooks.db", 64 * MIB, disk.monotonic)
    room.restore()
    assert RESERVE == room.reserve_file.stat().st_size
    given = [room.give_up(), room.give_up()]
    assert [True, False] == given
    assert room.low(0)
    disk.free = 64 * MIB + RESERVE - 1
    room.restore()
    with_too_little = room.given_up
    disk.free = 64 * MIB + RESERVE
    room.restore()
    assert (True, False) == (with_too_little, room.given_up)
    assert RESERVE == room.reserve_file.stat().st_size


def test_a_file_system_in_memory_is_told_by_name_and_no_other(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK):
        assert "tmpfs" == fleeting(memory)
    assert fleeting(Path("/proc")) is None
    assert fleeting(tmp_path / "not there") is None
