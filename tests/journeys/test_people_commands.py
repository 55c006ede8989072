"""`hooks people` against a running server and, where it only reads, against the file of one that has stopped."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hooks.cli.tree import run
from tests.journeys.world import ADMIN_TOKEN, HOMEBASE, SOURCES, World

RULES = (
    SOURCES
    + "connections:\n"
    + HOMEBASE
    + """\
rules:
  - id: to-homebase
    event: lead.created
    do:
      - {action: homebase360.upsert_customer, with: {customer: "${data.customer}"}}
"""
)
MAYA = {"full_name": "Maya Ortiz", "phone": "(303) 555-0142", "email": "maya@example.org"}


class Office:
    """Somebody at a terminal."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self._world = world
        self._capsys = capsys

    async def say(self, *arguments: str, wanted: int = 0) -> str:
        """What a command says; of a failed one what it complains of."""
        self._capsys.readouterr()
        data = str(self._world.folder / "data")
        code = await asyncio.to_thread(run, ["people", *arguments, "--data", data])
        said = self._capsys.readouterr()
        assert wanted == code, said.err
        return said.err if wanted else said.out

    async def read(self, *arguments: str) -> Any:
        return json.loads(await self.say(*arguments, "--json"))


@pytest.fixture
async def office(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("HOOKS_ADMIN_TOKEN", ADMIN_TOKEN)
    if world.database is not None:
        monkeypatch.setenv("HOOKS_DATABASE", world.database)
    await world.serve(RULES)
    for body in (MAYA, {**MAYA, "full_name": "Leo Ortiz", "email": "leo@example.org"}):
        await world.run((await world.lead(body)).json()["events"][0])

    async def looked_at() -> Any:
        return (await world.read("people"))["items"]

    await world.until(looked_at, lambda people: 2 == len(people) and all(one["records"] for one in people))
    return Office(world, capsys)


async def test_who_is_who_is_found_shown_and_decided(world: World, office: Office) -> None:
    assert 2 == len((await office.read("find", "303.555.0142"))["items"])
    [maya] = (await office.read("find", "MAYA@example.org"))["items"]
    [leo] = (await office.read("find", "leo"))["items"]
    assert maya["id"] in await office.say("find", "ortiz maya")
    shown = await office.say("show", maya["id"])
    for word in ("Maya Ortiz", "+13035550142", f"homebase/{maya['records'][0]['id']}", "lead.created", "a family?"):
        assert word in shown
    assert leo["id"] in await office.say("review")

    assert maya["id"] in await office.say("link", maya["id"], leo["id"])
    assert "one person already" in await office.say("link", maya["id"], leo["id"], wanted=1)
    assert [] == (await office.read("review"))["items"]
    parted = await office.read("unlink", maya["id"], leo["records"][0]["id"])
    assert leo["records"][0]["id"] == parted["other"]["records"][0]["id"]

    assert await office.read("find") == await office.read(), "people alone lists them, as stats alone counts"
    assert "unexpected extra argument" in await office.say("--json", "find", "leo", wanted=2)
    of_server = await office.read("find"), await office.read("show", maya["id"]), await office.read("review")
    exported = await office.say("export", maya["id"])
    await world.stop()
    assert of_server == (await office.read("find"), await office.read("show", maya["id"]), await office.read("review"))
    assert exported == await office.say("export", maya["id"])
    assert "no server answers" in await office.say("forget", maya["id"], "--yes", wanted=1)


async def test_a_person_is_exported_to_a_new_file_and_forgotten(world: World, office: Office) -> None:
    [maya] = (await office.read("find", "maya"))["items"]
    file = world.folder / "maya.json"
    await office.say("export", maya["id"], "--to", str(file))
    assert 0o600 == file.stat().st_mode & 0o777
    kept = json.loads(file.read_text())
    assert [1, 1] == [len(kept[name]) for name in ("events", "receipts")]
    assert "cannot be written" in await office.say("export", maya["id"], "--to", str(file), wanted=2)

    told = await office.say("forget", maya["id"], "--yes")
    assert "1 events, 1 receipts, 1 runs" in told
    assert "nobody is" in await office.say("show", maya["id"], wanted=1)
    assert [] == (await office.read("find", "maya"))["items"]
    assert (await world.stats())["books_balance"]
    stored = b"".join(path.read_bytes() for path in (world.folder / "data").glob("hooks.db*"))
    for secret in (b"maya@example.org", b"Maya"):
        assert secret not in stored


async def test_a_wrong_id_is_told_before_anything_is_asked(office: Office) -> None:
    assert "begins with per_" in await office.say("show", "evt_1", wanted=2)
    assert "is not a person's whole id" in await office.say("show", "per_0190...05", wanted=2)
    assert "nobody is per_1" in await office.say("show", "per_1", wanted=1)
    assert "no such person" in await office.say("link", "per_1", "per_2", wanted=1)
