"""Tokens, names and origins: who may use the admin's door."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.errors import SettingsError
from hooks.web.auth import (
    GivenToken,
    Hosts,
    TokenFile,
    bearer,
    check_bind,
    create_token,
    ensure_token,
    forged,
    reached_only_here,
)
from hooks.web.guard import Guard
from hooks.web.sessions import Sessions
from tests.web.doors import StillClock


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def left_for_the_command_line(folder: Path) -> str:
    return (folder / "admin.token").read_text().strip()


def test_a_token_is_256_bits_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    token = create_token(folder)
    assert 43 == len(token)
    stored = (folder / "admin.tokens.json").read_text()
    assert token not in stored
    assert ["act"] == list(json.loads(stored)["tokens"].values())
    assert [0o700, 0o600, 0o600] == [
        mode(path) for path in (folder, folder / "admin.tokens.json", folder / "admin.token")
    ]
    assert token == left_for_the_command_line(folder)
    assert {"admin.token", "admin.tokens.json"} == {path.name for path in folder.iterdir()}


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        create_token(tmp_path / "data")
    finally:
        os.umask(old)
    assert {0o600} == {mode(path) for path in (tmp_path / "data").iterdir()}


def test_a_token_opens_and_others_do_not(tmp_path: Path) -> None:
    token = create_token(tmp_path)
    keys = TokenFile(tmp_path)
    assert "act" == keys.check(token)
    assert [None] * 4 == [keys.check(other) for other in ("", token[:-1], token + "A", token.swapcase())]


def test_a_rotation_counts_at_once_and_ends_the_old_token(tmp_path: Path) -> None:
    keys = TokenFile(tmp_path)
    assert keys.check("x") is None
    old = create_token(tmp_path)
    assert "act" == keys.check(old)
    new = create_token(tmp_path)
    assert [None, "act"] == [keys.check(old), keys.check(new)]
    assert new == left_for_the_command_line(tmp_path)


def test_a_reading_token_stands_beside_the_acting_one(tmp_path: Path) -> None:
    act = create_token(tmp_path)
    read = create_token(tmp_path, "read")
    keys = TokenFile(tmp_path)
    assert ["act", "read"] == [keys.check(act), keys.check(read)]
    assert act == left_for_the_command_line(tmp_path)


def test_the_first_start_makes_a_token_and_the_next_does_not(tmp_path: Path) -> None:
    first = ensure_token(tmp_path)
    assert first is not None
    assert ensure_token(tmp_path) is None
    assert "act" == TokenFile(tmp_path).check(first)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tokens": []}', '{"tokens": {"a": "root"}}', "\x00", "{"])
def test_a_broken_file_lets_nobody_in(tmp_path: Path, text: str) -> None:
    token = create_token(tmp_path)
    (tmp_path / "admin.tokens.json").write_text(text)
    assert TokenFile(tmp_path).check(token) is None


def test_a_folder_that_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="the admin token cannot be stored in"):
        create_token(tmp_path / "file" / "data")
    (tmp_path / "data" / "admin.tokens.json").mkdir(parents=True)
    with pytest.raises(SettingsError, match="the admin token cannot be stored in"):
        create_token(tmp_path / "data")
    assert {"admin.token", "admin.tokens.json"} == {path.name for path in (tmp_path / "data").iterdir()}


def test_a_given_token_replaces_the_file() -> None:
    keys = GivenToken("a-token-of-the-settings")
    assert ["act", None, None] == [keys.check(token) for token in ("a-token-of-the-settings", "", "another")]
    assert "settings" not in repr(vars(keys))


@given(st.text())
def test_no_text_is_a_token_by_accident(text: str) -> None:
    assert GivenToken("a-token-of-the-settings\0").check(text) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LocalHost"])
def test_loopback_needs_no_token_of_ones_own(host: str) -> None:
    assert reached_only_here(host)
    check_bind(host, token_given=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "hooks.example.org", "", "localhost.example.org"])
def test_a_wider_bind_needs_one(host: str) -> None:
    with pytest.raises(SettingsError, match="HOOKS_ADMIN_TOKEN"):
        check_bind(host, token_given=False)
    check_bind(host, token_given=True)


def test_a_wide_door_also_goes_by_addresses_in_figures() -> None:
    wide = Hosts("0.0.0.0")
    assert [True, True, False] == [wide.allow(host) for host in ("192.0.2.1:8081", "[2001:db8::1]", "evil.example.net")]
    assert not Hosts("127.0.0.1").allow("192.0.2.1")


@given(st.text())
def test_any_host_header_is_judged(host: str) -> None:
    assert Hosts("127.0.0.1").allow(host) in (True, False)


@given(st.dictionaries(st.sampled_from(["origin", "host", "sec-fetch-site"]), st.text()))
def test_any_origin_is_judged(headers: dict[str, str]) -> None:
    assert forged(headers) in (True, False)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer  a ", "a"),
        ("bearer a", "a"),
        ("Basic a", None),
        ("a", None),
    ],
)
def test_a_bearer_token_is_found(header: str | None, token: str | None) -> None:
    assert token == bearer(header)


async def test_a_fault_after_the_answer_began_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/late":
            await send({"type": "http.response.start", "status": 200})
        raise RuntimeError("canary")

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    keys = GivenToken("a-token-of-the-settings")
    guard = Guard(app, keys, Sessions(keys, StillClock()), Hosts("127.0.0.1"), lambda: True)
    headers = [(b"host", b"localhost"), (b"authorization", b"Bearer a-token-of-the-settings")]
    statuses = []
    with caplog.at_level(logging.DEBUG):
        for path in ("/late", "/early"):
            sent: list[Any] = []
            await guard({"type": "http", "method": "GET", "path": path, "headers": headers}, receive, send)
            statuses.append([message["status"] for message in sent if "status" in message])
        await guard({"type": "websocket"}, receive, send)
    assert [[200], [500]] == statuses
    assert "canary" not in caplog.text
