"""Deliver: the kinds of rows that ServiceTitan's table is made of: an operation, a list, a deletion.

A list takes ``fetch_all`` (walk the pages while the answer says ``hasMore``) and ``custom_query`` beside the vendor's
filters. A deletion that is sent again and meets a 404 had been carried out before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from pydantic import BaseModel

from hooks.events import Done, Request
from hooks.kit.answers import read_records
from hooks.kit.http import Deadline, nothing_sent
from hooks.kit.operations import Operation, Spec, delete, query_pairs, title_of
from hooks.ports import Call

from .client import ServiceTitanClient
from .vocabulary import REPEATED, WALK, takes

FIXED: Final = frozenset({"tenant", "booking_provider"})
MAX_RECORDS: Final = 10_000
"""As many as `fetch_all` gives; the vendor's own pick lists end there too."""
MAX_PAGES: Final = 200
WALK_PAGE_SIZE: Final = 500
_FIELD_FILTER: Final = "customField.Fields"


def row(
    name: str,
    method: str,
    path: str,
    summary: str,
    line: str | type[BaseModel],
    *,
    meaning: Mapping[str, Spec] | None = None,
    **more: Any,
) -> Operation:
    """An operation whose inputs are a line of the vocabulary or a model; ``meaning`` is of names that differ here."""
    inputs = partial(takes, title_of(name), line, meaning) if isinstance(line, str) else line
    return Operation(name, method, path, summary, inputs, fixed=FIXED, **more)


def listing(
    name: str,
    path: str,
    summary: str,
    line: str,
    *,
    meaning: Mapping[str, Spec] | None = None,
    aliases: tuple[str, ...] = (),
) -> Operation:
    """A list, which takes `WALK` beside its line."""
    return row(
        name,
        "GET",
        path,
        summary,
        f"{line} {WALK}",
        meaning=meaning,
        aliases=aliases,
        ours=frozenset({*WALK.replace("?", "").split(), _FIELD_FILTER}),
        adjust=_as_asked,
        carry=_walk,
    )


def deletion(name: str, path: str, summary: str, line: str, **more: Any) -> Operation:
    """A deletion by the ids of its path."""
    return row(name, "DELETE", path, summary, line, carry=delete, **more)


# --- lists ---


def _as_asked(request: Request, inputs: Mapping[str, Any], _: BaseModel) -> Request:
    """The query with arrays repeated as the vendor wants them, and with what was asked for beyond its filters."""
    pairs = [pair for pair in request.query if pair[0] not in REPEATED]
    pairs += query_pairs({name: inputs[name] for name in sorted(REPEATED & inputs.keys())}, joined=False)
    # The vendor's description calls this a dictionary and does not show one: the form of its web framework is inferred.
    pairs += [(f"{_FIELD_FILTER}[{key}]", value) for key, value in (inputs.get(_FIELD_FILTER) or {}).items()]
    if inputs.get("fetch_all"):
        size = dict(pairs).get("pageSize", str(WALK_PAGE_SIZE))
        pairs = [pair for pair in pairs if pair[0] not in ("page", "pageSize", "includeTotal")]
        pairs += [("page", "1"), ("pageSize", size)]
    asked = inputs.get("custom_query") or {}
    if isinstance(asked, list):
        pairs += [(key, value) for key, _, value in (pair.partition("=") for pair in asked)]
    else:
        pairs += query_pairs(asked, joined=True)
    return replace(request, query=tuple(pairs))


async def _walk(client: ServiceTitanClient, request: Request, call: Call) -> Done:
    if not call.inputs.get("fetch_all"):
        return await client.send(request, timeout=call.timeout)
    return Done(await all_pages(client, request, call.timeout))


async def all_pages(
    client: ServiceTitanClient, request: Request, timeout: float, limit: int = MAX_RECORDS
) -> dict[str, Any]:
    """All records of a list in one page; ``hasMore`` says that there are more than the ``limit``.

    ``timeout`` is one deadline for all pages. Raises what the client raises; a list has changed nothing.
    """
    left = Deadline(timeout)
    found: list[Any] = []
    more = True
    page = 0
    while more and len(found) < limit and page < MAX_PAGES:
        page += 1
        asked = tuple((name, str(page) if name == "page" else value) for name, value in request.query)
        answer = (await client.send(replace(request, query=asked), timeout=left.left())).output
        part = read_records(answer.get("data") if isinstance(answer, dict) else None)
        found += part
        more = bool(part) and answer.get("hasMore") is True
    more = more or len(found) > limit
    found = found[:limit]
    return {"page": 1, "pageSize": len(found), "hasMore": more, "totalCount": len(found), "data": found}


async def first_page(
    client: ServiceTitanClient, lister: Operation, filters: Mapping[str, Any], timeout: float
) -> list[dict[str, Any]]:
    """The first page of a filtered list, for look-ups. Its failures have changed nothing: none of them is unknown."""
    with nothing_sent():
        page = (await client.send(lister.render(filters, client.settings), timeout=timeout)).output
    return read_records(page.get("data") if isinstance(page, dict) else None)


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; [] for anything that is none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, Sequence) else []
