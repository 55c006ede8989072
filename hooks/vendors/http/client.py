"""Deliver: any other API. The host is the connection's and never comes from an event; credentials are added here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, WithJsonSchema, field_validator

from hooks.errors import Permanent
from hooks.events import Answer, Done, Request
from hooks.kit.chain import cause_header
from hooks.kit.http import Address, Http, Network, check_header, read_json, verdict
from hooks.kit.tokens import TokenKeeper, authorized, basic_value, client_credentials
from hooks.ports import Client, ConnectionSettings, TokenSharer, TokenShelf
from hooks.values import Secret

if TYPE_CHECKING:
    import httpx


_OPEN: Final = frozenset({"accept", "accept-language", "content-type", "prefer", "user-agent"})
"""Headers of a connection that hold no secrets; the values of all others are masked wherever they would show."""

_RESERVED: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "cookie", "expect", "host", "keep-alive"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that steer the connection itself."""


def check_own_header(name: str, value: str) -> None:
    """Raise ValueError when a header that the rules file names, in small letters, cannot be sent."""
    try:
        check_header(name, value)
    except Permanent as error:
        raise ValueError(error.message) from None
    if name in _RESERVED:
        raise ValueError(f"headers.{name}: is set by the connection itself")


class _Scheme(BaseModel):
    model_config = {"extra": "forbid", "frozen": True}


class Bearer(_Scheme):
    """``Authorization: Bearer <token>``."""

    scheme: Literal["bearer"]
    token: Secret = Field(description="The token.")


class Basic(_Scheme):
    """``Authorization: Basic <user:password>``."""

    scheme: Literal["basic"]
    username: str = Field(description="The user's name.")
    password: Secret = Field(description="The password.")


class Header(_Scheme):
    """A key in a header of any name."""

    scheme: Literal["header"]
    header: str = Field("X-Api-Key", description="The header's name.")
    value: Secret = Field(description="The key.")


class ClientCredentials(_Scheme):
    """A token of OAuth 2's client credentials grant, renewed by itself."""

    scheme: Literal["oauth2_client_credentials"]
    token_url: Address = Field(description="Where tokens are asked for.")
    client_id: Secret = Field(description="The client's id.")
    client_secret: Secret = Field(description="The client's secret.")
    scope: str | None = Field(None, description="Scopes to ask for, separated by blanks.")
    credentials_in: Literal["body", "basic"] = Field("body", description="How id and secret are sent.")


class StandardWebhooks(_Scheme):
    """Signed as the Standard Webhooks specification says: headers webhook-id, -timestamp and -signature."""

    scheme: Literal["standard_webhooks"]
    secret: Secret = Field(description="The secret, base64, with or without `whsec_` before it.")

    @field_validator("secret")
    @classmethod
    def _is_base64(cls, secret: SecretStr) -> SecretStr:
        try:
            decode_secret(secret)
        except binascii.Error as error:
            raise ValueError("the secret is not base64") from error
        return secret


Auth = Annotated[
    Bearer | Basic | Header | ClientCredentials | StandardWebhooks,
    Field(discriminator="scheme"),
]


def decode_secret(secret: SecretStr) -> bytes:
    """The key's bytes of a Standard Webhooks secret. Raises binascii.Error when it is not base64."""
    return base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)


def _as_secret(value: object) -> object:
    return SecretStr(value) if isinstance(value, str) else value


Headers = Annotated[
    Mapping[str, Annotated[Secret, BeforeValidator(_as_secret)]],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {name: {"type": "string"} for each in sorted(_OPEN) for name in (each.title(), each)},
            "additionalProperties": {"type": "string", "format": "password"},
        }
    ),
]
"""Headers by name. In the schema only those of `_OPEN` are no secrets, so that nobody is told to hide an ``Accept``."""


class HttpSettings(ConnectionSettings):
    """Keys of a connection to any API."""

    base_url: Address = Field(description="Address that all paths are below.")
    auth: Auth | None = Field(None, description="How requests are authorized.")
    headers: Headers = Field(
        default_factory=dict, description="Headers that every request gets; their values are kept secret."
    )
    test_path: str | None = Field(
        None, pattern="^/", description="A path that GET may be sent to, for `hooks connections test`."
    )

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, value in headers.items():
            check_own_header(name.lower(), value.get_secret_value())
        return headers


class HttpClient:
    """One API at one address."""

    def __init__(self, name: str, settings: HttpSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.name = name
        self.settings = settings
        given = {key.lower(): value.get_secret_value() for key, value in settings.headers.items()}
        self._plain = {key: value for key, value in given.items() if key in _OPEN}
        self._secret = {key: value for key, value in given.items() if key not in _OPEN}
        self._tokens: TokenKeeper | None = None
        self._auth_http: Http | None = None
        secrets = list(self._secret.values())
        auth = settings.auth
        if isinstance(auth, ClientCredentials):
            pair = auth.client_id.get_secret_value(), auth.client_secret.get_secret_value()
            secrets += pair
            self._auth_http = Http(
                auth.token_url, network=Network.of(settings), transport=transport, connections=1, secrets=pair
            )
            basic = auth.credentials_in == "basic"
            fetch = partial(client_credentials, self._auth_http, *pair, scope=auth.scope, basic=basic)
            credentials = ("http", auth.token_url, auth.scope or "", *pair)
            self._tokens = TokenKeeper(fetch, credentials=credentials)
        elif isinstance(auth, Bearer):
            self._secret["authorization"] = f"Bearer {auth.token.get_secret_value()}"
            secrets.append(auth.token.get_secret_value())
        elif isinstance(auth, Basic):
            self._secret["authorization"] = basic_value(f"{auth.username}:{auth.password.get_secret_value()}")
            secrets.append(auth.password.get_secret_value())
        elif isinstance(auth, Header):
            self._secret[auth.header.lower()] = auth.value.get_secret_value()
            secrets.append(auth.value.get_secret_value())
        self._http = Http.of(settings, transport=transport, secrets=secrets)

    async def send(
        self, request: Request, *, timeout: float, key: str | None = None, success: Collection[int] = ()
    ) -> Done:
        """The parsed JSON answer, or ``{"text": ...}`` where it is something else; None where it is empty.

        ``key`` goes out as ``Idempotency-Key`` with POST and PATCH. ``success`` are further statuses that are
        fine, and those at which an answer that says ``success: false`` is.
        """
        headers = {**self._plain, **request.headers}
        if key is not None and request.method in ("POST", "PATCH"):
            headers.setdefault("idempotency-key", key)
        headers |= self._signed(request, key) | cause_header()
        sent = Request(request.method, request.path, request.query, headers, request.body)

        if self._tokens is None:
            answer = await self._http.send(sent, timeout=timeout, secret_headers=self._secret)
        else:

            async def attempt(token: str, left: float) -> Answer:
                credentials = {**self._secret, "authorization": f"Bearer {token}"}
                return await self._http.send(sent, timeout=left, secret_headers=credentials)

            answer = await authorized(self._tokens, attempt, timeout)
        if answer.status in success:
            return Done(self._output(answer, read_json))
        verdict(answer)
        return Done(self._output(answer, self._http.result))

    def _output(self, answer: Answer, read: Callable[[Answer], object]) -> object:
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == "application/json" or media_type.endswith("+json") or not media_type:
            return read(answer)
        return {"text": answer.body.decode("utf-8", "replace")} if answer.body else None

    def _signed(self, request: Request, key: str | None) -> dict[str, str]:
        auth = self.settings.auth
        if not isinstance(auth, StandardWebhooks):
            return {}
        if key is None:
            raise Permanent("a signed request needs an idempotency key: it is its webhook-id")
        stamp = str(int(time.time()))
        signed = f"{key}.{stamp}.".encode() + (request.body or b"")
        digest = hmac.digest(decode_secret(auth.secret), signed, hashlib.sha256)
        return {
            "webhook-id": key,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }

    def url(self, request: Request) -> str:
        return self._http.url(request)

    def share_token(self, shelf: TokenShelf) -> None:
        if self._tokens is not None:
            self._tokens.share(shelf)

    async def aclose(self) -> None:
        if self._tokens is not None:
            await self._tokens.aclose()
        if self._auth_http is not None:
            await self._auth_http.aclose()
        await self._http.aclose()


_: type[Client] = HttpClient
_sharer: type[TokenSharer] = HttpClient
