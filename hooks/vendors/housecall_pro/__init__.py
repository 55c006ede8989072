"""Housecall Pro: field service software; its signed webhooks become events."""

from __future__ import annotations

from hooks.ports import Vendor

from .source import EVENT_KINDS, HousecallProSource, HousecallProSourceSettings

vendor = Vendor(
    name="housecall_pro",
    title="Housecall Pro",
    source_settings=HousecallProSourceSettings,
    make_source=HousecallProSource,
    kinds=EVENT_KINDS,
)
