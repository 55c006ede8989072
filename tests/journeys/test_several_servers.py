"""Several servers on one PostgreSQL, seen from outside: what one of them does or lacks, and what the others do then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hooks.app import App
from hooks.rulebook import book
from hooks.settings import Settings, secret
from tests.journeys.world import ADMIN_TOKEN, NOTE, OFFICE, SECRETS, SOURCES, World

RULES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE

Start = Callable[[], Awaitable[App]]


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready_postgres: str) -> AsyncIterator[World]:
    """On PostgreSQL alone: a file has one server."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with World(tmp_path, ready_postgres) as world:
        yield world


@pytest.fixture
async def another(world: World, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts one more server beside the world's own, with a copy of its rules file."""
    started: list[App] = []

    async def start() -> App:
        folder = tmp_path / f"server-{len(started)}"
        folder.mkdir()
        (folder / "routes.yaml").write_text(world.routes.read_text())
        settings = Settings(
            database=world.database,
            routes=folder / "routes.yaml",
            data=folder / "data",
            port=0,
            admin_port=0,
            admin_token=ADMIN_TOKEN,
            durability="relaxed",
        )
        app = App(settings, clock=world.clock)
        await app.start()
        started.append(app)
        return app

    yield start
    for app in started:
        await app.stop()


def findings(app: App) -> list[Any]:
    assert app.keeper is not None
    found: list[Any] = app.keeper.health()["findings"]
    return [each for each in found if "version" in each["what"]]


async def test_rules_that_one_server_cannot_load_are_told_by_its_health_until_it_can(
    world: World, another: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "UNUSABLE_AGAIN", 0.1)
    known: dict[str, str] = {}
    await world.serve(RULES, strict=True)
    monkeypatch.setattr("hooks.app.secret", lambda name: known.get(name) if name == "NEW_KEY" else secret(name))
    other = await another()
    assert [] == findings(other)

    monkeypatch.setenv("NEW_KEY", "a-key-that-only-one-server-has")
    world.write(RULES.replace("sources:\n", 'sources:\n  new: {vendor: zapier, key: "${secret.NEW_KEY}"}\n'))
    assert (await world.api("rules/reload", "POST")).is_success

    async def told() -> list[Any]:
        return findings(other)

    [finding] = await world.until(told, lambda found: len(found) == 1)
    assert "red" == finding["level"]
    assert "version 2 of the rules is in force on other servers and cannot be loaded here" in finding["what"]
    assert "the secret NEW_KEY is not set" in finding["what"]
    known["NEW_KEY"] = "a-key-that-only-one-server-has"
    await world.until(told, lambda found: not found)


async def test_what_a_server_had_taken_to_read_when_it_was_stopped_is_read_at_once_by_another(
    world: World, another: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.serve(RULES, strict=True)
    assert world._app is not None
    store = world._app._store
    assert store is not None
    taken = asyncio.Event()

    async def never(*_: Any) -> int:
        taken.set()
        await asyncio.Event().wait()
        return 0

    monkeypatch.setattr(store, "plan", never)
    sent = (await world.lead({"full_name": "Maya Ortiz"})).json()["events"][0]
    await taken.wait()
    other = await another()
    await world.stop()
    world.admin = other.admin_url

    async def read() -> Any:
        return await world.read(f"events/{sent}")

    await world.until(read, lambda shown: shown["state"] == "matched", seconds=5)
