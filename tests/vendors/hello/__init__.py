"""Hello: a tiny whole vendor that exists nowhere."""

from __future__ import annotations

from hooks.ports import Vendor

from .actions import ACTIONS
from .client import HelloClient, HelloSettings
from .source import EVENT_KINDS, HelloSource, HelloSourceSettings

vendor = Vendor(
    name="hello",
    title="Hello",
    source_settings=HelloSourceSettings,
    make_source=HelloSource,
    kinds=EVENT_KINDS,
    connection_settings=HelloSettings,
    connect=HelloClient,
    actions=ACTIONS,
)
