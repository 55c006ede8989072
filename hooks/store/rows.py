"""Between records and rows: instants as integer milliseconds, documents as JSON text, requests without credentials."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic_core import from_json, to_json

from hooks.events import Event, Exchange, Receipt, Request, parse_utc
from hooks.ports import Attempt, Step

_encode_escaped = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def dump(value: Any) -> str:
    """JSON text as it is stored: compact, not escaped beyond need.

    A lone surrogate is no character, and UTF-8 has no bytes for it; JSON can spell it, so that is how it is kept.
    """
    try:
        return to_json(value, inf_nan_mode="constants").decode()
    except ValueError:
        return _encode_escaped(value)


def dump_read(value: Any) -> str:
    """As `dump`, in a fifth of the time, for what was read from JSON or holds no fractions: no NaN is in it."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits, a lone surrogate
        return dump(value)


def load(text: str) -> Any:
    """What `dump` has written, or any other JSON text."""
    try:
        return from_json(text, cache_strings="keys")
    except ValueError:
        return json.loads(text)  # a lone surrogate, which the other one does not take


def storable(text: str) -> str:
    """Text that both databases take: what is no character becomes a question mark, and NUL a replacement character."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _storable_or_none(text: str | None) -> str | None:
    return None if text is None else storable(text)


def millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def moment_or_none(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else moment(milliseconds)


def bytes_to_json(body: bytes | None) -> Any:
    """Bytes inside a JSON document: text where they are UTF-8, else ``{"base64": ...}``."""
    if body is None:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def bytes_from_json(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8")
    return base64.b64decode(value["base64"])


def request_to_json(request: Request | None, url: str | None) -> str | None:
    if request is None:
        return None
    return dump_read(
        {
            "method": request.method,
            "url": url,
            "path": request.path,
            "query": request.query,
            "headers": dict(request.headers),
            "body": bytes_to_json(request.body),
        }
    )


def request_from_json(text: str | None) -> Request | None:
    if text is None:
        return None
    value = load(text)
    query = tuple((name, given) for name, given in value["query"])
    return Request(value["method"], value["path"], query, value["headers"], bytes_from_json(value["body"]))


def exchange_to_json(exchange: Exchange) -> dict[str, Any]:
    return {
        "method": exchange.method,
        "url": exchange.url,
        "status": exchange.status,
        "request": bytes_to_json(exchange.request_body),
        "answer": bytes_to_json(exchange.answer_body),
        "error": exchange.error,
        "duration_ms": exchange.duration_ms,
    }


RECEIPT_COLUMNS = "id, source, vendor, received_at, verdict, path, query, headers, body, events, reason, duplicate_of"


def receipt_from_row(row: Sequence[Any]) -> Receipt:
    """From the columns of `RECEIPT_COLUMNS`."""
    return Receipt(
        id=row[0],
        source=row[1],
        vendor=row[2],
        received_at=moment(row[3]),
        verdict=row[4],
        path=row[5],
        query=tuple((name, given) for name, given in load(row[6])),
        headers=load(row[7]),
        body=row[8] or b"",
        events=row[9],
        reason=row[10],
        duplicate_of=row[11],
    )


EVENT_COLUMNS = "id, type, source, vendor, vendor_type, receipt, subject, time, received_at, data, raw, flag"


def event_to_row(event: Event) -> tuple[Any, ...]:
    return (
        event.id,
        storable(event.type),
        event.source,
        event.vendor,
        storable(event.vendor_type),
        event.receipt,
        _storable_or_none(event.subject),
        event.time.isoformat(),
        event.received_at.isoformat(),
        dump_read(event.data),
        dump_read(event.raw),
        _storable_or_none(event.flag),
    )


def event_from_row(row: tuple[Any, ...]) -> Event:
    """From the columns of `EVENT_COLUMNS`."""
    return Event(
        id=row[0],
        type=row[1],
        source=row[2],
        vendor=row[3],
        vendor_type=row[4],
        receipt=row[5],
        subject=row[6],
        time=parse_utc(row[7]),
        received_at=parse_utc(row[8]),
        data=load(row[9]),
        raw=load(row[10]),
        flag=row[11],
    )


STEP_COLUMNS = (
    "position, id, action, connection, state, inputs, request, output, error, tries, intended_at, finished_at"
)


def step_to_row(run: str, step: Step) -> tuple[Any, ...]:
    return (
        run,
        step.position,
        step.id,
        step.action,
        step.connection,
        step.state,
        None if step.inputs is None else dump(dict(step.inputs)),
        request_to_json(step.request, step.url),
        None if step.output is None else dump(step.output),
        None if step.error is None else storable(step.error),
        step.tries,
        None if step.intended_at is None else millis(step.intended_at),
        None if step.finished_at is None else millis(step.finished_at),
    )


def step_from_row(row: tuple[Any, ...]) -> Step:
    """From the columns of `STEP_COLUMNS`."""
    return Step(
        position=row[0],
        id=row[1],
        action=row[2],
        connection=row[3],
        state=row[4],
        inputs=None if row[5] is None else load(row[5]),
        request=request_from_json(row[6]),
        url=None if row[6] is None else load(row[6])["url"],
        output=None if row[7] is None else load(row[7]),
        error=row[8],
        tries=row[9],
        intended_at=moment_or_none(row[10]),
        finished_at=moment_or_none(row[11]),
    )


def attempt_to_row(run: str, attempt: Attempt) -> tuple[Any, ...]:
    return (
        attempt.id,
        run,
        attempt.position,
        attempt.number,
        millis(attempt.started_at),
        attempt.duration_ms,
        attempt.verdict,
        attempt.status,
        None if attempt.error is None else storable(attempt.error),
        dump_read([exchange_to_json(exchange) for exchange in attempt.exchanges]),
    )
