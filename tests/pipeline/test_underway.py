"""Which receipt a process died of: noted while it is read, so that no other is blamed when a process is killed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hooks.events import Receipt, new_id
from hooks.pipeline.dispatch import CALM, Dispatcher
from hooks.pipeline.underway import Underway
from hooks.ports import EventFilter
from hooks.store.planning import PLANNING
from tests.pipeline.engine import Engine
from tests.pipeline.test_dispatch_and_deliver import Deadly, Killed


@pytest.fixture
async def engine(tmp_path: Path, database: str) -> AsyncIterator[Engine]:
    engine = await Engine.open(tmp_path, database=database)
    yield engine
    await engine.close()


@pytest.fixture
async def shared(tmp_path: Path, ready_postgres: str) -> AsyncIterator[Engine]:
    """Servers share its store."""
    engine = await Engine.open(tmp_path, database=ready_postgres)
    yield engine
    await engine.close()


async def life(engine: Engine, path: Path, *, seconds: float = CALM) -> bool:
    """One start of a server, and a turn when it has lived so long; whether it died of it."""
    note = Underway(path)
    dispatcher = engine.new_dispatcher(note)
    await dispatcher.begin()
    engine.clock.seconds += seconds
    try:
        await dispatcher.turn()
    except Killed:
        return True
    finally:
        note.close()
    return False


async def states(engine: Engine, *receipts: Receipt) -> list[str]:
    made = {event["id"]: event["state"] for event in (await engine.history.events(EventFilter(limit=200))).items}
    return [made.get(receipt.event_ids[0], "none") for receipt in receipts]


async def with_poison(engine: Engine) -> list[Receipt]:
    inner: Any = engine.sources["hello"]
    engine.sources["hello"] = Deadly(inner)
    return [await engine.receive(), await engine.receive(b'{"poison":1}'), await engine.receive()]


async def test_what_kills_three_times_is_set_aside_and_the_others_are_not(engine: Engine, tmp_path: Path) -> None:
    receipts = await with_poison(engine)
    assert [True, True, True] == [await life(engine, tmp_path / "reading") for _ in range(3)]
    assert [False, False] == [await life(engine, tmp_path / "reading") for _ in range(2)]
    assert ["matched", "unmatched", "matched"] == await states(engine, *receipts)
    [flag] = [e["flag"] for e in (await engine.history.events(EventFilter(state="unmatched"))).items]
    assert "3 times" in flag


async def test_what_kills_servers_in_turn_is_set_aside_after_three_of_them(shared: Engine, tmp_path: Path) -> None:
    receipts = await with_poison(shared)
    notes = [tmp_path / f"reading-{number}" for number in range(3)]
    for note in notes:  # each has been there before
        first = Underway(note)
        first.take_over(new_id("run"))
        first.close()
    deaths = 0
    for number in range(9):
        deaths += await life(shared, notes[number % len(notes)])
        again = Underway(notes[number % len(notes)])
        await shared.new_dispatcher(again).begin()  # a supervisor starts it again, and another one takes the work
        again.close()
    assert 3 == deaths
    assert ["matched", "unmatched", "matched"] == await states(shared, *receipts)


async def test_servers_that_keep_nothing_set_aside_what_kills_three_times_too(shared: Engine, tmp_path: Path) -> None:
    receipts = await with_poison(shared)
    deaths = 0
    for number in range(6):
        deaths += await life(shared, tmp_path / f"lost-{number}")
        shared.clock.seconds += PLANNING + 1
    assert 3 == deaths
    assert ["matched", "unmatched", "matched"] == await states(shared, *receipts)


async def test_servers_killed_again_and_again_set_nothing_innocent_aside(
    shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = [await shared.receive() for _ in range(4)]

    async def killed(*_: object) -> int:
        raise Killed

    with monkeypatch.context() as deadly:
        deadly.setattr(Dispatcher, "_stored", killed)  # each time when some have been read and nothing is stored
        deadly.setattr(Dispatcher, "_read_alone", None)  # never: none is in doubt
        for _ in range(8):
            assert await life(shared, tmp_path / "reading")
    assert not await life(shared, tmp_path / "reading")
    assert ["matched"] * 4 == await states(shared, *receipts)


async def test_servers_that_keep_nothing_and_are_killed_soon_set_nothing_innocent_aside(
    shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = [await shared.receive() for _ in range(4)]

    async def killed(*_: object) -> int:
        raise Killed

    with monkeypatch.context() as deadly:
        deadly.setattr(Dispatcher, "_stored", killed)
        assert await life(shared, tmp_path / "lost-0", seconds=CALM - 1)
        for number in range(1, 8):
            shared.clock.seconds += PLANNING + 1
            assert not await life(shared, tmp_path / f"lost-{number}", seconds=CALM - 1), (
                "it reads none of them so soon"
            )
    new = await shared.receive()
    assert not await life(shared, tmp_path / "lost-8", seconds=0)
    assert ["none"] * 4 + ["matched"] == await states(shared, *receipts, new), "what is new is read at once"
    assert not await life(shared, tmp_path / "lost-9")
    assert ["matched"] * 4 == await states(shared, *receipts)


async def test_what_a_dead_server_had_been_given_goes_on_at_once(shared: Engine, tmp_path: Path) -> None:
    receipt = await shared.receive()
    note = Underway(tmp_path / "reading")
    note.take_over("the-dead-one")
    note.close()
    assert [receipt] == await shared.store.pending("the-dead-one", 64, shared.clock.now())
    assert [] == await shared.store.pending("another", 64, shared.clock.now())
    assert not await life(shared, tmp_path / "reading")
    assert ["matched"] == await states(shared, receipt)


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
    assert ["matched"] == await states(engine, receipt)


def test_a_note_is_of_one_server_only(tmp_path: Path) -> None:
    first = Underway(tmp_path / "reading")
    with pytest.raises(OSError, match="unavailable"):
        Underway(tmp_path / "reading")
    first.close()
    Underway(tmp_path / "reading").close()


def test_a_note_outlives_its_process_and_rubbish_is_none(tmp_path: Path) -> None:
    path, receipt = tmp_path / "reading", new_id("rcp")
    first = Underway(path)
    first.take_over("the-first-of-them")
    first.begin(receipt)
    first.close()
    second = Underway(path)
    second.take_over("another")
    second.close()
    third = Underway(path)
    third.close()
    path.write_bytes(b"\0rubbish")
    fourth = Underway(path)
    fourth.close()
    assert (None, receipt, None, None) == (first.at_death, second.at_death, third.at_death, fourth.at_death)
    assert (None, "the-first-of-them", "another", None) == (first.before, second.before, third.before, fourth.before)
