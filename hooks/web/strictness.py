"""What nobody would read is refused: an operation that ignored a filter or a ``dry_run`` would do more than asked."""

from __future__ import annotations

import functools
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from hooks.web.json_bodies import json_body
from hooks.web.openapi import Endpoint
from hooks.web.parameters import BadParameter, read_query

_API = "/api/v1/"


def strictly(endpoint: Endpoint) -> Endpoint:
    """The same operation of the API, which takes the parameters that it names, and a body only where it has a model
    of one. Figures for Prometheus are left alone: what asks for them adds parameters of its own."""
    if not endpoint.path.startswith(_API):
        return endpoint
    handler = endpoint.handler
    takes_nothing = endpoint.method != "GET" and endpoint.body is None

    @functools.wraps(handler)
    async def strict(request: Request) -> Response:
        read_query(request.query_params, endpoint.query)
        if takes_nothing and await json_body(request, {}) != {}:
            raise BadParameter("body", "nothing is taken here but an empty object, or no body at all")
        return await handler(request)

    return replace(endpoint, handler=strict)
