"""The fixtures of the faults: a server in a process of its own, and the table of what each fault came to."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.faults.processes import ProcessWorld
from tests.faults.table import Row

Tell = Callable[[Row], None]


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ProcessWorld]:
    """On SQLite, unless ``--store postgres`` was asked for."""
    world = ProcessWorld(tmp_path)
    if request.config.getoption("--store") == "postgres":
        world.database = request.getfixturevalue("postgres_database")
    async with world:
        yield world


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Put a line into the table that `make faults` prints."""

    def tell(row: Row) -> None:
        record_property("fault", json.dumps(row._asdict()))

    return tell


@pytest.fixture
def tracer() -> str:
    """A tracer that can make system calls fail."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not on this machine")
    return found
