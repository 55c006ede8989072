"""Any other sender: a webhook whose check, type and subject are told in the rules file."""

from __future__ import annotations

from hooks.ports import Vendor

from .source import EVENT_KINDS, WebhookSource, WebhookSourceSettings

vendor = Vendor(
    name="webhook",
    title="Webhook",
    source_settings=WebhookSourceSettings,
    make_source=WebhookSource,
    kinds=EVENT_KINDS,
)
