"""The fixtures of upkeep: a server in this process, and the command line in a thread beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hooks.cli.tree import run
from tests.faults.conftest import tell
from tests.journeys.world import ADMIN_TOKEN, SECRETS, World

__all__ = ["tell"]  # a fixture that is used here too

Command = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SECRETS, "HOOKS_ADMIN_TOKEN": ADMIN_TOKEN, "HOOKS_DURABILITY": "relaxed"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    async with world:
        yield world


@pytest.fixture
def command(world: World, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command on the world's data folder: its exit code, what it printed, and what it said."""

    async def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(run, [*arguments, "--data", str(world.folder / "data")])
        return code, *capsys.readouterr()

    return command
