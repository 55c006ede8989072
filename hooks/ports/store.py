"""The engine's verbs over a database, and the one that stands between a request and its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from hooks.errors import StoreError
from hooks.events import Receipt
from hooks.ports.runs import Claimed, Plan, Progress
from hooks.ports.steering import Chosen, Edit, Opened, Pause, Replay, ReplaySelection, Resolution, UnknownStep


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


class Store(Protocol):
    """The engine's verbs. Each is one transaction; what it returned is on disk. Raises StoreError when it cannot."""

    async def doubt(self, limit: int) -> None:
        """At the start of the only server: the one before may have ended over any of the first receipts that wait."""
        ...

    async def count_crash(self, receipt: str) -> int:
        """Count a crash for a receipt that waits to be read; gives how many it has seen, 0 when it waits no more."""
        ...

    async def give_back(self, owner: str) -> None:
        """Let go at once which receipts a server was given that has died: none of them is doubted for that."""
        ...

    async def pending(self, owner: str, limit: int, now: datetime, *, doubtful: bool = True) -> list[Receipt]:
        """Accepted receipts whose events have not been made yet, oldest first; without ``doubtful`` none that a server
        may have ended over.

        Where several servers share the store, no other owner is given them for a while; one that is given what another
        has not ended in that time counts a crash for it, the first time.
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

    async def recover(self, owner: str, now: datetime, *, starting: bool = False) -> int:
        """Give back runs whose lease has run out or whose owner can no longer exist; gives how many.

        One that was in progress in three such crashes one after the other is set aside as failed. ``starting``: the
        only server begins, and is to live a while before it tries one that was in two.
        """
        ...

    async def leave(self, owner: str, now: datetime, keep: Sequence[str] = ()) -> int:
        """Give back what an owner has not ended and does not do any more, but for ``keep``: no crash of anything's."""
        ...

    async def next_due(self, connections: Sequence[str]) -> datetime | None:
        """When the next waiting run of these connections is due, None when there is none."""
        ...

    async def hold(self, runs: Mapping[str, str]) -> int:
        """Hold waiting runs of these connections (name -> reason), and give how many: not all at once of very many."""
        ...

    async def release(
        self, connections: Sequence[str], reasons: Sequence[str], now: datetime, every: Mapping[str, float] = ...
    ) -> int:
        """Let runs of these connections that were held for one of these reasons wait again, oldest first.

        Not all at once of very many. ``every`` has seconds between two of them, by connection.
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

    async def replay(
        self, replays: Sequence[Replay], now: datetime, anew: Sequence[Plan] = (), version: str = ""
    ) -> int:
        """Make runs once more; gives how many. What has been made meanwhile is not made a second time.

        ``anew`` has events that could not be read before, as they were read now by the rules of this ``version``: they
        are kept so, together with the runs.
        """
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


Hear = Callable[[str | StoreError | None], None]
"""Called in the event loop with what `Intake.record` gives, or the error by which it fails. It does not raise."""


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

    def hand(self, receipt: Receipt, key: bytes | None, window: float, hear: Hear) -> None:
        """As `record`, for somebody who is called instead of waiting. Raises StoreError at once or tells it later."""
        ...
