"""The part of the admin API that steers what goes out: connections that rest, unknown outcomes, replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Clock, DeliveryDesk, ReplayMode, ReplaySelection, ReplayState, ResolutionOutcome
from hooks.web.engine_shapes import ConnectionShown, Reconciled, ReplayTold
from hooks.web.json_bodies import found, json_answer, known_id, members
from hooks.web.openapi import Endpoint
from hooks.web.parameters import BadParameter, is_id, span
from hooks.web.shapes import RunShown

_API = "/api/v1"
MAX_REASON = 500
DEFAULT_EVENTS, MAX_EVENTS = 1000, 10_000
MAX_LOOK_UPS = 100
MAX_IDS = 500


def _object(**properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


_PAUSE = _object(reason={"type": "string", "maxLength": MAX_REASON, "description": "Why: shown with the connection."})
_RESOLVE = _object(
    outcome={
        "enum": list(get_args(ResolutionOutcome)),
        "description": "sent: it was carried out. not_sent: it was not, send it again. give_up: leave it.",
    },
    output={"description": "For sent: the vendor's answer, what later steps read as steps.<id>."},
)
_MODE = {"enum": list(get_args(ReplayMode)), "default": "missing-only"}
_DRY_RUN = {"type": "boolean", "default": False, "description": "Say what would happen, and do nothing."}
_RULE = {"type": "string", "description": "Only runs of this rule."}
_REPLAY = _object(mode=_MODE, dry_run=_DRY_RUN, rule=_RULE)
_REPLAYS = _object(
    mode=_MODE,
    dry_run=_DRY_RUN,
    rule=_RULE,
    events={"type": "array", "items": {"type": "string"}, "maxItems": MAX_IDS, "description": "Ids of events."},
    source={"type": "string", "description": "Only events that came in by this source."},
    type={"type": "string", "description": "Only of this type; * stands for anything."},
    state={"enum": list(get_args(ReplayState)), "description": "Only with or without a match, or with such a run."},
    since={"type": "string", "description": "Received at or after: an instant, a date, or so long ago (24h)."},
    until={"type": "string", "description": "Received before; as since."},
    after={"type": "string", "description": "Go on after this event: the next of the answer before."},
    limit={"type": "integer", "minimum": 1, "maximum": MAX_EVENTS, "default": DEFAULT_EVENTS},
)
_RECONCILE = _object(
    mend={"type": "boolean", "default": False, "description": "Adopt what is found; else only say so."},
    connection={"type": "string", "description": "Only steps that act in this connection."},
    limit={"type": "integer", "minimum": 1, "maximum": MAX_LOOK_UPS, "default": MAX_LOOK_UPS},
)
_SELECTING = ("events", "source", "type", "state", "rule", "since", "until")
_RESUME = _object(
    drain_rate={
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "How many of the held runs go on per second; all at once if not given.",
    }
)


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
                body=_PAUSE,
                problems=(404, 422, 503),
                answer=ConnectionShown,
                body_needed=False,
            ),
            Endpoint(
                "POST",
                f"{connection}/resume",
                self.resume,
                "Let its runs go on",
                body=_RESUME,
                problems=(404, 409, 422, 503),
                answer=ConnectionShown,
                body_needed=False,
            ),
            Endpoint(
                "POST",
                f"{_API}/runs/{{id}}/resolve",
                self.resolve,
                "Say what became of a step whose outcome is unknown",
                body=_RESOLVE,
                problems=(404, 409, 422, 503),
                answer=RunShown,
            ),
            Endpoint(
                "POST",
                f"{_API}/events/{{id}}/replay",
                self.replay,
                "Carry an event out once more",
                body=_REPLAY,
                problems=(404, 409, 422, 503),
                answer=ReplayTold,
                body_needed=False,
            ),
            Endpoint(
                "POST",
                f"{_API}/replays",
                self.replays,
                "Carry many events out once more",
                body=_REPLAYS,
                problems=(409, 422, 503),
                answer=ReplayTold,
            ),
            Endpoint(
                "POST",
                f"{_API}/reconcile",
                self.reconcile,
                "Ask the vendors about unknown outcomes",
                body=_RECONCILE,
                problems=(422, 503),
                answer=Reconciled,
                body_needed=False,
            ),
        )

    async def pause(self, request: Request) -> Response:
        body = await members(request, _PAUSE, {})
        return found(await self._desk.pause(request.path_params["name"], _text(body, "reason")))

    async def resume(self, request: Request) -> Response:
        body = await members(request, _RESUME, {})
        return found(await self._desk.resume(request.path_params["name"], _rate(body, "drain_rate")))

    async def resolve(self, request: Request) -> Response:
        body = await members(request, _RESOLVE, {})
        outcome = _choice(body, "outcome", get_args(ResolutionOutcome), None)
        if outcome is None:
            raise BadParameter("outcome", f"it must be one of {', '.join(get_args(ResolutionOutcome))}")
        if "output" in body and outcome != "sent":
            raise BadParameter("output", "only what was sent has an output")
        return found(await self._desk.resolve(known_id(request, "run"), outcome, body.get("output")))

    async def replay(self, request: Request) -> Response:
        body = await members(request, _REPLAY, {})
        event = known_id(request, "evt")
        mode, dry_run = _choice(body, "mode", get_args(ReplayMode), "missing-only"), _flag(body, "dry_run")
        selection = ReplaySelection(events=(event,), rule=_text(body, "rule"))
        told = await self._desk.replay(selection, mode, dry_run=dry_run, after=None, limit=1)
        return found(told if told["events"] else None)

    async def replays(self, request: Request) -> Response:
        body = await members(request, _REPLAYS, {})
        mode, dry_run = _choice(body, "mode", get_args(ReplayMode), "missing-only"), _flag(body, "dry_run")
        if not any(body.get(name) for name in _SELECTING):
            raise BadParameter("body", f"say which events: {', '.join(_SELECTING)}")
        times = {name: text for name in ("since", "until") if (text := _text(body, name)) is not None}
        since, until = span(times, self._clock.now())
        selection = ReplaySelection(
            events=_ids(body, "events"),
            source=_text(body, "source"),
            type=_text(body, "type"),
            state=_choice(body, "state", get_args(ReplayState), None),
            rule=_text(body, "rule"),
            since=since,
            until=until,
        )
        after = _text(body, "after")
        if after is not None and not is_id(after, "evt"):
            raise BadParameter("after", "it must be the id of an event")
        limit = _number(body, "limit", DEFAULT_EVENTS, MAX_EVENTS)
        return json_answer(await self._desk.replay(selection, mode, dry_run=dry_run, after=after, limit=limit))

    async def reconcile(self, request: Request) -> Response:
        body = await members(request, _RECONCILE, {})
        limit = _number(body, "limit", MAX_LOOK_UPS, MAX_LOOK_UPS)
        told = await self._desk.reconcile(_text(body, "connection"), mend=_flag(body, "mend"), limit=limit)
        return json_answer(told)


def _ids(body: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not 0 < len(value) <= MAX_IDS:
        raise BadParameter(name, f"it must be a list of 1 to {MAX_IDS} ids of events")
    if not all(isinstance(one, str) and is_id(one, "evt") for one in value):
        raise BadParameter(name, "each must be an id such as evt_ and 32 hexadecimal digits")
    return tuple(value)


def _choice(body: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: Any) -> Any:
    value = body.get(name, default)
    if value is not None and value not in allowed:
        raise BadParameter(name, f"it must be one of {', '.join(allowed)}")
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadParameter(name, "it must be true or false")
    return value


def _number(body: Mapping[str, Any], name: str, default: int, most: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadParameter(name, f"it must be a number from 1 to {most}")
    return value


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
