"""kill -9 at random moments under load: nothing lost, nothing left undone, nothing booked twice."""

from __future__ import annotations

import os
import random
import statistics
from pathlib import Path

import pytest

from tests.faults.conftest import Tell
from tests.faults.killing import Arena
from tests.faults.table import Row


async def _kill(folder: Path, rounds: int, seed: int, tell: Tell) -> None:
    arena = Arena(folder, seed)
    print(f"seed {seed}")
    with arena.sandbox():
        for _ in range(rounds):
            await arena.round()
        verdict = arena.finish()
    assert verdict.accepted > 0, "the rounds were too short to accept anything: nothing has been shown"
    assert ([], [], {}, []) == (verdict.lost, verdict.unacted, verdict.doubled, verdict.unexpected)
    assert verdict.books_balance
    lost, unacted, double = len(verdict.lost), len(verdict.unacted), len(verdict.doubled)
    half, slowest, load = statistics.median(verdict.restarts), max(verdict.restarts), os.getloadavg()[0]
    seen = (
        f"{verdict.accepted} accepted, {verdict.unknown} without an answer; first 2xx after {half:.1f} s (half of "
        f"{len(verdict.restarts)} starts; slowest {slowest:.1f} s, load {load:.0f})"
    )
    print(seen)
    how = f"SIGKILL at random, × {rounds}"
    tell(Row("F1 kill -9", how, "0, 0, 0", seen, lost, unacted, double, half))


@pytest.mark.timeout(120)
async def test_a_server_killed_at_random_loses_nothing_and_books_nothing_twice(tmp_path: Path, tell: Tell) -> None:
    await _kill(tmp_path, 6, random.randrange(10**6), tell)


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_hundred_kills_lose_nothing_and_book_nothing_twice(tmp_path: Path, tell: Tell) -> None:
    await _kill(tmp_path, 100, random.randrange(10**6), tell)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_sending_again_blindly_would_double_so_the_look_up_is_what_prevents_it(
    tmp_path: Path, tell: Tell
) -> None:
    arena = Arena(tmp_path, seed=5, on_unknown="repeat")
    with arena.sandbox():
        for _ in range(25):
            await arena.round()
        verdict = arena.finish()
    assert ([], []) == (verdict.lost, verdict.unacted)
    assert verdict.doubled, "a checker that has never failed proves nothing"
    tell(Row("F1 (control)", "the same with on_unknown: repeat", "must double", "", 0, 0, len(verdict.doubled)))
