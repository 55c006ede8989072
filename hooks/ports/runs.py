"""What is planned and carried out: runs, their steps, and the tries at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from hooks.events import AttemptVerdict, Event, Exchange, Request, RunState, StepState
from hooks.people import Sighting


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


UNTIMED = Timing()
"""It may begin whatever others do: its rule asks for none of this."""


class PlannedRun(NamedTuple):
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
    timing: Timing = UNTIMED
    replay: Repeated | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """That a run was made by a replay, and when. ``of`` is the run that it repeats; ``force``: it acts again."""

    at: datetime
    of: str | None = None
    force: bool = False


class Plan(NamedTuple):
    """An event and what the rules make of it: stored in one transaction, with its receipt no longer pending.

    ``meets`` are keys of `Timing.expects`: runs that wait to see whether such an event comes. ``cause`` is the run that
    has emitted the event, and how many events caused one another up to it.
    """

    event: Event
    runs: tuple[PlannedRun, ...] = ()
    meets: tuple[str, ...] = ()
    cause: tuple[str, int] | None = None


class Step(NamedTuple):
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


class Attempt(NamedTuple):
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


class Claimed(NamedTuple):
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


class Progress(NamedTuple):
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
