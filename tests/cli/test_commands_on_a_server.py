"""The commands against a running server and, after it has stopped, against its file: both give the same documents."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import hooks
from hooks.cli.tree import run
from tests.cli.town import Sandboxes

SECRET = "a-signing-secret-of-a-test"
LEADS_KEY = "a-key-for-leads-of-a-test"
RULES = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.HCP_SIGNING_SECRET}"}
  leads: {vendor: zapier, key: "${secret.LEADS_KEY}"}
connections:
  office: {vendor: http, base_url: SANDBOX}
rules:
  - id: tell-the-office
    event: job.completed
    when: data.total_cents >= 100
    do:
      - action: http.request
        with: {method: POST, path: /notes, json: {about: "${subject}"}}
"""


@dataclass
class Place:
    """A folder with a rules file and a data folder, where commands are carried out, and the environment of servers."""

    folder: Path
    environment: dict[str, str]
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command in this process: a process of its own for each would take most of the time."""
        code = run(arguments)
        said = self.capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    def json(self, *arguments: str) -> Any:
        ending = self.run(*arguments, "--json")
        assert 0 == ending.returncode, ending.stderr
        return json.loads(ending.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hooks", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def serve(self, *arguments: str) -> subprocess.Popen[str]:
        server = self.start("serve", "--port", "0", "--admin", "127.0.0.1:0", *arguments)
        deadline = time.monotonic() + 30
        while (asked := self.run("healthcheck", "--ready")).returncode != 0 or "whoever is at" in asked.stderr:
            assert server.poll() is None, server.communicate()[0]
            assert time.monotonic() < deadline, "the server did not become ready"
        return server


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    return said


@pytest.fixture
def place(
    tmp_path: Path, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Place:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOKS_")}
    place = Place(
        tmp_path,
        {
            **inherited,
            "PYTHONPATH": str(Path(hooks.__file__).parent.parent),
            "PYTHONUNBUFFERED": "1",
            "HOOKS_DURABILITY": "relaxed",  # the folder of a test may be in memory
            "HOOKS_FREE_SPACE": "0",
            "HCP_SIGNING_SECRET": SECRET,
            "LEADS_KEY": LEADS_KEY,
        },
        capsys,
    )
    for name in [name for name in os.environ if name.startswith("HOOKS_")]:
        monkeypatch.delenv(name)
    for name in ("HOOKS_DURABILITY", "HOOKS_FREE_SPACE", "HCP_SIGNING_SECRET", "LEADS_KEY"):
        monkeypatch.setenv(name, place.environment[name])
    monkeypatch.setenv("HOOKS_PORT", "1")  # while none has noted its address, no other server of this machine is asked
    monkeypatch.chdir(tmp_path)
    sandboxes.reset()
    (tmp_path / "routes.yaml").write_text(RULES.replace("SANDBOX", f"{sandboxes.address}/http"))
    return place


def test_what_is_sent_can_be_read_from_the_server_and_then_from_its_file(place: Place) -> None:
    server = place.serve()
    try:
        sent = place.json("send", "--sample", "housecall_pro/job.completed")
        again = place.json("send", "--sample", "housecall_pro/job.completed")
        lead = place.run("send", "--sample", "zapier/lead.created")
        place.folder.joinpath("nothing.json").write_text("[1")
        unread = place.run("send", "--payload", str(place.folder / "nothing.json"), "--source", "hcp")
        event = sent["answer"]["events"][0]
        deadline = time.monotonic() + 20
        while [run["state"] for run in place.json("runs", "list")["items"]] != ["done"]:
            assert time.monotonic() < deadline, place.json("runs", "list")
        asked = {
            "events": place.json("events", "list", "--type", "job.*", "--since", "1h"),
            "event": place.json("events", "show", event),
            "receipts": place.json("receipts", "list"),
            "receipt": place.json("receipts", "show", sent["answer"]["receipt"]),
            "runs": place.json("runs", "list", "--event", event),
            "run": place.json("runs", "show", place.json("runs", "list")["items"][0]["id"]),
        }
        explained = place.json("explain", event)
        conflict = place.run("runs", "retry", asked["run"]["id"])
        missing = place.run("events", "show", "evt_00000000000000000000000000000000")
        counted = place.json("stats")
    finally:
        said = stop(server)

    assert 0 == server.returncode, said
    assert (202, False) == (sent["status"], sent["answer"]["duplicate"])
    assert again["answer"]["duplicate"]
    assert 0 == lead.returncode, lead.stderr
    assert (1, True) == (unread.returncode, "hooks receipts list --verdict quarantined" in unread.stderr)
    assert {"accepted": 2, "duplicate": 1, "ping": 0, "refused": 0, "quarantined": 1} == counted["receipts"]
    assert [("tell-the-office", True)] == [(rule["id"], rule["matched"]) for rule in explained["rules"]]
    assert (1, 1) == (conflict.returncode, missing.returncode)
    assert "only a failed or held run" in conflict.stderr
    assert "the server has no event evt_00000000000000000000000000000000" in missing.stderr
    assert SECRET not in said
    assert asked == {
        "events": place.json("events", "list", "--type", "job.*", "--since", "1h"),
        "event": place.json("events", "show", event),
        "receipts": place.json("receipts", "list"),
        "receipt": place.json("receipts", "show", sent["answer"]["receipt"]),
        "runs": place.json("runs", "list", "--event", event),
        "run": place.json("runs", "show", asked["run"]["id"]),
    }
    assert explained == place.json("explain", event)
    assert "books     balance" == place.run("stats").stdout.splitlines()[-1]
    assert 0 == place.run("db", "check").returncode
    assert 1 == place.run("runs", "retry", asked["run"]["id"]).returncode
    for command in (["events", "list"], ["runs", "list"], ["receipts", "list"], ["stats"], ["events", "show", event]):
        ending = place.run(*command)
        assert (0, "") == (ending.returncode, ending.stderr)
        assert ending.stdout


def test_a_server_that_only_works_is_sent_no_webhook(place: Place) -> None:
    server = place.serve("--role", "work")
    try:
        ending = place.run("send", "--sample", "housecall_pro/job.completed")
    finally:
        stop(server)
    assert (1, "") == (ending.returncode, ending.stdout)
    assert "takes no webhooks (--role work)" in ending.stderr
    assert "--to" in ending.stderr


def test_a_database_that_is_named_is_meant_also_beside_a_running_server(place: Place) -> None:
    (place.folder / "body.json").write_text(json.dumps({"event": "job.created", "job": {"id": "job_1"}}))
    server = place.serve()
    try:
        place.json("send", "--sample", "housecall_pro/job.completed")
        assert 0 == place.run("db", "backup", str(place.folder / "copy.db")).returncode
        later = place.json("send", "--source", "hcp", "--payload", "body.json")["answer"]["events"][0]
        copy = ("--database", f"sqlite:///{place.folder / 'copy.db'}")
        own = ("--database", f"sqlite:///{place.folder / '.hooks' / 'hooks.db'}")
        found = [place.json("stats", *of)["receipts"]["accepted"] for of in (copy, own, ())]
        explained = [place.run("explain", later, *of).returncode for of in (copy, own)]
        pruned = place.json("db", "prune", "--older-than", "0s", *copy)
        left = [place.json("stats", *of)["receipts"]["accepted"] for of in (copy, own, ())]
        copied = place.run("db", "backup", str(place.folder / "copy-of-copy.db"), *copy)
    finally:
        stop(server)
    assert [1, 2, 2] == found
    assert [1, 0] == explained
    assert pruned["receipts"] <= 1
    assert [2, 2] == left[1:]
    assert 0 == copied.returncode
    again = place.json("stats", "--database", f"sqlite:///{place.folder / 'copy-of-copy.db'}")
    assert again["receipts"]["accepted"] <= 1


def test_what_goes_out_is_steered_from_the_command_line(place: Place) -> None:
    server = place.serve()
    try:
        place.run("connections", "pause", "office", "--reason", "moving")
        shown = place.json("connections", "list")["items"][0]
        sent = place.json("send", "--sample", "housecall_pro/job.completed")
        event = sent["answer"]["events"][0]
        deadline = time.monotonic() + 20
        while not (runs := place.json("runs", "list", "--event", event)["items"]) and time.monotonic() < deadline:
            time.sleep(0.1)
        forecast = place.json("events", "replay", event, "--mode", "force", "--dry-run")
        forced = place.json("events", "replay", event, "--force", "--dry-run")
        told = place.run("events", "replay", "--type", "job.*")
        reconciled = place.run("reconcile")
        unknown = place.run("runs", "resolve", runs[0]["id"], "--sent")
        wrong = [
            place.run("runs", "resolve", runs[0]["id"]),
            place.run("runs", "resolve", runs[0]["id"], "--not-sent", "--output", "{}"),
            place.run("runs", "resolve", runs[0]["id"], "--sent", "--output", "{"),
            place.run("events", "replay"),
            place.run("events", "replay", event, "--force", "--mode", "same-version"),
        ]
        resumed = place.run("connections", "resume", "office", "--drain-rate", "5")
    finally:
        stop(server)

    assert (True, "moving", "closed") == (shown["paused"], shown["pause_reason"], shown["breaker"])
    assert "held" == runs[0]["state"]
    assert (0, "nothing") == (forecast["make"], forecast["items"][0]["action"]), "its run has not ended yet"
    assert "force" == forecast["mode"] and forecast == forced
    assert (0, "1 event: 0 runs made, 0 going on, 1 with nothing to do.") == (
        told.returncode,
        told.stdout.splitlines()[-1],
    )
    assert f"{runs[0]['id']} is held" in told.stdout, "and why"
    assert (0, "No outcome is unknown.\n") == (reconciled.returncode, reconciled.stdout)
    assert (1, True) == (unknown.returncode, "unknown" in unknown.stderr)
    assert [2] * 5 == [one.returncode for one in wrong]
    assert "office goes on.\n" == resumed.stdout


def test_a_variable_that_nobody_reads_is_told_at_the_start_and_by_check(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.environment["HOOKS_MASK"] = "phone"
    monkeypatch.setenv("HOOKS_MASK", "phone")
    said = "HOOKS_MASK is no setting of hooks and is not read: did you mean HOOKS_MASKED?"
    server = place.serve()
    try:
        checked, shown = place.run("check", "--json"), place.run("config", "show", "--json")
        checks = place.json("subscriptions", "doctor", "--source", "hcp")["checks"]
    finally:
        log = stop(server)

    assert f"WARNING hooks.app: {said}" in log
    for ending in (checked, shown):
        assert (0, f"warning: {said}\n") == (ending.returncode, ending.stderr)
        assert json.loads(ending.stdout)
    assert ("warning", said) in [(check["result"], check["found"]) for check in checks]


def test_many_runs_are_given_up_and_tried_again_from_the_command_line(place: Place) -> None:
    server = place.serve()
    try:
        place.run("connections", "pause", "office")
        for number in range(3):
            place.folder.joinpath("job.json").write_text(
                json.dumps({"event": "job.completed", "job": {"id": f"job_{number}", "total_amount": 5000}})
            )
            place.json("send", "--payload", "job.json", "--source", "hcp")
        deadline = time.monotonic() + 20
        while len(held := place.json("runs", "list", "--state", "held")["items"]) < 3:
            assert time.monotonic() < deadline, place.json("runs", "list")
        ids = [run["id"] for run in held]
        selected = ("--state", "held", "--connection", "office", "--since", "1h")
        foreseen = place.json("runs", "cancel", *selected, "--dry-run")
        refused = place.run("runs", "retry", *selected)
        partly = place.run("runs", "cancel", ids[0], "run_00000000000000000000000000000000")
        rest = place.run("runs", "cancel", *selected)
        nothing = place.run("runs", "cancel", *selected)
        misnamed = place.run("runs", "cancel", "--state", "held", "--rule", "tell-the-ofice")
        wrong = [
            place.run("runs", "retry"),
            place.run("runs", "retry", ids[0], "--state", "failed"),
            place.run("runs", "cancel", ids[0], "--rule", "tell-the-office"),
            place.run("runs", "cancel", "--state", "done"),
        ]
        counted = place.run("stats")
        listed = place.json("runs", "list", "--given-up")
        misspelt = [
            place.run("events", "list", "--source", "hpc").stderr,
            place.run("receipts", "list", "--source", "nobody-at-all").stderr,
            place.run("runs", "list", "--connection", "ofice").stderr,
            place.run("events", "list", "--source", "leads").stderr,
        ]
        left = place.json("runs", "list", "--state", "failed", "--not-given-up", "--until", "0s")
        place.run("connections", "resume", "office")
        again = place.run("runs", "retry", "--state", "failed", "--given-up")
        deadline = time.monotonic() + 20
        while place.json("stats")["runs"]["done"] < 3:
            assert time.monotonic() < deadline, place.json("runs", "list")
        there = place.json("runs", "list", "--not-given-up", "--connection", "office")
    finally:
        stop(server)

    assert (ids, 3, True) == ([item["run"] for item in foreseen["items"]], foreseen["done"], foreseen["dry_run"])
    assert (1, True) == (refused.returncode, "3 runs: 0 go on, 3 cannot.\n" in refused.stdout)
    assert "hooks connections resume" in refused.stdout
    assert (4, True) == (partly.returncode, "2 runs: 1 are cancelled, 1 cannot.\n" in partly.stdout)
    assert (0, "2 runs: 2 are cancelled.\n") == (rest.returncode, rest.stdout)
    assert (0, "0 runs: 0 are cancelled.\n") == (nothing.returncode, nothing.stdout)
    assert (1, True) == (misnamed.returncode, "did you mean 'tell-the-office'?" in misnamed.stderr)
    assert [2] * 4 == [one.returncode for one in wrong]
    assert "3 of the failed ones given up" in counted.stdout
    assert [
        "Nothing found. There is no source 'hpc' now, did you mean 'hcp'?\n",
        "Nothing found. There is no source 'nobody-at-all' now\n",
        "Nothing found. There is no connection 'ofice' now, did you mean 'office'?\n",
        "Nothing found.\n",
    ] == misspelt
    assert (ids, []) == ([run["id"] for run in listed["items"]], left["items"])
    assert (0, "3 runs: 3 go on.\n") == (again.returncode, again.stdout)
    assert there == place.json("runs", "list", "--not-given-up", "--connection", "office"), "and without a server"
    assert [] == place.json("runs", "list", "--given-up")["items"]


def test_the_file_refuses_what_the_server_refuses(place: Place) -> None:
    server = place.serve()
    commands = [
        ("events", "list", "--cursor", "run_1"),
        ("events", "list", "--q", ""),
        ("events", "list", "--since", "1h", "--until", "2h"),
        ("runs", "list", "--event", "x"),
        ("receipts", "list", "--cursor", "evt_00000000000000000000000000000000"),
        ("people", "find", ""),
        ("people", "find", "--cursor", "x"),
        ("people", "review", "--cursor", "x"),
    ]
    try:
        refused = [place.run(*command) for command in commands]
        absent = place.run("events", "replay", "evt_00000000000000000000000000000000")
    finally:
        stop(server)
    alone = [place.run(*command) for command in commands]

    assert [1] * len(commands) == [ending.returncode for ending in refused]
    assert (1, True) == (absent.returncode, "there is no such event" in absent.stdout)
    said = [ending.stderr.replace("the server answered 422: ", "") for ending in refused]
    assert said == [ending.stderr for ending in alone]


def test_a_full_disk_behind_the_output_is_no_fault_of_ours(place: Place) -> None:
    with Path("/dev/full").open("w") as full:
        ending = subprocess.run(
            [sys.executable, "-m", "hooks", "rules", "list"],
            cwd=place.folder,
            env=place.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert 1 == ending.returncode
    assert "hooks: this cannot be written: No space left on device" in ending.stderr


@pytest.mark.parametrize("options", [(), ("--read-only",)])
def test_a_token_that_the_settings_of_the_server_give_is_not_rotated_as_if_it_were(
    place: Place, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    place.environment["HOOKS_ADMIN_TOKEN"] = "a-token-that-the-settings-give"
    server = place.serve()
    del place.environment["HOOKS_ADMIN_TOKEN"]
    try:
        ending = place.run("token", "rotate", *options)
    finally:
        stop(server)

    assert (3, "") == (ending.returncode, ending.stdout)
    assert "its own is given by HOOKS_ADMIN_TOKEN" in ending.stderr


def test_a_rotated_token_opens_the_running_server_and_the_old_one_does_not(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = place.serve()
    try:
        old = (place.folder / ".hooks" / "admin.token").read_text().strip()
        new = place.json("token", "rotate")["token"]
        counted = place.run("stats")
        monkeypatch.setenv("HOOKS_ADMIN_TOKEN", old)
        refused = place.run("stats")
    finally:
        stop(server)

    assert new != old
    assert 0 == counted.returncode, counted.stderr
    assert 1 == refused.returncode
    assert "does not take this token" in refused.stderr
    assert 0o600 == (place.folder / ".hooks" / "admin.token").stat().st_mode & 0o777


def test_lists_of_the_file_and_of_the_server_tell_the_same_things(place: Place) -> None:
    kinds = {"rules": "id", "sources": "name", "connections": "name"}
    of_file = {kind: place.json(kind, "list")["items"] for kind in kinds}
    server = place.serve()
    try:
        of_server = {kind: place.json(kind, "list")["items"] for kind in kinds}
        shown = [place.run(kind, "list") for kind in kinds]
    finally:
        stop(server, signal.SIGINT)

    named = {kind: [item[key] for item in of_file[kind]] for kind, key in kinds.items()}
    assert {"rules": ["tell-the-office"], "sources": ["hcp", "leads"], "connections": ["office"]} == named
    assert of_server["sources"] == of_file["sources"]
    for kind in ("rules", "connections"):
        for told, live in zip(of_file[kind], of_server[kind], strict=True):
            assert told == {key: live[key] for key in told} | ({"file": told["file"]} if kind == "rules" else {})
    assert ["data.total_cents >= 100"] == of_file["rules"][0]["when"]
    assert [0, 0, 0] == [ending.returncode for ending in shown]
    assert SECRET not in "".join(ending.stdout for ending in shown)


def test_a_pause_by_hand_is_told_of_a_stopped_server_too(place: Place) -> None:
    server = place.serve()
    try:
        place.run("connections", "pause", "office", "--reason", "their maintenance")
        running = place.json("connections", "list")["items"][0]
        live = place.run("connections", "list").stdout
    finally:
        stop(server)
    stopped = place.json("connections", "list")["items"][0]
    table = place.run("connections", "list").stdout

    assert stopped["paused"] is True
    assert "their maintenance" == stopped["pause_reason"] == running["pause_reason"]
    assert running["paused_at"] == stopped["paused_at"]
    assert all(re.search(r" yes .*their maintenance$", told.splitlines()[1]) for told in (live, table))


def test_an_address_to_send_to_ends_wherever_one_cut_it(place: Place) -> None:
    server = place.serve()
    try:
        inbox = json.loads((place.folder / ".hooks" / "server.json").read_text())["inbox"]
        sending = ("send", "--sample", "housecall_pro/job.completed", "--to")
        answers = [place.run(*sending, inbox + end) for end in ("", "/", "/in", "/in/", "/in/hcp")]
        wrong = [place.run(*sending, address) for address in ("127.0.0.1:1", "nonsense", f"{inbox}/in/hcp?key=1")]
    finally:
        stop(server)

    assert [0] * 5 == [answer.returncode for answer in answers], answers
    assert all(answer.stdout.startswith("202") for answer in answers)
    assert [2] * 3 == [answer.returncode for answer in wrong], wrong


def test_a_second_server_on_the_same_folder_is_refused_by_name(place: Place) -> None:
    server = place.serve()
    try:
        second = place.run("serve", "--port", "0", "--admin", "127.0.0.1:0")
    finally:
        stop(server)

    assert 1 == second.returncode
    assert f"process {server.pid}" in second.stderr
    assert "Traceback" not in second.stderr


def test_what_a_killed_server_left_leads_nobody_to_another_installation(place: Place) -> None:
    other = place.folder / "other"
    killed, server = place.serve(), None
    try:
        place.run("send", "--sample", "housecall_pro/job.completed")
        stop(killed, signal.SIGKILL)
        noted = json.loads((place.folder / ".hooks" / "server.json").read_text())
        at = noted["admin"].removeprefix("http://")
        server = place.start("serve", "--port", "0", "--admin", at, "--data", str(other))
        told = other / "server.json"
        while not told.is_file() or not told.read_text().endswith("\n"):
            assert server.poll() is None, server.communicate()[0]
            time.sleep(0.05)
        counted = place.json("stats")
        paused = place.run("connections", "pause", "office")
        elsewhere = place.json("connections", "list", "--data", str(other))
    finally:
        for process in (killed, server):
            if process is not None and process.poll() is None:
                stop(process)

    assert 1 == counted["receipts"]["accepted"], "of its own file, and nothing of the other's"
    assert (1, True) == (paused.returncode, "no server answers for this data folder" in paused.stderr)
    assert [False] == [connection["paused"] for connection in elsewhere["items"]]


def test_a_server_that_does_not_answer_is_told_from_none(place: Place) -> None:
    server = place.serve()
    try:
        server.send_signal(signal.SIGSTOP)
        asked = (("connections", "pause", "office"), ("events", "tail"), ("healthcheck", "--detail"))
        with ThreadPoolExecutor() as together:  # each waits for seconds
            answers = list(together.map(lambda words: place.run(*words), asked))
    finally:
        server.send_signal(signal.SIGCONT)
        stop(server)

    assert [1, 1, 1] == [told.returncode for told in answers]
    for told in answers:
        assert f"the server of this data folder (process {server.pid}) does not answer" in told.stderr


def test_a_reload_that_is_asked_for_during_the_start_does_not_end_it(place: Place) -> None:
    server = place.start("serve", "--port", "0", "--admin", "127.0.0.1:0")
    try:
        told = place.folder / ".hooks" / "hooks.db"
        while not told.is_file():  # it is starting, and not there yet
            assert server.poll() is None, server.communicate()[0]
            time.sleep(0.005)
        server.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 30
        while place.run("healthcheck", "--ready").returncode != 0:
            assert server.poll() is None, "it ended"
            assert time.monotonic() < deadline, "the server did not become ready"
    finally:
        stop(server)


def test_a_damaged_database_is_found(place: Place) -> None:
    server = place.serve()
    try:
        for _ in range(3):
            place.run("send", "--sample", "housecall_pro/job.completed")
    finally:
        stop(server)
    path = place.folder / ".hooks" / "hooks.db"
    content = bytearray(path.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    content[page * 3 : page * 3 + 2000] = b"\xa5" * 2000
    path.write_bytes(content)

    ending = place.run("db", "check", "--json")

    assert 1 == ending.returncode
    assert not json.loads(ending.stdout)["ok"]


def test_a_body_of_ones_own_is_explained_by_the_source_that_would_read_it(place: Place) -> None:
    body = {"event": "job.completed", "job": {"id": "job_1", "total_amount": 50}}
    (place.folder / "body.json").write_text(json.dumps(body))

    explained = place.json("explain", "--source", "hcp", "--payload", "body.json")
    told = place.run("explain", "--source", "hcp", "--payload", "body.json")

    assert "job.completed" == explained["event"]["type"]
    assert [False] == [rule["matched"] for rule in explained["rules"]]
    assert "data.total_cents = 50" in told.stdout
    assert "did not match" in told.stdout
    assert not (place.folder / ".hooks").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "--sample", "housecall_pro/job.complete"],
        ["explain", "--sample", "housecall_pro/job.completed", "--source", "nobody"],
        ["explain", "--payload", "there-is-none.json", "--source", "hcp"],
        ["explain", "--payload", "routes.yaml"],
        ["explain"],
        ["send"],
        ["send", "--sample", "nobody/nothing"],
        ["vendors", "homebase"],
        ["vendors", "http.requests"],
    ],
    ids=" ".join,
)
def test_a_wrong_name_is_answered_with_what_there_is(arguments: list[str], place: Place) -> None:
    ending = place.run(*arguments)

    assert (2, "") == (ending.returncode, ending.stdout)
    assert "Traceback" not in ending.stderr
    assert len(ending.stderr) > 20
