"""The part of the admin API that is about rules as a file: its history, publishing, rolling back, trying out."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Clock, Edit, RuleOrigin, RulesDesk, RulesDraft, Span
from hooks.web.audit import who_asks
from hooks.web.bodies import BacktestDraft, PublishRules, RollBackRules
from hooks.web.engine_shapes import BacktestShown, Checked, Published, ShadowReport, Version, VersionShown
from hooks.web.json_bodies import found, json_answer, sent
from hooks.web.openapi import Endpoint
from hooks.web.parameters import PAGES, BadParameter, instant, read_limit, read_query, span

_API = "/api/v1/rules"
_SHADOW = {
    "rule": "The id of a rule in shadow; all of them if not given.",
    "against": "The id of the live rule to compare with; the most similar one if not given.",
    "since": "Runs from then on: an instant (2026-05-04T14:00:00Z), a date, or so long ago (24h).",
}
_MOST_VERSIONS = 10**9
_DIFFED = {"against": "The number of the version to compare with; the one before if not given."}


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
                body=PublishRules,
                problems=(409, 422, 503),
                answer=Published,
                refusal=Checked,
            ),
            Endpoint(
                "GET",
                f"{_API}/versions",
                self.versions,
                "What was in force, newest first",
                PAGES,
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
                body=RollBackRules,
                problems=(404, 409, 422, 503),
                answer=Published,
                refusal=Checked,
            ),
            Endpoint(
                "POST",
                f"{_API}/backtest",
                self.backtest,
                "Which requests a rule file would make otherwise of stored events",
                body=BacktestDraft,
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
        body = await sent(request, PublishRules)
        edit = _edit(request, body, "api")
        result = await self._desk.publish(RulesDraft(body.text, body.files), edit, _expected(body))
        return json_answer(result, 200 if result["ok"] else 422)

    async def versions(self, request: Request) -> Response:
        given = read_query(request.query_params, PAGES)
        limit = read_limit(given)
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
        body = await sent(request, RollBackRules)
        edit = _edit(request, body, "rollback", f"back to version {body.to}")
        result = await self._desk.rollback(body.to, edit, _expected(body))
        if result is None:
            raise HTTPException(404)
        return json_answer(result, 200 if result["ok"] else 422)

    async def backtest(self, request: Request) -> Response:
        body = await sent(request, BacktestDraft)
        now = self._clock.now()
        times = {name: text for name in ("since", "until") if (text := getattr(body, name)) is not None}
        since, until = span(times, now)
        looked_at = Span(since, until, body.source or None, body.limit)
        result = await self._desk.backtest(RulesDraft(body.text, body.files), looked_at, body.rule or None)
        return json_answer(result, 200 if result["ok"] else 422)

    async def shadow_report(self, request: Request) -> Response:
        given = read_query(request.query_params, _SHADOW)
        since = instant(given, "since", self._clock.now())
        return found(await self._desk.shadow_report(given.get("rule"), given.get("against"), since))


# --- reading what is sent ---


def _edit(request: Request, body: PublishRules | RollBackRules, origin: RuleOrigin, note: str = "") -> Edit:
    asks, via = who_asks(request)
    return Edit(body.author.strip() or asks or via, origin, note if body.note is None else body.note)


def _expected(body: PublishRules | RollBackRules) -> str | None:
    return None if body.expected is None else str(body.expected)


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= _MOST_VERSIONS):
        raise BadParameter(name, f"it must be a number from 1 to {_MOST_VERSIONS}")
    return int(text)
