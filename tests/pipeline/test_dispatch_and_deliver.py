"""Dispatch and deliver, turn by turn: poison, faults of ours, restarts, look-ups, leases, stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hooks.events import Receipt
from hooks.kit.sandbox import Fault
from hooks.pipeline.deliver import FAULT_WAIT, LEASE, MAX_FAULTS
from hooks.pipeline.dispatch import CALM
from hooks.ports import Draft, EventFilter
from hooks.store.planning import PLANNING
from tests.pipeline.engine import RULES, Engine, load
from tests.vendors.hello.source import HelloSource

STUMBLE = RULES.replace('hello.greet, with: {to: "${data.display_name}", ref: "${id}"}', "hello.stumble")


@pytest.fixture
async def engine(tmp_path: Path, server_database: str | None) -> AsyncIterator[Engine]:
    engine = await Engine.open(tmp_path, database=server_database)
    yield engine
    await engine.close()


async def events(engine: Engine) -> list[Any]:
    return list(reversed((await engine.history.events(EventFilter())).items))


# --- dispatch ---


class Poisonous:
    """The tiny vendor's source, but what it makes of a poison cannot be stored."""

    def __init__(self, inner: HelloSource) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def normalize(self, receipt: Receipt) -> list[Draft]:
        if b"poison" in receipt.body:
            return [Draft("greeting.sent", "greeting.sent", data={"what": object()}, raw=None)]
        return self._inner.normalize(receipt)


class Killed(BaseException):
    """What becomes of the process."""


class Deadly(Poisonous):
    """The same, but a poison kills who reads it."""

    def normalize(self, receipt: Receipt) -> list[Draft]:
        if b"poison" in receipt.body:
            raise Killed
        return self._inner.normalize(receipt)


async def test_an_event_that_cannot_be_stored_holds_up_no_other(engine: Engine) -> None:
    inner: Any = engine.sources["hello"]
    engine.sources["hello"] = Poisonous(inner)
    receipts = [await engine.receive(), await engine.receive(b'{"poison":1}'), await engine.receive()]

    assert 3 == await engine.dispatcher.turn()
    assert 0 == await engine.dispatcher.turn()

    made = await events(engine)
    assert [receipt.event_ids[0] for receipt in receipts] == [event["id"] for event in made]
    assert ["matched", "unmatched", "matched"] == [event["state"] for event in made]
    assert ("hello.unreadable", "it cannot be stored") == (made[1]["type"], made[1]["flag"])
    assert (await engine.history.stats())["books_balance"]


async def test_a_receipt_that_ends_the_program_is_set_aside_after_three_times_and_holds_up_no_other(
    engine: Engine,
) -> None:
    inner: Any = engine.sources["hello"]
    engine.sources["hello"] = Deadly(inner)
    receipts = [await engine.receive(), await engine.receive(b'{"poison":1}'), await engine.receive()]

    crashes = 0
    for _ in range(6):
        try:
            await engine.dispatcher.turn()
        except Killed:
            crashes += 1
            engine.clock.seconds += PLANNING + 1  # until then another server may be at it, where several share a store
            engine.dispatcher = engine.new_dispatcher()
            await engine.dispatcher.begin()
            engine.clock.seconds += CALM

    assert 3 == crashes
    made = await events(engine)
    assert {receipt.event_ids[0] for receipt in receipts} == {event["id"] for event in made}
    aside = next(event for event in made if event["id"] == receipts[1].event_ids[0])
    assert ("hello.unreadable", True) == (aside["type"], "3 times" in aside["flag"])
    assert 2 == sum(event["state"] == "matched" for event in made)
    assert (await engine.history.stats())["books_balance"]


async def test_half_a_character_is_stored_and_read_back(engine: Engine) -> None:
    class Halved(Poisonous):
        def normalize(self, receipt: Receipt) -> list[Draft]:
            return [Draft("a.b", "a.b", data={"half": "\ud83d", "whole": "é"}, raw={"half": "\ud83d"})]

    engine.sources["hello"] = Halved(None)  # type: ignore[arg-type]  # only normalize is called
    await engine.receive()
    await engine.dispatcher.turn()

    assert [{"half": "\ud83d", "whole": "é"}] == [event["data"] for event in await events(engine)]


async def test_without_rules_nothing_is_planned_and_nothing_is_lost(engine: Engine) -> None:
    rules, engine.rules = engine.rules, None
    await engine.receive()
    assert 0 == await engine.dispatcher.turn()
    engine.rules = rules
    assert 1 == await engine.dispatcher.turn()
    assert ["matched"] == [event["state"] for event in await events(engine)]


async def test_planning_twice_makes_one_run(engine: Engine) -> None:
    await engine.receive()
    await asyncio.gather(engine.dispatcher.turn(), engine.dispatcher.turn())
    assert 1 == len(await engine.runs())


# --- deliver ---


async def test_a_run_is_carried_out_in_one_turn(engine: Engine) -> None:
    receipt = await engine.receive()
    await engine.dispatcher.turn()
    assert 1 == await engine.turn()
    assert ["done"] == [run["state"] for run in await engine.runs()]
    assert [receipt.event_ids[0]] == [greeting["ref"] for greeting in engine.box.of("greetings")]


async def test_a_fault_of_ours_is_tried_a_few_times_and_then_is_a_dead_letter(
    tmp_path: Path, server_database: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    engine = await Engine.open(tmp_path, STUMBLE, server_database)
    await engine.receive()
    await engine.dispatcher.turn()

    with caplog.at_level(logging.DEBUG, "hooks"):
        states = []
        for _ in range(MAX_FAULTS + 2):
            await engine.turn()
            states.append((await engine.runs())[0]["state"])
            engine.clock.seconds += FAULT_WAIT

    assert ["waiting"] * (MAX_FAULTS - 1) + ["failed"] * 3 == states
    assert "RuntimeError" in caplog.text
    assert "Maya" not in caplog.text
    run = (await engine.runs())[0]
    await engine.close()
    assert "Maya" not in str({name: value for name, value in run.items() if name != "about"}), (
        "the reason holds no name"
    )


async def test_a_call_that_a_crash_cut_off_is_looked_for_before_and_after_the_vendors_time(engine: Engine) -> None:
    await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="hang"))
    await engine.worker.turn()
    while not engine.box.requests:
        await asyncio.sleep(0)
    assert 1 == await engine.worker.drain(0.05), "the stop was not waited for, and its intent is kept"
    engine.clock.seconds += 3600  # the server was down for an hour: the vendor's time begins when we are back
    engine.worker = engine.new_worker()
    assert 0 == await engine.store.recover("another", engine.clock.now()), "a stop in order is no crash"

    await engine.turn()
    waiting = (await engine.runs())[0]
    assert ("waiting", "intended", 1) == (waiting["state"], waiting["steps"][0]["state"], asked(engine, "GET"))
    engine.clock.seconds += 9
    assert 0 == await engine.turn()
    engine.clock.seconds += 2
    await engine.turn()

    assert "done" == (await engine.runs())[0]["state"]
    assert (2, 2, 1) == (asked(engine, "GET"), asked(engine, "POST"), len(engine.box.of("greetings")))


async def test_a_call_that_acted_before_the_crash_is_adopted(engine: Engine) -> None:
    await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="cut_after"))
    await engine.turn()
    engine.clock.seconds += 2
    await engine.turn()

    run = (await engine.runs())[0]
    assert ("done", ["unknown", "adopted"]) == (run["state"], [one["verdict"] for one in run["steps"][0]["attempts"]])
    assert 1 == len(engine.box.of("greetings"))


async def test_refused_credentials_during_a_look_up_use_up_no_try(engine: Engine) -> None:
    await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults += [Fault(kind="cut_before", method="POST"), Fault(kind="status", status=401, method="GET")]
    await engine.turn()
    engine.clock.seconds += 2
    await engine.turn()
    blocked = (await engine.runs())[0]
    engine.clock.seconds += 61
    await engine.turn()
    engine.clock.seconds += 11
    await engine.turn()

    run = (await engine.runs())[0]
    verdicts = [(one["verdict"], one["number"]) for one in run["steps"][0]["attempts"]]
    assert ("waiting", "intended") == (blocked["state"], blocked["steps"][0]["state"])
    assert [("unknown", 1), ("unconfigured", 1)] == verdicts[:2]
    assert ("done", 2) == verdicts[-1]


async def test_a_look_up_that_is_refused_leaves_the_outcome_unknown_and_does_not_call_the_step_failed(
    engine: Engine,
) -> None:
    await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults += [Fault(kind="cut_before", method="POST"), Fault(kind="status", status=400, method="GET")]
    await engine.turn()
    engine.clock.seconds += 2
    await engine.turn()

    run = (await engine.runs())[0]
    step = run["steps"][0]
    assert ("held", "intended") == (run["state"], step["state"])
    assert ["unknown", "unknown"] == [one["verdict"] for one in step["attempts"]]


async def test_a_late_result_of_a_run_that_was_taken_over_is_not_written(engine: Engine) -> None:
    await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="delay", seconds=0.3))
    await engine.worker.turn()
    while not engine.box.requests:
        await asyncio.sleep(0)
    engine.clock.seconds += LEASE + 1
    other = engine.new_worker()
    assert 1 == await engine.store.recover("another", engine.clock.now())
    await other.turn()
    while any(account.in_flight for account in engine.accounts.values()):
        await asyncio.sleep(0.01)
    engine.clock.seconds += 11
    await other.turn()
    while any(account.in_flight for account in engine.accounts.values()):
        await asyncio.sleep(0.01)

    run = (await engine.runs())[0]
    assert "done" == run["state"]
    assert 1 == len(engine.box.of("greetings"))
    assert (await engine.history.stats())["books_balance"]


async def test_nothing_new_is_begun_while_stopping(engine: Engine) -> None:
    engine.rules = load(
        RULES.replace(
            '      - {id: back, action: hello.greet, with: {to: "${data.display_name}", ref: "${id}"}}',
            '      - {id: back, action: hello.greet, with: {to: "${data.display_name}", ref: "${id}"}}\n'
            '      - {id: more, action: hello.greet, with: {to: "once more than ${steps.back.id}"}}',
        )
    )
    await engine.receive()
    await engine.dispatcher.turn()
    engine.box.faults.append(Fault(kind="delay", seconds=0.2))
    await engine.worker.turn()
    while not engine.box.requests:
        await asyncio.sleep(0)

    assert 0 == await engine.worker.drain(5.0)

    run = (await engine.runs())[0]
    assert ("waiting", 1) == (run["state"], len(engine.box.of("greetings")))
    engine.worker = engine.new_worker()
    await engine.turn()
    assert ["Maya Ortiz", "once more than 1"] == [greeting["to"] for greeting in engine.box.of("greetings")]


async def test_a_run_whose_rules_are_gone_is_held(engine: Engine) -> None:
    await engine.receive()
    await engine.dispatcher.turn()
    engine.rules = None

    await engine.turn()

    run = (await engine.runs())[0]
    assert "held" == run["state"]
    assert "rules it began with" in run["reason"]


def asked(engine: Engine, method: str) -> int:
    return len([request for request in engine.box.requests if request["method"] == method])
