"""The books: totals that are kept in the transactions that change what they count, and the tables counted anew.

Two independent ways to the same numbers, so that a fault of ours, a damaged page or a hand in the file shows itself.
Counting reads indexes only; still it takes a second or so for millions of rows, so large tables are counted by the
server now and then (`hooks.store.history.SqlHistory.audit`), and small ones each time that somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from hooks.events import RunState, Verdict
from hooks.store.engine import Reading

COUNTED_AT_ONCE = 20_000
"""Rows that are counted anew whenever somebody looks at the totals."""

_EVENT_STATES = ("matched", "unmatched")


def totals(reading: Reading) -> dict[str, int]:
    """The totals by name. Each server of several counts in rows of its own; here they are added up."""
    found: dict[str, int] = {}
    for name, value in reading.execute("SELECT name, value FROM counters"):
        name = name.partition("#")[0]
        found[name] = found.get(name, 0) + value
    return found


def rows_of(counted: Mapping[str, int]) -> int:
    """How many rows `differences` would count."""
    return sum(value for name, value in counted.items() if name.startswith(("receipts.", "runs.")))


def unread(reading: Reading) -> tuple[int, int]:
    """How many receipts wait to be read, and how many events are in them."""
    row = reading.execute("SELECT count(*), coalesce(sum(events), 0) FROM receipts WHERE pending = 1").fetchone()
    return int(row[0]), int(row[1])


def contradictions(counted: Mapping[str, int], pending: int) -> list[str]:
    """What the totals say against each other, as sentences: cheap, and true of tables of any size.

    ``pending`` are the events that are still to be made, as `unread` counts them.
    """
    made = sum(counted.get(f"events.{state}", 0) for state in _EVENT_STATES)
    accepted = counted.get("events.accepted", 0)
    found = [f"the total {name} is {value}" for name, value in sorted(counted.items()) if value < 0]
    if accepted != made + pending:
        found.append(f"{accepted} events were accepted, {made} were made and {pending} are still to be made")
    return found


def differences(reading: Reading, counted: Mapping[str, int]) -> list[str]:
    """Where the tables, counted now, differ from their totals, as sentences; nothing for books that balance."""
    kept = dict(
        reading.execute(
            "SELECT state, count(*) FROM runs WHERE state IN ('held', 'failed', 'skipped') GROUP BY state"
        ).fetchall()
    )
    for state in ("waiting", "running"):
        kept[state] = reading.execute(f"SELECT count(*) FROM runs WHERE state = '{state}'").fetchone()[0]
    every = reading.execute("SELECT count(*) FROM runs").fetchone()[0]
    kept["done"] = every - sum(kept.values())
    refused = dict(
        reading.execute(
            "SELECT verdict, count(*) FROM receipts WHERE verdict <> 'accepted' GROUP BY verdict"
        ).fetchall()
    )
    receipts = reading.execute("SELECT count(*) FROM receipts").fetchone()[0]
    there = {f"runs.{state}": kept.get(state, 0) for state in get_args(RunState)}
    there |= {f"receipts.{verdict}": refused.get(verdict, 0) for verdict in get_args(Verdict)}
    there["receipts.accepted"] = receipts - sum(refused.values())
    found = [
        f"{number} rows are {name}, and {counted.get(name, 0)} were counted when they were written"
        for name, number in there.items()
        if number != counted.get(name, 0)
    ]
    events = reading.execute("SELECT count(*) FROM events").fetchone()[0]
    made = sum(counted.get(f"events.{state}", 0) for state in _EVENT_STATES)
    if events != made:
        found.append(f"there are {events} events, and {made} were counted when they were written")
    return found
