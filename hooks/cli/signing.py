"""Proofs as the senders make them: `hooks send` and the demo stand in for the outside, so nothing is shared with the
verifiers. Ours being wrong in the same way twice would go unseen otherwise."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping

Proof = Callable[[str, bytes, float], Mapping[str, str]]
"""Headers that prove a body: given the secret, the body and the time in Unix seconds."""


def housecall_pro(secret: str, body: bytes, at: float) -> Mapping[str, str]:
    """``Api-Signature``: HMAC-SHA256 in hex over ``Api-Timestamp``, a full stop and the body."""
    stamp = str(int(at))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Api-Timestamp": stamp, "Api-Signature": digest}


def shared_key(secret: str, body: bytes, at: float) -> Mapping[str, str]:
    """A key that the sender was given, in a header."""
    return {"X-Api-Key": secret}


PROOFS: Mapping[str, tuple[str, Proof]] = {
    "housecall_pro": ("signing_secret", housecall_pro),
    "zapier": ("key", shared_key),
}
"""For each source vendor: the key of its settings that holds the secret, and how its sender uses it."""
