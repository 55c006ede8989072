"""JSON in and JSON out of the admin API: bodies read with a limit, answers written compactly."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks.web.parameters import BadParameter
from hooks.web.problem import JSON, as_json

MAX_BODY = 4 * 1024 * 1024
"""Of a request to this API: a rule file of 1 MiB, written as JSON text, fits."""


def json_answer(value: Any, status: int = 200) -> Response:
    return Response(as_json(value), status, media_type=JSON.decode())


async def json_body(request: Request, empty: Any = None) -> Any:
    """The JSON body, or ``empty`` for no body at all where that is given.

    Raises BadParameter for what is none, HTTPException 413 for too much.
    """
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > MAX_BODY:
            raise HTTPException(413)
    if not held and empty is not None:
        return empty
    try:
        return json.loads(held.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadParameter("body", "it must be JSON in UTF-8") from None
