"""JSON in and JSON out of the admin API: bodies read with a limit, answers written compactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Page
from hooks.web.bodies import Sent, said_of
from hooks.web.parameters import BadParameter, is_id
from hooks.web.problem import JSON, as_json

MAX_BODY = 4 * 1024 * 1024
"""Of a request to this API: a rule file of 1 MiB, written as JSON text, fits."""

Body = TypeVar("Body", bound=Sent)


def json_answer(value: Any, status: int = 200) -> Response:
    return Response(as_json(value), status, media_type=JSON.decode())


def page_answer(page: Page) -> Response:
    return json_answer({"items": list(page.items), "next": page.next})


def found(value: Mapping[str, Any] | None) -> Response:
    """What was asked for. Raises HTTPException 404 when there is no such thing."""
    if value is None:
        raise HTTPException(404)
    return json_answer(value)


def known_id(request: Request, prefix: str) -> str:
    """The id in the path. Raises HTTPException 404 for what can be none of ours."""
    text: str = request.path_params["id"]
    if not is_id(text, prefix):
        raise HTTPException(404)
    return text


async def sent(request: Request, model: type[Body], *, empty: bool = False, most: int = MAX_BODY) -> Body:
    """The body as its model has it; ``empty``: whether none at all will do.

    Raises BadParameter with the member's name and never with what was sent, HTTPException 413 for too much.
    """
    body = await json_body(request, {} if empty else None, most)
    if not isinstance(body, dict):
        raise BadParameter("body", "it must be a JSON object")
    try:
        return model.model_validate(body)
    except ValidationError as invalid:
        found = invalid.errors(include_url=False)
    for error in found:
        if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
            known = ", ".join(model.model_fields)
            raise BadParameter("body", f"it has a member that is not known; there are {known}")
    raise BadParameter(str(found[0]["loc"][0]) if found[0]["loc"] else "body", said_of(found[0]))


async def json_body(request: Request, empty: Any = None, most: int = MAX_BODY) -> Any:
    """The JSON body, or ``empty`` for no body at all where that is given.

    Raises BadParameter for what is none, HTTPException 413 for too much.
    """
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > most:
            raise HTTPException(413)
    if not held and empty is not None:
        return empty
    try:
        return json.loads(held.decode("utf-8"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise BadParameter("body", "it must be JSON in UTF-8") from None


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(members)
    if len(read) != len(members):
        raise BadParameter("body", "a member of it is given more than once")
    return read
