"""Stories of trouble, a few by default: nothing is lost, doubled or made up. And the checker can fail."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.pipeline import steps
from hooks.store import accept, results, rows, verbs
from tests.simulation.simulator import Options, simulate

SEEDS = 40


@pytest.mark.parametrize("first", range(0, SEEDS, 10))
async def test_nothing_is_lost_doubled_or_made_up(first: int) -> None:
    for seed in range(first, first + 10):
        verdict = await simulate(seed)
        assert verdict.good, f"{Options.of(seed)} {verdict}: python -m tests.simulation --seed {seed}"


async def test_a_story_with_one_run_at_a_time_is_the_same_each_time() -> None:
    alone = [seed for seed in range(200) if Options.of(seed).concurrency == 1 and Options.of(seed).trouble == 0.8]
    for seed in alone[:3]:
        assert (await simulate(seed)).calls == (await simulate(seed)).calls


async def _some_fail(seeds: int = 60) -> bool:
    for seed in range(seeds):
        if not (await simulate(seed)).good:
            return True
    return False


async def test_sending_again_without_looking_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def careless(*_: Any) -> None:
        return None

    monkeypatch.setattr(steps.Carrier, "_resolved", careless)
    assert await _some_fail()


async def test_forgetting_what_was_answered_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = rows.step_to_row

    def forgetful(run: str, step: Any) -> Any:
        row = list(real(run, step))
        return tuple("waiting" if cell == "intended" else cell for cell in row)

    monkeypatch.setattr(results, "step_to_row", forgetful)
    assert await _some_fail()


async def test_remembering_no_delivery_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = accept.accepted_row
    monkeypatch.setattr(verbs, "accepted_row", lambda receipt, key, window: real(receipt, None, window))
    assert await _some_fail()
