"""Which receipt a process died of: noted while it is read, so that no other is blamed when a process is killed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hooks.events import Receipt, new_id
from hooks.pipeline.underway import Underway
from hooks.ports import Draft, EventFilter
from tests.pipeline.engine import Engine
from tests.pipeline.test_dispatch_and_deliver import Poisonous


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = await Engine.open(tmp_path)
    yield engine
    await engine.close()


class Killed(BaseException):
    """What becomes of the process."""


class Deadly(Poisonous):
    def normalize(self, receipt: Receipt) -> list[Draft]:
        if b"poison" in receipt.body:
            raise Killed
        return self._inner.normalize(receipt)


async def test_what_kills_three_times_is_set_aside_and_the_others_are_not(engine: Engine, tmp_path: Path) -> None:
    inner: Any = engine.sources["hello"]
    engine.sources["hello"] = Deadly(inner)
    receipts = [await engine.receive(), await engine.receive(b'{"poison":1}'), await engine.receive()]
    deaths = 0
    for _ in range(5):
        note = Underway(tmp_path / "reading")
        dispatcher = engine.new_dispatcher(note)
        await dispatcher.begin()
        try:
            await dispatcher.turn()
        except Killed:
            deaths += 1
        note.close()
    made = {event["id"]: event for event in (await engine.history.events(EventFilter())).items}
    assert (3, 3) == (deaths, len(made))
    states = [made[receipt.event_ids[0]]["state"] for receipt in receipts]
    assert ["matched", "unmatched", "matched"] == states
    assert "3 times" in made[receipts[1].event_ids[0]]["flag"]


async def test_a_death_between_two_readings_is_nobodys(engine: Engine, tmp_path: Path) -> None:
    receipt = await engine.receive()
    for _ in range(6):  # killed after it was read, before it was stored
        note = Underway(tmp_path / "reading")
        dispatcher = engine.new_dispatcher(note)
        await dispatcher.begin()
        assert engine.rules is not None
        dispatcher._plans(receipt, engine.rules)
        note.close()
    note = Underway(tmp_path / "reading")
    assert note.at_death is None
    assert 1 == await engine.new_dispatcher(note).turn()
    note.close()
    [event] = (await engine.history.events(EventFilter())).items
    assert "matched" == event["state"]


def test_a_note_outlives_its_process_and_rubbish_is_none(tmp_path: Path) -> None:
    path, receipt = tmp_path / "reading", new_id("rcp")
    first = Underway(path)
    first.begin(receipt)
    first.close()
    second = Underway(path)
    second.end()
    second.close()
    third = Underway(path)
    third.close()
    path.write_bytes(b"\0rubbish")
    fourth = Underway(path)
    fourth.close()
    assert (None, receipt, None, None) == (first.at_death, second.at_death, third.at_death, fourth.at_death)
