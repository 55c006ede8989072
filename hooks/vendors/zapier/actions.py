"""Deliver: posting to Zaps: ``zapier.send`` to a Catch Hook.

Zapier does not say whether a hook has caught something (there is no search, and it takes the same twice), so an
unknown outcome of ``send`` is held for a person, unless the rule says ``on_unknown: repeat``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field

from hooks.events import Request
from hooks.kit.operations import Inputs, Operation, json_body
from hooks.ports import Action

from .client import check_size


class Send(Inputs):
    """What the Zap gets: the fields of one object."""

    data: dict[str, Any] = Field(description="The fields that the Zap's later steps can use; any names, any values.")


def _bare(request: Request, values: Mapping[str, Any], settings: Any) -> Request:
    """The body is the object itself."""
    made = replace(request, body=json_body(values["data"]))
    check_size(made)
    return made


ACTIONS: tuple[Action, ...] = (
    Operation(
        "send",
        "POST",
        "/",
        "Start a Zap whose trigger is *Catch Hook*.",
        Send,
        vendor_name="catch hook",
        adjust=_bare,
    ),
)
