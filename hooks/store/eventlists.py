"""Lists of events, each along the index that fits what is asked, and the search for people, ids and text.

A page costs about the same whatever the size of the table. A search finds by index the events of people whose name,
phone, e-mail or vendor's id fits, those whose subject is the text, and those that led to a vendor's record of this
id, and with them other text in the newest `WINDOW` events. Where nothing is found by index, each page looks for the
text in so many events more, until the oldest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, get_args

from hooks.events import RunState
from hooks.ports import EventFilter, Page
from hooks.store import books, step_records
from hooks.store.conditions import Where, could_be_read, like, page_of
from hooks.store.engine import Reading
from hooks.store.people_search import people_named
from hooks.store.rows import EVENT_COLUMNS, event_from_row

WINDOW = 20_000
"""Events whose text one page of a search looks through."""

MOST_TYPES = 25
"""Types that a pattern with ``*`` may stand for and each be listed by its index."""

FEW = 10_000
"""Up to so many runs of a state are looked up by its own small index; where there are more, one is met soon."""

_BY_STATE = {
    "waiting": "SELECT w.event FROM runs w WHERE w.state = 'waiting' AND w.behind IS NULL UNION ALL "
    "SELECT w.event FROM runs w WHERE w.state = 'waiting' AND w.behind IS NOT NULL",
    "running": "SELECT w.event FROM runs w WHERE w.state = 'running'",
    **{
        state: f"SELECT w.event FROM runs w WHERE w.state = '{state}' AND w.state IN ('held', 'failed', 'skipped')"
        for state in ("held", "failed", "skipped")
    },
}
"""The events with a run in a state, each along a partial index."""

SUBJECTS = ("customer", "lead", "job", "appointment", "estimate", "invoice", "payment", "employee")
"""Kinds of records that events are about: a subject is a kind, a slash and the vendor's id."""

_SHOWN = ", ".join("'null'" if name.strip() == "raw" else f"e.{name.strip()}" for name in EVENT_COLUMNS.split(","))
_SELECT = f"SELECT {_SHOWN}, e.state, e.seq FROM events e"
_SEQ = 13


def list_events(raw: Reading, filter: EventFilter) -> Page:
    """One page, newest first."""
    if filter.q is not None:
        return _found(raw, filter)
    if filter.rule is not None:
        rows = _of_rule(raw, filter)
    elif (filter.since is not None or filter.until is not None) and not filter.flagged:
        rows = _of_time(raw, filter)
    else:
        rows = _of_types(raw, filter)
    return page_of(_items(raw, rows[: filter.limit]), rows, filter.limit)


# --- along an index each ---


def _common(raw: Reading, filter: EventFilter, *, typed: bool = True) -> Where:
    where = Where()
    plain = ""
    if filter.flagged is not None:
        where.add(could_be_read(not filter.flagged))
        plain = " || ''" if filter.flagged else ""  # they are few, and have an index: no other is to be gone along
    where.equal(f"e.source{plain}", filter.source)
    if filter.state not in get_args(RunState):
        where.equal(f"e.state{plain}", filter.state)
    elif filter.rule is not None:
        where.add(
            "EXISTS (SELECT 1 FROM runs w WHERE w.event = e.id AND w.rule = ? AND w.state = ?)",
            filter.rule,
            filter.state,
        )
    elif filter.state in _BY_STATE and books.totals(raw).get(f"runs.{filter.state}", 0) <= FEW:
        where.add(f"e.id IN ({_BY_STATE[filter.state]})")
    else:
        where.add("EXISTS (SELECT 1 FROM runs w WHERE w.event = e.id AND w.state = ?)", filter.state)
    if typed and filter.type is not None:
        if "*" in filter.type:
            where.add("e.type LIKE ? ESCAPE '\\'", like(filter.type).replace("*", "%"))
        else:
            where.equal(f"e.type{plain}", filter.type)
    if filter.since is not None:
        where.add(f"e.received_at{plain} >= ?", filter.since.isoformat())
    if filter.until is not None:
        where.add(f"e.received_at{plain} < ?", filter.until.isoformat())
    return where


def _of_rule(raw: Reading, filter: EventFilter) -> list[Any]:
    where = _common(raw, filter)
    where.add("x.rule = ?", filter.rule)
    where.add(
        "NOT EXISTS (SELECT 1 FROM runs y WHERE y.event = x.event AND y.rule = x.rule AND y.generation < x.generation)"
    )
    if filter.cursor is not None:
        first = "SELECT z.seq FROM runs z WHERE z.event = ? AND z.rule = ? ORDER BY z.generation LIMIT 1"
        where.add(f"x.seq < ({first})", filter.cursor, filter.rule)
    return raw.execute(
        f"SELECT {_SHOWN}, e.state, x.seq FROM runs x JOIN events e ON e.id = x.event {where} "
        "ORDER BY x.seq DESC LIMIT ?",
        [*where.values, filter.limit + 1],
    ).fetchall()


def _of_time(raw: Reading, filter: EventFilter) -> list[Any]:
    where = _common(raw, filter)
    if filter.cursor is not None:
        place = "SELECT c.received_at, c.seq FROM events c WHERE c.id = ?"
        where.add(f"(e.received_at, e.seq) < ({place})", filter.cursor)
    return raw.execute(
        f"{_SELECT} {where} ORDER BY e.received_at DESC, e.seq DESC LIMIT ?", [*where.values, filter.limit + 1]
    ).fetchall()


def _of_types(raw: Reading, filter: EventFilter) -> list[Any]:
    types = None if filter.flagged else _types(raw, filter.type)
    where = _common(raw, filter, typed=types is None)
    where.before("e.seq", "events", filter.cursor)
    if types is None:
        return _read(raw, where, filter.limit + 1)
    rows: list[Any] = []
    for type_ in types:
        one = Where()
        one.equal("e.type", type_)
        rows += _read(raw, one.both(where), filter.limit + 1)
    return sorted(rows, key=lambda row: -row[_SEQ])[: filter.limit + 1]


def _types(raw: Reading, pattern: str | None) -> list[str] | None:
    """The types that a pattern stands for; None where listing each of them would be no help."""
    if pattern is None or "*" not in pattern or pattern.strip("*") == "":
        return None
    found = raw.execute(
        "WITH RECURSIVE every(type) AS (SELECT min(type) FROM events UNION ALL "
        "SELECT (SELECT min(e.type) FROM events e WHERE e.type > every.type) FROM every WHERE every.type IS NOT NULL) "
        "SELECT type FROM every WHERE type LIKE ? ESCAPE '\\' LIMIT ?",
        (like(pattern).replace("*", "%"), MOST_TYPES + 1),
    ).fetchall()
    return None if len(found) > MOST_TYPES else [row[0] for row in found]


def _read(raw: Reading, where: Where, limit: int) -> list[Any]:
    return raw.execute(f"{_SELECT} {where} ORDER BY e.seq DESC LIMIT ?", [*where.values, limit]).fetchall()


# --- search ---


def _found(raw: Reading, filter: EventFilter) -> Page:
    text = (filter.q or "").strip()
    where = _common(raw, filter)
    if filter.rule is not None:
        where.add("EXISTS (SELECT 1 FROM runs x WHERE x.event = e.id AND x.rule = ?)", filter.rule)
    where.before("e.seq", "events", filter.cursor)
    limit = filter.limit + 1
    named = Where()
    subjects = [text, *(f"{kind}/{text}" for kind in SUBJECTS)]
    named.add(f"(e.id = ? OR e.subject IN ({', '.join('?' * len(subjects))}))", text, *subjects)
    condition, values = step_records.behind(text)
    made = Where()
    made.add(condition, *values)
    people = people_named(raw, text)
    theirs = Where()
    theirs.add(
        f"e.id IN (SELECT p.event FROM person_events p WHERE p.person IN ({', '.join('?' * len(people))}))", *people
    )
    rows = _read(raw, named.both(where), limit) + _read(raw, made.both(where), limit)
    if people:
        rows += _read(raw, theirs.both(where), limit)
    whole = not people and not _read(raw, named, 1) and not _read(raw, made, 1)
    begin = raw.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
    if whole and filter.cursor is not None:
        begin = (raw.execute("SELECT seq FROM events WHERE id = ?", (filter.cursor,)).fetchone() or (0,))[0] - 1
    low = begin - WINDOW
    rows += _read(raw, _holding(text, low, begin).both(where), limit)
    rows = list({row[0]: row for row in sorted(rows, key=lambda row: -row[_SEQ])}.values())
    items = _items(raw, rows[: filter.limit])
    if len(rows) > filter.limit:
        return Page(items, items[-1]["id"])
    return Page(items, _edge(raw, low) if whole else None)


def _holding(text: str, low: int, begin: int) -> Where:
    where = Where()
    pattern = f"%{like(text)}%"
    where.add("e.seq > ? AND e.seq <= ?", low, begin)
    where.add(
        "(lower(e.subject) LIKE lower(?) ESCAPE '\\' OR lower(e.data) LIKE lower(?) ESCAPE '\\')", pattern, pattern
    )
    return where


def _edge(raw: Reading, low: int) -> str | None:
    """The event that a search without a find goes on from; None when all have been looked through."""
    row = raw.execute("SELECT id FROM events WHERE seq > ? ORDER BY seq LIMIT 1", (low,)).fetchone()
    return row[0] if row is not None and low > 0 else None


def flagged_since(raw: Reading, since: datetime, limit: int) -> list[str]:
    """The sources of the events that could not be read and came since then, the latest first. Not of forgotten ones."""
    listed = f"SELECT e.source, e.received_at FROM events e WHERE {could_be_read(False)} ORDER BY e.seq DESC LIMIT ?"
    rows = raw.execute(listed, (limit,))
    earliest = since.isoformat()
    return [source for source, received_at in rows if received_at >= earliest]


def _items(raw: Reading, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    items = []
    for row in rows:
        runs = raw.execute("SELECT id, rule, state FROM runs WHERE event = ? ORDER BY seq", (row[0],))
        shown = event_from_row(tuple(row[:12])).attributes()
        shown["state"] = row[12]
        shown["runs"] = [{"id": run[0], "rule": run[1], "state": run[2]} for run in runs]
        items.append(shown)
    return items
