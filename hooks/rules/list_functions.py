"""Functions of lists, and those that choose among values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hooks.rules.faults import Fault
from hooks.rules.kinds import Kind, describe_value
from hooks.rules.operators import Budget, as_json, number_result
from hooks.rules.signatures import Function, Parameter

Lazy = Callable[[Any], Any]


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _first(budget: Budget, *values: Any) -> Any:
    if len(values) == 1 and type(values[0]) is list:
        values = tuple(values[0])
    for value in values:
        if not _is_empty(value):
            return value
    return None


def _default(budget: Budget, value: Any, otherwise: Any) -> Any:
    return otherwise if _is_empty(value) else value


def _len(budget: Budget, value: Any) -> int:
    return len(value)


def _map(budget: Budget, items: list[Any], value: Lazy) -> list[Any]:
    made = []
    for item in items:
        budget.charge(1)
        made.append(value(item))
    return made


def _filter(budget: Budget, items: list[Any], condition: Lazy) -> list[Any]:
    made = []
    for item in items:
        budget.charge(1)
        if condition(item):
            made.append(item)
    return made


def _find(budget: Budget, items: list[Any], condition: Lazy) -> Any:
    for item in items:
        budget.charge(1)
        if condition(item):
            return item
    return None


def _any(budget: Budget, items: list[Any] | None, condition: Lazy = bool) -> bool:
    for item in items or ():
        budget.charge(1)
        if condition(item):
            return True
    return False


def _all(budget: Budget, items: list[Any] | None, condition: Lazy = bool) -> bool:
    if items is None:
        return False
    for item in items:
        budget.charge(1)
        if not condition(item):
            return False
    return True


def _numbers(budget: Budget, name: str, items: Any, value: Lazy | None) -> list[Any]:
    found = []
    for item in items:
        budget.charge(1)
        number = item if value is None else value(item)
        if number is None:
            continue
        if type(number) not in (int, float):
            raise Fault(f"{name}() needs numbers, got {describe_value(number)}")
        found.append(number)
    return found


def _sum(budget: Budget, items: list[Any], value: Lazy | None = None) -> Any:
    total: Any = 0
    for number in _numbers(budget, "sum", items, value):
        total = number_result(total + number)
    return total


def _extreme(name: str, choose: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def call(budget: Budget, *values: Any) -> Any:
        if len(values) == 1 and type(values[0]) is list:
            values = tuple(values[0])
        found = [value for value in values if value is not None]
        budget.charge(1 + len(found))
        kinds = {str if type(value) is str else float if type(value) in (int, float) else None for value in found}
        if not found:
            return None
        if len(kinds) > 1 or None in kinds:
            raise Fault(f"{name}() compares numbers, or texts, not both")
        return choose(found)

    return call


def _unique(budget: Budget, items: list[Any]) -> list[Any]:
    seen: set[tuple[Any, str]] = set()
    made = []
    for item in items:
        budget.charge(1)
        kind = float if type(item) is int else type(item)
        key = (kind, item if kind is str else as_json(float(item) if kind is float else item, budget))
        if key not in seen:
            seen.add(key)
            made.append(item)
    return made


def _sort(budget: Budget, items: list[Any]) -> list[Any]:
    kinds = {str if type(item) is str else float if type(item) in (int, float) else None for item in items}
    if len(kinds) > 1 or None in kinds:
        raise Fault("sort() takes a list of numbers, or of texts")
    budget.charge(len(items))
    return sorted(items)


def _reverse(budget: Budget, items: list[Any]) -> list[Any]:
    budget.charge(len(items))
    return items[::-1]


_LIST = Parameter("list", Kind.LIST)
_MAYBE_LIST = Parameter("list", Kind.LIST | Kind.NULL)
_CONDITION = Parameter("condition", Kind.ANY, lazy=True)
_OPTIONAL_CONDITION = Parameter("condition", Kind.ANY, optional=True, lazy=True)
_ORDERED = Kind.NUMBER | Kind.TEXT | Kind.NULL

LIST_FUNCTIONS = (
    Function(
        "first",
        (Parameter("value", Kind.ANY, many=True),),
        Kind.ANY,
        "The first value that is not null and not empty; given one list, its first such item.",
        "first(null, '', 'c')",
        _first,
    ),
    Function(
        "default",
        (Parameter("value", Kind.ANY), Parameter("otherwise", Kind.ANY)),
        Kind.ANY,
        "The value, or `otherwise` when it is null or empty. (`??` looks at null only.)",
        "default('', 'Web lead')",
        _default,
    ),
    Function(
        "len",
        (Parameter("value", Kind.TEXT | Kind.LIST | Kind.OBJECT),),
        Kind.INTEGER,
        "How many characters, items or keys.",
        "len([1, 2])",
        _len,
    ),
    Function(
        "map",
        (_LIST, Parameter("value", Kind.ANY, lazy=True)),
        Kind.LIST,
        "A list of the value for every item.",
        "map([{'name': 'Fan'}], .name)",
        _map,
    ),
    Function(
        "filter",
        (_LIST, _CONDITION),
        Kind.LIST,
        "The items for which the condition holds.",
        "filter([1, 5, 9], . > 4)",
        _filter,
        of_item=True,
    ),
    Function(
        "find",
        (_LIST, _CONDITION),
        Kind.ANY,
        "The first item for which the condition holds.",
        "find([{'type': 'home'}, {'type': 'billing'}], .type == 'billing').type",
        _find,
        of_item=True,
    ),
    Function(
        "any",
        (_MAYBE_LIST, _OPTIONAL_CONDITION),
        Kind.BOOL,
        "Whether the condition holds for at least one item; false for null.",
        "any([{'kind': 'labor'}], .kind == 'labor')",
        _any,
    ),
    Function(
        "all",
        (_MAYBE_LIST, _OPTIONAL_CONDITION),
        Kind.BOOL,
        "Whether the condition holds for every item; true for an empty list, false for null.",
        "all([2, 4], . > 1)",
        _all,
    ),
    Function(
        "sum",
        (_LIST, Parameter("value", Kind.ANY, optional=True, lazy=True)),
        Kind.NUMBER,
        "The numbers added up, nulls left out.",
        "sum([{'cents': 150}, {'cents': 50}], .cents)",
        _sum,
    ),
    Function(
        "min",
        (Parameter("value", _ORDERED | Kind.LIST, many=True),),
        Kind.NUMBER | Kind.TEXT,
        "The smallest of the values, or of one list; nulls left out.",
        "min(3, 2)",
        _extreme("min", min),
    ),
    Function(
        "max",
        (Parameter("value", _ORDERED | Kind.LIST, many=True),),
        Kind.NUMBER | Kind.TEXT,
        "The largest of the values, or of one list; nulls left out.",
        "max([3, 2, null])",
        _extreme("max", max),
    ),
    Function("unique", (_LIST,), Kind.LIST, "Every item once.", "unique(['a', 'b', 'a'])", _unique, of_item=True),
    Function("sort", (_LIST,), Kind.LIST, "Numbers or texts in rising order.", "sort([3, 1, 2])", _sort, of_item=True),
    Function("reverse", (_LIST,), Kind.LIST, "The list from its end.", "reverse([1, 2])", _reverse, of_item=True),
)
