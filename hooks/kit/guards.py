"""Verify: the check that a source's ``verify:``, ``key:`` or ``unverified:`` describes, for senders that differ in it.

`Verify` is what is written in the rules file: a signature scheme with its parts, a token, a Basic password, or the name
of a row of `PRESETS`. `make_guard` turns it into the check. Closed by default: nothing configured is an error that says
what to write, and an unprotected source gives its reason in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, SecretStr, Tag, WithJsonSchema, model_validator

from hooks.errors import VerificationError
from hooks.kit.signatures import (
    Algorithm,
    Encoding,
    HmacScheme,
    SharedKey,
    basic_credentials,
    check_signature,
    check_timestamp,
    header_bytes,
    keys_presented,
    secret_bytes,
)
from hooks.ports import Inbound, SourceSettings
from hooks.values import Lasting, Secrets

MAX_SIGNATURES = 16
"""Signatures in one header. Each costs a digest of the body, and nobody has vouched for the sender yet."""


class Guard(Protocol):
    """A configured check of requests."""

    @property
    def credentials(self) -> frozenset[bytes]:
        """Headers that carry the proof: never to be stored."""
        ...

    def verify(self, request: Inbound) -> None:
        """Return if the request is authentic, else raise VerificationError, and nothing else."""
        ...


# --- as it is written ---

_PASSWORD: dict[str, Any] = {"type": "string", "format": "password"}
_Secrets = Annotated[Secrets, WithJsonSchema({"anyOf": [_PASSWORD, {"type": "array", "items": _PASSWORD}]})]
"""`Secrets` whose schema says, also inside an object, that one may stand without a list."""


class _Scheme(BaseModel):
    model_config = {"extra": "forbid", "frozen": True, "defer_build": True}


class HmacVerify(_Scheme):
    """One HMAC signature in a header."""

    scheme: Literal["hmac"]
    header: str = Field(description="The header that carries the signature.")
    secret: _Secrets = Field((), description="The signing secret; two during a rotation.")
    template: str = Field("{body}", description="What is signed: {body}, {timestamp}, {header:NAME}.")
    algorithm: Algorithm = Field("sha256", description="The hash: sha256, sha512 or sha1.")
    encoding: Encoding = Field("hex", description="How the signature is written: hex, base64, or auto.")
    prefix: str = Field("", description="What may stand before the signature, in either case, such as sha256=.")
    timestamp_header: str | None = Field(None, description="The header that carries the Unix seconds.")
    tolerance: Lasting = Field(300.0, description="How far the timestamp may be from now, in either direction.")


class TokenVerify(_Scheme):
    """A shared key that the sender sends along."""

    scheme: Literal["token"]
    key: _Secrets = Field((), description="The shared key; two during a rotation.")
    secret: _Secrets = Field((), description="The same, by the name that it has in all schemes.")
    header: str | None = Field(
        None, description="The header it stands in. Without one: `?key=`, `X-Api-Key`, `Bearer` or a Basic password."
    )
    prefix: str = Field("", description="What stands before the key in that header, such as `Token `.")


class BasicVerify(_Scheme):
    """Basic authentication."""

    scheme: Literal["basic"]
    username: str = Field(description="The user's name.")
    password: _Secrets = Field((), description="The password; two during a rotation.")
    secret: _Secrets = Field((), description="The same, by the name that it has in all schemes.")


@dataclass(frozen=True, slots=True)
class Preset:
    """How one well-known sender signs. ``pairs``: its header holds ``t=<seconds>`` and any number of ``v1=<hex>``."""

    header: str
    template: str = "{body}"
    encoding: Encoding = "hex"
    prefix: str = ""
    timestamp_header: str | None = None
    pairs: bool = False


PRESETS: Mapping[str, Preset] = {
    "github": Preset("X-Hub-Signature-256", prefix="sha256="),
    "shopify": Preset("X-Shopify-Hmac-Sha256", encoding="base64"),
    "slack": Preset(
        "X-Slack-Signature",
        template="v0:{timestamp}:{body}",
        prefix="v0=",
        timestamp_header="X-Slack-Request-Timestamp",
    ),
    "stripe": Preset("Stripe-Signature", pairs=True),
}
"""Schemes as their vendors' documents give them (read November 2026). Twilio's is not here: it signs its own idea of
the address that it called, which a server behind a proxy cannot know for certain."""

PresetName = Literal["github", "shopify", "slack", "stripe"]

_VERIFY = "verify is one of " + ", ".join(PRESETS) + ", or {scheme: hmac / token / basic, ...}"


def _scheme_of(given: Any) -> str | None:
    if isinstance(given, str):
        return "preset"
    scheme = given.get("scheme") if isinstance(given, dict) else getattr(given, "scheme", None)
    return scheme if isinstance(scheme, str) else None


Verify = Annotated[
    Annotated[PresetName, Tag("preset")]
    | Annotated[HmacVerify, Tag("hmac")]
    | Annotated[TokenVerify, Tag("token")]
    | Annotated[BasicVerify, Tag("basic")],
    Discriminator(_scheme_of, custom_error_type="verify_scheme", custom_error_message=_VERIFY),
]
"""What ``verify:`` may be."""

_YES = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "1", "0", "none", "null"})


def _reason(value: object) -> object:
    if value is None:
        return None
    if not isinstance(value, str) or value.strip().lower() in _YES or not any(map(str.isalpha, value)):
        raise ValueError('say in words why nobody is checked: unverified: "only reachable from our own network"')
    return value


Unverified = Annotated[str | None, BeforeValidator(_reason)]
"""The reason why a source takes requests from anybody."""


class GuardedSettings(SourceSettings):
    """Keys of a source whose sender presents a shared key, or is checked as ``verify`` says."""

    key: Secrets = Field(
        (), description="A shared key in `?key=`, `X-Api-Key`, `Bearer` or a Basic password; two during a rotation."
    )
    verify: Verify | None = Field(None, description="How requests are checked instead: a preset's name or a scheme.")
    secret: Secrets = Field((), description="The secret of `verify`; two during a rotation.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.guard()
        return self

    def guard(self) -> Guard:
        """The check these settings describe. Raises ValueError when it is not exactly one."""
        return make_guard(self.verify, secret=self.secret, key=self.key, other=", or `key: ${secret.NAME}`")


# --- as it is carried out ---


def make_guard(
    verify: str | BaseModel | None,
    *,
    secret: Sequence[SecretStr] = (),
    key: Sequence[SecretStr] = (),
    unverified: str | None = None,
    other: str = "",
) -> Guard:
    """The check of these settings. ``secret`` is the one written beside ``verify``, ``other`` a further way to name.

    Raises ValueError, for people, when it is not exactly one check, or its parts do not fit together.
    """
    ways = [name for name, given in (("verify", verify), ("key", key), ("unverified", unverified)) if given]
    if not ways:
        raise ValueError(
            "nothing says how its requests are checked: write `verify: {scheme: hmac, header: X-Signature, "
            f"secret: ${{secret.NAME}}}}`, or a preset ({', '.join(PRESETS)}) with `secret`{other}"
        )
    if len(ways) > 1:
        raise ValueError(f"{' and '.join(ways)} exclude each other: keep one")
    if secret and not verify:
        raise ValueError("`secret` belongs to `verify`, which is missing")
    if key:
        return KeyGuard(secret_bytes(key))
    if isinstance(verify, str):
        return _preset(PRESETS[verify], _keys({"secret": secret}))
    if isinstance(verify, HmacVerify):
        keys = _keys({"verify.secret": verify.secret, "secret": secret})
        parts = verify.model_dump(exclude={"scheme", "secret"})
        return HmacGuard(HmacScheme(keys, **parts), verify.header, verify.timestamp_header)
    if isinstance(verify, TokenVerify):
        keys = _keys({"verify.key": verify.key, "verify.secret": verify.secret, "secret": secret})
        return KeyGuard(keys) if verify.header is None else HeaderGuard(keys, verify.header, verify.prefix)
    if isinstance(verify, BasicVerify):
        keys = _keys({"verify.password": verify.password, "verify.secret": verify.secret, "secret": secret})
        return BasicGuard(verify.username.encode(), keys)
    return OpenGuard()


def _keys(places: Mapping[str, Sequence[SecretStr]]) -> tuple[bytes, ...]:
    """The keys of the one place that holds some, of those where they may stand: the first is told when none does."""
    given = {place: keys for place, keys in places.items() if keys}
    if len(given) > 1:
        raise ValueError(f"{' and '.join(f'`{place}`' for place in given)} are both there: keep one")
    if not given:
        place = next(iter(places))
        raise ValueError(f"`{place}` is missing: write {place.rpartition('.')[2]}: ${{secret.NAME}}")
    return secret_bytes(*given.values())


def _preset(row: Preset, keys: tuple[bytes, ...]) -> Guard:
    if row.pairs:
        return PairsGuard(keys, row.header)
    scheme = HmacScheme(
        keys,
        header=row.header,
        template=row.template,
        encoding=row.encoding,
        prefix=row.prefix,
        timestamp_header=row.timestamp_header,
    )
    return HmacGuard(scheme, row.header, row.timestamp_header)


class OpenGuard:
    """No check at all: settings have said why."""

    credentials: frozenset[bytes] = frozenset()

    def verify(self, request: Inbound) -> None:
        return None


class HmacGuard:
    """An `HmacScheme`."""

    def __init__(self, scheme: HmacScheme, *headers: str | None) -> None:
        self._scheme = scheme
        self.credentials = frozenset(header_bytes(name) for name in headers if name is not None)

    def verify(self, request: Inbound) -> None:
        self._scheme.verify(request)


class PairsGuard:
    """``t=<seconds>,v1=<hex>,v1=<hex>`` in one header, over the seconds, a full stop and the body (Stripe)."""

    def __init__(self, keys: Sequence[bytes], header: str, tolerance: float = 300.0) -> None:
        self._keys = tuple(keys)
        self._header = header_bytes(header)
        self._tolerance = tolerance
        self.credentials = frozenset({self._header})

    def verify(self, request: Inbound) -> None:
        given = request.header(self._header)
        if not given:
            raise VerificationError("missing")
        pairs = [part.strip().partition(b"=") for part in given.split(b",")]
        stamps = [value for name, _, value in pairs if name == b"t"]
        signatures = [value for name, _, value in pairs if name == b"v1"]
        if len(stamps) != 1 or not 0 < len(signatures) <= MAX_SIGNATURES:
            raise VerificationError("malformed")
        check_timestamp(stamps[0], request.received_at.timestamp(), self._tolerance)
        check_signature(signatures, self._keys, stamps[0] + b"." + request.body)


class KeyGuard:
    """A shared key in ``?key=``, ``X-Api-Key``, ``Authorization: Bearer`` or a Basic password."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._key = SharedKey(keys)
        self.credentials = frozenset({b"authorization", b"x-api-key"})

    def verify(self, request: Inbound) -> None:
        self._key.check([*keys_presented(request)])


class HeaderGuard:
    """A shared key in one header, after a prefix."""

    def __init__(self, keys: Sequence[bytes], header: str, prefix: str) -> None:
        self._key = SharedKey(keys)
        self._header = header_bytes(header)
        self._prefix = prefix.encode()
        self.credentials = frozenset({self._header})

    def verify(self, request: Inbound) -> None:
        given = request.header(self._header)
        if not given:
            raise VerificationError("missing")
        start = len(self._prefix)
        if given[:start].lower() != self._prefix.lower():
            raise VerificationError("malformed")
        self._key.check([given[start:]])


class BasicGuard:
    """A user's name and password."""

    def __init__(self, username: bytes, passwords: Sequence[bytes]) -> None:
        if not username:
            raise ValueError("`verify.username` is empty")
        self._user = SharedKey((username,))
        self._password = SharedKey(passwords)
        self.credentials = frozenset({b"authorization"})

    def verify(self, request: Inbound) -> None:
        given = basic_credentials(request)
        if given is None:
            raise VerificationError("missing")
        if not self._user.matches(given[0]) & self._password.matches(given[1]):
            raise VerificationError("mismatch")
