"""How the texts of two rule sets differ, as a unified diff: what people read before they roll back. Pure."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path


def unified(old: Mapping[str, str], new: Mapping[str, str], old_label: str, new_label: str) -> str:
    """The diff of all files, by name beside the main file (each side's first); "" when nothing differs."""
    before, after = _by_place(old), _by_place(new)
    return "".join(
        line
        for name in dict.fromkeys([*after, *before])
        for line in _one(name, before.get(name), after.get(name), old_label, new_label)
    )


def _by_place(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts by their place beside the main file: a folder that was moved is no difference."""
    if not texts:
        return {}
    first = Path(next(iter(texts)))
    return {
        first.name if Path(name) == first else os.path.relpath(name, first.parent): text for name, text in texts.items()
    }


def _one(name: str, old: str | None, new: str | None, old_label: str, new_label: str) -> Iterator[str]:
    if old == new:
        return
    before, after = (("" if text is None else text).splitlines(keepends=True) for text in (old, new))
    was, now = (
        "/dev/null" if text is None else f"{name} ({label})" for text, label in ((old, old_label), (new, new_label))
    )
    for line in difflib.unified_diff(before, after, was, now):
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
