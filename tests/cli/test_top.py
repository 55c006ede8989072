"""`hooks top`: what stands on the board, in any terminal, and beside a real server under a real pseudo terminal."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from hooks.cli.board import board, by_minute, chart, counted
from tests.cli.town import Town, inherited

NOW = datetime(2026, 5, 6, 17, 30, 30, tzinfo=UTC)
TRAFFIC = [
    {"minute": "2026-05-06T17:29:00Z", "kind": "receipt.accepted", "name": "hcp", "number": 4},
    {"minute": "2026-05-06T17:30:00Z", "kind": "receipt.accepted", "name": "hcp", "number": 2},
    {"minute": "2026-05-06T17:30:00Z", "kind": "receipt.refused", "name": "leads", "number": 1},
    {"minute": "2026-05-06T17:30:00Z", "kind": "run.failed", "name": "titan", "number": 3},
]


def figures_of(sources: int = 2, connections: int = 2, failures: int = 1, **changed: Any) -> dict[str, Any]:
    runs = {"waiting": 7, "running": 1, "held": 2, "done": 1234, "failed": failures, "skipped": 0}
    return {
        "at": "2026-05-06T17:30:30Z",
        "inbox": "http://127.0.0.1:8080",
        "admin": "http://127.0.0.1:8081",
        "stats": {"receipts": {"accepted": 100}, "runs": runs, "books_balance": True, "oldest_due_seconds": 61.2},
        "health": {"status": "red", "findings": [{"level": "red", "what": "titan refuses our credentials"}]},
        "sources": [{"name": name, "vendor": "zapier"} for name in ["hcp", "leads", *map(str, range(sources - 2))]],
        "connections": [
            {"name": name, "breaker": "open" if name == "titan" else "closed", "in_flight": 1, "concurrency": 8}
            for name in ["office", "titan", *map(str, range(connections - 2))]
        ],
        "traffic": TRAFFIC,
        "failures": [
            {
                "id": f"run_{number}",
                "rule": "r",
                "reason": "[bold]no[/bold]\x1b[2J",
                "created_at": "2026-05-06T17:01:02Z",
            }
            for number in range(failures)
        ],
        **changed,
    }


def drawn(width: int, height: int, now: dict[str, Any], before: dict[str, Any] | None = None) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), color_system=None)
    console.print(board(now, before, width, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_what_happened_is_counted_by_kind_name_and_minute() -> None:
    assert (7, 6, 1) == (
        counted(TRAFFIC, "receipt.*"),
        counted(TRAFFIC, "receipt.*", "hcp"),
        counted(TRAFFIC[:3], "receipt.refused"),
    )
    assert [0, 4, 3] == by_minute(TRAFFIC, "receipt.*", NOW, 3)


def test_a_chart_never_draws_something_as_nothing() -> None:
    assert " ▁█" == chart([0, 1, 1000])
    assert "  " == chart([0, 0])
    assert "" == chart([])


def test_it_says_what_a_person_looks_for() -> None:
    before = figures_of(at="2026-05-06T17:30:20Z")
    before["stats"] = {**before["stats"], "receipts": {"accepted": 70}}
    text = "\n".join(drawn(100, 40, figures_of(), before))
    for said in (
        "red",
        "titan refuses our credentials",
        "7 waiting",
        "1,234 done",
        "the oldest is due for 61 s",
        "3 this minute, 7 in 60 min, 3.0/s",
        "rests",
        "last failed runs",
        "hooks runs list --state failed",
    ):
        assert said in text
    titan, office = (next(line for line in text.split("\n") if line.startswith(name)) for name in ("titan", "office"))
    assert text.index(titan) < text.index(office), "what is in trouble stands on top"


def test_what_others_wrote_is_text() -> None:
    text = "\n".join(drawn(200, 40, figures_of()))
    assert "[bold]no[/bold]" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 23), (120, 40), (60, 20)])
@pytest.mark.parametrize("many", [2, 3, 40])
def test_it_fits(width: int, height: int, many: int) -> None:
    lines = drawn(width, height - 1, figures_of(many, many, min(many, 5)))
    assert len(lines) <= height - 1
    assert all(len(line) <= width for line in lines)
    if many == 40:
        assert 2 == sum("more" in line for line in lines)


def test_once_and_json_beside_a_real_server(town: Town) -> None:
    town.serve()
    code, out, _ = town.run("top", "--once")
    assert 0 == code
    assert "hcp" in out and "homebase" in out and "received" in out
    code, document = town.json("top")
    assert (0, "hcp", 6) == (code, document["sources"][0]["name"], len(document["connections"]))

    master, slave = pty.openpty()
    watching = subprocess.Popen(
        [sys.executable, "-m", "hooks", "top", "--every", "60"],
        cwd=town.folder,
        env={**inherited(), "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + 30
    while b"q ends" not in shown and time.monotonic() < deadline:
        if select.select([master], [], [], 1)[0]:
            shown += os.read(master, 65536)
    os.write(master, b"q")
    assert 0 == watching.wait(20)
    os.close(master)
    assert b"homebase" in shown and b"\x1b[?1049h" in shown


def test_without_a_server_top_says_what_to_do(town: Town) -> None:
    code, out, said = town.run("top", "--once")
    assert (1, "") == (code, out)
    assert "start `hooks serve`" in said
