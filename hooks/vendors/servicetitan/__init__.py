"""ServiceTitan: bookings, customers, locations and jobs of a tenant, written to with OAuth 2 client credentials."""

from __future__ import annotations

from hooks.ports import Vendor

from .actions import ACTIONS
from .client import ServiceTitanClient, ServiceTitanSettings
from .source import EVENT_KINDS, ServiceTitanSource, ServiceTitanSourceSettings

vendor = Vendor(
    name="servicetitan",
    title="ServiceTitan",
    source_settings=ServiceTitanSourceSettings,
    make_source=ServiceTitanSource,
    kinds=EVENT_KINDS,
    connection_settings=ServiceTitanSettings,
    connect=ServiceTitanClient,
    actions=ACTIONS,
)
