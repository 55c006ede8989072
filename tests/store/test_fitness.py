"""A PostgreSQL that cannot be used says so at the start, with what to do; and never with a password."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from hooks.cli.tree import run
from hooks.errors import SettingsError, StoreError, StoreRefused
from hooks.store import postgres
from hooks.store.migrate import migrations
from hooks.store.moving import move_database
from hooks.store.opening import open_history, open_store
from hooks.store.past import Past
from tests.store.test_past import fill


async def refused(address: str) -> str:
    with pytest.raises(StoreRefused) as caught:
        await (await open_store(address, relaxed=True)).close()
    return str(caught.value)


@contextmanager
def administered(address: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


def named(address: str) -> str:
    return address.partition("?")[0].rpartition("/")[2]


def otherwise(address: str, **changed: str) -> str:
    """The address with other parts: the last one counts."""
    query = "&".join(f"{name}={value}" for name, value in changed.items())
    return f"{address}{'&' if '?' in address else '?'}{query}"


@contextmanager
def role(address: str, rights: str = "") -> Iterator[str]:
    """A user who is nobody's, for as long as a test takes."""
    name = f"user_of_{named(address)}"
    with administered(address) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN {rights}")
        yield name
        admin.execute(f"DROP ROLE {name}")


@pytest.fixture(autouse=True)
def no_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "START_TRIES", 1)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_database_that_cannot_hold_every_name_is_refused(
    postgres_database: str, tmp_path: Path, encoding: str
) -> None:
    name = f"few_letters_of_{named(postgres_database)}"
    path = tmp_path / "hooks.db"
    await fill(f"sqlite:///{path}", 1)
    with administered(postgres_database) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
        try:
            said = await refused(otherwise(postgres_database, dbname=name))
            with pytest.raises(StoreRefused, match="ENCODING 'UTF8'"):
                await asyncio.to_thread(move_database, path, otherwise(postgres_database, dbname=name))
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert encoding in said
    assert f"CREATE DATABASE {name} ENCODING 'UTF8'" in said


async def test_a_database_that_may_only_be_read_is_refused(postgres_database: str) -> None:
    with administered(postgres_database) as admin:
        admin.execute(f'ALTER DATABASE "{named(postgres_database)}" SET default_transaction_read_only = on')
    assert "RESET default_transaction_read_only" in await refused(postgres_database)


async def test_a_user_without_rights_is_told_which_it_needs(postgres_database: str) -> None:
    with role(postgres_database) as user:
        said = await refused(otherwise(postgres_database, user=user))
    assert "permission denied for schema public" in said
    assert f"ALTER DATABASE {named(postgres_database)} OWNER TO {user}" in said


async def test_tables_of_another_program_are_left_alone(postgres_database: str) -> None:
    with administered(postgres_database) as admin:
        admin.execute("CREATE TABLE migrations (id INT PRIMARY KEY, migration TEXT)")
    assert "a database of its own" in await refused(postgres_database)


async def test_who_may_not_come_in_is_told_why(postgres_database: str) -> None:
    missing = await refused(otherwise(postgres_database, dbname="missing"))
    assert 'database "missing" does not exist: make it first' in missing
    nobody = await refused(otherwise(postgres_database, user="nobody_here"))
    assert 'role "nobody_here" does not exist: make it first' in nobody
    assert all(said.startswith("PostgreSQL does not let us in") for said in (missing, nobody))


async def test_a_database_that_is_full_says_what_a_server_takes(postgres_database: str) -> None:
    with role(postgres_database, "CONNECTION LIMIT 0") as user:
        said = await refused(otherwise(postgres_database, user=user))
    assert "too many connections" in said
    assert "each server takes 7" in said


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://hooks:geheim@wort@localhost/hooks", "%40 for @"),
        ("postgresql://hooks:geheim/wort@localhost/hooks", "%2F for /"),
        ("postgresql://hooks:geheim%zzwort@localhost/hooks", "%25"),
        ("postgresql://hooks:geheim@localhost/hooks?bogus=1", "bogus"),
        ("postgresql://hooks:geheim@localhost/hooks?pooler=session", "pooler=, which may be transaction"),
        ("postgresql://hooks:geheim@localhost/hooks?sslmode=disable&notify=no", "notify=, which may be on or off"),
    ],
)
async def test_an_address_that_leads_nowhere_is_refused_without_its_password(address: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        await open_store(address)
    assert told in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert "wort" not in str(caught.value).replace("password", "")


async def test_reading_a_database_without_our_tables_says_how_they_come(postgres_database: str) -> None:
    with pytest.raises(StoreError, match="start `hooks serve` on it first"):
        await open_history(postgres_database)
    with pytest.raises(StoreError, match="start `hooks serve` on it first"), Past.open(postgres_database):
        pass


async def test_a_whole_database_is_checked_from_the_command_line(
    postgres_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(postgres_database, 5)

    async def checked() -> tuple[int, list[str]]:
        code = await asyncio.to_thread(run, ["db", "check", "--database", postgres_database, "--json"])
        return code, json.loads(capsys.readouterr().out)["findings"]

    assert (0, []) == await checked()
    with administered(postgres_database) as admin:
        admin.execute("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
        admin.execute("UPDATE migrations SET checksum = 'another' WHERE number = 1")
    code, findings = await checked()
    assert 1 == code
    assert f"{migrations()[0].name} was applied in another form than this release has" in findings
    assert any("the books do not balance" in finding for finding in findings)
