"""The server as a whole: how it starts, what it leaves when it cannot, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from hooks.app import App
from hooks.errors import SettingsError, StoreRefused
from hooks.rules.findings import RulesInvalid
from hooks.settings import Role, Settings
from tests.journeys.world import ADMIN_TOKEN, SECRETS

RULES = """\
version: 1
sources:
  leads: {vendor: zapier, key: "${secret.LEADS_KEY}"}
"""


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        yield client


def settings(folder: Path, *, token: str | None = ADMIN_TOKEN, strict: bool = False, role: Role = "all") -> Settings:
    routes = folder / "routes.yaml"
    if not routes.exists():
        routes.write_text(RULES, encoding="utf-8")
    data = folder / "data"
    return Settings(
        routes=routes,
        data=data,
        port=0,
        admin_port=0,
        admin_token=token,
        strict=strict,
        role=role,
        durability="relaxed",
        free_space=0,
    )


async def test_it_tells_where_it_is_to_its_owner_only_and_takes_it_back(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    app = App(settings(tmp_path))
    await app.start()
    told = tmp_path / "data" / "server.json"
    assert {
        "inbox": app.inbox_url,
        "admin": app.admin_url,
        "pid": os.getpid(),
        "database": f"sqlite:///{tmp_path / 'data' / 'hooks.db'}",
        "locked": True,
    } == json.loads(told.read_text())
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in (told, tmp_path / "data" / "hooks.db")}
    assert 0o700 == stat.S_IMODE((tmp_path / "data").stat().st_mode)
    assert app.ready()
    assert [200, 200] == [(await client.get(f"{app.inbox_url}/{path}")).status_code for path in ("healthz", "readyz")]

    await app.stop()
    await app.stop()

    assert not told.exists()
    assert not app.ready()
    with pytest.raises(httpx.ConnectError):
        await client.get(f"{app.inbox_url}/healthz")


async def test_senders_are_put_off_until_the_last_call_is_over(tmp_path: Path, client: httpx.AsyncClient) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def slow_vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await answered.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    vendor = await asyncio.start_server(slow_vendor, "127.0.0.1", 0)
    rules = f"""\
connections:
  slow: {{vendor: http, base_url: "http://127.0.0.1:{vendor.sockets[0].getsockname()[1]}"}}
rules:
  - {{id: tell, event: lead.created, do: [{{action: http.request, with: {{method: PUT, path: /lead}}}}]}}
"""
    (tmp_path / "routes.yaml").write_text(RULES + rules, encoding="utf-8")
    app = App(settings(tmp_path))
    await app.start()
    address, key = f"{app.inbox_url}/in/leads", {"x-api-key": SECRETS["LEADS_KEY"]}
    taken = await client.post(address, json={"Name": "Maya"}, headers=key)
    await asyncio.wait_for(asked.wait(), 10)

    stopping = asyncio.create_task(app.stop())
    await asyncio.sleep(0.1)
    late = await client.post(address, json={"Name": "Leo"}, headers=key)
    red = await client.get(f"{app.inbox_url}/readyz")
    answered.set()
    await asyncio.wait_for(stopping, 10)
    vendor.close()

    assert (202, 429, 503) == (taken.status_code, late.status_code, red.status_code)
    assert late.headers["retry-after"].isdigit()
    with pytest.raises(httpx.ConnectError):
        await client.get(f"{app.inbox_url}/readyz")


async def test_a_token_is_made_once_and_shown_once(tmp_path: Path, client: httpx.AsyncClient) -> None:
    app = App(settings(tmp_path, token=None))
    await app.start()
    token = app.new_token
    answer = await client.get(f"{app.admin_url}/api/v1/stats", headers={"Authorization": f"Bearer {token}"})
    await app.stop()
    again = App(settings(tmp_path, token=None))
    await again.start()
    await again.stop()

    assert token is not None
    assert (200, None) == (answer.status_code, again.new_token)
    assert 0o600 == stat.S_IMODE((tmp_path / "data" / "admin.token").stat().st_mode)


async def test_a_start_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    broken = settings(tmp_path, strict=True)
    broken.routes.write_text("version: 2", encoding="utf-8")
    with pytest.raises(RulesInvalid):
        await App(broken).start()
    broken.routes.write_text(RULES, encoding="utf-8")

    app = App(broken)
    await app.start()
    with pytest.raises(StoreRefused, match=str(os.getpid())):
        await App(broken).start()
    assert app.inbox_url is not None
    taken = int(app.inbox_url.rpartition(":")[2])
    other = replace(broken, data=tmp_path / "other", port=taken, strict=False)
    with pytest.raises(SettingsError, match=str(taken)):
        await App(other).start()
    await app.stop()

    assert {asyncio.current_task()} == asyncio.all_tasks()
    after = App(other)
    await after.start()
    await after.stop()


async def test_the_admin_is_not_bound_wider_without_a_token(tmp_path: Path) -> None:
    wide = Settings(
        routes=settings(tmp_path).routes, data=tmp_path / "data", port=0, admin_host="0.0.0.0", admin_port=0
    )
    with pytest.raises(SettingsError):
        await App(wide).start()
    assert not (tmp_path / "data" / "hooks.db").exists()


@pytest.mark.parametrize(("role", "receives"), [("receive", True), ("work", False)])
async def test_a_role_does_its_part_only(tmp_path: Path, client: httpx.AsyncClient, role: Role, receives: bool) -> None:
    app = App(settings(tmp_path, role=role))
    await app.start()
    assert receives == (app.inbox_url is not None)
    assert app.ready()
    if receives:
        key = {"X-Api-Key": SECRETS["LEADS_KEY"]}
        answer = await client.post(f"{app.inbox_url}/in/leads", json={"full_name": "Maya Ortiz"}, headers=key)
        assert 202 == answer.status_code
        assert 1 == (await app.history.stats())["events"]["pending"], "another process is to work on it"
    await app.stop()


async def test_a_data_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file in its place")
    with pytest.raises((SettingsError, StoreRefused)):
        await App(settings(tmp_path)).start()


async def test_a_folder_of_rules_that_is_not_there_yet_stops_nothing(tmp_path: Path) -> None:
    missing = tmp_path / "not" / "yet" / "routes.yaml"
    app = App(replace(settings(tmp_path), routes=missing))
    await app.start()
    ended = asyncio.create_task(app.wait())
    await asyncio.wait([ended], timeout=0.2)
    assert not ended.done(), "no part of the server has ended"
    ended.cancel()
    await app.stop()


@pytest.mark.parametrize(("role", "half"), [("receive", "nothing is carried out"), ("work", "no webhook comes in")])
async def test_half_of_the_work_on_a_file_that_no_other_server_can_share_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, role: Role, half: str
) -> None:
    app = App(settings(tmp_path, role=role))
    await app.start()
    await app.stop()

    assert any(half in record.getMessage() for record in caplog.records if record.levelname == "WARNING")


async def test_without_a_rules_file_it_says_what_to_do_and_takes_one_that_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ready = settings(tmp_path)
    ready.routes.unlink()
    app = App(ready)
    await app.start()
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    ready.routes.write_text(RULES, encoding="utf-8")
    await app.reload()
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        answer = await client.get(f"{app.inbox_url}/in/leads")
    await app.stop()

    assert 1 == len(told)
    assert told[0].startswith(f"there is no rules file at {ready.routes}") and "--routes" in told[0]
    assert 200 == answer.status_code
