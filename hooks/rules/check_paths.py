"""Fields that an expression names: whether there are such, in an event and in the answers of earlier steps."""

from __future__ import annotations

from collections.abc import Sequence

from hooks.rules.elsewhere import size_hint
from hooks.rules.findings import did_you_mean
from hooks.rules.kinds import Kind, describe
from hooks.rules.nodes import PathNode, Root
from hooks.rules.problems import Problems
from hooks.rules.shape import OPEN, Shape, shape_of_kind, union


def follow(problems: Problems, node: PathNode, shape: Shape) -> Shape:
    """The shape of what stands at a path below something of this shape."""
    target = node.target
    shown = target.name if isinstance(target, Root) else ""
    for key, (start, end) in zip(node.keys, node.places, strict=True):
        if shape.is_open:
            return OPEN
        if isinstance(key, int):
            if not shape.kinds & Kind.LIST:
                found = f"'{shown or 'this'}' is {describe(shape.kinds & ~Kind.NULL)}, not a list"
                problems.say(start, end, found, f"leave [{key}] out: it takes one item of a list")
                return OPEN
            shape = union([shape.item(), shape_of_kind(Kind.NULL)])
            shown += f"[{key}]"
            continue
        if not shape.kinds & Kind.OBJECT:
            _no_fields(problems, shape, shown, key, start, end)
            return OPEN
        below = shape.field(key)
        full = f"{shown}.{key}"
        if below is None:
            problems.say(start, end, f"unknown field '{full.removeprefix('.')}'", _field_hint(shape, key))
            return OPEN
        if shape.is_partial(key):
            problems.say(
                start,
                end,
                f"'{full.removeprefix('.')}' is not in every event that this rule takes",
                "where it is missing it is null",
                "warning",
            )
        shape, shown = union([below, shape_of_kind(Kind.NULL)]), full
    return shape


def _field_hint(shape: Shape, key: str) -> str:
    near = did_you_mean(key, shape.fields)
    if near:
        return near
    for name in shape.fields:
        below = shape.field(name)
        if below is not None and not below.is_open and key in below.fields:
            return f"did you mean '{name}.{key}'?"
    names = sorted(shape.fields)
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known fields: {shown}; the vendor's own fields are under raw" if names else "it has no fields"


def _no_fields(problems: Problems, shape: Shape, shown: str, key: str, start: int, end: int) -> None:
    kinds = shape.kinds & ~Kind.NULL
    hint = f"leave .{key} out: only objects have fields"
    if kinds & Kind.LIST:
        hint = size_hint(key, shown) or f"for one item write {shown}[0].{key}, for all map({shown}, .{key})"
        if key.isdigit():
            hint = f"write {shown}[{key}]"
    problems.say(start, end, f"'{shown or 'this'}' is {describe(kinds)} and has no field '{key}'", hint)


def check_step(problems: Problems, node: PathNode, earlier: Sequence[str], later: Sequence[str]) -> None:
    """The step of ``steps.<id>``: one that has been done before."""
    name, (start, end) = node.keys[0], node.places[0]
    if name in earlier:
        return
    if name in later:
        problems.say(start, end, f"the step '{name}' runs later", "a step can use the answers of earlier steps only")
    else:
        hint = did_you_mean(str(name), earlier)
        if not hint:
            known = ", ".join(earlier)
            hint = f"earlier steps: {known}" if known else "there is no earlier step with an id"
        problems.say(start, end, f"unknown step '{name}'", hint)


def check_answer(problems: Problems, node: PathNode, shape: Shape) -> None:
    """A field of a step's answer that no document names is a warning: vendors answer more than they write down."""
    name = str(node.keys[0])
    for key, (start, end) in zip(node.keys[1:], node.places[1:], strict=True):
        if shape.is_open:
            return
        if isinstance(key, int):
            shape = shape.item() if shape.kinds & Kind.LIST else OPEN
            continue
        if not shape.kinds & Kind.OBJECT:
            listed = f"write steps.{name}[0].{key} for the first one"
            hint = listed if shape.kinds & Kind.LIST else f"leave .{key} out: only objects have fields"
            found = describe(shape.kinds & ~Kind.NULL)
            text = f"the answer of step '{name}' is {found} here, without a field '{key}'"
            problems.say(start, end, text, hint, "warning")
            return
        below = shape.field(key)
        if below is None:
            names = sorted(shape.fields)
            known = "documented: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            text = f"the answer of step '{name}' has no documented field '{key}'"
            problems.say(start, end, text, did_you_mean(key, shape.fields) or known, "warning")
            return
        shape = below
