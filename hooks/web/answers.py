"""What senders are told: every answer of the public door to a delivery, made once where it can be.

An answer carries no text that came from a request, a secret or an exception.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from hooks.pipeline.receive import Door, log_fault
from hooks.ports import Inbound, Outcome, Reply
from hooks.ports.inbound import Named, media_type, suffix
from hooks.web.problem import JSON, Prepared, as_json, problem

log = logging.getLogger("hooks.inbox")

_MAX_MEDIA_TYPE = 500  # it is stored whole, because a multipart body cannot be read again without its boundary
NOW = "too much at once, or stopping"
"""The reason of what is put off for want of room or time, and not by the store."""

NOT_FOUND = problem(404)
_BAD_LENGTH = problem(400, "The Content-Length is not a number.")
_UNREADABLE = problem(400, "The body cannot be read.")
_REFUSED = problem(401, "The signature or key is missing, wrong or too old.", [(b"www-authenticate", b"Webhook")])
TOO_LARGE = problem(413, "The body is larger than this source takes.")
_MEDIA_TYPE = problem(415, "This source does not take this content type.")
_CODING = problem(415, "Compressed bodies are not taken.", [(b"accept-encoding", b"identity")])
_UNAVAILABLE = {
    (status, seconds): problem(status, "This cannot be taken now. Send it again.", [(b"retry-after", b"%d" % seconds)])
    for status in (429, 503)
    for seconds in (5, 30)
}
PROBED = Prepared(200, as_json({"status": "ok"}), JSON)
_DROPPED = Prepared(200, as_json({"events": [], "duplicate": False}), JSON)


def answer_to(door: Door, request: Inbound, outcome: Outcome) -> Prepared:
    """What this sender hears of how it ended: in the words of its source, where that has its own."""
    if outcome.kind == "refused" and door.drops_bad_signatures:
        return _DROPPED
    try:
        reply = outcome.reply or door.source.answer(request, outcome)
        return _usual(door, outcome) if reply is None else _own(reply)
    except Exception as error:
        log_fault(log, f"answer of source {door.name}", error)
        return _usual(door, outcome)


def refusal_by_head(door: Door, named: Named) -> Prepared | None:
    """What the headers alone make impossible, before a byte of the body is read."""
    if b"content-length" in named:
        length = (named[b"content-length"] or b"").strip()
        if not length.isdigit() or len(length) > 18:
            return _BAD_LENGTH
        if int(length) > door.settings.max_bytes:
            return TOO_LARGE
    if b"content-encoding" in named:
        coding = named[b"content-encoding"]
        if coding is None or coding.strip().lower() not in (b"", b"identity"):
            return _CODING
    given = named.get(b"content-type", b"")
    if given is None or len(given) > _MAX_MEDIA_TYPE:
        return _MEDIA_TYPE
    kind, taken = media_type(given), door.source.media_types
    return None if kind in taken or suffix(kind) in taken else _MEDIA_TYPE


def _usual(door: Door, outcome: Outcome) -> Prepared:
    """The table of answers for sources without words of their own."""
    kind, receipt = outcome.kind, outcome.receipt
    if kind == "accepted" and receipt is not None:
        ids = '","'.join(receipt.event_ids)
        text = f'{{"receipt":"{receipt.id}","events":["{ids}"],"duplicate":false}}'
        return Prepared(door.settings.respond_status, text.encode(), JSON)
    if kind == "duplicate" and receipt is not None:
        text = f'{{"receipt":"{receipt.id}","events":[],"duplicate":true,"duplicate_of":"{receipt.duplicate_of}"}}'
        return Prepared(door.settings.respond_status, text.encode(), JSON)
    if kind == "ping":
        body: dict[str, Any] = {"events": [], "duplicate": False, "ping": True}
        return Prepared(200, as_json(body if receipt is None else {"receipt": receipt.id, **body}), JSON)
    if kind == "probe":
        return PROBED
    if kind == "refused":
        return _REFUSED
    if kind == "unreadable":
        return _UNREADABLE
    return _UNAVAILABLE[door.settings.unavailable_status, 5 if outcome.reason == NOW else 30]


def _own(reply: Reply) -> Prepared:
    """A source's own answer. One that puts the sender off names the time, because senders act on that."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    content_type = headers.pop("content-type", JSON.decode())
    if reply.status in (429, 503):
        headers.setdefault("retry-after", "30")
    body = b"" if reply.body is None else as_json(reply.body)
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return Prepared(reply.status, body, content_type.encode("latin-1"), pairs)


def put_off(status: int) -> Prepared:
    """For a sender whose source cannot be known now."""
    return _UNAVAILABLE[status, 30]


def not_allowed(methods: Iterable[str]) -> Prepared:
    return problem(405, headers=[(b"allow", ", ".join(sorted(methods)).encode())])
