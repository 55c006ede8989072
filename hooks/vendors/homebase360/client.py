"""Deliver: an account at Homebase360. Adds the key, opens the envelope ``{"success": true, "data": ...}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from hooks.errors import Permanent, Transient
from hooks.events import Done, Request
from hooks.kit.answers import refused, vendor_words
from hooks.kit.http import Address, Http, read_json, verdict
from hooks.ports import Client, ConnectionSettings
from hooks.values import Secret

if TYPE_CHECKING:
    import httpx

BASE_URL = "https://us-central1-homebase-360.cloudfunctions.net/api/v1"


class Homebase360Settings(ConnectionSettings):
    """Keys of a connection to Homebase360."""

    base_url: Address = Field(BASE_URL, description="Address of the API, or of a stand-in for it.")
    api_key: Secret = Field(description="The API key, sent as `x-api-key`.")
    update_method: Literal["PATCH", "PUT"] = Field(
        "PATCH", description="The verb of updates; the vendor's document does not name it."
    )
    id_in: Literal["path", "query"] = Field(
        "path", description="Where updates carry the record's id; the vendor's document does not say."
    )


class Homebase360Client:
    """One API key at one address."""

    def __init__(
        self, name: str, settings: Homebase360Settings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self._key = settings.api_key.get_secret_value()
        self._http = Http.of(settings, transport=transport, secrets=[self._key])

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """The answer's ``data``. There is no idempotency header: ``key`` is not sent.

        ``success`` other than true is a refusal, whatever the status: error answers are not documented (2026-05).
        """
        answer = await self._http.send(request, timeout=timeout, secret_headers={"x-api-key": self._key})
        verdict(answer)
        envelope = read_json(answer)
        if not isinstance(envelope, dict) or "success" not in envelope:
            raise Transient("the answer has no `success`: it is not Homebase360's", status=answer.status, unknown=True)
        if envelope["success"] is not True:
            words = self._http.clean(vendor_words(answer.body))
            raise Permanent(refused(words), status=answer.status)
        return Done(envelope.get("data"))

    def url(self, request: Request) -> str:
        return self._http.url(request)

    async def aclose(self) -> None:
        await self._http.aclose()


_: type[Client] = Homebase360Client
