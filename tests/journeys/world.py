"""A whole world in one process: sandboxes and a real server over real sockets, in a folder of its own.

The server is `hooks.app.App` with real listeners and a real database. Only time can be moved on (`LeapingClock`), so
that an hour's delay need not be waited for.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx

from hooks.app import App
from hooks.cli.sandboxes import credentials, sandboxes, together
from hooks.kit.sandbox import Fault, Sandbox
from hooks.settings import Settings
from hooks.web.listener import Listener

T = TypeVar("T")

ADMIN_TOKEN = "an-admin-token-that-opens-nothing-else"
SIGNING_SECRET = "a-signing-secret-of-a-journey"
LEADS_KEY = "a-key-for-leads-of-a-journey"

SECRETS: Mapping[str, str] = {
    "HCP_SIGNING_SECRET": SIGNING_SECRET,
    "LEADS_KEY": LEADS_KEY,
    "HOMEBASE360_API_KEY": credentials("homebase360")["api_key"],
    "ST_APP_KEY": credentials("servicetitan")["app_key"],
    "ST_CLIENT_ID": credentials("servicetitan")["client_id"],
    "ST_CLIENT_SECRET": credentials("servicetitan")["client_secret"],
    "JOBCLOSER_KEY": credentials("jobcloser")["key"],
}

SOURCES = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.HCP_SIGNING_SECRET}"}
  leads: {vendor: zapier, key: "${secret.LEADS_KEY}"}
"""

HOMEBASE = """\
  homebase: {vendor: homebase360, base_url: SANDBOX/homebase360/api/v1, api_key: "${secret.HOMEBASE360_API_KEY}"}
"""

TITAN = """\
  titan:
    vendor: servicetitan
    base_url: SANDBOX/servicetitan
    auth_url: SANDBOX/servicetitan/connect/token
    tenant: 10978752986
    app_key: ${secret.ST_APP_KEY}
    client_id: ${secret.ST_CLIENT_ID}
    client_secret: ${secret.ST_CLIENT_SECRET}
    booking_provider: 774125
    lookup_wait: 100ms
    timeout: 2s
"""

JOBCLOSER = """\
  closer: {vendor: jobcloser, base_url: SANDBOX/jobcloser, key: "${secret.JOBCLOSER_KEY}"}
"""

OFFICE = """\
  office: {vendor: http, base_url: SANDBOX/http, timeout: 2s}
"""

BOOK = (
    SOURCES
    + "connections:\n"
    + TITAN
    + """\
rules:
  - id: book
    event: job.completed
    retry: {attempts: 3, first_wait: 50ms, backoff: fixed}
    do:
      - action: servicetitan.create_booking
        with:
          source: Web
          name: ${data.customer.display_name}
          summary: AC
          isFirstTimeClient: true
          externalId: ${id}
"""
)
"""A rule that books each completed job in ServiceTitan, and tries again soon."""

NOTE = """\
  - id: note
    event: "*"
    do:
      - action: http.request
        with: {method: POST, path: /notes, json: {about: "${type}", event: "${id}"}}
"""
"""A rule that posts a note about every event to the office."""


class LeapingClock:
    """The machine's time, moved on at will."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def leap(self, seconds: float) -> None:
        self._ahead += seconds


class World:
    """Enter it with ``async with``; `serve` starts the server, which may be stopped and started again."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.folder = folder
        self.database = database
        self.routes = folder / "routes.yaml"
        self.clock = LeapingClock()
        self.apps = sandboxes()
        self.inbox: str | None = None
        self.admin: str | None = None
        self._app: App | None = None
        self._listener = Listener(together(self.apps), port=0)
        # All is plain http: to read the certificates of the world would take longer than many a journey.
        self._client = httpx.AsyncClient(trust_env=False, verify=False, timeout=20)
        self._number = 0

    async def __aenter__(self) -> World:
        await self._listener.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self._client.aclose()
        await self._listener.stop(grace=0.2)

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    # --- the server ---

    def write(self, rules: str) -> None:
        """Save the rules file as an editor does: whole, in one move."""
        beside = self.routes.with_suffix(".new")
        beside.write_text(rules.replace("SANDBOX", self.sandbox_url), encoding="utf-8")
        beside.replace(self.routes)

    async def serve(self, rules: str | None = None, *, strict: bool = False) -> None:
        if rules is not None:
            self.write(rules)
        settings = Settings(
            database=self.database,
            routes=self.routes,
            data=self.folder / "data",
            port=0,
            admin_port=0,
            admin_token=ADMIN_TOKEN,
            strict=strict,
            durability="relaxed",  # the folder of a test may be in memory, and its disk full
            free_space=0,
        )
        app = App(settings, clock=self.clock)
        await app.start()
        self._app, self.inbox, self.admin = app, app.inbox_url, app.admin_url

    async def stop(self) -> None:
        if self._app is not None:
            await self._app.stop()
            self._app = None

    # --- senders ---

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        return await self._client.post(f"{self.inbox}{path}", content=body, headers=dict(headers))

    async def get(self, path: str) -> httpx.Response:
        return await self._client.get(f"{self.inbox}{path}")

    async def hcp(self, body: Any, *, secret: str = SIGNING_SECRET, source: str = "hcp") -> httpx.Response:
        """A webhook of Housecall Pro, signed now."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        stamp = str(int(time.time()))
        signature = hmac.new(secret.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Api-Timestamp": stamp, "Api-Signature": signature}
        return await self.post(f"/in/{source}", raw, headers)

    async def lead(self, body: Any, *, key: str = LEADS_KEY, path: str = "") -> httpx.Response:
        """A Zap's post."""
        headers = {"Content-Type": "application/json", "X-Api-Key": key}
        return await self.post(f"/in/leads{path}", json.dumps(body).encode(), headers)

    async def job(self, **changed: Any) -> str:
        """A completed job arrives; gives its event's id."""
        answer = await self.hcp({"event": "job.completed", "job": self.some_job(**changed)})
        assert 202 == answer.status_code, answer.text
        return str(answer.json()["events"][0])

    def some_job(self, **changed: Any) -> dict[str, Any]:
        """A job as Housecall Pro sends it, another one each time."""
        self._number += 1
        return {
            "id": f"job_{self._number}",
            "description": "AC tune-up",
            "total_amount": 18900,
            "customer": {
                "id": "cus_1",
                "first_name": "Maya",
                "last_name": "Ortiz",
                "email": "maya@example.org",
                "mobile_number": "3035550142",
            },
            "schedule": {"scheduled_start": "2026-05-06T17:30:00Z", "scheduled_end": "2026-05-06T19:30:00Z"},
            **changed,
        }

    # --- what became of it ---

    async def api(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> httpx.Response:
        given = {"Authorization": f"Bearer {ADMIN_TOKEN}", **headers}
        return await self._client.request(method, f"{self.admin}/api/v1/{path}", json=body, headers=given)

    async def metrics(self) -> str:
        answer = await self._client.get(f"{self.admin}/metrics", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
        return answer.text

    async def read(self, path: str) -> Any:
        answer = await self.api(path)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    async def page(self, path: str) -> str:
        """A page of the console."""
        given = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Accept": "text/html"}
        answer = await self._client.get(f"{self.admin}{path}", headers=given)
        assert 200 == answer.status_code, answer.text
        return answer.text

    async def stats(self) -> Any:
        return await self.read("stats")

    async def event(self, event: str) -> Any:
        """The event in full, once the rules have been asked."""
        return await self.until(lambda: self.read(f"events/{event}"), lambda shown: shown["state"] != "pending")

    async def run(self, event: str, state: str = "done", reason: str = "", rule: str | None = None) -> Any:
        """The event's run in full, once it is in this state, for this reason."""

        def there(shown: Any) -> bool:
            runs = self._runs(shown, rule)
            return bool(runs) and state == runs[0]["state"] and reason in (runs[0]["reason"] or "")

        shown = await self.until(lambda: self.read(f"events/{event}"), there)
        return self._runs(shown, rule)[0]

    def _runs(self, event: Any, rule: str | None) -> list[Any]:
        return [run for run in event["runs"] if rule in (None, run["rule"])]

    async def until(self, look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 15.0) -> Any:
        """What ``look`` gives, as soon as it is good. Fails with what it gave last."""
        deadline = time.monotonic() + seconds
        while True:
            found = await look()
            if good(found):
                return found
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.02)

    async def quiet(self) -> Any:
        """The books, once nothing is due any more."""

        def at_rest(stats: Any) -> bool:
            return not (stats["runs"]["waiting"] or stats["runs"]["running"] or stats["events"]["pending"])

        return await self.until(self.stats, at_rest)

    # --- sandboxes ---

    def box(self, vendor: str) -> Sandbox:
        box: Sandbox = self.apps[vendor].state.sandbox
        return box

    def records(self, vendor: str, kind: str) -> list[dict[str, Any]]:
        return self.box(vendor).of(kind)

    def asked(self, vendor: str, method: str, path: str = "") -> list[dict[str, Any]]:
        """The requests that a sandbox was sent."""
        return [one for one in self.box(vendor).requests if one["method"] == method and path in one["path"]]

    def notes(self) -> list[Any]:
        """What the office was told."""
        return [json.loads(one["body"]) for one in self.asked("http", "POST", "/notes")]

    def fault(self, vendor: str, **keys: Any) -> None:
        self.box(vendor).faults.append(Fault.model_validate(keys))
