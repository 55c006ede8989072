"""A connection to a vendor's sandbox, without a socket, and the vendor's actions in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
from starlette.applications import Starlette

from hooks.events import Done
from hooks.kit.sandbox import Sandbox
from hooks.ports import Action, Call, Vendor


def action_of(vendor: Vendor, name: str) -> Action:
    found = vendor.action(name)
    assert found is not None, f"{vendor.name} has no {name}"
    return found


class Sandboxed:
    """A connection to a sandbox of its own, which is empty. ``more`` goes to the client."""

    def __init__(self, vendor: Vendor, app: Starlette, keys: Mapping[str, Any], **more: Any) -> None:
        assert vendor.connection_settings is not None
        assert vendor.connect is not None
        self.vendor = vendor
        self.box: Sandbox = app.state.sandbox
        self.settings: Any = vendor.connection_settings.model_validate(keys)
        connect: Callable[..., Any] = vendor.connect
        self.client = connect("here", self.settings, transport=httpx.ASGITransport(app), **more)

    async def do(self, name: str, /, key: Any = "key-1", **inputs: Any) -> Any:
        return (await self.done(name, key=key, **inputs)).output

    async def done(self, name: str, /, key: Any = "key-1", **inputs: Any) -> Done:
        return await action_of(self.vendor, name).send(self.client, Call(inputs, key, 5.0))

    async def look_up(self, name: str, /, key: Any = "key-1", **inputs: Any) -> Done | None:
        return await action_of(self.vendor, name).lookup(self.client, Call(inputs, key, 5.0, again=True))
