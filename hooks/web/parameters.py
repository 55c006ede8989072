"""Query parameters of the admin API: read strictly, refused by name.

An unknown, repeated, empty or impossible parameter is 422 with its name; nothing is guessed, because a filter that was
silently ignored shows an operator the wrong list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from starlette.datastructures import QueryParams

from hooks.errors import HooksError
from hooks.events import RunState, Verdict
from hooks.ports import EventFilter, EventState, ReceiptFilter, RunFilter
from hooks.values import parse_duration

MAX_LIMIT = 500
DEFAULT_LIMIT = 50
_MAX_TEXT = 200
_ID = re.compile(r"(evt|run|rcp|sub|per|aud)_[0-9a-f]{32}")


class BadParameter(HooksError):
    """A parameter or a member of a body that cannot be used: 422, with its name and what it may be."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name
        self.why = why


OF_EVENTS: tuple[str, ...] = (*get_args(EventState), *get_args(RunState))
"""The states that events are listed by: their own, and those of their runs."""

KNOWN: Mapping[Literal["events", "runs", "receipts"], Mapping[str, str | Mapping[str, Any]]] = {
    "events": {
        "source": "The source it came in by.",
        "type": "The event type; * stands for anything, dots included.",
        "state": {"description": "Whether a rule matched, or how a run of it stands.", "enum": list(OF_EVENTS)},
        "rule": "The id of a rule that made a run of it.",
        "q": "Whom it is about (name, phone, e-mail), a vendor's id, also of what it led to, or text in its data.",
        "since": "Received at or after: an instant (2026-05-04T14:00:00Z), a date, or so long ago (24h).",
        "until": "Received before; as since.",
        "cursor": "Where the page before ended: its next.",
        "limit": "How many, 1 to 500; 50 if not given.",
        "flagged": {
            "description": "true lists only those that could not be read, and that no rule acts on; false all others.",
            "enum": ["true", "false"],
        },
    },
    "runs": {
        "state": {"description": "How it stands.", "enum": list(get_args(RunState))},
        "rule": "The id of its rule.",
        "event": "The id of its event.",
        "connection": "The connection in which it acts next, or has acted last.",
        "since": "Made at or after; as for events.",
        "until": "Made before; as since.",
        "given_up": {
            "description": "false leaves out the failed ones that a person has given up, true lists only those.",
            "enum": ["true", "false"],
        },
        "cursor": "Where the page before ended: its next.",
        "limit": "How many, 1 to 500; 50 if not given.",
    },
    "receipts": {
        "source": "The source it came in by.",
        "verdict": {"description": "What was made of it.", "enum": list(get_args(Verdict))},
        "since": "Received at or after; as for events.",
        "until": "Received before; as since.",
        "cursor": "Where the page before ended: its next.",
        "limit": "How many, 1 to 500; 50 if not given.",
    },
}
"""The parameters of each listing, and what they mean."""


def event_filter(query: QueryParams, now: datetime) -> EventFilter:
    """Raises BadParameter; so do the two below."""
    given = _given(query, "events")
    state = _one_of(given, "state", OF_EVENTS)
    since, until = span(given, now)
    return EventFilter(
        source=given.get("source"),
        type=given.get("type"),
        state=state,  # type: ignore[arg-type]  # `_one_of` has checked it
        rule=given.get("rule"),
        q=given.get("q"),
        since=since,
        until=until,
        cursor=_id(given, "cursor", "evt"),
        limit=read_limit(given),
        flagged=_flag(given, "flagged"),
    )


def run_filter(query: QueryParams, now: datetime) -> RunFilter:
    given = _given(query, "runs")
    state = _one_of(given, "state", get_args(RunState))
    since, until = span(given, now)
    return RunFilter(
        state=state,  # type: ignore[arg-type]  # `_one_of` has checked it
        rule=given.get("rule"),
        event=_id(given, "event", "evt"),
        cursor=_id(given, "cursor", "run"),
        limit=read_limit(given),
        connection=given.get("connection"),
        since=since,
        until=until,
        given_up=_flag(given, "given_up"),
    )


def receipt_filter(query: QueryParams, now: datetime) -> ReceiptFilter:
    given = _given(query, "receipts")
    verdict = _one_of(given, "verdict", get_args(Verdict))
    since, until = span(given, now)
    return ReceiptFilter(
        source=given.get("source"),
        verdict=verdict,  # type: ignore[arg-type]  # `_one_of` has checked it
        since=since,
        until=until,
        cursor=_id(given, "cursor", "rcp"),
        limit=read_limit(given),
    )


PAGES: Mapping[str, str] = {
    "cursor": "Where the page before ended: its next.",
    "limit": "How many, 1 to 500; 50 if not given.",
}
LISTED: Mapping[str, str | Mapping[str, Any]] = {
    "cursor": PAGES["cursor"],
    "limit": {"description": "How many; all of them if not given.", "type": "integer", "minimum": 1, "maximum": 500},
}
"""Of listings that are never long: they come whole, and in pages to who asks for pages everywhere."""
SEARCH: Mapping[str, str] = {
    "q": "A name, a phone number in any writing, an e-mail address, a vendor's id of a record or a person's own.",
    **PAGES,
}


def search_of(query: QueryParams) -> tuple[str | None, str | None, int]:
    """Who is searched for among the people, after whom, and how many: raises BadParameter, as below."""
    given = read_query(query, SEARCH)
    return given.get("q"), _id(given, "cursor", "per"), read_limit(given)


def review_of(query: QueryParams) -> tuple[str | None, int]:
    """After which pair of doubtful people, and how many."""
    given = read_query(query, PAGES)
    cursor = given.get("cursor")
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise BadParameter("cursor", "it must be the next of the page before")
    return cursor, read_limit(given)


def part_of(query: QueryParams, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The page of a whole listing that is asked for. Raises BadParameter."""
    given = read_query(query, LISTED)
    cursor = given.get("cursor", "0")
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise BadParameter("cursor", "it must be the next of the page before")
    start = int(cursor)
    end = start + read_limit(given) if "limit" in given else len(items)
    return {"items": list(items[start:end]), "next": str(end) if end < len(items) else None}


def is_id(text: str, prefix: str) -> bool:
    """Whether this can be an id of ours at all; what cannot is unknown without asking the store."""
    return _ID.fullmatch(text) is not None and text.startswith(prefix)


def _given(query: QueryParams, listing: Literal["events", "runs", "receipts"]) -> dict[str, str]:
    return read_query(query, KNOWN[listing])


def read_query(query: QueryParams, known: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that are given, each known, once, and text. Raises BadParameter."""
    given: dict[str, str] = {}
    for name, value in query.multi_items():
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "there are none"
            raise BadParameter(_short(name), f"there is no such parameter here; {there}")
        if name in given:
            raise BadParameter(name, "it is given more than once")
        if not value or len(value) > _MAX_TEXT or any(ord(character) < 32 for character in value):
            raise BadParameter(name, f"it must be text of 1 to {_MAX_TEXT} characters without control characters")
        given[name] = value
    return given


def _flag(given: Mapping[str, str], name: str) -> bool | None:
    said = _one_of(given, name, ("true", "false"))
    return None if said is None else said == "true"


def _one_of(given: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    value = given.get(name)
    if value is not None and value not in allowed:
        raise BadParameter(name, f"it must be one of {', '.join(allowed)}")
    return value


def _id(given: Mapping[str, str], name: str, prefix: str) -> str | None:
    value = given.get(name)
    if value is not None and not is_id(value, prefix):
        raise BadParameter(name, f"it must be an id such as {prefix}_ and 32 hexadecimal digits")
    return value


def read_limit(given: Mapping[str, str]) -> int:
    """How many items a page has. Raises BadParameter."""
    text = given.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise BadParameter("limit", f"it must be a number from 1 to {MAX_LIMIT}")
    return int(text)


def span(given: Mapping[str, str], now: datetime) -> tuple[datetime | None, datetime | None]:
    """``since`` and ``until``: instants, dates, or so long ago. Raises BadParameter."""
    since, until = (instant(given, name, now) for name in ("since", "until"))
    if since is not None and until is not None and since >= until:
        raise BadParameter("until", "it must be later than since")
    return since, until


def instant(given: Mapping[str, str], name: str, now: datetime) -> datetime | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        return now - timedelta(seconds=parse_duration(text))
    except ValueError:
        pass
    try:
        # a plus sign that was not percent-encoded has become a blank
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadParameter(name, "it must look like 2026-05-04T14:00:00Z, 2026-05-04 or 24h") from None


def _short(name: str) -> str:
    """A name that a caller made up, fit to be shown back."""
    shown = "".join(character if character.isascii() and character.isprintable() else "?" for character in name)
    return shown[:40] or "(empty)"
