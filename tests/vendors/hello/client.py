"""Deliver: an account at Hello."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hooks.events import Done, Request
from hooks.kit.http import Address, Http, read_json, verdict
from hooks.ports import Client, ConnectionSettings
from hooks.values import Secret

if TYPE_CHECKING:
    import httpx


class HelloSettings(ConnectionSettings):
    """Keys of a connection to Hello."""

    base_url: Address = Field("https://hello.invalid", description="Address of the API.")
    key: Secret = Field(description="The key, sent as `X-Hello-Key`.")


class HelloClient:
    """One key."""

    def __init__(
        self, name: str, settings: HelloSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self._key = settings.key.get_secret_value()
        self._http = Http.of(settings, transport=transport, secrets=[self._key])

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        answer = await self._http.send(request, timeout=timeout, secret_headers={"x-hello-key": self._key})
        verdict(answer)
        return Done(read_json(answer))

    def url(self, request: Request) -> str:
        return self._http.url(request)

    async def aclose(self) -> None:
        await self._http.aclose()


_: type[Client] = HelloClient
