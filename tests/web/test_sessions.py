"""Signing in to the console: what a session cookie allows, until when, and what does not count as one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hooks.web.admin import admin
from hooks.web.auth import Access, GivenToken, Hosts
from hooks.web.sessions import COOKIE, LASTS, Sessions, cookie_of
from tests.web.test_admin_api import Archive, Drawer, Engine

TOKEN = "a-token-for-the-console-tests"
HTML = {"accept": "text/html"}


class MovedClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Door:
    def __init__(self) -> None:
        self.clock = MovedClock()
        app = admin(Archive(), Engine(), Drawer(), self.clock, GivenToken(TOKEN), Hosts("127.0.0.1"))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8081")

    async def sign_in(self, token: str = TOKEN, there: str = "/runs?state=held", **headers: str) -> httpx.Response:
        return await self.client.post("/sign-in", data={"token": token, "next": there}, headers={**HTML, **headers})


async def test_a_browser_is_asked_to_sign_in_and_comes_back_to_where_it_wanted_to_go() -> None:
    door = Door()
    sent_away = await door.client.get("/runs?state=held", headers=HTML)
    assert (303, "/sign-in?next=%2Fruns%3Fstate%3Dheld") == (sent_away.status_code, sent_away.headers["location"])
    page = await door.client.get(sent_away.headers["location"], headers=HTML)
    assert 200 == page.status_code
    assert 'value="/runs?state=held"' in page.text
    answer = await door.sign_in()
    assert (303, "/runs?state=held") == (answer.status_code, answer.headers["location"])
    assert 200 == (await door.client.get("/sign-in")).status_code
    assert 200 == (await door.client.get("/api/v1/stats")).status_code


async def test_the_cookie_is_for_this_site_only_and_never_the_token() -> None:
    cookie = (await Door().sign_in()).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={LASTS}"} <= set(cookie.split("; "))
    assert TOKEN not in cookie


async def test_a_wrong_token_is_told_so_and_gets_no_cookie() -> None:
    answer = await Door().sign_in("some-other-token")
    assert 401 == answer.status_code
    assert "none of this server" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "there",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "", "/sign-in", "//["],
)
async def test_nobody_is_sent_elsewhere_after_signing_in(there: str) -> None:
    door = Door()
    page = await door.client.get("/sign-in", params={"next": there}, headers=HTML)
    assert (200, True) == (page.status_code, 'name="next" value="/"' in page.text)
    assert "/" == (await door.sign_in(there=there)).headers["location"]


async def test_another_site_can_neither_sign_anybody_in_nor_use_a_session() -> None:
    door = Door()
    assert 403 == (await door.sign_in(**{"sec-fetch-site": "cross-site"})).status_code
    await door.sign_in()
    foreign = {"sec-fetch-site": "cross-site", "content-type": "application/json"}
    assert 403 == (await door.client.post("/api/v1/rules/reload", headers=foreign)).status_code
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert 415 == (await door.client.post("/api/v1/rules/reload", headers=form, content=b"a=b")).status_code
    assert 200 == (await door.client.post("/api/v1/rules/reload", json={})).status_code


async def test_a_session_ends_after_its_time_and_at_the_sign_out() -> None:
    door = Door()
    await door.sign_in()
    await door.clock.sleep(LASTS - 1)
    assert 200 == (await door.client.get("/api/v1/stats")).status_code
    await door.clock.sleep(2)
    assert 401 == (await door.client.get("/api/v1/stats")).status_code
    await door.sign_in()
    await door.client.post("/sign-out", json={})
    assert COOKIE not in door.client.cookies


class Tokens:
    """A token for each access, which can be rotated."""

    def __init__(self) -> None:
        self.generation = 0

    def check(self, presented: str) -> Access | None:
        return None

    def signing_key(self, access: Access) -> bytes | None:
        return f"{access} {self.generation}".encode()


def test_a_rotated_token_ends_its_sessions() -> None:
    tokens = Tokens()
    sessions = Sessions(tokens, MovedClock())
    begun = sessions.begin("read")
    assert "read" == sessions.check(begun)
    tokens.generation += 1
    assert sessions.check(begun) is None


def test_who_may_read_cannot_make_it_a_session_that_acts() -> None:
    sessions = Sessions(Tokens(), MovedClock())
    assert sessions.check(sessions.begin("read").replace("read", "act", 1)) is None


@given(st.text(max_size=200))
def test_no_text_is_a_session_by_chance(text: str) -> None:
    assert Sessions(Tokens(), MovedClock()).check(text) is None


@given(st.integers(0, 400), st.characters())
@example(15, "\ud800")
def test_a_session_that_was_tampered_with_is_none(at: int, character: str) -> None:
    sessions = Sessions(Tokens(), MovedClock())
    begun = sessions.begin("act")
    at %= len(begun)
    changed = begun[:at] + character + begun[at + 1 :]
    assert changed == begun or sessions.check(changed) is None


@given(st.text(max_size=200))
def test_any_cookie_header_can_be_read(header: str) -> None:
    cookie_of(header)


@pytest.mark.parametrize("name", ["..%2fpages.py", "..", ".hidden.css", "pages.py", "layout.html", "nothing.css"])
async def test_only_the_style_is_served_to_anybody(name: str) -> None:
    client = Door().client
    assert (await client.get(f"/static/{name}")).status_code in (401, 404)
    assert 200 == (await client.get("/static/console.css")).status_code
