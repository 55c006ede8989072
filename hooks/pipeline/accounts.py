"""The accounts that steps act in, as the worker meets them: a client, and what that account can take.

Each connection has its own slots, its own rate, its own breaker and its own pause, so that one vendor that hangs or
refuses holds up nobody else's work.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from hooks.pipeline.breaker import LONGEST_WAIT, Breaker
from hooks.pipeline.slots import Slots
from hooks.ports import Client, ConnectionSettings, Pause

RULES_LOST = "the rules it began with cannot be loaded any more"
GONE = "its connection is not configured any more"
PAUSED = "its connection is paused"
PAUSED_BY_HAND = "its connection was paused by a person"

OBSTACLES = (GONE, PAUSED, PAUSED_BY_HAND)
"""Why a run may be held that goes on by itself."""

MAX_HELD = 1024 * 1024
"""Characters of events in flight past which nothing more is claimed for an account: each takes memory several times."""

QUICK = 0.25
"""Seconds that a call takes at most on the average for runs to be claimed ahead of it: so long they may have to wait,
and what is more urgent behind them."""

_WEIGHT = 0.2
"""How much the last call counts in the average."""


ROUNDING = 0.05
"""Seconds by which a call may be quicker on its way to the vendor than the one before it."""


@dataclass(slots=True)
class Account:
    """A connection with its client.

    ``in_flight`` runs have been claimed and not written back yet; with ``held`` characters of events. ``ending`` are
    those of them whose last word is on its way to the disk. Calls take ``calls``, as many at once as its settings say.
    ``pause`` is what a person has said last.
    """

    name: str
    vendor: str
    settings: ConnectionSettings
    client: Client
    in_flight: int = 0
    held: int = 0
    ending: int = 0
    next_turn: float = 0.0
    rests_until: float = 0.0
    left: deque[float] = field(default_factory=deque)
    """When the last calls left, as many as a second may hold: by the monotonic clock."""
    leaving: asyncio.Lock = field(default_factory=asyncio.Lock)
    breaker: Breaker = field(default_factory=Breaker)
    pause: Pause | None = None
    calls: Slots = field(init=False)
    call_seconds: float | None = None
    """How long calls have taken lately, on the average."""
    everywhere: int | None = None
    """Runs that all servers together carry out for it, where several share a store."""

    def __post_init__(self) -> None:
        self.calls = Slots(self.settings.concurrency)

    @property
    def paused(self) -> bool:
        """By the rules file, or by a person."""
        return self.settings.paused or (self.pause is not None and self.pause.paused)

    def free(self, now: float) -> int:
        """How many more runs may be claimed for it now: one only, while it is being tried whether it works again.

        Where calls are quick, as many again as its slots: they are at hand when a slot is, and results are written
        meanwhile. While more than half of these are left nothing could begin sooner, and none are claimed. Those that
        are ending make room, as many as it has slots: it does not go on so when their ends cannot be written.
        """
        if now < max(self.breaker.until, self.rests_until) or self.paused or self.held > MAX_HELD:
            return 0
        slots = 1 if self.breaker.probing else self.settings.concurrency
        ahead = slots if self._is_quick() else 0
        room = slots + ahead - self.in_flight + min(self.ending, self.settings.concurrency)
        return room if room > 0 and 2 * room >= ahead else 0

    def _is_quick(self) -> bool:
        if self.settings.rate is not None or not self.breaker.steady or self.call_seconds is None:
            return False
        return self.call_seconds < QUICK

    def took(self, seconds: float) -> None:
        """A call has taken so long."""
        before = seconds if self.call_seconds is None else self.call_seconds
        self.call_seconds = before + _WEIGHT * (seconds - before)

    def rest(self, now: float, seconds: float | None) -> None:
        """It has had enough of us: claim nothing for as long as it asked, within reason."""
        if seconds is not None:
            self.rests_until = max(self.rests_until, now + min(seconds, LONGEST_WAIT))

    def reserve(self, now: float) -> float:
        """Take the next turn that the account's rate allows and give the seconds until it.

        Turns are evenly spaced, so no burst follows a pause.
        """
        if self.spacing == 0.0:
            return 0.0
        at = max(now, self.next_turn)
        self.next_turn = at + self.spacing
        return at - now

    @property
    def spacing(self) -> float:
        """Seconds between two turns: a little more than the rate says, 0 where there is none."""
        rate = self.settings.rate
        return 0.0 if rate is None else 1 / rate + ROUNDING / max(1, int(rate))

    def leave(self, now: float) -> float:
        """Let a call leave now and give 0, or give the seconds until it may be asked again.

        Turns say when calls are begun. Until one really leaves it may be held up, and those behind it come too close:
        so the time between a call and the one before it by a second's worth is kept here once more.
        """
        if self.settings.rate is None:
            return 0.0
        worth = max(1, int(self.settings.rate))
        if len(self.left) == worth and (wait := self.left[0] + worth * self.spacing - now) > 0:
            return wait
        self.left.append(now)
        if len(self.left) > worth:
            self.left.popleft()
        return 0.0


def obstacle_of(connection: str, accounts: Mapping[str, Account]) -> str | None:
    """Why runs of a connection are held now, None when they are not."""
    account = accounts.get(connection)
    if account is None:
        return GONE
    if account.settings.paused:
        return PAUSED
    return PAUSED_BY_HAND if account.paused else None
