"""What tests have seen of the rules: each rule matched, each condition true and false, each branch taken. Pure.

Branches are the two sides of ``x if c else y`` and of ``??``, also inside the list functions: there a side counts when
it was taken for one of the items that were looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hooks.rules.expression import Expression
from hooks.rules.faults import EvaluationError
from hooks.rules.nodes import Binary, Call, Choice, Node, children
from hooks.rules.rehearsal import Rehearsal
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.trial import Trial
from hooks.rules.with_tree import Fields, Filled, Items, Tree

Kind = Literal["rule", "clause", "branch"]

MAX_STEPS = 20_000
"""How many parts of an expression are looked at for one event: a long list is not gone through to its end."""

_UNTIL = {"any": True, "find": True, "all": False}
"""List functions that look at no further item once the condition has come to this."""

_SIDES = {True: "true", False: "false"}


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that tests can have seen, or not."""

    kind: Kind
    rule: str
    file: str
    line: int
    text: str
    side: str

    def as_json(self) -> dict[str, Any]:
        return {"rule": self.rule, "file": self.file, "line": self.line, "text": self.text, "missing": self.side}


class Coverage:
    """Counts as trials are shown to it."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._seen: dict[Point, bool] = {}
        self._parts: dict[int, tuple[Node, Expression]] = {}
        for rule in rules.rules:
            self._seen.update(dict.fromkeys(_points(rule), False))

    def watch(self, rule: Rule, trial: Trial) -> None:
        """Take in what a trial has seen, whether it passed or not."""
        for event, rehearsal in trial.seen:
            self._watch(rule, rehearsal, self._rules.names(event))

    def as_json(self) -> dict[str, Any]:
        """``{rules, clauses, branches}``, each ``{covered, total, missed: [...]}``."""
        kinds: tuple[tuple[str, Kind], ...] = (("rules", "rule"), ("clauses", "clause"), ("branches", "branch"))
        told = {}
        for name, kind in kinds:
            points = {point: seen for point, seen in self._seen.items() if point.kind == kind}
            missed = [point.as_json() for point, seen in points.items() if not seen]
            told[name] = {"covered": sum(points.values()), "total": len(points), "missed": missed}
        return told

    def _watch(self, rule: Rule, rehearsal: Rehearsal, names: Mapping[str, Any]) -> None:
        if rehearsal.matched:
            self._seen[_rule_point(rule)] = True
        if rehearsal.acts and rule.once_per is not None:
            self._branches(rule, rule.once_per.line, rule.once_per.expression, names)
        if rehearsal.otherwise:
            self._seen[_else_point(rule)] = True
        for judgement in rehearsal.verdicts:
            clause = judgement.clause
            self._seen[_point(rule, clause.line, clause.text, judgement.verdict == "true")] = True
            self._branches(rule, clause.line, clause.expression, names)
        for reached in rehearsal.reached:
            condition = reached.step.condition
            if condition is not None:
                self._branches(rule, condition.line, condition.expression, reached.names)
                if reached.applies is not None:
                    self._seen[_point(rule, condition.line, condition.text, reached.applies)] = True
        for made in rehearsal.made:
            for line, expression in _expressions(made.step.inputs):
                self._branches(rule, line, expression, made.names)

    def _branches(self, rule: Rule, line: int, expression: Expression, names: Mapping[str, Any]) -> None:
        """Mark the sides that this evaluation takes, from the outside in, as far as it gets."""
        waiting: list[tuple[Node, Any]] = [(expression.node, None)]
        steps = 0
        while waiting and steps < MAX_STEPS:
            steps += 1
            node, item = waiting.pop()

            def value(part: Node, item: Any = item) -> Any:
                return self._value(expression, part, names, item)

            try:
                if isinstance(node, Choice):
                    taken = bool(value(node.condition))
                    self._seen[_branch(rule, line, expression, node, taken)] = True
                    waiting += [(node.condition, item), (node.yes if taken else node.no, item)]
                elif isinstance(node, Binary) and node.op == "??":
                    taken = value(node.left) is not None
                    self._seen[_branch(rule, line, expression, node, taken)] = True
                    waiting += [(node.left, item)] if taken else [(node.left, item), (node.right, item)]
                elif isinstance(node, Binary) and node.op in ("and", "or"):
                    goes_on = bool(value(node.left)) is (node.op == "and")
                    waiting += [(node.left, item), (node.right, item)] if goes_on else [(node.left, item)]
                elif isinstance(node, Call) and any(map(node.function.is_lazy, range(len(node.arguments)))):
                    items, part = node.arguments[:2]
                    waiting.append((items, item))
                    found = value(items)
                    for each in found if isinstance(found, list) else []:
                        waiting.append((part, each))
                        if node.function.name in _UNTIL and bool(value(part, each)) is _UNTIL[node.function.name]:
                            break
                else:
                    waiting += [(below, item) for below in children(node)]
            except EvaluationError:
                continue

    def _value(self, expression: Expression, node: Node, names: Mapping[str, Any], item: Any) -> Any:
        known = self._parts.get(id(node))
        if known is None:
            known = self._parts[id(node)] = (node, Expression(expression.text, node))
        return known[1].evaluate(names, item)


def _points(rule: Rule) -> Iterator[Point]:
    yield _rule_point(rule)
    if rule.otherwise:
        yield _else_point(rule)
    conditions = [*rule.clauses, *(step.condition for step in rule.all_steps if step.condition is not None)]
    for clause in conditions:
        yield _point(rule, clause.line, clause.text, True)
        yield _point(rule, clause.line, clause.text, False)
    kept = conditions if rule.once_per is None else [*conditions, rule.once_per]
    expressions = [(clause.line, clause.expression) for clause in kept]
    for step in rule.all_steps:
        expressions += _expressions(step.inputs)
    for line, expression in expressions:
        waiting = [expression.node]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Choice) or (isinstance(node, Binary) and node.op == "??"):
                yield _branch(rule, line, expression, node, True)
                yield _branch(rule, line, expression, node, False)
            waiting += children(node)


def _rule_point(rule: Rule) -> Point:
    return Point("rule", rule.id, rule.file, rule.line, rule.id, "matched")


def _else_point(rule: Rule) -> Point:
    return Point("branch", rule.id, rule.file, rule.otherwise[0].line, "else", "its steps were carried out")


def _point(rule: Rule, line: int, text: str, side: bool) -> Point:
    return Point("clause", rule.id, rule.file, line, text, _SIDES[side])


def _branch(rule: Rule, line: int, expression: Expression, node: Node, side: bool) -> Point:
    if isinstance(node, Choice):
        shown = "the condition holds" if side else "the condition does not hold"
    else:
        shown = "the left side is there" if side else "the left side is missing"
    return Point("branch", rule.id, rule.file, line, expression.text[node.start : node.end], shown)


def _expressions(tree: Tree) -> list[tuple[int, Expression]]:
    """The expressions of a ``with:`` and their lines."""
    if isinstance(tree, Filled):
        return [(tree.line, hole.expression) for hole in tree.template.holes]
    found: list[tuple[int, Expression]] = []
    if isinstance(tree, Items):
        for each in tree.items:
            found += _expressions(each)
    elif isinstance(tree, Fields):
        for each in (*([tree.merge] if tree.merge is not None else []), *(below for _, below in tree.entries)):
            found += _expressions(each)
    return found
