"""What people read: lists, details, counts, and what was recorded of earlier rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from hooks.events import Event, RunState, Verdict
from hooks.ports.silences import Heard

EventState = Literal["pending", "matched", "unmatched"]
"""``pending``: the rules have not been asked yet."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list. What is None does not narrow.

    ``type`` may hold ``*`` for anything, dots included. ``rule`` is the id of a rule that made a run of the event.
    ``state`` is the event's own, or that of one of its runs (of this rule, where one is named).
    ``q`` is a text of up to 200 characters: whom the event is about (a name, a phone number in any writing, an e-mail
    address, a vendor's id), or text that is found in its id, subject or data, without wildcards. Text is looked for in
    so many events a page, so a page may hold few and still have a next. ``since`` is inclusive, ``until`` exclusive;
    both compare with ``received_at``. ``flagged``: those that could not be read, or all others. ``cursor`` is the id of
    the last item of the page before.
    """

    source: str | None = None
    type: str | None = None
    state: EventState | RunState | None = None
    rule: str | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    cursor: str | None = None
    limit: int = 50
    flagged: bool | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list. What is None does not narrow; ``event`` and ``rule`` are ids; as in `EventFilter`.

    ``since`` and ``until`` are about when a run was made, ``connection`` is where it acts next or has acted last, and
    ``given_up`` tells the dead letters that a person has given up from all others.
    """

    state: RunState | None = None
    rule: str | None = None
    event: str | None = None
    cursor: str | None = None
    limit: int = 50
    connection: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    given_up: bool | None = None


@dataclass(frozen=True, slots=True)
class ReceiptFilter:
    """Which receipts to list. What is None does not narrow; as in `EventFilter`."""

    source: str | None = None
    verdict: Verdict | None = None
    since: datetime | None = None
    until: datetime | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing, newest first. ``next`` is the cursor of the page after it, None on the last one."""

    items: Sequence[Mapping[str, Any]]
    next: str | None = None


class History(Protocol):
    """What people read: lists, details, counts. Read-only; all values are ready for JSON, instants as UTC text.

    An event of a list is `Event.attributes` with ``state`` and ``runs: [{id, rule, state}]``; its detail adds
    ``raw`` and ``cause`` (``{run, depth}`` where one of our runs has caused it, else null) and has the runs in
    full. A run is ``{id, event, rule, rules_version, replay_of, state, reason, created_at, due_at, finished_at,
    attempts, about, steps}``, where ``about`` is ``{type, subject, display_name}`` of its event (an event's own runs
    have none); a list leaves ``steps`` out. A step is ``{id, position, action, connection, state, request:
    {method, url, body} or null, output, error, attempts}``; an attempt ``{id, number, started_at, duration_ms,
    verdict, status, error, exchanges: [{method, url, status, request, answer, error, duration_ms}]}``. A receipt is
    ``{id, source, vendor, received_at, verdict, reason, duplicate_of, events: [ids], path, query, headers, size}``;
    its detail adds ``body``: text where it is UTF-8, else ``{"base64": ...}``.
    """

    async def events(self, filter: EventFilter) -> Page: ...

    async def event(self, event_id: str) -> Mapping[str, Any] | None:
        """The event in full, or None when there is none of this id. So too `run` and `receipt`."""
        ...

    async def runs(self, filter: RunFilter) -> Page: ...

    async def run(self, run_id: str) -> Mapping[str, Any] | None: ...

    async def receipts(self, filter: ReceiptFilter) -> Page: ...

    async def receipt(self, receipt_id: str) -> Mapping[str, Any] | None: ...

    async def traffic(self, since: datetime) -> Sequence[tuple[datetime, str, str, int]]:
        """How much happened in each minute from then on, oldest first: minute, kind, name, number.

        Kinds are ``receipt.<verdict>``, named by source, and ``run.<state>``, named by connection.
        """
        ...

    async def heard(self, sources: Collection[str]) -> Mapping[str, Heard]:
        """What is known of these sources, by name: their last sign of life, and whether they are quiet."""
        ...

    async def stats(self) -> Mapping[str, Any]:
        """``{"receipts": {accepted, duplicate, ping, refused, quarantined}, "events": {total, matched, unmatched},
        "runs": {waiting, running, held, done, failed, skipped}, "books_balance": bool}``; every count is there, also
        when it is 0, and further numbers may be added."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """Which stored events to take through rules: the newest ``most`` of those received since and until, at a source."""

    since: datetime | None = None
    until: datetime | None = None
    source: str | None = None
    most: int = 1000


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """What a step of a rule's run was answered."""

    rule: str
    step: str
    action: str
    output: Any


class PastEvent(NamedTuple):
    """A stored event and the answers that its runs' steps got."""

    event: Event
    answers: Sequence[StepAnswer] = ()


class RuleRecords(Protocol):
    """What is known of the rules' past. Read-only; all values are ready for JSON.

    A version is ``{number, version, loaded_at, author, origin, note}``: ``number`` counts from 1, ``version`` is the
    SHA-256 that runs are stamped with, ``origin`` is ``file``, ``api`` or ``rollback``.
    """

    async def versions(self, before: int | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """The versions, newest first, those older than the number ``before``."""
        ...

    async def version(self, number: int) -> Mapping[str, Any] | None:
        """One version with its texts: ``files``, by name, the main file first. None when there is none."""
        ...

    async def texts(self, version: str) -> Mapping[str, str] | None:
        """The texts of a rule set by its SHA-256."""
        ...

    async def count(self, span: Span) -> int:
        """How many stored events there are in this span, whatever its ``most``."""
        ...

    async def past(self, span: Span, after: int | None, limit: int) -> tuple[int, Sequence[PastEvent]]:
        """The next events of a span in the order they came, each with its answers, and the place to go on from.

        ``after`` is that place, None for the first call: then it begins so that at most ``span.most`` are left.
        """
        ...

    async def runs(self, rules: Sequence[str], since: datetime | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """First runs of these rules, newest first: ``{id, event, rule, rules_version, state, reason, steps}``.

        A step is ``{id, action, connection, state, request: {method, path, query, headers, body} or null, output}``.
        """
        ...
