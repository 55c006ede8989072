"""Senders that follow the Standard Webhooks specification."""

from __future__ import annotations

from hooks.ports import Vendor

from .source import StandardWebhooksSource, StandardWebhooksSourceSettings

vendor = Vendor(
    name="standard_webhooks",
    title="Standard Webhooks",
    source_settings=StandardWebhooksSourceSettings,
    make_source=StandardWebhooksSource,
)
