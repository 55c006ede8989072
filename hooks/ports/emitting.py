"""Events that rules make themselves, and the vendors that are part of this program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hooks.ports.configured import ConnectionSettings
from hooks.ports.inbound import Normalizer
from hooks.ports.outbound import Client


class Emitter(Protocol):
    """What the client of a built-in vendor is handed to put events in by."""

    async def emit(self, body: bytes, key: str) -> str:
        """Record a receipt with this body and give its id, or that of the one that was recorded with this key before.

        On disk when it returns. Raises Transient when the store cannot take it now, Permanent when it is too large.
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
