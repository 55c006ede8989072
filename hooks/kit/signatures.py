"""Verify: the building blocks that every source's check is made of. Pure; raises `VerificationError`, nothing else.

`HmacScheme` is a signature scheme as data: headers, message template, algorithm, encoding, prefix, tolerance. What
differs from it (several signatures in one header, a key that is itself encoded) a vendor builds from the functions
below. All compares are in constant time and on bytes, several secrets may be valid at once, and an empty secret
never exists.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qsl

from pydantic import SecretStr

from hooks.errors import VerificationError
from hooks.ports import Inbound

Algorithm = Literal["sha256", "sha512", "sha1"]
Encoding = Literal["hex", "base64", "auto"]
"""``auto`` tells hexadecimal from base64 by the length."""

_SIZES = {"sha256": 32, "sha512": 64, "sha1": 20}
_PLACE = re.compile(r"\{([^{}]*)\}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_MAX_TIMESTAMP_DIGITS = 12


def secret_bytes(secrets: Sequence[SecretStr]) -> tuple[bytes, ...]:
    """The secrets as UTF-8. Raises ValueError when there is none or an empty one: such a check would let all pass."""
    keys = tuple(secret.get_secret_value().encode() for secret in secrets)
    if not keys or not all(key.strip() for key in keys):
        raise ValueError("a secret is empty: give it a value, or leave the source out")
    return keys


def header_bytes(name: str) -> bytes:
    """A header's name as `Inbound` has it, in lower case. Raises ValueError when no header can be called that."""
    if _HEADER_NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is not the name of a header: write one such as X-Signature")
    return name.lower().encode("ascii")


# --- signatures ---


def digest(key: bytes, message: bytes, algorithm: Algorithm = "sha256") -> bytes:
    """The HMAC of a message (RFC 2104). The key, half of the work for a short message, has been hashed in before."""
    inner, outer = _keyed(key, algorithm)
    inner, outer = inner.copy(), outer.copy()
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=256)
def _keyed(key: bytes, algorithm: Algorithm) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Both hashes of an HMAC, with the key in them already."""
    inner, outer = hashlib.new(algorithm), hashlib.new(algorithm)
    size = inner.block_size
    block = (hashlib.new(algorithm, key).digest() if len(key) > size else key).ljust(size, b"\0")
    inner.update(bytes(byte ^ 0x36 for byte in block))
    outer.update(bytes(byte ^ 0x5C for byte in block))
    return inner, outer


def encoded(raw: bytes, encoding: Literal["hex", "base64"]) -> bytes:
    """A digest as it stands in a header: lower-case hexadecimal, or base64 with its padding."""
    return binascii.hexlify(raw) if encoding == "hex" else binascii.b2a_base64(raw, newline=False)


def signature_encoding(given: bytes, encoding: Encoding, algorithm: Algorithm) -> Literal["hex", "base64"]:
    """Which of the two a signature is written in. Raises ``malformed`` when its length fits none that is allowed."""
    size = _SIZES[algorithm]
    if encoding != "base64" and len(given) == 2 * size:
        return "hex"
    if encoding != "hex" and len(given) == (size + 2) // 3 * 4:
        return "base64"
    raise VerificationError("malformed")


def check_signature(
    given: Iterable[bytes],
    keys: Sequence[bytes],
    message: bytes,
    *,
    algorithm: Algorithm = "sha256",
    encoding: Encoding = "hex",
) -> None:
    """Return if one of the given signatures is that of the message under one of the keys, else raise.

    Each is compared in its encoded form, so that no second spelling of a base64 digest passes; hexadecimal may be in
    capitals. Raises ``malformed`` when no signature has the right length, and ``mismatch`` otherwise.
    """
    compared = False
    good = False
    for signature in given:
        try:
            kind = signature_encoding(signature, encoding, algorithm)
        except VerificationError:
            continue
        compared = True
        good |= _signed(keys, message, algorithm, kind, signature)
    if not good:
        raise VerificationError("mismatch" if compared else "malformed")


def _signed(
    keys: Sequence[bytes], message: bytes, algorithm: Algorithm, kind: Literal["hex", "base64"], signature: bytes
) -> bool:
    """Whether it is the message's under one of the keys, of which each is tried."""
    spelled = signature.lower() if kind == "hex" else signature
    good = False
    for key in keys:
        good |= hmac.compare_digest(encoded(digest(key, message, algorithm), kind), spelled)
    return good


def check_timestamp(given: bytes, now: float, tolerance: float) -> None:
    """Return if the Unix seconds in ``given`` lie within the tolerance of now, in either direction.

    Raises ``malformed`` for anything but one to twelve digits, and ``stale``.
    """
    if not given.isdigit() or len(given) > _MAX_TIMESTAMP_DIGITS:
        raise VerificationError("malformed")
    if abs(now - int(given)) > tolerance:
        raise VerificationError("stale")


class HmacScheme:
    """One HMAC signature in one header, over a message made of the body and of other headers.

    ``template`` is the message: ``{body}``, ``{timestamp}`` (the value of ``timestamp_header``), ``{header:NAME}`` and
    text between them. ``prefix`` may stand before the signature, in either case. Without a ``timestamp_header`` no
    time is checked. Raises ValueError, for people, when the parts do not fit together.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        *,
        header: str,
        template: str = "{body}",
        algorithm: Algorithm = "sha256",
        encoding: Encoding = "hex",
        prefix: str = "",
        timestamp_header: str | None = None,
        tolerance: float = 300.0,
    ) -> None:
        if not keys or not all(keys):
            raise ValueError("a signature needs a secret")
        self._keys = tuple(keys)
        self._header = header_bytes(header)
        self._timestamp_header = None if timestamp_header is None else header_bytes(timestamp_header)
        self._template, self._others = _format_of(template, self._timestamp_header)
        self._algorithm: Algorithm = algorithm
        self._encoding: Encoding = encoding
        self._prefix = prefix.lower().encode()
        self._tolerance = tolerance

    def verify(self, request: Inbound) -> None:
        """Return if the request is signed by one of the keys, in time. Raises VerificationError with its reason."""
        signature = request.header(self._header)
        if not signature:
            raise VerificationError("missing")
        if self._prefix and signature[: len(self._prefix)].lower() == self._prefix:
            signature = signature[len(self._prefix) :]
        timestamp = b""
        if self._timestamp_header is not None:
            timestamp = request.header(self._timestamp_header) or b""
            if not timestamp:
                raise VerificationError("missing")
            check_timestamp(timestamp, request.received_at.timestamp(), self._tolerance)
        message = self._message(request, timestamp)
        kind = signature_encoding(signature, self._encoding, self._algorithm)
        if not _signed(self._keys, message, self._algorithm, kind, signature):
            raise VerificationError("mismatch")

    def _message(self, request: Inbound, timestamp: bytes) -> bytes:
        values = {b"body": request.body, b"timestamp": timestamp}
        for name in self._others:
            found = request.header(name)
            if not found:
                raise VerificationError("missing")
            values[b"header:" + name] = found
        return self._template % values


def _format_of(template: str, time_header: bytes | None) -> tuple[bytes, tuple[bytes, ...]]:
    """The template as Python formats bytes by a mapping, and the headers that it names."""
    format = b""
    named: list[bytes] = []
    places = _PLACE.split(template)
    for index, part in enumerate(places):
        if index % 2 == 0:
            if "{" in part or "}" in part:
                raise ValueError(f"the template {template!r} has a brace without its partner")
            format += part.encode().replace(b"%", b"%%")
        elif part == "body" or (part == "timestamp" and time_header is not None):
            format += b"%%(%b)b" % part.encode()
        elif part == "timestamp":
            raise ValueError("the template names {timestamp}: say in which timestamp_header it comes")
        elif part.startswith("header:"):
            named.append(header_bytes(part.removeprefix("header:")))
            format += b"%%(header:%b)b" % named[-1]
        else:
            raise ValueError(
                f"the template {template!r} names {{{part}}}: use {{body}}, {{timestamp}}, {{header:NAME}}"
            )
    if "body" not in places[1::2]:
        raise ValueError(f"the template {template!r} leaves out {{body}}: anybody could change the body")
    if time_header is not None and "timestamp" not in places[1::2] and time_header not in named:
        raise ValueError(f"the template {template!r} leaves out {{timestamp}}: anybody could change the time")
    return format, tuple(named)


# --- shared keys ---


class SharedKey:
    """A key that the sender simply sends: compared by hash, so that neither content nor length can be timed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or not all(keys):
            raise ValueError("a shared key is empty")
        self._hashes = tuple(hashlib.sha256(key).digest() for key in keys)

    def matches(self, given: bytes) -> bool:
        """Whether this is one of the keys."""
        mine = hashlib.sha256(given).digest()
        good = False
        for known in self._hashes:
            good |= hmac.compare_digest(mine, known)
        return good

    def check(self, given: Iterable[bytes]) -> None:
        """Return if keys were given, all the same one, and it is ours, else raise VerificationError.

        ``given`` is what was found at every place a key may stand. Several places with different values are refused
        as ``repeated``: two readers of the request could pick two different ones.
        """
        found = list(given)
        if not found:
            raise VerificationError("missing")
        if any(not hmac.compare_digest(found[0], other) for other in found[1:]):
            raise VerificationError("repeated")
        if not self.matches(found[0]):
            raise VerificationError("mismatch")


def bearer_token(request: Inbound) -> bytes | None:
    """The token of ``Authorization: Bearer``, None when there is none. Raises ``repeated`` and ``malformed``."""
    return _authorization(request, b"bearer")


def basic_credentials(request: Inbound) -> tuple[bytes, bytes] | None:
    """User and password of ``Authorization: Basic``, None when there is none. Raises ``repeated`` and ``malformed``."""
    given = _authorization(request, b"basic")
    if given is None:
        return None
    try:
        user, colon, password = binascii.a2b_base64(given, strict_mode=True).partition(b":")
    except ValueError as error:
        raise VerificationError("malformed") from error
    if not colon:
        raise VerificationError("malformed")
    return user, password


def _authorization(request: Inbound, scheme: bytes) -> bytes | None:
    given = request.header(b"authorization")
    if given is None:
        return None
    name, _, value = given.partition(b" ")
    if name.lower() != scheme:
        return None
    value = value.strip()
    if not value:
        raise VerificationError("malformed")
    return value


def keys_presented(request: Inbound) -> Iterator[bytes]:
    """The shared keys of a request: in ``?key=``, ``X-Api-Key``, ``Authorization: Bearer`` and a Basic password."""
    query = request.query.decode("utf-8", "surrogateescape")
    for name, value in parse_qsl(query, errors="surrogateescape"):
        if name.lower() == "key" and value:
            yield value.encode("utf-8", "surrogateescape")
    basic = basic_credentials(request)
    for given in (request.header(b"x-api-key"), bearer_token(request), basic and basic[1]):
        if given:
            yield given
