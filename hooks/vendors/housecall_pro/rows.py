"""Deliver: the kinds of rows that Housecall Pro's table is made of: an operation, a list, a deletion.

A list takes ``fetch_all`` beside the vendor's filters. A deletion that is sent again and meets a 404 had been carried
out before. Operations that only the first list of operations knows say so in their summary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from pydantic import BaseModel

from hooks.events import Done, Request
from hooks.kit.answers import read_record, read_records
from hooks.kit.http import Deadline, nothing_sent
from hooks.kit.operations import Operation, Spec, delete, title_of
from hooks.ports import Call

from .client import HousecallProClient, HousecallProSettings
from .models import PAGE, SORT, takes

MAX_RECORDS: Final = 10_000
MAX_PAGES: Final = 200
WALK_PAGE_SIZE: Final = 200
"""Accepted in practice; the vendor's document names no maximum."""
SEED_ONLY: Final = " Not in the vendor's own document: expect 404/405 in production."


def row(
    name: str,
    method: str,
    path: str,
    summary: str,
    line: str | type[BaseModel] = "",
    *,
    meaning: dict[str, Spec] | None = None,
    seed_only: bool = False,
    **more: Any,
) -> Operation:
    """An operation whose inputs are a line of the vocabulary or a model; ``meaning`` is of names that differ here."""
    inputs = partial(takes, title_of(name), line, meaning) if isinstance(line, str) else line
    told = summary + SEED_ONLY if seed_only else summary
    more.setdefault("adjust", _lists_as_configured)
    return Operation(name, method, path, told, inputs, joined=False, **more)


def listing(name: str, path: str, summary: str, line: str = "", *, plural: str = "", **more: Any) -> Operation:
    """A list in pages; ``plural`` is the key its records stand under, by default the end of the path."""
    return row(
        name,
        "GET",
        path,
        summary,
        f"{line} {PAGE} {SORT} fetch_all?",
        **{"ours": frozenset({"fetch_all"}), "adjust": first_page, **more},
        carry=partial(_walk, plural=plural or path.rpartition("/")[2]),
    )


def deletion(name: str, path: str, summary: str, line: str = "", **more: Any) -> Operation:
    """A deletion by the ids of its path."""
    return row(name, "DELETE", path, summary, line, carry=delete, **more)


def _lists_as_configured(request: Request, inputs: Mapping[str, Any], settings: HousecallProSettings) -> Request:
    if settings.lists_in_query == "repeat":
        return request
    lists = {name for name, value in inputs.items() if isinstance(value, list)}
    named = tuple((f"{name}[]" if name in lists else name, value) for name, value in request.query)
    return replace(request, query=named)


# --- lists ---


def first_page(request: Request, inputs: Mapping[str, Any], settings: HousecallProSettings) -> Request:
    """The request of a list: its first page, when all are to be walked."""
    request = _lists_as_configured(request, inputs, settings)
    if not inputs.get("fetch_all"):
        return request
    size = dict(request.query).get("page_size", str(WALK_PAGE_SIZE))
    rest = tuple(pair for pair in request.query if pair[0] not in ("page", "page_size"))
    return replace(request, query=(*rest, ("page", "1"), ("page_size", size)))


async def _walk(client: HousecallProClient, request: Request, call: Call, *, plural: str) -> Done:
    """One page, or all of them in one, at most 10,000 records within one deadline."""
    if not call.inputs.get("fetch_all"):
        return await client.send(request, timeout=call.timeout)
    left = Deadline(call.timeout)
    records: list[Any] = []
    page, pages, more = 0, 1, True
    while more and page < MAX_PAGES and len(records) < MAX_RECORDS:
        page += 1
        asked = tuple((name, str(page) if name == "page" else value) for name, value in request.query)
        answer = (await client.send(replace(request, query=asked), timeout=left.left())).output
        found = _listed(answer, plural)
        records += found
        pages = _pages(answer)
        more = page < pages and bool(found)
    more = more or len(records) > MAX_RECORDS
    records = records[:MAX_RECORDS]
    whole = {"page": 1, "page_size": len(records), "total_pages": 1, "total_items": len(records), "has_more": more}
    return Done({**whole, plural: records})


def _pages(answer: Any) -> int:
    """How many pages there are; a few lists call it ``total_pages_count``."""
    for name in ("total_pages", "total_pages_count"):
        pages = answer.get(name) if isinstance(answer, dict) else None
        if isinstance(pages, int):
            return pages
    return 1


def records_of(answer: Any, plural: str) -> list[dict[str, Any]]:
    """The records of a list's answer, under their own name or ``data``; [] where there are none."""
    if isinstance(answer, dict):
        answer = answer.get(plural, answer.get("data"))
    return [one for one in answer if isinstance(one, dict)] if isinstance(answer, list) else []


def _listed(answer: Any, plural: str) -> list[dict[str, Any]]:
    """The same of an answer that has to be a list. Raises Transient when it holds none."""
    return read_records(answer.get(plural, answer.get("data")) if isinstance(answer, dict) else answer)


async def ask(
    client: HousecallProClient, operation: Operation, inputs: Mapping[str, Any], timeout: float
) -> dict[str, Any]:
    """The record that a reading operation answers, for look-ups. Raises Transient when it answers none.

    Its failures have changed nothing: none of them is unknown.
    """
    with nothing_sent():
        return read_record((await client.send(operation.render(inputs, client.settings), timeout=timeout)).output)


async def search(
    client: HousecallProClient, lister: Operation, inputs: Mapping[str, Any], plural: str, timeout: float
) -> list[dict[str, Any]]:
    """The records of a list's first page, for look-ups. Raises Transient when the answer holds no list."""
    with nothing_sent():
        found = (await client.send(lister.render(inputs, client.settings), timeout=timeout)).output
    return _listed(found, plural)
