"""Proofs as the senders make them: `hooks send` and the demo stand in for the outside, so nothing is shared with the
verifiers. Ours being wrong in the same way twice would go unseen otherwise."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

Headers = Mapping[str, str]

_NONE: Headers = {}
_HEADER = re.compile(r"\{header:([^{}]*)\}")


def housecall_pro(secret: str, body: bytes, at: float) -> Headers:
    """``Api-Signature``: HMAC-SHA256 in hex over ``Api-Timestamp``, a full stop and the body."""
    stamp = str(int(at))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Api-Timestamp": stamp, "Api-Signature": digest}


def shared_key(secret: str) -> Headers:
    """A key that the sender was given, in a header."""
    return {"X-Api-Key": secret}


def standard_webhooks(secret: str, body: bytes, at: float, prefix: str = "webhook") -> Headers:
    """``v1,`` and the base64 of an HMAC-SHA256 over id, seconds and body, by the decoded ``whsec_`` secret."""
    name, stamp = f"msg_{uuid.uuid4().hex}", str(int(at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {f"{prefix}-id": name, f"{prefix}-timestamp": stamp, f"{prefix}-signature": signature}


def plain_hmac(
    secret: str,
    body: bytes,
    at: float,
    *,
    header: str,
    template: str = "{body}",
    algorithm: str = "sha256",
    encoding: str = "hex",
    prefix: str = "",
    timestamp_header: str | None = None,
    given: Headers = _NONE,
) -> Headers:
    """An HMAC over whatever the template names, written as the receiver expects it.

    Headers that it names and nobody has ``given`` are made up.
    """
    stamp = str(int(at))
    known = {name.lower(): value for name, value in given.items()}
    if timestamp_header is not None:
        known[timestamp_header.lower()] = stamp
    named = {name: known.get(name.lower()) or uuid.uuid4().hex for name in _HEADER.findall(template)}
    filled = _HEADER.sub(lambda place: named[place[1]], template.replace("{timestamp}", stamp))
    before, _, after = filled.partition("{body}")
    raw = hmac.new(secret.encode(), before.encode() + body + after.encode(), algorithm).digest()
    text = base64.b64encode(raw).decode() if encoding == "base64" else raw.hex()
    headers = {**named, header: prefix + text}
    return headers if timestamp_header is None else {**headers, timestamp_header: stamp}


def stripe(secret: str, body: bytes, at: float) -> Headers:
    """``t=<seconds>,v1=<hex>`` over the seconds, a full stop and the body."""
    stamp = str(int(at))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={stamp},v1={digest}"}


_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "github": {"header": "X-Hub-Signature-256", "prefix": "sha256="},
    "shopify": {"header": "X-Shopify-Hmac-Sha256", "encoding": "base64"},
    "slack": {
        "header": "X-Slack-Signature",
        "template": "v0:{timestamp}:{body}",
        "prefix": "v0=",
        "timestamp_header": "X-Slack-Request-Timestamp",
    },
}


def _described(settings: Any, body: bytes, at: float, given: Headers = _NONE) -> Headers:
    """What ``verify:``, ``key:`` or ``unverified:`` of a source asks for."""
    verify = settings.verify
    if verify is None:
        key = getattr(settings, "key", ())
        return shared_key(_clear(key)) if isinstance(key, tuple) and key else {}
    if isinstance(verify, str):
        secret = _clear(settings.secret)
        return stripe(secret, body, at) if verify == "stripe" else plain_hmac(secret, body, at, **_PRESETS[verify])
    if verify.scheme == "hmac":
        parts = verify.model_dump(exclude={"scheme", "secret", "tolerance"})
        return plain_hmac(_clear(verify.secret or settings.secret), body, at, **parts, given=given)
    if verify.scheme == "token":
        key = _clear(verify.key or verify.secret or settings.secret)
        return shared_key(key) if verify.header is None else {verify.header: verify.prefix + key}
    password = _clear(verify.password or verify.secret or settings.secret)
    pair = base64.b64encode(f"{verify.username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _clear(secrets: Any) -> str:
    """The first of the secrets, in the clear: it goes into the proof and nowhere else."""
    return str(secrets[0].get_secret_value())


PROOFS: Mapping[str, Callable[..., Headers]] = {
    "housecall_pro": lambda settings, body, at, given=_NONE: plain_hmac(
        _clear(settings.signing_secret),
        body,
        at,
        header=settings.signature_header,
        template=settings.template,
        encoding=settings.encoding,
        timestamp_header=settings.timestamp_header,
        given=given,
    ),
    "zapier": lambda settings, body, at, given=_NONE: shared_key(_clear(settings.key)),
    "servicetitan": lambda settings, body, at, given=_NONE: plain_hmac(
        _clear(settings.hmac_key), body, at, header=settings.header, encoding=settings.encoding
    ),
    "standard_webhooks": lambda settings, body, at, given=_NONE: standard_webhooks(
        _clear(settings.secret), body, at, settings.header_prefix
    ),
    "supergood": _described,
    "cloudevents": _described,
    "webhook": _described,
}
"""For each source vendor the headers that prove a body: given its settings, the body and the time in Unix seconds.

A fourth value are headers that go with it anyway, which the proof may cover."""
