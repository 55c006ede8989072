"""Migrations: numbered SQL files, each applied once, in order, in one transaction, with a checksum.

A database that is newer than this program, or whose applied files have been changed since, is refused by name. Files
named ``NNNN_expand_<name>.sql`` only add what programs of before need not know: servers of the release before go on
beside those of the new one, and may be started again. What takes something away comes a release later.
"""

from __future__ import annotations

import hashlib
import logging
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

LOCKED_FOR = 3
"""Seconds that a change of a table waits for those who use it, while others wait behind it: then it is tried again."""

log = logging.getLogger("hooks.store")


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def expands(name: str) -> bool:
    """Whether a migration of this name only adds what programs without it need not know."""
    return name[5:].startswith("expand_")


def migrations(kind: str = "sqlite") -> list[Migration]:
    """The files ``sql/<kind>/NNNN_name.sql`` of this release, in order."""
    folder = resources.files("hooks.store") / "sql" / kind
    found = [
        Migration(int(file.name[:4]), file.name, file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


def outstanding(applied: Mapping[int, tuple[str, str]], *, shared: bool = False) -> list[Migration]:
    """What is still to be applied, given name and checksum of what has been, by number. Raises StoreRefused.

    ``shared``: servers of a newer release may be at work beside this one.
    """
    known = {migration.number: migration for migration in migrations()}
    newer = sorted(set(applied) - set(known))
    if newer and shared and all(expands(applied[number][0]) for number in newer):
        log.warning(
            "the database was made ready for a newer release (it has %s), which this one can share",
            applied[newer[-1]][0],
        )
        newer = []
    if newer:
        raise StoreRefused(
            f"the database was written by a newer release (it has {applied[newer[-1]][0]}): start that release, "
            "or restore the copy made before the upgrade"
        )
    for number, (name, checksum) in applied.items():
        if number in known and known[number].checksum != checksum:
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

    Servers that start together take turns. Those at work are held up by `LOCKED_FOR` seconds at most: a table that
    somebody uses for longer is waited for by asking again.
    """
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
    connection.execute(f"SET LOCAL lock_timeout = '{LOCKED_FOR}s'")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL)"
    )
    rows = connection.execute("SELECT number, name, checksum FROM migrations").fetchall()
    done: list[str] = []
    for migration in outstanding({number: (name, checksum) for number, name, checksum in rows}, shared=True):
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
