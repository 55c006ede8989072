"""A stand-in for any API: it answers with what it was asked, and keeps it.

``/status/{code}`` answers that status, ``/text`` answers text, ``/redirect`` redirects, ``/token`` gives tokens of the
client credentials grant. A request with an ``Idempotency-Key`` that came before gets the first answer again and is not
kept twice.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from hooks.kit.sandbox import Sandbox, fields

TOKEN = "sandbox-access-token"  # noqa: S105 - a demonstration value that opens nothing
_ALL = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def sandbox() -> Starlette:
    """The application. It takes any credentials and none."""
    answered: dict[str, dict[str, Any]] = {}
    box = Sandbox(
        expire_tokens=answered.clear, wrong=lambda status: JSONResponse({"error": "sandbox fault"}, status_code=status)
    )

    async def echo(request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        if key is not None and key in answered:
            return JSONResponse(answered[key])
        record = {
            "id": box.number(),
            "method": request.method,
            "path": request.url.path,
            "query": [list(pair) for pair in request.query_params.multi_items()],
            "json": _parsed(await request.body()),
        }
        if key is not None:
            answered[key] = record
        return JSONResponse(box.add("requests", record))

    async def status(request: Request) -> Response:
        return JSONResponse({"message": "as asked"}, status_code=request.path_params["code"])

    async def text(_: Request) -> Response:
        return PlainTextResponse("OK")

    async def redirect(_: Request) -> Response:
        return RedirectResponse("/elsewhere")

    async def token(request: Request) -> Response:
        given = await fields(request)
        if given.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
        return JSONResponse({"access_token": TOKEN, "expires_in": 900, "token_type": "Bearer"})

    return box.app(
        [
            Route("/token", token, methods=["POST"]),
            Route("/text", text, methods=_ALL),
            Route("/redirect", redirect, methods=_ALL),
            Route("/status/{code:int}", status, methods=_ALL),
            Route("/{path:path}", echo, methods=_ALL),
        ]
    )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode("utf-8", "replace")
