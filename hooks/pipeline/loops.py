"""Loops: what we wrote at a vendor, how it is known again when it comes back, and when enough is enough. Pure.

A write is remembered for a few minutes by the record's id and digests of the fields that were sent and answered. An
event about that record in which all of them are the same is our own echo. It is not carried back: not by a rule that
had a part in it, and not to the vendor where it began. Other rules act on it, as a next link of a chain that has a
bounded length. A rule that keeps firing for a record that we write to has a budget; beyond it the run is held.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from hooks.events import Event, Exchange
from hooks.ports import Claimed, Echo, Wrote
from hooks.rules.ruleset import Rule

MOST_FIRINGS = 20
"""How often a rule may fire in ten minutes for one record that we write to ourselves."""

LONGEST_CHAIN = 5
"""How many events may be caused one by another."""

_WRITES = frozenset({"POST", "PUT", "PATCH"})
_VOLATILE = re.compile(r"updat|modif|version|etag|token", re.IGNORECASE)
_DEPTH = 8


def subject_id(event: Event) -> str | None:
    """The id of the record that an event is about: what follows the kind in its subject."""
    _, _, identity = (event.subject or "").partition("/")
    return identity or None


def writes_of(vendor: str, exchanges: Iterable[Exchange]) -> tuple[Wrote, ...]:
    """The records that these exchanges have written, with digests of what was sent and answered."""
    found: dict[str, dict[str, str]] = {}
    for exchange in exchanges:
        if exchange.method not in _WRITES or exchange.status is None or not 200 <= exchange.status < 300:
            continue
        sent = _object(exchange.request_body)
        if not sent:
            continue
        answered = _record(_object(exchange.answer_body))
        identity = _identity(answered, exchange.url)
        if identity is not None:
            found.setdefault(identity, {}).update(_digests({**answered, **sent}))
    return tuple(Wrote(vendor, identity, fields) for identity, fields in found.items() if fields)


def is_echo(fields: Mapping[str, str], event: Event) -> bool:
    """Whether the event shows the record as we left it: every field that both have is the same, and one at least."""
    identity = subject_id(event)
    for shown in _objects(event.raw, _DEPTH):
        if identity is None or str(shown.get("id")) != identity:
            continue
        seen = _digests(shown)
        common = fields.keys() & seen.keys()
        if common and all(fields[name] == seen[name] for name in common):
            return True
    return False


class Judgement(NamedTuple):
    """What becomes of a run that one of our own writes may have caused. ``cause`` is the run that wrote."""

    outcome: Literal["act", "skip", "hold"]
    reason: str | None = None
    cause: str | None = None
    depth: int = 0


_ACTS = Judgement("act")


def judge(run: Claimed, rule: Rule) -> Judgement:
    """Whether a run that is about to begin is part of a loop."""
    if run.depth > LONGEST_CHAIN:
        return _held(f"its event is number {run.depth} of a chain of events that caused one another")
    echo = next((echo for echo in run.echoes if is_echo(echo.fields, run.event)), None) if run.echoes else None
    if echo is not None:
        if _carries_back(echo, rule):
            why = f"echo: {echo.run} has written this itself, and {rule.id} would carry it back"
            return Judgement("skip", why, echo.run, echo.depth + 1)
        if echo.depth + 1 > LONGEST_CHAIN:
            return _held(f"its event is number {echo.depth + 1} of a chain of events that caused one another", echo)
    if run.fired > MOST_FIRINGS:
        return _held(f"{rule.id} has fired {run.fired} times in ten minutes for {run.event.subject}", echo)
    if echo is not None:
        return Judgement("act", None, echo.run, echo.depth + 1)
    return _ACTS


def _held(why: str, echo: Echo | None = None) -> Judgement:
    cause, depth = (None, 0) if echo is None else (echo.run, echo.depth + 1)
    told = f"this looks like a loop: {why}; mend the rules, then `hooks runs retry` or `hooks runs cancel`"
    return Judgement("hold", told, cause, depth)


def _carries_back(echo: Echo, rule: Rule) -> bool:
    origins = {vendor for _, vendor in echo.chain}
    return any(past == rule.id for past, _ in echo.chain) or any(step.vendor in origins for step in rule.all_steps)


# --- reading bodies ---


def _object(body: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(body or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _record(answer: dict[str, Any]) -> dict[str, Any]:
    """The record in an answer: itself, or the one object that is its envelope's content."""
    if "id" in answer:
        return answer
    inner = [value for value in answer.values() if isinstance(value, dict) and "id" in value]
    return inner[0] if len(inner) == 1 else {}


def _identity(answered: Mapping[str, Any], url: str) -> str | None:
    """The record's id: the answer's, else the last part of the address that holds a digit."""
    identity = answered.get("id")
    if isinstance(identity, (str, int)) and not isinstance(identity, bool):
        return str(identity)
    parts = [unquote(part) for part in urlsplit(url).path.split("/") if any(map(str.isdigit, part))]
    return parts[-1] if parts else None


def _digests(record: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:16]
        for name, value in record.items()
        if name != "id" and value is not None and not _VOLATILE.search(name)
    }


def _objects(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth == 0:
        return
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, depth - 1)
