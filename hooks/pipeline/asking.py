"""First step, receive, the other way round: a sender at a source asks to be told of our events.

Its request is authentic before it comes here. What it may ask for is what the source's settings open, and nothing
without them. Samples are made-up events of the vendors' folders, never anybody's real ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hooks.errors import NormalizationError
from hooks.kit.samples import samples
from hooks.pipeline.subscribers import Subscribers, is_open
from hooks.ports import Catalogue, Hooks, Inbound, Reply
from hooks.rules.index import type_matches

_NO_SAMPLE_ID = "evt_00000000000070008000000000000001"
_NO_SAMPLE_TIME = "2026-05-06T19:40:00Z"


@dataclass(frozen=True, slots=True)
class HookDesk:
    """Where senders at one source ask. ``vendors`` are the vendors of the sources whose events are open, by source."""

    source: str
    hooks: Hooks
    subscribers: Subscribers
    catalogue: Catalogue
    vendors: Mapping[str, str]

    def methods(self, path: str) -> frozenset[str] | None:
        return self.hooks.methods(path)

    async def reply(self, request: Inbound) -> Reply:
        """What the sender hears. Raises StoreError when it cannot be stored now."""
        try:
            asked = self.hooks.read(request)
            if asked.verb in ("subscribe", "samples") and not is_open(self.hooks, asked.event):
                raise NormalizationError("the source's settings do not open this event to subscribers")
        except NormalizationError as problem:
            told = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": problem.reason}
            return Reply(400, told, {"content-type": "application/problem+json"})
        found: Any
        if asked.verb == "subscribe":
            found = await self.subscribers.subscribe(self.source, asked.event, asked.url, self.hooks)
        elif asked.verb == "unsubscribe":
            found = await self.subscribers.unsubscribe(asked.id, self.source)
        elif asked.verb == "types":
            found = self._types()
        else:
            found = self._samples(asked.event)
        return self.hooks.answer(asked, found)

    def _types(self) -> list[dict[str, str]]:
        """The open types by name: those that the configured vendors are known to send, and what is open by name."""
        known = {kind.name: kind.summary for vendor in self._senders() for kind in self.catalogue[vendor].kinds}
        found = {name: summary for name, summary in known.items() if is_open(self.hooks, name)}
        named = {event: known.get(event, "") for event in self.hooks.events if "*" not in event}
        return [{"type": name, "summary": summary} for name, summary in sorted({**named, **found}.items())]

    def _samples(self, event: str) -> list[dict[str, Any]]:
        """One made-up event, at best as a configured vendor's would be."""
        by_vendor: dict[str, str] = {}
        for source, vendor in self.vendors.items():
            by_vendor.setdefault(vendor, source)
        for vendor in (*self._senders(), *(name for name in self.catalogue if name not in by_vendor)):
            for sample in samples(vendor):
                for golden in sample.golden:
                    if type_matches(event, golden["type"]) and not golden["flag"]:
                        return [_sample(golden, by_vendor.get(vendor, vendor), vendor)]
        return [_sample({"type": event, "subject": None, "time": None, "data": {}}, self.source, "")]

    def _senders(self) -> Iterable[str]:
        return dict.fromkeys(self.vendors.values())


def _sample(golden: Mapping[str, Any], source: str, vendor: str) -> dict[str, Any]:
    """In the form in which subscribers are told of events."""
    time = golden["time"] or _NO_SAMPLE_TIME
    told = {
        "id": _NO_SAMPLE_ID,
        "type": golden["type"],
        "source": source,
        "vendor": vendor,
        "time": time,
        "received_at": time,
        "subject": golden["subject"],
        "data": golden["data"],
    }
    return {name: value for name, value in told.items() if value is not None}
