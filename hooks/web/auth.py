"""Who may use the admin's door: bearer tokens, the names the door goes by, and no requests forged by other sites.

A token is 256 random bits. Of each, the data folder keeps the SHA-256 in ``admin.tokens.json``; the token itself is
only in ``admin.token``, for the command line on the same machine. Both files have mode 0600. A token given in the
settings replaces them. Comparing takes the same time for every wrong token.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import json
import os
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

from hooks.addresses import is_loopback
from hooks.errors import SettingsError
from hooks.whereabouts import TOKEN_FILE

Access = Literal["read", "act"]
"""``act`` may do everything; ``read`` may look, and does not see the raw bodies that vendors sent."""

HASHES_FILE = "admin.tokens.json"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Keys(Protocol):
    """Whoever knows which tokens are good."""

    def check(self, presented: str) -> Access | None:
        """What this token allows, None when it is none of ours."""
        ...

    def signing_key(self, access: Access) -> bytes | None:
        """What sessions of this access are signed with: another one for each token. None when there is no token."""
        ...


class GivenToken:
    """The one token of the settings (``HOOKS_ADMIN_TOKEN``); it allows everything."""

    def __init__(self, token: str) -> None:
        self._digest = _digest(token)

    def check(self, presented: str) -> Access | None:
        return "act" if hmac.compare_digest(self._digest, _digest(presented)) else None

    def signing_key(self, access: Access) -> bytes | None:
        return self._digest.encode() if access == "act" else None


class TokenFile:
    """The tokens of a data folder. A rotation by another process counts from the next request on."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / HASHES_FILE
        self._seen: tuple[int, int, int] | None = None
        self._hashes: Mapping[str, Access] = {}

    def check(self, presented: str) -> Access | None:
        digest = _digest(presented)
        found: Access | None = None
        for known, access in self._current().items():
            if hmac.compare_digest(known.encode(), digest.encode()):
                found = access
        return found

    def signing_key(self, access: Access) -> bytes | None:
        return next((digest.encode() for digest, known in self._current().items() if known == access), None)

    def _current(self) -> Mapping[str, Access]:
        try:
            status = self._path.stat()
        except OSError:
            return {}
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            self._hashes, self._seen = _read_hashes(self._path), seen
        return self._hashes


def create_token(folder: Path, access: Access = "act") -> str:
    """Make a token, store its hash, and return it: this is the only time it can be shown.

    It replaces the tokens of the same access, which stop working at once. An ``act`` token is also left in the
    folder for the command line. Raises SettingsError when the folder cannot be written.
    """
    token = secrets.token_urlsafe(32)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {digest: old for digest, old in _read_hashes(folder / HASHES_FILE).items() if old != access}
        kept[_digest(token)] = access
        if access == "act":
            _write_private(folder / TOKEN_FILE, token + "\n")
        _write_private(folder / HASHES_FILE, json.dumps({"tokens": kept}) + "\n")
    except OSError as error:
        raise SettingsError(f"the admin token cannot be stored in {folder}: {error.strerror}") from None
    return token


def ensure_token(folder: Path) -> str | None:
    """The new token when the folder had none yet (first start: show it once), else None."""
    if "act" in _read_hashes(folder / HASHES_FILE).values():
        return None
    return create_token(folder)


def check_bind(host: str, token_given: bool) -> None:
    """Refuse to open the admin's door wider than this machine, unless the operator has set a token of their own.

    Raises SettingsError that says what to do.
    """
    if not reached_only_here(host) and not token_given:
        raise SettingsError(
            f"the admin API would be reachable from other machines at {host}: "
            "set HOOKS_ADMIN_TOKEN (or HOOKS_ADMIN_TOKEN_FILE), or bind it to 127.0.0.1"
        )


def reached_only_here(host: str) -> bool:
    """Whether a door bound to this host can only be reached from this machine.

    A name other than localhost is not trusted, also not one below it: what it means is the resolver's to say.
    """
    name = host.strip("[]").lower()
    return is_loopback(name) and not name.endswith(".localhost")


class Hosts:
    """The names this door goes by: against pages that point a name of theirs at our address (DNS rebinding).

    The loopback names, the bound host and whatever the operator adds, each with any port. A door that is bound wider
    than loopback also goes by any address in figures: rebinding needs a name. A name that is added as ``https://name``
    is that of a proxy which speaks TLS for us.
    """

    def __init__(self, bound: str, more: Iterable[str] = ()) -> None:
        self._figures = not reached_only_here(bound)
        added = [(name.startswith("https://"), _host_name(name.removeprefix("https://"))) for name in more]
        self._names = _LOOPBACK_NAMES | {bound.strip("[]").lower()} | {name for _, name in added if name}
        self._secure = frozenset(name for secure, name in added if secure)

    def secure(self, host: str) -> bool:
        """Whether who used this Host header, one that `allow` lets in, came to us by TLS."""
        return _host_name(host) in self._secure

    def allow(self, host: str) -> bool:
        """Whether the value of a Host header names us."""
        with contextlib.suppress(ValueError):
            parts = urlsplit(f"//{host}")
            clean = not (parts.path or parts.query or parts.fragment or parts.username is not None)
            name = parts.hostname or ""
            known = name in self._names or (self._figures and _is_address(name))
            return clean and known and (parts.port or 0) >= 0  # reading the port checks it
        return False


def _host_name(host: str) -> str:
    """The name of a host in lower case, without a port and without brackets; "" for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def bearer(authorization: str | None) -> str | None:
    """The token of an Authorization header, None when it has none."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def forged(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that another site made it send this request.

    Sec-Fetch-Site where the browser sends it, else Origin against Host; a client that is no browser sends neither.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc != headers.get("host", "") if _is_url(origin) else True


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).netloc)
    except ValueError:
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read_hashes(path: Path) -> dict[str, Access]:
    """The stored hashes; a file that is not there or not ours holds none, so that nobody gets in by breaking it."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))["tokens"]
        return {str(digest): access for digest, access in stored.items() if access in ("read", "act")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write_private(path: Path, text: str) -> None:
    """Replace a file whole, readable for its owner only from its first byte on, and on disk when this returns."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
