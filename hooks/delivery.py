"""The delivery desk: how people steer what goes out, from the rulebook and the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hooks.desk import connection_as_json
from hooks.errors import Conflict
from hooks.ports import Clock, DeliveryDesk, Pause, Store
from hooks.rulebook import Rulebook


class EngineDeliveryDesk:
    """The delivery desk of one running server."""

    def __init__(self, rulebook: Rulebook, store: Store, clock: Clock, *, wake: Callable[[], None]) -> None:
        self._rulebook = rulebook
        self._store = store
        self._clock = clock
        self._wake = wake

    async def pause(self, name: str, reason: str | None) -> Mapping[str, Any] | None:
        return await self._say(Pause(name, True, self._clock.now(), reason))

    async def resume(self, name: str, drain_rate: float | None) -> Mapping[str, Any] | None:
        account = self._rulebook.accounts.get(name)
        if account is not None and account.settings.paused:
            raise Conflict(f"{name} is paused in the rules file: take `paused: true` out of it there")
        if account is not None and not account.paused:
            raise Conflict(f"{name} is not paused")
        return await self._say(Pause(name, False, self._clock.now(), None, drain_rate))

    async def _say(self, pause: Pause) -> Mapping[str, Any] | None:
        if pause.connection not in self._rulebook.accounts:
            return None
        await self._store.set_pause(pause)
        await self._rulebook.settle()
        self._wake()
        return connection_as_json(self._rulebook.accounts[pause.connection], self._clock.monotonic())


_: type[DeliveryDesk] = EngineDeliveryDesk
