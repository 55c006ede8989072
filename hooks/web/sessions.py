"""Signing in with a browser: a cookie that says what its holder may do and until when, signed by the token's own key.

Nothing is stored, so every server that knows the token knows its sessions, and a rotated token ends them all. The
cookie never holds the token; who steals it can use it until it ends, and not longer.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from http.cookies import CookieError, SimpleCookie

from hooks.ports import Clock
from hooks.web.auth import Access, Keys

COOKIE = "hooks_session"
LASTS = 12 * 3600
"""Seconds."""

_ACCESSES: tuple[Access, ...] = ("read", "act")


class Sessions:
    """The sessions of one admin's door."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def begin(self, access: Access, who: str = "") -> str:
        """The value of a new cookie, which also holds the name that somebody gave."""
        until = int(self._clock.now().timestamp()) + LASTS
        name = urlsafe_b64encode(who.encode("utf-8", "replace")).decode().rstrip("=")
        said = f"{access}.{until}.{secrets.token_urlsafe(16)}.{name}"
        return f"{said}.{self._sign(access, said)}"

    def check(self, value: str | None) -> Access | None:
        """What a cookie allows now, None when it is none of ours or has ended."""
        said, _, signature = (value or "").rpartition(".")
        access, _, rest = said.partition(".")
        until = rest.partition(".")[0]
        if access not in _ACCESSES or not until.isascii() or not until.isdigit() or len(until) > 12:
            return None
        if not hmac.compare_digest(self._sign(access, said).encode(), signature.encode("utf-8", "replace")):
            return None
        return access if self._clock.now().timestamp() < int(until) else None

    def who(self, value: str | None) -> str:
        """The name in a cookie that `check` allows; "" where none was given."""
        parts = (value or "").split(".")
        name = parts[3] if len(parts) == 5 else ""
        return urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode("utf-8", "replace")

    def _sign(self, access: Access, said: str) -> str:
        key = self._keys.signing_key(access)
        if key is None:  # there is no token of this kind (any more): nothing is ever equal to a random signature
            return secrets.token_hex(32)
        return hmac.new(key, b"session\0" + said.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def cookie_of(header: str | None) -> str | None:
    """Our cookie's value in a Cookie header."""
    if not header:
        return None
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def set_cookie(value: str, *, secure: bool, lasts: int = LASTS) -> str:
    """A Set-Cookie header; ``lasts`` 0 takes the cookie away."""
    end = "; Secure" if secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Strict{end}"
