"""The proofs that `hooks send` and the demo make, against answers computed elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hooks.cli.signing import PROOFS, housecall_pro, shared_key
from hooks.errors import VerificationError
from hooks.ports import Inbound
from hooks.registry import CATALOGUE

BODY = (
    b'{"event":"job.created","event_occurred_at":"2026-04-02T15:20:38Z",'
    b'"company_id":"11111111-2222-4333-8444-555555555555","job":{"id":"job_a1","work_status":"needs scheduling"}}'
)


def test_a_housecall_pro_signature_is_the_one_that_others_compute() -> None:
    headers = housecall_pro("hcp-test-secret-0001", BODY, 1775143244.9)

    assert {
        "Api-Timestamp": "1775143244",
        "Api-Signature": "3b616f8cc4188e73ae68a052015ac2a9bc2414f8f912285d8338e8f4968bb7c4",
    } == headers


def test_a_shared_key_travels_in_a_header() -> None:
    assert {"X-Api-Key": "a key"} == shared_key("a key")


@pytest.mark.parametrize(
    ("vendor", "settings"),
    [
        ("housecall_pro", {"signing_secret": "a signing secret of a test"}),
        ("zapier", {"key": "a shared key of a test"}),
        ("servicetitan", {"hmac_key": "a key of thirty-two characters!!"}),
        ("servicetitan", {"hmac_key": "a key of thirty-two characters!!", "encoding": "base64"}),
        ("standard_webhooks", {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
        ("standard_webhooks", {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "header_prefix": "svix"}),
        ("supergood", {"key": "a shared key of a test"}),
        ("cloudevents", {"verify": {"scheme": "basic", "username": "us", "password": "a password of a test"}}),
        ("webhook", {"verify": "github", "secret": "a secret of a test"}),
        ("webhook", {"verify": "stripe", "secret": "a secret of a test"}),
        ("webhook", {"verify": "shopify", "secret": "a secret of a test"}),
        ("webhook", {"verify": "slack", "secret": "a secret of a test"}),
        ("webhook", {"verify": {"scheme": "token", "header": "X-Token", "key": "a key of a test", "prefix": "Key "}}),
        ("webhook", {"verify": {"scheme": "token", "key": "a key of a test"}}),
        (
            "webhook",
            {
                "verify": {
                    "scheme": "hmac",
                    "header": "X-Sig",
                    "secret": "a secret of a test",
                    "template": "{timestamp}.{body}",
                    "timestamp_header": "X-Time",
                    "algorithm": "sha512",
                    "encoding": "base64",
                }
            },
        ),
        ("webhook", {"verify": {"scheme": "token", "secret": "a key of a test"}}),
        ("webhook", {"verify": {"scheme": "basic", "username": "us", "secret": "a password of a test"}}),
        (
            "webhook",
            {
                "verify": {
                    "scheme": "hmac",
                    "header": "X-Sig",
                    "secret": "a secret of a test",
                    "template": "{header:X-Request-Id}.{header:X-Time}.{body}",
                    "timestamp_header": "X-Time",
                }
            },
        ),
        (
            "housecall_pro",
            {
                "signing_secret": "a signing secret of a test",
                "signature_header": "X-Other-Signature",
                "timestamp_header": None,
                "template": "{body}",
                "encoding": "base64",
            },
        ),
        ("webhook", {"unverified": "a test"}),
    ],
)
def test_what_a_sender_proves_is_what_the_source_verifies(vendor: str, settings: dict[str, object]) -> None:
    known = CATALOGUE[vendor]
    assert known.source_settings is not None
    assert known.make_source is not None
    valid = known.source_settings.model_validate(settings)
    now = datetime(2026, 5, 4, 14, 0, 5, 600_000, tzinfo=UTC)
    proof = PROOFS[vendor](valid, BODY, now.timestamp())
    headers = [(name.lower().encode(), value.encode()) for name, value in proof.items()]
    source = known.make_source("source", valid)
    source.verify(Inbound("POST", "", b"", headers, BODY, now))
    if headers:
        with pytest.raises(VerificationError):
            source.verify(Inbound("POST", "", b"", [(name, value + b"x") for name, value in headers], BODY, now))


def test_every_vendor_with_a_source_can_be_signed_for() -> None:
    assert {vendor.name for vendor in CATALOGUE.values() if vendor.make_source is not None} == set(PROOFS)
