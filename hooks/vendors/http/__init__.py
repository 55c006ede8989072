"""Any other API: one request to a host that the connection names, with its credentials added."""

from __future__ import annotations

from hooks.ports import Probe, Vendor

from .actions import ACTIONS
from .client import HttpClient, HttpSettings

vendor = Vendor(
    name="http",
    title="Any HTTP API",
    connection_settings=HttpSettings,
    connect=HttpClient,
    actions=ACTIONS,
    probe=Probe("request", {"method": "GET"}, given={"path": "test_path"}),
)
