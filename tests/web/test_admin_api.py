"""The admin's door: what it shows, what it does, whom it lets in, and how it says no."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.datastructures import QueryParams

from hooks.errors import Conflict, StoreError
from hooks.events import utc_text
from hooks.ports import (
    Desk,
    Edit,
    EventFilter,
    Heard,
    History,
    Page,
    ReceiptFilter,
    RulesDesk,
    RulesDraft,
    RunFilter,
    Span,
)
from hooks.web.admin import admin
from hooks.web.auth import Access, Hosts
from hooks.web.parameters import part_of
from hooks.web.records_api import cloudevent
from hooks.web.rules_api import rules_endpoints
from tests.web.doors import NOW, StillClock

EVENT = "evt_" + "0" * 31 + "1"
RUN = "run_" + "0" * 31 + "2"
RECEIPT = "rcp_" + "0" * 31 + "3"
UNKNOWN = "0" * 31 + "9"
ACT, READ = "act-token-for-tests", "read-token-for-tests"

STATS: dict[str, Any] = {
    "receipts": {"accepted": 3, "duplicate": 1, "ping": 0, "refused": 2, "quarantined": 0},
    "events": {"total": 3, "matched": 2, "unmatched": 1},
    "runs": {"waiting": 1, "running": 0, "held": 0, "done": 1, "failed": 0, "skipped": 0},
    "books_balance": True,
    "oldest due!": 1,
    "version": "text is no figure",
    "commits": {"total": 4, "last_at": "nor is this"},
    "oldest_due_seconds": 1.5,
}
EVENT_SHOWN: dict[str, Any] = {
    "specversion": "1.0",
    "id": EVENT,
    "type": "job.completed",
    "source": "hcp",
    "vendor": "housecall_pro",
    "vendor_type": "job.completed",
    "subject": None,
    "time": "2026-05-04T14:02:11Z",
    "received_at": "2026-05-04T14:02:12Z",
    "receipt": RECEIPT,
    "data": {"id": "job_41"},
    "state": "matched",
    "runs": [{"id": RUN, "rule": "job-to-homebase", "state": "done"}],
}


class TwoTokens:
    def check(self, presented: str) -> Access | None:
        tokens: dict[str, Access] = {ACT: "act", READ: "read"}
        return tokens.get(presented)

    def signing_key(self, access: Access) -> bytes | None:
        return f"key of {access}".encode()


@dataclass
class Archive:
    asked: list[Any] = field(default_factory=list)
    broken: bool = False
    unread: int = 0
    """How often the event is still to be found unread."""

    async def events(self, filter: EventFilter) -> Page:
        self.asked.append(filter)
        if self.broken:
            raise StoreError("canary /var/lib/path")
        return Page([EVENT_SHOWN], EVENT)

    async def event(self, event_id: str) -> Mapping[str, Any] | None:
        if self.unread:
            self.unread -= 1
            return {**EVENT_SHOWN, "type": None, "data": None, "raw": None, "state": "pending", "runs": []}
        return {**EVENT_SHOWN, "raw": {"event": "job.completed"}} if event_id == EVENT else None

    async def runs(self, filter: RunFilter) -> Page:
        self.asked.append(filter)
        return Page([{"id": RUN}])

    async def run(self, run_id: str) -> Mapping[str, Any] | None:
        return {"id": RUN, "steps": []} if run_id == RUN else None

    async def receipts(self, filter: ReceiptFilter) -> Page:
        self.asked.append(filter)
        return Page([])

    async def receipt(self, receipt_id: str) -> Mapping[str, Any] | None:
        return {"id": RECEIPT, "body": "{}"} if receipt_id == RECEIPT else None

    async def traffic(self, since: datetime) -> Sequence[tuple[datetime, str, str, int]]:
        return [(NOW - timedelta(hours=1), "receipt.accepted", "hcp", 3)] if since == NOW - timedelta(hours=24) else []

    async def heard(self, sources: Collection[str]) -> Mapping[str, Heard]:
        return {}

    async def stats(self) -> Mapping[str, Any]:
        if self.broken:
            raise StoreError("canary /var/lib/path")
        return STATS


@dataclass
class Engine:
    is_ready: bool = True
    reloads: bool = True
    stumbles: bool = False
    checked: list[str] = field(default_factory=list)

    def ready(self) -> bool:
        return self.is_ready

    def rules(self) -> Sequence[Mapping[str, Any]]:
        return [{"id": "job-to-homebase"}]

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        return [{"name": "hcp", "vendor": "housecall_pro", "path": "/in/hcp"}]

    def connections(self) -> Sequence[Mapping[str, Any]]:
        if self.stumbles:
            raise RuntimeError("canary of a fault")
        return []

    async def vendors(self) -> Sequence[Mapping[str, Any]]:
        return []

    async def reload(self) -> Mapping[str, Any]:
        return {"ok": self.reloads, "findings": []}

    async def check(self, draft: RulesDraft) -> Mapping[str, Any]:
        self.checked.append(draft.text)
        return {"ok": False, "findings": [{"line": 1}]}

    async def explain(self, event_id: str) -> Mapping[str, Any] | None:
        return {"event": {}, "rules": []} if event_id == EVENT else None

    async def retry(self, run_id: str) -> Mapping[str, Any] | None:
        return {"id": RUN, "state": "waiting"} if run_id == RUN else None

    async def cancel(self, run_id: str) -> Mapping[str, Any] | None:
        raise Conflict("the run is done: only a run that has not ended can be given up")

    def subscribers(self) -> Sequence[Mapping[str, Any]]:
        return []

    async def unsubscribe(self, id: str) -> Mapping[str, Any] | None:
        return None

    async def test_connection(self, name: str) -> Mapping[str, Any] | None:
        return {"connection": "office", "result": "ok"} if name == "office" else None


@dataclass
class Drawer:
    """The rules' desk: version 2 is in force, 1 was before."""

    asked: list[Any] = field(default_factory=list)
    sound: bool = True

    def state(self) -> Mapping[str, Any]:
        return {"ok": self.sound, "number": 2}

    def figures(self) -> Mapping[str, int]:
        return {"rules_in_force": 1, "rules_number": 2, "rules_file_errors": 0}

    async def versions(self, before: int | None, limit: int) -> Sequence[Mapping[str, Any]]:
        return [{"number": number} for number in (2, 1) if before is None or number < before][:limit]

    async def version(self, number: int, against: int | None) -> Mapping[str, Any] | None:
        return {"number": number, "against": against} if number in (1, 2) else None

    async def publish(self, draft: RulesDraft, edit: Edit, expected: str | None) -> Mapping[str, Any]:
        self.asked.append((draft, edit, expected))
        if expected not in (None, "2"):
            raise Conflict("version 2 is in force now")
        return {"ok": self.sound, "findings": []}

    async def rollback(self, number: int, edit: Edit, expected: str | None) -> Mapping[str, Any] | None:
        self.asked.append((number, edit, expected))
        return {"ok": self.sound, "findings": []} if number == 1 else None

    async def backtest(self, draft: RulesDraft, span: Span, rule: str | None) -> Mapping[str, Any]:
        self.asked.append((draft, span, rule))
        return {"ok": self.sound, "summary": {}, "findings": []}

    async def shadow_report(
        self, rule: str | None, against: str | None, since: datetime | None
    ) -> Mapping[str, Any] | None:
        self.asked.append((rule, against, since))
        return {"rules": [], "truncated": False} if rule in (None, "new") else None


_: tuple[type[History], type[Desk], type[RulesDesk]] = (Archive, Engine, Drawer)


class Office:
    def __init__(self) -> None:
        self.archive, self.engine, self.drawer = Archive(), Engine(), Drawer()
        hosts = Hosts("127.0.0.1", ["hooks.example.org"])
        more = rules_endpoints(self.drawer, StillClock())
        app = admin(self.archive, self.engine, self.drawer, StillClock(), TwoTokens(), hosts, more)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8081")

    async def get(self, path: str, token: str | None = ACT, **headers: str) -> httpx.Response:
        return await self.ask("GET", path, token, b"", **headers)

    async def ask(
        self, method: str, path: str, token: str | None = ACT, body: bytes = b"", **headers: str
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        return await self.client.request(method, path, content=body, headers=sent)


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert status == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    body: dict[str, Any] = answer.json()
    assert status == body["status"]
    return body


# --- what it shows ---


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/events", {"items": [EVENT_SHOWN], "next": EVENT}),
        ("/api/v1/runs", {"items": [{"id": RUN}], "next": None}),
        (f"/api/v1/runs/{RUN}", {"id": RUN, "steps": []}),
        ("/api/v1/receipts", {"items": [], "next": None}),
        (f"/api/v1/receipts/{RECEIPT}", {"id": RECEIPT, "body": "{}"}),
        (f"/api/v1/events/{EVENT}/explain", {"event": {}, "rules": []}),
        ("/api/v1/stats", {**STATS, "rules_in_force": 1, "rules_number": 2, "rules_file_errors": 0}),
        ("/api/v1/rules", {"items": [{"id": "job-to-homebase"}], "next": None, "file": {"ok": True, "number": 2}}),
        ("/api/v1/sources", {"items": [{"name": "hcp", "vendor": "housecall_pro", "path": "/in/hcp"}], "next": None}),
        ("/api/v1/vendors", {"items": [], "next": None}),
    ],
)
async def test_it_shows_what_is_there(path: str, expected: object) -> None:
    answer = await Office().get(path)
    assert (200, expected) == (answer.status_code, answer.json())
    assert "application/json" == answer.headers["content-type"]


async def test_an_event_is_shown_with_what_the_vendor_sent() -> None:
    answer = await Office().get(f"/api/v1/events/{EVENT}")
    assert {**EVENT_SHOWN, "raw": {"event": "job.completed"}} == answer.json()


@pytest.mark.parametrize(("unread", "state"), [(0, "matched"), (3, "matched"), (1_000, "pending")])
async def test_whoever_asks_for_an_event_right_after_its_webhook_gets_it_read(unread: int, state: str) -> None:
    office = Office()
    office.archive.unread = unread
    assert state == (await office.get(f"/api/v1/events/{EVENT}")).json()["state"]
    office.archive.unread = unread
    assert 200 == (await office.get(f"/api/v1/events/{EVENT}/explain")).status_code
    assert office.archive.unread == max(unread - 40, 0)


async def test_an_event_can_be_had_as_a_strict_cloudevent() -> None:
    answer = await Office().get(f"/api/v1/events/{EVENT}", accept="application/cloudevents+json")
    assert "application/cloudevents+json" == answer.headers["content-type"]
    shown = answer.json()
    assert {
        "specversion": "1.0",
        "id": EVENT,
        "source": "hcp",
        "type": "job.completed",
        "time": "2026-05-04T14:02:11Z",
        "vendor": "housecall_pro",
        "vendortype": "job.completed",
        "receivedat": "2026-05-04T14:02:12Z",
        "receipt": RECEIPT,
        "datacontenttype": "application/json",
        "data": {"id": "job_41"},
    } == shown
    assert all(name.isalnum() and name.islower() for name in shown)


def test_a_cloudevent_has_its_subject_where_there_is_one() -> None:
    assert "job/job_41" == cloudevent({**EVENT_SHOWN, "subject": "job/job_41"})["subject"]


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/events/evt_{UNKNOWN}",
        f"/api/v1/events/evt_{UNKNOWN}/explain",
        f"/api/v1/runs/run_{UNKNOWN}",
        f"/api/v1/receipts/rcp_{UNKNOWN}",
        f"/api/v1/events/{RUN}",
        "/api/v1/events/1",
        "/api/v1/events/evt_%00",
        "/api/v1/events/",
        "/api/v1/nothing",
        "/api/v1/stats/",
    ],
)
async def test_what_is_not_there_is_404_and_never_a_redirect(path: str) -> None:
    answer = await Office().get(path)
    assert_problem(answer, 404)
    assert "location" not in answer.headers


async def test_another_method_is_405() -> None:
    office = Office()
    assert "POST" == (await office.get("/api/v1/rules/reload")).headers["allow"]
    assert_problem(await office.ask("POST", "/api/v1/stats"), 405)
    assert_problem(await office.ask("DELETE", f"/api/v1/events/{EVENT}"), 405)


async def test_figures_for_prometheus() -> None:
    answer = await Office().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'hooks_receipts{verdict="refused"} 2.0' in lines
    assert 'hooks_runs{state="waiting"} 1.0' in lines
    assert "hooks_books_balance 1.0" in lines
    assert 'hooks_commits{kind="total"} 4.0' in lines
    assert "hooks_version" not in answer.text
    assert "hooks_oldest_due_seconds 1.5" in lines
    assert "!" not in answer.text


async def test_the_api_describes_itself() -> None:
    document = (await Office().get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert {"get"} == set(document["paths"]["/api/v1/events/{id}"])
    assert {"post"} == set(document["paths"]["/api/v1/runs/{id}/retry"])
    names = [parameter["name"] for parameter in document["paths"]["/api/v1/events"]["get"]["parameters"]]
    assert ["source", "type", "state", "rule", "q", "since", "until", "cursor", "limit", "flagged"] == names
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == len({operation["operationId"] for operation in operations})
    listing = document["paths"]["/api/v1/runs"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert {"$ref": "#/components/schemas/Run"} == listing["properties"]["items"]["items"]


# --- filters ---


async def test_filters_reach_the_history() -> None:
    office = Office()
    await office.get(
        f"/api/v1/events?source=hcp&type=job.*&state=matched&rule=r1&q=Maya&since=2026-05-01&until=2026-05-04T10:00:00%2B02:00"
        f"&cursor={EVENT}&limit=500"
    )
    await office.get(
        f"/api/v1/runs?state=failed&rule=r1&event={EVENT}&cursor={RUN}&limit=1&connection=titan&since=24h"
        "&until=2026-05-04T10:00:00Z&given_up=false"
    )
    await office.get(f"/api/v1/receipts?source=hcp&verdict=refused&since=24h&cursor={RECEIPT}")
    await office.get("/api/v1/events?since=2026-05-01T00:00:00+00:00")
    assert [
        EventFilter(
            "hcp",
            "job.*",
            "matched",
            "r1",
            "Maya",
            datetime(2026, 5, 1, tzinfo=UTC),
            datetime(2026, 5, 4, 8, tzinfo=UTC),
            EVENT,
            500,
        ),
        RunFilter(
            "failed",
            "r1",
            EVENT,
            RUN,
            1,
            connection="titan",
            since=NOW - timedelta(hours=24),
            until=datetime(2026, 5, 4, 10, tzinfo=UTC),
            given_up=False,
        ),
        ReceiptFilter("hcp", "refused", NOW - timedelta(hours=24), None, RECEIPT, 50),
        EventFilter(since=datetime(2026, 5, 1, tzinfo=UTC)),
    ] == office.archive.asked


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("events?limit=0", "limit"),
        ("events?limit=501", "limit"),
        ("events?limit=-1", "limit"),
        ("events?limit=x", "limit"),
        ("events?limit=", "limit"),
        ("events?limit=%C2%B2", "limit"),
        ("events?limit=99999999999999999999", "limit"),
        ("events?limit=1&limit=2", "limit"),
        ("events?state=dead", "state"),
        ("events?cursor=x", "cursor"),
        (f"events?cursor={RUN}", "cursor"),
        ("events?since=yesterday", "since"),
        ("events?since=24", "since"),
        ("events?since=9999-12-31T23:59:59-23:59", "since"),
        ("events?since=0001-01-01T00:00:00%2B23:59", "since"),
        ("events?since=2026-05-02&until=2026-05-01", "until"),
        ("events?q=" + "x" * 201, "q"),
        ("events?q=%00", "q"),
        ("events?order=type%3Bdrop", "order"),
        ("events?%00=1", "?"),
        ("events?verdict=refused", "verdict"),
        ("runs?state=pending", "state"),
        ("runs?event=1", "event"),
        ("receipts?verdict=good", "verdict"),
        ("receipts?since=", "since"),
        ("runs?given_up=1", "given_up"),
        ("runs?since=soon", "since"),
        ("stats?since=1h", "since"),
        ("sources?source=hcp", "source"),
        ("rules?rule=r1", "rule"),
        (f"events/{EVENT}?source=hcp", "source"),
        (f"runs/{RUN}?state=done", "state"),
        ("stream?type=job.*", "type"),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_named(query: str, name: str) -> None:
    office = Office()
    problem = assert_problem(await office.get(f"/api/v1/{query}"), 422)
    assert name == problem["parameter"]
    assert problem["detail"].startswith(f"{name}: ")
    assert [] == office.archive.asked


# --- what it does ---


async def test_changes_are_made_by_post() -> None:
    office = Office()
    answer = await office.ask("POST", f"/api/v1/runs/{RUN}/retry")
    assert (200, {"id": RUN, "state": "waiting"}) == (answer.status_code, answer.json())
    assert_problem(await office.ask("POST", f"/api/v1/runs/run_{UNKNOWN}/retry"), 404)
    problem = assert_problem(await office.ask("POST", f"/api/v1/runs/{RUN}/cancel"), 409)
    assert "the run is done: only a run that has not ended can be given up" == problem["detail"]


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        (f"runs/{RUN}/retry?dry_run=true", b"", "dry_run"),
        (f"runs/{RUN}/retry", b'{"dry_run": true}', "body"),
        (f"runs/{RUN}/cancel", b'{"reason": "canary"}', "body"),
        ("rules/reload?strict=true", b"", "strict"),
        ("rules/reload", b"{", "body"),
        ("rules/check", b'{"text": "version: 1", "text": ""}', "body"),
    ],
)
async def test_a_change_that_was_asked_for_with_more_than_it_reads_is_not_made(
    path: str, body: bytes, name: str
) -> None:
    office = Office()
    answer = await office.ask("POST", f"/api/v1/{path}", body=body, content_type="application/json")
    problem = assert_problem(answer, 422)
    assert name == problem["parameter"]
    assert "canary" not in answer.text


def test_a_listing_that_comes_whole_comes_in_pages_to_who_asks_for_pages() -> None:
    items = [{"number": number} for number in range(5)]
    assert {"items": items, "next": None} == part_of(QueryParams(), items)
    assert {"items": items[:2], "next": "2"} == part_of(QueryParams("limit=2"), items)
    assert {"items": items[4:], "next": None} == part_of(QueryParams("limit=2&cursor=4"), items)
    assert {"items": items[2:], "next": None} == part_of(QueryParams("cursor=2"), items)


@pytest.mark.parametrize("listing", ["rules", "sources", "connections", "vendors"])
async def test_every_listing_takes_the_parameters_of_pages(listing: str) -> None:
    shown = await Office().get(f"/api/v1/{listing}?limit=500")
    assert 200 == shown.status_code
    assert (await Office().get(f"/api/v1/{listing}")).json() == shown.json()
    assert_problem(await Office().get(f"/api/v1/{listing}?cursor=x"), 422)


async def test_whoever_collects_figures_may_add_parameters() -> None:
    assert 200 == (await Office().get("/metrics?collector=1")).status_code


async def test_a_reload_that_finds_errors_says_so_in_its_status() -> None:
    office = Office()
    assert 200 == (await office.ask("POST", "/api/v1/rules/reload")).status_code
    office.engine.reloads = False
    answer = await office.ask("POST", "/api/v1/rules/reload", body=b"{}", content_type="application/json")
    assert (422, False) == (answer.status_code, answer.json()["ok"])


async def test_a_rule_file_can_be_checked() -> None:
    office = Office()
    body = json.dumps({"text": "version: 1\n"}).encode()
    answer = await office.ask("POST", "/api/v1/rules/check", body=body, content_type="application/json; charset=utf-8")
    assert (200, {"ok": False, "findings": [{"line": 1}]}) == (answer.status_code, answer.json())
    assert ["version: 1\n"] == office.engine.checked


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"{", "body"),
        (b"\xff", "body"),
        (b"[" * 100_000, "body"),
        (b"[]", "body"),
        (b'{"text":1}', "text"),
        (b"{}", "text"),
    ],
)
async def test_a_body_that_cannot_be_used_is_422(body: bytes, name: str) -> None:
    answer = await Office().ask("POST", "/api/v1/rules/check", body=body, content_type="application/json")
    assert name == assert_problem(answer, 422)["parameter"]


async def test_a_body_without_measure_is_413() -> None:
    body = b'{"text":"' + b"x" * 5_000_000 + b'"}'
    answer = await Office().ask("POST", "/api/v1/rules/check", body=body, content_type="application/json")
    assert_problem(answer, 413)


# --- whom it lets in ---

PLACES = [
    "/api/v1/events",
    f"/api/v1/events/{EVENT}",
    "/api/v1/stats",
    "/metrics",
    "/openapi.json",
    "/api/v1/nothing",
    "/",
]


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {ACT}", ACT, f"Bearer {ACT}x", f"Bearer {ACT},{ACT}"],
)
async def test_nobody_gets_in_without_a_token(path: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = await Office().get(path, None, **headers)
    assert_problem(answer, 401)
    assert "Bearer" == answer.headers["www-authenticate"]
    assert ACT not in answer.text


async def test_a_token_in_the_address_is_none() -> None:
    assert_problem(await Office().get(f"/api/v1/stats?token={ACT}&access_token={ACT}", None), 401)


async def test_health_is_open_and_bare() -> None:
    office = Office()
    for host in ("127.0.0.1:8081", "10.0.0.7"):
        assert "ok" == (await office.get("/healthz", None, host=host)).text
        assert "ok" == (await office.get("/readyz", None, host=host)).text
    office.engine.is_ready = False
    assert 200 == (await office.get("/healthz", None)).status_code
    assert (503, "not ready") == ((answer := await office.get("/readyz", None)).status_code, answer.text)
    assert 405 == (await office.ask("POST", "/healthz", None)).status_code


async def test_a_reading_token_looks_and_changes_nothing() -> None:
    office = Office()
    assert 200 == (await office.get("/api/v1/events", READ)).status_code
    for path in (
        f"/api/v1/runs/{RUN}/retry",
        "/api/v1/rules/reload",
        "/api/v1/rules/check",
        "/api/v1/connections/office/test",
    ):
        assert_problem(await office.ask("POST", path, READ, b"{}", content_type="application/json"), 403)
    assert [] == office.engine.checked


async def test_a_reading_token_does_not_see_raw_bodies() -> None:
    office = Office()
    assert EVENT_SHOWN == (await office.get(f"/api/v1/events/{EVENT}", READ)).json()
    assert {"id": RECEIPT} == (await office.get(f"/api/v1/receipts/{RECEIPT}", READ)).json()
    assert_problem(await office.get(f"/api/v1/receipts/rcp_{UNKNOWN}", READ), 404)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.net",
        "evil.example.net:8081",
        "10.0.0.7",
        "",
        "127.0.0.1.example.net",
        "a@127.0.0.1",
        "[::1",
        "x:y",
    ],
)
async def test_other_names_are_refused(host: str) -> None:
    assert_problem(await Office().get("/api/v1/stats", host=host), 403)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8081", "[::1]:8081", "127.0.0.1", "hooks.example.org:443"])
async def test_its_own_names_are_let_in(host: str) -> None:
    assert 200 == (await Office().get("/api/v1/stats", host=host)).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": ""},
        {"origin": "http://evil.example.net"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://[", "sec_fetch_mode": "cors"},
    ],
)
async def test_a_request_that_another_site_made_is_refused(headers: dict[str, str]) -> None:
    answer = await Office().ask("POST", "/api/v1/rules/reload", ACT, b"", **headers)
    assert_problem(answer, 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin", "origin": "http://127.0.0.1:8081"},
        {"sec_fetch_site": "none"},
        {"origin": "http://127.0.0.1:8081"},
        {},
    ],
)
async def test_our_own_pages_and_tools_may_make_changes(headers: dict[str, str]) -> None:
    assert 200 == (await Office().ask("POST", "/api/v1/rules/reload", ACT, b"", **headers)).status_code


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_changes_are_json_only(media_type: str) -> None:
    office = Office()
    answer = await office.ask("POST", "/api/v1/rules/check", body=b'{"text":""}', content_type=media_type)
    assert_problem(answer, 415)
    assert [] == office.engine.checked


# --- how it says no ---


@pytest.mark.parametrize("path", [*PLACES, "/healthz", "/api/v1/events?limit=0"])
@pytest.mark.parametrize("token", [ACT, None])
async def test_every_answer_has_the_security_headers(path: str, token: str | None) -> None:
    headers = (await Office().get(path, token)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ["nosniff", "no-referrer", "no-store", "same-origin"] == [
        headers[name]
        for name in ("x-content-type-options", "referrer-policy", "cache-control", "cross-origin-opener-policy")
    ]
    assert 1 == len(headers.get_list("cache-control"))


async def test_a_store_that_cannot_answer_is_503() -> None:
    office = Office()
    office.archive.broken = True
    answer = await office.get("/api/v1/events")
    assert_problem(answer, 503)
    assert "5" == answer.headers["retry-after"]
    assert "hooks healthcheck --detail" in answer.text
    assert "canary" not in answer.text


async def test_while_the_store_cannot_answer_figures_say_so() -> None:
    office = Office()
    office.archive.broken, office.engine.is_ready = True, False
    answer = await office.get("/metrics")
    assert 200 == answer.status_code
    assert {"hooks_ready 0.0", "hooks_healthy 0.0", "hooks_rules_in_force 1.0"} <= set(answer.text.splitlines())
    assert "hooks_runs" not in answer.text


async def test_a_fault_of_ours_is_500_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    office = Office()
    office.engine.stumbles = True
    with caplog.at_level(logging.DEBUG):
        answer = await office.get("/api/v1/connections")
    assert_problem(answer, 500)
    assert "canary" not in answer.text + caplog.text
    assert "GET at the admin's door failed with RuntimeError at" in caplog.text


# --- figures by the minute ---


async def test_traffic_is_told_by_the_minute() -> None:
    answer = await Office().get("/api/v1/traffic?since=24h")
    row = {"minute": utc_text(NOW - timedelta(hours=1)), "kind": "receipt.accepted", "name": "hcp", "number": 3}
    assert (200, {"items": [row], "next": None}) == (answer.status_code, answer.json())
    for query in ("since=25h", "since=2026-01-01", "until=1h"):
        assert_problem(await Office().get(f"/api/v1/traffic?{query}"), 422)
