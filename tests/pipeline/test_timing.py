"""When a rule acts, through the engine: throttle, debounce, in_order_by and expect, with a restart in the middle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hooks.events import Event
from hooks.kit.sandbox import Fault
from hooks.pipeline.match import plan
from hooks.pipeline.replay import Choice, Circumstances, choices
from hooks.ports import Chosen, PastRun, ReplayMode, Timing
from tests.pipeline.engine import RULES, Engine
from tests.rules.rules_world import EVENT, MOMENT, PING, load_after_head, rule


def with_key(text: str) -> str:
    """The rules with a key more in their one rule."""
    return RULES.replace("    event: greeting.sent\n", f"    event: greeting.sent\n    {text}\n")


class Town:
    """An engine that can be stopped and started again on the same file, with the clock going on."""

    def __init__(self, folder: Path, text: str) -> None:
        self._folder = folder
        self._text = text

    async def __aenter__(self) -> Town:
        self.engine = await Engine.open(self._folder, self._text)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.close()

    async def restart(self) -> None:
        seconds, box = self.engine.clock.seconds, self.engine.box
        await self.engine.close()
        self.engine = await Engine.open(self._folder, self._text)
        self.engine.clock.seconds = seconds
        self.engine.box.records = box.records

    async def greet(self, name: str, kind: str = "greeting.sent") -> None:
        await self.engine.receive(f'{{"kind":"{kind}","to":"{name}"}}'.encode())
        while await self.engine.dispatcher.turn():
            pass

    async def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Let the clock go on, the worker turning all the while."""
        until = self.engine.clock.seconds + seconds
        while self.engine.clock.seconds < until:
            self.engine.clock.seconds = min(until, self.engine.clock.seconds + step)
            while await self.engine.turn():
                pass

    @property
    def greeted(self) -> list[str]:
        return [greeting["to"] for greeting in self.engine.box.of("greetings")]

    async def states(self) -> list[str]:
        return [run["state"] for run in await self.engine.runs()]


async def test_a_throttle_holds_over_a_restart(tmp_path: Path) -> None:
    async with Town(tmp_path, with_key("throttle: {max: 2, per: 1m, by: data.display_name}")) as town:
        for _ in range(5):
            await town.greet("Maya")
        await town.greet("Ada")
        await town.pass_time(1)
        assert ["Maya", "Maya", "Ada"] == town.greeted
        await town.restart()
        await town.pass_time(58)
        assert 2 == town.greeted.count("Maya")
        await town.pass_time(2)
        assert 4 == town.greeted.count("Maya")
        await town.pass_time(60)
        assert 5 == town.greeted.count("Maya")
        assert ["done"] * 6 == await town.states()


async def test_a_throttle_that_skips_leaves_what_is_too_much(tmp_path: Path) -> None:
    async with Town(tmp_path, with_key("throttle: {max: 2, per: 1m, over: skip}")) as town:
        for name in ("Maya", "Ada", "Joan"):
            await town.greet(name)
        await town.pass_time(120)
        assert ["Maya", "Ada"] == town.greeted
        assert ["done", "done", "skipped"] == await town.states()


async def test_a_burst_is_one_run_after_a_restart_too(tmp_path: Path) -> None:
    rules = with_key("debounce: {by: data.display_name, wait: 2m, max_wait: 15m}")
    async with Town(tmp_path, rules) as town:
        await town.greet("Maya")
        await town.pass_time(100, step=20)
        await town.greet("Maya")
        await town.greet("Ada")
        await town.restart()
        await town.pass_time(100, step=20)
        await town.greet("Maya")
        assert [] == town.greeted
        await town.pass_time(121, step=1)
        assert ["Ada", "Maya"] == town.greeted
        runs = await town.engine.runs()
        assert ["skipped", "skipped", "done", "done"] == [run["state"] for run in runs]
        assert {f"debounce: {runs[3]['id']} stands for it"} == {run["reason"] for run in runs[:2]}


async def test_a_failing_head_holds_only_its_own_lane_also_over_a_restart(tmp_path: Path) -> None:
    async with Town(tmp_path, with_key("in_order_by: data.display_name")) as town:
        town.engine.box.faults.append(Fault(kind="status", status=503))
        await town.greet("Maya")
        await town.engine.turn()
        for name in ("Ada", "Maya", "Maya"):
            await town.greet(name)
        await town.engine.turn()
        assert ["Ada"] == town.greeted
        await town.restart()
        await town.engine.turn()
        assert ["Ada"] == town.greeted
        await town.pass_time(10)
        assert ["Ada", "Maya", "Maya", "Maya"] == town.greeted
        assert ["done"] * 4 == await town.states()


async def test_with_wait_a_dead_letter_holds_its_lane_until_it_is_cancelled(tmp_path: Path) -> None:
    async with Town(tmp_path, with_key("in_order_by: {by: data.display_name, on_stuck: wait}")) as town:
        town.engine.box.faults.append(Fault(kind="status", status=422))
        await town.greet("Maya")
        await town.greet("Maya")
        await town.pass_time(60)
        assert ["failed", "waiting"] == await town.states()
        head = (await town.engine.runs())[0]
        assert await town.engine.store.cancel(head["id"], "given up", town.engine.clock.now())
        await town.pass_time(1)
        assert ["failed", "done"] == await town.states()


EXPECT = with_key("expect: {event: greeting.returned, by: {first: data.display_name, then: raw.to}, within: 15m}")


async def test_the_alarm_is_given_when_what_is_expected_does_not_come(tmp_path: Path) -> None:
    async with Town(tmp_path, EXPECT) as town:
        await town.greet("Maya")
        await town.greet("Ada")
        await town.pass_time(600, step=60)
        await town.greet("Ada", "greeting.returned")
        await town.restart()
        await town.pass_time(299, step=10)
        assert [] == town.greeted
        await town.pass_time(2)
        assert ["Maya"] == town.greeted
        maya, ada = await town.engine.runs()
        assert ("done", "skipped") == (maya["state"], ada["state"])
        assert ada["reason"].endswith("(greeting.returned) came in time")
        assert (await town.engine.history.stats())["books_balance"]


async def test_what_came_while_the_server_was_down_counts(tmp_path: Path) -> None:
    async with Town(tmp_path, EXPECT) as town:
        await town.greet("Maya")
        town.engine.clock.seconds += 600
        await town.engine.receive(b'{"kind":"greeting.returned","to":"Maya"}')
        town.engine.clock.seconds += 600
        await town.restart()
        assert 0 == await town.engine.turn()
        await town.engine.dispatcher.turn()
        await town.pass_time(10)
        assert ["skipped"] == await town.states()
        assert [] == town.greeted


async def test_a_key_that_cannot_be_worked_out_does_not_hold_the_run_back(tmp_path: Path) -> None:
    async with Town(tmp_path, with_key("in_order_by: raw.number > 5")) as town:
        await town.engine.receive(b'{"kind":"greeting.sent","to":"Maya","number":"six"}')
        await town.engine.dispatcher.turn()
        [run] = await town.engine.runs()
        assert "in_order_by could not be worked out, so it was not applied" in run["reason"]
        await town.engine.turn()
        assert ["Maya"] == town.greeted


async def test_runs_without_a_key_are_not_in_each_others_way(tmp_path: Path) -> None:
    for number, key in enumerate(("in_order_by: raw.ref", "debounce: {by: raw.ref, wait: 1s}")):
        async with Town(tmp_path / str(number), with_key(key)) as town:
            for _ in range(3):
                await town.greet("Maya")
            town.engine.clock.seconds += 1
            assert 3 == await town.engine.turn()


def states_by_rule(runs: list[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for run in runs:
        found.setdefault(run["rule"], []).append(run["state"])
    return found


async def test_rules_do_not_share_their_keys(tmp_path: Path) -> None:
    first = with_key("throttle: {max: 1, per: 1m}")
    second = first[first.index("  - id:") :].replace("greet-back", "greet-again")
    async with Town(tmp_path, first + second) as town:
        await town.greet("Maya")
        await town.greet("Maya")
        await town.pass_time(1)
        runs = await town.engine.runs()
        assert {"greet-back": ["done", "waiting"], "greet-again": ["done", "waiting"]} == states_by_rule(runs)


# --- with other keys, and in a replay ---


def happened(at: datetime = MOMENT, **data: Any) -> Event:
    return EVENT._replace(received_at=at, data={**EVENT.data, **data})


def test_a_burst_that_settles_outside_the_hours_waits_for_them() -> None:
    rules = load_after_head(
        "calendars: {office: {zone: America/New_York, hours: {mon-fri: '08:00-17:00'}}}\n"
        + rule("    debounce: {by: data.id, wait: 2m, max_wait: 15m}\n    within: office\n" + PING)
    )
    late = datetime(2026, 5, 4, 21, 30, tzinfo=UTC)  # half past five in the afternoon
    [run] = plan(happened(late), rules, late).runs
    morning = datetime(2026, 5, 5, 12, 0, tzinfo=UTC)
    assert (morning, morning) == (run.due_at, run.timing.settles_by)


def test_an_alarm_is_given_in_the_hours_and_judged_by_its_own_time() -> None:
    rules = load_after_head(
        "calendars: {office: {zone: America/New_York, hours: {mon-fri: '08:00-17:00'}}}\n"
        + rule("    expect: {event: job.canceled, by: data.id, within: 15m}\n    within: office\n" + PING)
    )
    late = datetime(2026, 5, 4, 20, 50, tzinfo=UTC)
    [run] = plan(happened(late), rules, late).runs
    assert datetime(2026, 5, 5, 12, 0, tzinfo=UTC) == run.due_at
    assert late + timedelta(minutes=15) == run.timing.deadline


def test_only_force_gives_an_alarm_again() -> None:
    rules = load_after_head(rule("    expect: {event: job.canceled, by: data.id, within: 15m}\n" + PING))
    now = MOMENT + timedelta(days=2)

    def chosen(mode: ReplayMode, *runs: PastRun) -> Choice:
        given = Circumstances(mode, rules, {rules.version: rules}, None, now, lambda connection: None)
        [choice] = choices(Chosen(EVENT, runs), given)
        return choice

    past = PastRun("run_1", "one", rules.version, "skipped", "expect: evt_2 came in time")
    for choice in (
        chosen("missing-only"),
        chosen("current-version"),
        chosen("current-version", past),
        chosen("same-version", past),
    ):
        assert ("nothing", None) == (choice.action, choice.replay)
        assert "only force" in choice.why
    for choice in (chosen("force"), chosen("force", past)):
        assert choice.replay is not None
        assert choice.replay.planned is not None
        assert (now, Timing()) == (choice.replay.planned.due_at, choice.replay.planned.timing)
