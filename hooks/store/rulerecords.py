"""What is known of the rules' past: the numbered versions, and what became of events under them. Read-only."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hooks.events import utc_text
from hooks.ports import PastEvent, RuleRecords, Span
from hooks.store import ruletexts
from hooks.store.engine import Reader, Reading
from hooks.store.past import Past
from hooks.store.rows import millis, moment

_RUN = ("id", "event", "rule", "rules_version", "state", "reason")
_AT_ONCE = 400
_VERSION = "v.number, v.version, v.loaded_at, v.author, v.origin, v.note"


class SqlRuleRecords:
    """A view of one database, also while servers are writing it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def versions(self, before: int | None, limit: int) -> list[Mapping[str, Any]]:
        def read(reading: Reading) -> list[Mapping[str, Any]]:
            where, values = ("", ()) if before is None else ("WHERE v.number < ? ", (before,))
            rows = reading.execute(
                f"SELECT {_VERSION} FROM rule_versions v {where}ORDER BY v.number DESC LIMIT ?", (*values, limit)
            )
            return [_version(row) for row in rows]

        return await self._reader.read(read)

    async def version(self, number: int) -> Mapping[str, Any] | None:
        def read(reading: Reading) -> Mapping[str, Any] | None:
            row = reading.execute(
                f"SELECT {_VERSION}, s.files FROM rule_versions v JOIN rule_sets s ON s.version = v.version "
                "WHERE v.number = ?",
                (number,),
            ).fetchone()
            return None if row is None else {**_version(row), "files": json.loads(row[6])}

        return await self._reader.read(read)

    async def past(self, span: Span, after: int | None, limit: int) -> tuple[int, Sequence[PastEvent]]:
        def read(reading: Reading) -> tuple[int, Sequence[PastEvent]]:
            past = Past(reading)
            where = (span.since, span.until, span.source)
            start = past.newest(span.most, *where) if after is None else after
            return past.batch(start, limit, *where)

        return await self._reader.read(read)

    async def count(self, span: Span) -> int:
        return await self._reader.read(lambda reading: Past(reading).count(span.since, span.until, span.source))

    async def texts(self, version: str) -> Mapping[str, str] | None:
        return await self._reader.read(lambda reading: ruletexts.rules(reading, version))

    async def runs(self, rules: Sequence[str], since: datetime | None, limit: int) -> list[Mapping[str, Any]]:
        def read(reading: Reading) -> list[Mapping[str, Any]]:
            marks = ", ".join("?" * len(rules))
            rows = reading.execute(
                "SELECT id, event, rule, rules_version, state, reason FROM runs "
                f"WHERE rule IN ({marks}) AND generation = 0 AND created_at >= ? ORDER BY seq DESC LIMIT ?",
                (*rules, 0 if since is None else millis(since), limit),
            ).fetchall()
            runs = {row[0]: dict(zip(_RUN, row, strict=True)) | {"steps": []} for row in rows}
            for part in _parts([row[0] for row in rows], _AT_ONCE):
                for step in _steps(reading, part):
                    runs[step[0]]["steps"].append(_step(step))
            return list(runs.values())

        return await self._reader.read(read)


def _parts(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for begin in range(0, len(values), size):
        yield values[begin : begin + size]


def _steps(reading: Reading, runs: Sequence[str]) -> list[Any]:
    return reading.execute(
        "SELECT run, id, action, connection, state, request, output FROM steps "
        f"WHERE run IN ({', '.join('?' * len(runs))}) ORDER BY run, position",
        tuple(runs),
    ).fetchall()


def _step(row: Any) -> dict[str, Any]:
    request = None if row[5] is None else json.loads(row[5])
    if request is not None and isinstance(request["body"], str):
        with contextlib.suppress(ValueError):
            request["body"] = json.loads(request["body"])
    return {
        "id": row[1],
        "action": row[2],
        "connection": row[3],
        "state": row[4],
        "request": request,
        "output": None if row[6] is None else json.loads(row[6]),
    }


def _version(row: Any) -> dict[str, Any]:
    return {
        "number": row[0],
        "version": row[1],
        "loaded_at": utc_text(moment(row[2])),
        "author": row[3],
        "origin": row[4],
        "note": row[5],
    }


_: type[RuleRecords] = SqlRuleRecords
