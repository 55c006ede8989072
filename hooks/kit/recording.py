"""Deliver: what is kept of exchanges for people, without the secrets that travel with them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Final
from urllib.parse import quote, quote_plus

from hooks.events import Exchange

MAX_RECORDED: Final = 64 * 1024
MIN_SECRET_CHARS: Final = 4
"""Shorter secrets are not searched for: masking every "1" would shred the record."""

_exchanges: ContextVar[list[Exchange] | None] = ContextVar("hooks_exchanges", default=None)


class Mask:
    """Takes secrets out of what is kept for people, in the forms in which they travel."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            if len(secret) >= MIN_SECRET_CHARS:
                forms |= {secret, quote(secret, safe=""), quote_plus(secret)}
                forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def body(self, body: bytes) -> bytes:
        for form in self._forms:
            body = body.replace(form.encode("utf-8", "surrogatepass"), b"***")
        return body


@functools.lru_cache(maxsize=64)
def mask_of(secrets: tuple[str, ...]) -> Mask:
    """The same ones come with each call of an account."""
    return Mask(secrets)


class record_exchanges:  # noqa: N801  # read as `with record_exchanges() as ...:`, for each call of each run
    """Collect every exchange that this task, and tasks begun by it, make inside the block."""

    __slots__ = ("_before",)

    def __enter__(self) -> list[Exchange]:
        exchanges: list[Exchange] = []
        self._before = _exchanges.set(exchanges)
        return exchanges

    def __exit__(self, *_: object) -> None:
        _exchanges.reset(self._before)


def current_record() -> list[Exchange] | None:
    """Where the exchanges of this task are collected, None when nobody does."""
    return _exchanges.get()


def secret_parts(headers: Mapping[str, str]) -> Iterator[str]:
    """The whole values, and what follows ``Bearer``, ``Basic`` or ``Token``."""
    for value in headers.values():
        yield value
        yield value.rpartition(" ")[2]


def recorded(body: bytes | None, mask: Mask, private: bool) -> bytes | None:
    if body is None:
        return None
    return b"(not recorded: it holds credentials)" if private else mask.body(body)[:MAX_RECORDED]
