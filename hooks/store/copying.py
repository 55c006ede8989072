"""Copies of a SQLite database: made while it is in use, proven sound, and put back in its place.

A copy is one moment of the database, whole or not there at all: it is made beside its name, checked from its first page
to the last, synced, and only then given its name. It knows of which moment it is, because whoever starts a server on it
must be told: what happened after that moment may happen again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hooks.errors import StoreError, StoreRefused
from hooks.store.lock import WriterLock
from hooks.store.migrate import outstanding
from hooks.store.moments import COPIED, note
from hooks.store.rows import millis, moment

PAGES = 256
"""Pages of one step of a copy, 2 MiB: between two of them others get at the disk."""

REST = 0.004
"""Seconds between two steps."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was made: of which moment, where, and how many bytes."""

    file: Path
    at: datetime
    size: int


def copy_database(source: Path, target: Path, now: datetime) -> Copy:
    """Copy the database as it is ``now``, also while a server writes it. What was committed before is in the copy.

    Raises StoreError when there is a file of that name, when there is no room, or when the copy is not sound; then
    nothing is left of it.
    """
    if target.exists():
        raise StoreError(f"{target} is there already: a copy overwrites nothing")
    beside = target.with_name(target.name + ".partial")
    try:
        _private(beside)
        with _reading(source) as raw, contextlib.closing(_opened(beside)) as copy:
            raw.execute("BEGIN")
            raw.execute("SELECT count(*) FROM migrations").fetchone()  # from here on it is one moment
            raw.backup(copy, pages=PAGES, sleep=REST)
            raw.execute("COMMIT")
            copy.execute("PRAGMA journal_mode = DELETE")
            if _has_moments(copy):
                note(copy, COPIED, millis(now))
            _require_sound(copy, beside)
        _synced(beside)
        beside.rename(target)
        _synced(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"no copy could be made at {target}: {_said(error)}") from None
    finally:
        for name in (beside, beside.with_name(beside.name + "-journal")):
            name.unlink(missing_ok=True)
    return Copy(target, now, target.stat().st_size)


def clear_killed(database: Path) -> None:
    """Take away what copies of ours and restores have left that were killed: each start that ends in the middle of a
    copy would leave another one, until the disk is full. For whoever holds the database, so that none is being made."""
    left = [*(database.parent / "backups").glob(f"{database.stem}-????????T*.db.partial*")]
    left += database.parent.glob(f"{database.name}.restoring*")
    for file in left:
        with contextlib.suppress(OSError):
            file.unlink()


def copy_before_migrating(database: Path, connection: sqlite3.Connection, now: datetime) -> Copy | None:
    """A copy before the tables change, in the folder ``backups`` beside the database; None when nothing changes them.

    Raises StoreRefused when the database is newer than this program, or when there is no room for the copy.
    """
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone() is None:
        return None
    applied = _applied(connection)
    waiting = outstanding(applied)
    if not applied or not waiting:
        return None
    folder = database.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{database.stem}-{now:%Y%m%dT%H%M%SZ}-before-{waiting[0].number:04d}.db"
    target.unlink(missing_ok=True)
    need, free = database.stat().st_size, shutil.disk_usage(folder).free
    if need > free:
        raise StoreRefused(
            f"there is no room for the copy of {database.name} that is made before its tables are changed: it needs "
            f"{need >> 20} MiB in {folder}, and {free >> 20} MiB are free"
        )
    try:
        return copy_database(database, target, now)
    except StoreError as error:
        raise StoreRefused(f"the tables are not changed without a copy: {error}") from None


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: of which moment the copy is, where the database before it lies, what was not over in it."""

    at: datetime
    before: Path | None
    unfinished: int


def restore_database(copy: Path, database: Path, now: datetime, *, go_on: bool) -> Restored:
    """Put a copy in the place of a database that no server is using; the database before it is kept beside it.

    The next server holds what was not over in the copy, unless ``go_on``. Raises StoreRefused when a server has the
    database, StoreError when the copy is not sound or cannot be put there; then the database is as it was.
    """
    if not copy.is_file():
        raise StoreError(f"there is no file {copy}")
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = WriterLock(database)
    lock.acquire()
    beside = database.with_name(database.name + ".restoring")
    try:
        _private(beside)
        with _reading(copy) as raw, contextlib.closing(_opened(beside)) as made:
            _require_sound(raw, copy)
            outstanding(_applied(raw))
            raw.backup(made)
            made.execute("PRAGMA journal_mode = DELETE")
            at = _moment_of(made)
            unfinished = _unfinished(made)
            if go_on:
                made.execute("DELETE FROM moments WHERE name = ?", (COPIED,))
            else:
                note(made, COPIED, millis(at))
        _synced(beside)
        before = _set_aside(database, now)
        beside.replace(database)
        _synced(database.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{copy} cannot be restored: {_said(error)}") from None
    finally:
        beside.unlink(missing_ok=True)
        lock.release()
    return Restored(at, before, unfinished)


# --- parts ---


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(
        sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)
    ) as raw:
        yield raw


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None)


def _private(file: Path) -> None:
    """An empty file that only its owner reads, in the place of one that an earlier try has left."""
    file.unlink(missing_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _require_sound(raw: sqlite3.Connection, file: Path) -> None:
    found = [row[0] for row in raw.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise StoreError(f"{file} is not sound: {'; '.join(found)}")


def _applied(raw: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    rows: Sequence[Any] = raw.execute("SELECT number, name, checksum FROM migrations").fetchall()
    return {number: (name, checksum) for number, name, checksum in rows}


def _has_moments(raw: sqlite3.Connection) -> bool:
    return raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'moments'").fetchone() is not None


def _moment_of(raw: sqlite3.Connection) -> datetime:
    """Of which moment a copy is; of the last receipt in it, for one that was not made by us."""
    row = raw.execute("SELECT at FROM moments WHERE name = ?", (COPIED,)).fetchone()
    if row is None:
        row = raw.execute("SELECT coalesce(max(received_at), 0) FROM receipts").fetchone()
    return moment(row[0])


def _unfinished(raw: sqlite3.Connection) -> int:
    runs: int = raw.execute("SELECT count(*) FROM runs WHERE state IN ('waiting', 'running')").fetchone()[0]
    events: int = raw.execute("SELECT coalesce(sum(events), 0) FROM receipts WHERE pending = 1").fetchone()[0]
    return runs + events


def _set_aside(database: Path, now: datetime) -> Path | None:
    """Keep the database under another name too, with what its log holds; None when there is none."""
    if not database.exists():
        return None
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_opened(database)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    aside = database.with_name(f"{database.name}.before-{now:%Y%m%dT%H%M%S}-{time.monotonic_ns() % 1000:03d}")
    os.link(database, aside)
    for suffix in ("-wal", "-shm"):  # left only when the database is damaged
        log = database.with_name(database.name + suffix)
        if log.exists():
            log.rename(aside.with_name(aside.name + suffix))
    return aside


def _said(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
