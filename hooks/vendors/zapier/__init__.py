"""Zapier: what Zaps post to us, also those made for JobCloser's Zapier app, and what we post to Zaps."""

from __future__ import annotations

from hooks.ports import Hooks, Vendor

from .actions import ACTIONS
from .client import ZapierClient, ZapierSettings
from .hooks import ZapierHooks
from .source import EVENT_KINDS, ZapierSource, ZapierSourceSettings


def _hooks(name: str, settings: ZapierSourceSettings) -> Hooks | None:
    return None if settings.hooks is None else ZapierHooks(name, settings.hooks)


vendor = Vendor(
    name="zapier",
    title="Zapier",
    source_settings=ZapierSourceSettings,
    make_source=ZapierSource,
    kinds=EVENT_KINDS,
    hooks=_hooks,
    connection_settings=ZapierSettings,
    connect=ZapierClient,
    actions=ACTIONS,
    doubts={
        "events": "Where JobCloser's own routes expect the key is not documented: every place is read.",
        "send": "What a hook answers for a Zap that is gone is not documented: 404 and 410 are final (low).",
    },
)
