"""Deliver: an account at ServiceTitan: one tenant, one app key, and an access token that is good for 15 minutes.

The token is asked for with the client credentials grant, form-encoded, from its own address; it is shared by all calls
of the connection, renewed 45 s early, fetched once however many wait, and once more when a call is answered 401.
Source: the vendor's published API descriptions of 2026-07 and its developer portal's pages on authentication.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field, model_validator

from hooks.errors import DeliveryError
from hooks.events import Answer, Done, Request
from hooks.kit.http import Address, Http, Network, verdict
from hooks.kit.tokens import Token, TokenKeeper, authorized, client_credentials
from hooks.ports import Client, ConnectionSettings, TokenSharer, TokenShelf
from hooks.values import Duration, Secret

if TYPE_CHECKING:
    import httpx

ADDRESSES: Final = {
    "production": ("https://api.servicetitan.io", "https://auth.servicetitan.io/connect/token"),
    "integration": (
        "https://api-integration.servicetitan.io",
        "https://auth-integration.servicetitan.io/connect/token",
    ),
}
MAX_ANSWER: Final = 16 * 1024 * 1024
"""A page may hold 5,000 records, and attachments are files."""


class ServiceTitanSettings(ConnectionSettings):
    """Keys of a connection to ServiceTitan: one tenant with its own client id and secret."""

    tenant: int = Field(ge=1, strict=True, description="The tenant's number, part of every address.")
    app_key: Secret = Field(description="The app's key, sent as `ST-App-Key`.")
    client_id: Secret = Field(description="The tenant's client id.")
    client_secret: Secret = Field(description="The tenant's client secret.")
    environment: Literal["production", "integration"] = Field("production", description="Which of the two systems.")
    base_url: Address = Field(
        "", validate_default=False, description="Address of the API; by default the environment's."
    )
    auth_url: Address = Field("", validate_default=False, description="Token address; by default the environment's.")
    booking_provider: int | None = Field(
        None, ge=1, strict=True, description="The booking provider that bookings are made under."
    )
    lookup_wait: Duration = Field(
        100.0, description="How long a call of unknown outcome may still be at work: the vendor's own limit is 100 s."
    )
    rate: float | None = Field(60.0, gt=0, description="Calls per second; the vendor allows 60 per app and tenant.")

    @model_validator(mode="before")
    @classmethod
    def _fill_addresses(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        api, auth = ADDRESSES.get(str(given.get("environment", "production")), ADDRESSES["production"])
        return {"base_url": api, "auth_url": auth} | given


class ServiceTitanClient:
    """One tenant of ServiceTitan."""

    def __init__(
        self, name: str, settings: ServiceTitanSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self._app_key = settings.app_key.get_secret_value()
        client_id, client_secret = settings.client_id.get_secret_value(), settings.client_secret.get_secret_value()
        secrets = [self._app_key, client_id, client_secret]
        self._http = Http.of(settings, transport=transport, secrets=secrets, max_body=MAX_ANSWER)
        self._auth = Http(
            settings.auth_url, network=Network.of(settings), transport=transport, connections=1, secrets=secrets
        )
        self._tokens = TokenKeeper(
            partial(self._fetch, client_id, client_secret),
            credentials=("servicetitan", settings.auth_url, client_id, client_secret),
        )

    async def _fetch(self, client_id: str, client_secret: str) -> Token:
        try:
            return await client_credentials(self._auth, client_id, client_secret)
        except DeliveryError as error:
            error.args = (f"token: {error.message}",)
            error.message = error.args[0]
            raise

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """The vendor's bare answer; a list is its page, with ``data`` and ``hasMore``; an empty answer is None.

        There is no idempotency header: ``key`` is not sent. Error answers are problem documents, told by field.
        """
        answer = await self.fetch(request, timeout=timeout)
        verdict(answer)
        return Done(self._http.result(answer))

    async def fetch(self, request: Request, *, timeout: float) -> Answer:
        """The answer as it came, whatever its status and media type, for files.

        Technicians may be created with a password, so that neither body of those calls is recorded.
        """
        private = request.method in ("POST", "PATCH") and request.path.rpartition("/technicians")[1] != ""

        async def attempt(token: str, left: float) -> Answer:
            headers = {"authorization": f"Bearer {token}", "st-app-key": self._app_key}
            return await self._http.send(request, timeout=left, secret_headers=headers, private=private)

        return await authorized(self._tokens, attempt, timeout)

    def url(self, request: Request) -> str:
        return self._http.url(request)

    def share_token(self, shelf: TokenShelf) -> None:
        self._tokens.share(shelf)

    async def aclose(self) -> None:
        await self._tokens.aclose()
        await self._auth.aclose()
        await self._http.aclose()


_: type[Client] = ServiceTitanClient
_sharer: type[TokenSharer] = ServiceTitanClient
