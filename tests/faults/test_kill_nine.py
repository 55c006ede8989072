"""kill -9 at random moments under load: nothing lost, nothing left undone, nothing booked twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.killing import Arena


async def _kill(folder: Path, rounds: int, seed: int) -> None:
    arena = Arena(folder, seed)
    print(f"seed {seed}")
    with arena.sandbox():
        for _ in range(rounds):
            await arena.round()
        verdict = arena.finish()
    print(verdict)
    assert verdict.accepted > 0, "the rounds were too short to accept anything: nothing has been shown"
    assert ([], [], {}, []) == (verdict.lost, verdict.unacted, verdict.doubled, verdict.unexpected)
    assert verdict.books_balance


@pytest.mark.timeout(120)
async def test_a_server_killed_at_random_loses_nothing_and_books_nothing_twice(tmp_path: Path) -> None:
    await _kill(tmp_path, rounds=6, seed=random.randrange(10**6))


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_hundred_kills_lose_nothing_and_book_nothing_twice(tmp_path: Path) -> None:
    await _kill(tmp_path, rounds=100, seed=random.randrange(10**6))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_sending_again_blindly_would_double_so_the_look_up_is_what_prevents_it(tmp_path: Path) -> None:
    arena = Arena(tmp_path, seed=5, on_unknown="repeat")
    with arena.sandbox():
        for _ in range(25):
            await arena.round()
        verdict = arena.finish()
    assert ([], []) == (verdict.lost, verdict.unacted)
    assert verdict.doubled, "a checker that has never failed proves nothing"
