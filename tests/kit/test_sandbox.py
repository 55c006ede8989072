"""The sandboxes' scaffolding: its controls and faults, over ASGI and behind a real server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as Incoming
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from hooks.errors import Transient
from hooks.events import Request
from hooks.kit.http import Http
from hooks.kit.sandbox import Sandbox, fields


def things() -> tuple[Sandbox, Starlette]:
    box = Sandbox(fresh=lambda: {"things": [{"id": 0}]})

    async def create(request: Incoming) -> Response:
        return JSONResponse(box.add("things", {"id": box.number(), **await fields(request)}), status_code=201)

    return box, box.app([Route("/things", create, methods=["POST"])])


def asking(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def test_records_and_requests_are_shown_and_reset() -> None:
    _, app = things()
    async with asking(app) as http:
        await http.post("/things", json={"a": 1})
        await http.post("/things?x=1", data={"b": "2"})
        assert [{"id": 0}, {"id": 1, "a": 1}, {"id": 2, "b": "2"}] == (await http.get("/_sandbox/records")).json()[
            "things"
        ]
        shown = (await http.get("/_sandbox/requests")).json()
        assert [("POST", "/things", "", '{"a":1}'), ("POST", "/things", "x=1", "b=2")] == [
            (one["method"], one["path"], one["query"], one["body"]) for one in shown
        ]
        await http.post("/_sandbox/reset")
        assert {"things": [{"id": 0}]} == (await http.get("/_sandbox/records")).json()
        assert 1 == (await http.post("/things", json={})).json()["id"]


async def test_a_fault_happens_as_often_as_it_says_and_can_be_taken_back() -> None:
    _, app = things()
    async with asking(app) as http:
        await http.post("/_sandbox/faults", json={"kind": "status", "status": 502, "count": 2, "path": "/things"})
        assert [502, 502, 201] == [(await http.post("/things", json={})).status_code for _ in range(3)]
        added = await http.post("/_sandbox/faults", json={"kind": "rate", "retry_after": 2, "count": 9})
        assert 1 == len(added.json())
        answer = await http.post("/things", json={})
        assert (429, "2") == (answer.status_code, answer.headers["retry-after"])
        assert [] == (await http.delete("/_sandbox/faults")).json()
        assert 201 == (await http.post("/things", json={})).status_code


@pytest.mark.parametrize(
    "wrong", [{"kind": "earthquake"}, {"kind": "status", "extra": 1}, {"kind": "status", "count": 0}]
)
async def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    _, app = things()
    async with asking(app) as http:
        assert 422 == (await http.post("/_sandbox/faults", json=wrong)).status_code


async def test_a_sandbox_can_be_mounted() -> None:
    box, app = things()
    async with asking(Starlette(routes=[Mount("/thing", app)])) as http:
        assert 201 == (await http.post("/thing/things", json={})).status_code
        assert ["/things"] == [request["path"] for request in (await http.get("/thing/_sandbox/requests")).json()]
    assert 1 == len(box.requests)


@contextlib.asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """The application behind uvicorn on loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@pytest.mark.parametrize(("kind", "made"), [("cut_after", 2), ("cut_before", 1), ("garbage", 2), ("hang", 1)])
async def test_faults_break_real_connections_too(kind: str, made: int) -> None:
    box, app = things()
    async with served(app) as address:
        async with asking(app) as http:
            await http.post("/_sandbox/faults", json={"kind": kind})
        client = Http(address, timeout=1.0)
        request = Request("POST", "/things", headers={"content-type": "application/json"}, body=b"{}")
        if kind == "garbage":
            assert b'{"success": tru' == (await client.send(request)).body
        else:
            with pytest.raises(Transient) as caught:
                await client.send(request, timeout=0.5)
            assert caught.value.unknown
        assert made == len(box.of("things"))
        assert 201 == (await client.send(request)).status
        await client.aclose()
