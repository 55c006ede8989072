"""JobCloser's pick lists: crews, locations and products of the connection's company. Used by the command line.

The page shows no list's records; ``Id`` and ``Name`` are what its records have wherever it shows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hooks.kit.operations import Operation
from hooks.kit.picks import Pick

from .actions import ACTIONS

_ROWS: Final = {action.name: action for action in ACTIONS if isinstance(action, Operation)}


def _named(record: Mapping[str, Any]) -> str:
    return str(record.get("Name") or "(no name)")


def _pick(noun: str, field: str) -> Pick:
    return Pick(f"select_{noun}", _ROWS[f"list_{noun}s"], _named, frozenset({field}), key="Id", noun=noun)


PICKS: Final[Mapping[str, Pick]] = {
    pick.name: pick
    for pick in (_pick("crew", "crewId"), _pick("location", "locationId"), _pick("product", "productId"))
}
