"""The table of a vendor's actions for its README: generated, so that page and code say the same.

It stands between two comments, ``<!-- actions -->`` and ``<!-- end of actions -->``; a test compares it with the code.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from hooks.ports import Action, OnUnknown, Vendor

BEGIN = "<!-- actions -->"
END = "<!-- end of actions -->"

_UNKNOWN: dict[OnUnknown, str] = {"repeat": "sent again", "lookup": "looked up", "hold": "held"}


def action_table(actions: Iterable[Action]) -> str:
    """A Markdown table: name, method and path, required inputs, what becomes of an unknown outcome, summary."""
    lines = ["| action | request | required | unknown outcome | what it does |", "|---|---|---|---|---|"]
    for action in actions:
        names = [f"`{action.name}`", *(f"(`{alias}`)" for alias in action.aliases)]
        required = [
            f"`{field.alias or name}`" for name, field in action.inputs.model_fields.items() if field.is_required()
        ]
        cells = (
            " ".join(names),
            f"`{action.method} {action.path}`",
            " ".join(required),
            _UNKNOWN[action.on_unknown],
            action.summary.replace("|", "\\|"),
        )
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    return "\n".join(lines)


def with_table(page: str, vendor: Vendor) -> str:
    """The page with the vendor's table between the two comments. Raises ValueError when they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{action_table(vendor.actions)}\n{END}{after}"


def readme(vendor: Vendor, package: str = "hooks.vendors") -> Path:
    """Where the vendor's page is, in a checkout."""
    return Path(str(files(package) / vendor.name / "README.md"))


def write_action_table(vendor: Vendor, package: str = "hooks.vendors") -> bool:
    """Write the table of the vendor's README anew, in a checkout, and give whether it changed."""
    page = readme(vendor, package)
    old = page.read_text("utf-8")
    new = with_table(old, vendor)
    if new != old:
        page.write_text(new, "utf-8")
    return new != old
