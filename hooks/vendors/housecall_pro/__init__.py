"""Housecall Pro: field service software; its signed webhooks become events, and its API is written to with a key."""

from __future__ import annotations

from hooks.ports import Vendor

from .actions import ACTIONS
from .client import HousecallProClient, HousecallProSettings
from .source import EVENT_KINDS, HousecallProSource, HousecallProSourceSettings

vendor = Vendor(
    name="housecall_pro",
    title="Housecall Pro",
    source_settings=HousecallProSourceSettings,
    make_source=HousecallProSource,
    kinds=EVENT_KINDS,
    connection_settings=HousecallProSettings,
    connect=HousecallProClient,
    actions=ACTIONS,
)
