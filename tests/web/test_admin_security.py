"""The operator's page and the admin API by the list of what such doors have failed at, on a real server.

Each test is a line of that list; tokens, sessions, hosts and origins in detail are in test_auth, test_sessions and
test_admin_api.
"""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from hooks.app import App
from hooks.errors import SettingsError
from hooks.settings import Settings, load_settings
from hooks.web.auth import Hosts, create_token

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>\u202egnp.exe\x07{{7*7}}=cmd|calc"
RULES = """\
version: 1
sources:
  leads: {vendor: zapier, key: "${secret.LEADS_KEY}", type: '<b>t</b>'}
connections:
  office: {vendor: http, base_url: "http://127.0.0.1:9/"}
rules:
  - id: tell-the-office
    event: lead.created
    do:
      - action: http.request
        with: {method: POST, path: /notes, json: {about: "${data.customer.display_name}"}}
"""
KEY = "a-key-for-leads-of-a-test"


def settings(folder: Path, **changed: Any) -> Settings:
    routes = folder / "routes.yaml"
    routes.write_text(RULES.replace(", type: '<b>t</b>'", ""))
    ready = Settings(routes=routes, data=folder / "data", port=0, admin_port=0, durability="relaxed", free_space=0)
    return replace(ready, **changed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADS_KEY", KEY)
        running = App(settings(tmp_path_factory.mktemp("door"), admin_hosts=("https://hooks.example.org", "office-pc")))
        await running.start()
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.post(
                f"{running.inbox_url}/in/leads",
                params={"key": KEY},
                json={"Name": HOSTILE, "Notes": HOSTILE, "Email": HOSTILE},
            )
            assert 202 == answer.status_code
        event = answer.json()["events"][0]
        while (await running.history.event(event))["state"] == "pending":  # type: ignore[index]
            await asyncio.sleep(0.02)
        yield running
        await running.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


def act_token(app: App) -> str:
    return (app.settings.data / "admin.token").read_text().strip()


def session(app: App, **headers: str) -> httpx.AsyncClient:
    assert app.admin_url is not None
    return httpx.AsyncClient(base_url=app.admin_url, trust_env=False, verify=False, headers=headers)


async def signed_in(app: App, client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/sign-in", data={"token": act_token(app), "name": "Ada"})


async def test_it_listens_on_this_machine_only_and_not_where_webhooks_come_in(app: App, tmp_path: Path) -> None:
    assert app.admin_url is not None and app.inbox_url is not None
    assert app.admin_url.startswith("http://127.0.0.1:")
    assert app.admin_url != app.inbox_url
    async with session(app) as client:
        for path in ("/api/v1/stats", "/metrics", "/openapi.json", "/sign-in", "/"):
            assert 404 == (await client.get(f"{app.inbox_url}{path}")).status_code
    with pytest.raises(SettingsError, match="HOOKS_ADMIN_TOKEN"):
        await App(settings(tmp_path, admin_host="0.0.0.0")).start()


async def test_the_first_start_makes_a_token_of_256_bits_and_keeps_its_hash(app: App) -> None:
    assert app.new_token == act_token(app)
    assert len(act_token(app)) == 43
    kept = app.settings.data / "admin.tokens.json"
    assert act_token(app) not in kept.read_text()
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in (kept, app.settings.data / "admin.token")}


async def test_every_path_but_the_open_ones_asks_who_comes(app: App) -> None:
    async with session(app, authorization=f"Bearer {act_token(app)}") as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    async with session(app) as client:
        for path, operations in paths.items():
            for method in operations:
                asked = path.replace("{", "").replace("}", "")
                answer = await client.request(method, asked, headers={"content-type": "application/json"})
                assert (401, "Bearer") == (answer.status_code, answer.headers["www-authenticate"]), asked
        for path in ("/", "/events", "/runs", "/rules", "/connections", "/receipts", "/vendors", "/sign-out"):
            assert 401 == (await client.get(path)).status_code
        for path in ("/healthz", "/readyz"):
            assert (await client.get(path)).text in ("ok", "not ready")


async def test_a_reading_token_can_change_nothing_that_there_is(app: App) -> None:
    reading = create_token(app.settings.data, "read")
    async with session(app, authorization=f"Bearer {reading}") as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
        changing = [path for path, operations in paths.items() if "post" in operations]
        assert len(changing) > 15
        assert {"get", "post"} >= {method for operations in paths.values() for method in operations}
        for path in changing:
            answer = await client.post(path.replace("{", "").replace("}", ""), json={})
            assert 403 == answer.status_code, path


async def test_hidden_fields_show_in_no_list_search_or_page_about_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADS_KEY", KEY)
    app = App(settings(tmp_path, masked=("last_name", "phone", "email")))
    await app.start()
    try:
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            lead = {"Name": "Maya Ortiz", "Phone": "303-555-0142", "Email": "maya@example.org"}
            await client.post(f"{app.inbox_url}/in/leads", params={"key": KEY}, json=lead)
        async with session(app, authorization=f"Bearer {act_token(app)}") as client:
            while not (people := (await client.get("/api/v1/people")).json()["items"]):
                await asyncio.sleep(0.02)
            assert ("***", ["***"], ["***"]) == tuple(people[0][name] for name in ("name", "phones", "emails"))
            lists = ("/", "/events?q=Ortiz", "/events?q=303555", "/runs", "/people", "/people?q=Ortiz")
            listed = [await client.get(path) for path in lists]
            opened = await client.get(f"/people/{people[0]['id']}")
        for answer in listed:
            assert not any(
                word in answer.text.partition("<main")[2] for word in ("Maya", "5550142", "maya@example.org")
            )
        assert ["lead.created" in answer.text for answer in listed[1:3]] == [True, True]
        assert "Maya Ortiz" in opened.text
        async with session(app, authorization=f"Bearer {create_token(app.settings.data, 'read')}") as client:
            for path in (*lists, f"/people/{people[0]['id']}", f"/api/v1/people/{people[0]['id']}"):
                page = (await client.get(path)).text.partition("<main")[2] or (await client.get(path)).text
                assert not any(word in page for word in ("Maya", "5550142")), path
    finally:
        await app.stop()


async def test_behind_a_proxy_with_tls_the_cookie_is_for_tls_only(app: App) -> None:
    async with session(app) as client:
        assert "Secure" not in (await signed_in(app, client)).headers["set-cookie"]
    async with session(app, host="office-pc:8081") as client:
        assert "Secure" not in (await signed_in(app, client)).headers["set-cookie"]
    async with session(app, host="hooks.example.org") as client:
        cookie = (await signed_in(app, client)).headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Secure", "Max-Age=43200", "Path=/"):
        assert part in cookie
    assert act_token(app) not in cookie


async def test_each_sign_in_is_another_session(app: App) -> None:
    async with session(app) as client:
        first, second = [(await signed_in(app, client)).cookies["hooks_session"] for _ in range(2)]
    assert first != second


async def test_other_names_than_ours_are_refused(app: App) -> None:
    async with session(app, authorization=f"Bearer {act_token(app)}") as client:
        for host in ("evil.example", "hooks.example.org.evil.example", "", "127.0.0.1@evil.example", "10.0.0.8"):
            answer = await client.get("/api/v1/stats", headers={"host": host})
            assert answer.status_code in (400, 403), host
        for host in ("hooks.example.org", "HOOKS.example.org:443", "office-pc", "localhost:1"):
            assert 200 == (await client.get("/api/v1/stats", headers={"host": host})).status_code, host


async def test_stored_markup_stays_text_on_every_page(app: App) -> None:
    assert app.admin_url is not None
    async with session(app, accept="text/html") as client:
        await signed_in(app, client)
        event = (await client.get("/api/v1/events")).json()["items"][0]
        pages = ["/", "/events", f"/events/{event['id']}", "/runs", f"/runs/{event['runs'][0]['id']}", "/receipts"]
        pages += [f"/receipts/{event['receipt']}", "/rules", "/connections", f"/events?q={HOSTILE[:20]}"]
        for path in pages:
            answer = await client.get(path)
            assert 200 == answer.status_code, path
            for markup in ("<script>alert", "<img src=x", "\u202e", "\x07"):
                assert markup not in answer.text, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http:" not in policy
        body = await client.get(f"/receipts/{event['receipt']}/body")
        assert body.headers["content-disposition"].startswith("attachment; ")
        assert "application/octet-stream" == body.headers["content-type"]
        assert "nosniff" == body.headers["x-content-type-options"]


async def test_an_answer_of_the_api_is_never_taken_for_a_page(app: App) -> None:
    async with session(app, authorization=f"Bearer {act_token(app)}", accept="text/html") as client:
        event = (await client.get("/api/v1/events")).json()["items"][0]
        run = event["runs"][0]["id"]
        for path in ("events", f"events/{event['id']}", f"runs/{run}", f"runs/{run}/case", "people"):
            answer = await client.get(f"/api/v1/{path}")
            assert ("application/json", "nosniff") == (
                answer.headers["content-type"],
                answer.headers["x-content-type-options"],
            )
        assert "attachment" in (await client.get(f"/api/v1/runs/{run}/case")).headers["content-disposition"]


async def test_no_key_of_a_sender_shows_anywhere(app: App) -> None:
    async with session(app, authorization=f"Bearer {act_token(app)}") as client:
        listed = (await client.get("/api/v1/receipts")).json()["items"][0]
        shown = [await client.get(f"/api/v1/{path}") for path in ("receipts", f"receipts/{listed['id']}", "sources")]
    assert all(KEY not in answer.text for answer in shown)
    assert "<script>" in json.dumps(shown[1].json()["body"]), "the body itself is there for those who may act"


@pytest.mark.parametrize("text", ["evil example", "http://x", "a,b/c", "a?b", "x@y", "https://", "*.example.org"])
async def test_a_name_that_cannot_stand_in_an_address_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_ADMIN_HOSTS", text)
    with pytest.raises(SettingsError, match="HOOKS_ADMIN_HOSTS"):
        load_settings()


async def test_names_are_given_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_ADMIN_HOSTS", " office-pc, https://Hooks.example.org/,[fd00::1]:8081,")
    hosts = Hosts("127.0.0.1", load_settings().admin_hosts)
    assert all(map(hosts.allow, ("office-pc", "office-pc:80", "hooks.example.org", "[fd00::1]")))
    assert [True, False, False] == [hosts.secure(host) for host in ("HOOKS.example.org:443", "office-pc", "[")]
    assert not any(map(hosts.allow, ("", "other", "[fd00::2]")))
