"""`hooks events tail` beside real servers: what comes in is shown once, also when the server was away meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

from hooks.cli.following import Following, Seen
from hooks.cli.reader import Server
from hooks.settings import Settings
from tests.cli.town import Town, inherited


class Tail:
    """A tail in a process of its own, read line by line with patience."""

    def __init__(self, town: Town, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hooks", "events", "tail", *options],
            cwd=town.folder,
            env=inherited(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._out: Queue[str] = Queue()
        self._err: Queue[str] = Queue()
        for pipe, queue in ((self.process.stdout, self._out), (self.process.stderr, self._err)):
            threading.Thread(target=self._read, args=(pipe, queue), daemon=True).start()

    @staticmethod
    def _read(pipe: Any, queue: Queue[str]) -> None:
        for line in pipe:
            queue.put(line.rstrip("\n"))

    def line(self) -> str:
        return self._out.get(timeout=20)

    def said(self) -> str:
        return self._err.get(timeout=20)

    def silent(self) -> bool:
        return self._out.empty()

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@pytest.fixture
def tails(town: Town) -> Iterator[Any]:
    begun: list[Tail] = []

    def begin(*options: str) -> Tail:
        begun.append(Tail(town, *options))
        return begun[-1]

    yield begin
    for tail in begun:
        tail.process.kill()
        tail.process.communicate(timeout=20)


def send(town: Town, server: Server, sample: str) -> str:
    """Send a recorded webhook, wait until its event is listed, and give the event's id."""
    code, answer = town.json("send", "--sample", sample)
    assert 0 == code
    event: str = answer["answer"]["events"][0]
    deadline = time.monotonic() + 20
    while server.ask("GET", f"/api/v1/events/{event}")["state"] == "pending":
        assert time.monotonic() < deadline, "the event was not planned"
    return event


def test_it_shows_what_was_and_what_comes_each_once_and_how_runs_end(town: Town, tails: Any) -> None:
    server = town.serve()
    first = send(town, server, "housecall_pro/customer.created")
    as_json, told = tails("--json"), tails("--source", "hcp")
    assert first == json.loads(as_json.line())["id"]
    assert "customer.created" in told.line()
    second = send(town, server, "housecall_pro/job.completed")
    event = json.loads(as_json.line())
    assert (second, "job.completed", "matched") == (event["id"], event["type"], event["state"])
    lines = [told.line()]
    assert "job.completed" in lines[0] and "job-to-homebase" in lines[0]
    while not lines[-1].endswith("job-to-homebase done"):
        lines.append(told.line())
    assert len(lines) <= 2
    assert 0 == as_json.end() and as_json.silent()
    assert 0 == told.end() and told.silent()


def test_it_waits_for_a_server_that_is_away_and_shows_what_it_missed(town: Town, tails: Any) -> None:
    server = town.serve()
    before = send(town, server, "housecall_pro/customer.created")
    tail = tails("--json", "--type", "customer.*")
    assert before == json.loads(tail.line())["id"]
    town.end()
    town.servers.clear()
    assert "waiting for it to come back" in tail.said()
    server = town.serve()
    send(town, server, "housecall_pro/job.completed")
    missed = send(town, server, "housecall_pro/customer.updated")
    assert missed == json.loads(tail.line())["id"]
    assert "The server is back." == tail.said()
    assert 0 == tail.end() and tail.silent()


def test_it_can_end_after_the_first_ones(town: Town) -> None:
    server = town.serve()
    sent = [send(town, server, f"housecall_pro/customer.{kind}") for kind in ("created", "updated", "deleted")]
    code, out, _ = town.run("events", "tail", "--no-follow", "--json", "-n", "2")
    assert (0, sent[1:]) == (code, [json.loads(line)["id"] for line in out.splitlines()])
    code, out, _ = town.run("events", "tail", "--no-follow", "--json", "--since", "1h", "--type", "*.created")
    assert (0, sent[:1]) == (code, [json.loads(line)["id"] for line in out.splitlines()])
    code, out, _ = town.run("events", "tail", "--no-follow", "--last", "0")
    assert (0, "") == (code, out)


def test_a_name_that_nothing_goes_by_is_told_instead_of_waiting_in_silence(town: Town) -> None:
    town.serve()
    code, out, err = town.run("events", "tail", "--no-follow", "--source", "hpc")
    assert (0, "", "There is no source 'hpc' now, did you mean 'hcp'?\n") == (code, out, err)


def test_without_a_server_it_says_what_to_do(town: Town) -> None:
    code, _, said = town.run("events", "tail")
    assert 1 == code
    assert "start `hooks serve`" in said


def test_a_wrong_token_ends_it(town: Town) -> None:
    town.serve()
    (town.folder / ".hooks" / "admin.token").write_text("another-one\n")
    code, _, said = town.run("events", "tail")
    assert 1 == code
    assert "does not take this token" in said


# --- what is told, decided from listings ---


class Listing:
    """A server whose listing is given."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.asked: list[Any] = []

    def ask(self, method: str, path: str, query: dict[str, Any]) -> Any:
        self.asked.append(query)
        at = int(query["cursor"] or 0)
        return {"items": self.pages[at], "next": str(at + 1) if at + 1 < len(self.pages) else None}


def an_event(number: int, **runs: str) -> dict[str, Any]:
    return {"id": f"evt_{number}", "runs": [{"id": run, "rule": "r", "state": state} for run, state in runs.items()]}


def news(following: Following, *pages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    told = following._news(Listing(*pages))  # type: ignore[arg-type]
    return [(one.event["id"], one.run["state"] if one.run else "") for one in told]


def test_pages_are_read_until_nothing_on_them_is_new() -> None:
    following = Following(Settings(), {}, print)
    assert [("evt_1", ""), ("evt_2", "")] == news(following, [an_event(2), an_event(1)])
    later = [[an_event(5), an_event(4)], [an_event(3), an_event(2)], [an_event(1)], [an_event(0)]]
    assert [("evt_3", ""), ("evt_4", ""), ("evt_5", "")] == news(following, *later)
    assert [] == news(following, *later)


def test_a_run_is_told_of_when_it_changes_and_once() -> None:
    following = Following(Settings(), {}, print)
    news(following, [an_event(1, run_1="waiting")])
    assert [("evt_1", "done")] == news(following, [an_event(1, run_1="done")])
    assert [] == news(following, [an_event(1, run_1="done")])


def test_what_it_remembers_is_bounded() -> None:
    seen = Seen()
    for number in range(30_000):
        seen.add(an_event(number))
    assert "evt_29999" in seen
    assert "evt_0" not in seen
