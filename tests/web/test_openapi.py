"""The admin API is as ``/openapi.json`` says: every operation of a real server is asked, by example and by fuzzing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from hooks.app import App
from hooks.cli.sandboxes import sandboxes, together
from hooks.settings import Settings
from hooks.web.listener import Listener

TOKEN = "a-token-of-a-test-that-is-long-enough"
KEY = "a-key-for-leads-of-a-test"
RULES = """\
version: 1
sources: {leads: {vendor: zapier, key: "${secret.LEADS_KEY}"}}
connections:
  office: {vendor: http, base_url: "SANDBOX/http", test_path: /status}
  closed: {vendor: http, base_url: "http://127.0.0.1:9"}
rules:
  - id: tell-the-office
    event: lead.created
    do:
      - action: http.request
        with: {method: POST, path: /notes, json: {about: "${data.customer.display_name}"}}
        connection: office
  - id: tell-nobody
    event: lead.created
    do:
      - action: http.request
        with: {method: POST, path: /notes, json: {about: "${data.customer.phone}"}}
        connection: closed
  - id: quiet
    event: lead.created
    mode: shadow
    do:
      - action: http.request
        with: {method: POST, path: /notes, json: {about: shadow}}
        connection: office
"""


@dataclass
class Place:
    """A running server with something in it, and what it says of itself."""

    client: httpx.Client
    schema: OpenApiSchema
    event: str
    receipt: str
    run: str
    waiting: str
    person: str

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """Ask, and hold the answer against the document. ``path`` may have a query."""
        told = path.partition("?")[0]
        for there in (self.event, self.receipt, self.run, self.waiting, self.person):
            told = told.replace(there, "{id}")
        told = told.replace("/office/", "/{name}/").replace("/versions/1", "/versions/{number}")
        answer = self.client.request(method, path, json=body, headers=headers)
        assert status == answer.status_code, (path, answer.text)
        operation = self.schema[told][method]
        operation.validate_response(answer)
        return answer.json() if "json" in answer.headers["content-type"] else answer.text


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("openapi")
    ready, end = threading.Event(), threading.Event()
    addresses: list[str] = []

    async def serve() -> None:
        sandbox = Listener(together(sandboxes()), port=0)
        await sandbox.start()
        routes = folder / "routes.yaml"
        routes.write_text(RULES.replace("SANDBOX", f"http://127.0.0.1:{sandbox.port}"))
        data = folder / "data"
        app = App(
            Settings(
                routes=routes, data=data, port=0, admin_port=0, admin_token=TOKEN, durability="relaxed", free_space=0
            )
        )
        await app.start()
        addresses.extend((str(app.inbox_url), str(app.admin_url)))
        ready.set()
        await asyncio.to_thread(end.wait)
        await app.stop()
        await sandbox.stop(1.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADS_KEY", KEY)
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        assert ready.wait(20)
        inbox, admin = addresses
        headers = {"authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=admin, trust_env=False, headers=headers) as client:
            try:
                yield furnished(client, inbox)
            finally:
                end.set()
                thread.join(20)


def furnished(client: httpx.Client, inbox: str) -> Place:
    lead = {"Name": "Maya Ortiz", "Phone": "513-770-0188", "Email": "maya@work.example"}
    with httpx.Client(base_url=inbox, trust_env=False) as sender:
        received = sender.post("/in/leads", params={"key": KEY}, json=lead).json()
        for key in (KEY, "wrong"):
            sender.post("/in/leads", params={"key": key}, json=lead)
    deadline = time.monotonic() + 20
    while True:
        items = client.get("/api/v1/runs").json()["items"]
        people = client.get("/api/v1/people").json()["items"]
        found = {run["rule"]: run["id"] for run in items if run["attempts"] or run["state"] in ("done", "skipped")}
        if len(found) == 3 and people:
            break
        assert time.monotonic() < deadline, items
    client.post("/api/v1/connections/closed/pause", json={"reason": "so that its run waits"})
    document = client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=str(client.base_url).rstrip("/"))
    event, receipt = received["events"][0], received["receipt"]
    return Place(client, schema, event, receipt, found["tell-the-office"], found["tell-nobody"], people[0]["id"])


def test_what_there_is_is_as_it_is_described(place: Place) -> None:
    api = "/api/v1"
    for path in (
        "events?limit=1&type=lead.*&state=matched&rule=quiet&source=leads&q=Maya&since=1h",
        f"events/{place.event}",
        f"events/{place.event}/explain",
        "receipts?verdict=accepted&since=2020-01-01",
        f"receipts/{place.receipt}",
        f"runs?state=done&event={place.event}",
        f"runs/{place.run}",
        f"runs/{place.waiting}",
        f"runs/{place.run}/case",
        f"runs/{place.run}/case?format=json",
        *("rules", "sources", "connections", "subscribers", "vendors", "stats", "traffic?since=2h", "health"),
        *(
            "rules/versions?limit=1",
            "rules/versions/1",
            "rules/shadow-report",
            "rules/text",
            "rules/schema",
            "people?q=5137700188",
            "people/review",
        ),
        *(f"people/{place.person}", f"people/{place.person}/export"),
    ):
        place.ask("GET", f"{api}/{path}")
    assert place.ask("GET", "/metrics").startswith("# HELP")
    strict = place.ask("GET", f"{api}/events/{place.event}", accept="application/cloudevents+json")
    assert "vendortype" in strict and "state" not in strict
    assert place.ask("GET", f"{api}/runs/{place.run}/case", accept="text/markdown").startswith("# Case run_")
    assert place.ask("GET", f"{api}/runs/{place.run}/case?format=markdown").startswith("# Case run_")
    place.ask("GET", f"{api}/runs/{place.run}/case?format=pdf", status=422)
    with place.client.stream("GET", f"{api}/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")


def test_what_is_done_is_answered_as_it_is_described(place: Place) -> None:
    api, text = "/api/v1", RULES.replace("SANDBOX", "http://127.0.0.1:9")
    place.ask("POST", f"{api}/events/{place.event}/replay", {"dry_run": True, "mode": "force"})
    place.ask("POST", f"{api}/replays", {"since": "1h", "dry_run": True})
    place.ask("POST", f"{api}/reconcile", {})
    place.ask("POST", f"{api}/runs/{place.run}/retry", status=409)
    place.ask("POST", f"{api}/runs/{place.run}/resolve", {"outcome": "sent"}, status=409)
    place.ask("POST", f"{api}/connections/office/test", {})
    place.ask("POST", f"{api}/connections/office/pause", {"reason": "a test"})
    place.ask("POST", f"{api}/connections/office/resume")
    place.ask("POST", f"{api}/rules/check", {"text": "version: 2"})
    place.ask("POST", f"{api}/rules/reload")
    place.ask("POST", f"{api}/rules/backtest", {"text": text})
    place.ask("POST", f"{api}/rules/backtest", {"text": "version: 2"}, status=422)
    place.ask("POST", f"{api}/rules/explain", {"text": text, "event": place.event})
    place.ask("POST", f"{api}/rules/explain", {"text": "version: 2", "event": place.event}, status=422)
    place.ask("POST", f"{api}/rules", {"text": "version: 2"}, status=422)
    place.ask("POST", f"{api}/rules", {"text": text, "expected": 77}, status=409)
    place.ask("POST", f"{api}/rules", {"text": text})
    place.ask("POST", f"{api}/rules/rollback", {"to": 1})
    place.ask("POST", f"{api}/prune?dry_run=true")
    place.ask("POST", f"{api}/backups", status=201)
    place.ask("POST", f"{api}/people/link", {"one": place.person, "other": "per_" + "0" * 32}, status=404)
    place.ask("POST", f"{api}/runs/{place.waiting}/cancel")
    assert place.ask("GET", f"{api}/audit")["items"]


def test_every_operation_says_what_it_answers(place: Place) -> None:
    for path, operations in place.schema.raw_schema["paths"].items():
        for operation in operations.values():
            good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
            told = good["content"].get("application/json", {"schema": {"type": "text"}})["schema"]
            assert {"type": "object"} != told, f"{path}: name the model of its answer in its Endpoint"
            if "properties" in told:
                assert {"type": "object"} != told["properties"]["items"]["items"], f"{path}: name the items' model"


# --- fuzzing ---

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
)


def test_no_request_makes_it_answer_otherwise_than_it_says(place: Place) -> None:
    paths: dict[str, dict[str, Any]] = place.schema.raw_schema["paths"]
    with_an_end = [(path, method) for path, told in paths.items() for method in told if not path.endswith("/stream")]
    for path, method in with_an_end:
        operation = place.schema[path][method.upper()]

        @settings(
            max_examples=8,
            phases=(Phase.explicit, Phase.generate),
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE))
        def fuzz(case: Any) -> None:
            # what headers do to a connection is shown in test_protocol_limits; without them a bad case may be good
            checks = [check for check in CHECKS if not case.headers or check is not negative_data_rejection]
            case.headers = {}
            answer = case.call(headers={"authorization": f"Bearer {TOKEN}"}, timeout=20)
            case.validate_response(answer, checks=checks)

        fuzz()
