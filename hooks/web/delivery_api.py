"""The part of the admin API that steers what goes out: connections that rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import DeliveryDesk
from hooks.web.json_bodies import json_answer, json_body
from hooks.web.openapi import Endpoint
from hooks.web.parameters import BadParameter

_API = "/api/v1"
MAX_REASON = 500


def _object(**properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


_PAUSE = _object(reason={"type": "string", "maxLength": MAX_REASON, "description": "Why: shown with the connection."})
_RESUME = _object(
    drain_rate={
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "How many of the held runs go on per second; all at once if not given.",
    }
)


class DeliveryApi:
    """The operations, one method each."""

    def __init__(self, desk: DeliveryDesk) -> None:
        self._desk = desk

    def endpoints(self) -> Sequence[Endpoint]:
        """The rows of the table of the admin API."""
        connection = f"{_API}/connections/{{name}}"
        return (
            Endpoint("POST", f"{connection}/pause", self.pause, "Hold its runs", body=_PAUSE, problems=(404, 422, 503)),
            Endpoint(
                "POST",
                f"{connection}/resume",
                self.resume,
                "Let its runs go on",
                body=_RESUME,
                problems=(404, 409, 422, 503),
            ),
        )

    async def pause(self, request: Request) -> Response:
        body = await members(request, _PAUSE)
        return _found(await self._desk.pause(request.path_params["name"], _text(body, "reason")))

    async def resume(self, request: Request) -> Response:
        body = await members(request, _RESUME)
        return _found(await self._desk.resume(request.path_params["name"], _rate(body, "drain_rate")))


async def members(request: Request, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of the body, all of them known; no body is an empty object. Raises BadParameter."""
    body = await json_body(request, empty={})
    if not isinstance(body, dict):
        raise BadParameter("body", "it must be a JSON object")
    for name in body:
        if name not in schema["properties"]:
            raise BadParameter(
                "body", f"it has a member that is not known; there are {', '.join(schema['properties'])}"
            )
    return body


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not (isinstance(value, str) and len(value) <= MAX_REASON and value.isprintable()):
        raise BadParameter(name, f"it must be text of at most {MAX_REASON} characters on one line")
    return value or None


def _rate(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.001 <= value <= 1000:
        raise BadParameter(name, "it must be a number of runs per second from 0.001 to 1000")
    return float(value)


def _found(value: Mapping[str, Any] | None) -> Response:
    if value is None:
        raise HTTPException(404)
    return json_answer(value)
