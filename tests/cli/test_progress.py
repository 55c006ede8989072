"""How far long commands are: said on a terminal, and a long replay is asked for in steps."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from hooks.cli import steering
from hooks.cli.tree import run
from hooks.pipeline.replay import forecast
from hooks.plurals import so_many

SCRIPT = """
from hooks.cli.progress import progress
with progress() as tell:
    tell("events", 5)
    tell("rows of runs", 1200, 3000)
    tell("events", 7, 7)
print("done")
"""


def shown(stderr: int) -> bytes:
    ending = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**os.environ, "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=stderr
    )
    assert 0 == ending.returncode
    assert b"done\n" == ending.stdout
    return ending.stdout


def test_it_is_said_on_a_terminal_and_on_standard_error() -> None:
    ours, theirs = pty.openpty()
    shown(theirs)
    os.close(theirs)
    told = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "7 of 7 events" in told
    assert "1,200 of 3,000 rows of runs" in told


def test_nothing_is_said_where_nobody_looks() -> None:
    ours, theirs = os.pipe()
    shown(theirs)
    os.close(theirs)
    assert b"" == os.read(ours, 1000)
    os.close(ours)


def an_answer(events: int, next_: str | None, **requests: int) -> dict[str, Any]:
    told = forecast(requests, {"titan": 10.0})
    counts = {"events": events, "make": events, "retry": 0, "nothing": 0, "made": events, "read": 0}
    item = {"event": f"evt_{events}", "rule": "r", "action": "make", "why": "w"}
    return {"mode": "force", "dry_run": False, **counts, "items": [item], "forecast": told, "next": next_}


@pytest.mark.parametrize(("limit", "asked"), [(1000, [200, 200, 200]), (450, [200, 200, 50]), (150, [150])])
def test_a_long_replay_is_asked_for_in_steps_and_told_as_one(
    limit: int, asked: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bodies: list[dict[str, Any]] = []

    def act(path: str, data: object, body: dict[str, Any]) -> Any:
        bodies.append(body)
        last = len(bodies) == len(asked) and limit == 1000
        return an_answer(body["limit"], None if last else f"evt_{len(bodies)}", titan=body["limit"], office=1)

    monkeypatch.setattr(steering, "_act", act)
    assert 0 == run(["events", "replay", "--since", "1d", "--mode", "force", "--limit", str(limit)])
    assert asked == [body["limit"] for body in bodies]
    assert [None, "evt_1", "evt_2"][: len(asked)] == [body["after"] for body in bodies]
    said = capsys.readouterr()
    total = sum(asked)
    assert f"{total} events: {total} runs made" in said.out
    assert f"titan: {total} requests or more, {total / 10:g} s at 10 a second, {total / 2.5:g} s when" in said.out
    assert f"office: {so_many(len(asked), 'request')} or more" in said.out
    assert ("--after" in said.err) == (limit != 1000)
