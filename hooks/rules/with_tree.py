"""The ``with:`` of a step: its values compiled, rendered for an event, and traced back to where each came from.

An optional field that comes out null is left out of the request. A required one that comes out null or empty stops the
step before the call. ``$merge`` starts from an object, of which the fields that the action does not know are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hooks.rules.document import Path
from hooks.rules.expression import path_value
from hooks.rules.faults import EvaluationError
from hooks.rules.nodes import show_keys
from hooks.rules.shape import Shape
from hooks.rules.template import Template

MERGE = "$merge"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the file."""

    value: Any
    line: int


@dataclass(frozen=True, slots=True)
class Filled:
    """A value with ``${ }`` in it."""

    template: Template
    line: int
    is_url_path: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """A map. ``required`` are the fields the action cannot do without, ``known`` those it has (None: any)."""

    entries: tuple[tuple[str, Tree], ...]
    merge: Filled | None
    required: frozenset[str]
    known: frozenset[str] | None

    @property
    def is_dynamic(self) -> bool:
        return self.merge is not None or any(not isinstance(tree, Literal) for _, tree in self.entries)


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Tree, ...]


Tree = Literal | Filled | Fields | Items


def is_empty(value: Any) -> bool:
    return value is None or value == ""


def fields_of(shape: Shape) -> tuple[frozenset[str], frozenset[str] | None]:
    """What a map of this shape requires, and which fields it knows (None when it takes any)."""
    if shape.is_open or shape.field("\0") is not None:
        return shape.required, None
    return shape.required, frozenset(shape.fields)


def render_tree(tree: Tree, names: Mapping[str, Any], path: Path = ()) -> Any:
    """The values for these names. Raises EvaluationError with the field's name."""
    if isinstance(tree, Literal):
        return tree.value
    if isinstance(tree, Filled):
        return _evaluate(tree, names, path)
    if isinstance(tree, Items):
        made = []
        for number, item in enumerate(tree.items):
            value = render_tree(item, names, (*path, number))
            if value is not None or isinstance(item, Literal):
                made.append(value)
        return made
    return _render_fields(tree, names, path)


def _render_fields(tree: Fields, names: Mapping[str, Any], path: Path) -> Any:
    made: dict[str, Any] = {}
    if tree.merge is not None:
        start = _evaluate(tree.merge, names, path)
        if start is not None and type(start) is not dict:
            raise EvaluationError(f"{MERGE} needs an object", tree.merge.template.text)
        known = tree.known
        made = {
            key: value for key, value in (start or {}).items() if value is not None and (known is None or key in known)
        }
    emptied: list[str] = []
    for key, below in tree.entries:
        value = render_tree(below, names, (*path, key))
        if value is None and not isinstance(below, Literal):
            made.pop(key, None)
        elif value == "" and key in tree.required and not isinstance(below, Literal):
            made.pop(key, None)
            emptied.append(key)
        else:
            made[key] = value
    if not made and not emptied and path and tree.is_dynamic:
        return None
    for key, below in tree.entries:
        if key in tree.required and key not in made:
            raise _came_out_empty(below, names, (*path, key))
    return made


def _evaluate(filled: Filled, names: Mapping[str, Any], path: Path) -> Any:
    try:
        value = filled.template.evaluate(names)
    except EvaluationError as error:
        where = f" (in field '{show_field(path)}')" if path else ""
        raise EvaluationError(error.message + where, error.text, error.column, error.length) from None
    if filled.is_url_path:
        if filled.template.empties_segment(names):
            raise _came_out_empty(filled, names, path, "a part of")
        if (sent := filled.template.splits_segment(names)) is not None:
            why = f"field '{show_field(path)}': {sent} holds a '/', which would lead elsewhere"
            raise EvaluationError(why, filled.template.text)
    return value


def _came_out_empty(tree: Tree, names: Mapping[str, Any], path: Path, what: str = "required field") -> EvaluationError:
    missing: list[str] = []
    empty: list[str] = []
    for text in paths_of(tree):
        value = None if text.startswith("secret") else path_value(text, names)
        if value is None:
            missing.append(text)
        elif value == "":
            empty.append(text)
    why = [f"{' and '.join(texts[:4])} {'is' if len(texts) == 1 else 'are'} {word}"
           for texts, word in ((missing, "missing"), (empty, "empty")) if texts]  # fmt: skip
    reason = f" ({', '.join(why)})" if why else ""
    text = tree.template.text if isinstance(tree, Filled) else ""
    return EvaluationError(f"{what} '{show_field(path)}' came out empty{reason}", text)


def paths_of(tree: Tree) -> tuple[str, ...]:
    """All paths that the values below read."""
    if isinstance(tree, Literal):
        return ()
    if isinstance(tree, Filled):
        return tree.template.paths
    below = tree.items if isinstance(tree, Items) else tuple(each for _, each in tree.entries)
    found = [path for each in below for path in paths_of(each)]
    if isinstance(tree, Fields) and tree.merge is not None:
        found = [*tree.merge.template.paths, *found]
    return tuple(dict.fromkeys(found))


def show_field(path: Path) -> str:
    """A field for people: ``lineItems[0].name``."""
    return show_keys(path).removeprefix(".")


def line_of(tree: Tree, path: Path) -> int:
    """The line of the value at a path, or of the nearest one above it; 0 when there is none."""
    found = 0
    below: Tree | None = tree
    for key in path:
        if isinstance(below, Fields):
            merge = below.merge
            below = next((each for name, each in below.entries if name == key), merge)
        elif isinstance(below, Items) and isinstance(key, int):
            below = below.items[key] if key < len(below.items) else None
        if below is None:
            break
        found = _first_line(below) or found
    return found


def _first_line(tree: Tree) -> int:
    if isinstance(tree, (Literal, Filled)):
        return tree.line
    below = tree.items if isinstance(tree, Items) else tuple(each for _, each in tree.entries)
    return min((line for each in below if (line := _first_line(each))), default=0)


# --- origins ---


def origins_of(tree: Tree, rendered: Any, names: Mapping[str, Any]) -> dict[str, str]:
    """For every leaf of the rendered values, where it came from: paths of the event, or a line of the file."""
    found: dict[str, str] = {}
    _trace(tree, rendered, names, (), found)
    return found


def _trace(tree: Tree | None, value: Any, names: Mapping[str, Any], path: Path, found: dict[str, str]) -> None:
    if tree is None:
        _leaves(value, path, lambda below: "default", found)
    elif isinstance(tree, Literal):
        line = tree.line
        _leaves(value, path, lambda below: f"literal line {line}", found)
    elif isinstance(tree, Filled):
        _trace_filled(tree, value, names, path, found)
    elif isinstance(tree, Items):
        kept = [item for item in tree.items if isinstance(item, Literal) or render_tree(item, names, path) is not None]
        for number, each in enumerate(value if isinstance(value, list) else []):
            _trace(kept[number] if number < len(kept) else None, each, names, (*path, number), found)
    else:
        entries = dict(tree.entries)
        for key, each in (value if isinstance(value, dict) else {}).items():
            if key in entries:
                _trace(entries[key], each, names, (*path, key), found)
            elif tree.merge is not None:
                paths = tree.merge.template.paths
                _leaves(each, (*path, key), _below(paths[0] if paths else "an object", len(path)), found)
            else:
                _leaves(each, (*path, key), lambda below: "default", found)


def _trace_filled(tree: Filled, value: Any, names: Mapping[str, Any], path: Path, found: dict[str, str]) -> None:
    template = tree.template
    single = template.single
    if single is not None and single.is_path:
        _leaves(value, path, _below(single.paths[0], len(path)), found)
        return
    present = [text for text in template.paths if text.startswith("secret") or path_value(text, names) is not None]
    shown = ", ".join(present) if present else f"literal line {tree.line}"
    _leaves(value, path, lambda below: shown, found)


def _below(root: str, depth: int) -> Callable[[Path], str]:
    """The origin of a leaf of an object that came as a whole: the object's path, and the leaf's way from there."""
    return lambda path: root + show_keys(path[depth:])


def _leaves(value: Any, path: Path, origin: Callable[[Path], str], found: dict[str, str]) -> None:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            _leaves(below, (*path, key), origin, found)
    elif isinstance(value, list) and value:
        for number, below in enumerate(value):
            _leaves(below, (*path, number), origin, found)
    else:
        found[show_field(path)] = origin(path)
