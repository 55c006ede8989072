"""Deliver: an account at Housecall Pro: its API key, its location, and the words in which it refuses.

Source: the vendor's API description and two documents of others (read 2026-05); the README says where they disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import pydantic_core
from pydantic import Field

from hooks.events import Answer, Done, Request
from hooks.kit.http import Address, Http, verdict
from hooks.ports import Client, ConnectionSettings
from hooks.values import Secret

if TYPE_CHECKING:
    import httpx

BASE_URL: Final = "https://api.housecallpro.com"
MAX_ANSWER: Final = 16 * 1024 * 1024
"""A page of 200 jobs with their customers, notes and schedules is larger than the usual limit."""


class HousecallProSettings(ConnectionSettings):
    """Keys of a connection to Housecall Pro."""

    base_url: Address = Field(BASE_URL, description="Address of the API, or of a stand-in for it.")
    api_key: Secret = Field(description="The company's or the application's API key (plan MAX).")
    auth_scheme: Literal["Token", "Bearer"] = Field(
        "Token", description="The word before the key: `Token` for API keys, `Bearer` for OAuth tokens."
    )
    company_id: str | None = Field(
        None,
        min_length=1,
        description="The one location to act in, sent as `X-Company-Id`; `location_ids` is then void.",
    )
    lists_in_query: Literal["repeat", "brackets"] = Field(
        "repeat",
        description="Lists in a query: `ids=1&ids=2`, or `ids[]=1&ids[]=2`; the vendor's document shows neither.",
    )


class HousecallProClient:
    """One API key at one address."""

    def __init__(
        self, name: str, settings: HousecallProSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        key = settings.api_key.get_secret_value()
        self._credentials = {"authorization": f"{settings.auth_scheme} {key}"}
        self._location = {"x-company-id": settings.company_id} if settings.company_id else {}
        self._http = Http.of(settings, transport=transport, secrets=[key], max_body=MAX_ANSWER)

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """The vendor's bare answer; a list is its page. There is no idempotency header: ``key`` is not sent."""
        located = Request(
            request.method, request.path, request.query, {**request.headers, **self._location}, request.body
        )
        answer = await self._http.send(located, timeout=timeout, secret_headers=self._credentials)
        verdict(answer, words(answer))
        return Done(self._http.result(answer))

    def url(self, request: Request) -> str:
        return self._http.url(request)

    async def aclose(self) -> None:
        await self._http.aclose()


def words(answer: Answer) -> str:
    """What an error answer says: ``error.message``, a text in ``error``, ``message``, or ``errors`` by field.

    With ``message`` go the attributes that stand beside it in a 400. "" where the body says nothing.
    """
    try:
        body = pydantic_core.from_json(answer.body) if answer.body else None
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    if isinstance(error, dict) and error.get("message"):
        return str(error["message"])
    if isinstance(error, str) and error:
        return error
    if isinstance(body.get("message"), str) and body["message"]:
        beside = {name: told for name, told in body.items() if name not in ("message", "error", "errors")}
        fields = _by_field(beside)
        return f"{body['message']} ({fields})" if fields else str(body["message"])
    return _by_field(body.get("errors"))


def _by_field(errors: Any) -> str:
    if isinstance(errors, dict):
        return "; ".join(f"{name}: {_told(told)}" for name, told in list(errors.items())[:20] if _told(told))
    return _told(errors)


def _told(told: Any) -> str:
    if isinstance(told, list):
        return ", ".join(filter(None, map(_told, told[:10])))
    if isinstance(told, dict):
        return _by_field(told)
    return told if isinstance(told, str) else ""


_: type[Client] = HousecallProClient
