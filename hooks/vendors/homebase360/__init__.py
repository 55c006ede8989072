"""Homebase360: customers and jobs of a scheduling and invoicing service, written to with an API key."""

from __future__ import annotations

from hooks.ports import Vendor

from .actions import ACTIONS
from .client import Homebase360Client, Homebase360Settings

vendor = Vendor(
    name="homebase360",
    title="Homebase360",
    connection_settings=Homebase360Settings,
    connect=Homebase360Client,
    actions=ACTIONS,
)
