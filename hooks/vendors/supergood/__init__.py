"""Supergood: its unofficial API to Housecall Pro, one deployment per customer, and the webhooks of that."""

from __future__ import annotations

from hooks.ports import Probe, Vendor

from .actions import ACTIONS
from .client import SupergoodClient, SupergoodSettings
from .source import EVENT_KINDS, SupergoodSource, SupergoodSourceSettings

vendor = Vendor(
    name="supergood",
    title="Supergood",
    source_settings=SupergoodSourceSettings,
    make_source=SupergoodSource,
    kinds=EVENT_KINDS,
    connection_settings=SupergoodSettings,
    connect=SupergoodClient,
    actions=ACTIONS,
    probe=Probe("create_session"),
    doubts={
        "": "Published are purpose and paths of the calls. Names of headers and fields are assumed (low): set them.",
        "events": "Nothing is published on webhooks: names and bodies are assumed (low).",
    },
)
