"""The checks that ``verify:``, ``key:`` and ``unverified:`` describe."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from hooks.errors import VerificationError
from hooks.kit.guards import MAX_SIGNATURES, PRESETS, Guard, OpenGuard, Unverified, Verify, make_guard
from hooks.ports import Inbound
from hooks.values import Secrets
from tests.vendors.knocking import STAMP, hmac_hex, inbound

BODY = b'{"a":1}'
SECRET = "a secret of the tests"


class Keys(BaseModel):
    model_config = {"extra": "forbid"}

    verify: Verify | None = None
    secret: Secrets = ()
    key: Secrets = ()
    unverified: Unverified = None


def guard(**keys: Any) -> Guard:
    given = Keys.model_validate(keys)
    return make_guard(given.verify, secret=given.secret, key=given.key, unverified=given.unverified)


def reason(checker: Guard, request: Inbound) -> str | None:
    try:
        checker.verify(request)
    except VerificationError as error:
        return error.reason
    return None


# --- settings ---


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "nothing says how its requests are checked"),
        ({"verify": "github"}, "`secret` is missing"),
        ({"verify": "github", "secret": ""}, "a secret is empty"),
        ({"verify": "github", "secret": SECRET, "unverified": "a good reason"}, "exclude each other"),
        ({"key": SECRET, "verify": "github", "secret": SECRET}, "exclude each other"),
        ({"key": SECRET, "secret": SECRET}, "`secret` belongs to `verify`"),
        ({"secret": SECRET}, "nothing says"),
        ({"key": ["", SECRET]}, "a secret is empty"),
        ({"verify": {"scheme": "hmac", "header": "X-S"}}, "`verify.secret` is missing"),
        ({"verify": {"scheme": "token"}}, "`verify.key` is missing"),
        ({"verify": {"scheme": "basic", "username": "u"}}, "`verify.password` is missing"),
        ({"verify": {"scheme": "basic", "username": "", "password": "p"}}, "`verify.username` is empty"),
        ({"verify": {"scheme": "hmac", "header": "X-S", "secret": "a"}, "secret": "b"}, "keep one"),
        ({"verify": {"scheme": "hmac", "header": "X S", "secret": "a"}}, "not the name of a header"),
        ({"verify": {"scheme": "token", "header": "X S", "key": "a"}}, "not the name of a header"),
        ({"verify": {"scheme": "hmac", "header": "X-S", "secret": "a", "template": "x"}}, "leaves out"),
        (
            {"verify": {"scheme": "hmac", "header": "X-S", "secret": "a", "template": "{timestamp}{body}"}},
            "timestamp_header",
        ),
        ({"verify": "nobody"}, "Input should be"),
        ({"verify": {"scheme": "magic"}}, "verify is one of github, shopify, slack, stripe"),
        ({"verify": {"header": "X-S"}}, "verify is one of"),
        ({"verify": 5}, "verify is one of"),
        ({"verify": {"scheme": "hmac", "header": "X-S", "secret": "a", "tolerance": 300}}, "needs its unit"),
        ({"unverified": True}, "say in words why"),
        ({"unverified": "true"}, "say in words why"),
        ({"unverified": "  "}, "say in words why"),
        ({"unverified": 1}, "say in words why"),
    ],
)
def test_settings_that_are_not_one_whole_check_are_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        guard(**keys)
    assert SECRET not in str(caught.value)


def test_an_open_source_says_why() -> None:
    assert Keys(unverified=None).unverified is None
    assert isinstance(guard(unverified="only our own network reaches it"), OpenGuard)
    assert reason(guard(unverified="only our own network reaches it"), inbound(b"")) is None


def test_a_secret_may_stand_in_the_scheme_or_beside_it() -> None:
    signed = inbound(BODY, ("X-S", hmac_hex(SECRET, BODY)))
    within = guard(verify={"scheme": "hmac", "header": "X-S", "secret": SECRET})
    beside = guard(verify={"scheme": "hmac", "header": "X-S"}, secret=SECRET)
    assert [None, None] == [reason(within, signed), reason(beside, signed)]


# --- known answers of others ---

SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
    b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


def test_the_example_of_githubs_documents_verifies() -> None:
    checker = guard(verify="github", secret="It's a Secret to Everybody")
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert reason(checker, inbound(b"Hello, World!", ("X-Hub-Signature-256", signature))) is None
    assert "mismatch" == reason(checker, inbound(b"Hello, World?", ("X-Hub-Signature-256", signature)))


def test_the_example_of_slacks_documents_verifies() -> None:
    checker = guard(verify="slack", secret="8f742231b10e8888abcd99yyyzzz85a5")
    headers = (
        ("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ("X-Slack-Request-Timestamp", "1531420618"),
    )
    assert reason(checker, inbound(SLACK_BODY, *headers, at=1531420618)) is None
    assert "stale" == reason(checker, inbound(SLACK_BODY, *headers, at=1531420618 + 301))
    assert "mismatch" == reason(checker, inbound(SLACK_BODY + b"&", *headers, at=1531420618))


def test_a_shopify_signature_is_base64_over_the_body() -> None:
    checker = guard(verify="shopify", secret=SECRET)
    signature = b64encode(hmac.new(SECRET.encode(), BODY, hashlib.sha256).digest()).decode()
    assert reason(checker, inbound(BODY, ("X-Shopify-Hmac-Sha256", signature))) is None
    assert "mismatch" == reason(checker, inbound(b"{}", ("X-Shopify-Hmac-Sha256", signature)))
    assert "malformed" == reason(checker, inbound(BODY, ("X-Shopify-Hmac-Sha256", hmac_hex(SECRET, BODY))))


# --- stripe ---


def stripe(secret: str = SECRET, at: int = STAMP, body: bytes = BODY) -> str:
    return hmac_hex(secret, f"{at}.".encode() + body)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"t={STAMP},v1={stripe()}", None),
        (f"t={STAMP}, v1={stripe('old')}, v1={stripe()}, v0=abc", None),
        (f"t={STAMP - 300},v1={stripe(at=STAMP - 300)}", None),
        (f"t={STAMP - 301},v1={stripe(at=STAMP - 301)}", "stale"),
        (f"t={STAMP + 301},v1={stripe(at=STAMP + 301)}", "stale"),
        (f"t={STAMP},v1={stripe('other')}", "mismatch"),
        (f"t={STAMP},v1={stripe(body=b'{}')}", "mismatch"),
        (f"t={STAMP},v0={stripe()}", "malformed"),
        (f"t={STAMP},v1=", "malformed"),
        (f"t={STAMP},t={STAMP},v1={stripe()}", "malformed"),
        (f"v1={stripe()}", "malformed"),
        (f"t=soon,v1={stripe()}", "malformed"),
        (f"t={STAMP}" + f",v1={stripe('other')}" * MAX_SIGNATURES + f",v1={stripe()}", "malformed"),
        ("", "missing"),
        (",", "malformed"),
    ],
)
def test_stripes_header_holds_a_time_and_one_or_more_signatures(header: str, expected: str | None) -> None:
    assert expected == reason(guard(verify="stripe", secret=SECRET), inbound(BODY, ("Stripe-Signature", header)))


# --- schemes ---


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_an_hmac_scheme_has_all_its_parts_from_the_settings(algorithm: str) -> None:
    checker = guard(
        verify={
            "scheme": "hmac",
            "header": "X-Sig",
            "template": "{header:X-Id}|{timestamp}|{body}",
            "algorithm": algorithm,
            "prefix": "v9=",
            "timestamp_header": "X-Time",
            "tolerance": "1m",
            "secret": [SECRET, "the old one"],
        }
    )

    def request(secret: str, at: int = STAMP) -> Inbound:
        signature = hmac_hex(secret, f"id-1|{at}|".encode() + BODY, algorithm)
        return inbound(BODY, ("X-Id", "id-1"), ("X-Time", str(at)), ("X-Sig", f"v9={signature}"))

    assert [None, None] == [reason(checker, request(secret)) for secret in (SECRET, "the old one")]
    assert "mismatch" == reason(checker, request("another"))
    assert "stale" == reason(checker, request(SECRET, STAMP - 61))
    assert frozenset({b"x-sig", b"x-time"}) == checker.credentials


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (inbound(BODY, ("X-Api-Key", SECRET)), None),
        (inbound(BODY, ("Authorization", f"Bearer {SECRET}")), None),
        (inbound(BODY, ("Authorization", "Basic " + b64encode(f"any:{SECRET}".encode()).decode())), None),
        (inbound(BODY, query=b"key=a%20secret%20of%20the%20tests"), None),
        (inbound(BODY, query=b"a=1&KEY=a+secret+of+the+tests"), None),
        (inbound(BODY), "missing"),
        (inbound(BODY, query=b"key="), "missing"),
        (inbound(BODY, ("X-Api-Key", "")), "missing"),
        (inbound(BODY, ("X-Api-Key", SECRET), query=b"key=other"), "repeated"),
        (inbound(BODY, ("X-Api-Key", SECRET), ("X-Api-Key", SECRET)), "repeated"),
        (inbound(BODY, ("X-Api-Key", SECRET + "x")), "mismatch"),
    ],
)
def test_a_key_without_a_place_is_found_where_keys_stand(request_: Inbound, expected: str | None) -> None:
    assert expected == reason(guard(key=SECRET), request_)
    assert expected == reason(guard(verify={"scheme": "token", "key": SECRET}), request_)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (inbound(BODY, ("X-Gitlab-Token", f"Token {SECRET}")), None),
        (inbound(BODY, ("X-Gitlab-Token", f"token {SECRET}")), None),
        (inbound(BODY, ("X-Gitlab-Token", SECRET)), "malformed"),
        (inbound(BODY, ("X-Gitlab-Token", "Token other")), "mismatch"),
        (inbound(BODY, ("X-Gitlab-Token", f"Token {SECRET}"), ("X-Gitlab-Token", f"Token {SECRET}")), "repeated"),
        (inbound(BODY, ("X-Api-Key", SECRET)), "missing"),
    ],
)
def test_a_key_with_a_header_counts_there_only(request_: Inbound, expected: str | None) -> None:
    verify = {"scheme": "token", "header": "X-Gitlab-Token", "prefix": "Token ", "key": SECRET}
    assert expected == reason(guard(verify=verify), request_)


@pytest.mark.parametrize(
    ("pair", "expected"),
    [("zapier:s3cret-pass", None), ("zapier:old", None), ("other:s3cret-pass", "mismatch"), ("zapier:x", "mismatch")],
)
def test_basic_credentials_have_a_user_and_a_password(pair: str, expected: str | None) -> None:
    checker = guard(verify={"scheme": "basic", "username": "zapier", "password": ["s3cret-pass", "old"]})
    assert expected == reason(checker, inbound(BODY, ("Authorization", "Basic " + b64encode(pair.encode()).decode())))
    assert "missing" == reason(checker, inbound(BODY))


# --- hostile requests ---

GUARDS = [
    *(guard(verify=name, secret=SECRET) for name in PRESETS),
    guard(key=SECRET),
    guard(verify={"scheme": "token", "header": "X-Api-Key", "key": SECRET}),
    guard(verify={"scheme": "basic", "username": "u", "password": SECRET}),
    guard(verify={"scheme": "hmac", "header": "X-Api-Key", "encoding": "auto", "secret": SECRET}),
]
NAMES = sorted({name for checker in GUARDS for name in checker.credentials})


@given(
    st.sampled_from(GUARDS),
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.binary(max_size=80) | st.text("tv01=,. 9a", max_size=40).map(str.encode))
    ),
    st.binary(max_size=40),
    st.binary(max_size=30),
)
def test_verifying_is_total(checker: Guard, headers: list[tuple[bytes, bytes]], body: bytes, query: bytes) -> None:
    request = Inbound("POST", "", query, headers, body, inbound(b"").received_at)
    assert reason(checker, request) in {"missing", "malformed", "repeated", "stale", "mismatch"}


def test_no_secret_shows_in_what_is_printed() -> None:
    keys = Keys.model_validate({"verify": {"scheme": "hmac", "header": "X-S", "secret": SECRET}, "key": SECRET})
    assert SECRET not in repr(keys) + keys.model_dump_json()


def test_an_unknown_key_of_a_scheme_is_refused() -> None:
    with pytest.raises(ValidationError, match="headr"):
        guard(verify={"scheme": "hmac", "headr": "X-S", "secret": SECRET})
