"""Expressions in plain words, for people who own the business and did not write the rule.

>>> condition_in_words(compile_expression("data.total_cents >= 5000 and not data.tags contains 'vip'"))
'the total is at least $50.00 and “vip” is not in the tags'

What has no plain words is shown as the file writes it, between backquotes: never reworded into something it is not.
"""

from __future__ import annotations

import json
from typing import Any

from hooks.rules.expression import Expression
from hooks.rules.nodes import Binary, Call, Constant, ListOf, Matches, Node, PathNode, Root, Unary

_COMPARED = {
    "==": "is",
    "!=": "is not",
    "<": "is less than",
    "<=": "is at most",
    ">": "is more than",
    ">=": "is at least",
    "startswith": "begins with",
    "endswith": "ends with",
}
_NEGATED = {
    "==": "is not",
    "!=": "is",
    "startswith": "does not begin with",
    "endswith": "does not end with",
}
"""Only where these words hold as well when a side is missing: ``not data.total >= 5`` is true without any total."""

_ROOTS = {
    "id": "the event's id",
    "type": "the event's type",
    "source": "the source",
    "vendor": "the vendor",
    "time": "the event's time",
    "received_at": "the time it came in",
    "subject": "the event's subject",
    "data": "all that the event says",
    "raw": "all that the vendor sent",
}
_SEEN_THROUGH = frozenset({"phone", "email", "lower", "upper", "trim", "digits", "text", "number"})
"""Functions that only tidy their one argument."""


def condition_in_words(expression: Expression) -> str:
    """A condition as a part of a sentence: ``the total is at least $50.00``."""
    return _Words(expression.text).condition(expression.node, negated=False)


def value_in_words(expression: Expression) -> str:
    """What an expression gives: ``the customer's phone``."""
    return _Words(expression.text).value(expression.node)


class _Words:
    """One expression; ``text`` is how the file writes it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def condition(self, node: Node, *, negated: bool) -> str:
        match node:
            case Unary(op="not", operand=operand):
                return self.condition(operand, negated=not negated)
            case Binary(op="and" | "or" as op, left=left, right=right) if not negated:
                return f" {op} ".join(self._part(op, side) for side in (left, right))
            case Binary(op="contains" | "in" as op, left=left, right=right, negated=inner):
                item, whole = (right, left) if op == "contains" else (left, right)
                return self._among(item, whole, negated != inner)
            case Binary(op=op, left=left, right=right) if op in (_NEGATED if negated else _COMPARED):
                return self._compared((_NEGATED if negated else _COMPARED)[op], left, right)
            case Matches(left=left):
                fits = "does not fit" if negated else "fits"
                return f"{self.value(left)} {fits} the pattern in {self._as_written(node)}"
            case PathNode() | Root():
                return f"{self.value(node)} is {'not given' if negated else 'given'}"
        return f"{'not ' if negated else ''}{self._as_written(node)}"

    def value(self, node: Node) -> str:
        match node:
            case PathNode():
                return _path_in_words(node) or self._as_written(node)
            case Root(name=name):
                return _ROOTS.get(name, self._as_written(node))
            case Constant(value=value):
                return _constant(value)
            case ListOf(items=items) if items and all(isinstance(item, Constant) for item in items):
                shown = [self.value(item) for item in items]
                return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
            case Binary(op="??", left=left, right=right):
                return f"{self.value(left)}, or else {self.value(right)}"
            case Call(function=function, arguments=(argument,)) if function.name in _SEEN_THROUGH:
                return self.value(argument)
            case Call(function=function, arguments=(argument,)) if function.name == "dollars":
                return f"{self.value(argument)} in dollars"
        return self._as_written(node)

    # --- inside ---

    def _part(self, op: str, side: Node) -> str:
        shown = self.condition(side, negated=False)
        return f"({shown})" if isinstance(side, Binary) and side.op in ("and", "or") and side.op != op else shown

    def _among(self, item: Node, whole: Node, negated: bool) -> str:
        is_ = "is not" if negated else "is"
        if isinstance(whole, ListOf):
            shown = self.value(whole)
            return f"{self.value(item)} {is_} {'one of ' if len(whole.items) > 1 else ''}{shown}"
        return f"{self.value(item)} {is_} in {self.value(whole)}"

    def _compared(self, verb: str, left: Node, right: Node) -> str:
        if isinstance(right, Constant) and right.value is None and verb in ("is", "is not"):
            return f"{self.value(left)} is {'not given' if verb == 'is' else 'given'}"
        return f"{self.value(left)} {verb} {self._beside(right, left)}"

    def _beside(self, node: Node, other: Node) -> str:
        """A constant that is compared with cents is money."""
        if isinstance(node, Constant) and type(node.value) is int and _is_cents(other):
            return f"${node.value / 100:,.2f}" if node.value >= 0 else f"-${-node.value / 100:,.2f}"
        return self.value(node)

    def _as_written(self, node: Node) -> str:
        return f"`{self._text[node.start : node.end]}`"


def _is_cents(node: Node) -> bool:
    return isinstance(node, PathNode) and isinstance(node.keys[-1], str) and node.keys[-1].endswith("_cents")


def _path_in_words(node: PathNode) -> str | None:
    if not isinstance(node.target, Root) or not all(isinstance(key, str) for key in node.keys):
        return None
    keys = [str(key) for key in node.keys]
    if node.target.name == "data":
        words = [_name_in_words(key) for key in keys]
        return "the " + "'s ".join(words)
    if node.target.name == "steps":
        of = f"the answer of step {keys[0]}"
        return of if len(keys) == 1 else f"{'.'.join(keys[1:])} from {of}"
    if node.target.name == "error":
        return "what went wrong" if keys == ["message"] else f"the failed {' '.join(keys)}"
    return None


def _name_in_words(key: str) -> str:
    for ending in ("_cents", "_at"):
        key = key.removesuffix(ending)
    return key.replace("_", " ")


def _constant(value: Any) -> str:
    if isinstance(value, str):
        return f"“{value}”"
    if value is None:
        return "nothing"
    return json.dumps(value)
