"""Values with ``${ ... }``: a text that is exactly one expression keeps its type, others become text.

In mixed text null is written as nothing. ``$${`` stands for a literal ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hooks.rules.expression import Expression, compile_expression
from hooks.rules.faults import EvaluationError, ExpressionError, Fault
from hooks.rules.operators import MAX_TEXT, Budget, as_text

_OPENING = re.compile(r"\$\$\{|\$\{")
_SENT = re.compile(r"(?:data|raw|steps|error)\b")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[{}]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Hole:
    """One ``${ }`` of a template: its expression, and where that begins in the template's text."""

    expression: Expression
    offset: int


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled value. ``parts`` are literal texts and holes, in order."""

    text: str
    parts: tuple[str | Hole, ...]

    @property
    def holes(self) -> tuple[Hole, ...]:
        return tuple(part for part in self.parts if isinstance(part, Hole))

    @property
    def single(self) -> Expression | None:
        """The expression when the text is exactly one ``${ }``."""
        part = self.parts[0] if len(self.parts) == 1 else None
        return part.expression if isinstance(part, Hole) else None

    @property
    def literal(self) -> str | None:
        """The text when there is no expression in it."""
        return None if self.holes else "".join(part for part in self.parts if isinstance(part, str))

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(path for hole in self.holes for path in hole.expression.paths))

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """The value for these names. Raises EvaluationError, its column counted within the template's text."""
        first = self.parts[0]
        if len(self.parts) == 1 and not isinstance(first, str):
            return self._evaluate(first, names)
        budget = Budget()
        made: list[str] = []
        size = 0
        for part in self.parts:
            if isinstance(part, str):
                piece = part
            else:
                value = self._evaluate(part, names)
                try:
                    piece = as_text(value, budget)
                except Fault as fault:
                    raise EvaluationError(fault.message, self.text, part.offset) from None
            made.append(piece)
            size += len(piece)
            if size > MAX_TEXT:
                raise EvaluationError("the text would be longer than 64 KiB", self.text)
        return "".join(made)

    def empties_segment(self, names: Mapping[str, Any]) -> bool:
        """Whether nothing is left between two slashes where expressions stand: as a path it would lead elsewhere."""
        budget = Budget()
        pieces = (
            part if isinstance(part, str) else as_text(self._evaluate(part, names), budget) for part in self.parts
        )
        return any(set(segment) == {"\0"} for segment in "".join(piece or "\0" for piece in pieces).split("/"))

    def splits_segment(self, names: Mapping[str, Any]) -> str | None:
        """What was sent to us and would make two levels of a path out of one: no sender says where a call goes.

        A path that is one expression as a whole is its author's to make, and so is what stands in ``vars``.
        """
        if len(self.parts) == 1:
            return None
        for hole in self.holes:
            sent = next((path for path in hole.expression.paths if _SENT.match(path)), None)
            if sent is not None and "/" in as_text(self._evaluate(hole, names), Budget()):
                return sent
        return None

    def _evaluate(self, hole: Hole, names: Mapping[str, Any]) -> Any:
        try:
            return hole.expression.evaluate(names)
        except EvaluationError as error:
            raise EvaluationError(error.message, self.text, hole.offset + error.column, error.length) from None


def compile_template(text: str, *, secrets: bool = False) -> Template:
    """The template of this text. Raises ExpressionError with its column counted within the whole text."""
    parts: list[str | Hole] = []
    position = 0
    while True:
        opening = _OPENING.search(text, position)
        if opening is None:
            if position < len(text) or not parts:
                parts.append(text[position:])
            return Template(text, tuple(parts))
        if opening[0] == "$${":
            parts.append(text[position : opening.start()] + "${")
            position = opening.end()
            continue
        if opening.start() > position:
            parts.append(text[position : opening.start()])
        start = opening.end()
        end = _closing(text, start)
        try:
            expression = compile_expression(text[start:end], secrets=secrets)
        except ExpressionError as error:
            raise ExpressionError(error.message, text, start + error.column, error.length, error.hint) from None
        parts.append(Hole(expression, start))
        position = end + 1


def expressions_of(text: str) -> list[tuple[int, int]]:
    """Where the expressions of a template begin and end, unread. Raises ExpressionError when one is not closed."""
    found: list[tuple[int, int]] = []
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        position = opening.end()
        if opening[0] == "${":
            position = _closing(text, opening.end())
            found.append((opening.end(), position))
    return found


def escaped_in(text: str) -> list[tuple[int, int]]:
    """Where a ``$${ }`` begins and ends that would be an expression, if it were not for the second ``$``."""
    found: list[tuple[int, int]] = []
    for opening in re.finditer(r"\$\$\{", text):
        try:
            end = _closing(text, opening.end())
            if compile_expression(text[opening.end() : end]).paths:
                found.append((opening.start(), end))
        except ExpressionError:
            continue
    return found


def has_hole(text: str) -> bool:
    """Whether a text holds ``${`` or ``$${`` and so must be compiled."""
    return "${" in text


def _closing(text: str, start: int) -> int:
    """Where the ``}`` of a ``${`` is. Raises ExpressionError when there is none."""
    depth = 0
    for match in _QUOTED.finditer(text, start):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            if depth == 0:
                return match.start()
            depth -= 1
    raise ExpressionError("'${' is not closed", text, max(0, start - 2), 2, "add the closing }")
