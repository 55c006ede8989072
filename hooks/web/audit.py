"""Who changed what: every operation of the admin API that changes something is kept in the list of changes.

An operation is looked at from outside: how the thing it is about stood before, how it stands afterwards, and how the
operation was answered. Operations that change nothing by their nature are not kept, nor are dry runs.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hooks.errors import HooksError, StoreError
from hooks.events import new_id
from hooks.ports import Audit, AuditFilter, Change, ChangeOutcome, Clock, Desk, History, RulesDesk
from hooks.web.json_bodies import json_answer
from hooks.web.openapi import Endpoint
from hooks.web.parameters import PAGES, BadParameter, instant, is_id, read_limit, read_query
from hooks.web.shapes import ChangeListed

AUTHOR = "x-hooks-author"
"""The header by which a caller says who asks."""

MAX_NAME = 100
_API = "/api/v1/"
_CHANGES_NOTHING = ("rules.check", "rules.backtest", "rules.try_on", "connections.test_connection")
_KNOWN = {
    "what": "The operation: runs.retry.",
    "target": "The id or name of what was changed.",
    "who": "Who asked for it.",
    "since": "From then on: an instant (2026-05-04T14:00:00Z), a date, or so long ago (24h).",
    **PAGES,
}

Handler = Callable[[Request], Awaitable[Response]]


class Auditor:
    """The list of changes, kept and shown."""

    def __init__(self, audit: Audit, history: History, desk: Desk, rules: RulesDesk, clock: Clock) -> None:
        self._audit = audit
        self._history = history
        self._desk = desk
        self._rules = rules
        self._clock = clock

    def endpoints(self) -> Sequence[Endpoint]:
        """Further rows for the table of `hooks.web.admin`."""
        summary = "Who changed what, newest first"
        return (
            Endpoint(
                "GET",
                f"{_API}audit",
                self.audit,
                summary,
                _KNOWN,
                listing=True,
                problems=(422, 503),
                answer=ChangeListed,
            ),
        )

    def keeping(self, endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
        """The same operations; those that change something are kept."""
        return [self._kept(each) if each.method != "GET" else each for each in endpoints]

    async def audit(self, request: Request) -> Response:
        page = await self._audit.changes(self.filter(request))
        return json_answer({"items": list(page.items), "next": page.next})

    def filter(self, request: Request) -> AuditFilter:
        """Raises BadParameter."""
        given = read_query(request.query_params, _KNOWN)
        cursor = given.get("cursor")
        if cursor is not None and not is_id(cursor, "aud"):
            raise BadParameter("cursor", "it must be the next of the page before")
        return AuditFilter(
            given.get("what"),
            given.get("target"),
            given.get("who"),
            instant(given, "since", self._clock.now()),
            cursor,
            read_limit(given),
        )

    def _kept(self, endpoint: Endpoint) -> Endpoint:
        subject = endpoint.path.removeprefix(_API).partition("/")[0]
        what = f"{subject}.{endpoint.handler.__name__}"
        if what in _CHANGES_NOTHING:
            return endpoint
        handler = endpoint.handler

        @functools.wraps(handler)
        async def kept(request: Request) -> Response:
            return await self._keep(request, subject, what, handler)

        return replace(endpoint, handler=kept)

    async def _keep(self, request: Request, subject: str, what: str, handler: Handler) -> Response:
        target = next((str(value)[:200] for value in request.path_params.values()), "")
        before = await self._state(subject, target)
        who, via = who_asks(request)
        change = Change(new_id("aud"), self._clock.now(), who, via, what, target, before)
        try:
            with self._audit.during(change):
                answer = await handler(request)
        except HooksError as error:
            refused = not isinstance(error, StoreError)
            await self._end(change, "refused" if refused else "failed", str(error) if refused else None)
            raise
        if _is_dry_run(request, answer):
            return answer
        if answer.status_code >= 400:
            await self._end(change, "refused", None)
        else:
            await self._end(change, "done", await self._state(subject, target) or _figures(answer))
        return answer

    async def _end(self, change: Change, outcome: ChangeOutcome, after: str | None) -> None:
        if isinstance(after, str):
            after = after[:300]
        try:
            await self._audit.keep(replace(change, outcome=outcome, after=after))
        except StoreError:  # the change stands as begun, or has not been made either
            return

    async def _state(self, subject: str, target: str) -> str | None:
        """How it stands, in a few words: never what a vendor sent."""
        if subject == "runs" and is_id(target, "run"):
            run = await self._history.run(target)
            return None if run is None else run.get("state")
        if subject == "connections":
            return next((_of_connection(one) for one in self._desk.connections() if one["name"] == target), None)
        if subject == "rules":
            number = self._rules.state().get("number")
            return None if number is None else f"version {number}"
        return None


def who_asks(request: Request) -> tuple[str, Any]:
    """The name that was given, and where: signed in to the console, or by a header of the call."""
    if request.scope.get("via") == "console":
        return request.scope.get("who", ""), "console"
    given = request.headers.get(AUTHOR, "").strip()[:MAX_NAME]
    name = given if given.isprintable() else ""
    return name, "cli" if request.headers.get("user-agent", "").startswith("hooks/") else "api"


def _of_connection(connection: Mapping[str, Any]) -> str:
    if connection.get("paused"):
        return "paused"
    return "works" if connection.get("breaker", "closed") == "closed" else f"breaker {connection['breaker']}"


def _is_dry_run(request: Request, answer: Response) -> bool:
    if request.query_params.get("dry_run") == "true":
        return True
    told = _document(answer)
    return told.get("dry_run") is True


def _figures(answer: Response) -> str | None:
    """The numbers at the top of an answer: how many of what."""
    told = _document(answer)
    return ", ".join(f"{name} {value}" for name, value in told.items() if type(value) is int) or None


def _document(answer: Response) -> Mapping[str, Any]:
    try:
        told = json.loads(bytes(answer.body))
    except (ValueError, AttributeError):  # streamed, or no JSON
        return {}
    return told if isinstance(told, dict) else {}
