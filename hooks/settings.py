"""What the operator set: options, then ``HOOKS_<NAME>``, then ``HOOKS_<NAME>_FILE``, then the defaults.

The only module that reads the environment. Secrets named in ``routes.yaml`` are looked up here too (`secret`): the
environment variable ``NAME``, the file that ``NAME_FILE`` names, then a file ``NAME`` in the secrets folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hooks.errors import SettingsError

Role = Literal["all", "receive", "work"]
Durability = Literal["full", "relaxed"]
_ROLES: tuple[Role, ...] = ("all", "receive", "work")
_SECRETS_FOLDERS = ("/run/secrets",)
_POSTGRES = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. ``database`` is None for the default, ``sqlite:///<data>/hooks.db``."""

    routes: Path = Path("routes.yaml")
    data: Path = Path(".hooks")
    database: str | None = None
    database_named: bool = False
    """Whether ``database`` stands on the command line: then that one is meant, whatever a running server uses."""
    host: str = "127.0.0.1"
    port: int = 8080
    admin_host: str = "127.0.0.1"
    admin_port: int = 8081
    admin_hosts: tuple[str, ...] = ()
    """Further names that the admin listener goes by; ``https://name`` where a proxy in front of it speaks TLS."""
    masked: tuple[str, ...] = ()
    """Names of fields that lists hide, and tokens that may only read."""
    admin_token: str | None = None
    role: Role = "all"
    strict: bool = False
    durability: Durability = "full"
    """``relaxed`` starts also where the storage may lose what was acknowledged: a tmpfs, PostgreSQL without fsync."""
    free_space: int | None = None
    """Bytes that are left free on the disk; None for the default, which depends on its size."""
    retention: float | None = 30 * 86400.0
    """Seconds that what has ended is kept; None for ever."""

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in self.__slots__ if name not in ("admin_token", "database")}
        inner = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"Settings({inner}, admin_token={'***' if self.admin_token else None})"

    @property
    def database_url(self) -> str:
        """Where the store is: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://...``.

        Raises SettingsError for any other kind of database.
        """
        address = self.database or f"sqlite:///{self.data / 'hooks.db'}"
        scheme, found, rest = address.partition("://")
        if found and ((scheme == "sqlite" and len(rest) > 1 and rest.startswith("/")) or scheme in _POSTGRES):
            return address
        raise SettingsError(
            "HOOKS_DATABASE (--database) must look like sqlite:///path/to/hooks.db or postgresql://user@host/name"
        )

    @property
    def database_file(self) -> Path | None:
        """The SQLite file, None when the database is a PostgreSQL."""
        scheme, _, rest = self.database_url.partition(":///")
        return Path(rest) if scheme == "sqlite" else None

    @property
    def database_shown(self) -> str:
        """`database_url` without a password."""
        shown = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", self.database_url)  # an @ or a / may stand in it as it is
        return re.sub(r"([?&](?:password|sslpassword)=)[^&]*", r"\1***", shown)

    @property
    def database_noted(self) -> str:
        """`database_shown` with the whole path of a file: by this a running server's database is told from others."""
        return self.database_shown if self.database_file is None else f"sqlite:///{self.database_file.resolve()}"


def environment(name: str) -> str | None:
    """The value of a variable, or of the file that ``<name>_FILE`` names (one trailing line end removed), or None.

    Raises SettingsError when the file cannot be read; the message names the variable and never a value.
    """
    value = os.environ.get(name)
    if value is not None and value != "":
        return value
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return _text_of(Path(path))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}_FILE names a file that cannot be read: {_why(error)}") from None
    return None


_NAMES = frozenset(
    f"HOOKS_{name}{ending}"
    for ending in ("", "_FILE")
    for name in (
        "ROUTES", "DATA", "DATABASE", "HOST", "PORT", "ADMIN", "ADMIN_HOSTS", "ADMIN_TOKEN", "MASKED", "ROLE", "STRICT",
        "DURABILITY", "FREE_SPACE", "RETENTION", "DEBUG",
    )
) | {"HOOKS_SECRETS"}  # fmt: skip
"""Every variable of ours."""

_OF_OTHERS = re.compile(r"HOOKS_TEST_\w+|HOOKS_(\w+_)?(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))(_\w+)?")
"""Those of our tests, and those that Kubernetes gives to what stands beside a Service whose name begins with hooks."""

_secrets: set[str] = set()
"""Secrets that rules have named so far: theirs may begin with ``HOOKS_`` too."""


def unread() -> list[str]:
    """What to say of variables that look like ours and that nobody reads, after the rules have been loaded.

    They may be another program's, so they are no error; but a misspelt one leaves a default in force.
    """
    found = []
    for name in sorted(set(os.environ) - _NAMES):
        if not name.startswith("HOOKS_") or not os.environ[name] or name.removesuffix("_FILE") in _secrets:
            continue
        if _OF_OTHERS.fullmatch(name) or (name.endswith("_PORT") and "://" in os.environ[name]):
            continue
        from difflib import get_close_matches

        whole = name.removesuffix("_PORT").removesuffix("_HOST")  # of an address that is one variable
        near = [whole] if whole in _NAMES else get_close_matches(name, sorted(_NAMES), n=1, cutoff=0.75)
        found.append(f"{name} is no setting of hooks and is not read{f': did you mean {near[0]}?' if near else ''}")
    return found


def secret(name: str) -> str | None:
    """The secret ``${secret.NAME}`` of ``routes.yaml``, or None when it is nowhere."""
    _secrets.add(name)
    value = environment(name)
    if value == "":
        raise SettingsError(f"{name}_FILE names a file that is empty")
    if value is not None:
        return value
    folders = [os.environ.get("HOOKS_SECRETS", ""), os.environ.get("CREDENTIALS_DIRECTORY", ""), *_SECRETS_FOLDERS]
    for folder in folders:
        if folder and (path := Path(folder) / name).is_file():
            try:
                return _text_of(path)
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"the secret {name} cannot be read: {_why(error)}") from None
    return None


def _why(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or type(error).__name__


def child_environment(**changed: str) -> dict[str, str]:
    """The environment for a server that the command line starts: ours, without our settings, with what is given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOKS_")}
    return {**inherited, **changed}


def colour_wanted() -> bool:
    """False when the user asked for plain text (no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def load_settings(given: Mapping[str, Any] | None = None) -> Settings:
    """Settings from what was ``given`` on the command line (None values count as not given) and the environment.

    Raises SettingsError naming the option or variable and what it may be.
    """
    options = {name: value for name, value in (given or {}).items() if value is not None}

    def text(name: str) -> str | None:
        if name in options:
            return str(options[name])
        return environment(f"HOOKS_{name.upper()}")

    values: dict[str, Any] = {}
    if (routes := text("routes")) is not None:
        values["routes"] = Path(routes)
    if (data := text("data")) is not None:
        values["data"] = Path(data)
    if (database := text("database")) is not None:
        values["database"], values["database_named"] = database, "database" in options
    if (host := text("host")) is not None:
        values["host"] = host
    if (port := text("port")) is not None:
        values["port"] = _port(port, "port")
    if (admin := text("admin")) is not None:
        values["admin_host"], values["admin_port"] = _host_and_port(admin)
    if (hosts := text("admin_hosts")) is not None:
        values["admin_hosts"] = _hosts(hosts)
    if (masked := text("masked")) is not None:
        values["masked"] = _fields(masked)
    if (token := text("admin_token")) is not None:
        if len(token) < 16:
            raise SettingsError("HOOKS_ADMIN_TOKEN is too short: use at least 16 characters, better 43 random ones")
        values["admin_token"] = token
    if (role := text("role")) is not None:
        if role not in _ROLES:
            raise SettingsError(f"--role (HOOKS_ROLE) is {role!r}: it must be one of {', '.join(_ROLES)}")
        values["role"] = role
    if (strict := text("strict")) is not None:
        values["strict"] = _switch(strict, "HOOKS_STRICT")
    if (durability := text("durability")) is not None:
        if durability not in ("full", "relaxed"):
            raise SettingsError(f"HOOKS_DURABILITY is {durability!r}: it must be full or relaxed")
        values["durability"] = durability
    if (free_space := text("free_space")) is not None:
        values["free_space"] = _bytes(free_space)
    if (retention := text("retention")) is not None:
        values["retention"] = _retention(retention)
    return Settings(**values)


def _switch(text: str, name: str) -> bool:
    word = text.strip().lower()
    if word not in _SWITCHES:
        raise SettingsError(f"{name} is {text!r}: it must be true or false")
    return _SWITCHES[word]


_SWITCHES = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_SIZE = re.compile(r"(\d+)\s*(|KiB|MiB|GiB)")


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise SettingsError(f"HOOKS_FREE_SPACE is {text!r}: write a size such as 512MiB or 2GiB; 0 switches it off")
    return int(found[1]) * {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[found[2]]


def _retention(text: str) -> float | None:
    from hooks.values import parse_duration

    if text.strip().lower() == "forever":
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise SettingsError(f"HOOKS_RETENTION: {error}, or forever") from None


def _text_of(path: Path) -> str:
    """The text of a file, without the mark that editors of Windows put before it, and without one line end."""
    text = path.read_text(encoding="utf-8-sig")
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text.endswith("\n") else text


_NAMED = re.compile(r"(?:https://)?(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?/?")


def _hosts(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if _NAMED.fullmatch(name) is None:
            raise SettingsError(
                f"HOOKS_ADMIN_HOSTS has {name!r}: write names as they stand in the address bar, with commas between "
                "them, such as office-pc or https://hooks.example.com"
            )
    return names


def _fields(text: str) -> tuple[str, ...]:
    """Names of fields with commas between them."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if re.fullmatch(r"\w+", name) is None:
            raise SettingsError(
                f"HOOKS_MASKED has {name!r}: write names of fields with commas, such as phone, email, street"
            )
    return names


def _port(text: str, option: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        said = f"--{option} (HOOKS_{option.upper()}) is {text!r}: it must be a number from 0 to 65535"
        if text.startswith("tcp://"):
            said += "; Kubernetes sets it for a Service named hooks, unless the pod says enableServiceLinks: false"
        raise SettingsError(said)
    return int(text)


def _host_and_port(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not host:
        raise SettingsError(f"--admin (HOOKS_ADMIN) is {text!r}: write HOST:PORT, such as 127.0.0.1:8081")
    return host.removeprefix("[").removesuffix("]"), _port(port, "admin")
