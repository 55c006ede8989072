"""Record: the store as the inbox sees it. A committed receipt wakes the dispatcher, and health hears of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from hooks.errors import StoreError
from hooks.events import Receipt
from hooks.health import Health
from hooks.ports import Hear, Intake
from hooks.store.verbs import SqlStore


class WakingIntake:
    """Hands receipts to the store, and tells who has to know how that ended."""

    def __init__(self, store: SqlStore, health: Health, wake: Callable[[], None]) -> None:
        self._store = store
        self._health = health
        self._wake = wake

    def record(self, receipt: Receipt, key: bytes | None, window: float) -> asyncio.Future[str | None]:
        try:
            future = self._store.record(receipt, key, window)
        except StoreError:
            self._health.could_not_take()
            raise
        future.add_done_callback(partial(self._recorded, receipt))
        return future

    def hand(self, receipt: Receipt, key: bytes | None, window: float, hear: Hear) -> None:
        try:
            self._store.hand(receipt, key, window, partial(self._heard, receipt, hear))
        except StoreError:
            self._health.could_not_take()
            raise

    def _recorded(self, receipt: Receipt, future: asyncio.Future[str | None]) -> None:
        if future.cancelled():
            return  # nobody waits for it; whether it was stored the table knows, and the dispatcher looks there
        self._ended(receipt, future.exception() or future.result())

    def _heard(self, receipt: Receipt, hear: Hear, result: str | StoreError | None) -> None:
        self._ended(receipt, result)
        hear(result)

    def _ended(self, receipt: Receipt, result: str | BaseException | None) -> None:
        if isinstance(result, BaseException):
            self._health.could_not_take()
            return
        self._health.took(receipt)
        if receipt.verdict == "accepted" and result is None:
            self._wake()


_: type[Intake] = WakingIntake
