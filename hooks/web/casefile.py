"""A case file: one run with its requests and answers, ready to be sent to a vendor's support. Pure.

People in it are replaced by invented ones, the same by the same and in the same form; notes are left out but for their
length. Ids, instants, amounts and the form of everything stay, because that is what support looks at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from hooks import __version__
from hooks.events import utc_text
from hooks.kit.disguise import Disguise

MASKED = "People are invented, the same by the same; notes are left out. Ids, times, amounts and forms are real."
_NOTES = frozenset({"note", "notes", "comment", "comments", "memo", "instructions", "specialinstructions"})
_OURS = _NOTES | {"message", "summary", "description"}
"""In what we send these are somebody's words; in an answer they are what the vendor says of it."""

_RUN = ("id", "rule", "state", "reason", "created_at", "finished_at", "attempts")
_EVENT = ("id", "type", "source", "vendor", "vendor_type", "subject", "time", "received_at")
_STEP = ("id", "action", "connection", "state", "error")
_ATTEMPT = ("id", "number", "started_at", "duration_ms", "verdict", "status", "error")


def case_file(run: Mapping[str, Any], event: Mapping[str, Any] | None, now: datetime) -> dict[str, Any]:
    """The case of a run as `History.run` shows it; its event (``None`` when it is gone) tells who is in it."""
    masking = _Masking(event, run)
    return {
        "made_at": utc_text(now),
        "made_by": f"hooks {__version__}",
        "masked": MASKED,
        "run": masking.of({name: run.get(name) for name in _RUN}),
        "event": None if event is None else masking.of({name: event.get(name) for name in _EVENT}),
        "steps": [_step(step, masking) for step in run.get("steps", ())],
    }


def _step(step: Mapping[str, Any], masking: _Masking) -> dict[str, Any]:
    request = step.get("request")
    return {
        **masking.of({name: step.get(name) for name in _STEP}),
        "request": None
        if request is None
        else {
            "method": request["method"],
            "url": masking.url(request["url"]),
            "body": masking.body(request["body"]),
        },
        "attempts": [
            {
                **masking.of({name: attempt.get(name) for name in _ATTEMPT}),
                "exchanges": [
                    {
                        "method": each["method"],
                        "url": masking.url(each["url"]),
                        "status": each.get("status"),
                        "request": masking.body(each.get("request")),
                        "answer": masking.answer(each.get("answer")),
                        "error": masking.of(each.get("error")),
                        "duration_ms": each.get("duration_ms"),
                    }
                    for each in attempt.get("exchanges", ())
                ],
            }
            for attempt in step.get("attempts", ())
        ],
    }


class _Masking:
    """Who is in a run is learned from all of it first."""

    def __init__(self, event: Mapping[str, Any] | None, run: Mapping[str, Any]) -> None:
        self._disguise = Disguise()
        told: list[Any] = [] if event is None else [event.get("data"), event.get("raw")]
        for step in run.get("steps", ()):
            told += [(step.get("request") or {}).get("body"), step.get("output")]
            for attempt in step.get("attempts", ()):
                told += [_read(each.get(part)) for each in attempt["exchanges"] for part in ("request", "answer")]
        self._disguise.learn(told)

    def of(self, value: Any) -> Any:
        return self._disguise.mask(value)

    def body(self, value: Any) -> Any:
        return self.of(_without(_read(value), _OURS))

    def answer(self, value: Any) -> Any:
        return self.of(_without(_read(value), _NOTES))

    def url(self, url: str) -> str:
        parts = urlsplit(url)
        path = "/".join(quote(str(self.of(part)), safe=":@!$&'()*+,;=~%") for part in parts.path.split("/"))
        query = [(name, str(self.of({name: value})[name])) for name, value in parse_qsl(parts.query, True)]
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, urlencode(query), ""))


def _read(body: Any) -> Any:
    """A body as values where it is JSON or a form, else as it is."""
    if not isinstance(body, str):
        return body
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    if re.fullmatch(r"[\w.\[\]%-]+=[^\s<>{}]*", body):
        return dict(parse_qsl(body, keep_blank_values=True))
    return body


def _without(value: Any, notes: Set[str], key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _without(below, notes, re.sub(r"[^a-z]", "", str(name).lower())) for name, below in value.items()}
    if isinstance(value, list):
        return [_without(below, notes, key) for below in value]
    if isinstance(value, str) and value and key in notes:
        return f"[{len(value)} characters left out]"
    return value


# --- as a letter ---


def as_markdown(case: Mapping[str, Any]) -> str:
    """The case as a text that can be pasted into a ticket."""
    run, event = case["run"], case["event"]
    lines = [f"# Case {run['id']}", "", f"{case['masked']} Made {case['made_at']} by {case['made_by']}.", ""]
    lines += _facts(run, ("rule", "state", "reason", "created_at", "finished_at"))
    if event is not None:
        lines += _facts(event, ("id", "type", "vendor", "subject", "received_at"), "event ")
    for step in case["steps"]:
        lines += ["", f"## {step['action']}", ""]
        lines += _facts(step, ("connection", "state", "error"))
        if not step["attempts"] and step["request"] is not None:
            lines += ["", "Not sent yet.", *_exchange(step["request"], step["request"]["body"])]
        for attempt in step["attempts"]:
            lines += ["", f"### Try {attempt['number']}, {attempt['started_at']}, {attempt['duration_ms']} ms", ""]
            lines += _facts(attempt, ("verdict", "status", "error", "id"))
            for each in attempt["exchanges"]:
                lines += _exchange(each, each["request"])
                lines += ["", f"Answer: {each['status'] or 'none'} after {each['duration_ms']} ms"]
                lines += _facts(each, ("error",))
                lines += _block(each["answer"])
    return "\n".join(lines) + "\n"


def _facts(of: Mapping[str, Any], names: tuple[str, ...], prefix: str = "") -> list[str]:
    return [f"- {prefix}{name.replace('_', ' ')}: {_line(of[name])}" for name in names if of.get(name) is not None]


def _exchange(request: Mapping[str, Any], body: Any) -> list[str]:
    return ["", f"`{_line(request['method'])} {_line(request['url'])}`", *_block(body)]


def _line(value: Any) -> str:
    return "".join(character if character.isprintable() else " " for character in str(value))


def _block(body: Any) -> list[str]:
    if body is None or body == "":
        return []
    kind = "" if isinstance(body, str) else "json"
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, indent=2)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    shown = "".join(character if character.isprintable() or character == "\n" else " " for character in text)
    return ["", fence + kind, shown, fence]
