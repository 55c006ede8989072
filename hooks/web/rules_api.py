"""The part of the admin API that is about rules as a file: its history, publishing, rolling back, trying out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Clock, Edit, RuleOrigin, RulesDesk, Span
from hooks.web.audit import who_asks
from hooks.web.engine_shapes import BacktestShown, Checked, Published, ShadowReport, Version, VersionShown
from hooks.web.json_bodies import found, json_answer, members
from hooks.web.openapi import Endpoint
from hooks.web.parameters import BadParameter, instant, read_query

_API = "/api/v1/rules"
_LISTED = {"cursor": "Where the page before ended: its next.", "limit": "How many, 1 to 500; 50 if not given."}
_SHADOW = {
    "rule": "The id of a rule in shadow; all of them if not given.",
    "against": "The id of the live rule to compare with; the most similar one if not given.",
    "since": "Runs from then on: an instant (2026-05-04T14:00:00Z), a date, or so long ago (24h).",
}
_DIFFED = {"against": "The number of the version to compare with; the one before if not given."}

_BY = {
    "author": {"type": "string", "maxLength": 100, "description": "Who changes the rules: kept in the history."},
    "note": {"type": "string", "maxLength": 500, "description": "Why: kept in the history."},
    "expected": {
        "type": ["string", "integer"],
        "description": "The number or version that the caller has seen in force: another one is a conflict (409).",
    },
}
_PUBLISH = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text"],
    "properties": {"text": {"type": "string", "description": "The whole rules file."}, **_BY},
}
_MOST_EVENTS = 10_000
_BACKTEST = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text"],
    "properties": {
        "text": {"type": "string", "description": "The whole rules file."},
        "since": {"type": "string", "description": "Events received from then on: an instant, a date, or 14d."},
        "until": {"type": "string", "description": "Events received before; as since."},
        "rule": {"type": "string", "description": "Only this rule."},
        "source": {"type": "string", "description": "Only events of this source."},
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": _MOST_EVENTS,
            "default": _MOST_EVENTS // 10,
            "description": "The newest so many events.",
        },
    },
}
_ROLLBACK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["to"],
    "properties": {"to": {"type": "integer", "minimum": 1, "description": "The number of a version."}, **_BY},
}


def rules_endpoints(desk: RulesDesk, clock: Clock) -> Sequence[Endpoint]:
    """Further rows for the table of `hooks.web.admin`."""
    return _RulesApi(desk, clock).endpoints()


class _RulesApi:
    """The operations, one method each."""

    def __init__(self, desk: RulesDesk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def endpoints(self) -> Sequence[Endpoint]:
        return (
            Endpoint(
                "POST",
                _API,
                self.publish,
                "Put a rule file in force",
                body=_PUBLISH,
                problems=(409, 422, 503),
                answer=Published,
                refusal=Checked,
            ),
            Endpoint(
                "GET",
                f"{_API}/versions",
                self.versions,
                "What was in force, newest first",
                _LISTED,
                listing=True,
                problems=(422, 503),
                answer=Version,
            ),
            Endpoint(
                "GET",
                f"{_API}/versions/{{number}}",
                self.version,
                "One version: its texts and how they differ",
                _DIFFED,
                problems=(404, 422, 503),
                answer=VersionShown,
            ),
            Endpoint(
                "POST",
                f"{_API}/rollback",
                self.rollback,
                "Put an earlier version back in force",
                body=_ROLLBACK,
                problems=(404, 409, 422, 503),
                answer=Published,
                refusal=Checked,
            ),
            Endpoint(
                "POST",
                f"{_API}/backtest",
                self.backtest,
                "Which requests a rule file would make otherwise of stored events",
                body=_BACKTEST,
                problems=(409, 422, 503),
                answer=BacktestShown,
                refusal=Checked,
            ),
            Endpoint(
                "GET",
                f"{_API}/shadow-report",
                self.shadow_report,
                "What rules in shadow would have done, beside the live ones",
                _SHADOW,
                problems=(404, 422, 503),
                answer=ShadowReport,
            ),
        )

    async def publish(self, request: Request) -> Response:
        body = await members(request, _PUBLISH)
        text = _text(body, "text", None)
        result = await self._desk.publish(text, _edit(request, body, "api"), _expected(body))
        return json_answer(result, 200 if result["ok"] else 422)

    async def versions(self, request: Request) -> Response:
        given = read_query(request.query_params, _LISTED)
        limit = _number(given.get("limit", "50"), "limit", 500)
        before = _number(given["cursor"], "cursor") if "cursor" in given else None
        found = await self._desk.versions(before, limit + 1)
        more = len(found) > limit
        return json_answer({"items": found[:limit], "next": str(found[limit - 1]["number"]) if more else None})

    async def version(self, request: Request) -> Response:
        given = read_query(request.query_params, _DIFFED)
        number = request.path_params["number"]
        if not (number.isascii() and number.isdigit() and len(number) <= 9):
            raise HTTPException(404)
        against = _number(given["against"], "against") if "against" in given else None
        return found(await self._desk.version(int(number), against))

    async def rollback(self, request: Request) -> Response:
        body = await members(request, _ROLLBACK)
        number = body.get("to")
        if type(number) is not int or not 0 < number < 10**9:
            raise BadParameter("to", "it must be the number of a version")
        result = await self._desk.rollback(
            number, _edit(request, body, "rollback", f"back to version {number}"), _expected(body)
        )
        if result is None:
            raise HTTPException(404)
        return json_answer(result, 200 if result["ok"] else 422)

    async def backtest(self, request: Request) -> Response:
        body = await members(request, _BACKTEST)
        text = _text(body, "text", None)
        given = {name: _text(body, name, None, 200) for name in ("since", "until", "rule", "source") if name in body}
        most = body.get("limit", _MOST_EVENTS // 10)
        if type(most) is not int or not 1 <= most <= _MOST_EVENTS:
            raise BadParameter("limit", f"it must be a number from 1 to {_MOST_EVENTS}")
        now = self._clock.now()
        since, until = (instant(given, name, now) for name in ("since", "until"))
        result = await self._desk.backtest(text, Span(since, until, given.get("source"), most), given.get("rule"))
        return json_answer(result, 200 if result["ok"] else 422)

    async def shadow_report(self, request: Request) -> Response:
        given = read_query(request.query_params, _SHADOW)
        since = instant(given, "since", self._clock.now())
        return found(await self._desk.shadow_report(given.get("rule"), given.get("against"), since))


# --- reading what is sent ---


def _edit(request: Request, body: Mapping[str, Any], origin: RuleOrigin, note: str = "") -> Edit:
    author = _text(body, "author", "", 100).strip()
    asks, via = who_asks(request)
    return Edit(author or asks or via, origin, _text(body, "note", note, 500))


def _text(body: Mapping[str, Any], name: str, default: str | None, most: int | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or (most is not None and (len(value) > most or not value.isprintable())):
        kind = "text" if most is None else f"text of at most {most} characters on one line"
        raise BadParameter(name, f"it must be {kind}")
    return value


def _expected(body: Mapping[str, Any]) -> str | None:
    value = body.get("expected")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadParameter("expected", "it must be the number or the version that was in force")
    return str(value)


def _number(text: str, name: str, most: int = 10**9) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= most):
        raise BadParameter(name, f"it must be a number from 1 to {most}")
    return int(text)
