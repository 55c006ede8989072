"""Events that rules emit themselves: what one rule has found out sets off others."""

from __future__ import annotations

from hooks.ports import BuiltIn, Vendor

from .actions import ACTIONS, OUTPUTS
from .client import SETTINGS, EventClient
from .source import KINDS, EventSource

vendor = Vendor(
    name="event",
    title="Own events",
    actions=ACTIONS,
    outputs=OUTPUTS,
    kinds=KINDS,
    built_in=BuiltIn(source=EventSource(), settings=SETTINGS, connect=EventClient),
    doubts={"emit": "Ours: nothing leaves this program."},
)
