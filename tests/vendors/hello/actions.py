"""Deliver: what can be done at Hello."""

from __future__ import annotations

from pydantic import Field

from hooks.events import Done, Request
from hooks.kit.operations import Inputs, Operation
from hooks.ports import Call

from .client import HelloClient


class SendGreeting(Inputs):
    """A greeting."""

    to: str = Field(min_length=1, description="Who is greeted.")
    text: str = Field("Hello!", description="What is said.")
    ref: str | None = Field(None, description="Our reference, by which it can be found again.")


async def _find(client: HelloClient, call: Call) -> Done | None:
    reference = call.inputs.get("ref")
    if reference is None:
        return None
    found = await client.send(Request("GET", "/greetings", (("ref", str(reference)),)), timeout=call.timeout)
    return Done(found.output[0]) if found.output else None


ACTIONS = (
    Operation(
        "send_greeting",
        "POST",
        "/greetings",
        "Greet somebody.",
        takes=SendGreeting,
        aliases=("greet",),
        unknown="lookup",
        find=_find,
    ),
    Operation("get_greeting", "GET", "/greetings/{greetingId}", "Read a greeting."),
)
