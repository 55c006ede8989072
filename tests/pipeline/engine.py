"""An engine in parts, over a real store and the tiny vendor: turned by hand, so that each turn can be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel

from hooks.events import Done, Receipt, Request, new_id
from hooks.kit.sandbox import Sandbox
from hooks.pipeline.accounts import Account
from hooks.pipeline.deliver import Worker
from hooks.pipeline.dispatch import Dispatcher
from hooks.pipeline.underway import Underway
from hooks.ports import Call, OnUnknown, RunFilter, Source, Vendor
from hooks.rules.load import load_text
from hooks.rules.ruleset import RuleSet
from hooks.store.history import SqlHistory
from hooks.store.opening import open_history, open_store
from hooks.store.verbs import SqlStore
from tests.vendors import hello
from tests.vendors.hello import client as hello_client
from tests.vendors.hello import sandbox as hello_sandbox

RULES = """\
version: 1
sources:
  hello: {vendor: hello, secret: "${secret.SIGNING}"}
connections:
  friend: {vendor: hello, base_url: "http://127.0.0.1", key: "${secret.KEY}", lookup_wait: 10s}
rules:
  - id: greet-back
    event: greeting.sent
    retry: {attempts: 3, first_wait: 1s, backoff: fixed}
    do:
      - {id: back, action: hello.greet, with: {to: "${data.display_name}", ref: "${id}"}}
"""


class SetClock:
    """Time that stands until it is moved on; sleeping moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 5, 8, 12, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Anything(BaseModel):
    """Inputs that take nothing."""


class Stumbling:
    """An action with a fault of ours in it."""

    name = "stumble"
    aliases: tuple[str, ...] = ()
    operation = "stumble"
    method = "POST"
    path = "/stumble"
    summary = "Stumble."
    inputs: type[BaseModel] = Anything
    repeatable = True
    on_unknown: OnUnknown = "repeat"

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        return Request("POST", "/stumble")

    async def send(self, client: Any, call: Call) -> Done:
        raise RuntimeError("Maya Ortiz")

    async def lookup(self, client: Any, call: Call) -> Done | None:
        return None


VENDOR: Vendor = replace(hello.vendor, actions=(*hello.vendor.actions, Stumbling()))


def secret(name: str) -> str | None:
    return {"SIGNING": "a signing secret of these tests", "KEY": hello_sandbox.KEY}.get(name)


def load(text: str = RULES) -> RuleSet:
    return load_text(text, {"hello": VENDOR}, secret)


class Engine:
    """Store, dispatcher and worker. ``rules`` may be swapped between two turns."""

    def __init__(self, store: SqlStore, history: SqlHistory, rules: RuleSet) -> None:
        self.store = store
        self.history = history
        self.clock = SetClock()
        self.rules: RuleSet | None = rules
        app = hello_sandbox.sandbox()
        self.box: Sandbox = app.state.sandbox
        connect: Callable[..., Any] = hello_client.HelloClient
        self.accounts = {
            name: Account(
                name, "hello", config.settings, connect(name, config.settings, transport=httpx.ASGITransport(app))
            )
            for name, config in rules.connections.items()
        }
        assert VENDOR.make_source is not None
        self.sources: dict[str, Source] = {
            name: VENDOR.make_source(name, config.settings) for name, config in rules.sources.items()
        }
        self.dispatcher = self.new_dispatcher()
        self.worker = self.new_worker()

    @classmethod
    async def open(cls, folder: Path, text: str = RULES, database: str | None = None) -> Engine:
        address = database or f"sqlite:///{folder / 'hooks.db'}"
        store = await open_store(address, relaxed=True)
        return cls(store, await open_history(address), load(text))

    def new_dispatcher(self, underway: Underway | None = None) -> Dispatcher:
        """Another dispatcher, as after a restart."""
        return Dispatcher(
            self.store,
            self.clock,
            owner=new_id("run"),
            rules=lambda: self.rules,
            sources=lambda: self.sources,
            planned=lambda: None,
            underway=underway,
        )

    def new_worker(self, accounts: Mapping[str, Account] | None = None) -> Worker:
        """Another worker, as after a restart; with accounts of its own where it is one beside ours."""

        async def of(version: str) -> RuleSet | None:
            return self.rules

        return Worker(
            self.store,
            self.clock,
            owner=new_id("run"),
            accounts=lambda: self.accounts if accounts is None else accounts,
            rules=of,
            chance=lambda: 0.5,
        )

    async def receive(self, body: bytes = b'{"kind":"greeting.sent","to":"Maya Ortiz"}', events: int = 1) -> Receipt:
        receipt = Receipt(new_id("rcp"), "hello", "hello", self.clock.now(), "accepted", body=body, events=events)
        await self.store.record(receipt, None, 0.0)
        return receipt

    async def turn(self) -> int:
        """One turn of the worker, to its end; gives how many runs it claimed."""
        claimed = await self.worker.turn()
        while any(account.in_flight for account in self.accounts.values()):
            await asyncio.sleep(0)
        return claimed

    async def runs(self) -> list[Any]:
        page = await self.history.runs(RunFilter())
        return [await self.history.run(item["id"]) for item in reversed(page.items)]

    async def close(self) -> None:
        for account in self.accounts.values():
            await account.client.aclose()
        await self.history.close()
        await self.store.close()
