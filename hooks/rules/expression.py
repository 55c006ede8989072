"""One expression of a rule: parsed and made runnable once, shared by all places that have the same text.

>>> compile_expression("data.total_cents >= 5000 and not data.tags contains 'x'").evaluate({"data": {"total_cents": 1}})
False
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from hooks.rules.compile import Run, build
from hooks.rules.faults import EvaluationError, ExpressionError, Fault
from hooks.rules.nodes import Node, PathNode, Root, children
from hooks.rules.operators import Budget
from hooks.rules.syntax import parse


class Expression:
    """A compiled expression. Immutable; evaluating it changes nothing and ends within a bounded number of steps."""

    __slots__ = ("_run", "node", "paths", "text")

    def __init__(self, text: str, node: Node) -> None:
        self.text = text
        self.node = node
        self._run: Run = build(node)
        self.paths = _paths(node)
        """What it reads: ``data.customer.phone``, in the order it stands, each once."""

    def evaluate(self, names: Mapping[str, Any], item: Any = None) -> Any:
        """The value for these names. Raises EvaluationError, and nothing else.

        With an ``item`` the value where ``.`` is this item, for a part of a list function. Where an item holds lists
        that are gone through as well, ``.`` inside is theirs, as in the whole expression.
        """
        try:
            return self._run(names, Budget(), item)
        except Fault as fault:
            start, end = fault.span or (0, len(self.text))
            raise EvaluationError(fault.message, self.text, start, max(1, end - start)) from None
        except RecursionError:
            raise EvaluationError("the value is nested too deeply", self.text) from None
        except (ArithmeticError, ValueError, TypeError, LookupError):
            raise EvaluationError("this cannot be evaluated for this event", self.text) from None

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether the value counts as true: null, false, 0 and anything empty do not."""
        return bool(self.evaluate(names))

    @property
    def is_path(self) -> bool:
        """Whether it is nothing but a path, such as ``data.customer``."""
        return isinstance(self.node, Root) or (isinstance(self.node, PathNode) and self.node.text is not None)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def _paths(node: Node) -> tuple[str, ...]:
    found: dict[str, None] = {}
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, PathNode) and current.text is not None:
            found[current.text] = None
        elif isinstance(current, Root):
            found[current.name] = None
        else:
            waiting.extend(reversed(children(current)))
    return tuple(found)


@functools.lru_cache(maxsize=20_000)
def _compiled(text: str, secrets: bool) -> Expression:
    try:
        return Expression(text, parse(text, secrets=secrets))
    except RecursionError:
        raise ExpressionError("nested too deeply", text, 0, 1, "divide the expression") from None


def compile_expression(text: str, *, secrets: bool = False) -> Expression:
    """The expression of this text. Raises ExpressionError, and nothing else."""
    return _compiled(text, secrets)


def path_value(path: str, names: Mapping[str, Any]) -> Any:
    """The value of a path as `Expression.paths` writes it."""
    return compile_expression(path, secrets=True).evaluate(names)
