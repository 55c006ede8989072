"""What would never end does: a reader, a rule or a step that goes round in circles holds up no other event."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hooks.errors import Permanent
from hooks.events import Event, Receipt, Request
from hooks.pipeline import bounded as limit
from hooks.pipeline import emitting, preparing
from hooks.pipeline.bounded import TookTooLong, bounded
from hooks.pipeline.emitting import Emitting
from hooks.pipeline.match import plan
from hooks.ports import Draft, EventFilter, Plan
from tests.pipeline.engine import Engine, Stumbling
from tests.pipeline.test_dispatch_and_deliver import STUMBLE, Poisonous


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "LONGEST", 0.05)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = await Engine.open(tmp_path, STUMBLE)
    yield engine
    await engine.close()


def spin(*_: Any) -> Any:
    """Go round for ever, and let nothing that a program raises get in the way."""
    while True:
        try:
            sum(range(1000))
        except Exception:  # as careless as code can be
            continue


class Spinning(Poisonous):
    def normalize(self, receipt: Receipt) -> list[Draft]:
        if b"poison" in receipt.body:
            spin()
        return self._inner.normalize(receipt)


async def flags(engine: Engine) -> list[Any]:
    listed = (await engine.history.events(EventFilter())).items
    return [event.get("flag") for event in reversed(listed)]


async def test_a_body_that_its_reader_never_ends_with_is_set_aside_and_holds_up_no_other(engine: Engine) -> None:
    inner: Any = engine.sources["hello"]
    engine.sources["hello"] = Spinning(inner)
    for body in (b'{"kind":"greeting.sent","to":"Maya"}', b'{"poison":1}', b'{"kind":"greeting.sent","to":"Theo"}'):
        await engine.receive(body)
    assert 3 == await engine.dispatcher.turn()
    first, second, third = await flags(engine)
    assert (None, None) == (first, third)
    assert "reading it did not end" in second


async def test_rules_that_never_end_with_an_event_set_it_aside(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(event: Event, *others: Any) -> Plan:
        return spin() if event.data.get("display_name") == "Poison" else plan(event, *others)

    monkeypatch.setattr("hooks.pipeline.dispatch.plan", endless)
    for name in ("Maya", "Poison", "Theo"):
        await engine.receive(f'{{"kind":"greeting.sent","to":"{name}"}}'.encode())
    assert 3 == await engine.dispatcher.turn()
    assert [False, True, False] == ["matching it did not end" in (flag or "") for flag in await flags(engine)]
    assert 2 == len(await engine.runs())


async def test_a_step_that_is_never_rendered_fails(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stumbling, "render", spin)
    await engine.receive()
    await engine.dispatcher.turn()
    await engine.turn()
    [run] = await engine.runs()
    assert ("failed", True) == (run["state"], "rendering it did not end" in run["reason"])


async def test_a_request_that_would_fill_the_memory_is_not_made(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "LARGEST_REQUEST", 1 << 20)
    monkeypatch.setattr(Stumbling, "render", lambda *_: Request("POST", "/stumble", body=b"x" * (1 << 20) + b"x"))
    await engine.receive()
    await engine.dispatcher.turn()
    await engine.turn()
    [run] = await engine.runs()
    assert ("failed", True) == (run["state"], "larger than 1 MiB" in run["reason"])


async def test_an_emitted_event_that_is_too_large_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emitting, "LARGEST", 1 << 20)
    with pytest.raises(Permanent, match="larger than 1 MiB"):
        await Emitting("event", engine.store, engine.clock).emit(b"x" * (1 << 20) + b"x", "key")


def test_what_ends_in_time_is_never_interrupted_later() -> None:
    for _ in range(3):
        with bounded():
            pass
    began = time.process_time()
    while time.process_time() - began < 0.1:
        sum(range(1000))


def test_other_threads_are_left_alone() -> None:
    ended: list[bool] = []

    def work() -> None:
        with bounded():
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [True] == ended


def test_the_main_thread_is_interrupted_where_it_is() -> None:
    with pytest.raises(TookTooLong), bounded():
        spin()
