"""Senders of CloudEvents 1.0 over HTTP: structured, binary and batched."""

from __future__ import annotations

from hooks.ports import Vendor

from .source import CloudEventsSource, CloudEventsSourceSettings

vendor = Vendor(
    name="cloudevents",
    title="CloudEvents",
    source_settings=CloudEventsSourceSettings,
    make_source=CloudEventsSource,
)
