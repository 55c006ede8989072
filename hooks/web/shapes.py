"""The shapes of what the admin API answers about what happened, for ``/openapi.json``.

They describe; nothing is put through them when a request is answered. A test asks a real server everything and holds
its answers against them. Members may be added to an answer; none of these goes away.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hooks.events import AttemptVerdict, RunState, StepState, Verdict
from hooks.ports import ChangeOutcome, EventState

Instant = str
"""UTC, ``2026-05-04T14:00:00Z``; the fraction of a second has up to six digits."""


class Shape(BaseModel):
    """Not built before somebody asks for ``/openapi.json``."""

    model_config = ConfigDict(defer_build=True)


class Problem(Shape):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = Field(None, description="What to do about it.")
    parameter: str | None = Field(None, description="Which parameter or member of the body it is about.")


# --- events ---


class RunListed(Shape):
    """A run in a list of events."""

    id: str
    rule: str
    state: RunState


class _Event(Shape):
    specversion: Literal["1.0"]
    id: str
    type: str | None = Field(description="Ours: job.completed. Null while the event is pending.")
    source: str
    vendor: str
    vendor_type: str | None = Field(description="The vendor's own word for it.")
    subject: str | None
    time: Instant
    received_at: Instant
    receipt: str
    data: Any


class EventListed(_Event):
    """One event as lists have it."""

    state: EventState
    runs: list[RunListed]


class EventShown(_Event):
    """One event with its runs in full. A token that may only read gets no `raw`."""

    raw: Any = Field(None, description="The vendor's whole parsed body.")
    state: EventState
    runs: list[RunShown]


class CloudEvent(Shape):
    """The event as CloudEvents 1.0 has it."""

    specversion: Literal["1.0"]
    id: str
    type: str
    source: str
    subject: str = ""
    time: Instant
    vendor: str
    vendortype: str
    receivedat: Instant
    receipt: str
    datacontenttype: Literal["application/json"]
    data: Any


# --- runs ---


class Exchange(Shape):
    """One request on the wire, and its answer."""

    method: str
    url: str
    status: int | None = None
    request: Any = None
    answer: Any = None
    error: str | None = None
    duration_ms: int | None = None


class AttemptShown(Shape):
    """One try at a step."""

    id: str
    number: int
    started_at: Instant
    duration_ms: int
    verdict: AttemptVerdict
    status: int | None
    error: str | None
    exchanges: list[Exchange]


class RequestShown(Shape):
    """A request as it was frozen before it was sent first."""

    method: str
    url: str
    body: Any


class StepShown(Shape):
    """One action of a run."""

    id: str
    position: int
    action: str
    connection: str
    state: StepState
    request: RequestShown | None
    output: Any
    error: str | None
    attempts: list[AttemptShown]


class RunAbout(Shape):
    """What the event of a run is about."""

    type: str
    subject: str | None
    display_name: str | None = Field(description="The name of whoever the event is about.")


class Run(Shape):
    """One rule carried out for one event."""

    id: str
    event: str
    rule: str
    rules_version: str
    replay_of: str | None
    state: RunState
    reason: str | None
    created_at: Instant
    due_at: Instant
    finished_at: Instant | None
    attempts: int
    about: RunAbout | None = Field(None, description="Null once the event has gone, and in an event's own runs.")


class RunShown(Run):
    """A run with its steps and every try."""

    steps: list[StepShown]


class CaseStep(Shape):
    """A step of a case: as the run has it, with invented people."""

    id: str
    action: str
    connection: str
    state: StepState
    error: str | None
    request: RequestShown | None
    attempts: list[AttemptShown]


class Case(Shape):
    """A run for a vendor's support, with invented people."""

    made_at: Instant
    made_by: str
    masked: str
    run: dict[str, Any]
    event: dict[str, Any] | None
    steps: list[CaseStep]


# --- receipts ---


class ReceiptListed(Shape):
    """What arrived, without its body."""

    id: str
    source: str
    vendor: str
    received_at: Instant
    verdict: Verdict
    reason: str | None
    duplicate_of: str | None
    events: list[str]
    path: str
    query: list[list[str]] = Field(description="Pairs of name and value.")
    headers: dict[str, str]
    size: int


class ReceiptShown(ReceiptListed):
    """What arrived. A token that may only read gets no `body`."""

    body: str | dict[str, str] | None = Field(None, description="Text where it is UTF-8, else its base64.")


# --- figures ---


class Stats(Shape):
    """Counts of what is stored, and how the server stands."""

    receipts: dict[Verdict, int]
    events: dict[str, int]
    runs: dict[RunState, int]
    given_up: int = Field(description="Of the failed runs those that a person has given up: they need nobody.")
    books_balance: bool


class Traffic(Shape):
    """How often something happened in one minute: ``receipt.<verdict>`` by source, ``run.<state>`` by connection."""

    minute: Instant
    kind: str
    name: str
    number: int


class HealthFinding(Shape):
    """Something that is not as it should be, and what to do about it."""

    level: Literal["yellow", "red"]
    what: str
    mend: str


class Health(Shape):
    """How the server is."""

    status: Literal["green", "yellow", "red"]
    ready: bool
    findings: list[HealthFinding]


class ChangeListed(Shape):
    """A change that somebody had the server make."""

    id: str
    at: Instant
    who: str | None
    via: str
    what: str
    target: str | None
    before: str | None
    after: str | None
    outcome: ChangeOutcome
