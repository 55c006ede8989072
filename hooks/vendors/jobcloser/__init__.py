"""JobCloser: leads and customers over its Zapier routes, and everything else that its API reads and writes."""

from __future__ import annotations

from hooks.ports import Probe, Vendor

from .actions import ACTIONS
from .client import JobCloserClient, JobCloserSettings

_INFERRED = "Where the key goes and the form of the body are inferred: `key_location`, `body_format` (medium)."

vendor = Vendor(
    name="jobcloser",
    title="JobCloser",
    connection_settings=JobCloserSettings,
    connect=JobCloserClient,
    actions=ACTIONS,
    probe=Probe("zapier_signin"),
    doubts={
        "": "One document page, which gives addresses and no names. The names of the actions are ours.",
        "create_lead": _INFERRED,
        "create_customer": _INFERRED,
        "send_lead": "Ours, sent as `create_lead`.",
        "create_chemical_application": "The form of the body is inferred: `body_format` (medium).",
        "update_chemical_application": "The form of the body is inferred: `body_format` (medium).",
        "upload_chemical_image_via_byte_array": "That bytes go as JSON with base64 text is inferred (low).",
    },
)
