"""The proofs that `hooks send` and the demo make, against answers computed elsewhere."""

from __future__ import annotations

from hooks.cli.signing import housecall_pro, shared_key

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
    assert {"X-Api-Key": "a key"} == shared_key("a key", b"{}", 0.0)
