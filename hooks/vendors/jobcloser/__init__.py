"""JobCloser: leads and customers over its Zapier routes, and everything else that its API reads and writes."""

from __future__ import annotations

from hooks.ports import Probe, Vendor

from .actions import ACTIONS
from .client import JobCloserClient, JobCloserSettings

vendor = Vendor(
    name="jobcloser",
    title="JobCloser",
    connection_settings=JobCloserSettings,
    connect=JobCloserClient,
    actions=ACTIONS,
    probe=Probe("zapier_signin"),
    doubts={
        "": "One document page, which gives addresses and no names. The names of the actions are ours.",
        "create_lead": "Where the key goes and the form of the body are inferred: `key_location`, `body_format`.",
        "create_customer": "Where the key goes and the form of the body are inferred: `key_location`, `body_format`.",
        "send_lead": "As `create_lead`.",
        "upload_chemical_image_via_byte_array": "That bytes go as JSON with base64 text is inferred.",
    },
)
