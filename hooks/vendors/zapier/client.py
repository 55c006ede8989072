"""Deliver: a Zap's "Catch Hook", the trigger of *Webhooks by Zapier*. Whoever knows its address can post to it.

The address is therefore a secret: its path is added here, and neither a stored request nor a log holds it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from hooks.errors import Permanent, SettingsError
from hooks.events import Done, Request
from hooks.kit.http import Address, Http, address_of_key, check_address, verdict
from hooks.ports import Client, ConnectionSettings
from hooks.values import Secret

if TYPE_CHECKING:
    import httpx

ADDRESS: Final = "https://hooks.zapier.com"
MAX_PAYLOAD: Final = 10_000_000
"""Bytes that a hook takes: 10 MB (docs.zapier.com/platform/build/operating-constraints, read November 2026)."""

RATE: Final = 30.0
"""Requests a second to one hook before 429, and about what 10,000 in five minutes for all hooks come to (same page)."""


class ZapierSettings(ConnectionSettings):
    """Keys of a connection to one Zap's Catch Hook."""

    hook_url: Secret = Field(
        description="The address that the trigger *Catch Hook* of the Zap shows.",
        examples=["https://hooks.zapier.com/hooks/catch/1234567/abcdefg/"],
    )
    base_url: Address = Field(ADDRESS, description="Where it is; by default the host of `hook_url`.")
    rate: float | None = Field(RATE, gt=0, description="Calls per second; Zapier takes 30 a second of one hook.")

    @field_validator("hook_url")
    @classmethod
    def _is_a_hook(cls, hook: SecretStr, info: ValidationInfo) -> SecretStr:
        address = address_of_key(hook.get_secret_value(), info)
        if len(urlsplit(address).path) < 2:
            raise ValueError("hook_url has no path: copy the whole address from the Zap's trigger")
        return hook

    @model_validator(mode="before")
    @classmethod
    def _fill_address(cls, given: Any) -> Any:
        """The host of the hook, unless the connection names another."""
        hook = given.get("hook_url") if isinstance(given, dict) else None
        text = hook.get_secret_value() if isinstance(hook, SecretStr) else hook
        try:
            address = check_address(str(text))
        except SettingsError:
            return given  # the hook is refused by itself
        return {"base_url": "/".join(address.split("/")[:3])} | given


class ZapierClient:
    """One Zap's hook."""

    def __init__(
        self, name: str, settings: ZapierSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self._path = urlsplit(settings.hook_url.get_secret_value()).path
        self._http = Http.of(settings, transport=transport)

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """What the hook answers: ``{status, id, request_id, attempt}``. There is no idempotency header."""
        return await post(self._http, replace(request, path=self._path), timeout, secret=self._path)

    def url(self, request: Request) -> str:
        return f"{self.settings.base_url}/***"

    async def aclose(self) -> None:
        await self._http.aclose()


async def post(http: Http, request: Request, timeout: float, *, secret: str) -> Done:
    """Post to a hook, whole or not at all. ``secret`` is the path, which is not recorded."""
    check_size(request)
    answer = await http.send(request, timeout=timeout, secrets=(secret, secret.strip("/")))
    if answer.status in (404, 410):
        raise Permanent(
            f"answered {answer.status}: there is no such hook; the Zap was deleted, or its hook was made anew",
            status=answer.status,
        )
    verdict(answer)
    return Done(http.result(answer))


def check_size(request: Request) -> None:
    """Raise Permanent for more than a hook takes, which would be refused or cut."""
    if request.body is not None and len(request.body) > MAX_PAYLOAD:
        raise Permanent(f"the body has {len(request.body)} bytes: a hook takes {MAX_PAYLOAD}")


_: type[Client] = ZapierClient
