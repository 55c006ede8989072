"""Health for anyone: ``ok`` or not, without detail.

``/healthz`` says that the process answers. ``/readyz`` says whether this server should be sent work: it turns red
before a stop, so that a balancer looks elsewhere. Reasons and figures are for signed-in people (`hooks.web.admin`).
"""

from __future__ import annotations

from hooks.web.problem import Prepared

_TEXT = b"text/plain; charset=utf-8"

HEALTHY = Prepared(200, b"ok", _TEXT)
NOT_READY = Prepared(503, b"not ready", _TEXT, [(b"retry-after", b"5")])


def health_answer(ready: bool) -> Prepared:
    """The answer of ``/readyz``."""
    return HEALTHY if ready else NOT_READY
