"""Third step, normalize: a receipt becomes events. Never raises, whatever a source does with a body.

A body that its source cannot map becomes an event of the vendor's own kind with the parsed or plain body as data and a
flag that says why, so that nothing that was accepted is ever without an event.
"""

from __future__ import annotations

import logging
from typing import Any

from hooks.events import Event, Receipt, event_id
from hooks.pipeline.bounded import TookTooLong, bounded
from hooks.pipeline.receive import log_fault
from hooks.ports import Draft, Normalizer

log = logging.getLogger("hooks.normalize")

UNREADABLE = "unreadable"
"""The last part of the type of an event whose source could say nothing of it: ``housecall_pro.unreadable``."""


def normalize(receipt: Receipt, source: Normalizer | None) -> list[Event]:
    """The receipt's events, exactly ``receipt.events`` of them. ``source`` is None when it is configured no more."""
    return _events(receipt, _drafts(receipt, source))


def unread_events(receipt: Receipt, why: str) -> list[Event]:
    """The receipt's events without its source having been asked, flagged and with nothing of the sender's in them."""
    return [emptied_event(event, why) for event in _events(receipt, _unread(receipt, why))]


def read_anew(event: Event, receipt: Receipt, source: Normalizer | None) -> Event:
    """A flagged event as its receipt is read now; where it still cannot be read, as it was, with what is said of it."""
    read = next((each for each in normalize(receipt, source) if each.id == event.id), event)
    return read if read.flag is None else event._replace(flag=read.flag)


def _events(receipt: Receipt, drafts: list[Draft]) -> list[Event]:
    return [
        Event(
            id=event_id(receipt.id, index),
            type=draft.type,
            source=receipt.source,
            vendor=receipt.vendor,
            vendor_type=draft.vendor_type,
            receipt=receipt.id,
            time=draft.time or receipt.received_at,
            received_at=receipt.received_at,
            subject=draft.subject,
            data=draft.data,
            raw=draft.raw,
            flag=draft.flag,
        )
        for index, draft in enumerate(drafts)
    ]


def emptied_event(event: Event, why: str) -> Event:
    """The event with nothing of the sender's in it, flagged: its bytes are in the receipt."""
    name = f"{event.vendor}.{UNREADABLE}"
    return event._replace(type=name, vendor_type=name, subject=None, data={}, raw=None, flag=why)


def _drafts(receipt: Receipt, source: Normalizer | None) -> list[Draft]:
    if source is None:
        return _unread(receipt, f"the source {receipt.source!r} is not configured any more")
    try:
        with bounded():
            drafts = source.normalize(receipt)
    except TookTooLong as error:
        log.error("%s is set aside: reading it did not end, %s", receipt.id, error)
        return _unread(receipt, f"reading it did not end: {error}")
    except Exception as error:
        log_fault(log, f"normalize of {receipt.id}", error)
        return _unread(receipt, f"the reader stumbled over it ({type(error).__name__})")
    if len(drafts) != receipt.events:
        return _unread(receipt, f"it was counted as {receipt.events} events and read as {len(drafts)}")
    return drafts


def _unread(receipt: Receipt, why: str) -> list[Draft]:
    name = f"{receipt.vendor}.{UNREADABLE}"
    body: Any = receipt.body.decode("utf-8", "replace")
    return [Draft(type=name, vendor_type=name, data={"text": body}, raw=body, flag=why)] * receipt.events
