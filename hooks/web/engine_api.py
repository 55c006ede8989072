"""The part of the admin API that asks the running engine: its rules, sources, connections, subscribers and vendors."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Desk, RulesDesk, RulesDraft
from hooks.web.bodies import RulesText
from hooks.web.engine_shapes import (
    Checked,
    ConnectionShown,
    Probe,
    Reloaded,
    RulesListed,
    SourceShown,
    SubscriberEnded,
    SubscriberShown,
    VendorShown,
)
from hooks.web.json_bodies import found, json_answer, known_id, sent
from hooks.web.openapi import Endpoint
from hooks.web.parameters import LISTED, part_of

_API = "/api/v1"


def engine_endpoints(desk: Desk, rules: RulesDesk) -> Sequence[Endpoint]:
    """Rows for the table of `hooks.web.admin`."""
    api = _Engine(desk, rules)
    named, subscriber = f"{_API}/connections/{{name}}", f"{_API}/subscribers/{{id}}"
    return (
        Endpoint(
            "GET",
            f"{_API}/rules",
            api.rules,
            "The loaded rules and the state of their file",
            query=LISTED,
            answer=RulesListed,
        ),
        Endpoint(
            "POST",
            f"{_API}/rules/reload",
            api.reload,
            "Load the rule file again",
            problems=(422,),
            answer=Reloaded,
            refusal=Checked,
        ),
        Endpoint(
            "POST",
            f"{_API}/rules/check",
            api.check,
            "Check a rule file's text",
            body=RulesText,
            problems=(422,),
            answer=Checked,
        ),
        Endpoint(
            "GET",
            f"{_API}/sources",
            api.sources,
            "The configured sources",
            query=LISTED,
            listing=True,
            answer=SourceShown,
        ),
        Endpoint(
            "GET",
            f"{_API}/connections",
            api.connections,
            "The configured connections",
            query=LISTED,
            listing=True,
            answer=ConnectionShown,
        ),
        Endpoint("POST", f"{named}/test", api.test_connection, "Test a connection", problems=(404,), answer=Probe),
        Endpoint(
            "GET",
            f"{_API}/subscribers",
            api.subscribers,
            "Who is told of events",
            query=LISTED,
            listing=True,
            answer=SubscriberShown,
        ),
        Endpoint(
            "POST",
            f"{subscriber}/end",
            api.end_subscriber,
            "Tell nothing more",
            problems=(404, 503),
            answer=SubscriberEnded,
        ),
        Endpoint(
            "GET",
            f"{_API}/vendors",
            api.vendors,
            "All vendors and their actions",
            query=LISTED,
            listing=True,
            answer=VendorShown,
        ),
    )


class _Engine:
    """The operations, one method each."""

    def __init__(self, desk: Desk, rules: RulesDesk) -> None:
        self._desk = desk
        self._rules = rules

    async def rules(self, request: Request) -> Response:
        return json_answer({**part_of(request.query_params, self._desk.rules()), "file": self._rules.state()})

    async def reload(self, request: Request) -> Response:
        result = await self._desk.reload()
        return json_answer(result, 200 if result.get("ok") else 422)

    async def check(self, request: Request) -> Response:
        body = await sent(request, RulesText)
        return json_answer(await self._desk.check(RulesDraft(body.text, body.files)))

    async def sources(self, request: Request) -> Response:
        return json_answer(part_of(request.query_params, await self._desk.sources()))

    async def connections(self, request: Request) -> Response:
        return json_answer(part_of(request.query_params, self._desk.connections()))

    async def test_connection(self, request: Request) -> Response:
        return found(await self._desk.test_connection(request.path_params["name"]))

    async def subscribers(self, request: Request) -> Response:
        return json_answer(part_of(request.query_params, self._desk.subscribers()))

    async def end_subscriber(self, request: Request) -> Response:
        return found(await self._desk.unsubscribe(known_id(request, "sub")))

    async def vendors(self, request: Request) -> Response:
        return json_answer(part_of(request.query_params, await self._desk.vendors()))
