"""The nearest miss of a condition that does not hold: what an author most likely overlooked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hooks.rules.expression import Expression, path_value
from hooks.rules.faults import EvaluationError
from hooks.rules.findings import did_you_mean, meant_by
from hooks.rules.nodes import Binary, Constant, Matches, Node, PathNode, Root, show_keys, walk
from hooks.rules.pattern import MAX_TEXT, Pattern, PatternError

_SKIPPED = frozenset({"steps", "secret"})


def hint_for(expression: Expression, names: Mapping[str, Any]) -> str:
    """A hint for people, "" when nothing is near. Never raises."""
    for node in walk(expression.node):
        if isinstance(node, Matches) and (hint := _in_other_case(node, names)):
            return hint
        if isinstance(node, Binary):
            hint = _compared(node, names)
            if hint:
                return hint
    for node in walk(expression.node):
        if isinstance(node, PathNode) and isinstance(node.target, Root) and node.target.name not in _SKIPPED:
            hint = _misspelt(node, names)
            if hint:
                return hint
    for path in expression.paths:
        if path_value(path, names) is None:
            return f"{path} is missing"
    return ""


def _evaluate(node: Node, names: Mapping[str, Any]) -> Any:
    try:
        return Expression("", node).evaluate(names)
    except EvaluationError:
        return None


def _show(node: Node) -> str:
    if isinstance(node, PathNode) and node.text is not None:
        return node.text
    return node.name if isinstance(node, Root) else "the value"


def _compared(node: Binary, names: Mapping[str, Any]) -> str:
    left, right = _evaluate(node.left, names), _evaluate(node.right, names)
    if node.op == "==" and left != right:
        if isinstance(node.left, Constant):
            return _nearly(node.right, right, left)
        return _nearly(node.left, left, right) or _nearly(node.right, right, left)
    if node.op in ("<", "<=", ">", ">="):
        for one, other, part, against in ((left, right, node.left, node.right), (right, left, node.right, node.left)):
            if isinstance(one, str) and _is_number(other):
                if isinstance(part, Constant):
                    return f"{_show(against)} is a number, not text"
                return f"{_show(part)} is text, not a number"
    if node.op in ("contains", "in") and not node.negated:
        part, container, wanted = (node.left, left, right) if node.op == "contains" else (node.right, right, left)
        return _nearly_contained(part, container, wanted)
    if node.op in ("startswith", "endswith") and isinstance(left, str) and isinstance(right, str):
        test = str.startswith if node.op == "startswith" else str.endswith
        if not test(left, right) and test(left.lower(), right.lower()):
            return f"{_show(node.left)} differs only in case"
    return ""


def _in_other_case(node: Matches, names: Mapping[str, Any]) -> str:
    """For a pattern that a text fits but for capital letters."""
    found = _evaluate(node.left, names)
    if not isinstance(found, str) or len(found) > MAX_TEXT or node.pattern.fold or node.pattern.search(found):
        return ""
    try:
        fits = Pattern(f"(?i){node.pattern.text}").search(found)
    except PatternError:
        return ""
    return f"{_show(node.left)} has it in another case: begin the pattern with (?i)" if fits else ""


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _nearly(node: Node, found: Any, wanted: Any) -> str:
    """Why a found value is not equal to the wanted one, when it nearly is."""
    if isinstance(found, str) and isinstance(wanted, str):
        if found.lower() == wanted.lower():
            return f"{_show(node)} differs only in case"
        if found.strip() == wanted.strip():
            return f"{_show(node)} differs only in blanks"
        plain = str.maketrans("_- ", "   ")
        if found.lower().translate(plain).split() == wanted.lower().translate(plain).split():
            return f"{_show(node)} differs only in case, blanks, '-' and '_'"
    if isinstance(found, str) and _is_number(wanted):
        return f"{_show(node)} is text, not a number"
    if _is_number(found) and isinstance(wanted, str) and isinstance(node, PathNode):
        return f"{_show(node)} is a number, not text"
    if isinstance(found, list) and wanted in found:
        return f"{_show(node)} is a list: write contains"
    return ""


def _nearly_contained(node: Node, container: Any, wanted: Any) -> str:
    if not isinstance(wanted, str):
        return ""
    if isinstance(container, str) and wanted not in container and wanted.lower() in container.lower():
        return f"{_show(node)} has it in another case"
    if isinstance(container, list) and wanted not in container:
        for item in container:
            if isinstance(item, str) and item.strip().lower() == wanted.strip().lower():
                return f"{_show(node)} has '{item}', which differs only in case or blanks"
    return ""


def _misspelt(node: PathNode, names: Mapping[str, Any]) -> str:
    """A field that is not there, when one of nearly the same name is."""
    assert isinstance(node.target, Root)
    value = names.get(node.target.name)
    shown = node.target.name
    for key in node.keys:
        if isinstance(value, dict) and key not in value:
            near = did_you_mean(str(key), [name for name in value if isinstance(name, str)])
            return f"there is no '{key}' in it; the nearest is '{meant_by(near)}'" if near else ""
        if isinstance(value, list) and isinstance(key, str):
            return f"{shown} is a list: write {shown}[0].{key} or any({shown}, .{key} ...)"
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
            value = value[key]
        else:
            return ""
        shown += show_keys((key,))
    return ""
