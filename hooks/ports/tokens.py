"""Access tokens that servers on one store share, so that each is fetched once and not once by every server."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token as it is kept: sealed. ``number`` counts an account's tokens; from ``until`` on a new one is wanted."""

    number: int
    sealed: bytes | None = field(repr=False)
    until: datetime


class TokenStore(Protocol):
    """What is kept of tokens. An account is named by a digest of its credentials. Each raises StoreError."""

    async def kept(self, account: str) -> KeptToken | None: ...

    async def begin(self, account: str, number: int, owner: str, now: datetime, until: datetime) -> bool:
        """Whether ``owner``, and nobody else until then, may fetch the token after the one of this number."""
        ...

    async def keep(self, account: str, owner: str, sealed: bytes, until: datetime) -> None:
        """Keep what the owner has fetched, unless its turn is over and another has begun."""
        ...

    async def leave(self, account: str, owner: str) -> None:
        """The owner could not fetch it: another may try at once."""
        ...


class TokenShelf(Protocol):
    """Where the keeper of a token finds what other servers have fetched, and leaves what it has.

    None of it raises: without the others, a server fetches for itself.
    """

    async def look(self, account: str) -> tuple[int, bytes | None, float]:
        """Number and seal of the token that is there, and the seconds for which it will do; (0, None, 0.0) for none."""
        ...

    async def begin(self, account: str, number: int) -> bool:
        """Whether this server is to fetch the token after that number; if not, another is doing so."""
        ...

    async def put(self, account: str, sealed: bytes, seconds: float) -> None: ...

    async def leave(self, account: str) -> None: ...
