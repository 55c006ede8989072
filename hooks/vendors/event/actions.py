"""Deliver: ``event.emit``, which puts a new event at the beginning of the journey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError

from hooks.errors import Permanent
from hooks.events import Done, Request
from hooks.kit.operations import Inputs, findings, json_body, sendable
from hooks.ports import Action, Call, OnUnknown

from .client import EventClient

MAX_BODY: Final = 1024 * 1024
"""Bytes that an event takes as JSON: as much as a source takes of a sender."""


class EmitInputs(Inputs):
    """The new event."""

    type: str = Field(
        pattern=r"^[\w.:/+-]{1,200}$", description="Its type, such as `job.ready`: what rules take as `event:`."
    )
    subject: str | None = Field(
        None, max_length=500, description="What it is about: a kind and an id, such as `job/job_41`."
    )
    data: dict[str, Any] = Field(default_factory=dict, description="What rules read of it as `data`.")


@dataclass(frozen=True)
class EmitAction:
    """Puts an event in once: a second time the same call finds the first one's event."""

    name: str = "emit"
    aliases: tuple[str, ...] = ()
    operation: str = "emit"
    method: str = "POST"
    path: str = "/"
    summary: str = "Put a new event in, for other rules to take; its source is `event`."
    inputs: type[BaseModel] = EmitInputs
    repeatable: bool = True
    on_unknown: OnUnknown = "repeat"

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        try:
            checked = EmitInputs.model_validate({name: value for name, value in inputs.items() if value is not None})
        except ValidationError as error:
            raise Permanent(findings(error)) from None
        with sendable(inputs):
            # Nulls inside `data` are the event's own, so they are not dropped as elsewhere.
            body = json_body({"type": checked.type, "subject": checked.subject, "data": checked.data})
        if len(body) > MAX_BODY:
            raise Permanent(f"data: the event has {len(body)} bytes, and at most {MAX_BODY} are taken")
        return Request(self.method, self.path, (), {"content-type": "application/json"}, body)

    async def send(self, client: EventClient, call: Call) -> Done:
        request = call.request or self.render(call.inputs, client.settings)
        return await client.send(request, timeout=call.timeout, key=call.key)

    async def lookup(self, client: EventClient, call: Call) -> Done | None:
        """Nothing is looked up: sending again gives what is there."""
        return None


ACTIONS: tuple[Action, ...] = (EmitAction(),)

OUTPUTS: Final = {
    "emit": {
        "type": "object",
        "properties": {
            "event": {"type": "string", "description": "The id of the new event."},
            "receipt": {"type": "string", "description": "The id of its receipt."},
        },
    }
}
