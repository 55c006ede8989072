"""ServiceTitan: bookings, customers, locations and jobs of a tenant, written to with OAuth 2 client credentials."""

from __future__ import annotations

from hooks.ports import PersonRecord, Probe, Vendor

from .actions import ACTIONS
from .client import ServiceTitanClient, ServiceTitanSettings
from .outputs import OUTPUTS
from .people import as_person
from .source import EVENT_KINDS, ServiceTitanSource, ServiceTitanSourceSettings

vendor = Vendor(
    name="servicetitan",
    title="ServiceTitan",
    source_settings=ServiceTitanSourceSettings,
    make_source=ServiceTitanSource,
    kinds=EVENT_KINDS,
    connection_settings=ServiceTitanSettings,
    connect=ServiceTitanClient,
    actions=ACTIONS,
    outputs=OUTPUTS,
    probe=Probe("list_technicians", {"pageSize": 1}),
    people={
        "upsert_customer": PersonRecord("id", lambda inputs: inputs["customer"], searches=True),
        "create_customer": PersonRecord("id", as_person),
    },
    doubts={
        "": "Published API descriptions of 2026-07. The form of 401, 403 and 429 answers is not in them.",
        "create_payment": "In the description of 2024-12 and not in that of 2026-07: it may be withdrawn (medium).",
        "create_installed_equipment_attachment": "The form field `file` is inferred (medium).",
        "create_invoices": "The answer's body is not documented: it is given as it comes (medium).",
        "book_lead": "Ours, sent as `create_booking_by_provider` after a search.",
        "upsert_customer": "Ours, of several calls.",
        "events": "Header and encoding of the signature, names of events and form of bodies are second-hand (low).",
    },
)
