"""The lock of the admin's door: everything passes here before the application sees it, and on its way back.

Host first (DNS rebinding), then the open paths (health, the console's style and its sign-in), then the token or the
session, then the role and the origin of whatever changes something. Every answer gets the security headers; a fault of
ours is logged by its place and answered without its text.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from hooks.pipeline.receive import log_fault
from hooks.web.auth import Hosts, Keys, bearer, forged
from hooks.web.health import HEALTHY, health_answer
from hooks.web.masked import reads_only
from hooks.web.problem import Prepared, Send, problem
from hooks.web.sessions import Sessions, cookie_of

log = logging.getLogger("hooks.admin")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_SET_HERE = frozenset(name for name, _ in SECURITY_HEADERS)
_LOOKING = frozenset({"GET", "HEAD"})

SIGN_IN = "/sign-in"
STYLE = "/static/"
"""What the sign-in page needs to be one: nothing below it tells anything about the installation."""

_WRONG_HOST = problem(403, "This server does not go by the name in the Host header. Add it to HOOKS_ADMIN_HOSTS.")
_NO_TOKEN = problem(
    401, "A bearer token is needed: see admin.token in the data folder.", [(b"www-authenticate", b"Bearer")]
)
_READ_ONLY = problem(403, "This token may read only.")
_FORGED = problem(403, "This request comes from another site.")
_NOT_JSON = problem(415, "Changes are made with application/json.")
_FAULT = problem(500)
_HEALTH_METHODS = problem(405, headers=[(b"allow", b"GET, HEAD")])


def may_act(request: Request) -> bool:
    """Whether whoever asks may do everything, and see what was sent; the guard has found it out."""
    return bool(request.scope.get("access") == "act")


class Guard:
    """The admin application behind its lock.

    ``scope["access"]`` tells it what the token or the session allows, ``scope["via"]`` by which of the two it came.
    """

    def __init__(
        self, app: Application, keys: Keys, sessions: Sessions, hosts: Hosts, ready: Callable[[], bool]
    ) -> None:
        self._app = app
        self._keys = keys
        self._sessions = sessions
        self._hosts = hosts
        self._ready = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = False

        async def guarded_send(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                kept = [pair for pair in message.get("headers", ()) if pair[0] not in _SET_HERE]
                message = {**message, "headers": [*kept, *SECURITY_HEADERS]}
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(guarded_send)
            return
        try:
            await self._app(scope, receive, guarded_send)
        except Exception as error:
            log_fault(log, f"{scope['method']} at the admin's door", error)
            if not started:
                await _FAULT(guarded_send)

    def _refusal(self, scope: Scope) -> Prepared | None:
        """The answer for whoever does not get in; that of the open paths too."""
        method, path = scope["method"], scope["path"]
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        if path in ("/healthz", "/readyz"):
            if method not in _LOOKING:
                return _HEALTH_METHODS
            return HEALTHY if path == "/healthz" else health_answer(self._ready())
        if not self._hosts.allow(headers.get("host", "")):
            return _WRONG_HOST
        if self._hosts.secure(headers.get("host", "")):
            scope["scheme"] = "https"  # so that cookies are set for TLS only
        if path == SIGN_IN:
            return _FORGED if method not in _LOOKING and forged(headers) else None
        if path.startswith(STYLE) and method in _LOOKING:
            return None
        token = bearer(headers.get("authorization"))
        if token is not None:
            access, via = self._keys.check(token), "api"
        else:
            cookie = cookie_of(headers.get("cookie"))
            access, via = self._sessions.check(cookie), "console"
            scope["who"] = self._sessions.who(cookie) if access is not None else ""
        if access is None:
            wants_page = token is None and method in _LOOKING and "text/html" in headers.get("accept", "")
            return _sign_in_first(scope) if wants_page else _NO_TOKEN
        scope["access"], scope["via"] = access, via
        reads_only.set(access != "act")
        if method not in _LOOKING:
            if forged(headers):
                return _FORGED
            if access != "act":
                return _READ_ONLY
            media_type = headers.get("content-type", "").split(";", 1)[0].strip().lower()
            empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
            if media_type != "application/json" and not (media_type == "" and empty):
                return _NOT_JSON
        return None


def _sign_in_first(scope: Scope) -> Prepared:
    """Send a browser to the sign-in page, and from there back to where it wanted to go."""
    wanted = scope.get("raw_path", b"/") + (b"?" + scope["query_string"] if scope.get("query_string") else b"")
    there = f"{SIGN_IN}?next={quote(wanted.decode('latin-1'), safe='')}" if wanted != b"/" else SIGN_IN
    return Prepared(303, b"", b"text/plain", [(b"location", there.encode("latin-1"))])
