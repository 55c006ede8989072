"""Moving an installation from a SQLite file to PostgreSQL: every row of every table, counted at the end.

Each batch goes over in one transaction with the mark of how far it came, so a move that was interrupted goes on where
it was and copies nothing twice. No server may use the file meanwhile, and none the new database before the end.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from hooks.errors import StoreError, StoreRefused
from hooks.store.fitness import check_fit, make_tables
from hooks.store.lock import WriterLock
from hooks.store.migrate import migrate
from hooks.store.recent import settle_stored
from hooks.store.session import CONNECTING, Address, no_way_in

BATCH_ROWS = 2_000
BATCH_BYTES = 8 * 1024 * 1024

_MARKS = "CREATE TABLE IF NOT EXISTS moving (name TEXT PRIMARY KEY, last TEXT NOT NULL)"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns, the key that its rows are taken in order of, and how many rows it has."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: int


Told = Callable[[str, int, int], None]
"""Called after each batch with the table, how many of its rows have gone over, and how many there are."""


def move_database(path: Path, dsn: str, told: Told = lambda name, done, rows: None) -> dict[str, int]:
    """Copy the file's rows into the database at ``dsn`` and give how many of each table are there now.

    Raises StoreRefused when a server uses the file or the database holds rows that no such copy put there, and
    StoreError when reading or writing fails; the next call goes on.
    """
    if not path.is_file():
        raise StoreRefused(f"there is no database at {path}")
    to = Address.read(dsn).dsn
    lock = WriterLock(path)
    lock.acquire()
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as source, _connected(to) as target:
            check_fit(target, relaxed=True)
            migrate(source)
            settle_stored(source)
            make_tables(target)
            tables = list(_tables(source))
            _prepare(target, tables)
            for table in tables:
                _move(source, target, table, told)
            return _finish(target, tables)
    except (sqlite3.Error, psycopg.Error) as error:
        said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
        first = (said or str(error) or type(error).__name__).splitlines()[0]
        raise StoreError(f"the move stopped: {first}; the same command goes on where it was") from None
    finally:
        lock.release()


def _connected(dsn: str) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(dsn, **CONNECTING)
    except psycopg.Error as error:
        raise StoreError(no_way_in(error)) from None


def _tables(source: sqlite3.Connection) -> Iterator[Table]:
    names = source.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations' "
        "ORDER BY name"
    ).fetchall()
    for (name,) in names:
        columns = source.execute(f'PRAGMA table_info("{name}")').fetchall()
        key = tuple(column[1] for column in sorted((c for c in columns if c[5]), key=lambda c: c[5]))
        if not key:
            raise StoreRefused(f"the table {name} has no key, so it is not one of ours")
        rows = source.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
        yield Table(name, tuple(column[1] for column in columns), key, rows)


def _prepare(target: psycopg.Connection[Any], tables: Sequence[Table]) -> None:
    begun = target.execute("SELECT to_regclass('moving') IS NOT NULL").fetchone() == (True,)
    if not begun:
        used = [table.name for table in tables if _count(target, table)]
        if used:
            raise StoreRefused(f"the database is in use already ({used[0]} has rows): give an empty one")
    target.execute(_MARKS)
    target.commit()


def _move(source: sqlite3.Connection, target: psycopg.Connection[Any], table: Table, told: Told) -> None:
    mark = target.execute("SELECT last FROM moving WHERE name = %s", (table.name,)).fetchone()
    last = None if mark is None else _key_from(mark[0])
    done = _count(target, table) if last is not None else 0
    told(table.name, done, table.rows)
    while batch := _batch(source, table, last):
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
        )
        with target.cursor().copy(copy) as copying:
            for row in batch:
                copying.write_row([value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row])
        last = tuple(batch[-1][table.columns.index(name)] for name in table.key)
        target.execute(
            "INSERT INTO moving (name, last) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET last = excluded.last",
            (table.name, _key_to(last)),
        )
        target.commit()
        done += len(batch)
        told(table.name, done, table.rows)


def _batch(source: sqlite3.Connection, table: Table, last: tuple[Any, ...] | None) -> list[tuple[Any, ...]]:
    columns = ", ".join(f'"{name}"' for name in table.columns)
    key = ", ".join(f'"{name}"' for name in table.key)
    where = "" if last is None else f"WHERE ({key}) > ({', '.join('?' * len(table.key))})"
    rows: list[tuple[Any, ...]] = []
    size = 0
    cursor = source.execute(f'SELECT {columns} FROM "{table.name}" {where} ORDER BY {key}', last or ())
    for row in cursor:
        rows.append(row)
        size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
        if len(rows) >= BATCH_ROWS or size >= BATCH_BYTES:
            break
    return rows


def _finish(target: psycopg.Connection[Any], tables: Sequence[Table]) -> dict[str, int]:
    """Compare the counts, and let rows that come be numbered after those that came over."""
    found = {table.name: _count(target, table) for table in tables}
    wrong = [f"{t.name}: {found[t.name]} of {t.rows}" for t in tables if found[t.name] != t.rows]
    if wrong:
        raise StoreError(f"not every row has come over ({', '.join(wrong)}): nothing was switched, keep the file")
    for table in tables:
        for column in table.key:
            sequence = target.execute("SELECT pg_get_serial_sequence(%s, %s)", (table.name, column)).fetchone()
            if sequence is not None and sequence[0] is not None:
                top = sql.SQL("SELECT setval(%s, coalesce((SELECT max({}) FROM {}), 0) + 1, false)")
                target.execute(top.format(sql.Identifier(column), sql.Identifier(table.name)), (sequence[0],))
    target.execute("DROP TABLE moving")
    target.commit()
    target.autocommit = True
    target.execute("ANALYZE")
    return found


def _count(target: psycopg.Connection[Any], table: Table) -> int:
    row = target.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name))).fetchone()
    return 0 if row is None else int(row[0])


def _key_to(key: tuple[Any, ...]) -> str:
    return json.dumps([{"hex": value.hex()} if isinstance(value, bytes) else value for value in key])


def _key_from(text: str) -> tuple[Any, ...]:
    return tuple(bytes.fromhex(value["hex"]) if isinstance(value, dict) else value for value in json.loads(text))
