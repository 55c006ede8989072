"""JobCloser: leads and customers over its Zapier routes, and everything else that its API reads and writes."""

from __future__ import annotations

from hooks.ports import Vendor

from .actions import ACTIONS
from .client import JobCloserClient, JobCloserSettings

vendor = Vendor(
    name="jobcloser",
    title="JobCloser",
    connection_settings=JobCloserSettings,
    connect=JobCloserClient,
    actions=ACTIONS,
)
