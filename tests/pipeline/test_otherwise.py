"""`else` in the engine: a run goes one of two ways, and after a restart the same way."""

from __future__ import annotations

from pathlib import Path

from tests.pipeline.engine import RULES, Engine

TWO_WAYS = RULES.replace(
    "    retry:",
    "    when: data.display_name == 'Maya Ortiz'\n"
    "    else: [{id: other, action: hello.greet, with: {to: Somebody, ref: '${id}'}}]\n"
    "    retry:",
)
WITH_STEPS = RULES.replace(
    "      - {id: back,",
    "      - id: known\n"
    "        action: hello.greet\n"
    "        if: data.display_name == 'Maya Ortiz'\n"
    "        with: {to: Maya, ref: '${id}-1'}\n"
    "        else: [{id: unknown, action: hello.greet, with: {to: Somebody, ref: '${id}-2'}}]\n"
    "      - {id: back,",
)


async def carried_out(tmp_path: Path, text: str, name: str, *, restart: bool = False) -> list[tuple[str, str]]:
    engine = await Engine.open(tmp_path, text)
    try:
        await engine.receive(b'{"kind":"greeting.sent","to":"%s"}' % name.encode())
        await engine.dispatcher.turn()
        if restart:
            engine.worker = engine.new_worker()
        await engine.turn()
        (run,) = await engine.runs()
        assert "done" == run["state"], run
        return [(step["id"], step["state"]) for step in run["steps"]]
    finally:
        await engine.close()


async def test_a_run_carries_out_the_steps_of_the_way_it_goes(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert [("back", "done")] == await carried_out(tmp_path / "one", TWO_WAYS, "Maya Ortiz")
    assert [("other", "done")] == await carried_out(tmp_path / "two", TWO_WAYS, "Ada", restart=True)


async def test_the_steps_of_the_other_way_are_kept_as_left_out(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert [("known", "done"), ("unknown", "skipped"), ("back", "done")] == await carried_out(
        tmp_path / "one", WITH_STEPS, "Maya Ortiz"
    )
    assert [("known", "skipped"), ("unknown", "done"), ("back", "done")] == await carried_out(
        tmp_path / "two", WITH_STEPS, "Ada"
    )
