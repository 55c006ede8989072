"""Collecting findings while files are checked: places looked up, secrets masked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from hooks.rules.document import Document, Path, Place
from hooks.rules.findings import Finding, Severity

_UNSEEN: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")

MASK_FROM = 4
"""Secrets shorter than this are not masked: they would blot out ordinary words, and are refused as too short anyway."""


@dataclass(eq=False)
class SourceFile:
    """One file: its name as people know it, and what stands in it.

    A rule that is made of a template is checked by a file that knows where each value was written (`stands`).
    """

    name: str
    document: Document

    def stands(self, path: Path) -> tuple[SourceFile, Path]:
        """Where the value at a path was written."""
        return self, path

    def inside(self, path: Path, offset: int, length: int) -> Place:
        """The place of a part of the text at a path, where that was written."""
        return self.document.value(path, offset, length)

    def note(self, path: Path) -> str:
        """For the hint: the other place that has to do with the value at a path."""
        return ""

    def line(self, path: Path) -> int:
        """The line in this file of the value at a path; of one from another file, where it is used here."""
        return self.document.value(path).line

    def key_line(self, path: Path) -> int:
        """The same of the key at a path."""
        return self.document.key(path).line

    def text(self, path: Path, length: int) -> Place:
        """The same of a text, with its column."""
        return self.document.value(path, 0, length)


class Report:
    """All findings so far. Secret values given to `hide` never show in any of them."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._hidden: set[str] = set()

    def hide(self, secret: str) -> None:
        if len(secret) >= MASK_FROM:
            self._hidden.add(secret)

    @property
    def findings(self) -> list[Finding]:
        return [self._masked(finding) for finding in self._findings]

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self._findings)

    def add(
        self,
        file: SourceFile,
        place: Place,
        message: str,
        hint: str = "",
        *,
        severity: Severity = "error",
        rule: str | None = None,
    ) -> None:
        line = file.document.line(place.line)
        unseen = _UNSEEN.search(line[place.column - 1 : place.column - 1 + place.length])
        if unseen is not None:
            hint = f"a character that cannot be seen is in it (U+{ord(unseen[0]):04X}): type it anew"
        self._findings.append(
            Finding(file.name, place.line, place.column, place.length, severity, message, hint, rule, line)
        )

    def add_plain(self, finding: Finding) -> None:
        self._findings.append(finding)

    def at(self, file: SourceFile, path: Path, message: str, hint: str = "", severity: Severity = "error") -> None:
        """A finding about the value at a path."""
        origin, there = file.stands(path)
        place = origin.document.value(there)
        self.add(origin, place, message, _noted(file, path, hint), severity=severity, rule=rule_at(file, path))

    def at_key(self, file: SourceFile, path: Path, message: str, hint: str = "", severity: Severity = "error") -> None:
        """A finding about the key at a path."""
        origin, there = file.stands(path)
        place = origin.document.key(there)
        self.add(origin, place, message, _noted(file, path, hint), severity=severity, rule=rule_at(file, path))

    def inside(
        self,
        file: SourceFile,
        path: Path,
        offset: int,
        length: int,
        message: str,
        hint: str = "",
        severity: Severity = "error",
    ) -> None:
        """A finding about a part of the text at a path."""
        origin, _ = file.stands(path)
        place = file.inside(path, offset, length)
        self.add(origin, place, message, _noted(file, path, hint), severity=severity, rule=rule_at(file, path))

    def _masked(self, finding: Finding) -> Finding:
        if not self._hidden:
            return finding

        def mask(text: str) -> str:
            for secret in self._hidden:
                if secret in text:
                    text = text.replace(secret, "*" * len(secret))
            return text

        return Finding(
            finding.file,
            finding.line,
            finding.column,
            finding.length,
            finding.severity,
            mask(finding.message),
            mask(finding.hint),
            finding.rule,
            mask(finding.source),
        )


def _noted(file: SourceFile, path: Path, hint: str) -> str:
    return "; ".join(filter(None, (hint, file.note(path))))


def value_at(data: Any, path: Path) -> Any:
    """What is at a path, None when there is nothing."""
    for part in path:
        data = element(data, part)
        if data is ABSENT:
            return None
    return data


ABSENT: Any = object()


def element(value: Any, part: int | str) -> Any:
    """What is at one part of a path; `ABSENT` when there is nothing."""
    if isinstance(value, dict):
        return value.get(part, ABSENT)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    return ABSENT


def rule_at(file: SourceFile, path: Path) -> str | None:
    """The id of the rule that a path lies in."""
    if len(path) < 2 or path[0] != "rules":
        return None
    id = value_at(file.document.data, (*path[:2], "id"))
    return id if isinstance(id, str) else None
