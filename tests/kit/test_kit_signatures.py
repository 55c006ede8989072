from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from hooks.errors import VerificationError
from hooks.kit.signatures import (
    Algorithm,
    HmacScheme,
    SharedKey,
    basic_credentials,
    bearer_token,
    check_signature,
    check_timestamp,
    digest,
    encoded,
    header_bytes,
    secret_bytes,
)
from hooks.ports import Inbound

NOW = datetime(2026, 4, 2, 15, 20, 50, tzinfo=UTC)

# ServiceTitan's scheme and a timestamped one, computed by someone else's code: known answers.
TITAN_KEY = b"st-test-hmac-key-32-characters!!"
TITAN_BODY = b'{"eventType":"job.completed","tenantId":10978752986,"data":{"id":551122,"jobStatus":"Completed"}}'
TITAN_HEX = b"02f5927e3d6b5b656aff3c726f4506a7cc951a0a2e7236e7323de7c00d14e0b7"
TITAN_BASE64 = b"AvWSfj1rW2Vq/zxyb0UGp8yVGgoucjbnMj3nwA0U4Lc="
TIMED_BODY = b'{"id":"evt_1","type":"invoice.payment_recorded","data":{"invoiceId":"inv_1","amount":12500}}'
TIMED_HEX = b"790c580a1be8b89e8ff8eecc6da7a629a36904ccc614f0e184f02eb7e04c0683"

REASONS = {"missing", "malformed", "repeated", "stale", "mismatch"}


def inbound(headers: list[tuple[bytes, bytes]], body: bytes = b"", at: datetime = NOW) -> Inbound:
    return Inbound(method="POST", path="", query=b"", headers=headers, body=body, received_at=at)


def reason(check: Any, *given: Any, **named: Any) -> str:
    with pytest.raises(VerificationError) as caught:
        check(*given, **named)
    assert caught.value.reason in REASONS
    return caught.value.reason


@pytest.mark.parametrize("signature", [TITAN_HEX, TITAN_HEX.upper(), TITAN_BASE64])
def test_known_answers_of_a_body_signature_pass_in_either_encoding(signature: bytes) -> None:
    scheme = HmacScheme([TITAN_KEY], header="X-ServiceTitan-Signature", encoding="auto")
    scheme.verify(inbound([(b"x-servicetitan-signature", signature)], TITAN_BODY))


def test_a_known_answer_of_a_timestamped_signature_passes() -> None:
    scheme = HmacScheme(
        [b"supergood-test-secret"], header="x-signature", template="{timestamp}.{body}", timestamp_header="x-timestamp"
    )
    scheme.verify(inbound([(b"x-signature", TIMED_HEX), (b"x-timestamp", b"1775143300")], TIMED_BODY))


def test_an_encoding_that_is_not_configured_is_malformed() -> None:
    for encoding, signature in (("hex", TITAN_BASE64), ("base64", TITAN_HEX)):
        scheme = HmacScheme([TITAN_KEY], header="sig", encoding=encoding)  # type: ignore[arg-type]  # parametrized text
        assert "malformed" == reason(scheme.verify, inbound([(b"sig", signature)], TITAN_BODY))


def test_a_second_spelling_of_a_base64_digest_does_not_pass() -> None:
    spelled = TITAN_BASE64[:-2] + b"d="
    assert base64.b64decode(spelled) == base64.b64decode(TITAN_BASE64)
    assert "mismatch" == reason(check_signature, [spelled], [TITAN_KEY], TITAN_BODY, encoding="base64")


def test_one_good_signature_among_several_and_any_of_the_keys_is_enough() -> None:
    check_signature([b"", b"0" * 64, TITAN_HEX], [b"other", TITAN_KEY], TITAN_BODY)
    assert "mismatch" == reason(check_signature, [b"0" * 64], [b"other", TITAN_KEY], TITAN_BODY)
    assert "malformed" == reason(check_signature, [], [TITAN_KEY], TITAN_BODY)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_every_algorithm_verifies_what_it_signs(algorithm: Any, encoding: Any) -> None:
    signature = encoded(digest(b"key", b"a body", algorithm), encoding)
    scheme = HmacScheme([b"key"], header="sig", algorithm=algorithm, encoding="auto", prefix="v1=")
    scheme.verify(inbound([(b"sig", b"V1=" + signature)], b"a body"))
    assert "mismatch" == reason(scheme.verify, inbound([(b"sig", signature)], b"a bodY"))


def test_a_template_may_take_in_other_headers() -> None:
    scheme = HmacScheme([b"key"], header="sig", template="{header:X-Id}:{body}!", encoding="hex")
    signature = encoded(digest(b"key", b"id_1:text!"), "hex")
    scheme.verify(inbound([(b"sig", signature), (b"x-id", b"id_1")], b"text"))
    assert "missing" == reason(scheme.verify, inbound([(b"sig", signature)], b"text"))
    assert "repeated" == reason(scheme.verify, inbound([(b"sig", signature), (b"x-id", b"a"), (b"x-id", b"b")], b"t"))


@pytest.mark.parametrize(
    "parts",
    [
        {"keys": []},
        {"keys": [b"key", b""]},
        {"header": ""},
        {"header": "x y"},
        {"header": "Signatür"},
        {"template": ""},
        {"template": "{timestamp}.{body}"},
        {"template": "{body}{"},
        {"template": "body}"},
        {"template": "{body}{url}"},
        {"template": "{body}{header:}"},
        {"timestamp_header": "x-time"},
        {"timestamp_header": "x-time", "template": "{timestamp}"},
    ],
)
def test_a_scheme_whose_parts_do_not_fit_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        HmacScheme(**{"keys": [b"key"], "header": "sig", **parts})


@pytest.mark.parametrize("offset", [-300, -1, 0, 300])
def test_a_timestamp_within_the_tolerance_passes(offset: int) -> None:
    check_timestamp(b"%d" % (1_775_143_250 + offset), 1_775_143_250.0, 300)


@pytest.mark.parametrize("offset", [-301, 301, 10**9])
def test_a_timestamp_outside_the_tolerance_is_stale(offset: int) -> None:
    assert "stale" == reason(check_timestamp, b"%d" % (1_775_143_250 + offset), 1_775_143_250.0, 300)


@pytest.mark.parametrize("text", [b"", b"-1", b"+1", b"1.5", b" 1", b"1e9", b"0x1", b"1" * 13, "١".encode(), b"\xb2"])
def test_a_timestamp_is_digits_only(text: bytes) -> None:
    assert "malformed" == reason(check_timestamp, text, 0.0, 1e20)


def test_a_shared_key_passes_and_others_do_not() -> None:
    shared = SharedKey([b"new", b"old"])
    shared.check([b"new"])
    shared.check([b"old", b"old"])
    assert "missing" == reason(shared.check, [])
    assert "mismatch" == reason(shared.check, [b"newer"])
    assert "mismatch" == reason(shared.check, [b""])
    assert "repeated" == reason(shared.check, [b"new", b"old"])


def test_empty_secrets_do_not_exist() -> None:
    assert (b"a", "ü".encode()) == secret_bytes([SecretStr("a"), SecretStr("ü")])
    for secrets in ([], [SecretStr("")], [SecretStr("a"), SecretStr("  ")]):
        with pytest.raises(ValueError, match="secret"):
            secret_bytes(secrets)
    with pytest.raises(ValueError, match="empty"):
        SharedKey([])


def test_a_header_name_is_lowered_and_checked() -> None:
    assert b"api-signature" == header_bytes("Api-Signature")
    with pytest.raises(ValueError, match="name of a header"):
        header_bytes("a:b")


def test_basic_credentials_give_user_and_password() -> None:
    request = inbound([(b"authorization", b"Basic emFwaWVyOnMzY3JldC1wYXNz")])
    assert (b"zapier", b"s3cret-pass") == basic_credentials(request)
    assert bearer_token(request) is None
    assert basic_credentials(inbound([])) is None


@pytest.mark.parametrize(
    "given", [b"Basic", b"Basic ", b"basic !!!!", b"Basic emFwaWVy", b"Basic emFwaWV", b"Basic \xff"]
)
def test_broken_basic_credentials_are_malformed(given: bytes) -> None:
    assert "malformed" == reason(basic_credentials, inbound([(b"authorization", given)]))


def test_a_bearer_token_is_found_whatever_the_case_of_its_scheme() -> None:
    assert b"t.1" == bearer_token(inbound([(b"authorization", b"bEARER  t.1 ")]))
    assert "repeated" == reason(bearer_token, inbound([(b"authorization", b"Bearer a")] * 2))


@given(
    st.lists(
        st.tuples(st.sampled_from([b"sig", b"time", b"authorization", b"x-id"]), st.binary(max_size=90)), max_size=5
    ),
    st.binary(max_size=50),
    st.sampled_from(["hex", "base64", "auto"]),
)
def test_verification_is_total(headers: list[tuple[bytes, bytes]], body: bytes, encoding: Any) -> None:
    request = inbound(headers, body)
    template = "{header:x-id}{timestamp}{body}"
    scheme = HmacScheme([b"key"], header="sig", template=template, timestamp_header="time", encoding=encoding)
    assert reason(scheme.verify, request)
    for find in (bearer_token, basic_credentials):
        try:
            find(request)
        except VerificationError as error:
            assert error.reason in REASONS


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=100), st.data())
def test_a_changed_byte_anywhere_in_the_body_fails(body: bytes, key: bytes, data: st.DataObject) -> None:
    signature = encoded(digest(key, body), "base64")
    check_signature([signature], [key], body, encoding="base64")
    place = data.draw(st.integers(0, len(body)))
    changed = body[:place] + b"\x00" + body[place:]
    assert "mismatch" == reason(check_signature, [signature], [key], changed, encoding="base64")


@given(st.binary(max_size=200), st.binary(max_size=300), st.sampled_from(("sha256", "sha512", "sha1")))
def test_a_digest_is_that_of_the_standard_library(key: bytes, message: bytes, algorithm: Algorithm) -> None:
    assert hmac.digest(key, message, algorithm) == digest(key, message, algorithm)
