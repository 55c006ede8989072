"""What the command line prints: JSON, aligned tables and plain words, safe to show on a terminal.

Values come from other people's systems, so control characters and marks that turn the direction of writing are shown
escaped. Tables are never cut: a line that is too long for a terminal wraps, and a script gets all of it.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

import typer

from hooks.settings import colour_wanted


class Exit(IntEnum):
    """The exit codes of every command."""

    FINE = 0
    FAILED = 1
    WRONG_USE = 2
    INVALID = 3
    PARTLY = 4
    DIFFERENT = 10


_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "dim": "2", "bold": "1"}

TONES = {
    "ok": "green",
    "warning": "yellow",
    "accepted": "green",
    "done": "green",
    "duplicate": "yellow",
    "ping": "cyan",
    "refused": "red",
    "quarantined": "red",
    "failed": "red",
    "held": "yellow",
    "waiting": "cyan",
    "running": "cyan",
    "skipped": "dim",
}
"""The colour of a verdict or state."""


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    letters = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    print(json.dumps(value, ensure_ascii=letters != "utf8", indent=2, default=str))


def plain(value: object) -> str:
    """A value as one line of text, with characters that act on a terminal written as escapes."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return "".join(
        character if character == " " or unicodedata.category(character)[0] not in "CZ" else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def coloured(text: str, colour: str | None) -> str:
    """The text in a colour of `_COLOURS` when it goes to a terminal and the user did not ask for plain text."""
    if colour is None or not sys.stdout.isatty() or not colour_wanted():
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under their headings, aligned with two spaces between; verdicts and states in their colours."""
    cells = [[plain(value) for value in row] for row in rows]
    widths = [
        max([len(heading), *(len(row[position]) for row in cells)], default=0)
        for position, heading in enumerate(columns)
    ]
    last = len(columns) - 1

    def line(row: Sequence[str]) -> list[str]:
        return [text if position == last else text.ljust(widths[position]) for position, text in enumerate(row)]

    print(coloured("  ".join(line(columns)).rstrip(), "dim"))
    for row in cells:
        print("  ".join(coloured(text, TONES.get(text.strip())) for text in line(row)).rstrip())


def print_fields(fields: Mapping[str, Any]) -> None:
    """Name and value per line, in the order given; empty values are left out."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        text = plain(value)
        print(f"{coloured(name.ljust(width), 'dim')}  {coloured(text, TONES.get(text))}")


def note(text: str) -> None:
    """A line for people on standard error."""
    print(text, file=sys.stderr)


def wrong_use(sentence: str) -> typer.Exit:
    """Say what was wrong with the command line and give the exit to raise."""
    note(f"hooks: {sentence}")
    return typer.Exit(Exit.WRONG_USE)
