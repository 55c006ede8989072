"""The town of `tests/cli/town.py`, as fixtures: the stand-ins are started once and begin anew for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.town import Sandboxes, Town


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[Sandboxes]:
    running = Sandboxes.start()
    yield running
    running.stop()


@pytest.fixture
def town(
    tmp_path: Path, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Town]:
    sandboxes.reset()
    built = Town(tmp_path, sandboxes, monkeypatch, capsys).begin()
    yield built
    built.end()
