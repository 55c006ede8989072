"""The accounts that steps act in, as the worker meets them: a client, and what that account can take.

Each connection has its own slots, its own rate and its own pause after refused credentials, so that one vendor that
hangs or refuses holds up nobody else's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hooks.ports import Client, ConnectionSettings

GONE = "its connection is not configured any more"
PAUSED = "its connection is paused"

MAX_HELD = 1024 * 1024
"""Characters of events in flight past which nothing more is claimed for an account: each takes memory several times."""


@dataclass(slots=True)
class Account:
    """A connection with its client.

    ``in_flight`` runs hold a slot each and ``held`` characters of events; ``blocked_until`` is monotonic seconds.
    """

    name: str
    vendor: str
    settings: ConnectionSettings
    client: Client
    in_flight: int = 0
    held: int = 0
    blocked_until: float = 0.0
    probing: bool = False
    next_turn: float = 0.0

    def free(self, now: float) -> int:
        """How many more runs may be claimed for it now: one only, while it is being tried whether it works again."""
        if now < self.blocked_until or self.settings.paused or self.held > MAX_HELD:
            return 0
        room = 1 if self.probing else self.settings.concurrency
        return max(0, room - self.in_flight)

    def block(self, until: float) -> None:
        """Claim nothing until then, and then one run at first."""
        self.blocked_until = until
        self.probing = True

    def works(self) -> None:
        """The account has answered: claim as usual again."""
        self.probing = False

    def reserve(self, now: float) -> float:
        """Take the next turn that the account's rate allows and give the seconds until it.

        Turns are evenly spaced, so no burst follows a pause.
        """
        if self.settings.rate is None:
            return 0.0
        at = max(now, self.next_turn)
        self.next_turn = at + 1 / self.settings.rate
        return at - now


def obstacle_of(connection: str, accounts: Mapping[str, Account]) -> str | None:
    """Why runs of a connection are held now, None when they are not."""
    account = accounts.get(connection)
    if account is None:
        return GONE
    return PAUSED if account.settings.paused else None
