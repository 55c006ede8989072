"""The clock of the running program: `SystemClock` is the `hooks.ports.Clock` of everything but tests."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from hooks.ports import Clock


class SystemClock:
    """The machine's wall clock and its monotonic clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


_: type[Clock] = SystemClock
