"""Put into the path of a server, this gives its reader of Housecall Pro's webhooks the faults that a body asks for."""

from __future__ import annotations

import os
import signal
from typing import Any

from hooks.events import Receipt
from hooks.ports import Draft
from hooks.vendors.housecall_pro.source import HousecallProSource

_read = HousecallProSource.normalize


def _poisoned(self: HousecallProSource, receipt: Receipt) -> list[Draft]:
    if b"poison: raise" in receipt.body:
        raise LookupError("Maya Ortiz")
    if b"poison: spin" in receipt.body:
        while True:
            sum(range(1000))
    if b"poison: memory" in receipt.body:
        eaten: list[Any] = [bytearray(1 << 20) for _ in range(1024)]
        raise MemoryError(len(eaten))
    if b"poison: kill" in receipt.body:
        os.kill(os.getpid(), signal.SIGKILL)
    return _read(self, receipt)


HousecallProSource.normalize = _poisoned  # type: ignore[method-assign]
