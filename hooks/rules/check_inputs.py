"""Checking a step's ``with:`` against its action's model: keys, types, formats, and the expressions inside.

Two passes. The first walks the file's values along the model's shape: unknown and missing keys, and values or
expressions of the wrong kind. The second lets the model itself look at everything that is literally written, for
formats, ranges and the words of an enumeration.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from hooks.rules.accounts import SecretLookup
from hooks.rules.check_expression import Scope
from hooks.rules.document import Path
from hooks.rules.faults import ExpressionError
from hooks.rules.findings import Severity, did_you_mean, meant_by
from hooks.rules.fitting import Misfit, misfit
from hooks.rules.invalid import Invalid, described, known_as, locate, written_as
from hooks.rules.kinds import Kind, describe, describe_value, kind_of, plainly, rewriting
from hooks.rules.model import STEP_KEYS
from hooks.rules.report import Report, SourceFile
from hooks.rules.shape import OPEN, Shape, shape_of, shape_of_kind
from hooks.rules.template import Hole, Template, compile_template, escaped_in, has_hole
from hooks.rules.with_tree import MERGE, Fields, Filled, Items, Literal, Tree, fields_of, show_field
from hooks.values import Contradiction

_PATH = r"(?:data|raw|steps|vars)\.[a-zA-Z_][\w.\[\]]*\w\]?"
_FOREIGN = (
    re.compile(rf"(?<!\{{)\{{\{{\s*({_PATH})\s*\}}\}}"),
    re.compile(rf"(?<![\w${{])\$({_PATH})"),
    re.compile(rf"(?<![${{])\{{\s*({_PATH})\s*\}}(?!\}})"),
    re.compile(r"=?\{\{\s*(?:\$json|\$node|\$\(|\d+__|\d+\.)[^{}]*\}\}()"),
)
"""How others write a value that is put in. The last: n8n, Zapier, Make."""
_BARE = re.compile(rf"({_PATH})")

_OF_HTTP: Final = {
    "url": "write path:, below the connection's base_url", "uri": "write path:, below the connection's base_url",
    "body": "write json:, form: or text:", "data": "write json:, form: or text:",
    "payload": "write json:, form: or text:", "params": "write query:",
}  # fmt: skip
"""What other systems call the inputs of ``http.request``."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a connection has for an input that the step leaves out, and what to do when it has nothing."""

    value: Any
    hint: str


class InputsCheck:
    """Builds the tree of one step's inputs and reports what is wrong with them."""

    def __init__(
        self,
        file: SourceFile,
        base: Path,
        scope: Scope,
        report: Report,
        lookup: SecretLookup,
        secret_headers: bool,
        at_connection: Mapping[str, Standing],
    ) -> None:
        self.file = file
        self.base = base
        self.scope = scope
        self.report = report
        self.lookup = lookup
        self.secret_headers = secret_headers
        self.shape = OPEN
        self.at_connection = at_connection
        self.secrets: dict[str, str] = {}
        self.wrong: set[Path] = set()
        self.dynamic: set[Path] = set()
        self.foreign: dict[Path, tuple[int, int, str]] = {}
        self.filled: dict[Path, str] = {}
        """Texts with expressions that are judged all the same: with something harmless in the place of each."""

    def build(self, values: Mapping[str, Any], model: type[BaseModel]) -> Fields:
        """The compiled inputs. What is wrong is in the report; then the tree must not be used."""
        self.shape = shape_of(model)
        tree = self._fields(dict(values), self.shape, self.base)
        self._literal_pass(dict(values), model)
        self._tell_foreign()
        return tree

    # --- first pass ---

    def _tree(self, value: Any, shape: Shape, path: Path) -> Tree:
        if isinstance(value, dict):
            if not self._fits(value, shape, path):
                shape = OPEN
            return self._fields(value, shape, path)
        if isinstance(value, list):
            below = shape.item() if self._fits(value, shape, path) else OPEN
            return Items(tuple(self._tree(item, below, (*path, number)) for number, item in enumerate(value)))
        line = self.file.line(path)
        if isinstance(value, str):
            self._foreign(value, path)
        if isinstance(value, str) and has_hole(value):
            return self._filled(value, shape, path, line)
        if value is not None:
            self._fits(value, shape, path)
        return Literal(value, line)

    def _fits(self, value: Any, shape: Shape, path: Path) -> bool:
        kind, known = kind_of(value), shape.kinds
        if shape.is_open or kind & known or (kind & Kind.NUMBER and Kind.FRACTION & known):
            return True
        if kind is Kind.OBJECT and not path:
            return True
        if path in self.foreign:
            self.wrong.add(path)
            return False
        wanted = describe(known & ~Kind.NULL)
        hint = rewriting(value, kind, known, described(self.shape, path[len(self.base) :]))
        self._wrong(path, f"{self._name(path)} needs {wanted}, this is {describe_value(value)}", hint)
        return False

    def _fields(self, values: dict[str, Any], shape: Shape, path: Path) -> Fields:
        required, known = fields_of(shape)
        entries: list[tuple[str, Tree]] = []
        meant: set[str] = set()
        merge: Filled | None = None
        for key, value in values.items():
            here = (*path, key)
            if key == MERGE:
                merge = self._merge(value, here)
                continue
            below = shape.field(key) if not shape.is_open else OPEN
            if below is None:
                hint = (_OF_HTTP.get(key, "") if "json" in shape.fields else "") or did_you_mean(key, shape.fields)
                meant.add(written_as(hint) or meant_by(hint))
                if not hint:
                    names = sorted(shape.fields)
                    shown = ", ".join(names[:15]) + (", ..." if len(names) > 15 else "")
                    hint = f"known keys: {shown}" if names else "it takes none"
                self.report.at_key(self.file, here, f"unknown key '{key}'", hint)
                self.wrong.add(here)
                below = OPEN
            elif has_hole(key):
                message, hint = "this key is sent as it stands, and no value is put in", "${ } stands in values only"
                self.report.at_key(self.file, here, message, hint, "warning")
            entries.append((key, self._tree(value, below, here)))
        if merge is None and not (path == self.base and self._is_elsewhere()):
            elsewhere = self.at_connection if path == self.base else {}
            for key in sorted((required | elsewhere.keys()) - values.keys() - meant):
                standing = elsewhere.get(key)
                if standing is None or standing.value is None:
                    hint = described(shape, (key,)) if standing is None else standing.hint
                    self.report.at_key(self.file, self._owner(path), f"'{key}' is missing", hint)
                elif key in required:
                    entries.append((key, Literal(standing.value, self.file.line(self._owner(path)))))
        return Fields(tuple(entries), merge, required, known)

    def _owner(self, path: Path) -> Path:
        """Where to point when a key is missing: the map, or the step when it has no ``with:`` at all."""
        if path == self.base and "with" not in (self._step() or {}):
            return (*path[:-1], "action")
        return path

    def _is_elsewhere(self) -> bool:
        """Whether the inputs are there, and no use: under a wrong name, or not as a map. That has been told."""
        step = self._step() or {}
        if "with" in step:
            return not isinstance(step["with"], dict)
        return any(
            known_as(key) == "with" or meant_by(did_you_mean(key, ("with", *STEP_KEYS))) == "with" for key in step
        )

    def _step(self) -> Any:
        data = self.file.document.data
        for part in self.base[:-1]:
            data = data[part]
        return data

    def _merge(self, value: Any, path: Path) -> Filled | None:
        line = self.file.line(path)
        self.dynamic.add(path[:-1])
        if not isinstance(value, str) or not has_hole(value):
            self._wrong(path, f"{MERGE} needs an object", "write an expression, such as ${raw}")
            return None
        tree = self._filled(value, OPEN, path, line)
        if isinstance(tree, Literal) or tree.template.single is None:
            self._wrong(path, f"{MERGE} needs an object, this is text", "write exactly one ${ }")
            return None
        return tree

    def _filled(self, text: str, shape: Shape, path: Path, line: int) -> Filled | Literal:
        below = path[len(self.base) :]
        secrets = self.secret_headers and len(below) == 2 and below[0] == "headers"
        try:
            template = compile_template(text, secrets=secrets)
        except ExpressionError as error:
            if path not in self.foreign:
                self.report.inside(self.file, path, error.column, error.length, error.message, error.hint)
            self.wrong.add(path)
            return Literal(None, line)
        self._escaped(text, path)
        self._left_over(text, template, path)
        literal = template.literal
        if literal is not None:
            return Literal(literal, line)
        in_path = shape.is_url_path and template.single is None
        if in_path:
            self.filled[path] = _path_of(template)
        else:
            self.dynamic.add(path)
        given = self._holes(template, path)
        known = Kind.NONE if given.is_open else given.kinds & ~Kind.NULL
        wanted = shape.kinds
        numbers = known & Kind.NUMBER and wanted & Kind.NUMBER
        if known and not shape.is_open and not known & wanted and not numbers and path not in self.wrong:
            self._wrong(
                path,
                f"{self._name(path)} needs {describe(wanted & ~Kind.NULL)}, this is {plainly(known)}",
                _conversion(known, wanted),
            )
        elif path not in self.wrong and (found := misfit(given, shape)) is not None:
            self._misfit(found, path)
        if secrets:
            self.secrets.update(self.lookup.fill(self.file, path, template) or {})
        return Filled(template, line, in_path)

    def _foreign(self, text: str, path: Path) -> None:
        """Find ``{{ data.id }}`` and its like, which is how others write it."""
        found = next(filter(None, (pattern.search(text) for pattern in _FOREIGN)), None)
        if found is None and _BARE.fullmatch(text) and self._is_known(text):
            found = _BARE.fullmatch(text)
        if found is not None:
            hint = f"write ${{{found[1]}}}" if found[1] else "values are put in with ${data.name}; see hooks explain"
            self.foreign[path] = (found.start(), found.end() - found.start(), hint)

    def _is_known(self, path: str) -> bool:
        """Whether a text is the path of something there: ``data.note``, and not the file ``data.csv``."""
        root, name = path.split(".")[:2]
        name = name.partition("[")[0]
        shape = self.scope.roots.get(root, OPEN)
        return name in self.scope.steps if root == "steps" else not shape.is_open and name in shape.fields

    def _tell_foreign(self) -> None:
        """An error where the field does not take such a text, else a warning."""
        for path, (start, length, hint) in self.foreign.items():
            message = "this is sent as it stands, and no value is put in"
            severity: Severity = "error" if path in self.wrong else "warning"
            self.report.inside(self.file, path, start, length, message, hint, severity)

    def _escaped(self, text: str, path: Path) -> None:
        """Warn where ``$${`` was probably meant as a dollar sign and a value."""
        for start, end in escaped_in(text):
            inner = text[start + 3 : end]
            hint = f"'$${{' stands for a literal '${{'; for an amount with its sign write ${{'$' + {inner}}}"
            self.foreign.setdefault(path, (start, end + 1 - start, hint))

    def _left_over(self, text: str, template: Template, path: Path) -> None:
        """Warn of ``${data.id}}``: a brace too many is sent with the value."""
        before = ""
        for part, after in itertools.pairwise(template.parts):
            before += part if isinstance(part, str) else ""
            if isinstance(part, Hole) and isinstance(after, str) and after.startswith("}") and "{" not in before:
                end = text.index("}}", part.offset) + 1
                message = "this '}' is sent behind the value"
                self.report.inside(self.file, path, end, 1, message, "take it away: one } closes ${", "warning")
                return

    def _misfit(self, found: Misfit, path: Path) -> None:
        """Report what lies below an object or a list and cannot be what the action takes."""
        message = f"'{show_field(path[len(self.base) :])}{found.where}' {found.message}"
        if found.sure:
            self._wrong(path, message, found.hint)
        else:
            self.report.at(self.file, path, f"{message}: it fails when that is there", found.hint, "warning")

    def _holes(self, template: Template, path: Path) -> Shape:
        """What the text gives: what its one expression gives, else text."""
        given = shape_of_kind(Kind.TEXT)
        for hole in template.holes:
            checked = self.scope.check(hole.expression.text, hole.expression.node)
            for problem in checked.problems:
                self.report.inside(
                    self.file,
                    path,
                    hole.offset + problem.start,
                    problem.length,
                    problem.message,
                    problem.hint,
                    problem.severity,
                )
                if problem.severity == "error":
                    self.wrong.add(path)
            if template.single is not None:
                given = checked.shape
        return given

    def _wrong(self, path: Path, message: str, hint: str = "") -> None:
        self.wrong.add(path)
        self.report.at(self.file, path, message, hint)

    def _name(self, path: Path) -> str:
        return f"'{show_field(path[len(self.base) :])}'"

    # --- second pass ---

    def _literal_pass(self, values: dict[str, Any], model: type[BaseModel]) -> None:
        places: dict[Path, Path] = {}
        written = self._written(values, self.base, (), places)
        try:
            model.model_validate(written)
        except ValidationError as error:
            faults = [
                (locate(written, (), fault["loc"]), fault)
                for fault in error.errors(include_url=False, include_input=False)
                if fault["type"] not in ("missing", "extra_forbidden")
            ]
            for found, fault in faults:
                path = self.base + places.get(found, found)
                if path in self.foreign:
                    self.wrong.add(path)
                    continue
                whatever = isinstance(fault.get("ctx", {}).get("error"), Contradiction) and path not in self.wrong
                if whatever or not (self._covered(path) or _of_another_branch(found, fault, faults)):
                    Invalid(self.report, self.file, self.base, self.shape).tell_one(path, fault)
        except Exception:
            # a model's own validator met a value it was not made for: what it is will be seen when it runs
            return

    def _covered(self, path: Path) -> bool:
        """Whether this place has been reported already, or depends on what is not known yet."""
        return any(path[: len(one)] == one or one[: len(path)] == path for one in (*self.wrong, *self.dynamic))

    def _written(self, value: Any, path: Path, here: Path, places: dict[Path, Path]) -> Any:
        """The value without what is only known at run time; ``places`` maps its paths to those of the file."""
        places[here] = path[len(self.base) :]
        if isinstance(value, dict):
            return {
                key: self._written(below, (*path, key), (*here, key), places)
                for key, below in value.items()
                if (*path, key) not in self.dynamic and (*path, key) not in self.wrong and key != MERGE
            }
        if isinstance(value, list):
            made: list[Any] = []
            for number, below in enumerate(value):
                if (*path, number) not in self.dynamic and (*path, number) not in self.wrong:
                    made.append(self._written(below, (*path, number), (*here, len(made)), places))
            return made
        if isinstance(value, str) and has_hole(value):
            return self.filled[path] if path in self.filled else compile_template(value).literal
        return value


def _path_of(template: Template) -> str:
    """A path with a letter in the place of each expression, and a slash before one that begins it."""
    text = "".join(part if isinstance(part, str) else "x" for part in template.parts)
    return text if isinstance(template.parts[0], str) else "/" + text


def _of_another_branch(found: Path, fault: Any, faults: list[tuple[Path, Any]]) -> bool:
    """Whether a fault is only that a value is not of one of the allowed types, while another type was tried further."""
    deeper = any(len(path) > len(found) and path[: len(found)] == found for path, _ in faults)
    return deeper and str(fault["type"]).endswith("_type")


def _conversion(known: Kind, wanted: Kind) -> str:
    if known & Kind.TEXT and wanted & Kind.NUMBER:
        return "number(...) reads a number from text, cents(...) an amount"
    if known & Kind.NUMBER and wanted & Kind.TEXT:
        return "text(...) writes a number as text, dollars(...) cents as an amount"
    if known & Kind.OBJECT and wanted & Kind.TEXT:
        return "one of its fields, such as .id, is text; json(...) writes all of it"
    if known & Kind.LIST and wanted & Kind.TEXT:
        return "join(', ', ...) makes text of a list"
    if wanted & Kind.LIST and not known & Kind.LIST:
        return "[...] around it makes a list"
    return ""
