"""What is known of the rules' past: the numbered versions, and what became of events under them. Read-only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hooks.events import utc_text
from hooks.ports import RuleRecords
from hooks.store.engine import Reader, Reading
from hooks.store.rows import moment

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
