"""A stand-in for Hello, written from the lines of its README."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hooks.kit.sandbox import Sandbox, fields

KEY = "sandbox-hello-key"


def sandbox() -> Starlette:
    """The application."""
    box = Sandbox()

    def refused(request: Request) -> bool:
        return request.headers.get("x-hello-key") != KEY

    async def greet(request: Request) -> Response:
        if refused(request):
            return Response(status_code=401)
        given = await fields(request)
        if not given.get("to"):
            return JSONResponse({"error": "to is missing"}, status_code=422)
        return JSONResponse(box.add("greetings", {"id": box.number(), **given}))

    async def find(request: Request) -> Response:
        if refused(request):
            return Response(status_code=401)
        wanted = request.query_params.get("ref")
        return JSONResponse([one for one in box.of("greetings") if one.get("ref") == wanted])

    async def get(request: Request) -> Response:
        if refused(request):
            return Response(status_code=401)
        found = box.find("greetings", "id", request.path_params["id"])
        return Response(status_code=404) if found is None else JSONResponse(found)

    return box.app(
        [
            Route("/greetings", greet, methods=["POST"]),
            Route("/greetings", find, methods=["GET"]),
            Route("/greetings/{id:int}", get, methods=["GET"]),
        ]
    )
