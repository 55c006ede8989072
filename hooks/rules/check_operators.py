"""Operators of an expression: whether such values can be compared, searched and calculated with, and to what end."""

from __future__ import annotations

import functools
from typing import Final

from hooks.rules.conventions import unlike
from hooks.rules.findings import did_you_mean
from hooks.rules.kinds import Kind, plainly
from hooks.rules.nodes import Binary, Constant, ListOf, Node
from hooks.rules.problems import Problems
from hooks.rules.shape import Shape, shape_of_kind, union

_BOOL: Final = shape_of_kind(Kind.BOOL)
_ADDED: Final = "numbers are added to numbers, texts to texts, lists to lists"


def check_binary(problems: Problems, node: Binary, left: Shape, right: Shape) -> Shape:
    """The shape of what an operator gives for operands of these shapes."""
    op = node.op
    one, two = left.kinds & ~Kind.NULL, right.kinds & ~Kind.NULL
    if op in ("and", "or"):
        _alone(problems, node)
        return _BOOL
    if op == "??":
        if not left.kinds & Kind.NULL:
            return left
        return union([left, right])
    _convention(problems, node, left, right)
    if op in ("==", "!="):
        if one and two and not left.is_open and not right.is_open and not _comparable(one, two):
            sign = "never" if op == "==" else "always"
            problems.say(
                node.start,
                node.end,
                f"{plainly(one)} {sign} {op} {plainly(two)}",
                _equality_hint(one, two),
                "warning",
            )
        elif op == "==":
            _enumeration(problems, left, node.right)
        return _BOOL
    if op in ("<", "<=", ">", ">="):
        both_numbers = one & Kind.NUMBER and two & Kind.NUMBER
        if one and two and not both_numbers and not (one & Kind.TEXT and two & Kind.TEXT):
            problems.say(
                node.start,
                node.end,
                f"cannot compare {plainly(one)} with {plainly(two)}",
                _compare_hint(one, two),
            )
        return _BOOL
    if op in ("in", "contains"):
        place, container = (node.right, two) if op == "in" else (node.left, one)
        problems.must_be(
            place, shape_of_kind(container), Kind.LIST | Kind.TEXT | Kind.OBJECT, "nothing is contained in"
        )
        _contained(problems, node, *((right, left) if op == "in" else (left, right)))
        return _BOOL
    if op in ("startswith", "endswith"):
        problems.must_be(node.left, left, Kind.TEXT, f"{op} compares texts, not")
        problems.must_be(node.right, right, Kind.TEXT, f"{op} compares texts, not")
        return _BOOL
    return _arithmetic(problems, node, left, right)


def _alone(problems: Problems, node: Binary) -> None:
    """``data.status == 'a' or 'b'``: a constant that holds by itself, where a comparison was meant."""
    left, right = node.left, node.right
    if not isinstance(right, (Constant, ListOf)) or (isinstance(right, Constant) and type(right.value) is bool):
        return
    hint = f"`{node.op}` gives true or false; for another value where this one is missing write ??"
    if isinstance(left, Binary) and left.op in ("==", "!="):
        hint = "compare with each of them: data.x in ['a', 'b']"
    problems.say(
        right.start,
        right.end,
        f"this alone is a condition after '{node.op}', the same for all events",
        hint,
        "warning",
    )


def _convention(problems: Problems, node: Binary, left: Shape, right: Shape) -> None:
    """A constant that is not written as our own fields are."""
    for ours, shape, given in ((node.left, left, node.right), (node.right, right, node.left)):
        if not shape.is_open and (found := unlike(ours, node.op, given)) is not None:
            place, message, hint = found
            problems.say(place.start, place.end, message, hint, "warning")


def _contained(problems: Problems, node: Binary, container: Shape, wanted: Shape) -> None:
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
        hint = "for one of several: any(data.x, . in ['a', 'b'])" if of_list else "any(['a', 'b'], data.x contains .)"
    elif (asked | container.item().kinds) & Kind.NUMBER:
        hint = "text is never equal to a number"
    problems.say(node.start, node.end, f"{what} never contains {plainly(asked)}", hint, "warning")


def _enumeration(problems: Problems, left: Shape, right: Node) -> None:
    """``data.status == 'Completed'`` when the model lists what a status can be."""
    allowed = left.allowed
    if allowed and isinstance(right, Constant) and right.value is not None and right.value not in allowed:
        words = [str(value) for value in allowed]
        hint = did_you_mean(str(right.value), words) or f"one of: {', '.join(words)}"
        problems.say(right.start, right.end, "this value never occurs here", hint, "warning")


def _arithmetic(problems: Problems, node: Binary, left: Shape, right: Shape) -> Shape:
    one, two = left.kinds & ~Kind.NULL, right.kinds & ~Kind.NULL
    null = (left.kinds | right.kinds) & Kind.NULL
    if node.op == "+":
        fits = [kind for kind in (Kind.NUMBER, Kind.TEXT, Kind.LIST) if one & kind and two & kind]
        if one and two and not fits:
            hint = "write text(...) to put numbers into text" if (one | two) & Kind.TEXT else _ADDED
            problems.say(node.start, node.end, f"cannot add {plainly(one)} and {plainly(two)}", hint)
        made = functools.reduce(lambda a, b: a | b, fits, Kind.NONE)
    else:
        problems.must_be(node.left, left, Kind.NUMBER, "cannot calculate with")
        problems.must_be(node.right, right, Kind.NUMBER, "cannot calculate with")
        made = Kind.NUMBER
    if made == Kind.NUMBER:
        if node.op == "/":
            made = Kind.FRACTION
        elif one == Kind.INTEGER and two == Kind.INTEGER:
            made = Kind.INTEGER
    return shape_of_kind((made | null) if made else Kind.ANY)


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
