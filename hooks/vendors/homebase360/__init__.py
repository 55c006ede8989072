"""Homebase360: customers and jobs of a scheduling and invoicing service, written to with an API key."""

from __future__ import annotations

from hooks.ports import PersonRecord, Probe, Vendor

from .actions import ACTIONS
from .client import Homebase360Client, Homebase360Settings
from .outputs import OUTPUTS
from .people import as_person

vendor = Vendor(
    name="homebase360",
    title="Homebase360",
    connection_settings=Homebase360Settings,
    connect=Homebase360Client,
    actions=ACTIONS,
    outputs=OUTPUTS,
    probe=Probe("ping"),
    people={
        "upsert_customer": PersonRecord("customerId", lambda inputs: inputs["customer"], searches=True),
        "create_customer": PersonRecord("customerId", as_person),
    },
    doubts={
        "": "One document page of version 1.0.0, and request samples of 1.2.0. Error answers are not documented.",
        "update_customer": "Verb and place of the id are not documented: `update_method`, `id_in` (low).",
        "update_job": "Verb and place of the id are not documented: `update_method`, `id_in` (low).",
        "create_customer": "The verb is inferred from the text (medium).",
        "create_job": "The verb is inferred from the text (medium).",
        "upsert_customer": "Ours, of several calls.",
        "upsert_job": "Ours, of several calls.",
    },
)
