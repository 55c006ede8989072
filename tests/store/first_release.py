"""A SQLite file as the first release left it: its tables, and the row that says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hooks.store.migrate import migrations


@contextmanager
def first_release(file: Path) -> Iterator[sqlite3.Connection]:
    """A new file to fill; what was written is committed at the end."""
    first = migrations()[0]
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript(first.sql)
        raw.execute(
            "CREATE TABLE migrations "
            "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT"
        )
        raw.execute("INSERT INTO migrations VALUES (1, ?, ?, '')", (first.name, first.checksum))
        raw.commit()
        yield raw
        raw.commit()
