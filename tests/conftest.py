"""What all tests can ask for: a real PostgreSQL, and a fresh database in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a running server's ``postgres`` database."""
    if given := os.environ.get("HOOKS_TEST_POSTGRES"):
        yield given
        return
    with postgres.running() as server:
        yield server.dsn("postgres")


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The address of an empty database."""
    with postgres.database(postgres_server) as dsn:
        yield dsn


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hooks.db'}"
    found: str = request.getfixturevalue("postgres_database")
    return found
