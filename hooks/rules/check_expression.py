"""What can be known of an expression before any event comes: unknown fields, impossible types, wrong steps.

The data's shape is the union of the canonical models of the events a rule can match. A field that none of them has is
an error, one that only some have a warning. Where the shape is open nothing is said.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from hooks.rules.check_operators import check_binary
from hooks.rules.check_paths import check_answer, check_step, follow
from hooks.rules.faults import Fault
from hooks.rules.functions import PIECES, odd_piece
from hooks.rules.kinds import Kind, describe
from hooks.rules.nodes import (
    Binary,
    Call,
    Choice,
    Constant,
    Index,
    Item,
    ListOf,
    Matches,
    Node,
    ObjectOf,
    PathNode,
    Root,
    Unary,
)
from hooks.rules.operators import Budget
from hooks.rules.problems import Problem, Problems
from hooks.rules.shape import OPEN, Shape, shape_of_kind, shape_of_value, union
from hooks.rules.signatures import Function

_TEXT = shape_of_kind(Kind.TEXT)
_TEXT_OR_NULL = shape_of_kind(Kind.TEXT | Kind.NULL)
_BOOL = shape_of_kind(Kind.BOOL)
_ERROR = Shape(
    [
        (
            {
                "type": "object",
                "properties": {
                    "message": {"type": "string"},
                    "step": {"type": "string"},
                    "action": {"type": "string"},
                },
                "additionalProperties": False,
            },
            {},
        )
    ]
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of an expression: the shape of its value, and its problems."""

    shape: Shape
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Scope:
    """What the names of an expression hold. ``steps`` are the ids of the earlier steps of the rule."""

    data: Shape = OPEN
    variables: Shape = field(default_factory=lambda: shape_of_value({}))
    steps: tuple[str, ...] = ()
    later_steps: tuple[str, ...] = ()
    fallback: bool = False
    answers: Mapping[str, Shape] = field(default_factory=dict)
    """What the answers of the earlier steps hold, by id, where that is documented."""

    @functools.cached_property
    def roots(self) -> dict[str, Shape]:
        texts = ("id", "type", "source", "vendor", "time", "received_at")
        return {
            **dict.fromkeys(texts, _TEXT),
            "subject": _TEXT_OR_NULL,
            "data": self.data,
            "vars": self.variables,
            "error": _ERROR if self.fallback else OPEN,
        }

    @functools.cached_property
    def _checked(self) -> dict[str, Checked]:
        return {}

    def check(self, text: str, node: Node) -> Checked:
        """The expression's shape and problems, worked out once per text."""
        known = self._checked.get(text)
        if known is None:
            checker = _Checker(self)
            shape = checker.infer(node, None)
            known = self._checked[text] = Checked(shape, tuple(dict.fromkeys(checker.problems.found)))
        return known


class _Checker:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.problems = Problems()

    def infer(self, node: Node, item: Shape | None) -> Shape:
        """The shape of what a node gives, with null wherever that is possible."""
        match node:
            case Constant(value=value):
                return shape_of_value(value)
            case Root(name=name):
                return self.root(node, name)
            case Item():
                return item or OPEN
            case PathNode():
                return self.path(node, item)
            case Index(target=target, index=index):
                self.infer(target, item)
                self.infer(index, item)
                return OPEN
            case Unary(op=op, operand=operand):
                inner = self.infer(operand, item)
                if op == "not":
                    return _BOOL
                self.problems.must_be(operand, inner, Kind.NUMBER, "cannot calculate with")
                return shape_of_kind((inner.kinds & (Kind.NUMBER | Kind.NULL)) or Kind.NUMBER)
            case Binary():
                left, right = self.infer(node.left, item), self.infer(node.right, item)
                return check_binary(self.problems, node, left, right)
            case Matches(left=left):
                self.problems.must_be(left, self.infer(left, item), Kind.TEXT, "matches looks at text, not")
                return _BOOL
            case Choice(condition=condition, yes=yes, no=no):
                self.infer(condition, item)
                return union([self.infer(yes, item), self.infer(no, item)])
            case ListOf(items=items):
                shapes = [self.infer(each, item) for each in items]
                below = union(shapes) if shapes else OPEN
                return below.as_items()
            case ObjectOf(values=values):
                for value in values:
                    self.infer(value, item)
                return shape_of_kind(Kind.OBJECT)
            case Call():
                return self.call(node, item)
        raise AssertionError(type(node))

    def root(self, node: Node, name: str) -> Shape:
        if name == "error" and not self.scope.fallback:
            self.problems.say(
                node.start, node.end, "'error' is known in fallback: only", "it tells why the steps above failed"
            )
        return self.scope.roots.get(name, OPEN)

    def path(self, node: PathNode, item: Shape | None) -> Shape:
        target, scope = node.target, self.scope
        if isinstance(target, Root) and target.name == "steps":
            check_step(self.problems, node, scope.steps, scope.later_steps)
            check_answer(self.problems, node, scope.answers.get(str(node.keys[0]), OPEN))
            return OPEN
        return follow(self.problems, node, self.infer(target, item))

    def call(self, node: Call, item: Shape | None) -> Shape:
        function = node.function
        shapes: list[Shape] = []
        below: Shape | None = None
        for position, argument in enumerate(node.arguments):
            parameter = function.parameter(position)
            if parameter.lazy:
                shapes.append(self.infer(argument, below))
                continue
            shape = self.infer(argument, item)
            shapes.append(shape)
            if position == 0:
                below = shape.item() if shape.kinds & Kind.LIST and not shape.is_open else OPEN
            self.problems.must_be(
                argument, shape, parameter.kinds, f"{function.name}() needs {describe(parameter.kinds)}, got"
            )
        self.written(node)
        return _result(function, shapes, below)

    def written(self, node: Call) -> None:
        """A zone, duration or separator that is written out and that the function can take for no event."""
        example = _TRIED_WITH.get(node.function.name, "")
        if not (example or node.function.name == "date") or len(node.arguments) < 2:
            return
        given = node.arguments[1]
        if node.function.name == "date" and isinstance(given, Constant):
            if (told := odd_piece(str(given.value))) is not None:
                self.problems.say(given.start, given.end, told, f"write {' '.join(PIECES)}", "warning")
            return
        if isinstance(given, Constant) and isinstance(given.value, str):
            try:
                node.function.run(Budget(), [example, given.value])
            except Fault as fault:
                message, _, hint = fault.message.partition("; ")
                self.problems.say(given.start, given.end, message, hint or f"for example {node.function.example}")


_TRIED_WITH = {"in_zone": "2026-05-04T14:00:00Z", "later": "2026-05-04T14:00:00Z", "split": "a"}
"""Functions whose second argument alone can be wrong, and a first one to try it with."""


def _result(function: Function, shapes: list[Shape], item: Shape | None) -> Shape:
    """The shape of what a function gives for arguments of these shapes."""
    name = function.name
    null = shape_of_kind(Kind.NULL)
    if name == "map" and len(shapes) == 2:
        return union([shapes[1].as_items(), null])
    if name == "find":
        return union([item or OPEN, null])
    if function.of_item and shapes:
        return shapes[0]
    if name == "default":
        return union(shapes)
    if name == "first":
        return union([*shapes, null]) if len(shapes) > 1 else OPEN
    if name == "slice" and shapes and not shapes[0].is_open:
        return shapes[0]
    if name in ("min", "max"):
        return OPEN
    if name in ("round", "abs", "sum"):
        return shape_of_kind(Kind.NUMBER | Kind.NULL)
    return shape_of_kind(function.returns if function.returns == Kind.BOOL else function.returns | Kind.NULL)
