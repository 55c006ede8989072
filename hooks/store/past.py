"""What was stored, read back in the order it came, for looking at rules without carrying anything out.

Reads only, also while a server writes, in batches, so that it neither fills the memory nor holds the
server's log back. It is synchronous on purpose: an event loop brings a socket of its own, and whoever compares rules
may say that no socket was opened at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from hooks.errors import StoreError
from hooks.ports import PastEvent, StepAnswer
from hooks.store.engine import Reading
from hooks.store.opening import require_driver, sqlite_file
from hooks.store.rows import EVENT_COLUMNS, event_from_row
from hooks.store.ruletexts import latest_rules

BATCH = 500


class Past:
    """A read-only view of one database."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    @classmethod
    @contextmanager
    def open(cls, address: str) -> Iterator[Past]:
        """Raises StoreError when there is no database of ours at the address, then and later."""
        path = sqlite_file(address)
        with _sqlite(path) if path is not None else _postgres(address) as reading:
            yield cls(reading)

    def latest_rules(self) -> Mapping[str, str] | None:
        """The texts of the rule set that was loaded last, the main file first; None when there is none."""
        latest = latest_rules(self._reading)
        return None if latest is None else latest[1]

    def count(self, since: datetime | None = None, until: datetime | None = None, source: str | None = None) -> int:
        """How many events `events` would give."""
        where, values = _where(since, until, source)
        counted: int = self._reading.execute(f"SELECT count(*) FROM events WHERE {where}", values).fetchone()[0]
        return counted

    def events(
        self, since: datetime | None = None, until: datetime | None = None, source: str | None = None
    ) -> Iterator[PastEvent]:
        """Events with the answers of their runs' steps, oldest first. ``since`` is inclusive, ``until`` exclusive."""
        last = -1
        while True:
            last, batch = self.batch(last, BATCH, since, until, source)
            if not batch:
                return
            yield from batch

    def batch(
        self,
        after: int,
        limit: int,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
    ) -> tuple[int, list[PastEvent]]:
        """The next events after a place, and the place to go on from."""
        where, values = _where(since, until, source)
        rows = self._reading.execute(
            f"SELECT {EVENT_COLUMNS}, seq FROM events WHERE {where} AND seq > ? ORDER BY seq LIMIT ?",
            (*values, after, limit),
        ).fetchall()
        answers = self._answers([row[0] for row in rows])
        last = rows[-1][12] if rows else after
        return last, [PastEvent(event_from_row(row[:12]), answers.get(row[0], [])) for row in rows]

    def newest(
        self, limit: int, since: datetime | None = None, until: datetime | None = None, source: str | None = None
    ) -> int:
        """The place after which so many events are left."""
        where, values = _where(since, until, source)
        row = self._reading.execute(
            f"SELECT seq FROM events WHERE {where} ORDER BY seq DESC LIMIT 1 OFFSET ?", (*values, limit)
        ).fetchone()
        return -1 if row is None else int(row[0])

    def event(self, id: str) -> PastEvent | None:
        """One event and the answers of its runs' steps."""
        row = self._reading.execute(f"SELECT {EVENT_COLUMNS} FROM events WHERE id = ?", (id,)).fetchone()
        return None if row is None else PastEvent(event_from_row(row), self._answers([id]).get(id, []))

    def _answers(self, events: list[str]) -> dict[str, list[StepAnswer]]:
        if not events:
            return {}
        marks = ", ".join("?" * len(events))
        rows = self._reading.execute(
            "SELECT r.event, r.rule, s.id, s.action, s.output FROM runs r JOIN steps s ON s.run = r.id "
            f"WHERE r.event IN ({marks}) AND s.state = 'done' AND s.output IS NOT NULL ORDER BY r.seq, s.position",
            events,
        )
        found: dict[str, list[StepAnswer]] = {}
        for event, rule, step, action, output in rows:
            found.setdefault(event, []).append(StepAnswer(rule, step, action, json.loads(output)))
        return found


def _where(since: datetime | None, until: datetime | None, source: str | None) -> tuple[str, tuple[Any, ...]]:
    conditions = [("received_at >= ?", since), ("received_at < ?", until), ("source = ?", source)]
    given = [(text, value) for text, value in conditions if value is not None]
    values = tuple(value if isinstance(value, str) else value.isoformat() for _, value in given)
    return " AND ".join(text for text, _ in given) or "1 = 1", values


@contextmanager
def _sqlite(path: Path) -> Iterator[Reading]:
    if not path.is_file():
        raise StoreError(f"there is no database at {path}: start `hooks serve` first, or name its --data folder")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read: {error}") from None
    try:
        yield connection
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read: {error}") from None
    finally:
        connection.close()


@contextmanager
def _postgres(address: str) -> Iterator[Reading]:
    require_driver()
    from hooks.store.postgres import reading_of

    with reading_of(address) as reading:
        yield reading
