"""Deliver: what Homebase360's operations share: a search that changes nothing, and updates in the configured form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hooks.events import Request
from hooks.kit.answers import read_records
from hooks.kit.http import nothing_sent
from hooks.kit.operations import query_pairs

from .client import Homebase360Client, Homebase360Settings


async def search(
    client: Homebase360Client, path: str, query: Mapping[str, Any], timeout: float
) -> list[dict[str, Any]]:
    """The records of a search. Its failures have changed nothing, so their outcome is not unknown."""
    request = Request("GET", path, query_pairs(query, joined=True))
    with nothing_sent():
        found = (await client.send(request, timeout=timeout)).output
    return read_records(found)


def as_configured(request: Request, inputs: Mapping[str, Any], settings: Homebase360Settings) -> Request:
    """An update with the connection's verb, and with the record's id where the connection says."""
    request = replace(request, method=settings.update_method)
    if settings.id_in == "path":
        return request
    name = "customerId" if "customerId" in inputs else "jobId"
    return replace(request, path=request.path.rpartition("/")[0], query=((name, str(inputs[name])),))
