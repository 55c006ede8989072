"""One rule for every action of the catalogue: a webhook comes in, and the vendor gets the request it documents."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from hooks.kit.sandbox import Sandbox
from hooks.registry import VENDORS
from tests.journeys.world import World
from tests.vendors.documents.account import Account, Document
from tests.vendors.documents.every import EVERY

SOURCE = {"vendor": "webhook", "unverified": "a test on this machine", "type": "${raw.do}"}


def rules(documents: list[tuple[Document, Account, str]]) -> str:
    """A rules file with a connection for each vendor and a rule for each of its actions."""
    connections = {document.vendor.name: document.connection(address) for document, _, address in documents}
    for name, keys in connections.items():
        keys["vendor"] = name
    made = [
        {
            "id": f"{document.vendor.name}-{name}",
            "event": f"{document.vendor.name}.{name}",
            "do": [{"action": f"{document.vendor.name}.{name}", "with": account.filled(row[2])}],
        }
        for document, account, _ in documents
        for name, row in rows(document).items()
    ]
    return json.dumps({"version": 1, "sources": {"any": SOURCE}, "connections": connections, "rules": made})


def rows(document: Document) -> dict[str, Any]:
    return {**document.table, **document.ours}


def test_every_action_with_a_sandbox_is_in_a_document() -> None:
    """But for our own events, which no vendor gets: `test_own_events` carries them out."""
    outside = [vendor for vendor in VENDORS if vendor.actions and vendor.built_in is None]
    assert {vendor.name for vendor in outside} == {document.vendor.name for document in EVERY}
    for document in EVERY:
        assert {action.name for action in document.vendor.actions} == set(rows(document)), document.vendor.name


async def carried_out(world: World, action: str) -> str:
    """What became of the rule of an action, "" when it is done."""
    answer = await world.post("/in/any", json.dumps({"do": action}).encode(), {"Content-Type": "application/json"})
    assert 202 == answer.status_code, answer.text
    [event] = answer.json()["events"]
    shown = await world.until(
        lambda: world.read(f"events/{event}"),
        lambda shown: bool(shown["runs"]) and shown["runs"][0]["state"] not in ("waiting", "running"),
    )
    [run] = shown["runs"]
    return "" if run["state"] == "done" else f"{run['state']}: {run['reason']}"


def received(box: Sandbox, document: Document, account: Account, name: str) -> bool:
    method, path, _ = rows(document)[name]
    wanted = (method, document.root + account.path(path))
    return wanted in [(one["method"], one["path"]) for one in box.requests]


@pytest.mark.parametrize("document", EVERY, ids=lambda document: document.vendor.name)
async def test_a_rule_for_each_action_reaches_the_vendor(world: World, document: Document) -> None:
    vendor = document.vendor.name
    account = Account(document, world.apps[vendor])
    await account.prepare()
    world.routes.write_text(rules([(document, account, f"{world.sandbox_url}/{vendor}")]))
    await world.serve(strict=True)
    box, prepared = account.box, copy.deepcopy(account.box.records)
    wrong: dict[str, str] = {}
    for name in rows(document):
        box.records = copy.deepcopy(prepared)
        box.requests.clear()
        told = await carried_out(world, f"{vendor}.{name}")
        if told:
            wrong[name] = told
        elif not received(box, document, account, name):
            wrong[name] = f"the sandbox got {[(one['method'], one['path']) for one in box.requests]}"
    await account.client.aclose()
    assert {} == wrong
