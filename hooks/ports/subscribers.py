"""Who asked to be told of events, and how they ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from hooks.ports.configured import ConnectionSettings
from hooks.ports.inbound import Inbound, Reply
from hooks.ports.outbound import Action, Client


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
