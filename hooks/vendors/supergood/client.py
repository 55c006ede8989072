"""Deliver: a deployment of Supergood: an address, a sign-in, and a session whose token is good for a short time.

Published (page read May 2026): ``POST /sessions`` takes the credentials and gives a short-lived token, ``POST
/sessions/refresh`` extends it, a second factor is possible, and creating calls take idempotency keys. The names of
headers and fields are not published: what is assumed can be set otherwise.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import struct
import time
from base64 import b32decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field, SecretStr, field_validator

from hooks.errors import DeliveryError, Permanent, Transient, Unconfigured
from hooks.events import Answer, Done, Request
from hooks.kit.fields import FieldError, instant
from hooks.kit.http import Address, Http, check_header, read_json, verdict
from hooks.kit.operations import json_body
from hooks.kit.tokens import DEFAULT_LIFE, TOKEN_TIMEOUT, Token, TokenKeeper, authorized, check_token, unopened
from hooks.ports import Client, ConnectionSettings, TokenSharer, TokenShelf
from hooks.values import Secret

if TYPE_CHECKING:
    import httpx

SESSIONS: Final = "/sessions"
REFRESH: Final = "/sessions/refresh"
_ENVELOPES = ("data", "session")
_TOKEN_FIELDS = ("token", "access_token", "accessToken", "session_token", "sessionToken")
_LIFE_FIELDS = ("expires_in", "expiresIn")
_END_FIELDS = ("expires_at", "expiresAt", "expiry")
_OTP_SECONDS = 30


class SupergoodSettings(ConnectionSettings):
    """Keys of a connection to a deployment of Supergood."""

    base_url: Address = Field(description="Address of your deployment; the vendor publishes none.")
    username: str = Field(min_length=1, description="The user's name at Housecall Pro.")
    password: Secret = Field(description="The user's password.")
    otp_secret: Secret | None = Field(
        None, description="The secret of the authenticator, base32: a code made of it is sent when signing in."
    )
    token_header: str = Field("Authorization", description="The header that carries the session's token.")
    token_prefix: str = Field("Bearer ", description="What stands before the token in that header.")
    token_field: str | None = Field(None, description="The field of the answer that holds the token, if it is unusual.")
    username_field: str = Field("username", description="The field of the sign-in that holds the user's name.")
    password_field: str = Field("password", description="The field of the sign-in that holds the password.")
    otp_field: str = Field("otp", description="The field of the sign-in that holds the code.")
    idempotency_header: str = Field("Idempotency-Key", description="The header that carries the idempotency key.")

    @field_validator("token_header", "idempotency_header")
    @classmethod
    def _is_header(cls, name: str) -> str:
        try:
            check_header(name, "x")
        except Permanent as error:
            raise ValueError(error.message) from None
        return name

    @field_validator("otp_secret")
    @classmethod
    def _is_base32(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            one_time_code(secret.get_secret_value(), 0)
        return secret


def one_time_code(secret: str, at: float) -> str:
    """The six digits that an authenticator shows (RFC 6238, SHA-1, 30 s). Raises ValueError if it is not base32."""
    text = secret.replace(" ", "").upper().rstrip("=")
    try:
        key = b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("otp_secret is not base32: copy the authenticator's secret, not a code")
    digest = hmac.digest(key, struct.pack(">Q", int(at) // _OTP_SECONDS), hashlib.sha1)
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


@dataclass(frozen=True, slots=True)
class _Session:
    token: str = field(repr=False)
    ends_at: float


class SupergoodClient:
    """One sign-in at one deployment.

    The session is refreshed while it lives; when it has ended, was refused or cannot be refreshed, a full sign-in makes
    a new one. One of these is under way at most, and all calls wait for it.
    """

    def __init__(
        self,
        name: str,
        settings: SupergoodSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.settings = settings
        self._password = settings.password.get_secret_value()
        self._otp = None if settings.otp_secret is None else settings.otp_secret.get_secret_value()
        self._monotonic = monotonic
        self._session: _Session | None = None
        self._http = Http.of(
            settings, transport=transport, secrets=[secret for secret in (self._password, self._otp) if secret]
        )
        credentials = ("supergood", str(settings.base_url), settings.username, self._password, self._otp or "")
        self._tokens = TokenKeeper(self._renew, credentials=credentials, taken=self._taken, monotonic=monotonic)

    # --- the session ---

    async def _renew(self) -> Token:
        session = self._session
        if session is not None and self._monotonic() < session.ends_at:
            try:
                return await self._refresh(session, TOKEN_TIMEOUT)
            except (Permanent, Unconfigured):
                self._session = None
        return await self._sign_in(TOKEN_TIMEOUT)

    def _taken(self, token: Token) -> None:
        """Another server has signed in: its session is refreshed here too, when it is our turn."""
        self._session = _Session(token.text, self._monotonic() + token.life)

    async def _sign_in(self, timeout: float) -> Token:
        settings = self.settings
        fields = {settings.username_field: settings.username, settings.password_field: self._password}
        if self._otp is not None:
            fields[settings.otp_field] = one_time_code(self._otp, time.time())
        request = Request("POST", SESSIONS, headers={"content-type": "application/json"})
        answer = await self._http.send(request, timeout=timeout, secret_body=json_body(fields), private=True)
        return self._opened(answer, "signing in")

    async def _refresh(self, session: _Session, timeout: float) -> Token:
        headers = self._token_header(session.token)
        answer = await self._http.send(Request("POST", REFRESH), timeout=timeout, secret_headers=headers, private=True)
        return self._opened(answer, "refreshing the session", session.token)

    def _opened(self, answer: Answer, doing: str, known: str | None = None) -> Token:
        """The session that an answer opens or prolongs. ``known`` is the token that a refresh may go on with."""
        try:
            if answer.status in (400, 422) and known is None:
                raise Unconfigured("the credentials were refused", status=answer.status)
            verdict(answer)
            found = _fields(read_json(answer))
            names = (self.settings.token_field,) if self.settings.token_field else _TOKEN_FIELDS
            text = next((found[name] for name in names if isinstance(found.get(name), str) and found[name]), known)
            if text is None:
                raise Transient("the answer holds no token", status=answer.status)
            check_token(text)
        except DeliveryError as error:
            told = f"{doing}: {self._http.clean(error.message)}"
            if isinstance(error, Permanent):
                raise unopened(told, error) from error
            error.message, error.args = told, (told,)
            raise
        life = _life(found)
        self._session = _Session(text, self._monotonic() + life)
        return Token(text, life)

    def _token_header(self, token: str) -> dict[str, str]:
        return {self.settings.token_header: f"{self.settings.token_prefix}{token}"}

    # --- calls ---

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """The parsed JSON answer. ``key`` goes out with every POST, in the configured header."""
        if request.path in (SESSIONS, REFRESH):
            return await self._asked(request.path, timeout)
        headers = dict(request.headers)
        if key is not None and request.method == "POST":
            headers[self.settings.idempotency_header] = key
        sent = Request(request.method, request.path, request.query, headers, request.body)

        async def attempt(token: str, left: float) -> Answer:
            answer = await self._http.send(sent, timeout=left, secret_headers=self._token_header(token))
            if answer.status == 401 and self._session is not None and self._session.token == token:
                self._session = None  # a session that was refused cannot be refreshed either
            return answer

        answer = await authorized(self._tokens, attempt, timeout)
        verdict(answer)
        return Done(self._http.result(answer))

    async def _asked(self, path: str, timeout: float) -> Done:
        """A new or prolonged session on request. The output says how long it is good, and never holds its token."""
        session = self._session
        if session is not None:
            if path == SESSIONS:
                self._session = None
            self._tokens.refuse(session.token)
        await self._tokens.get(timeout)
        return Done({"expires_in": self._seconds_left()})

    def _seconds_left(self) -> int:
        return 0 if self._session is None else max(round(self._session.ends_at - self._monotonic()), 0)

    def url(self, request: Request) -> str:
        return self._http.url(request)

    def share_token(self, shelf: TokenShelf) -> None:
        self._tokens.share(shelf)

    async def aclose(self) -> None:
        await self._tokens.aclose()
        await self._http.aclose()


def _fields(answer: Any) -> Mapping[str, Any]:
    """The fields of an answer, those of an envelope over its own."""
    if not isinstance(answer, dict):
        return {}
    inner: dict[str, Any] = next((answer[name] for name in _ENVELOPES if isinstance(answer.get(name), dict)), {})
    return {**answer, **inner}


def _life(found: Mapping[str, Any]) -> float:
    """For how many seconds a session is good; five minutes where the answer does not say."""
    for name in _LIFE_FIELDS:
        value = found.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            return float(value)
    for name in _END_FIELDS:
        try:
            end: datetime | None = instant(found.get(name))
        except FieldError:
            continue
        if end is not None:
            return max(end.timestamp() - time.time(), 0.0)
    return DEFAULT_LIFE


_: type[Client] = SupergoodClient
_sharer: type[TokenSharer] = SupergoodClient
