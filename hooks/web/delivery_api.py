"""The part of the admin API that steers what goes out: connections that rest, unknown outcomes, replays."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Clock, DeliveryDesk, ReplaySelection, RunFilter, RunsAct
from hooks.web.bodies import ManyRuns, PauseConnection, Reconcile, ReplayEvent, Replays, ResolveRun, ResumeConnection
from hooks.web.engine_shapes import ConnectionShown, Reconciled, ReplayTold, RunsTold
from hooks.web.json_bodies import found, json_answer, known_id, sent
from hooks.web.openapi import Endpoint
from hooks.web.parameters import BadParameter, span
from hooks.web.shapes import RunShown

_API = "/api/v1"


def delivery_endpoints(desk: DeliveryDesk, clock: Clock) -> Sequence[Endpoint]:
    """Further rows for the table of `hooks.web.admin`."""
    return _DeliveryApi(desk, clock).endpoints()


class _DeliveryApi:
    """The operations, one method each."""

    def __init__(self, desk: DeliveryDesk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def endpoints(self) -> Sequence[Endpoint]:
        connection = f"{_API}/connections/{{name}}"
        return (
            Endpoint(
                "POST",
                f"{connection}/pause",
                self.pause,
                "Hold its runs",
                body=PauseConnection,
                problems=(404, 422, 503),
                answer=ConnectionShown,
                body_needed=False,
            ),
            Endpoint(
                "POST",
                f"{connection}/resume",
                self.resume,
                "Let its runs go on",
                body=ResumeConnection,
                problems=(404, 409, 422, 503),
                answer=ConnectionShown,
                body_needed=False,
            ),
            Endpoint(
                "POST",
                f"{_API}/runs/{{id}}/resolve",
                self.resolve,
                "Say what became of a step whose outcome is unknown",
                body=ResolveRun,
                problems=(404, 409, 422, 503),
                answer=RunShown,
            ),
            *(
                Endpoint(
                    "POST",
                    f"{_API}/runs/{act}",
                    handler,
                    summary,
                    body=ManyRuns,
                    problems=(422, 503),
                    answer=RunsTold,
                )
                for act, handler, summary in (
                    ("retry", self.retry_many, "Try many runs again now"),
                    ("cancel", self.cancel_many, "Give many runs up"),
                )
            ),
            Endpoint(
                "POST",
                f"{_API}/events/{{id}}/replay",
                self.replay,
                "Carry an event out once more",
                body=ReplayEvent,
                problems=(404, 409, 422, 503),
                answer=ReplayTold,
                body_needed=False,
            ),
            Endpoint(
                "POST",
                f"{_API}/replays",
                self.replays,
                "Carry many events out once more",
                body=Replays,
                problems=(409, 422, 503),
                answer=ReplayTold,
            ),
            Endpoint(
                "POST",
                f"{_API}/reconcile",
                self.reconcile,
                "Ask the vendors about unknown outcomes",
                body=Reconcile,
                problems=(422, 503),
                answer=Reconciled,
                body_needed=False,
            ),
        )

    async def pause(self, request: Request) -> Response:
        body = await sent(request, PauseConnection, empty=True)
        return found(await self._desk.pause(request.path_params["name"], body.reason or None))

    async def resume(self, request: Request) -> Response:
        body = await sent(request, ResumeConnection, empty=True)
        return found(await self._desk.resume(request.path_params["name"], body.drain_rate))

    async def resolve(self, request: Request) -> Response:
        body = await sent(request, ResolveRun, empty=True)
        return found(await self._desk.resolve(known_id(request, "run"), body.outcome, body.output))

    async def retry_many(self, request: Request) -> Response:
        return await self._many(request, "retry")

    async def cancel_many(self, request: Request) -> Response:
        return await self._many(request, "cancel")

    async def _many(self, request: Request, act: RunsAct) -> Response:
        body = await sent(request, ManyRuns)
        if body.runs is not None:
            return json_answer(await self._desk.each(act, body.runs, dry_run=body.dry_run))
        if act == "retry" and body.state == "waiting":
            raise BadParameter("state", "what waits is tried by itself: it must be failed or held")
        since, until = span(_times(body), self._clock.now())
        chosen = RunFilter(
            state=body.state,
            rule=body.rule or None,
            event=body.event,
            cursor=body.after,
            limit=body.limit,
            connection=body.connection or None,
            since=since,
            until=until,
            given_up=body.given_up if body.state == "failed" else None,
        )
        return json_answer(await self._desk.each(act, chosen, dry_run=body.dry_run))

    async def replay(self, request: Request) -> Response:
        body = await sent(request, ReplayEvent, empty=True)
        selection = ReplaySelection(events=(known_id(request, "evt"),), rule=body.rule or None)
        told = await self._desk.replay(selection, body.way, dry_run=body.dry_run, after=None, limit=1)
        return found(told if told["events"] else None)

    async def replays(self, request: Request) -> Response:
        body = await sent(request, Replays, empty=True)
        since, until = span(_times(body), self._clock.now())
        selection = ReplaySelection(
            events=None if body.events is None else tuple(body.events),
            source=body.source or None,
            type=body.type or None,
            state=body.state,
            rule=body.rule or None,
            since=since,
            until=until,
            flagged=body.flagged,
        )
        told = await self._desk.replay(selection, body.way, dry_run=body.dry_run, after=body.after, limit=body.limit)
        return json_answer(told)

    async def reconcile(self, request: Request) -> Response:
        body = await sent(request, Reconcile, empty=True)
        return json_answer(await self._desk.reconcile(body.connection or None, mend=body.mend, limit=body.limit))


def _times(body: Replays | ManyRuns) -> dict[str, str]:
    return {name: text for name in ("since", "until") if (text := getattr(body, name))}
