"""The fixture of all journeys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.world import SECRETS, World


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server_database: str | None) -> AsyncIterator[World]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with World(tmp_path, server_database) as world:
        yield world
