"""A vendor's documents as tests read them: each operation's method, path and an example; and an account to try them in.

The tables beside this module are written from the vendors' documents, not from our code.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette

from hooks.events import Done
from hooks.kit.sandbox import Sandbox
from hooks.ports import Action, Call, Vendor
from tests.vendors.sandboxed import action_of

Row = tuple[str, str, dict[str, Any]]
"""Method, path and inputs. ``$word`` in path or inputs is an id of the prepared account."""


@dataclass(frozen=True)
class Document:
    """What a vendor documents, and how an account at its sandbox comes to one record of each kind.

    ``keys`` are those of a connection; ``{sandbox}`` in them is the sandbox's address. ``root`` is where the vendor's
    paths begin. ``table`` holds the vendor's operations, ``ours`` what we made of several: the request that changes
    something. ``prepare`` makes the records and puts their ids into the account.
    """

    vendor: Vendor
    sandbox: Callable[[], Starlette]
    keys: Mapping[str, Any]
    table: Mapping[str, Row]
    prepare: Callable[[Account], Awaitable[None]]
    ours: Mapping[str, Row] = field(default_factory=dict)
    root: str = ""

    def connection(self, address: str) -> dict[str, Any]:
        """The keys of a connection to the sandbox at this address."""
        return {
            key: value.replace("{sandbox}", address) if isinstance(value, str) else value
            for key, value in self.keys.items()
        }

    def action(self, name: str) -> Action:
        return action_of(self.vendor, name)


class Account:
    """A connection to a sandbox, without a socket. Made anew, it is empty: `prepare` it."""

    def __init__(self, document: Document, app: Starlette | None = None, **keys: Any) -> None:
        self.app = app or document.sandbox()
        self.document = document
        self.box: Sandbox = self.app.state.sandbox
        self.ids: dict[str, Any] = {}
        vendor = document.vendor
        assert vendor.connection_settings is not None
        assert vendor.connect is not None
        self.settings: Any = vendor.connection_settings.model_validate(
            {**document.connection("http://127.0.0.1"), **keys}
        )
        self.transport = httpx.ASGITransport(self.app)
        connect: Callable[..., Any] = vendor.connect
        self.client = connect("here", self.settings, transport=self.transport)

    async def prepare(self) -> None:
        await self.document.prepare(self)
        self.box.requests.clear()

    async def do(self, name: str, /, **inputs: Any) -> Any:
        return (await self.done(name, False, **inputs)).output

    async def done(self, name: str, again: bool, /, **inputs: Any) -> Done:
        call = Call(self.filled(inputs), "key-1", 5.0, again=again)
        return await self.document.action(name).send(self.client, call)

    async def look_up(self, name: str, /, **inputs: Any) -> Done | None:
        call = Call(self.filled(inputs), "key-1", 5.0, again=True)
        return await self.document.action(name).lookup(self.client, call)

    def filled(self, value: Any) -> Any:
        """The value with the ids of this account."""
        if isinstance(value, dict):
            return {key: self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        return self.ids[value[1:]] if isinstance(value, str) and value.startswith("$") else value

    def path(self, path: str) -> str:
        """A path of the table with the ids of this account."""
        return "/".join(str(self.ids[part[1:]]) if part.startswith("$") else part for part in path.split("/"))

    def writes(self) -> list[str]:
        return [f"{one['method']} {one['path']}" for one in self.box.requests if one["method"] != "GET"]
