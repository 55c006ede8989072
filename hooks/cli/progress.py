"""How far a long command is: bars on standard error while that is a terminal, and nothing where it is not."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Protocol


class Tell(Protocol):
    """What a command calls as it gets on."""

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """So many of ``what`` are done, of ``total`` where that is known."""
        ...


@contextlib.contextmanager
def progress() -> Iterator[Tell]:
    """A bar for each ``what`` that is told of, until the end of the block."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    from hooks.settings import colour_wanted

    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn())
    console = Console(stderr=True, no_color=not colour_wanted(), highlight=False)
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int | None = None) -> None:
            said = f"{done:,} {what}" if total is None else f"{done:,} of {total:,} {what}"
            if what not in tasks:
                tasks[what] = bars.add_task("", total=total, said=said)
            bars.update(tasks[what], completed=done, total=total, said=said)

        yield tell


def _silent(what: str, done: int, total: int | None = None) -> None:
    pass
