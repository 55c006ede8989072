"""Templates: rules written once with parameters, and the rules that are made of them by ``use``.

A template is filled in before anything is checked, so that a rule made of one is checked like any other. What is found
is told where it was written, in the template or in the rule that uses it, with the other place in the hint.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hooks.rules.document import Path, Place
from hooks.rules.faults import ExpressionError
from hooks.rules.findings import choice, did_you_mean, meant_by
from hooks.rules.report import Report, SourceFile
from hooks.rules.template import expressions_of
from hooks.rules.tokens import tokenize

PARAMETER = "param"
"""What expressions of a template call its parameters: ``param.source``."""

_WHOLE = re.compile(r"\$\{\s*param\.([^\W\d]\w*)\s*\}")
_BARE = frozenset({"when", "if", "once_per", "by", "in_order_by", "first", "then"})
"""Keys whose texts are expressions without ``${ }``."""

_NOT_IN_ONE = {
    "id": "each rule that uses the template has its own",
    "use": "a template is not made of another one",
}


@dataclass(frozen=True, slots=True)
class Template:
    """One template: where it stands, its parameters with their defaults, and its rule."""

    name: str
    file: SourceFile
    path: Path
    defaults: Mapping[str, Any]
    required: frozenset[str]
    rule: dict[str, Any]

    @property
    def parameters(self) -> tuple[str, ...]:
        return (*sorted(self.required), *self.defaults)

    @property
    def line(self) -> int:
        return self.file.document.key(self.path).line


class Filled(SourceFile):
    """The file of a rule that uses a template, with the rule filled in; it knows where each value was written."""

    def __init__(self, own: SourceFile, number: int, template: Template) -> None:
        document = copy.copy(own.document)
        super().__init__(own.name, document)
        self._own = own
        self._number = number
        self._base: Path = ("rules", number)
        self._template = template
        self._kept: frozenset[str] = frozenset()
        self._from: dict[Path, tuple[SourceFile, Path]] = {}
        self._changed: set[Path] = set()

    def fill(self, raw: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """The rule: the template's keys with the parameters put in, under the rule's own keys."""
        template = self._template
        values = {**template.defaults, **given}

        def put(path: Path, text: str, name: str | None) -> None:
            if name is None:
                self._changed.add(path)
            elif name in given:
                self._from[path] = (self._own, (*self._base, "use", "with", name))
            else:
                self._from[path] = (template.file, (*template.path, "parameters", name, "default"))

        made = _filled(template.rule, values, (), put, lambda path, name: None)
        assert isinstance(made, dict)
        self._kept = frozenset(key for key in raw if key != "use")
        rule = {**made, **{key: value for key, value in raw.items() if key != "use"}}
        entries = list(self._own.document.data["rules"])
        entries[self._number] = rule
        self.document.data = {**self._own.document.data, "rules": entries}
        return rule

    def stands(self, path: Path) -> tuple[SourceFile, Path]:
        rest = path[2:]
        if path[:2] != self._base or not rest or rest[0] in self._kept:
            return self._own, path
        for end in range(len(rest), 0, -1):
            if rest[:end] in self._from:
                file, origin = self._from[rest[:end]]
                return file, origin + rest[end:]
        return self._template.file, (*self._template.path, "rule", *rest)

    def inside(self, path: Path, offset: int, length: int) -> Place:
        file, origin = self.stands(path)
        if path[2:] in self._changed:  # a parameter stands in it: what it points at is not as it was written
            return file.document.value(origin)
        return file.document.value(origin, offset, length)

    def line(self, path: Path) -> int:
        file, there = self.stands(path)
        return file.document.value(there).line if file.name == self.name else self._used_at.line

    def key_line(self, path: Path) -> int:
        file, there = self.stands(path)
        return file.document.key(there).line if file.name == self.name else self._used_at.line

    def text(self, path: Path, length: int) -> Place:
        file, _ = self.stands(path)
        return self.inside(path, 0, length) if file.name == self.name else self._used_at

    @property
    def _used_at(self) -> Place:
        return self._own.document.key((*self._base, "use"))

    def note(self, path: Path) -> str:
        file, origin = self.stands(path)
        rest = path[2:]
        template = self._template
        if origin[: len(template.path)] == template.path and file is template.file:
            return f"the template is used on line {self._used_at.line}" + (
                "" if file.name == self.name else f" of {self.name}"
            )
        if rest and rest[0] not in self._kept:
            place = template.file.document.value((*template.path, "rule", *rest))
            where = "" if template.file.name == self.name else f" of {template.file.name}"
            return f"the template puts it on line {place.line}{where}"
        return ""


class Templates:
    """All templates of a load."""

    def __init__(self, report: Report, keys: frozenset[str]) -> None:
        """``keys`` are those that a rule may have."""
        self._report = report
        self._keys = keys
        self._known: dict[str, Template | None] = {}

    def take(self, file: SourceFile, name: str, raw: Mapping[str, Any]) -> None:
        """Check one by itself, and keep it. Its form has been checked by the format's model."""
        path: Path = ("templates", name)
        parameters = raw.get("parameters")
        rule = raw.get("rule")
        if not isinstance(rule, dict) or not isinstance(parameters, (dict, type(None))):
            self._known[name] = None
            return
        defaults = {
            key: value["default"]
            for key, value in (parameters or {}).items()
            if isinstance(value, dict) and "default" in value
        }
        required = frozenset(parameters or {}) - defaults.keys()
        known = (*required, *defaults)
        sound = True
        for key in rule:
            place = (*path, "rule", key)
            if key in _NOT_IN_ONE or key not in self._keys:
                sound = False
            if key in _NOT_IN_ONE:
                self._report.at_key(file, place, f"'{key}' has no place in a template", _NOT_IN_ONE[key])
            elif key not in self._keys:
                hint = did_you_mean(key, self._keys) or "known keys: " + ", ".join(sorted(self._keys))
                self._report.at_key(file, place, f"unknown key '{key}'", hint)
        used: set[str] = set()

        def unknown(at: Path, parameter: str) -> None:
            nonlocal sound
            sound = False
            hint = did_you_mean(parameter, known) or choice("parameters", known)
            self._report.at(file, (*path, "rule", *at), f"unknown parameter '{parameter}'", hint)

        def note(at: Path, text: str, parameter: str | None) -> None:
            return

        _filled(rule, _Noting(known, used), (), note, unknown)
        for key in known:
            if key not in used:
                place = (*path, "parameters", key)
                self._report.at_key(file, place, f"the parameter '{key}' is used nowhere", "leave it out", "warning")
        self._known[name] = Template(name, file, path, defaults, required, rule) if sound else None

    def expand(self, file: SourceFile, number: int, raw: Any) -> tuple[SourceFile, Any] | None:
        """The rule of an entry of ``rules:`` and the file to check it by; None when it cannot be filled in."""
        if not isinstance(raw, dict) or raw.get("use") is None:
            return file, raw
        use = raw["use"]
        place: Path = ("rules", number, "use")
        form = use if isinstance(use, dict) else {"template": use}
        named, given = form.get("template"), form.get("with") or {}
        if not isinstance(named, str) or not isinstance(given, dict):
            self._report.at_key(file, place, "'use' names a template", "use: {template: name@1, with: {...}}")
            return None
        at = (*place, "template") if isinstance(use, dict) else place
        if isinstance(use, dict):
            for key in use.keys() - {"template", "with"}:
                hint = did_you_mean(key, ("template", "with")) or "known keys: template, with"
                self._report.at_key(file, (*place, key), f"unknown key '{key}'", hint)
        if named not in self._known:
            self._report.at(file, at, f"unknown template '{named}'", self._near(named))
            return None
        template = self._known[named]
        if template is None or not self._given(file, place, at, template, given):
            return None
        filled = Filled(file, number, template)
        return filled, filled.fill(raw, given)

    def _given(self, file: SourceFile, place: Path, at: Path, template: Template, given: Mapping[str, Any]) -> bool:
        """Whether all parameters are given, and no others."""
        meant: set[str] = set()
        for name in given:
            if name not in template.parameters:
                hint = did_you_mean(name, template.parameters) or choice("parameters", template.parameters)
                meant.add(meant_by(hint))
                self._report.at_key(file, (*place, "with", name), f"'{template.name}' has no parameter '{name}'", hint)
        missing = sorted(template.required - given.keys())
        for name in missing:
            if name in meant:
                continue  # it is there under a wrong name, which is told
            line = template.file.document.key((*template.path, "parameters", name)).line
            where = "" if template.file.name == file.name else f" of {template.file.name}"
            hint = f"the template takes it, see line {line}{where}"
            self._report.at(file, at, f"the parameter '{name}' is missing", hint)
        return not missing and given.keys() <= set(template.parameters)

    def _near(self, named: str) -> str:
        same = sorted(name for name in self._known if name.partition("@")[0] == named.partition("@")[0])
        if same:
            return "there is " + " and ".join(f"'{name}'" for name in same)
        return did_you_mean(named, self._known) or choice("templates", self._known)


class _Noting(Mapping[str, Any]):
    """Stand-ins for the values of parameters, which notes the ones that are asked for."""

    def __init__(self, known: tuple[str, ...], used: set[str]) -> None:
        self._known = known
        self._used = used

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            raise KeyError(name)
        self._used.add(name)
        return None

    def __iter__(self) -> Any:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


# --- putting parameters in ---

_Put = Callable[[Path, str, str | None], None]
_Unknown = Callable[[Path, str], None]


def _filled(value: Any, values: Mapping[str, Any], path: Path, put: _Put, unknown: _Unknown) -> Any:
    """The value with parameters put in. ``put`` hears where: the parameter that is a whole value, None for a part."""
    if isinstance(value, dict):
        return {key: _filled(below, values, (*path, key), put, unknown) for key, below in value.items()}
    if isinstance(value, list):
        return [_filled(below, values, (*path, number), put, unknown) for number, below in enumerate(value)]
    if not isinstance(value, str) or PARAMETER not in value:
        return value
    whole = _WHOLE.fullmatch(value.strip())
    if whole is not None:
        try:
            made = copy.deepcopy(values[whole[1]])
        except KeyError:
            unknown(path, whole[1])
            return None
        put(path, value, whole[1])
        return made
    try:
        spans = [(0, len(value))] if _is_bare(path) and "${" not in value else expressions_of(value)
        text = value
        for start, end in reversed(spans):
            text = text[:start] + _in_expression(text[start:end], values, path, unknown) + text[end:]
    except ExpressionError:
        return value  # told when the rule is checked
    if text != value:
        put(path, value, None)
    return text


def _is_bare(path: Path) -> bool:
    named = [part for part in path if isinstance(part, str)]
    return bool(named) and named[-1] in _BARE and not {"with", "tests"} & set(named)


def _in_expression(text: str, values: Mapping[str, Any], path: Path, unknown: _Unknown) -> str:
    """The expression with the values of parameters in place of their names. Raises ExpressionError."""
    tokens = tokenize(text)
    made = text
    for number in range(len(tokens) - 4, -1, -1):
        before = tokens[number - 1].text if number else ""
        name, dot, parameter = tokens[number : number + 3]
        if (
            name.kind != "name"
            or name.text != PARAMETER
            or before == "."
            or dot.text != "."
            or parameter.kind != "name"
        ):
            continue
        try:
            literal = _literal(values[parameter.text])
        except KeyError:
            unknown(path, parameter.text)
            literal = "null"
        made = made[: name.start] + literal + made[parameter.end :]
    return made


def _literal(value: Any) -> str:
    """A value as an expression writes it."""
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return str(value) if value >= 0 else f"({value})"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(key))}: {_literal(below)}" for key, below in value.items()) + "}"
    return _text(str(value))


def _text(text: str) -> str:
    inner = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{inner}'"
