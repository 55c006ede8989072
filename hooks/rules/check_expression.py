"""What can be known of an expression before any event comes: unknown fields, impossible types, wrong steps.

The data's shape is the union of the canonical models of the events a rule can match. A field that none of them has is
an error, one that only some have a warning. Where the shape is open nothing is said.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from hooks.rules.conventions import unlike
from hooks.rules.elsewhere import size_hint
from hooks.rules.faults import Fault
from hooks.rules.findings import Severity, did_you_mean
from hooks.rules.functions import PIECES, odd_piece
from hooks.rules.kinds import Kind, describe, plainly
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
class Problem:
    """Something wrong with a part of an expression, whose place counts from 0 within its text."""

    start: int
    length: int
    message: str
    hint: str = ""
    severity: Severity = "error"


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
            known = self._checked[text] = Checked(shape, tuple(dict.fromkeys(checker.problems)))
        return known


class _Checker:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.problems: list[Problem] = []

    def say(self, start: int, end: int, message: str, hint: str = "", severity: Severity = "error") -> None:
        self.problems.append(Problem(start, max(1, end - start), message, hint, severity))

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
                self.must_be(operand, inner, Kind.NUMBER, "cannot calculate with")
                return shape_of_kind((inner.kinds & (Kind.NUMBER | Kind.NULL)) or Kind.NUMBER)
            case Binary():
                return self.binary(node, item)
            case Matches(left=left):
                self.must_be(left, self.infer(left, item), Kind.TEXT, "matches looks at text, not")
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
            self.say(node.start, node.end, "'error' is known in fallback: only", "it tells why the steps above failed")
        return self.scope.roots.get(name, OPEN)

    def path(self, node: PathNode, item: Shape | None) -> Shape:
        target = node.target
        if isinstance(target, Root) and target.name == "steps":
            self.step(node)
            self.answer(node)
            return OPEN
        shape = self.infer(target, item)
        shown = target.name if isinstance(target, Root) else ""
        for key, (start, end) in zip(node.keys, node.places, strict=True):
            if shape.is_open:
                return OPEN
            if isinstance(key, int):
                if not shape.kinds & Kind.LIST:
                    found = f"'{shown or 'this'}' is {describe(shape.kinds & ~Kind.NULL)}, not a list"
                    self.say(start, end, found, f"leave [{key}] out: it takes one item of a list")
                    return OPEN
                shape = union([shape.item(), shape_of_kind(Kind.NULL)])
                shown += f"[{key}]"
                continue
            if not shape.kinds & Kind.OBJECT:
                self.no_fields(shape, shown, key, start, end)
                return OPEN
            below = shape.field(key)
            full = f"{shown}.{key}"
            if below is None:
                self.say(start, end, f"unknown field '{full.removeprefix('.')}'", self.field_hint(shape, key))
                return OPEN
            if shape.is_partial(key):
                self.say(
                    start,
                    end,
                    f"'{full.removeprefix('.')}' is not in every event that this rule takes",
                    "where it is missing it is null",
                    "warning",
                )
            shape, shown = union([below, shape_of_kind(Kind.NULL)]), full
        return shape

    def field_hint(self, shape: Shape, key: str) -> str:
        near = did_you_mean(key, shape.fields)
        if near:
            return near
        for name in shape.fields:
            below = shape.field(name)
            if below is not None and not below.is_open and key in below.fields:
                return f"did you mean '{name}.{key}'?"
        names = sorted(shape.fields)
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        return f"known fields: {shown}; the vendor's own fields are under raw" if names else "it has no fields"

    def no_fields(self, shape: Shape, shown: str, key: str, start: int, end: int) -> None:
        kinds = shape.kinds & ~Kind.NULL
        hint = f"leave .{key} out: only objects have fields"
        if kinds & Kind.LIST:
            hint = size_hint(key, shown) or f"for one item write {shown}[0].{key}, for all map({shown}, .{key})"
            if key.isdigit():
                hint = f"write {shown}[{key}]"
        self.say(start, end, f"'{shown or 'this'}' is {describe(kinds)} and has no field '{key}'", hint)

    def step(self, node: PathNode) -> None:
        name, (start, end) = node.keys[0], node.places[0]
        if name in self.scope.steps:
            return
        if name in self.scope.later_steps:
            self.say(start, end, f"the step '{name}' runs later", "a step can use the answers of earlier steps only")
        else:
            hint = did_you_mean(str(name), self.scope.steps)
            if not hint:
                known = ", ".join(self.scope.steps)
                hint = f"earlier steps: {known}" if known else "there is no earlier step with an id"
            self.say(start, end, f"unknown step '{name}'", hint)

    def answer(self, node: PathNode) -> None:
        """A field of a step's answer that no document names is a warning: vendors answer more than they write down."""
        name = str(node.keys[0])
        shape = self.scope.answers.get(name, OPEN)
        for key, (start, end) in zip(node.keys[1:], node.places[1:], strict=True):
            if shape.is_open:
                return
            if isinstance(key, int):
                shape = shape.item() if shape.kinds & Kind.LIST else OPEN
                continue
            if not shape.kinds & Kind.OBJECT:
                listed = f"write steps.{name}[0].{key} for the first one"
                hint = listed if shape.kinds & Kind.LIST else f"leave .{key} out: only objects have fields"
                found = describe(shape.kinds & ~Kind.NULL)
                text = f"the answer of step '{name}' is {found} here, without a field '{key}'"
                self.say(start, end, text, hint, "warning")
                return
            below = shape.field(key)
            if below is None:
                names = sorted(shape.fields)
                known = "documented: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
                text = f"the answer of step '{name}' has no documented field '{key}'"
                self.say(start, end, text, did_you_mean(key, shape.fields) or known, "warning")
                return
            shape = below

    def binary(self, node: Binary, item: Shape | None) -> Shape:
        left, right = self.infer(node.left, item), self.infer(node.right, item)
        op = node.op
        one, two = left.kinds & ~Kind.NULL, right.kinds & ~Kind.NULL
        if op in ("and", "or"):
            self.alone(node)
            return _BOOL
        if op == "??":
            if not left.kinds & Kind.NULL:
                return left
            return union([left, right])
        self.convention(node, left, right)
        if op in ("==", "!="):
            if one and two and not left.is_open and not right.is_open and not _comparable(one, two):
                sign = "never" if op == "==" else "always"
                self.say(
                    node.start,
                    node.end,
                    f"{plainly(one)} {sign} {op} {plainly(two)}",
                    _equality_hint(one, two),
                    "warning",
                )
            elif op == "==":
                self.enumeration(left, node.right)
            return _BOOL
        if op in ("<", "<=", ">", ">="):
            both_numbers = one & Kind.NUMBER and two & Kind.NUMBER
            if one and two and not both_numbers and not (one & Kind.TEXT and two & Kind.TEXT):
                self.say(
                    node.start,
                    node.end,
                    f"cannot compare {plainly(one)} with {plainly(two)}",
                    _compare_hint(one, two),
                )
            return _BOOL
        if op in ("in", "contains"):
            place, container = (node.right, two) if op == "in" else (node.left, one)
            self.must_be(
                place, shape_of_kind(container), Kind.LIST | Kind.TEXT | Kind.OBJECT, "nothing is contained in"
            )
            self.contained(node, *((right, left) if op == "in" else (left, right)))
            return _BOOL
        if op in ("startswith", "endswith"):
            self.must_be(node.left, left, Kind.TEXT, f"{op} compares texts, not")
            self.must_be(node.right, right, Kind.TEXT, f"{op} compares texts, not")
            return _BOOL
        return self.arithmetic(node, left, right)

    def alone(self, node: Binary) -> None:
        """``data.status == 'a' or 'b'``: a constant that holds by itself, where a comparison was meant."""
        left, right = node.left, node.right
        if not isinstance(right, (Constant, ListOf)) or (isinstance(right, Constant) and type(right.value) is bool):
            return
        hint = f"`{node.op}` gives true or false; for another value where this one is missing write ??"
        if isinstance(left, Binary) and left.op in ("==", "!="):
            hint = "compare with each of them: data.x in ['a', 'b']"
        self.say(
            right.start,
            right.end,
            f"this alone is a condition after '{node.op}', the same for all events",
            hint,
            "warning",
        )

    def convention(self, node: Binary, left: Shape, right: Shape) -> None:
        """A constant that is not written as our own fields are."""
        for ours, shape, given in ((node.left, left, node.right), (node.right, right, node.left)):
            if not shape.is_open and (found := unlike(ours, node.op, given)) is not None:
                place, message, hint = found
                self.say(place.start, place.end, message, hint, "warning")

    def contained(self, node: Binary, container: Shape, wanted: Shape) -> None:
        """What a list or text can never hold: most often a list, where one of several was meant."""
        if container.is_open or wanted.is_open:
            return
        known, asked = container.kinds & ~Kind.NULL, wanted.kinds & ~Kind.NULL
        if known == Kind.LIST:
            items = container.item()
            held = items.kinds & ~Kind.NULL
            if items.is_open or not held or not asked or _comparable(held, asked):
                return
            what = f"a list of {plainly(held)}"
        elif known == Kind.TEXT and asked and not asked & Kind.TEXT:
            what = "text"
        else:
            return
        hint = ""
        if asked == Kind.LIST:
            of_list = known == Kind.LIST
            hint = (
                "for one of several: any(data.x, . in ['a', 'b'])" if of_list else "any(['a', 'b'], data.x contains .)"
            )
        elif (asked | container.item().kinds) & Kind.NUMBER:
            hint = "text is never equal to a number"
        self.say(node.start, node.end, f"{what} never contains {plainly(asked)}", hint, "warning")

    def enumeration(self, left: Shape, right: Node) -> None:
        """``data.status == 'Completed'`` when the model lists what a status can be."""
        allowed = left.allowed
        if allowed and isinstance(right, Constant) and right.value is not None and right.value not in allowed:
            words = [str(value) for value in allowed]
            hint = did_you_mean(str(right.value), words) or f"one of: {', '.join(words)}"
            self.say(right.start, right.end, "this value never occurs here", hint, "warning")

    def arithmetic(self, node: Binary, left: Shape, right: Shape) -> Shape:
        one, two = left.kinds & ~Kind.NULL, right.kinds & ~Kind.NULL
        null = (left.kinds | right.kinds) & Kind.NULL
        if node.op == "+":
            fits = [kind for kind in (Kind.NUMBER, Kind.TEXT, Kind.LIST) if one & kind and two & kind]
            if one and two and not fits:
                hint = "write text(...) to put numbers into text" if (one | two) & Kind.TEXT else _ADDED
                self.say(node.start, node.end, f"cannot add {plainly(one)} and {plainly(two)}", hint)
            made = functools.reduce(lambda a, b: a | b, fits, Kind.NONE)
        else:
            self.must_be(node.left, left, Kind.NUMBER, "cannot calculate with")
            self.must_be(node.right, right, Kind.NUMBER, "cannot calculate with")
            made = Kind.NUMBER
        if made == Kind.NUMBER:
            if node.op == "/":
                made = Kind.FRACTION
            elif one == Kind.INTEGER and two == Kind.INTEGER:
                made = Kind.INTEGER
        return shape_of_kind((made | null) if made else Kind.ANY)

    def must_be(self, node: Node, shape: Shape, kinds: Kind, sentence: str) -> None:
        known = shape.kinds & ~Kind.NULL
        if known and not known & kinds:
            hint = f"{describe(kinds)} belongs here"
            if kinds == Kind.NUMBER and known & Kind.TEXT:
                hint = "number(...) reads a number from text"
            elif kinds == Kind.TEXT and known & Kind.NUMBER:
                hint = "text(...) makes text of a number"
            self.say(node.start, node.end, f"{sentence} {plainly(known)}", hint)

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
            self.must_be(argument, shape, parameter.kinds, f"{function.name}() needs {describe(parameter.kinds)}, got")
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
                self.say(given.start, given.end, told, f"write {' '.join(PIECES)}", "warning")
            return
        if isinstance(given, Constant) and isinstance(given.value, str):
            try:
                node.function.run(Budget(), [example, given.value])
            except Fault as fault:
                message, _, hint = fault.message.partition("; ")
                self.say(given.start, given.end, message, hint or f"for example {node.function.example}")


_ADDED = "numbers are added to numbers, texts to texts, lists to lists"

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


def _comparable(one: Kind, two: Kind) -> bool:
    return bool(one & two) or bool(one & Kind.NUMBER and two & Kind.NUMBER)


def _equality_hint(one: Kind, two: Kind) -> str:
    if two & Kind.LIST:
        return "for one of several write in: data.x in ['a', 'b']"
    if one & Kind.LIST:
        return "contains asks whether a list holds a value"
    return "text is never equal to a number" if (one | two) & Kind.NUMBER and (one | two) & Kind.TEXT else ""


def _compare_hint(one: Kind, two: Kind) -> str:
    if (one | two) & Kind.TEXT and (one | two) & Kind.NUMBER:
        return "write the number without quotes, or number(...) to read one from text"
    return "numbers are compared with numbers, texts with texts"
