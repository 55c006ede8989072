"""Deliver: what a vendor's answer means. Pure; an answer that is not a success becomes one of the three errors.

The table is the same for every vendor: 2xx is fine; 429 and 503 were not carried out; 408, 409, 425 and the other 5xx
may have been, so their outcome is unknown (425 is not); 401 and 403 wait for an operator; everything else is refused
for good, redirects included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import pydantic_core

from hooks.errors import AnswerCut, Permanent, Transient, Unconfigured
from hooks.events import Answer

MESSAGE_CHARS: Final = 500
MAX_RETRY_AFTER: Final = 86_400.0
_NOT_CARRIED_OUT = frozenset({425, 429, 503})
_MAYBE_CARRIED_OUT = frozenset({408, 409})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
_WORDS = ("message", "Message", "error_description", "error", "detail", "title", "reason")


def verdict(answer: Answer, message: str = "") -> None:
    """Return if the answer is a success (2xx), else raise what it means.

    ``message`` is the vendor's own words where its form is known; without it they are looked for (`vendor_words`).
    """
    status = answer.status
    if 200 <= status < 300:
        return
    words = short(message) or vendor_words(answer.body)
    text = f"answered {status}: {words}" if words else f"answered {status}"
    if status in _NOT_CARRIED_OUT:
        raise Transient(text, status=status, retry_after=retry_after(answer.headers))
    if status in _MAYBE_CARRIED_OUT or status >= 500:
        raise Transient(text, status=status, unknown=True, retry_after=retry_after(answer.headers))
    if status in (401, 403):
        raise Unconfigured(text, status=status)
    if 300 <= status < 400:
        text = f"answered {status}: redirects are not followed; check base_url"
    raise Permanent(text, status=status)


def read_json(answer: Answer) -> Any:
    """The JSON values of a successful answer; None when it is empty.

    Raises Transient with ``unknown``: whoever answers 2xx has acted, even when the rest of it cannot be read.
    NaN, infinities and lone surrogates count as unreadable, because no later stage could carry them.
    """
    if not answer.body.strip():
        return None
    if answer.truncated:
        raise AnswerCut("the answer is larger than the limit and was cut", status=answer.status, unknown=True)
    try:
        return pydantic_core.from_json(answer.body, allow_inf_nan=False)
    except ValueError as error:
        raise Transient("the answer is not readable as JSON", status=answer.status, unknown=True) from error


def read_records(values: Any) -> list[dict[str, Any]]:
    """The records that a search gave.

    Raises Transient where it gave no list at all (an empty answer, an error page in JSON): that nothing was read must
    not count as nothing being there, because what is not there is made.
    """
    if not isinstance(values, list):
        raise Transient("the answer to a search holds no list: it does not say what is there")
    return [one for one in values if isinstance(one, dict)]


def read_record(value: Any) -> dict[str, Any]:
    """The record that was asked for. Raises Transient where the answer is none, for the reason of `read_records`."""
    if not isinstance(value, dict) or not value.get("id"):
        raise Transient("the answer holds no record with its id: it does not say what is there")
    return value


def several(value: Any) -> list[Any]:
    """The entries of a record's list; a single text is one of them, and anything else is none."""
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []


def refused(words: str) -> str:
    """What is told of an envelope that says no, with the vendor's words where it has some."""
    return f"refused: {words}" if words else "refused without a reason"


def too_much(error: AnswerCut) -> Permanent:
    """What is told instead where the call only read."""
    return Permanent(f"{error.message}: ask for less, by a narrower filter or a smaller page", status=error.status)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3), at most a day; None for junk.

    A date is measured against the answer's own Date header where there is one, so that clocks need not agree.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,10}", text):
        return min(float(text), MAX_RETRY_AFTER)
    until = _http_date(text)
    if until is None:
        return None
    now = _http_date(headers.get("date", "")) or datetime.now(UTC)
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def vendor_words(body: bytes) -> str:
    """What an error body says, in one line of at most 500 characters; "" where it says nothing readable.

    JSON bodies are searched for their usual fields, problem+json's ``errors`` by field; other text is taken as it
    is, except HTML, which is made for browsers.
    """
    try:
        return short(_words_of(pydantic_core.from_json(body)))
    except ValueError:
        text = body[: 8 * MESSAGE_CHARS].decode("utf-8", "replace")
    return "" if text.lstrip().startswith("<") else short(text)


def _words_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_words_of, value[:10])))
    if not isinstance(value, dict):
        return ""
    found = next((words for key in _WORDS if (words := _words_of(value.get(key)))), "")
    errors = value.get("errors")
    if isinstance(errors, dict):
        fields = "; ".join(f"{name}: {_words_of(told)}" for name, told in list(errors.items())[:20])
        return f"{found} ({fields})" if found and fields else found or fields
    return found or _words_of(errors)


def short(text: str) -> str:
    """A text for a message: one line, no control characters, at most 500 characters."""
    line = _CONTROL.sub(" ", text).strip()
    return line if len(line) <= MESSAGE_CHARS else line[: MESSAGE_CHARS - 1] + "…"
