"""Stand-ins for answers that do not exist yet: ``<steps.customer.customerId>`` where a later step reads one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from hooks.rules.expression import compile_expression
from hooks.rules.faults import EvaluationError
from hooks.rules.kinds import Kind
from hooks.rules.nodes import PathNode
from hooks.rules.shape import OPEN, Shape, shape_of
from hooks.rules.step import StepSpec
from hooks.rules.with_tree import paths_of

_FIRST_NUMBER = 987_654_000
_MOST_ITEMS = 50
_DEEPEST = 3


def is_placeholder(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("<steps.") and value.endswith(">")


def step_placeholders(steps: Iterable[StepSpec]) -> dict[str, Any]:
    """Answers by step id, holding a placeholder at every place that some step reads."""
    paths: dict[str, None] = {}
    shapes: dict[str, Shape] = {}
    for step in steps:
        shapes[step.id] = step.output
        read = [*paths_of(step.inputs), *(step.condition.expression.paths if step.condition else ())]
        paths.update(dict.fromkeys(path for path in read if path.startswith("steps.")))
    answers: dict[str, Any] = {}
    for path in sorted(paths):
        node = compile_expression(path).node
        if isinstance(node, PathNode):
            _put(answers, node.keys, _stands_for(_shape_at(shapes, node.keys), path, 0))
    return answers


def _shape_at(shapes: Mapping[str, Shape], keys: tuple[str | int, ...]) -> Shape:
    """What is documented of the answers at a path."""
    shape: Shape | None = shapes.get(str(keys[0]))
    for key in keys[1:]:
        if shape is None or shape.is_open:
            return OPEN
        shape = shape.item() if isinstance(key, int) else shape.field(key)
    return shape or OPEN


def _stands_for(shape: Shape, path: str, depth: int) -> Any:
    """A placeholder in the documented form: of a list one item, of an object its fields, else the path itself."""
    if shape.is_open or depth >= _DEEPEST:
        return f"<{path}>"
    if shape.kinds & Kind.LIST:
        return [_stands_for(shape.item(), f"{path}[0]", depth + 1)]
    if shape.kinds & Kind.OBJECT and shape.fields:
        return {key: _stands_for(shape.field(key) or OPEN, f"{path}.{key}", depth + 1) for key in shape.fields}
    return f"<{path}>"


def _put(container: Any, keys: tuple[str | int, ...], placeholder: Any) -> None:
    """Put a placeholder at the end of the keys, making maps and lists on the way; deeper ones replace it."""
    for position, key in enumerate(keys):
        last = position == len(keys) - 1
        below: Any = placeholder if last else ([] if isinstance(keys[position + 1], int) else {})
        if isinstance(container, dict):
            if not isinstance(container.get(key), (dict, list)):
                container[key] = below
            container = container[key]
        elif isinstance(container, list) and isinstance(key, int):
            index = key if key >= 0 else 0
            if index >= _MOST_ITEMS:
                return
            container.extend([None] * (index + 1 - len(container)))
            if not isinstance(container[index], (dict, list)):
                container[index] = below
            container = container[index]
        else:
            return


def stand_ins(values: dict[str, Any], model: type[BaseModel]) -> tuple[dict[str, Any], dict[Any, str]]:
    """The values with placeholders replaced by what the model takes there, and the way back by value."""
    back: dict[Any, str] = {}

    def replace(value: Any, shape: Shape | None) -> Any:
        if isinstance(value, dict):
            return {key: replace(below, shape.field(key) if shape else None) for key, below in value.items()}
        if isinstance(value, list):
            return [replace(below, shape.item() if shape else None) for below in value]
        if not is_placeholder(value) or shape is None or shape.is_open:
            return value
        number = _FIRST_NUMBER + len(back)
        stand_in: Any = value
        if shape.kinds & Kind.INTEGER:
            stand_in = number
        elif shape.kinds & Kind.FRACTION:
            stand_in = float(number)
        elif any(schema.get("format") == "date-time" for schema, _ in shape.alternatives):
            stand_in = f"1970-01-01T00:{len(back) // 60:02}:{len(back) % 60:02}Z"
        elif shape.kinds & Kind.BOOL:
            return True
        elif shape.kinds & Kind.LIST:
            return []
        if stand_in is not value:
            back[stand_in] = str(value)
        return stand_in

    made = replace(values, shape_of(model))
    assert isinstance(made, dict)
    return made, back


def placeheld(step: StepSpec, values: dict[str, Any]) -> dict[str, Any]:
    """The validated inputs, with placeholders where answers of earlier steps will stand. Raises EvaluationError."""
    try:
        return step.validate(values)
    except EvaluationError:
        trial, back = stand_ins(values, step.action.inputs)
        if not back:
            raise
        restored = _restore(step.validate(trial), back)
        assert isinstance(restored, dict)
        return restored


def _restore(value: Any, back: Mapping[Any, str]) -> Any:
    if isinstance(value, dict):
        return {key: _restore(below, back) for key, below in value.items()}
    if isinstance(value, list):
        return [_restore(below, back) for below in value]
    return back.get(value, value) if type(value) in (int, float, str) and not is_placeholder(value) else value
