"""The shape of a function of the rule language: its parameters, what it gives, and how it is called.

A function whose plain argument is null gives null without being called, unless the argument is declared to take null.
Lazy parameters (``condition``, ``value`` of the list functions) are evaluated once per item, where ``.`` is the item.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hooks.rules.faults import Fault
from hooks.rules.kinds import Kind, describe, describe_value, kind_of
from hooks.rules.operators import Budget, number_result


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a function. ``many``: this and any number like it may follow. ``lazy``: evaluated per item."""

    name: str
    kinds: Kind
    optional: bool = False
    many: bool = False
    lazy: bool = False

    @property
    def takes_null(self) -> bool:
        return bool(self.kinds & Kind.NULL)


@dataclass(frozen=True, slots=True)
class Function:
    """One row of the table. ``returns`` leaves null out: almost every function can give it."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Kind
    summary: str
    example: str
    call: Callable[..., Any]
    of_item: bool = False
    """Whether the result is of the kind of the list's items (``find``) or a list of them (``filter``)."""

    @property
    def signature(self) -> str:
        """``join(separator, value, ...)``."""
        shown = ""
        for number, parameter in enumerate(self.parameters):
            name = parameter.name + (", ..." if parameter.many else "")
            comma = ", " if number else ""
            shown += f"[{comma}{name}]" if parameter.optional else f"{comma}{name}"
        return f"{self.name}({shown})"

    @property
    def least(self) -> int:
        return sum(not parameter.optional for parameter in self.parameters)

    @property
    def most(self) -> int | None:
        many = any(parameter.many for parameter in self.parameters)
        return None if many else len(self.parameters)

    def parameter(self, position: int) -> Parameter:
        """The parameter that an argument at this position belongs to."""
        return self.parameters[min(position, len(self.parameters) - 1)]

    def is_lazy(self, position: int) -> bool:
        return bool(self.parameters) and self.parameter(position).lazy

    def arity_problem(self, count: int) -> str:
        """A sentence when that many arguments cannot be, else ""."""
        if count >= self.least and (self.most is None or count <= self.most):
            return ""
        if self.most is None:
            wanted = f"at least {self.least}"
        elif self.least == self.most:
            wanted = str(self.least)
        else:
            wanted = f"{self.least} to {self.most}"
        noun = "value" if wanted in ("1", "at least 1") else "values"
        return f"{self.name}() takes {wanted} {noun}, got {count}"

    def run(self, budget: Budget, arguments: list[Any]) -> Any:
        """Check the arguments and call. A lazy argument is a function of an item. Raises Fault."""
        for position, argument in enumerate(arguments):
            parameter = self.parameter(position)
            if parameter.lazy:
                continue
            if argument is None:
                if not parameter.takes_null:
                    return None
                continue
            kind = kind_of(argument)
            if not kind & parameter.kinds:
                raise Fault(f"{self.name}() needs {describe(parameter.kinds)}, got {describe_value(argument)}")
            if kind is Kind.TEXT and parameter.kinds & Kind.ANY != Kind.ANY:
                if len(argument) > 65536:
                    raise Fault(f"{self.name}() takes text of at most 64 KiB")
                budget.charge(1 + (len(argument) >> 6))
            elif kind is Kind.FRACTION:
                number_result(argument)
            elif kind is Kind.LIST:
                budget.charge(1 + len(argument))
        return self.call(budget, *arguments)
