"""ServiceTitan: bookings, customers, locations and jobs of a tenant, written to with OAuth 2 client credentials."""

from __future__ import annotations

from hooks.ports import Vendor

from .actions import ACTIONS
from .client import ServiceTitanClient, ServiceTitanSettings

vendor = Vendor(
    name="servicetitan",
    title="ServiceTitan",
    connection_settings=ServiceTitanSettings,
    connect=ServiceTitanClient,
    actions=ACTIONS,
)
