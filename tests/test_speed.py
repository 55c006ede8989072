"""Speed is kept: by counting calls, which nothing else on the machine can change, and by a ratio far off."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from pydantic import SecretStr
from uvicorn.server import ServerState

from benchmarks import end_to_end, ingest
from benchmarks.ingest import job, signed
from benchmarks.peerage import PEERS, Missing
from benchmarks.plot import draw
from benchmarks.ratios import ratios, table
from benchmarks.servers import SECRET
from hooks.clock import SystemClock
from hooks.events import Receipt, new_id
from hooks.kit.wire import Wire
from hooks.pipeline.accounts import Account
from hooks.pipeline.normalize import normalize
from hooks.pipeline.receive import Door
from hooks.pipeline.steps import Carrier
from hooks.ports import Claimed, Hear, Progress, SourceSettings
from hooks.registry import CATALOGUE
from hooks.rules.load import load_text
from hooks.rules.ruleset import RuleSet
from hooks.vendors.housecall_pro.source import HousecallProSource, HousecallProSourceSettings
from hooks.vendors.http.client import HttpClient, HttpSettings
from hooks.web.inbox import Inbox
from hooks.web.protocol import Limits, guarded
from tests.kit.pipes import PipeNetwork

WEBHOOK = 280
"""Calls from the bytes of a webhook of 2 KB to the bytes of its answer, the store left out. It takes about 220."""

NORMALIZE = 600
"""Calls for the same job to become an event, a telephone number that is known included. It takes about 480."""

DELIVER = 640
"""Calls for a run of one step to be carried out, to the bytes of its call and from those of its answer, the store left
out. It takes about 510."""


class _Counted:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            self.calls += 1


@contextlib.contextmanager
def counted() -> Iterator[_Counted]:
    """Counts the calls of functions, Python's and others', made in this thread meanwhile."""
    count = _Counted()
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield count
    finally:
        sys.setprofile(before)


class _Commits:
    """A store that commits in the next turn of the loop."""

    def record(self, receipt: Receipt, key: bytes | None, window: float) -> asyncio.Future[str | None]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str | None] = loop.create_future()
        loop.call_soon(future.set_result, None)
        return future

    def hand(self, receipt: Receipt, key: bytes | None, window: float, hear: Hear) -> None:
        asyncio.get_running_loop().call_soon(hear, None)


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def write(self, data: Any) -> None:
        self.answer.set_result(bytes(data))

    def is_closing(self) -> bool:
        return False

    def resume_reading(self) -> None:
        return None

    def close(self) -> None:
        return None


def _door() -> Door:
    settings: SourceSettings = HousecallProSourceSettings(signing_secret=[SecretStr(SECRET)])
    assert isinstance(settings, HousecallProSourceSettings)
    return Door("hcp", "housecall_pro", settings, HousecallProSource("hcp", settings))


async def test_a_webhook_is_answered_in_few_calls() -> None:
    doors = {"hcp": _door()}
    inbox = Inbox(lambda: doors, _Commits(), SystemClock(), lambda: True)
    config = uvicorn.Config(
        inbox, lifespan="off", log_config=None, access_log=False, ws="none", workers=1, proxy_headers=False
    )
    protocol = guarded(Limits())(config, ServerState(), {})
    requests = signed(iter(range(10)), 80)
    found = []
    for _ in range(3):  # the first fills caches
        transport = _Transport()
        protocol.connection_made(transport)
        with counted() as count:
            protocol.data_received(next(requests))
            answer = await transport.answer
        assert answer.startswith(b"HTTP/1.1 202")
        found.append(count.calls)
    protocol.connection_lost(None)
    assert min(found) <= WEBHOOK, found


def test_a_job_becomes_an_event_in_few_calls() -> None:
    door = _door()
    body = job(1)
    now = datetime(2026, 5, 6, 20, 0, tzinfo=UTC)
    found = []
    for _ in range(2):
        receipt = Receipt(new_id("rcp"), "hcp", "housecall_pro", now, "accepted", body=body, events=1)
        with counted() as count:
            events = normalize(receipt, door.source)
        assert ["job.completed"] == [event.type for event in events]
        found.append(count.calls)
    assert min(found) <= NORMALIZE, found


ROUTES = """\
version: 1
connections:
  sink: {vendor: http, base_url: "http://127.0.0.1:9"}
rules:
  - id: pass-it-on
    event: job.completed
    when: data.total_cents > 0
    do:
      - action: http.request
        with: {method: POST, path: /jobs, json: {event: "${id}", job: "${data.id}", total: "${data.total_cents}"}}
"""


async def test_a_run_is_carried_out_in_few_calls() -> None:
    rules = load_text(ROUTES, CATALOGUE, lambda name: None)
    settings = rules.connections["sink"].settings
    assert isinstance(settings, HttpSettings)
    near, far = socket.socketpair()
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    wire = Wire(cast(Any, PipeNetwork([answer], near, end=False)), cast(Any, None), connections=8, keep_alive=4.0)
    account = Account("sink", "http", settings, HttpClient("sink", settings, transport=cast(Any, wire)))
    written: list[Progress] = []

    class Notes:
        """A store that takes what is written at once."""

        alone = True

        async def progress(self, change: Progress) -> None:
            written.append(change)

    async def of(version: str) -> RuleSet:
        return rules

    carrier = Carrier(
        cast(Any, Notes()), SystemClock(), accounts=lambda: {"sink": account}, rules=of, chance=lambda: 0.5
    )
    door = _door()
    found = []
    with near, far:
        for number in range(3):  # the first fills caches
            now = datetime(2026, 5, 6, 20, 0, tzinfo=UTC)
            receipt = Receipt(new_id("rcp"), "hcp", "housecall_pro", now, "accepted", body=job(number), events=1)
            (event,) = normalize(receipt, door.source)
            run = Claimed(new_id("run"), "pass-it-on", rules.version, 0, 1, 0, event, (), 0)
            with counted() as count:
                await carrier.carry_out(run, account)
            found.append(count.calls)
        await account.client.aclose()
    assert [None, "done"] * 3 == [change.state for change in written]
    assert min(found) <= DELIVER, found


def test_durable_ingest_is_not_far_off_the_bare_server() -> None:
    row = ingest.measure(1, 0.2, (16,))["connections"]["16"]
    # by processor time, because the disk and the other programs of a shared machine have their own pace
    assert row["receive_cpu_ratio"] > 0.05


def test_the_chart_and_the_table_hold_what_was_measured() -> None:
    row = {"receive_cpu_ratio": 0.7, "all_cpu_ratio": 0.3}
    found = {
        "ingest": {"connections": {"64": row}},
        "end_to_end": {"ingest_cpu_ratio": 0.05},
        "startup": {"ratios": {"hooks --version": 0.1}},
        "peers": {"peers": {"hooks": {}, "other": {"version": "2", "cpu_ours_to_it": 4.5}}},
    }
    shown = ratios(found)
    drawn = ElementTree.fromstring(draw([(one.what, one.ratio) for one in shown], "two cores & a load"))
    texts = [element.text for element in drawn.iter() if element.text and element.text.strip()]
    assert ["two cores & a load", "durable ingest / bare, 64 connections", "0.7"] == texts[:3]
    assert {"0.05", "end to end / durable ingest", "4.5"} <= set(texts)
    assert ["the least", "NOT REACHED", "reached", "reached"] == [one.verdict for one in shown]
    assert "end to end / other 2" in table(shown)


def test_what_cannot_be_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="there is no npm"):
        PEERS["node-red"](tmp_path)
    with pytest.raises(Missing, match="apt-get: No such file"):
        PEERS["webhook"](tmp_path)


async def test_nothing_is_missing_after_a_kill_in_the_middle() -> None:
    found = await end_to_end.killed(iter(range(10**9)), 200)
    assert (0, found["stored"]) == (found["missing"], found["delivered"])
