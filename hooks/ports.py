"""The shapes that the engine knows and the parts have: read this first.

The engine knows ``Source``, ``Action``, ``Store`` and ``Clock``, and no vendor. A vendor knows these shapes, and no
engine. Whoever adds a vendor implements `Source` (how its webhooks are checked and read) and `Client` with
`Action` rows (what can be done there), and names them in one `Vendor`. All shapes are in one module, so that there is
one page to read before anything else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from hooks.addresses import refusal
from hooks.errors import VerificationError
from hooks.events import (
    Answer,
    AttemptVerdict,
    Done,
    Event,
    Exchange,
    Receipt,
    Request,
    RunState,
    StepState,
    Verdict,
)
from hooks.people import KeptAt, Sighting
from hooks.values import Duration

OnUnknown = Literal["repeat", "lookup", "hold"]
"""How an unknown outcome is resolved: send the same again, ask the vendor first, or wait for a person."""


class Clock(Protocol):
    """Time, so that tests and simulations can give their own."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None: ...


# --- inbound ---


@dataclass(frozen=True, slots=True)
class Inbound:
    """One HTTP request at a source, as it came: what `Source` methods get.

    ``path`` is what follows ``/in/{source}`` ("" or "/api/zapier/createlead"). ``query`` is the raw query string.
    ``headers`` are the raw pairs, names in lower case, in the order they came.
    """

    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    received_at: datetime

    def header(self, name: bytes) -> bytes | None:
        """The one value of a header, surrounding blanks removed, or None.

        Raises VerificationError (``repeated``) when it came more than once: two parsers could pick two different ones.
        """
        found: bytes | None = None
        for key, value in self.headers:
            if key == name:
                if found is not None:
                    raise VerificationError("repeated")
                found = value.strip()
        return found

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters, "" when none was sent."""
        for key, value in self.headers:
            if key == b"content-type":
                return value.split(b";", 1)[0].strip().lower().decode("latin-1")
        return ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source found in an authentic body, before it is normalized.

    ``events``: how many events it holds (0 is not allowed: raise NormalizationError). ``key``: the sender's own id of
    this delivery where there is one, else None (the bytes of the body decide what is a duplicate).
    ``masked``: the body to store instead, when the original holds the shared key.
    """

    events: int = 1
    key: str | None = None
    masked: bytes | None = None


OutcomeKind = Literal["accepted", "duplicate", "ping", "probe", "asked", "refused", "unreadable", "unavailable"]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer to a sender. ``body`` is JSON values, or None for an empty body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How receiving ended, for a source that answers in its vendor's own words (`Source.answer`).

    ``reply`` is the answer itself where the request asked for our events (`Hooks`).
    """

    kind: OutcomeKind
    receipt: Receipt | None = None
    reason: str | None = None
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a source makes of one object of a body: an event before it has ids.

    ``type`` is ours (``appointment.scheduled``), ``vendor_type`` the vendor's word (``job.appointment.scheduled``).
    ``data`` is the canonical object as JSON values with nulls left out, or the parsed body where there is no mapping,
    and then ``flag`` may say why. ``time`` is None when the sender gave none.
    """

    type: str
    vendor_type: str
    data: Any
    raw: Any
    subject: str | None = None
    time: datetime | None = None
    flag: str | None = None


class Normalizer(Protocol):
    """What makes events of receipts. Synchronous, pure, no I/O."""

    def normalize(self, receipt: Receipt) -> list[Draft]:
        """The receipt's events: exactly ``receipt.events`` of them, the same every time it is called.

        A body that is readable but cannot be mapped gives a draft of the vendor's type with ``flag`` set; unknown
        kinds pass through with the vendor's own name as ``type``.
        """
        ...


class Source(Normalizer, Protocol):
    """A configured inbound end. Synchronous, pure, no I/O; one instance serves all its requests."""

    @property
    def paths(self) -> Mapping[str, frozenset[str]]:
        """Paths below ``/in/{source}`` and the methods each takes, such as ``{"": {"POST"}}``.

        GET and HEAD on "" are answered by the engine (vendors probe an address before they save it).
        """
        ...

    @property
    def media_types(self) -> frozenset[str]:
        """Content types this source reads; a request with another one is answered 415. "" allows a missing one."""
        ...

    @property
    def kept_headers(self) -> frozenset[bytes]:
        """Headers worth storing beside content-type and user-agent: the vendor's id headers, never credentials."""
        ...

    def is_ping(self, request: Inbound) -> bool:
        """Whether this is the vendor's test of the address, which is answered 200 and makes no event."""
        ...

    def verify(self, request: Inbound) -> None:
        """Return if the request is authentic, else raise VerificationError, and nothing else, on any bytes at all."""
        ...

    def read(self, request: Inbound) -> Reading:
        """Parse the body just far enough to count its events. Raises NormalizationError when it is not readable."""
        ...

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        """The vendor's own form of answer where it expects one (JobCloser's envelope), None for the usual one."""
        ...


# --- outbound ---


@dataclass(frozen=True, slots=True)
class Call:
    """One action to carry out: validated inputs and what makes the call recognisable when it is made again.

    ``key`` is the idempotency key, the same over all tries of the step. ``request`` is the request frozen at the
    intent (None for actions that make several). ``again`` is true when an earlier try has an unknown outcome.
    ``known`` are ids of records that this person has in this connection, by kind (``customer``): told by the identity
    map, so a record may be gone since.
    """

    inputs: Mapping[str, Any]
    key: str
    timeout: float
    request: Request | None = None
    again: bool = False
    known: Mapping[str, str] = field(default_factory=dict)


class Client(Protocol):
    """A connected account of a vendor: its address, credentials, envelope and error shapes. One per connection."""

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """Add credentials, send, and give the answer without its envelope. ``timeout`` is the whole deadline, seconds.

        Raises Transient, Permanent or Unconfigured (`hooks.errors`), and nothing else.
        """
        ...

    def url(self, request: Request) -> str:
        """The full address of a request without credentials, for people."""
        ...

    async def aclose(self) -> None: ...


class Action(Protocol):
    """One outbound operation. Its instances are stateless rows; accounts are given as `Client`."""

    @property
    def name(self) -> str:
        """Without the vendor: ``create_customer``."""
        ...

    @property
    def aliases(self) -> tuple[str, ...]: ...

    @property
    def operation(self) -> str:
        """The operation's name in the vendor's document: ``createCustomer``."""
        ...

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def inputs(self) -> type[BaseModel]:
        """The model that ``with:`` is checked against: unknown keys are refused, every field is described."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether sending the same again does no harm (reads, full updates, deletes)."""
        ...

    @property
    def on_unknown(self) -> OnUnknown: ...

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        """The request that these inputs make at a connection with these settings. Pure.

        For an action that makes several calls: the one that changes something, as if nothing had been found before.
        Raises Permanent with the field's name when a value cannot be put into a request.
        """
        ...

    async def send(self, client: Any, call: Call) -> Done:
        """Carry it out. Raises Transient, Permanent or Unconfigured."""
        ...

    async def lookup(self, client: Any, call: Call) -> Done | None:
        """What an earlier try of this call made at the vendor, or None. Called when ``on_unknown`` is ``lookup``.

        Raises Undecided when these inputs give nothing to search by: the run is then held.
        """
        ...


# --- subscribers: who outside is told of our events ---


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody outside who is told of events: a Zap. ``event`` is a type, in which ``*`` stands for anything.

    ``url`` is where it is told. Whoever knows it can post there, so it is shown to nobody.
    """

    id: str
    source: str
    event: str
    url: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What an authentic request wants of our events.

    ``subscribe`` wants to be told of ``event`` at ``url``, ``unsubscribe`` that ``id`` is told no more, ``types`` a
    list of what there is, ``samples`` made-up events of the type ``event``.
    """

    verb: Literal["subscribe", "unsubscribe", "types", "samples"]
    event: str = ""
    url: str = field(default="", repr=False)
    id: str = ""


class SubscriberClient(Protocol):
    """What a `Hooks` is handed to tell subscribers by."""

    async def find(self, id: str) -> Subscriber | None:
        """The subscriber, None when it is told no more."""
        ...

    async def gone(self, id: str) -> None:
        """The subscriber's own side says that it is no more."""
        ...


class Hooks(Protocol):
    """How senders at one source subscribe to our events, and how they are told. Reading and answering are pure.

    An event is told by a run of ``action`` whose inputs are ``subscriber`` (an id) and ``event``: like any other run
    it is recorded, retried and explained.
    """

    @property
    def events(self) -> Sequence[str]:
        """Types that are open to subscribers; ``*`` stands for anything."""
        ...

    @property
    def sources(self) -> Sequence[str] | None:
        """Sources whose events are open; None: all but this one, so that nobody is told of what he sent himself."""
        ...

    @property
    def limit(self) -> int:
        """How many subscribers there may be."""
        ...

    @property
    def lifetime(self) -> float | None:
        """Seconds after which a subscriber has to come again, None when it need not."""
        ...

    @property
    def action(self) -> Action: ...

    @property
    def settings(self) -> ConnectionSettings:
        """Of the built-in connection that subscribers are told by."""
        ...

    def methods(self, path: str) -> frozenset[str] | None:
        """What a path below the source's address takes; None when it is none of these."""
        ...

    def read(self, request: Inbound) -> Asked:
        """Raises NormalizationError with a reason that the sender may hear."""
        ...

    def answer(self, asked: Asked, found: Any) -> Reply:
        """``found``: the Subscriber or None (there are too many), whether there was one to forget, or a list of events
        or of ``{type, summary}``."""
        ...

    def connect(self, subscribers: SubscriberClient) -> Client: ...


class ConnectionStates(Protocol):
    """What servers that share a store tell each other of the connections."""

    @property
    def alone(self) -> bool:
        """Whether no other server can use this store."""
        ...

    async def connection_states(self) -> tuple[Mapping[str, Opened], Mapping[str, int]]:
        """By connection: which are left alone, and how many runs all servers carry out."""
        ...

    async def pauses(self) -> Mapping[str, Pause]:
        """What was said of each connection last."""
        ...

    async def open_breaker(self, found: Opened) -> None:
        """Keep that a connection is left alone; of two times the later one counts."""
        ...

    async def take_try(self, connection: str, now: datetime, until: datetime) -> bool:
        """Whether the caller, and nobody else, may try a connection until then: not before its time."""
        ...

    async def close_breaker(self, connection: str) -> None:
        """The connection works."""
        ...


class SubscriberStore(Protocol):
    """Where subscribers are kept. Each verb is one transaction; what it returned is on disk. Raises StoreError."""

    async def subscribe(self, wanted: Subscriber, limit: int) -> Subscriber | None:
        """Keep a subscriber, and give it. The same address for the same event is one: then the earlier one is given,
        with the new expiry. None when the source has ``limit`` of them."""
        ...

    async def unsubscribe(self, id: str, source: str | None = None) -> bool:
        """Forget a subscriber (of this source); False when there is none."""
        ...

    async def forget_expired(self, before: datetime) -> int:
        """Forget those that expired before; gives how many."""
        ...

    async def subscribers(self) -> list[Subscriber]:
        """All of them, oldest first."""
        ...


# --- events of our own ---


class Emitter(Protocol):
    """What the client of a built-in vendor is handed to put events in by."""

    async def emit(self, body: bytes, key: str) -> str:
        """Record a receipt with this body and give its id, or that of the one that was recorded with this key before.

        On disk when it returns. Raises Transient when the store cannot take it now.
        """
        ...


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """The one source and the one connection of a vendor that is this program itself.

    Both are called by the vendor's name and stand in no rules file. ``source`` makes events of what the client has the
    `Emitter` record. The input ``type`` of an action is the type of the event that it puts in.
    """

    source: Normalizer
    settings: ConnectionSettings
    connect: Callable[[Emitter], Client]


# --- the engine's store ---


@dataclass(frozen=True, slots=True)
class Timing:
    """What decides when a run may begin besides its ``due_at``; each part None where the rule does not ask for it.

    Keys are digests of the rule and of the value of its ``by``. ``gate`` is that of ``throttle``, with its limit in
    front: ``60/60000/<digest>`` lets 60 runs begin in 60,000 ms; ``over`` says what becomes of the others. ``burst``:
    runs of this key become one, which begins at ``settles_by`` at the latest; ``keep`` says which of them stands for
    all. ``lane``: one after the other in order of acceptance; with ``on_stuck`` ``skip`` the next one follows a run
    that has failed or waits for a person, with ``wait`` it does not. ``expects``: the run is skipped when an event that
    meets this key has been accepted by the ``deadline``.
    """

    gate: str | None = None
    over: Literal["queue", "skip"] = "queue"
    burst: str | None = None
    keep: Literal["last", "first"] = "last"
    settles_by: datetime | None = None
    lane: str | None = None
    on_stuck: Literal["skip", "wait"] = "skip"
    expects: str | None = None
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run to be made for an event. ``connection`` is the account its first step acts in.

    ``once``: the digest of the rule's ``once_per`` key and its window in seconds. When another run of the rule has
    taken the key, this one is stored as skipped, with that run named in its reason, and without ``steps``: what a
    rule in shadow would have done. ``replay``: it is made once more.
    """

    id: str
    rule: str
    connection: str
    due_at: datetime
    state: RunState = "waiting"
    reason: str | None = None
    once: tuple[bytes, float] | None = None
    steps: tuple[Step, ...] = ()
    timing: Timing = Timing()
    replay: Repeated | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """That a run was made by a replay, and when. ``of`` is the run that it repeats; ``force``: it acts again."""

    at: datetime
    of: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """An event and what the rules make of it: stored in one transaction, with its receipt no longer pending.

    ``meets`` are keys of `Timing.expects`: runs that wait to see whether such an event comes. ``cause`` is the run that
    has emitted the event, and how many events caused one another up to it.
    """

    event: Event
    runs: tuple[PlannedRun, ...] = ()
    meets: tuple[str, ...] = ()
    cause: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a run. ``inputs`` and ``request`` are frozen at the first intent and never rendered again."""

    position: int
    id: str
    action: str
    connection: str
    state: StepState
    inputs: Mapping[str, Any] | None = None
    request: Request | None = None
    url: str | None = None
    output: Any = None
    error: str | None = None
    tries: int = 0
    intended_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a step: what left, what came back, how long it took and what that means."""

    id: str
    position: int
    number: int
    started_at: datetime
    duration_ms: int
    verdict: AttemptVerdict
    status: int | None = None
    error: str | None = None
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrote:
    """A record that was written at a vendor: names of fields and digests of their values."""

    vendor: str
    record: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Echo:
    """A write that is remembered: who wrote what. ``chain`` has rule and event's vendor of the run that wrote, then of
    the run that caused its event, and so on; ``depth`` is that of its event."""

    run: str
    fields: Mapping[str, str]
    depth: int
    chain: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run whose lease is ours until ``lease_until``, with its event and the steps it has so far.

    ``size`` is how many characters of JSON its event is: what carrying it out keeps in memory, several times over.
    ``generation`` is that of its idempotency keys. ``earlier`` is what runs with the same keys did before, by step id:
    only for a replay that is not to act again. ``depth`` is how many events were caused one by another up to its own.
    While it has not begun: ``echoes`` are our own late writes to the record that its event is about, and ``fired`` how
    often its rule has fired for that record lately, 0 where we have not written to it.
    """

    id: str
    rule: str
    rules_version: str
    generation: int
    fence: int
    attempts: int
    event: Event
    steps: tuple[Step, ...] = ()
    size: int = 0
    earlier: Mapping[str, Step] | None = None
    depth: int = 0
    echoes: tuple[Echo, ...] = ()
    fired: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """What changes in a claimed run, written in one transaction if the lease is still ours.

    ``state`` None keeps it running. A run that goes back to ``waiting`` says when (``due_at``) and where
    (``connection``) it goes on, and ``again`` that it is tried again: live runs then go before it. One that is held
    with a ``due_at`` waits for its connection, one without for a person. ``at`` is when the change happened.
    ``wrote`` is what has been written at vendors, ``cause`` the run that caused the event, where that has been found
    out, and how deep in the chain of causes the event is.
    ``sightings`` is what the results say of people; ``leaves`` gives back the lanes that the run took with
    `People.meet`. ``repeated``: it has been asked before, and nobody knows whether it was written then.
    """

    run: str
    fence: int
    at: datetime
    state: RunState | None = None
    reason: str | None = None
    due_at: datetime | None = None
    connection: str | None = None
    steps: tuple[Step, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    again: bool = False
    wrote: tuple[Wrote, ...] = ()
    cause: tuple[str, int] | None = None
    sightings: tuple[Sighting, ...] = ()
    leaves: bool = False
    repeated: bool = False


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


ReplayMode = Literal["missing-only", "same-version", "current-version", "force"]
"""``missing-only``: what the rules in force would do and nobody has done; failed runs go on. ``same-version``: once
more by the rules each run began with. ``current-version``: once more by the rules in force. What an earlier run made is
found and not made again; ``force`` acts again."""

ReplayState = Literal["matched", "unmatched", "failed", "held", "done", "skipped"]
"""Of events: with or without a match, or with a run in this state."""


@dataclass(frozen=True, slots=True)
class ReplaySelection:
    """Which events to replay: what is None does not narrow, times as in `EventFilter`. ``rule`` narrows the runs."""

    events: tuple[str, ...] | None = None
    source: str | None = None
    type: str | None = None
    state: ReplayState | None = None
    rule: str | None = None
    since: datetime | None = None
    until: datetime | None = None


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
    """An event that is to be replayed, with its runs, oldest first."""

    event: Event
    runs: tuple[PastRun, ...]


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


class Store(Protocol):
    """The engine's verbs. Each is one transaction; what it returned is on disk. Raises StoreError when it cannot."""

    async def doubt(self, limit: int) -> Mapping[str, int]:
        """At a start: receipts that may have been read when the program ended, with how many crashes they have seen."""
        ...

    async def count_crash(self, receipt: str) -> None:
        """Count a crash for a receipt before it is read."""
        ...

    async def pending(self, owner: str, limit: int, now: datetime) -> list[Receipt]:
        """Accepted receipts whose events have not been made yet, oldest first.

        Where several servers share the store, no other owner is given them for a while.
        """
        ...

    async def plan(self, receipts: Sequence[str], plans: Sequence[Plan], rules_version: str) -> int:
        """Store the receipts' events and runs; gives how many runs wait. A receipt planned before changes nothing."""
        ...

    async def claim(
        self, owner: str, slots: Mapping[str, int], now: datetime, lease: float
    ) -> list[tuple[Claimed, str]]:
        """Take due runs, at most ``slots[connection]`` of each connection, for ``lease`` seconds.

        Live runs come before those that are tried again, those before replays, and of each the oldest due first. Each
        comes with the connection in whose queue it waited. Large events are taken a few at a time.
        """
        ...

    async def progress(self, change: Progress) -> None:
        """Write a change. Raises LeaseLost when another owner has claimed the run since."""
        ...

    async def renew(self, owner: str, runs: Sequence[str], now: datetime, lease: float) -> None:
        """Prolong the leases of these runs, where they are the owner's."""
        ...

    async def recover(self, owner: str, now: datetime) -> int:
        """Give back runs whose lease has run out or whose owner can no longer exist; gives how many.

        One that was in progress in three such crashes one after the other is set aside as failed.
        """
        ...

    async def leave(self, owner: str, now: datetime, keep: Sequence[str] = ()) -> int:
        """Give back what an owner has not ended and does not do any more, but for ``keep``: no crash of anything's."""
        ...

    async def next_due(self, connections: Sequence[str]) -> datetime | None:
        """When the next waiting run of these connections is due, None when there is none."""
        ...

    async def hold(self, runs: Mapping[str, str]) -> int:
        """Hold the waiting runs of these connections (name -> reason), and give how many."""
        ...

    async def release(
        self, connections: Sequence[str], reasons: Sequence[str], now: datetime, every: Mapping[str, float] = ...
    ) -> int:
        """Let runs of these connections that were held for one of these reasons wait again, oldest first.

        ``every`` has seconds between two of them, by connection.
        """
        ...

    async def take_turns(self, connection: str, number: int, spacing: float, now: datetime) -> datetime:
        """Take the next ``number`` turns of a connection, ``spacing`` seconds apart, and give the first one's time.

        No other server is given them, and none lies in the past.
        """
        ...

    async def set_pause(self, pause: Pause) -> None:
        """Keep what a person has said of a connection."""
        ...

    async def pauses(self) -> Mapping[str, Pause]:
        """What was said of each connection last."""
        ...

    async def absent_connections(self, known: Sequence[str]) -> list[str]:
        """Connections that waiting runs need and that are not among the known ones."""
        ...

    async def retry(self, run: str, now: datetime) -> bool:
        """Let a failed or held run go on from its first unfinished step; False when it is in neither state."""
        ...

    async def resolve(self, run: str, resolution: Resolution, now: datetime) -> bool:
        """Settle the unknown outcome of a held or failed run; False when it has none."""
        ...

    async def unknown_steps(self, connection: str | None, limit: int) -> list[UnknownStep]:
        """Steps of held and failed runs whose outcome is unknown, oldest first."""
        ...

    async def chosen(self, selection: ReplaySelection, after: str | None, limit: int) -> list[Chosen]:
        """Events of a selection with their runs, oldest first, from the one after the event ``after``."""
        ...

    async def replay(self, replays: Sequence[Replay], now: datetime) -> int:
        """Make runs once more; gives how many. What has been made meanwhile is not made a second time."""
        ...

    async def cancel(self, run: str, reason: str, now: datetime) -> bool:
        """End a waiting or held run as failed, or let those go on that wait behind a failed one; False otherwise."""
        ...

    async def keep_rules(self, version: str, files: Mapping[str, str], now: datetime, edit: Edit = ...) -> int:
        """Keep the texts of a rule set, so that runs begun with it end with it.

        Gives its number in the history of what was in force: a new one when the rule set before was another.
        """
        ...

    async def rules(self, version: str) -> Mapping[str, str] | None:
        """The texts of a rule set kept earlier."""
        ...

    @property
    def alone(self) -> bool:
        """Whether no other server can use this store."""
        ...

    async def latest_version(self) -> tuple[int, str] | None:
        """Number and version of the rule set that came into force last."""
        ...

    async def latest_rules(self) -> tuple[str, Mapping[str, str]] | None:
        """The rule set that was loaded last, with its version."""
        ...


class Mention(NamedTuple):
    """An event that is about somebody and has not been looked at yet."""

    event: str
    type: str
    source: str
    vendor: str
    received_at: datetime
    data: Any


class People(Protocol):
    """The engine's part of the identity map. Each verb is one transaction; raises StoreError when it cannot."""

    async def mentions(self, limit: int) -> list[Mention]:
        """Events that wait to be looked at, oldest first."""
        ...

    async def sight(self, events: Sequence[str], sightings: Sequence[Sighting]) -> None:
        """Learn what these events say of people, once: an event that was looked at before changes nothing."""
        ...

    async def meet(
        self, seen: Sighting, kept_at: KeptAt, run: str, until: datetime
    ) -> tuple[str | None, Mapping[str, str]]:
        """Before a run finds or makes a person's record at an account: the run that is at it already, or None; and the
        person's newest records there, by kind.

        The run has the lane then: others for the same person wait until it leaves (`Progress`), or ``until``.
        """
        ...


# --- stores ---


class Intake(Protocol):
    """Where receipts go: the one call of the store that stands between a request and its answer."""

    def record(self, receipt: Receipt, key: bytes | None, window: float) -> Awaitable[str | None]:
        """Commit the receipt, synced to the disk, and give None: to await, or to hear of as a future.

        ``key`` is what makes it a duplicate of an earlier one, ``window`` for how many seconds. When the store holds
        an accepted receipt of the same source with this key inside the window, the receipt is stored with the verdict
        ``duplicate``, ``duplicate_of`` and no events, and the earlier one's id is returned. Without a key nothing is
        compared. Requests that wait together share one commit. Raises StoreError when it cannot store now, at once or
        when awaited; then nothing is stored.
        """
        ...


EventState = Literal["pending", "matched", "unmatched"]
"""``pending``: the rules have not been asked yet."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list. What is None does not narrow.

    ``type`` may hold ``*`` for anything, dots included. ``rule`` is the id of a rule that made a run of the event.
    ``q`` is a text of up to 200 characters: whom the event is about (a name, a phone number in any writing, an e-mail
    address, a vendor's id), or text that is found in its id, subject or data, without wildcards. Text is looked for in
    so many events a page, so a page may hold few and still have a next. ``since`` is inclusive, ``until`` exclusive;
    both compare with ``received_at``. ``cursor`` is the id of
    the last item of the page before.
    """

    source: str | None = None
    type: str | None = None
    state: EventState | None = None
    rule: str | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list. What is None does not narrow; ``event`` and ``rule`` are ids; as in `EventFilter`."""

    state: RunState | None = None
    rule: str | None = None
    event: str | None = None
    cursor: str | None = None
    limit: int = 50


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
    attempts, steps}``; a list leaves ``steps`` out. A step is ``{id, position, action, connection, state, request:
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


class StepAnswer(Protocol):
    """What a step of a rule's run was answered."""

    @property
    def rule(self) -> str: ...

    @property
    def step(self) -> str: ...

    @property
    def action(self) -> str: ...

    @property
    def output(self) -> Any: ...


PastEvent = tuple[Event, Sequence[StepAnswer]]
"""A stored event and the answers that its runs' steps got."""


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


# --- the admin's desk ---


class Desk(Protocol):
    """What the admin API can ask of the running engine. All results are ready for JSON."""

    def ready(self) -> bool:
        """Whether this server takes and carries out events now."""
        ...

    def rules(self) -> Sequence[Mapping[str, Any]]:
        """The loaded rules in the order of the file: ``{id, description, event, source, enabled, mode, ...}``."""
        ...

    def sources(self) -> Sequence[Mapping[str, Any]]:
        """``{name, vendor, path, ...}``, without secrets."""
        ...

    def connections(self) -> Sequence[Mapping[str, Any]]:
        """``{name, vendor, base_url, paused, ...}``, without secrets."""
        ...

    def vendors(self) -> Sequence[Mapping[str, Any]]:
        """As ``hooks vendors --json``: ``{vendor, actions: [...], events: [...]}``."""
        ...

    async def reload(self) -> Mapping[str, Any]:
        """Load the rule file again, all or nothing: ``{"ok": bool, "findings": [...], ...}``."""
        ...

    async def check(self, text: str) -> Mapping[str, Any]:
        """What loading this rule file would say: ``{"ok": bool, "findings": [...]}``. Changes nothing."""
        ...

    async def explain(self, event_id: str) -> Mapping[str, Any] | None:
        """Which rules match the event and why, as ``hooks explain --json``; None when there is no such event."""
        ...

    async def retry(self, run_id: str) -> Mapping[str, Any] | None:
        """Try a failed or held run again now: the run, or None when there is none. Raises Conflict."""
        ...

    async def cancel(self, run_id: str) -> Mapping[str, Any] | None:
        """Give a run up that has not ended: the run, or None when there is none. Raises Conflict."""
        ...

    def subscribers(self) -> Sequence[Mapping[str, Any]]:
        """Who outside is told of events: ``{id, source, event, host, created_at, expires_at}``, oldest first."""
        ...

    async def unsubscribe(self, id: str) -> Mapping[str, Any] | None:
        """Tell a subscriber no more: ``{id, ended: true}``, or None when there is none."""
        ...

    async def test_connection(self, name: str) -> Mapping[str, Any] | None:
        """Ask the connection's vendor one harmless question: ``{connection, vendor, base_url, result: ok | failed |
        skipped, asked, status, duration_ms, problem, mend}``, or None when there is no such connection."""
        ...


class Upkeep(Protocol):
    """What keeps a server's database in order, as the admin API asks it. All results are ready for JSON."""

    async def prune(self, older_than: float | None, start: str | None, dry_run: bool) -> Mapping[str, Any]:
        """Delete what ended so many seconds ago (None: what is set), for a second or two, from where ``start`` says.

        ``{"events", "runs", "receipts", "keys", "kept", "next"}``: how many, and where to go on, None at the end.
        Raises Conflict when nothing says how old.
        """
        ...

    def health(self) -> Mapping[str, Any]:
        """``{"status": "green" | "yellow" | "red", "ready", "findings": [{"level", "what", "mend"}], "clock"}``."""
        ...

    async def backup(self) -> Mapping[str, Any]:
        """Copy the database as it is now: ``{"file", "at", "bytes"}``. Raises Conflict, StoreError."""
        ...


class RulesDesk(Protocol):
    """What the admin API can ask about the rules and their history. All results are ready for JSON.

    What changes the rules gives ``{"ok": true, "number", "version", "rules", "findings": warnings, "set_aside": [paths
    of files that were never in force and stood in the way]}``, or ``{"ok": false, "findings": [...]}`` and changes
    nothing; it raises Conflict when other rules are in force than the caller has seen (``expected``).
    """

    def state(self) -> Mapping[str, Any]:
        """The rule file and what of it is in force: ``{path, ok, findings, number, version, rules, loaded_at}``."""
        ...

    def figures(self) -> Mapping[str, int]:
        """For stats and metrics: ``rules_in_force``, ``rules_number`` and ``rules_file_errors``."""
        ...

    async def versions(self, before: int | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """As `RuleRecords.versions`."""
        ...

    async def version(self, number: int, against: int | None) -> Mapping[str, Any] | None:
        """As `RuleRecords.version`, with ``diff``: how its texts differ from ``against``, else the version before."""
        ...

    async def publish(self, text: str, edit: Edit, expected: str | None) -> Mapping[str, Any]:
        """Write this text in the rule file's place and put it in force, all or nothing."""
        ...

    async def rollback(self, number: int, edit: Edit, expected: str | None) -> Mapping[str, Any] | None:
        """Write an earlier version back and put it in force as the newest; None when there is none of this number."""
        ...

    async def backtest(self, text: str, span: Span, rule: str | None) -> Mapping[str, Any]:
        """Take stored events through the rules in force and through this text, and compare; sends nothing.

        ``{"ok": true}`` with the result of ``hooks backtest --json`` and ``looked_at``, ``of`` (how many events there
        are) and ``complete``; or ``{"ok": false, "findings": [...]}``. One at a time: raises Conflict.
        """
        ...

    async def shadow_report(
        self, rule: str | None, against: str | None, since: datetime | None
    ) -> Mapping[str, Any] | None:
        """What rules in shadow would have done: ``{"rules": [{rule, against, summary, open, events}], "truncated"}``.

        Without ``rule`` all that are in shadow now. None when there is no rule in shadow of this name.
        """
        ...


class RulesWriting(Protocol):
    """What an editor of rules asks, beside `RulesDesk`. All results are ready for JSON."""

    def texts(self) -> Mapping[str, str]:
        """The texts in force by file name, the main file first; none while no file is sound."""
        ...

    async def diagram(self) -> str | None:
        """The rules in force as a picture (SVG), None while there are none."""
        ...

    async def sentences(self) -> Sequence[Mapping[str, Any]]:
        """The rules in force in plain sentences: ``{id, sentences, steps, ...}``."""
        ...

    async def schema(self) -> str:
        """The JSON Schema of the file, as text."""
        ...

    async def try_on(self, text: str, event_id: str) -> Mapping[str, Any] | None:
        """`Desk.explain` by the rules of this text: ``{"ok": true, "explained"}`` or ``{"ok": false, "findings"}``."""
        ...


class DeliveryDesk(Protocol):
    """How people steer what goes out. All results are ready for JSON; None means that there is no such thing."""

    async def pause(self, name: str, reason: str | None) -> Mapping[str, Any] | None:
        """Hold all runs of a connection until `resume`, restarts included: the connection."""
        ...

    async def resume(self, name: str, drain_rate: float | None) -> Mapping[str, Any] | None:
        """Let them go on, oldest first, at most ``drain_rate`` a second: the connection. Raises Conflict."""
        ...

    async def resolve(self, run_id: str, outcome: ResolutionOutcome, output: Any) -> Mapping[str, Any] | None:
        """What became of a step whose outcome is unknown: the run. Raises Conflict."""
        ...

    async def replay(
        self, selection: ReplaySelection, mode: ReplayMode, *, dry_run: bool, after: str | None, limit: int
    ) -> Mapping[str, Any]:
        """Carry events out once more, or say what that would do.

        ``{"mode", "dry_run", "events", "make", "retry", "nothing", "made", "items": [{"event", "rule", "action",
        "run", "replay_of", "why"}], "forecast": [{"connection", "requests", "rate", "seconds"}], "next"}``. Raises
        Conflict when no rules are loaded.
        """
        ...

    async def reconcile(self, connection: str | None, *, mend: bool, limit: int) -> Mapping[str, Any]:
        """Ask the vendors about every outcome that is unknown. ``mend`` adopts what is found.

        ``{"items": [{"run", "step", "action", "connection", "state", "found", "mended", "why"}], "found", "mended"}``.
        """
        ...


# --- the list of changes ---


ChangeOutcome = Literal["begun", "done", "refused", "failed"]
"""``begun``: the server ended before it could say how it went. ``refused``: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that somebody had the server do. ``who`` is the name that was given, "" where none was.

    ``via`` is where it was asked: ``console``, ``cli``, ``api``, or ``file`` for an edited rules file. ``what`` names
    it, ``runs.retry``, and ``target`` the run, event, connection or person it was done to. ``before`` and ``after``
    say in a few words how that stood; neither ever holds what a vendor sent.
    """

    id: str
    at: datetime
    who: str
    via: Literal["console", "cli", "api", "file"]
    what: str
    target: str = ""
    before: str | None = None
    after: str | None = None
    outcome: ChangeOutcome = "begun"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which changes to list. What is None does not narrow; as in `EventFilter`."""

    what: str | None = None
    target: str | None = None
    who: str | None = None
    since: datetime | None = None
    cursor: str | None = None
    limit: int = 50


class Audit(Protocol):
    """The list of changes: kept for good, and never changed but by how a change ended."""

    def during(self, change: Change) -> AbstractContextManager[None]:
        """While inside, the first transaction that changes something also keeps this change, as ``begun``."""
        ...

    async def keep(self, change: Change) -> None:
        """Keep a change, or how the one of this id ended."""
        ...

    async def changes(self, filter: AuditFilter) -> Page:
        """``{id, at, who, via, what, target, before, after, outcome}``, newest first."""
        ...


class PeopleDesk(Protocol):
    """What people may ask of the identity map and tell it. All results are ready for JSON, instants as UTC text.

    A person is ``{id, name, company, phones, emails, records, created_at, updated_at}``, a record ``{vendor, source or
    connection, kind, id, confidence, why, origin}``; in full also ``places``, ``review``, ``merged`` (ids that lead
    here) and ``events``, the latest ones. None is given for an id that nobody has.
    """

    async def find(self, q: str | None, cursor: str | None, limit: int) -> Page:
        """People by name, phone in any writing, e-mail, a vendor's id of a record or their own id, newest first."""
        ...

    async def show(self, person: str) -> Mapping[str, Any] | None: ...

    async def review(self, cursor: str | None, limit: int) -> Page:
        """Pairs that may be one person: ``{one, other, confidence, why, origin, noticed_at}``."""
        ...

    async def export(self, person: str) -> Mapping[str, Any] | None:
        """All that is stored of somebody: ``{person, events, receipts}``, with bodies, runs, steps and attempts."""
        ...

    async def link(self, one: str, other: str) -> Mapping[str, Any] | None:
        """Make one person of two: ``other`` becomes ``one``. Raises Conflict."""
        ...

    async def unlink(self, person: str, record: str) -> Mapping[str, Any] | None:
        """Take a record (``titan/123`` or its id alone) away from a person, to a new one; or say of another person that
        they are two. ``{person, other}``. Raises Conflict."""
        ...

    async def forget(self, person: str) -> Mapping[str, Any] | None:
        """Delete what identifies a person; gives how many rows of which kind. Raises Conflict."""
        ...


# --- configuration and the registry ---


class SourceSettings(BaseModel):
    """The keys that every source takes; a vendor's own settings extend it. Times in seconds."""

    model_config = {"extra": "forbid", "frozen": True, "arbitrary_types_allowed": True}

    type: str | None = None
    respond_status: int = 202
    unavailable_status: Literal[503, 429] = 503
    max_bytes: int = 1024 * 1024
    duplicate_window: Duration = 30 * 86400.0


class ConnectionSettings(BaseModel):
    """The keys that every connection takes; a vendor's own settings extend it. Times in seconds."""

    model_config = {"extra": "forbid", "frozen": True, "arbitrary_types_allowed": True}

    allow_private: bool = Field(False, description="Let the address be on a private network or this machine.")
    ca_file: str | None = Field(
        None, description="A file of certificates in PEM: the only authorities that are believed."
    )
    base_url: str
    rate: float | None = None
    concurrency: int = 8
    timeout: Duration = 30.0
    paused: bool = False
    lookup_wait: Duration = 10.0

    @field_validator("base_url", "auth_url", check_fields=False)
    @classmethod
    def _may_be_called(cls, url: str, info: ValidationInfo) -> str:
        if told := refusal(url, private=bool(info.data.get("allow_private"))):
            raise ValueError(told)
        return url


@dataclass(frozen=True, slots=True)
class EventKind:
    """An event type that a vendor's source is known to send: ``model`` is the canonical model of its ``data``."""

    name: str
    vendor_type: str
    model: type[BaseModel] | None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that proves a connection's address and credentials and changes nothing: a row of ``actions``.

    ``given`` names inputs that are keys of the connection; while one of them is not set, there is nothing to ask.
    """

    action: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """What an action has to do with a person's record: for the identity map.

    ``customer`` gives the canonical customer in the action's inputs, ``id`` names the record's id in its output.
    ``searches``: it looks whether there is one before it makes one, so two of them for one person take turns.
    """

    id: str
    customer: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    searches: bool = False
    kind: str = "customer"


@dataclass(frozen=True, slots=True)
class Vendor:
    """All the engine knows of an outside system: one of these per folder of ``hooks/vendors``."""

    name: str
    title: str
    source_settings: type[SourceSettings] | None = None
    make_source: Callable[[str, Any], Source] | None = None
    """Given the source's name and its validated settings."""
    kinds: tuple[EventKind, ...] = ()
    hooks: Callable[[str, Any], Hooks | None] | None = None
    """How senders at a source subscribe to our events, given its name and settings; None where it is not open.

    What a source opens stands under its key ``hooks``."""
    connection_settings: type[ConnectionSettings] | None = None
    connect: Callable[[str, Any], Client] | None = None
    """Given the connection's name and its validated settings; opens nothing before the first call."""
    actions: tuple[Action, ...] = ()
    probe: Probe | None = None
    """How a connection is tested."""
    built_in: BuiltIn | None = None
    """Instead of settings of sources and connections, where there is nothing to configure."""
    people: Mapping[str, PersonRecord] = field(default_factory=dict)
    """The actions that find or make a person's record, by name."""
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What actions answer as far as it is documented, by name: the JSON Schema of `Done.output`."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    """What no document of the vendor settles, and what was taken instead: by the name of the action or event type it
    is about, by ``events`` for all webhooks, or by ``""`` for the vendor as a whole. For the reference."""

    def action(self, name: str) -> Action | None:
        """By name or alias."""
        for action in self.actions:
            if name == action.name or name in action.aliases:
                return action
        return None


Catalogue = Mapping[str, Vendor]
"""Vendors by name: how layers below the registry are handed it."""

__all__ = [
    "Action",
    "Answer",
    "Call",
    "Catalogue",
    "Client",
    "Clock",
    "ConnectionSettings",
    "Draft",
    "EventKind",
    "Inbound",
    "OnUnknown",
    "Outcome",
    "Probe",
    "Reading",
    "Reply",
    "Source",
    "SourceSettings",
    "Vendor",
]
