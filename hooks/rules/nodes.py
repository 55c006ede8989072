"""The tree of an expression: what the parser makes, and the checker and the evaluation read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hooks.rules.pattern import Pattern
from hooks.rules.signatures import Function


@dataclass(slots=True)
class Node:
    """A part of an expression; ``start`` and ``end`` are its place in the text."""

    start: int
    end: int


@dataclass(slots=True)
class Constant(Node):
    value: Any


@dataclass(slots=True)
class Root(Node):
    name: str


@dataclass(slots=True)
class Item(Node):
    """The current item inside a list function: what a leading ``.`` stands for."""


@dataclass(slots=True)
class PathNode(Node):
    """``target.a['b'][0]``: fixed keys, each with its place."""

    target: Node
    keys: tuple[str | int, ...]
    places: tuple[tuple[int, int], ...]

    @property
    def text(self) -> str | None:
        """``data.items[0].name`` when it starts at a name or at the item, else None."""
        if isinstance(self.target, Root):
            return self.target.name + show_keys(self.keys)
        return None


@dataclass(slots=True)
class Index(Node):
    target: Node
    index: Node


@dataclass(slots=True)
class Unary(Node):
    op: str
    operand: Node


@dataclass(slots=True)
class Binary(Node):
    """Comparisons, arithmetic, ``and``, ``or`` and ``??``. ``negated`` is the ``not`` of ``not in``."""

    op: str
    left: Node
    right: Node
    negated: bool = False


@dataclass(slots=True)
class Matches(Node):
    left: Node
    pattern: Pattern


@dataclass(slots=True)
class Choice(Node):
    condition: Node
    yes: Node
    no: Node


@dataclass(slots=True)
class ListOf(Node):
    items: tuple[Node, ...]


@dataclass(slots=True)
class ObjectOf(Node):
    keys: tuple[str, ...]
    values: tuple[Node, ...]


@dataclass(slots=True)
class Call(Node):
    function: Function
    arguments: tuple[Node, ...]
    name_end: int = field(default=0)


def show_keys(keys: tuple[str | int, ...]) -> str:
    """Keys as an author writes them: ``.a['b c'][0]``."""
    shown = []
    for key in keys:
        if isinstance(key, int):
            shown.append(f"[{key}]")
        elif re.fullmatch(r"[^\W\d]\w*", key):
            shown.append(f".{key}")
        else:
            shown.append(f"['{key}']")
    return "".join(shown)


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node, in the order they are written."""
    match node:
        case PathNode(target=target):
            return (target,)
        case Index(target=target, index=index):
            return (target, index)
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Matches(left=left):
            return (left,)
        case Choice(condition=condition, yes=yes, no=no):
            return (yes, condition, no)
        case ListOf(items=items):
            return items
        case ObjectOf(values=values):
            return values
        case Call(arguments=arguments):
            return arguments
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, without recursion."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))
