"""The power goes at any moment: nothing that was acknowledged is missing, and the file is sound."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.conftest import Tell
from tests.faults.powercut import cut, record
from tests.faults.table import Row


@pytest.mark.parametrize(
    ("receipts", "points"), [(60, 30), pytest.param(300, 160, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)
def test_what_was_acknowledged_outlives_the_power(
    tmp_path: Path, tracer: str, tell: Tell, receipts: int, points: int
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    verdict = cut(record(tmp_path, tracer, receipts, "FULL"), tmp_path, points, seed)
    assert (0, 0) == (verdict.broken, verdict.missing_at), verdict
    assert verdict.points >= 3 * points * 0.8
    seen = f"{verdict.points} cuts, {verdict.broken} broken, acknowledged missing at {verdict.missing_at}"
    tell(Row("F4 power cut", "strace record, disk rebuilt × 3 variants", "0 missing, 0 broken", seen, verdict.worst))


def test_without_a_sync_per_commit_the_same_cuts_lose_receipts(tmp_path: Path, tracer: str, tell: Tell) -> None:
    verdict = cut(record(tmp_path, tracer, 60, "NORMAL"), tmp_path, 30, 7)
    assert verdict.missing_at > 30, "a checker that has never failed proves nothing"
    seen = f"{verdict.points} cuts, acknowledged missing at {verdict.missing_at}, worst {verdict.worst}"
    tell(Row("F4 (control)", "the same with synchronous = NORMAL", "must lose", seen, verdict.worst))
