"""What is wrong with a rules file: every finding at once, with its place, its line and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from hooks.errors import RulesError
from hooks.plurals import so_many

Severity = Literal["error", "warning"]

_RED, _YELLOW, _CYAN, _DIM, _BOLD, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. ``line`` and ``column`` count from 1; ``source`` is the line as it stands in the file."""

    file: str
    line: int
    column: int
    length: int
    severity: Severity
    message: str
    hint: str = ""
    rule: str | None = None
    source: str = ""

    def render(self, colour: bool = False) -> str:
        """For people: place and sentence, the line, a caret under the exact part, a hint and the rule's id."""
        red = _RED if self.severity == "error" else _YELLOW

        def paint(code: str, text: str) -> str:
            return f"{code}{text}{_RESET}" if colour and text else text

        head = f"{self.file}:{self.line}:{self.column}:"
        suffix = "" if self.severity == "error" else " (warning)"
        lines = [f"{paint(_BOLD, head)} {paint(red, self.message + suffix)}"]
        shown = self.source.replace("\t", " ").rstrip()
        if shown:
            start, shown = _cut(shown, self.column - 1)
            length = max(1, min(self.length, len(shown) - start))
            lines.append(f"{paint(_DIM, f'{self.line:>7} | ')}{shown}")
            lines.append(f"{paint(_DIM, ' ' * 7 + ' | ')}{' ' * start}{paint(red, '^' * length)}")
        if self.hint:
            lines.append(f"        {paint(_CYAN, '= ' + self.hint)}")
        if self.rule is not None:
            lines.append(f"        in rule '{self.rule}'")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """For editors and machines."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "length": self.length,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "rule": self.rule,
        }


def _cut(line: str, column: int, width: int = 110) -> tuple[int, str]:
    """The part of a long line around the column, and where the column is in it."""
    if len(line) <= width or column < width - 20:
        return min(column, len(line)), line[:width]
    start = column - width // 2
    return column - start + 3, "..." + line[start : start + width - 3]


class RulesInvalid(RulesError):
    """A rules file that cannot be used: ``findings`` holds all of its errors and warnings, sorted by file and line."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = in_order(findings)
        super().__init__(self.render())

    def render(self, colour: bool = False) -> str:
        errors = sum(finding.severity == "error" for finding in self.findings)
        return "\n".join([*(finding.render(colour) for finding in self.findings), so_many(errors, "error")])

    def as_json(self) -> list[dict[str, Any]]:
        return [finding.as_json() for finding in self.findings]


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file, line and column, each once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda found: (found.file, found.line, found.column, found.message)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` for the nearest of the known words, or "" when none is near."""
    words = list(known)
    lowered = {candidate.lower(): candidate for candidate in reversed(words)}
    exact = lowered.get(word.lower())
    if exact is not None:
        return f"did you mean '{exact}'?"
    letters = sorted(word.lower())
    for candidate in lowered:
        if sorted(candidate) == letters:
            return f"did you mean '{lowered[candidate]}'?"
    near = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
    return f"did you mean '{lowered[near[0]]}'?" if near else ""


def meant_by(hint: str) -> str:
    """The word in a hint of `did_you_mean`, "" when there is none."""
    return hint.removeprefix("did you mean '").removesuffix("'?")


def choice(what: str, names: Iterable[str]) -> str:
    """``connections: home, titan``, or that there are none."""
    known = ", ".join(sorted(names))
    return f"{what}: {known}" if known else f"there are no {what}"
