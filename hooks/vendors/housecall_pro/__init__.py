"""Housecall Pro: field service software; its signed webhooks become events, and its API is written to with a key."""

from __future__ import annotations

from hooks.ports import PersonRecord, Probe, Vendor

from .actions import ACTIONS
from .client import HousecallProClient, HousecallProSettings
from .outputs import OUTPUTS
from .people import as_person
from .rows import SEED_ONLY
from .source import EVENT_KINDS, HousecallProSource, HousecallProSourceSettings

_SEED_ONLY = "In a third party's list only: expect 404 or 405 in production (low)."

vendor = Vendor(
    name="housecall_pro",
    title="Housecall Pro",
    source_settings=HousecallProSourceSettings,
    make_source=HousecallProSource,
    kinds=EVENT_KINDS,
    connection_settings=HousecallProSettings,
    connect=HousecallProClient,
    actions=ACTIONS,
    outputs=OUTPUTS,
    probe=Probe("get_company"),
    people={
        "upsert_customer": PersonRecord("id", lambda inputs: inputs["customer"], searches=True),
        "create_customer": PersonRecord("id", as_person),
    },
    doubts={
        **{action.name: _SEED_ONLY for action in ACTIONS if SEED_ONLY in action.summary},
        "create_webhook_subscription": "The vendor describes the path and no body (medium).",
        "delete_webhook_subscription": "The vendor's description gives the path and no body (medium).",
        "upsert_customer": "Ours, of several calls.",
        "list_price_book_services": "Under which key the list comes is unclear: both are read (medium).",
        "events": "The signature is that of three open-source receivers, one in production (medium-high).",
        "lead.deleted": "The vendor does not send it reliably (medium).",
        "employee.created": "The vendor's page calls it `pro.created` (high).",
    },
)
