"""Homebase360's customers, looked up by id: its API searches them and lists none. Used by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hooks.kit.operations import Operation
from hooks.kit.picks import Pick

from .actions import ACTIONS

_ROWS: Final = {action.name: action for action in ACTIONS if isinstance(action, Operation)}


def _person(record: Mapping[str, Any]) -> str:
    return " ".join(str(record[name]) for name in ("firstName", "lastName") if record.get(name)) or "(no name)"


PICKS: Final[Mapping[str, Pick]] = {
    "select_customer": Pick(
        "select_customer",
        _ROWS["get_customers"],
        _person,
        frozenset({"customerId"}),
        key="customerId",
        noun="customer",
        asked_by="customerId",
        listed=False,
    )
}
