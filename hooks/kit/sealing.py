"""Deliver: what only those who know an account's credentials can read, for a place that others read too.

The key is made of the credentials themselves (scrypt, so that guessing weak ones from a stolen database is slow) and is
stored nowhere. A text is hidden under HMAC-SHA256 in counter mode with a nonce of its own, and then authenticated
together with the nonce by a second key (encrypt-then-MAC). Both are what Python's library has without another package.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets

NONCE, TAG, BLOCK = 16, 32, 32

COST = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
"""Of making a key: 16 MiB and a twentieth of a second, once for each connection."""


class Seal:
    """Closes texts and opens them again. ``name`` tells accounts apart and tells nothing of their credentials."""

    def __init__(self, *credentials: str) -> None:
        made = hashlib.scrypt(json.dumps(credentials).encode(), salt=b"hooks access token", dklen=96, **COST)
        self.name = made[:16].hex()
        self._hiding, self._marking = made[32:64], made[64:]

    def close(self, text: str) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        hidden = self._hidden(nonce, text.encode())
        return nonce + hidden + hmac.digest(self._marking, nonce + hidden, "sha256")

    def open(self, sealed: bytes) -> str | None:
        """The text, or None for what these credentials have not closed, or somebody has changed since."""
        body, tag = sealed[:-TAG], sealed[-TAG:]
        if len(body) < NONCE or not hmac.compare_digest(tag, hmac.digest(self._marking, body, "sha256")):
            return None
        return self._hidden(body[:NONCE], body[NONCE:]).decode()

    def _hidden(self, nonce: bytes, data: bytes) -> bytes:
        stream = b"".join(
            hmac.digest(self._hiding, nonce + number.to_bytes(8, "big"), "sha256")
            for number in range(-(-len(data) // BLOCK))
        )
        return bytes(one ^ other for one, other in zip(data, stream, strict=False))
