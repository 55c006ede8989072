"""What the signs of an expression do with values at run time, and the budget that bounds all work.

Nothing here ever changes a value it is given. Whatever makes or reads a lot charges the budget, so that an evaluation
ends within `MAX_STEPS` however large the event is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hooks.rules.faults import Fault
from hooks.rules.kinds import describe_value

MAX_STEPS = 100_000
MAX_TEXT = 64 * 1024
MAX_MAGNITUDE = 2**63


class Budget:
    """The work one evaluation may do, in items looked at or about 64 characters made."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def charge(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise Fault(f"this takes more than {MAX_STEPS:,} steps")

    def text(self, made: str) -> str:
        """The text, charged for, if it is not too long."""
        if len(made) > MAX_TEXT:
            raise Fault("the text would be longer than 64 KiB")
        self.charge(1 + (len(made) >> 6))
        return made


def same(left: Any, right: Any, budget: Budget) -> bool:
    """Equality of JSON values: true is not 1, 1 is 1.0, text is never a number."""
    kind, other = type(left), type(right)
    if kind is other:
        if kind is list:
            if len(left) != len(right):
                return False
            budget.charge(1 + len(left))
            return all(same(one, two, budget) for one, two in zip(left, right, strict=True))
        if kind is dict:
            budget.charge(1)
            if left.keys() != right.keys():
                return False
            budget.charge(len(left))
            return all(same(value, right[key], budget) for key, value in left.items())
        if kind is str and len(left) > 1024:
            budget.charge(len(left) >> 10)
        return bool(left == right)
    if (kind is int and other is float) or (kind is float and other is int):
        return bool(left == right)
    return False


def order(test: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    """An ordering of two numbers or two texts; with null it is false."""
    kind, other = type(left), type(right)
    if (kind is int or kind is float) and (other is int or other is float):
        return test(left, right)
    if kind is str and other is str:
        return test(left, right)
    if left is None or right is None:
        return False
    raise Fault(f"cannot compare {describe_value(left)} with {describe_value(right)}")


def contains(container: Any, wanted: Any, budget: Budget) -> bool:
    """Whether a list holds an equal item, an object the key, a text the text; with null it is false."""
    kind = type(container)
    if container is None or wanted is None:
        return False
    if kind is list:
        budget.charge(1 + (len(container) >> 2))
        return any(same(item, wanted, budget) for item in container)
    if kind is str:
        if type(wanted) is not str:
            raise Fault(f"text cannot contain {describe_value(wanted)}")
        if len(container) > 64:
            budget.charge((len(container) >> 8) + (len(wanted) >> 8))
        return wanted in container
    if kind is dict:
        return type(wanted) is str and wanted in container
    raise Fault(f"{describe_value(container)} cannot contain anything")


def starts_with(value: Any, part: Any) -> bool:
    if value is None or part is None:
        return False
    if type(value) is not str or type(part) is not str:
        raise Fault(f"startswith compares texts, not {describe_value(part if type(value) is str else value)}")
    return value.startswith(part)


def ends_with(value: Any, part: Any) -> bool:
    if value is None or part is None:
        return False
    if type(value) is not str or type(part) is not str:
        raise Fault(f"endswith compares texts, not {describe_value(part if type(value) is str else value)}")
    return value.endswith(part)


def add(left: Any, right: Any, budget: Budget) -> Any:
    """Numbers are added, texts and lists put together; with null it is null."""
    kind, other = type(left), type(right)
    if (kind is int or kind is float) and (other is int or other is float):
        return number_result(left + right)
    if left is None or right is None:
        return None
    if kind is str and other is str:
        if len(left) + len(right) > MAX_TEXT:
            raise Fault("the text would be longer than 64 KiB")
        return budget.text(left + right)
    if kind is list and other is list:
        budget.charge(len(left) + len(right))
        return left + right
    raise Fault(f"cannot add {describe_value(left)} and {describe_value(right)}")


def calculate(sign: str, left: Any, right: Any) -> Any:
    """``- * / %`` of two numbers; with null it is null. ``/`` gives a fraction."""
    if left is None or right is None:
        return None
    kind, other = type(left), type(right)
    if kind not in (int, float) or other not in (int, float):
        wrong = left if kind not in (int, float) else right
        raise Fault(f"cannot calculate with {describe_value(wrong)}")
    try:
        if sign == "-":
            return number_result(left - right)
        if sign == "*":
            return number_result(left * right)
        if right == 0:
            raise Fault("division by zero")
        return number_result(left / right if sign == "/" else left % right)
    except OverflowError:
        raise Fault("the number is too large") from None


def number_result(value: Any) -> Any:
    """A number that stays within what JSON readers agree on."""
    if type(value) is int:
        if -MAX_MAGNITUDE < value < MAX_MAGNITUDE:
            return value
    elif -1e300 < value < 1e300:
        return value
    raise Fault("the number is too large")


def negate(value: Any) -> Any:
    if value is None:
        return None
    if type(value) not in (int, float):
        raise Fault(f"cannot calculate with {describe_value(value)}")
    return number_result(-value)


def element(target: Any, key: Any) -> Any:
    """``target[key]`` with a computed key; null when there is no such thing."""
    if target is None or key is None:
        return None
    if type(key) is str:
        return target.get(key) if type(target) is dict else None
    if type(key) is int:
        return target[key] if type(target) is list and -len(target) <= key < len(target) else None
    raise Fault(f"an index is a whole number or text, not {describe_value(key)}")


def as_text(value: Any, budget: Budget) -> str:
    """A value as it stands inside a text: null is nothing, a whole number has no decimal point, a list is JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) is int:
        if not -(10**30) < value < 10**30:
            raise Fault("the number is too large")
        return str(value)
    if type(value) is float:
        return number_text(value)
    return as_json(value, budget)


def number_text(value: float) -> str:
    """A fraction without exponent and without a needless ``.0``."""
    if value != value or value in (float("inf"), float("-inf")):
        raise Fault("this is not a number")
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def as_json(value: Any, budget: Budget) -> str:
    """Compact JSON with sorted keys."""
    try:
        made = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        raise Fault("this value cannot be written as JSON") from None
    budget.charge(len(made) >> 4)
    return budget.text(made)
