"""A stand-in for ``hooks.zapier.com``, written from Zapier's help pages: a Catch Hook, and hooks of Zaps' own.

A hook catches what is posted to it and answers ``{"status": "success", ...}``; it takes the same thing twice. Every
path ``/hooks/standard/<number>/<name>/`` is the hook of a Zap that is switched on, until DELETE switches it off: then
it answers 410, as Zapier does for a Zap that is gone.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hooks.kit.sandbox import Sandbox

HOOK_PATH = "/hooks/catch/1234567/sandboxhook"
MAX_PAYLOAD = 10_000_000


def sandbox() -> Starlette:
    """The application."""
    box = Sandbox(wrong=lambda status: JSONResponse({"status": "error"}, status_code=status))

    async def caught(request: Request, hook: str) -> Response:
        body = await request.body()
        if len(body) > MAX_PAYLOAD:
            return JSONResponse({"status": "error", "message": "Payload too large"}, status_code=413)
        try:
            data: Any = json.loads(body)
        except ValueError:
            data = body.decode("utf-8", "replace")
        number = box.number()
        box.add("caught", {"hook": hook, "data": data})
        identity = f"0190c0de-0000-7000-8000-{number:012d}"
        return JSONResponse({"status": "success", "id": identity, "request_id": identity, "attempt": identity})

    async def catch(request: Request) -> Response:
        name = request.path_params["name"]
        if f"/hooks/catch/{request.path_params['number']}/{name}" != HOOK_PATH:
            return JSONResponse({"status": "error", "message": "no such hook"}, status_code=404)
        return await caught(request, name)

    async def standard(request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "DELETE":
            box.add("gone", {"hook": name})
            return JSONResponse({})
        if box.find("gone", "hook", name):
            return JSONResponse({"status": "error", "message": "the Zap is gone"}, status_code=410)
        return await caught(request, name)

    return box.app(
        [
            Route("/hooks/catch/{number:int}/{name}/", catch, methods=["GET", "POST", "PUT"]),
            Route("/hooks/catch/{number:int}/{name}", catch, methods=["GET", "POST", "PUT"]),
            Route("/hooks/standard/{number:int}/{name}/", standard, methods=["POST", "DELETE"]),
        ]
    )
