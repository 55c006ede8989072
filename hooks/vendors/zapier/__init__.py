"""Zapier: leads and customers that Zaps post to us, also those made for JobCloser's Zapier app."""

from __future__ import annotations

from hooks.ports import Vendor

from .source import EVENT_KINDS, ZapierSource, ZapierSourceSettings

vendor = Vendor(
    name="zapier",
    title="Zapier",
    source_settings=ZapierSourceSettings,
    make_source=ZapierSource,
    kinds=EVENT_KINDS,
    doubts={
        "events": "Where JobCloser's own routes expect the key is not documented: every place is read.",
    },
)
