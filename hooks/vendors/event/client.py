"""Deliver: the way back to the beginning of our own journey. Nothing leaves this program."""

from __future__ import annotations

from typing import Final

from hooks.errors import Permanent
from hooks.events import Done, Request, event_id
from hooks.ports import Client, ConnectionSettings, Emitter

SETTINGS: Final = ConnectionSettings(base_url="hooks://event")


class EventClient:
    """Puts events in, each as a receipt of its own."""

    def __init__(self, emitter: Emitter) -> None:
        self.settings = SETTINGS
        self._emitter = emitter

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """The ids of the new event and its receipt, or of those that were put in with this key before.

        Raises Transient when the store cannot take it now.
        """
        if key is None or request.body is None:
            raise Permanent("an event is put in with a key, so that it is put in once")
        receipt = await self._emitter.emit(request.body, key)
        return Done({"event": event_id(receipt), "receipt": receipt})

    def url(self, request: Request) -> str:
        return f"{self.settings.base_url}{request.path}"

    async def aclose(self) -> None:
        """Nothing is open."""


_: type[Client] = EventClient
