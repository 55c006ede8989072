"""Deliver, before the call: a step with its inputs and its request, as they will be frozen at its intent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hooks.errors import Permanent
from hooks.pipeline.accounts import Account
from hooks.pipeline.bounded import TookTooLong, bounded
from hooks.pipeline.hidden import hide, hide_request
from hooks.ports import Step
from hooks.rules.faults import EvaluationError
from hooks.rules.step import StepSpec

LARGEST_REQUEST = 32 * 1024 * 1024
"""Bytes of a request's body: what a rule makes of an event, over and over, must not take all memory."""


def prepared(spec: StepSpec, position: int, names: Mapping[str, Any], account: Account | None, now: datetime) -> Step:
    """The step with its inputs and request rendered, or skipped by its ``if``, or failed because it cannot be.

    Without a request when its connection is gone (``account`` None): it is rendered when that is back.
    """
    step = Step(position, spec.id, spec.action_name, spec.connection, "waiting")
    try:
        with bounded():
            if (left_out := spec.why_not(names)) is not None:
                return step._replace(state="skipped", error=left_out, finished_at=now)
            inputs = spec.render(names)
            if account is None:
                return step
            request = spec.action.render(inputs, account.settings)
    except (EvaluationError, Permanent) as error:
        return step._replace(state="failed", error=error.message, finished_at=now)
    except TookTooLong as error:
        return step._replace(state="failed", error=f"rendering it did not end: {error}", finished_at=now)
    if len(request.body or b"") > LARGEST_REQUEST:
        why = f"its request would be larger than {LARGEST_REQUEST >> 20} MiB"
        return step._replace(state="failed", error=why, finished_at=now)
    return step._replace(
        inputs=hide(inputs, spec.secrets),
        request=hide_request(request, spec.secrets),
        url=account.client.url(request),
    )
