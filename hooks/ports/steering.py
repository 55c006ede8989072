"""What people decide: edits of rules, pauses, replays, and what became of a step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hooks.events import Event, Receipt, RunState
from hooks.ports.runs import PlannedRun, Step

RuleOrigin = Literal["file", "api", "rollback"]
"""How rules came into force: from a file that somebody edited, through the API, or back from the history."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Who brought rules into force: a system user for an edited file, else who the caller of the API says it is."""

    author: str
    origin: RuleOrigin
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """What a person has said of a connection last. ``drain_rate``: runs per second that go on after the pause."""

    connection: str
    paused: bool
    changed_at: datetime
    reason: str | None = None
    drain_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that is left alone by all servers. From ``until`` on one of them may try whether it works again."""

    connection: str
    until: datetime
    reason: str
    refused: bool
    """Whether credentials or rights were refused."""


OLDER_PART = 4
"""Of so many turns of a connection one belongs to older work, while it waits: live events have the others."""

ReplayMode = Literal["missing-only", "same-version", "current-version", "force"]
"""``missing-only``: what the rules in force would do and nobody has done; failed runs go on. ``same-version``: once
more by the rules each run began with. ``current-version``: once more by the rules in force. What an earlier run made is
found and not made again; ``force`` acts again."""


ReplayState = Literal["matched", "unmatched", "failed", "held", "done", "skipped"]
"""Of events: with or without a match, or with a run in this state."""


@dataclass(frozen=True, slots=True)
class ReplaySelection:
    """Which events to replay: what is None does not narrow, times as in `EventFilter`. ``rule`` narrows the runs.

    ``flagged``: only events that could not be read, or none of them.
    """

    events: tuple[str, ...] | None = None
    source: str | None = None
    type: str | None = None
    state: ReplayState | None = None
    rule: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    flagged: bool | None = None


RunsAct = Literal["retry", "cancel"]
"""What a person does with many runs at once: let them go on, or give them up."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that an event has."""

    id: str
    rule: str
    version: str
    state: RunState
    reason: str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """An event that is to be replayed, with its runs, oldest first.

    ``receipt``: of an event that could not be read, what it can be read from anew.
    """

    event: Event
    runs: tuple[PastRun, ...]
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """A run to be made for an event by rules of a version, or without a ``planned`` one the failed ``run`` to go on."""

    event: str
    run: str
    version: str
    planned: PlannedRun | None = None


@dataclass(frozen=True, slots=True)
class UnknownStep:
    """A step of a held or failed run whose outcome nobody knows."""

    run: str
    rule: str
    version: str
    generation: int
    state: RunState
    event: Event
    step: Step


ResolutionOutcome = Literal["sent", "not_sent", "give_up"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a step whose outcome was unknown: carried out, with its output where it is known; not carried out,
    so that it is sent again; or nobody will find out. ``said`` is who says so, ``attempt`` the id it is noted under."""

    outcome: ResolutionOutcome
    attempt: str
    said: str
    output: Any = None
