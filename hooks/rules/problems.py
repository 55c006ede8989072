"""What is wrong with parts of an expression, collected while it is checked."""

from __future__ import annotations

from dataclasses import dataclass

from hooks.rules.findings import Severity
from hooks.rules.kinds import Kind, describe, plainly
from hooks.rules.nodes import Node
from hooks.rules.shape import Shape


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a part of an expression, whose place counts from 0 within its text."""

    start: int
    length: int
    message: str
    hint: str = ""
    severity: Severity = "error"


class Problems:
    """Those of one expression, in the order in which they are found."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def say(self, start: int, end: int, message: str, hint: str = "", severity: Severity = "error") -> None:
        self.found.append(Problem(start, max(1, end - start), message, hint, severity))

    def must_be(self, node: Node, shape: Shape, kinds: Kind, sentence: str) -> None:
        """Say so when the value of a node can be none of these kinds."""
        known = shape.kinds & ~Kind.NULL
        if known and not known & kinds:
            hint = f"{describe(kinds)} belongs here"
            if kinds == Kind.NUMBER and known & Kind.TEXT:
                hint = "number(...) reads a number from text"
            elif kinds == Kind.TEXT and known & Kind.NUMBER:
                hint = "text(...) makes text of a number"
            self.say(node.start, node.end, f"{sentence} {plainly(known)}", hint)
