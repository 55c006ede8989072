"""Normalize: what a rule has emitted is an event as it is. Nobody outside can post here: it has no address."""

from __future__ import annotations

import json

from hooks.events import Receipt
from hooks.ports import Draft, Normalizer


class EventSource:
    """Reads the receipts of emitted events."""

    def normalize(self, receipt: Receipt) -> list[Draft]:
        """The one event: its body is ``{type, subject, data}``, as `event.emit` has written it."""
        emitted = json.loads(receipt.body)
        kind: str = emitted["type"]
        return [Draft(kind, kind, data=emitted["data"], raw=emitted, subject=emitted["subject"])]


_: type[Normalizer] = EventSource
