"""The demo: it ends well when all is as it must be, and says so when it is not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hooks.cli.demo.morning import morning
from hooks.cli.demo.play import play
from hooks.cli.demo.senders import Delivery, Outage, Scene

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)


def deliveries() -> list[Delivery]:
    return [scene for scene in morning(NOW) if isinstance(scene, Delivery)]


def test_the_morning_is_varied() -> None:
    verdicts = Counter(delivery.verdict for delivery in deliveries())

    assert len(deliveries()) >= 30
    assert len({delivery.kind for delivery in deliveries()}) >= 12
    assert {"accepted", "duplicate", "refused", "ping"} == set(verdicts)
    assert any(isinstance(scene, Outage) for scene in morning(NOW))


def test_the_demo_ends_well_by_itself() -> None:
    ending = subprocess.run(
        [sys.executable, "-m", "hooks", "demo", "--speed", "20"],
        capture_output=True,
        text=True,
        timeout=55,
        env={**os.environ, "NO_COLOR": "1"},
    )

    assert 0 == ending.returncode, ending.stdout + ending.stderr
    assert "Nothing lost, nothing doubled" in ending.stdout
    assert "\x1b" not in ending.stdout
    assert "" == ending.stderr


@pytest.mark.parametrize("what", ["a record that nobody makes", "a sender who is wrongly expected to be refused"])
async def test_the_demo_says_when_something_is_not_as_it_must_be(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    lead = next(delivery for delivery in deliveries() if delivery.makes)
    wrong: Scene = (
        replace(lead, makes=(*lead.makes, "JobCloser leads/nobody"))
        if what.startswith("a record")
        else replace(lead, status=401, verdict="refused")
    )

    assert not await play(speed=100.0, scenes=[wrong])
    assert "please report it" in capsys.readouterr().out


def test_a_kept_demo_stays_until_it_is_interrupted_and_leaves_nothing_behind(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "hooks", "demo", "--keep", "--speed", "100"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    )
    assert demo.stdout is not None
    shown = []
    for line in demo.stdout:
        shown.append(line)
        if "Ctrl-C ends it" in line:
            break
    inside = [path.name for path in tmp_path.iterdir()]
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=30)

    assert 0 == demo.returncode, "".join(shown)
    assert 1 == len(inside)
    assert [] == list(tmp_path.iterdir())
    assert any("admin.token" in line for line in shown)
    assert any(re.fullmatch(r"token +[\w-]{43}", line.strip()) for line in shown)
    assert not any("report it" in line for line in shown), "the trouble that waits for a person came as it should"
