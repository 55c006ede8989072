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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store",
        choices=["sqlite", "postgres", "both"],
        default="both",
        help="what whole servers run on in tests of the engine and journeys that are made for both",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whoever asks for ``server_database`` runs on each store that was chosen."""
    if "server_database" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--store")
        metafunc.parametrize("server_database", ["sqlite", "postgres"] if chosen == "both" else [chosen], indirect=True)


@pytest.fixture
def server_database(request: pytest.FixtureRequest) -> str | None:
    """What a server of this test is given as its database: None for the file in its own folder."""
    if request.param == "sqlite":
        return None
    found: str = request.getfixturevalue("postgres_database")
    return found
