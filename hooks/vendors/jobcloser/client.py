"""Deliver: a company at JobCloser. Adds the key, opens the envelope ``{"Success", "Message", "Result"}``.

The vendor's document (one page, read 2026-05) says how ``signin`` takes the key, but not how ``createlead`` and
``createcustomer`` do: ``key_location`` and ``body_format`` are configured, and their defaults are an inference.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlencode

import pydantic_core
from pydantic import Field

from hooks.errors import Permanent, Transient, Unconfigured
from hooks.events import Done, Request
from hooks.kit.answers import refused, short
from hooks.kit.http import Address, Deadline, Http, read_json, verdict
from hooks.kit.operations import json_body
from hooks.ports import Client, ConnectionSettings
from hooks.values import Secret

if TYPE_CHECKING:
    import httpx

SIGN_IN: Final = "/api/account/signin"
ZAPIER: Final = "/api/zapier/"
TEST_OF_KEY: Final = "/api/zapier/signin"

_ABOUT_THE_KEY = re.compile(r"(?i)\bkey\b|credential|\baccess\b|authori[sz]|not exist|expired|disabled")
"""What a refusal of the test speaks of, if it is the key: one of anything else says nothing about the first refusal."""


class JobCloserSettings(ConnectionSettings):
    """Keys of a connection to JobCloser."""

    base_url: Address = Field("https://jobcloser.com", description="Address of the API, or of a stand-in for it.")
    key: Secret = Field(description="The key of the company's Zapier integration.")
    company_id: str | None = Field(None, description="The company's id: the `companyId` of lists.")
    email: str | None = Field(None, description="For `sign_in`: the account's e-mail address.")
    password: Secret | None = Field(None, description="For `sign_in`: the account's password.")
    key_location: Literal["query", "body", "header"] = Field(
        "query", description="Where leads and customers carry the key; as a header it is `X-Api-Key`."
    )
    body_format: Literal["form", "json"] = Field("form", description="How bodies are written.")


class _Refused(Permanent):
    """The envelope says so, whatever the status."""


def _says_no(body: bytes) -> bool:
    try:
        envelope = pydantic_core.from_json(body)
    except ValueError:
        return False
    return isinstance(envelope, dict) and envelope.get("Success") is False


class JobCloserClient:
    """One company at JobCloser."""

    def __init__(
        self, name: str, settings: JobCloserSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self._key = settings.key.get_secret_value()
        self._password = settings.password.get_secret_value() if settings.password else ""
        self._http = Http.of(settings, transport=transport, secrets=[self._key, self._password])

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """The answer's ``Result``. There is no idempotency header: ``key`` is not sent.

        ``Success`` other than true is a refusal, on a 200 too; ``Message`` is not looked at ("Sucess" is one of the
        document's own). What refuses a key looks like any other refusal, so the key is tested after each: a wrong one
        is the connection's matter, and no reason to give the request up.
        The sign-in answer's clear-text password is taken out.
        """
        left = Deadline(timeout)
        try:
            result = await self._asked(request, left)
        except _Refused as refusal:
            if request.path in (SIGN_IN, TEST_OF_KEY):
                raise Unconfigured(refusal.message, status=refusal.status) from refusal
            if request.path.startswith(ZAPIER):
                await self._test_key(left)
            raise
        if request.path == SIGN_IN and isinstance(result, dict):
            result = {name: value for name, value in result.items() if name != "Password"}
        return Done(result)

    async def _asked(self, request: Request, left: Deadline) -> Any:
        """The ``Result`` of one exchange."""
        headers, query, body = self._credentials(request)
        answer = await self._http.send(
            request,
            timeout=left.left(),
            secret_headers=headers,
            secret_query=query,
            secret_body=body,
            private=request.path == SIGN_IN,
        )
        try:
            verdict(answer)
        except Permanent as error:
            if _says_no(answer.body):
                raise _Refused(error.message, status=error.status) from error
            raise
        envelope = read_json(answer)
        if not isinstance(envelope, dict) or "Success" not in envelope:
            raise Transient("the answer has no `Success`: it is not JobCloser's", status=answer.status, unknown=True)
        if envelope["Success"] is not True:
            words = self._http.clean(short(str(envelope.get("Message") or "")))
            raise _Refused(refused(words), status=answer.status)
        return envelope.get("Result")

    async def _test_key(self, left: Deadline) -> None:
        """Raise Unconfigured when the key is refused too. Where that cannot be found out, the first refusal stands."""
        try:
            await self._asked(Request("GET", TEST_OF_KEY), left)
        except _Refused as refusal:
            if _ABOUT_THE_KEY.search(refusal.message):
                raise Unconfigured(f"the key is not taken: {refusal.message}", status=refusal.status) from refusal
        except (Permanent, Transient):
            return

    def _credentials(self, request: Request) -> tuple[dict[str, str], list[tuple[str, str]], bytes | None]:
        """Headers, query and body that carry credentials; they are sent and never recorded."""
        if request.path == SIGN_IN:
            if not self.settings.email or not self._password:
                raise Permanent("sign_in needs `email` and `password` in the connection")
            return {}, [("email", self.settings.email), ("password", self._password)], None
        if not request.path.startswith(ZAPIER):
            return {}, [], None
        where = self.settings.key_location
        if where == "header":
            return {"x-api-key": self._key}, [], None
        if where == "body" and request.body is not None:
            return {}, [], self._with_key(request)
        return {}, [("key", self._key)], None

    def _with_key(self, request: Request) -> bytes:
        body = request.body or b""
        if request.headers.get("content-type") == "application/json":
            fields: dict[str, Any] = pydantic_core.from_json(body)
            return json_body({**fields, "key": self._key})
        return body + (b"&" if body else b"") + urlencode({"key": self._key}).encode()

    def url(self, request: Request) -> str:
        return self._http.url(request)

    async def aclose(self) -> None:
        await self._http.aclose()


_: type[Client] = JobCloserClient
