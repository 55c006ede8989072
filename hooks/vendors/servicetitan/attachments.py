"""Deliver: files at ServiceTitan: upload as a multipart form, download as base64.

The vendor's description does not give the upload a usable media type (2026-07): the form field ``file`` is inferred. A
download answers the bytes, or a redirect to where the file is kept. A redirect to the same host is followed; one to
another host is not, because our credentials are not for it: its address is the output.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from pydantic import BaseModel

from hooks.errors import Permanent
from hooks.events import Answer, Done, Request
from hooks.kit.http import Deadline, verdict
from hooks.kit.operations import File, Operation
from hooks.ports import Action, Call, OnUnknown

from .client import ServiceTitanClient
from .rows import FIXED, row
from .vocabulary import takes

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def upload(name: str, path: str, summary: str) -> Operation:
    """A row that sends one file in the form field ``file``."""
    meaning = {"file": (File, "The file: its name, media type and content in base64.")}
    return row(name, "POST", path, summary, "file", meaning=meaning, body="multipart")


def file_output(answer: Answer) -> dict[str, Any]:
    """A file as an output that a later step can send on."""
    return {
        "content_type": answer.headers.get("content-type"),
        "content_base64": b64encode(answer.body).decode(),
        "location": None,
    }


DOWNLOAD: Final = takes("Download", "path")


@dataclass(frozen=True)
class DownloadAction:
    """One file by its ``path``: ``{content_type, content_base64, location}``, the last one for a redirect elsewhere."""

    name: str
    path: str
    summary: str
    aliases: tuple[str, ...] = ()
    method: str = "GET"
    inputs: type[BaseModel] = DOWNLOAD
    repeatable: bool = True
    on_unknown: OnUnknown = "repeat"

    @property
    def operation(self) -> str:
        return self._row().operation

    def _row(self) -> Operation:
        return Operation(self.name, self.method, self.path, self.summary, self.inputs, fixed=FIXED)

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        return replace(self._row().render(inputs, settings), headers={"accept": "*/*"})

    async def send(self, client: ServiceTitanClient, call: Call) -> Done:
        left = Deadline(call.timeout)
        request = call.request or self.render(call.inputs, client.settings)
        answer = await client.fetch(request, timeout=left.left())
        if answer.status in _REDIRECTS and answer.headers.get("location"):
            address = _absolute(client.url(request), answer.headers["location"])
            there = _same_host(client, address)
            if there is None:
                return Done({"content_type": None, "content_base64": None, "location": address})
            answer = await client.fetch(there, timeout=left.left())
        verdict(answer)
        if answer.truncated:
            raise Permanent("the file is larger than the limit of an answer", status=answer.status)
        return Done(file_output(answer))

    async def lookup(self, client: ServiceTitanClient, call: Call) -> Done | None:
        return None


def _absolute(asked: str, location: str) -> str:
    """Where an answer sends us. Raises Permanent when that is no address."""
    try:
        return urljoin(asked, location)
    except ValueError:
        raise Permanent("the answer sends us to something that is no address") from None


def _same_host(client: ServiceTitanClient, address: str) -> Request | None:
    """The request below the connection's address that this address means; None when it is another host's."""
    parts = urlsplit(address)
    base = urlsplit(client.settings.base_url)
    if (parts.scheme, parts.netloc) != (base.scheme, base.netloc) or not parts.path.startswith(f"{base.path}/"):
        return None
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Request("GET", parts.path.removeprefix(base.path), query, {"accept": "*/*"})


_: type[Action] = DownloadAction
