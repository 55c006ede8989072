"""What the demo shows: a line for each webhook when it is answered, one for each run when it ends, a table at last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hooks.cli.demo.senders import Delivery
from hooks.cli.output import TONES, plain
from hooks.settings import colour_wanted


class Teller:
    """Prints to standard output, in colour where it is a terminal. Lines are never cut when it is not."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, no_color=not colour_wanted(), soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style))

    def answered(self, delivery: Delivery, status: int, verdict: str, milliseconds: float) -> None:
        line = Text.assemble(
            ("← ", "bold"),
            (f"{delivery.source:<7}", "cyan"),
            f"{delivery.kind:<40}",
            (f"{status} {verdict:<10}", TONES.get(verdict, "")),
            (f"{milliseconds:5.0f} ms  ", "dim"),
            (delivery.title, "dim"),
        )
        self._console.print(line)

    def ended(self, run: Mapping[str, Any]) -> None:
        """A run that is done, failed, held or skipped, with what it did and how often it had to try."""
        state = str(run["state"])
        steps = run.get("steps") or []
        attempts = [attempt for step in steps for attempt in step.get("attempts") or []]
        extra = len(attempts) - len(steps)
        did = ", ".join(str(step["action"]) for step in steps) or plain(run.get("reason"))
        line = Text.assemble(
            "  ",
            ("→ ", "bold"),
            f"{run['rule']:<24}",
            (f"{state:<9}", TONES.get(state, "")),
            (did, "dim"),
        )
        if extra > 0:
            line.append(f"  after {extra} more {'try' if extra == 1 else 'tries'}", "yellow")
        if any(attempt["verdict"] == "adopted" for attempt in attempts):
            line.append(": the first had acted, so nothing was sent again", "yellow")
        self._console.print(line)

    def table(self, rows: Sequence[tuple[str, int, int]]) -> None:
        """What was expected and what was found; rows that differ in red."""
        table = Table("", "expected", "found", box=None, pad_edge=False, header_style="dim")
        for column in table.columns[1:]:
            column.justify = "right"
        for name, expected, found in rows:
            table.add_row(name, str(expected), str(found), style="" if expected == found else "bold red")
        self._console.print()
        self._console.print(table)
