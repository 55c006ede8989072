"""The yardstick: uvicorn and Starlette reading the same body and answering 200. No check, no store."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def receive(request: Request) -> Response:
    await request.body()
    return Response(b"{}")  # as JSON, for those that call it as a vendor


app = Starlette(routes=[Route("/in/hcp", receive, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
