"""Housecall Pro's pick list: employees, whose ids stand in rules. Used by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hooks.kit.operations import Operation
from hooks.kit.picks import Pick

from .actions import ACTIONS

_ROWS: Final = {action.name: action for action in ACTIONS if isinstance(action, Operation)}


def _person(record: Mapping[str, Any]) -> str:
    return " ".join(str(record[name]) for name in ("first_name", "last_name") if record.get(name)) or "(no name)"


PICKS: Final[Mapping[str, Pick]] = {
    "select_employee": Pick(
        "select_employee",
        _ROWS["list_employees"],
        _person,
        frozenset({"employee_id", "employee_ids", "assigned_employee_id", "assigned_employee_ids"}),
        "employees",
        noun="employee",
    )
}
