"""What all tests can ask for: a real PostgreSQL, and a fresh database in it."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from hooks.store.opening import open_store
from tests import postgres

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")  # a busy machine makes no example a bad one

if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # httpx searches the disk for it with every request


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


@pytest.fixture(scope="session")
def reused_postgres(postgres_server: str) -> Iterator[postgres.Reused]:
    """A database with the tables of this release, for one test after the other."""
    with postgres.database(postgres_server) as dsn:
        asyncio.run(_migrated(dsn))
        yield postgres.Reused(dsn)


async def _migrated(dsn: str) -> None:
    await (await open_store(dsn, relaxed=True)).close()


@pytest.fixture
def ready_postgres(reused_postgres: postgres.Reused) -> str:
    """The address of a database that a server has only just made its tables in."""
    reused_postgres.begin_anew()
    return reused_postgres.dsn


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of each kind that nothing is in."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hooks.db'}"
    found: str = request.getfixturevalue("ready_postgres")
    return found


def pytest_collection_finish() -> None:
    """What was collected stays: the collector of rubbish need not go through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for each processor: most tests of whole servers wait for one another's processes, not for a processor."""
    return min(8, 2 * (os.cpu_count() or 1))


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
    found: str = request.getfixturevalue("ready_postgres")
    return found
