"""The list of changes: what people had the server do, kept with the change itself.

While a change is under way (`SqlAudit.during`), the first transaction that writes for it also writes its row, as
``begun``. So no change is on disk without its row, whatever happens to the server in between; how it ended is added
afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from hooks.events import utc_text
from hooks.ports import Audit, AuditFilter, Change, Page
from hooks.store.engine import Engine, Reader, Reading, Transaction
from hooks.store.rows import millis, moment, storable

T = TypeVar("T")

_COLUMNS = "id, at, who, via, what, target, state_before, state_after, outcome"


@dataclass(slots=True)
class _Begun:
    change: Change
    written: bool = False


_under_way: ContextVar[_Begun | None] = ContextVar("change_under_way", default=None)


def noted(work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
    """The work, which also writes the row of the change that it is done for, if that has none yet."""
    begun = _under_way.get()
    if begun is None or begun.written:
        return work

    def with_note(transaction: Transaction) -> T:
        result = work(transaction)
        write_change(transaction, begun.change)
        begun.written = True
        return result

    return with_note


def write_change(transaction: Transaction, change: Change) -> None:
    """Keep a change, or how one that was kept has ended."""
    transaction.execute(
        f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET state_after = excluded.state_after, outcome = excluded.outcome",
        (
            change.id,
            millis(change.at),
            storable(change.who),
            change.via,
            change.what,
            storable(change.target),
            None if change.before is None else storable(change.before),
            None if change.after is None else storable(change.after),
            change.outcome,
        ),
    )


class SqlAudit:
    """The list of changes of one database."""

    def __init__(self, engine: Engine, reader: Reader) -> None:
        self._engine = engine
        self._reader = reader

    @contextlib.contextmanager
    def during(self, change: Change) -> Iterator[None]:
        token = _under_way.set(_Begun(change))
        try:
            yield
        finally:
            _under_way.reset(token)

    async def keep(self, change: Change) -> None:
        await self._engine.write(lambda transaction: write_change(transaction, change))

    async def changes(self, filter: AuditFilter) -> Page:
        conditions: list[str] = ["1 = 1"]
        values: list[Any] = []
        for column, value in (("what", filter.what), ("target", filter.target), ("who", filter.who)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if filter.since is not None:
            conditions.append("at >= ?")
            values.append(millis(filter.since))
        if filter.cursor is not None:
            conditions.append("seq < (SELECT seq FROM audit WHERE id = ?)")
            values.append(filter.cursor)

        def read(reading: Reading) -> Page:
            rows = reading.execute(
                f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(conditions)} ORDER BY seq DESC LIMIT ?",
                [*values, filter.limit + 1],
            ).fetchall()
            items = [_shown(row) for row in rows[: filter.limit]]
            return Page(items, items[-1]["id"] if len(rows) > filter.limit else None)

        return await self._reader.read(read)


def _shown(row: Any) -> Mapping[str, Any]:
    return {
        "id": row[0],
        "at": utc_text(moment(row[1])),
        "who": row[2] or None,
        "via": row[3],
        "what": row[4],
        "target": row[5] or None,
        "before": row[6],
        "after": row[7],
        "outcome": row[8],
    }


_: type[Audit] = SqlAudit
