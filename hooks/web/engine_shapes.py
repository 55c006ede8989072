"""The shapes of what the admin API answers about rules, connections, people and upkeep; as `hooks.web.shapes`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from hooks.pipeline.breaker import BreakerState
from hooks.pipeline.probing import Result
from hooks.ports import ReplayMode, RunsAct
from hooks.web.shapes import EventShown, Instant, ReceiptShown, Shape

# --- rules ---


class FindingShown(Shape):
    """A mistake in a rules file, or a warning, at its place."""

    file: str
    line: int
    column: int
    length: int
    severity: Literal["error", "warning"]
    message: str
    hint: str | None
    rule: str | None


class RuleShown(Shape):
    """A loaded rule."""

    id: str
    description: str | None
    event: list[str]
    source: list[str]
    enabled: bool
    mode: Literal["live", "shadow"]
    when: list[str]
    steps: list[dict[str, str]]
    file: str
    line: int
    version: str


class RulesFile(Shape):
    """The rules file, and what of it is in force."""

    path: str
    ok: bool
    findings: list[FindingShown]
    number: int | None
    version: str | None
    rules: int
    loaded_at: Instant | None


class RulesListed(Shape):
    """The loaded rules, in the order of the file."""

    items: list[RuleShown]
    next: str | None
    file: RulesFile


class Checked(Shape):
    """What there is to say of a rules file. `ok` is false when it cannot be in force."""

    ok: bool
    findings: list[FindingShown]


class Reloaded(Checked):
    """A rules file that was loaded again."""

    version: str
    rules: int


class Published(Reloaded):
    """Rules that are in force now."""

    number: int
    set_aside: list[str]


class Version(Shape):
    """Rules that were in force."""

    number: int
    version: str
    loaded_at: Instant
    author: str
    origin: str
    note: str


class VersionShown(Version):
    """With its texts, and how they differ from those of another version."""

    files: dict[str, str]
    against: int
    diff: str


class BacktestShown(Checked):
    """Which requests would be other ones."""

    findings: list[FindingShown] = Field([])
    summary: dict[Literal["same", "added", "removed", "changed"], int]
    events: list[dict[str, Any]]
    answers: dict[Literal["recorded", "placeholders"], int] = Field(
        {}, description="Answers of earlier steps: recorded ones, and placeholders for those that nobody knows."
    )
    moved: dict[str, dict[Literal["runs", "seconds"], float]] = Field(
        {}, description="By rule: runs that send the same at another time, and by how many seconds at most."
    )
    open: dict[str, int] = Field(
        {}, description="By rule: runs of which it is not known yet whether they act: their time is not over."
    )
    untimed: dict[str, list[str]] = Field({}, description="By rule: keys whose effect stored events do not tell.")
    looked_at: int
    of: int
    complete: bool


class ShadowReport(Shape):
    """What rules in shadow would have done."""

    rules: list[dict[str, Any]]
    truncated: bool


class ExplainedRule(Shape):
    """One rule and an event."""

    id: str
    matched: bool
    clauses: list[dict[str, Any]]
    requests: list[dict[str, Any]]


class Explained(Shape):
    """Why rules match an event or not, and what they would send."""

    event: dict[str, Any]
    rules: list[ExplainedRule]


class DraftExplained(Shape):
    """The same, by rules that are not in force."""

    ok: bool
    explained: Explained


class RulesTexts(Shape):
    """The texts of the rules in force, by file, the main one first."""

    files: dict[str, str]


class RulesSchema(Shape):
    """The JSON Schema of a rules file."""

    type: Literal["object"]
    properties: dict[str, Any]


# --- the engine's parts ---


class SourceShown(Shape):
    """A configured source."""

    name: str
    vendor: str
    path: str
    paths: list[str]
    type: str | None
    max_bytes: int
    duplicate_window: str
    last_received_at: Instant | None = Field(description="When its sender gave the last sign of life.")
    quiet_after: str | None
    quiet_within: str | None
    quiet: bool | None = Field(
        description="Whether that is longer ago than quiet_after; null where that is not watched."
    )


class ConnectionShown(Shape):
    """A configured connection, and how it stands."""

    name: str
    vendor: str
    base_url: str
    paused: bool
    paused_at: Instant | None
    pause_reason: str | None
    breaker: BreakerState
    breaker_reason: str | None
    next_try_in: float
    refused: bool
    in_flight: int
    concurrency: int
    rate: float | None


class Probe(Shape):
    """How a connection answered a harmless question."""

    connection: str
    vendor: str
    base_url: str
    result: Result
    asked: str | None
    status: int | None
    duration_ms: int
    problem: str | None
    mend: str | None


class SubscriberShown(Shape):
    """Somebody outside who is told of events."""

    id: str
    source: str
    event: str
    host: str
    created_at: Instant
    expires_at: Instant | None


class SubscriberEnded(Shape):
    """He is told nothing more."""

    id: str
    ended: bool


class VendorShown(Shape):
    """A vendor with its actions and the events it sends."""

    vendor: str
    title: str
    receives: bool
    actions: list[dict[str, Any]]
    events: list[Any]


# --- what goes out ---


class ReplayTold(Shape):
    """What a replay does, or with `dry_run` would do."""

    mode: ReplayMode
    dry_run: bool
    events: int = Field(description="How many events were looked at.")
    make: int
    retry: int
    nothing: int
    made: int
    read: int = Field(description="How many of them could not be read before, and can be now.")
    items: list[dict[str, Any]]
    forecast: list[dict[str, Any]]
    next: str | None = Field(description="Go on after this event; null when all were looked at.")


class RunsTold(Shape):
    """What was done with many runs, or with `dry_run` would be."""

    act: RunsAct
    dry_run: bool
    runs: int = Field(description="How many were chosen.")
    done: int
    refused: int
    items: list[dict[str, Any]] = Field(description="Each with its state before, and why nothing was done.")
    next: str | None = Field(description="Go on after this run; null when there are no more.")


class Reconciled(Shape):
    """What the vendors have of steps whose outcome is unknown."""

    items: list[dict[str, Any]]
    found: int
    mended: int


# --- people and upkeep ---


class PersonListed(Shape):
    """A person who is known. For a token that may only read, numbers and addresses are masked."""

    id: str
    name: str | None
    company: str | None
    phones: list[str]
    emails: list[str]
    records: list[Any]
    created_at: Instant
    updated_at: Instant


class PersonShown(PersonListed):
    """All that is known of a person."""

    places: list[str]
    review: list[Any]
    merged: list[Any]
    events: list[dict[str, Any]]


class PersonExported(Shape):
    """All that is stored of a person."""

    person: PersonShown
    events: list[EventShown]
    receipts: list[ReceiptShown]


class Doubt(Shape):
    """Two who may be one."""

    one: PersonListed
    other: PersonListed
    confidence: float
    why: str
    origin: str
    noticed_at: Instant


class TwoPeople(Shape):
    """Two who are two."""

    person: PersonListed
    other: PersonListed


class PersonForgotten(Shape):
    """Who was forgotten, and how much of it was emptied and deleted."""

    person: str
    events: int
    receipts: int
    runs: int
    texts: int
    keys: int
    records: int


class Pruned(Shape):
    """How much was deleted, or with `dry_run` would be, and where to go on."""

    events: int
    runs: int
    receipts: int
    keys: int
    kept: int
    next: str | None


class BackupMade(Shape):
    """A copy of the database."""

    file: str
    at: Instant
    bytes: int
