"""Seals: whoever knows the credentials opens what was closed with them, and nobody else does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.kit.sealing import NONCE, TAG, Seal

OURS = Seal("https://auth.example/token", "client", "a secret of a client")


@settings(max_examples=25)
@given(st.text(max_size=100))
def test_what_was_closed_is_opened_again(text: str) -> None:
    assert text == OURS.open(OURS.close(text))


def test_the_same_credentials_make_the_same_seal_and_others_make_another() -> None:
    again = Seal("https://auth.example/token", "client", "a secret of a client")
    other = Seal("https://auth.example/token", "client", "another secret")
    shifted = Seal("https://auth.example/token", "cli", "enta secret of a client")

    assert (OURS.name, "the token") == (again.name, again.open(OURS.close("the token")))
    assert 3 == len({OURS.name, other.name, shifted.name})
    assert other.open(OURS.close("the token")) is None


def test_nothing_of_a_text_shows_and_no_two_seals_are_alike() -> None:
    one, other = OURS.close("the token " * 20), OURS.close("the token " * 20)

    assert b"token" not in one
    assert not {one[at : at + 8] for at in range(len(one) - 8)} & {other[at : at + 8] for at in range(len(other) - 8)}


@pytest.mark.parametrize("at", [0, NONCE - 1, NONCE, NONCE + 5, -TAG, -1])
def test_what_somebody_has_changed_is_not_opened(at: int) -> None:
    sealed = bytearray(OURS.close("the token"))
    sealed[at] ^= 1
    assert OURS.open(bytes(sealed)) is None


@settings(max_examples=25)
@given(st.binary(max_size=120))
def test_rubbish_is_not_opened(rubbish: bytes) -> None:
    assert OURS.open(rubbish) is None
