"""Ids of the records that steps made or found at vendors, kept when a step's answer is, so that a search finds them.

A booking's id is what the vendor's support names and the office writes down. It stands in an answer under a key such as
``id``, ``bookingId``, ``job_number`` or ``uuid``; other values of an answer are not kept here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from hooks.remembered import remembered
from hooks.store.accept import insert_many
from hooks.store.engine import Transaction
from hooks.store.rows import storable

MOST = 20
"""Ids that are kept of one answer: those nearest to its top."""

_DEPTH = 3
_FEWEST, _LONGEST = 3, 100
_LISTED = 10
_KEY = re.compile(r"(?:^|_)(?:id|uuid|guid|number)$|(?:Id|ID|Uuid|Guid|Number)$", re.ASCII)
_NO_RECORD = re.compile(r"phone|mobile|fax|house|street|account_?number|page|tenant|company", re.IGNORECASE)


def remember(transaction: Transaction, answers: Iterable[tuple[str, Any]]) -> None:
    """Keep the ids in what steps were answered, each with its run. Those kept before stay."""
    found = [(run, record) for run, output in answers for record in ids_in(output)]
    head, tail = "INSERT INTO step_records (run, record) VALUES ", " ON CONFLICT (run, record) DO NOTHING"
    insert_many(transaction, head, found, tail)


def forget(transaction: Transaction, run: str) -> None:
    transaction.execute("DELETE FROM step_records WHERE run = ?", (run,))


def behind(text: str) -> tuple[str, list[Any]]:
    """The condition, with its values, that an event ``e`` has a run whose steps were answered with this id."""
    return (
        "e.id IN (SELECT r.event FROM step_records s JOIN runs r ON r.id = s.run WHERE s.record = ?)",
        [storable(text.lower())],
    )


def ids_in(output: Any) -> list[str]:
    """The ids in an answer, in lower case, those nearest to its top first. An answer that is an id itself is one."""
    if not isinstance(output, (dict, list)):
        return [id for id in (_id(output),) if id is not None]
    found: dict[str, None] = {}
    level: list[Any] = [output]
    for _ in range(_DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, list):
                below += [value for value in one[:_LISTED] if isinstance(value, (dict, list))]
                continue
            for key, value in one.items():
                if isinstance(value, (dict, list)):
                    below.append(value)
                elif _names_record(key) and (id := _id(value)) is not None:
                    found[id] = None
        if not below:
            break
        level = below
    return list(found)[:MOST]


@remembered(4096)
def _names_record(key: str) -> bool:
    return _KEY.search(key) is not None and _NO_RECORD.search(key) is None


def _id(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = str(value).strip().lower()
    fits = _FEWEST <= len(text) <= _LONGEST and " " not in text and text.isprintable()
    return storable(text) if fits else None
