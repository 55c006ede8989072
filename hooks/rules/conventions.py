"""How our own fields are written, and constants that can therefore never be what an event has.

Phone numbers are E.164, status words lower_snake, instants ISO 8601 and money whole cents (``hooks.canonical``). A
condition that compares such a field with something written otherwise loads, and never holds: it is told here.
"""

from __future__ import annotations

import re
from typing import Final

from hooks.canonical import Phones
from hooks.rules.functions import FUNCTIONS
from hooks.rules.nodes import Constant, ListOf, Node, PathNode, Root
from hooks.rules.operators import Budget

_PHONES: Final = frozenset({"phone", *Phones.model_fields})
_ORDER: Final = frozenset({"<", "<=", ">", ">="})
_SAME: Final = frozenset({"==", "!=", "in"})


def unlike(field: Node, op: str, given: Node) -> tuple[Node, str, str] | None:
    """The constant that a field of ``data`` is compared with and never is, why, and what to write. ``in``: its list."""
    if not isinstance(field, PathNode) or not isinstance(field.target, Root) or field.target.name != "data":
        return None
    name = str(field.keys[-1])
    for node in given.items if isinstance(given, ListOf) and op == "in" else (given,):
        if isinstance(node, Constant) and (told := _told(name, op, node.value)) is not None:
            return node, *told
    return None


def _told(name: str, op: str, value: object) -> tuple[str, str] | None:
    if name.endswith("_cents") and isinstance(value, float) and (op in _ORDER or op in _SAME):
        return "money is whole cents", f"{value:g} dollars are {round(value * 100)}"
    if not isinstance(value, str) or not value:
        return None
    if name in _PHONES and op in _SAME:
        written = FUNCTIONS["phone"].run(Budget(), [value])
        return None if written in (None, value) else ("phone numbers are written otherwise here", f"write '{written}'")
    if name in _PHONES and op == "startswith" and re.fullmatch(r"[\d(]\S*", value) and not value.startswith("+"):
        return "phone numbers begin with + and the country here", f"write '+1{re.sub(r'[^0-9]', '', value)}'"
    if name == "status" and op in _SAME and value != (plain := re.sub(r"[\s-]+", "_", value.strip().lower())):
        return "status words have small letters and _ here", f"write '{plain}'"
    if name.endswith("_at") and (op in _ORDER or op in _SAME) and not re.match(r"\d{4}-\d\d", value):
        return "times are compared as they are written here", "write '2026-05-06' or '2026-05-06T17:30:00Z'"
    return None
