"""Normalize: what a rule or hooks itself has emitted is an event as it is.

Nobody outside can post here: it has no address.
"""

from __future__ import annotations

import json
from typing import Final

from hooks.events import Receipt
from hooks.ports import HEARD, QUIET, Draft, EventKind, Normalizer, Silence

KINDS: Final = (
    EventKind(QUIET, QUIET, Silence, "A source has been quiet for longer than its `quiet_after`: told once."),
    EventKind(HEARD, HEARD, Silence, "A source that was quiet is heard again."),
)
"""Events that hooks makes by itself. All others here are what rules emit."""


class EventSource:
    """Reads the receipts of emitted events."""

    def normalize(self, receipt: Receipt) -> list[Draft]:
        """The one event: its body is ``{type, subject, data}``, as `event.emit` has written it."""
        emitted = json.loads(receipt.body)
        kind: str = emitted["type"]
        return [Draft(kind, kind, data=emitted["data"], raw=emitted, subject=emitted["subject"])]


_: type[Normalizer] = EventSource
