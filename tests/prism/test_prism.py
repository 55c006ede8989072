"""Prism judges our requests by what the vendors document, and the answers of our sandboxes too.

The documents beside this module are written from the vendors' own (`facts` says how to read them), not from our tables.
Prism stands between our client and the sandbox, and answers in place of either when one says something else.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hooks.cli.sandboxes import together
from hooks.errors import DeliveryError, Permanent
from hooks.events import Exchange, Request
from hooks.kit.http import record_exchanges
from hooks.ports import Action
from hooks.web.listener import Listener
from tests.prism.facts import openapi
from tests.vendors.documents.account import Account, Document
from tests.vendors.documents.every import EVERY
from tests.vendors.test_contract_actions import inputs_of, least

HERE = Path(__file__).parent
MODULES = HERE.parent.parent / "build" / "prism" / "node_modules"
NODE = shutil.which("node")
PAGES = sorted(page.stem for page in HERE.glob("*.txt"))
JUDGED = [document for document in EVERY if document.vendor.name in PAGES]

pytestmark = pytest.mark.skipif(
    NODE is None or not (MODULES / "@stoplight" / "prism-cli").is_dir(),
    reason="needs Node and @stoplight/prism-cli: `make prism` installs it from npm and runs this",
)
each_document = pytest.mark.parametrize("document", JUDGED, ids=lambda document: document.vendor.name)


@dataclass(frozen=True)
class Judged:
    """An account whose calls go through Prism."""

    account: Account
    address: str


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def up(port: int, running: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60):
        while True:
            assert running.returncode is None, "Prism did not start"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def page_of(document: Document) -> dict[str, Any]:
    return openapi((HERE / f"{document.vendor.name}.txt").read_text("utf-8"), document.vendor.title)


@asynccontextmanager
async def judged(document: Document, folder: Path, upstream: Starlette | None = None) -> AsyncIterator[Judged]:
    """The vendor's sandbox, prepared, or another application, behind Prism; and an account that acts through it."""
    assert NODE is not None
    name = document.vendor.name
    page = folder / f"{name}.json"
    page.write_text(json.dumps(page_of(document)))
    app = document.sandbox()
    direct = Account(document, app)
    await direct.prepare()
    listener = Listener(together({name: upstream or app}), port=0)
    await listener.start()
    tokens = Listener(together({name: app}), port=0)
    await tokens.start()
    port = free_port()
    running = await asyncio.create_subprocess_exec(
        NODE,
        str(MODULES / "@stoplight" / "prism-cli" / "dist" / "index.js"),
        *("proxy", str(page), f"http://127.0.0.1:{listener.port}/{name}", "--errors", "-p", str(port), "-v", "error"),
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await up(port, running)
        keys = document.connection(f"http://127.0.0.1:{port}")
        if "auth_url" in keys:
            keys["auth_url"] = f"http://127.0.0.1:{tokens.port}/{name}/connect/token"
        account = Through(document, app, **keys)
        account.ids = direct.ids
        yield Judged(account, f"http://127.0.0.1:{port}")
        await account.client.aclose()
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()
        await direct.client.aclose()
        await listener.stop(grace=0.2)
        await tokens.stop(grace=0.2)


class Through(Account):
    """An account over real sockets."""

    def __init__(self, document: Document, app: Any, **keys: Any) -> None:
        super().__init__(document, app, **keys)
        assert document.vendor.connect is not None
        self.client = document.vendor.connect("here", self.settings)


def verdict(exchanges: list[Exchange]) -> list[str]:
    """What Prism found wrong, with place and reason."""
    found: list[str] = []
    for exchange in exchanges:
        try:
            body = json.loads(exchange.answer_body or b"null")
        except ValueError:
            continue
        if isinstance(body, dict) and "stoplight.io/prism" in str(body.get("type")):
            told = [f"{one.get('location')}: {one.get('message')}" for one in body.get("validation", [])]
            found.append(f"{exchange.method} {exchange.url}: {body.get('title')} {told or body.get('detail')}")
    return found


async def judge(account: Account, action: Action, inputs: Mapping[str, Any]) -> list[str]:
    """What Prism says of a call, and the error that came without Prism's doing."""
    with record_exchanges() as exchanges:
        try:
            await account.do(action.name, **inputs)
        except DeliveryError as error:
            return verdict(exchanges) or [f"not Prism: {error.message}"]
    return verdict(exchanges)


# --- what the documents show, call by call ---


@each_document
async def test_every_call_and_every_answer_is_as_documented(document: Document, tmp_path: Path) -> None:
    wrong: dict[str, list[str]] = {}
    async with judged(document, tmp_path) as prism:
        box, kept = prism.account.box, json.dumps(prism.account.box.records)
        for name, (_, _, inputs) in document.table.items():
            box.records = json.loads(kept)
            found = await judge(prism.account, document.action(name), inputs)
            if found:
                wrong[name] = found
    assert not wrong, "\n".join(told for found in wrong.values() for told in found)


# --- every field that our actions take ---


def most(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """A value with every field that a JSON Schema allows."""
    if "$ref" in schema:
        return most(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return most(next(one for one in schema[choice] if one.get("type") != "null"), definitions)
    if "properties" in schema:
        return {name: most(below, definitions) for name, below in schema["properties"].items()}
    if schema.get("type") == "array":
        return [most(schema.get("items", {}), definitions)] * max(1, schema.get("minItems", 1))
    return least(schema, definitions)


def fullest(account: Account, action: Action) -> list[dict[str, Any]]:
    """Inputs with all fields; where they exclude one another, several with one optional field each."""
    schema = action.inputs.model_json_schema(by_alias=True)
    whole = most(schema, schema.get("$defs", {}))
    needed = dict(inputs_of(account.document.vendor, action))
    several = [whole, *({**needed, name: value} for name, value in whole.items() if name not in needed)]
    for number, inputs in enumerate(several):
        try:
            action.render(inputs, account.settings)
        except Permanent:
            continue
        if not number:
            return [inputs]
    return [inputs for inputs in several[1:] if _renders(account, action, inputs)] or [needed]


def _renders(account: Account, action: Action, inputs: Mapping[str, Any]) -> bool:
    try:
        action.render(inputs, account.settings)
    except Permanent:
        return False
    return True


async def refused_by_prism(account: Account, request: Request) -> list[str]:
    """What Prism says of a request; what the vendor says of its content does not matter here."""
    with record_exchanges() as exchanges, suppress(DeliveryError):
        await account.client.send(request, timeout=10.0)
    return [told for told in verdict(exchanges) if "Invalid request" in told or "Route" in told]


@each_document
async def test_every_field_of_every_action_is_documented(document: Document, tmp_path: Path) -> None:
    wrong: dict[str, list[str]] = {}
    async with judged(document, tmp_path) as prism:
        for name in document.table:
            action = document.action(name)
            if name == "raw_request":
                continue
            for inputs in fullest(prism.account, action):
                request = action.render(inputs, prism.account.settings)
                wrong.setdefault(name, []).extend(await refused_by_prism(prism.account, request))
    assert {} == {name: found for name, found in wrong.items() if found}


# --- that Prism does judge ---


UNREACHED = {("POST", "/sessions/refresh")}
"""A session is refreshed only after one was opened, which needs an answer that says something."""


def hollow(document: Document) -> tuple[Starlette, set[tuple[str, str]]]:
    """An application that answers every operation with an empty object, and those whose answers have to hold more."""
    routes, needing = [], set()
    for path, operations in page_of(document)["paths"].items():
        for method, operation in operations.items():
            status = int(next(iter(operation["responses"])))

            async def endpoint(_: Any, status: int = status) -> Response:
                return Response(status_code=204) if status == 204 else JSONResponse({}, status)

            routes.append(Route(path, endpoint, methods=[method]))
            answer = operation["responses"][str(status)].get("content", {}).get("application/json", {})
            if answer.get("schema", {}).get("required"):
                needing.add((method.upper(), path))
    routes.sort(key=lambda route: "{" in route.path.rpartition("/")[2])
    return Starlette(routes=routes), needing


@each_document
async def test_an_answer_that_lacks_what_is_documented_is_found(document: Document, tmp_path: Path) -> None:
    """A schema that Prism cannot read it passes over in silence: here every one has to bite."""
    app, needing = hollow(document)
    found: set[tuple[str, str]] = set()
    async with judged(document, tmp_path, app) as prism:
        for name in document.table:
            action, inputs = document.action(name), prism.account.filled(document.table[name][2])
            with record_exchanges() as exchanges, suppress(DeliveryError):
                await prism.account.client.send(action.render(inputs, prism.account.settings), timeout=10.0)
            refused = {(one.method, urlsplit(one.url).path) for one in exchanges if one.status == 500}
            found |= {one for one in needing for got in refused if one[0] == got[0] and _matches(one[1], got[1])}
    assert needing - UNREACHED == found


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path) is not None


async def test_a_request_and_an_answer_that_are_not_as_documented_are_found(tmp_path: Path) -> None:
    [document] = [one for one in JUDGED if one.vendor.name == "housecall_pro"]
    async with judged(document, tmp_path) as prism:
        headers = {"authorization": f"Token {document.keys['api_key']}"}
        async with httpx.AsyncClient(base_url=prism.address, headers=headers, trust_env=False) as client:
            for body in ({"customer_id": "c"}, {"customer_id": "c", "address_id": "a", "colour": "red"}):
                answer = await client.post("/jobs", json=body)
                assert (422, "Invalid request") == (answer.status_code, answer.json()["title"])
            assert 401 == (await client.get("/customers", headers={"authorization": ""})).status_code
            prism.account.box.of("customers")[0]["addresses"] = "18 Birch Rd"
            answer = await client.get("/customers")
            assert 500 == answer.status_code
            assert "addresses" in answer.text
