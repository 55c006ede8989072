"""How calls go out: a client for each account, and the actions that can be carried out there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel

from hooks.events import Done, Request
from hooks.ports.tokens import TokenShelf

OnUnknown = Literal["repeat", "lookup", "hold"]
"""How an unknown outcome is resolved: send the same again, ask the vendor first, or wait for a person."""


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


@runtime_checkable
class TokenSharer(Protocol):
    """A client whose access token other servers can use as well."""

    def share_token(self, shelf: TokenShelf) -> None:
        """From now on take tokens from there, and leave new ones there."""
        ...


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


@runtime_checkable
class FilledByConnection(Protocol):
    """An action that cannot do without some inputs, and takes them from the connection where the step gives none."""

    @property
    def from_connection(self) -> Mapping[str, str]:
        """The connection's key for each such input."""
        ...


@runtime_checkable
class NeedsOfConnection(Protocol):
    """An action that cannot do without keys of the connection that others can do without."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Those keys."""
        ...
