"""A rule's secrets stay out of the tables, and come back for sending."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hooks.events import Request
from hooks.pipeline.hidden import hide, hide_request, show, show_request

SECRETS = {"OFFICE": "s3cret-of-the-office", "OTHER": "another/one+"}


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    value: Any = {"headers": {"x": "Bearer s3cret-of-the-office"}, "list": ["another/one+", 1, None, True]}
    hidden = hide(value, SECRETS)
    assert {"headers": {"x": "Bearer ${secret.OFFICE}"}, "list": ["${secret.OTHER}", 1, None, True]} == hidden
    assert value == show(hidden, SECRETS)


def test_without_secrets_nothing_changes() -> None:
    value = {"a": "${secret.OFFICE}"}
    assert value == hide(value, {}) == show(value, {})


def test_a_request_is_hidden_in_its_headers_and_otherwise_untouched() -> None:
    request = Request("POST", "/notes", (("a", "b"),), {"x-key": SECRETS["OFFICE"]}, b"body")
    hidden = hide_request(request, SECRETS)
    assert {"x-key": "${secret.OFFICE}"} == hidden.headers
    assert (request.method, request.path, request.query, request.body) == (
        hidden.method,
        hidden.path,
        hidden.query,
        hidden.body,
    )
    assert request == show_request(hidden, SECRETS)
    assert show_request(None, SECRETS) is None
    assert request is hide_request(request, {})


texts = st.text(max_size=8) | st.sampled_from([*SECRETS.values(), "x" + SECRETS["OTHER"] + "y"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_hiding_leaves_no_secret_and_showing_gives_everything_back(value: Any) -> None:
    hidden = hide(value, SECRETS)
    assert not any(secret in str(hidden) for secret in SECRETS.values())
    assert value == show(hidden, SECRETS)
