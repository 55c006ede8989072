"""From a tree to something that runs: nested functions of (names, budget, item), made once per expression.

Only dictionary and list look-ups, the operators and the functions of the table are reachable; there is no attribute
access. A fault gets the place of the innermost part that raised it, at no cost when nothing goes wrong.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from hooks.rules import operators
from hooks.rules.faults import Fault
from hooks.rules.kinds import describe_value
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
from hooks.rules.pattern import MAX_TEXT as MAX_MATCHED
from hooks.rules.pattern import Pattern

Run = Callable[[Mapping[str, Any], Budget, Any], Any]

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def build(node: Node) -> Run:
    """The function that evaluates this tree."""
    match node:
        case Constant(value=value):
            return lambda names, budget, item: value
        case Root(name=name):
            return lambda names, budget, item: names.get(name)
        case Item():
            return lambda names, budget, item: item
        case PathNode():
            return _path(node)
        case Index():
            return _placed(node, _index(build(node.target), build(node.index)))
        case Unary(op=op):
            return _placed(node, _unary(op, build(node.operand)))
        case Binary(op=op):
            return _binary(node, op, build(node.left), build(node.right))
        case Matches():
            return _placed(node, _matches(build(node.left), node.pattern))
        case Choice():
            return _choice(build(node.condition), build(node.yes), build(node.no))
        case ListOf(items=items):
            return _placed(node, _list([build(item) for item in items]))
        case ObjectOf(keys=keys, values=values):
            return _placed(node, _object(keys, [build(value) for value in values]))
        case Call():
            return _placed(node, _call(node))
    raise AssertionError(type(node))


def _placed(node: Node, run: Run) -> Run:
    """The same, with the node's place put on a fault that has none."""
    span = (node.start, node.end)

    def placed(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
        try:
            return run(names, budget, item)
        except Fault as fault:
            if fault.span is None:
                fault.span = span
            raise

    return placed


def _path(node: PathNode) -> Run:
    keys = node.keys
    if isinstance(node.target, Root) and all(type(key) is str for key in keys):
        root = node.target.name

        def named(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
            value = names.get(root)
            for key in keys:
                if type(value) is not dict:
                    return None
                value = value.get(key)
            return value

        return named
    target = build(node.target)

    def path(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
        value = target(names, budget, item)
        for key in keys:
            if type(value) is dict:
                value = value.get(key)
            elif type(value) is list and type(key) is int:
                value = value[key] if -len(value) <= key < len(value) else None
            else:
                return None
        return value

    return path


def _index(target: Run, index: Run) -> Run:
    def run(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
        return operators.element(target(names, budget, item), index(names, budget, item))

    return run


def _unary(op: str, operand: Run) -> Run:
    if op == "not":
        return lambda names, budget, item: not operand(names, budget, item)
    return lambda names, budget, item: operators.negate(operand(names, budget, item))


def _binary(node: Binary, op: str, left: Run, right: Run) -> Run:
    if op == "and":
        return lambda names, budget, item: bool(left(names, budget, item)) and bool(right(names, budget, item))
    if op == "or":
        return lambda names, budget, item: bool(left(names, budget, item)) or bool(right(names, budget, item))
    if op == "??":

        def otherwise(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
            value = left(names, budget, item)
            return right(names, budget, item) if value is None else value

        return otherwise
    return _placed(node, _operation(node, op, left, right))


def _operation(node: Binary, op: str, left: Run, right: Run) -> Run:
    if op in _ORDERINGS:
        test = _ORDERINGS[op]
        order = operators.order
        return lambda names, budget, item: order(test, left(names, budget, item), right(names, budget, item))
    same, contains = operators.same, operators.contains
    table: dict[str, Run] = {
        "==": lambda names, budget, item: same(left(names, budget, item), right(names, budget, item), budget),
        "!=": lambda names, budget, item: not same(left(names, budget, item), right(names, budget, item), budget),
        "contains": lambda names, budget, item: contains(left(names, budget, item), right(names, budget, item), budget),
        "in": lambda names, budget, item: (
            contains(right(names, budget, item), left(names, budget, item), budget) is not node.negated
        ),
        "startswith": lambda names, budget, item: operators.starts_with(
            left(names, budget, item), right(names, budget, item)
        ),
        "endswith": lambda names, budget, item: operators.ends_with(
            left(names, budget, item), right(names, budget, item)
        ),
        "+": lambda names, budget, item: operators.add(left(names, budget, item), right(names, budget, item), budget),
    }
    calculate = operators.calculate
    return table.get(op) or (
        lambda names, budget, item: calculate(op, left(names, budget, item), right(names, budget, item))
    )


def _matches(left: Run, pattern: Pattern) -> Run:
    def run(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
        text = left(names, budget, item)
        if text is None:
            return False
        if type(text) is not str:
            raise Fault(f"matches looks at text, not {describe_value(text)}; write text(...)")
        if len(text) > MAX_MATCHED:
            raise Fault("matches looks at texts of at most 4,096 characters")
        budget.charge(1 + len(text))
        return pattern.search(text)

    return run


def _choice(condition: Run, yes: Run, no: Run) -> Run:
    def run(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
        return yes(names, budget, item) if condition(names, budget, item) else no(names, budget, item)

    return run


def _list(items: list[Run]) -> Run:
    def run(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
        budget.charge(len(items))
        return [each(names, budget, item) for each in items]

    return run


def _object(keys: tuple[str, ...], values: list[Run]) -> Run:
    def run(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
        budget.charge(len(keys))
        return {key: value(names, budget, item) for key, value in zip(keys, values, strict=True)}

    return run


def _call(node: Call) -> Run:
    function = node.function
    arguments = [(function.is_lazy(position), build(argument)) for position, argument in enumerate(node.arguments)]

    def run(names: Mapping[str, Any], budget: Budget, item: Any) -> Any:
        given = [
            (lambda each, argument=argument: argument(names, budget, each)) if lazy else argument(names, budget, item)
            for lazy, argument in arguments
        ]
        return function.run(budget, given)

    return run
