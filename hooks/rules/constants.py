"""Ids and other values that stand in a rules file itself: the same for every event, so they can be looked up before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hooks.rules.faults import EvaluationError
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.step import StepSpec
from hooks.rules.with_tree import Fields, Filled, Items, Literal, Tree


@dataclass(frozen=True, slots=True)
class Constant:
    """A value of a step's ``with``: the field that takes it (in a list, the list's), and the line it stands on."""

    rule: Rule
    step: StepSpec
    field: str
    value: Any
    line: int


def constants(rules: RuleSet) -> Iterator[Constant]:
    """Every one, of all rules and their steps; a value made of ``vars`` alone counts as standing in the file."""
    for rule in rules.rules:
        for step in rule.all_steps:
            for field, value, line in _leaves(step.inputs, "", {"vars": rules.vars}):
                yield Constant(rule, step, field, value, line)


def _leaves(tree: Tree, field: str, names: Mapping[str, Any]) -> Iterator[tuple[str, Any, int]]:
    if isinstance(tree, Fields):
        for key, below in tree.entries:
            yield from _leaves(below, key, names)
    elif isinstance(tree, Items):
        for below in tree.items:
            yield from _leaves(below, field, names)
    elif isinstance(tree, Literal):
        yield from _plain(tree.value, field, tree.line)
    elif isinstance(tree, Filled) and all(path.startswith("vars.") for path in tree.template.paths):
        try:
            yield from _plain(tree.template.evaluate(names), field, tree.line)
        except EvaluationError:
            return


def _plain(value: Any, field: str, line: int) -> Iterator[tuple[str, Any, int]]:
    """A value that was written as a whole may hold others."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _plain(below, str(key), line)
    elif isinstance(value, list):
        for below in value:
            yield from _plain(below, field, line)
    elif value is not None:
        yield field, value, line
