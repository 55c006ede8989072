"""Small harms done to a rule, each of which a test ought to notice. Pure.

A condition left out or turned round, a comparison pointed the other way, a constant nudged, a field of a request left
out. A harm that no test notices shows what no test looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hooks.rules.cases import PlacedCase
from hooks.rules.clauses import Clause
from hooks.rules.expression import Expression
from hooks.rules.nodes import (
    Binary,
    Call,
    Choice,
    Constant,
    Index,
    ListOf,
    Matches,
    Node,
    ObjectOf,
    PathNode,
    Unary,
    walk,
)
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.step import StepSpec
from hooks.rules.template import Hole
from hooks.rules.trial import EventsOf, try_case
from hooks.rules.with_tree import Fields, Filled, Items, Literal, Tree, line_of, show_field

_OTHER_WAY = {"==": "!=", "!=": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A harmed rule, and what was done to it where."""

    rule: Rule
    line: int
    change: str

    def as_json(self) -> dict[str, Any]:
        return {"rule": self.rule.id, "file": self.rule.file, "line": self.line, "change": self.change}


def survivors(rules: RuleSet, rule: Rule, tests: Sequence[PlacedCase], events_of: EventsOf) -> tuple[int, list[Mutant]]:
    """How many harms there are, and those that none of the tests notices. The tests are ones that pass."""
    made = list(mutants(rule))
    missed = [
        mutant
        for mutant in made
        if all(try_case(rules, mutant.rule, test, events_of).verdict == "passed" for test in tests)
    ]
    return len(made), missed


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Every harm to a rule, one at a time."""
    for number, clause in enumerate(rule.clauses):
        before, after = rule.clauses[:number], rule.clauses[number + 1 :]
        yield Mutant(replace(rule, clauses=(*before, *after)), clause.line, f"left out: {clause.text}")
        for harmed, change in _conditions(clause):
            yield Mutant(replace(rule, clauses=(*before, harmed, *after)), clause.line, change)
    if (once := rule.once_per) is not None:
        yield Mutant(replace(rule, once_per=None), once.line, f"left out: once_per {once.text}")
        for node, change in _expressions(once.expression):
            yield Mutant(replace(rule, once_per=_with_node(once, node)), once.line, f"once_per: {change}")
    for steps, line, change in _all_steps(rule.steps):
        yield Mutant(replace(rule, steps=steps), line, change)
    for steps, line, change in _all_steps(rule.otherwise):
        yield Mutant(replace(rule, otherwise=steps), line, change)
    for steps, line, change in _all_steps(rule.fallback):
        yield Mutant(replace(rule, fallback=steps), line, change)


def _all_steps(steps: tuple[StepSpec, ...]) -> Iterator[tuple[tuple[StepSpec, ...], int, str]]:
    """The steps with one of them harmed; the `else` of a step goes by the same condition as the step."""
    for number, step in enumerate(steps):
        for harmed, line, change in _steps(step):
            after = steps[number + 1 :]
            if step.condition is not None and harmed.condition is not step.condition:
                after = tuple(_instead(each, step.condition, harmed.condition) for each in after)
            yield (*steps[:number], harmed, *after), line, change


def _instead(step: StepSpec, old: Clause, new: Clause | None) -> StepSpec:
    """The step with another condition in place of one that it stands in for; None holds always."""
    there = _with_node(old, Constant(0, 0, True)) if new is None else new
    return replace(step, unless=tuple(there if clause is old else clause for clause in step.unless))


def _conditions(clause: Clause) -> Iterator[tuple[Clause, str]]:
    expression = clause.expression
    node = expression.node
    negated = node.operand if isinstance(node, Unary) and node.op == "not" else Unary(node.start, node.end, "not", node)
    yield _with_node(clause, negated), f"turned round: {clause.text}"
    alike = node if isinstance(node, Binary) and node.op in ("==", "!=") else None  # the other way round is `not`
    for changed, change in _expressions(expression, alike):
        yield _with_node(clause, changed), change


def _with_node(clause: Clause, node: Node) -> Clause:
    return replace(clause, expression=Expression(clause.text, node))


def _steps(step: StepSpec) -> Iterator[tuple[StepSpec, int, str]]:
    condition = step.condition
    if condition is not None:
        yield replace(step, condition=None), condition.line, f"left out: if {condition.text}"
        for harmed, change in _conditions(condition):
            yield replace(step, condition=harmed), condition.line, change
    for tree, path, change in _trees(step.inputs, ()):
        assert isinstance(tree, Fields), "a harmed map is a map"
        yield replace(step, inputs=tree), line_of(step.inputs, path) or step.line, change


# --- inputs ---

_Change = tuple[Any, tuple[str | int, ...], str]


def _trees(tree: Tree, path: tuple[str | int, ...]) -> Iterator[_Change]:
    """The tree with one thing changed, the path of that, and what it is."""
    if isinstance(tree, Literal):
        for value in _nudged(tree.value):
            yield Literal(value, tree.line), path, f"{show_field(path)}: {tree.value!r} made {value!r}"
    elif isinstance(tree, Filled):
        yield from _filled(tree, path)
    elif isinstance(tree, Items):
        for number, item in enumerate(tree.items):
            rest = (tree.items[:number], tree.items[number + 1 :])
            for changed, place, change in _trees(item, (*path, number)):
                yield Items((*rest[0], changed, *rest[1])), place, change
    else:
        for number, (key, below) in enumerate(tree.entries):
            before, after = tree.entries[:number], tree.entries[number + 1 :]
            here = (*path, key)
            yield replace(tree, entries=(*before, *after)), here, f"left out: {show_field(here)}"
            for changed, place, change in _trees(below, here):
                yield replace(tree, entries=(*before, (key, changed), *after)), place, change


def _filled(tree: Filled, path: tuple[str | int, ...]) -> Iterator[_Change]:
    parts = tree.template.parts
    for number, part in enumerate(parts):
        if not isinstance(part, Hole):
            continue
        for node, change in _expressions(part.expression):
            harmed = Hole(Expression(part.expression.text, node), part.offset)
            template = replace(tree.template, parts=(*parts[:number], harmed, *parts[number + 1 :]))
            yield replace(tree, template=template), path, f"{show_field(path)}: {change}"


# --- expressions ---


def _expressions(expression: Expression, passed_over: Node | None = None) -> Iterator[tuple[Node, str]]:
    """The expression's tree with one comparison or constant changed, and what it is."""
    for node in walk(expression.node):
        part = expression.text[node.start : node.end]
        if isinstance(node, Binary) and node.op in _OTHER_WAY and node is not passed_over:
            other = _OTHER_WAY[node.op]
            yield _swap(expression.node, node, replace(node, op=other)), f"{node.op} made {other} in {part}"
        elif isinstance(node, Constant):
            for value in _nudged(node.value):
                yield (
                    _swap(expression.node, node, replace(node, value=value)),
                    f"{part} made {value!r} in {expression.text}",
                )


def _nudged(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, value - 1]
    return [f"{value}~"] if isinstance(value, str) else []


def _swap(tree: Node, target: Node, other: Node) -> Node:
    """The tree with another node in place of one; the rest is shared."""
    if tree is target:
        return other

    def swapped(below: Node) -> Node:
        return _swap(below, target, other)

    rebuild: dict[type[Node], Callable[[Any], Node]] = {
        PathNode: lambda node: replace(node, target=swapped(node.target)),
        Index: lambda node: replace(node, target=swapped(node.target), index=swapped(node.index)),
        Unary: lambda node: replace(node, operand=swapped(node.operand)),
        Binary: lambda node: replace(node, left=swapped(node.left), right=swapped(node.right)),
        Matches: lambda node: replace(node, left=swapped(node.left)),
        Choice: lambda node: replace(
            node, condition=swapped(node.condition), yes=swapped(node.yes), no=swapped(node.no)
        ),
        ListOf: lambda node: replace(node, items=tuple(map(swapped, node.items))),
        ObjectOf: lambda node: replace(node, values=tuple(map(swapped, node.values))),
        Call: lambda node: replace(node, arguments=tuple(map(swapped, node.arguments))),
    }
    made = rebuild.get(type(tree))
    return tree if made is None else made(tree)
