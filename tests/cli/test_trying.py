"""`hooks test` and `hooks backtest` as a user meets them: what they print, how they end, and that they send nothing."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import hooks
from hooks.cli.tree import run
from hooks.events import Event, Receipt, Request, event_id, new_id
from hooks.ports import Plan, PlannedRun, Progress, Step
from hooks.store.sqlite import open_sqlite

RULES = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.NOBODY_SET_THIS}"}
  leads: {vendor: zapier, key: "${secret.NOR_THIS}"}
connections:
  homebase: {vendor: homebase360, api_key: "${secret.OR_THIS}"}
rules:
  - id: job-to-homebase
    event: job.completed
    when: data.total_cents >= 5000
    do:
      - id: customer
        action: homebase360.upsert_customer
        with: {customer: "${data.customer}"}
      - action: homebase360.create_job
        with:
          customerId: ${steps.customer.customerId}
          start: ${data.scheduled_start_at}
          end: ${data.scheduled_end_at}
          lineItems: [{name: "${data.description ?? 'Service'}", quantity: 1, unitPrice: "9.00"}]
"""
TESTS = """\
rule: job-to-homebase
tests:
  - name: a large job is sent
    given: {sample: housecall_pro/job.completed, set: {data.total_cents: 5000}, now: "2026-05-07T00:00:00Z"}
    expect: [{action: homebase360.upsert_customer}, {action: homebase360.create_job}]
  - name: a small job is not
    given: {sample: housecall_pro/job.completed, source: hcp, set: {data.total_cents: 4999}}
    expect: {matched: false, because: data.total_cents >= 5000}
"""
JOB = {
    "id": "job_1",
    "description": "Call Ines Calderon at 513-555-0188",
    "total_cents": 9000,
    "scheduled_start_at": "2026-05-06T17:30:00Z",
    "scheduled_end_at": "2026-05-06T19:30:00Z",
    "customer": {"first_name": "Ines", "last_name": "Calderon", "email": "ines@example.com", "phone": "+15135550188"},
    "address": {"street": "12 Birch Lane", "city": "Mason", "one_line": "12 Birch Lane, Mason"},
}


@dataclass
class World:
    """A folder with rules, tests and perhaps a database; commands are run in it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        code = run(arguments)
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def json(self, *arguments: str) -> tuple[int, Any]:
        code, out, _ = self.run(*arguments, "--json")
        return code, json.loads(out)

    async def store(
        self, count: int = 1, *, known: bool = True, data: Callable[[int], Any] = lambda number: JOB
    ) -> list[Event]:
        """Events of the last hours, the runs of the first with recorded answers; ``known``: the rules were in force."""
        (self.folder / ".hooks").mkdir()
        store = await open_sqlite(self.folder / ".hooks" / "hooks.db", relaxed=True)
        now = datetime.now(UTC)
        events = []
        for number in range(count):
            at = now - timedelta(hours=count - number)
            receipt = Receipt(new_id("rcp"), "hcp", "housecall_pro", at, "accepted", body=b"{}", events=1)
            assert await store.record(receipt, None, 0) is None
            event = Event(event_id(receipt.id), "job.completed", "hcp", "housecall_pro", "job.completed", receipt.id,
                          at, at, "job/job_1", data(number), {"secret": "raw"})  # fmt: skip
            runs = (PlannedRun(new_id("run"), "job-to-homebase", "homebase", at),) if number == 0 else ()
            await store.plan([receipt.id], [Plan(event, runs)], "v1")
            events.append(event)
        for claimed, _ in await store.claim("me", {"homebase": 5}, now, 20):
            done = Step(0, "customer", "homebase360.upsert_customer", "homebase", "done", {}, Request("POST", "/"), "x",
                        {"customerId": "c-7", "phone": "+15135550188"})  # fmt: skip
            await store.progress(Progress(claimed.id, claimed.fence, now, "done", steps=(done,)))
        if known:
            await store.keep_rules("v1", {"routes.yaml": RULES}, now)
        await store.close()
        return events


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    world = World(tmp_path, capsys)
    world.write("routes.yaml", RULES)
    return world


# --- test ---


def test_tests_pass_without_any_secret(world: World) -> None:
    world.write("tests/jobs.yaml", TESTS)

    code, told = world.json("test")
    ending, out, err = world.run("test", "routes.yaml")

    assert (0, True, {"tests": 2, "passed": 2, "failed": 0, "invalid": 0}) == (code, told["ok"], told["summary"])
    assert ["a large job is sent", "a small job is not"] == [test["name"] for test in told["tests"]]
    assert {"rule", "name", "file", "line", "verdict", "failures"} == set(told["tests"][0])
    assert (0, "") == (ending, err)
    assert "2 tests, none failing." in out


def test_a_failing_test_ends_with_1_and_shows_the_field(world: World) -> None:
    world.write("tests/jobs.yaml", TESTS.replace("create_job}]", "create_job, with: {end: never}}]"))

    code, out, _ = world.run("test")

    assert 1 == code
    assert "with.end  (line 19)" in out
    assert 'expected  "never"' in out
    assert 'found     "2026-05-06T19:30:00Z"  from data.scheduled_end_at' in out


def test_an_error_that_does_not_come_is_told_without_values_that_nobody_has(world: World) -> None:
    world.write(
        "tests/jobs.yaml",
        TESTS.replace("[{action: homebase360.upsert_customer}, {action: homebase360.create_job}]", "error"),
    )

    code, out, _ = world.run("test")

    assert (1, True) == (code, "an error was expected, and there is none" in out)
    assert "expected  nothing" not in out


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("routes.yaml", RULES.replace("job.completed", "job.completed\n    evnt: x"), 3),
        ("tests/jobs.yaml", TESTS.replace("rule: job", "rule: jop"), 3),
        ("tests/jobs.yaml", TESTS.replace("housecall_pro/job.completed", "housecall_pro/job.complete"), 3),
        ("tests/jobs.yaml", TESTS.replace("5000}", "5001}").replace("4999", "5000"), 1),
    ],
)
def test_the_exit_code_tells_a_wrong_file_from_a_failing_test(world: World, name: str, text: str, code: int) -> None:
    world.write("tests/jobs.yaml", TESTS)
    world.write(name, text)

    ending, out, err = world.run("test")
    as_json, told = world.json("test")

    assert (code, code, False) == (ending, as_json, told["ok"])
    assert out + err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{payload: {foo: 1}}", "say which source with source: hcp, leads"),
        ("{sample: cloudevents/order.paid}", "the rules file has no source of the vendor cloudevents"),
        ("{payload: 'no json', source: hcp}", "the source hcp cannot read this body"),
    ],
)
def test_an_event_that_cannot_be_made_is_explained(world: World, given: str, message: str) -> None:
    world.write("tests/x.yaml", f"- {{rule: job-to-homebase, name: x, given: {given}, expect: none}}\n")

    code, told = world.json("test")

    assert 3 == code
    assert message in told["tests"][0]["failures"][0]["message"]


def test_a_body_is_read_by_the_source_that_is_named(world: World) -> None:
    body = '{"event": "job.completed", "job": {"id": "job_1", "total_amount": 50}}'
    case = "name: x, expect: {because: data.total_cents >= 5000}"
    world.write(
        "tests/x.yaml",
        f"- {{rule: job-to-homebase, {case}, given: {{source: hcp, payload: {body}}}}}\n"
        f"- {{rule: job-to-homebase, {case}, given: {{source: hcp, payload: '{body}'}}}}\n",
    )

    assert 0 == world.json("test")[0]


def test_only_tests_that_hold_a_text_are_run(world: World) -> None:
    world.write("tests/jobs.yaml", TESTS)

    assert ["a small job is not"] == [test["name"] for test in world.json("test", "-k", "SMALL")[1]["tests"]]
    assert 1 == world.run("test", "-k", "nobody")[0]


def test_coverage_and_mutation_are_told_with_places(world: World) -> None:
    world.write("tests/jobs.yaml", TESTS)

    code, told = world.json("test", "--coverage", "--mutate")
    _, out, _ = world.run("test", "--coverage", "--mutate")

    assert 0 == code
    assert {"covered": 2, "total": 2, "missed": []} == told["coverage"]["clauses"]
    assert [{"rule": "job-to-homebase", "file": "routes.yaml", "line": 20, "text": "data.description ?? 'Service'",
             "missing": "the left side is missing"}] == told["coverage"]["branches"]["missed"]  # fmt: skip
    mutants = told["mutants"]
    assert mutants["total"] == mutants["caught"] + len(mutants["missed"])
    assert {"rule": "job-to-homebase", "file": "routes.yaml", "line": 20,
            "change": "lineItems[0].quantity: 1 made 2"} in mutants["missed"]  # fmt: skip
    assert "data.total_cents >= 5000" not in json.dumps(mutants["missed"])
    assert "routes.yaml:20  data.description ?? 'Service'  never seen: the left side is missing" in out
    assert "routes.yaml:20  job-to-homebase  lineItems[0].quantity: 1 made 2" in out


def test_rules_without_tests_are_named_by_mutation(world: World) -> None:
    code, told = world.json("test", "--mutate")

    assert (0, {"total": 0, "caught": 0, "missed": [], "without_tests": ["job-to-homebase"]}) == (code, told["mutants"])


# --- freeze ---


async def test_a_stored_event_becomes_a_test_that_passes_and_names_nobody(world: World) -> None:
    (event,) = await world.store()

    code, frozen, err = world.run("test", "--freeze", event.id)
    world.write("tests/frozen.yaml", frozen)
    ending, told = world.json("test")

    assert (0, "") == (code, err)
    for private in ("Ines", "Calderon", "ines@example.com", "5550188", "555-0188", "Birch", "secret"):
        assert private not in frozen
    assert "c-7" in frozen
    assert "Mason" in frozen
    assert (0, 1) == (ending, told["summary"]["passed"])
    assert told["tests"][0]["rule"] == "job-to-homebase"


async def test_an_event_that_matches_nothing_becomes_a_test_of_that(world: World) -> None:
    (event,) = await world.store(data=lambda number: {**JOB, "total_cents": 1})

    _, frozen, _ = world.run("test", "--freeze", event.id)
    world.write("tests/frozen.yaml", frozen)

    assert "because: data.total_cents >= 5000" in frozen
    assert 0 == world.run("test")[0]


async def test_what_cannot_be_frozen_is_said(world: World) -> None:
    await world.store()

    assert 2 == world.run("test", "--freeze", "job_1")[0]
    assert 2 == world.run("test", "--freeze", "evt_1", "--json")[0]
    assert 1 == world.run("test", "--freeze", "evt_1")[0]


async def test_what_rules_do_not_read_of_a_body_is_left_out(world: World) -> None:
    (event,) = await world.store()
    _, without, _ = world.run("test", "--freeze", event.id)
    world.write("routes.yaml", RULES.replace("data.description ?? 'Service'", "raw.secret"))
    _, with_raw, _ = world.run("test", "--freeze", event.id)

    assert "raw:" not in without
    assert "raw:\n        secret: raw\n" in with_raw


async def test_a_run_that_fails_is_frozen_with_its_error(world: World) -> None:
    (event,) = await world.store(data=lambda number: {**JOB, "scheduled_end_at": None})

    _, frozen, _ = world.run("test", "--freeze", event.id)
    world.write("tests/frozen.yaml", frozen)

    assert "required field 'end' came out empty" in frozen
    assert 0 == world.run("test")[0]


async def test_an_event_that_no_rule_takes_cannot_be_frozen(world: World) -> None:
    (event,) = await world.store()
    world.write("routes.yaml", RULES.replace("job.completed", "job.canceled"))

    code, _, err = world.run("test", "--freeze", event.id)

    assert 1 == code
    assert "no rule takes job.completed from hcp" in err


async def test_a_rule_about_a_person_by_name_is_told_apart(world: World) -> None:
    (event,) = await world.store()
    world.write("routes.yaml", RULES.replace("data.total_cents >= 5000", "data.customer.first_name == 'Ines'"))

    code, frozen, err = world.run("test", "--freeze", event.id)

    assert 0 == code
    assert "with invented people job-to-homebase does something else" in err
    assert "matched: false" in frozen


# --- backtest ---


async def test_the_file_against_the_rules_in_force_makes_no_difference(world: World) -> None:
    await world.store(3)
    world.write("other.yaml", RULES.replace("5000", "50000"))

    code, told = world.json("backtest")
    against = world.json("backtest", "routes.yaml", "--against", "other.yaml")

    assert (0, {"same": 3, "added": 0, "removed": 0, "changed": 0}, []) == (code, told["summary"], told["events"])
    assert (10, {"same": 0, "added": 3, "removed": 0, "changed": 0}) == (against[0], against[1]["summary"])


async def test_differences_are_told_and_end_with_10(world: World) -> None:
    first, second = await world.store(2)
    world.write("new.yaml", RULES.replace("9.00", "10.00"))

    code, told = world.json("backtest", "new.yaml")
    ending, out, err = world.run("backtest", "new.yaml")

    field = {"path": "step2.body.lineItems[0].unitPrice", "old": "9.00", "new": "10.00"}
    assert (10, 10) == (code, ending)
    assert {"same": 0, "added": 0, "removed": 0, "changed": 2} == told["summary"]
    assert [
        {"event": event.id, "rule": "job-to-homebase", "change": "changed", "fields": [field]}
        for event in (first, second)
    ] == told["events"]
    assert {"recorded": 1, "placeholders": 1} == told["answers"]
    assert 'step2.body.lineItems[0].unitPrice: "9.00" → "10.00"' in out
    assert "1 as recorded, 1 unknown" in out
    assert "" == err


async def test_the_short_form_names_fields_and_no_values(world: World) -> None:
    await world.store(2)
    world.write("new.yaml", RULES.replace("${data.description ?? 'Service'}", "Job"))

    code, out, _ = world.run("backtest", "new.yaml", "--short")

    assert 10 == code
    assert "**hooks backtest**: 2 events, 0 added, 0 removed, 2 changed, 0 same." in out
    assert "| `job-to-homebase` | 0 | 0 | 0 | 2 | `step2.body.lineItems[0].name` (2) |" in out
    assert "Calderon" not in out


async def test_requests_that_come_or_go_are_shown_whole_and_not_all_of_them(world: World) -> None:
    await world.store(22)
    world.write("new.yaml", RULES.replace("5000", "50000"))

    _, removed, _ = world.run("backtest", "new.yaml")
    _, added, _ = world.run("backtest", "routes.yaml", "--against", "new.yaml")

    assert "job-to-homebase  0     0      22       0" in removed
    assert "- customer: homebase360.upsert_customer: POST https://" in removed
    assert "+ step2: homebase360.create_job: POST https://" in added
    assert "and 2 more: --json has all of them" in removed


async def test_many_changed_fields_are_cut_in_the_short_form(world: World) -> None:
    await world.store(1)
    fields = ", ".join(f"n{number}: 1" for number in range(9))
    for name, value in (("old.yaml", "1"), ("new.yaml", "2")):
        world.write(name, "version: 1\nconnections:\n  web: {vendor: http, base_url: 'https://example.org'}\nrules:\n"
                    "  - id: one\n    event: '*'\n    do: [{action: http.request, with: {method: POST, path: /x,"
                    f" json: {{{fields.replace(': 1', f': {value}')}}}}}}}]\n")  # fmt: skip

    _, out, _ = world.run("backtest", "new.yaml", "--against", "old.yaml", "--short")

    assert out.rstrip().endswith("and 3 more |")
    assert "Answers" not in out


async def test_progress_is_shown_on_a_terminal_only(world: World) -> None:
    await world.store(3)
    ours, theirs = pty.openpty()
    ending = subprocess.run(
        [sys.executable, "-m", "hooks", "backtest", "--json"],
        cwd=world.folder,
        env={"PYTHONPATH": str(Path(hooks.__file__).parent.parent)},
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=50,
    )
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)

    assert 3 == json.loads(ending.stdout)["summary"]["same"]
    assert "3 of 3 events" in shown


async def test_the_range_the_rule_and_the_source_narrow_it(world: World) -> None:
    events = await world.store(4)
    middle = ["--since", events[1].received_at.isoformat(), "--until", events[3].received_at.isoformat()]

    assert 2 == world.json("backtest", *middle)[1]["summary"]["same"]
    assert 0 == world.json("backtest", "--source", "leads")[1]["summary"]["same"]
    assert 4 == world.json("backtest", "--rule", "job-to-homebase")[1]["summary"]["same"]
    code, _, err = world.run("backtest", "--rule", "job-to-homebas")
    assert 2 == code
    assert "did you mean 'job-to-homebase'?" in err


async def test_without_rules_in_force_the_file_is_the_old_side(world: World) -> None:
    await world.store(known=False)
    world.write("new.yaml", RULES.replace("9.00", "10.00"))

    assert (0, 10) == (world.json("backtest")[0], world.json("backtest", "new.yaml")[0])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["new.yaml", "--against", "broken.yaml"], 3),
        (["broken.yaml"], 3),
        (["missing.yaml"], 3),
        (["--since", "yesterday"], 2),
        (["--since", "1h", "--until", "2h"], 2),
        (["--source", "hpc"], 2),
        (["--short", "--json"], 2),
        (["--data", "elsewhere"], 1),
    ],
    ids=str,
)
async def test_wrong_use_and_wrong_files_have_their_exit_codes(
    world: World, arguments: Sequence[str], code: int
) -> None:
    await world.store()
    world.write("new.yaml", RULES)
    world.write("broken.yaml", RULES.replace("data.total_cents", "data.total_cent"))

    ending, _, err = world.run("backtest", *arguments)

    assert code == ending
    assert err
    assert "Traceback" not in err


async def test_neither_opens_a_socket_of_any_kind(world: World) -> None:
    await world.store(3)
    world.write("tests/jobs.yaml", TESTS)
    code = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    if event.startswith('socket.'):\n"
        "        raise RuntimeError(f'a socket was touched: {event}')\n"
        "sys.addaudithook(refuse)\n"
        "from hooks.cli.tree import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    for arguments in (["test", "--coverage", "--mutate"], ["backtest", "--short"]):
        ending = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=world.folder,
            env={"PYTHONPATH": str(Path(hooks.__file__).parent.parent)},
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert 0 == ending.returncode, ending.stdout + ending.stderr
