"""Migrations: numbered SQL files, each applied once, in order, in one transaction, with a checksum.

A database that is newer than this program, or whose applied files have been changed since, is refused by name.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from hooks.errors import StoreRefused
from hooks.store.dialect import tables
from hooks.store.tuning import tune

_LOCK = 7_415_001
"""Any number, the same in all releases: who holds it migrates."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(kind: str = "sqlite") -> list[Migration]:
    """The files ``sql/<kind>/NNNN_name.sql`` of this release, in order."""
    folder = resources.files("hooks.store") / "sql" / kind
    found = [
        Migration(int(file.name[:4]), file.name, file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


def outstanding(applied: Mapping[int, tuple[str, str]]) -> list[Migration]:
    """What is still to be applied, given name and checksum of what has been, by number. Raises StoreRefused."""
    known = {migration.number: migration for migration in migrations()}
    if newer := sorted(set(applied) - set(known)):
        raise StoreRefused(
            f"the database was written by a newer release (it has {applied[newer[-1]][0]}): start that release, "
            "or restore the copy made before the upgrade"
        )
    for number, (name, checksum) in applied.items():
        if known[number].checksum != checksum:
            raise StoreRefused(f"the database was made by another edition of {name}: it cannot be used by this one")
    return [migration for number, migration in known.items() if number not in applied]


def migrate(connection: sqlite3.Connection) -> list[str]:
    """Bring the database to this release and give the names of the files that were applied now.

    The connection must be in autocommit mode (``isolation_level=None``). Raises StoreRefused for a newer or altered
    schema, and then has changed nothing.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT"
    )
    applied = {
        number: (name, checksum)
        for number, name, checksum in connection.execute("SELECT number, name, checksum FROM migrations")
    }
    done: list[str] = []
    for migration in outstanding(applied):
        _apply(connection, migration)
        done.append(migration.name)
    return done


def migrate_postgres(connection: Any) -> list[str]:
    """The same for PostgreSQL, inside a transaction that has begun: all that is outstanding, or nothing.

    Servers that start together take turns.
    """
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL)"
    )
    rows = connection.execute("SELECT number, name, checksum FROM migrations").fetchall()
    done: list[str] = []
    for migration in outstanding({number: (name, checksum) for number, name, checksum in rows}):
        connection.execute(tables(migration.sql))
        connection.execute(
            "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (%s, %s, %s, now()::text)",
            (migration.number, migration.name, migration.checksum),
        )
        done.append(migration.name)
    if done:
        tune(connection)
    return done


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(migration.sql):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (?, ?, ?, datetime('now'))",
            (migration.number, migration.name, migration.checksum),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(sql: str) -> Iterator[str]:
    """The statements of a file one by one: ``executescript`` would commit in between."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
