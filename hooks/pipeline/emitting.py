"""From the last step back to the first: an event that a rule emits is recorded as a receipt, like any that comes in.

The receipt's body is the event as JSON, and its headers say which run has caused it and how deep in a chain of events
it is. Their names begin with a colon, which no header of a request can.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from hooks.errors import Permanent, StoreError, Transient
from hooks.events import Receipt, new_id
from hooks.kit.chain import carried
from hooks.ports import Clock, Emitter, Intake

CAUSE = ":cause"
DEPTH = ":depth"

LARGEST = 4 * 1024 * 1024
"""Bytes of an emitted event: a chain of rules that each put what they got in twice must not grow for ever."""

REMEMBERED = 365 * 86400.0
"""Seconds for which a step that is tried again finds the event that it has emitted."""


def cause_of(receipt: Receipt) -> tuple[str, int] | None:
    """The run that has caused a receipt's events, and how many events caused one another up to them."""
    run, depth = receipt.headers.get(CAUSE), receipt.headers.get(DEPTH)
    return None if run is None or depth is None else (run, int(depth))


def own_receipt(source: str, now: datetime, body: bytes, headers: Mapping[str, str]) -> Receipt:
    """The receipt of an event of our own. ``headers``: what has caused it, if anything has."""
    return Receipt(
        id=new_id("rcp"),
        source=source,
        vendor=source,
        received_at=now,
        verdict="accepted",
        path="",
        query=(),
        headers={"content-type": "application/json", **headers},
        body=body,
        events=1,
    )


class Emitting:
    """Puts events in at a built-in source. ``intake`` wakes whoever makes events of receipts."""

    def __init__(self, source: str, intake: Intake, clock: Clock) -> None:
        self._source = source
        self._intake = intake
        self._clock = clock

    async def emit(self, body: bytes, key: str) -> str:
        if len(body) > LARGEST:
            raise Permanent(f"the event would be larger than {LARGEST >> 20} MiB")
        headers: dict[str, str] = {}
        if (found := carried()) is not None:
            headers |= {CAUSE: found[0], DEPTH: str(found[1] + 1)}
        receipt = own_receipt(self._source, self._clock.now(), body, headers)
        digest = hashlib.sha256(f"{self._source}\0e{key}".encode()).digest()
        try:
            earlier = await self._intake.record(receipt, digest, REMEMBERED)
        except StoreError as problem:
            raise Transient(f"the event cannot be stored now: {problem}") from None
        return earlier or receipt.id


_: type[Emitter] = Emitting
