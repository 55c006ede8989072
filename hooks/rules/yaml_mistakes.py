"""The traps of YAML in words of our own: what the parser stumbled over, and how to write it instead.

The parser's own sentences ("did not find expected key") say where it gave up, not what the author did. Each function
below recognises one habit of rule authors from the line and the parser's complaint.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mistake:
    """A place (counted from 1), what is wrong there and what to do."""

    line: int
    column: int
    length: int
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the parser said and the lines around it. ``row`` and ``column`` count from 0."""

    lines: list[str]
    row: int
    column: int
    problem: str
    context: str
    context_row: int
    context_column: int

    @property
    def line(self) -> str:
        return self.lines[self.row] if self.row < len(self.lines) else ""

    def at(self, row: int, column: int, length: int, message: str, hint: str = "") -> Mistake:
        return Mistake(row + 1, column + 1, max(1, length), message, hint)


def explain_mistake(text: str, problem: Any) -> Mistake:
    """The mistake behind an exception of the YAML parser."""
    lines = text.split("\n")
    mark = getattr(problem, "problem_mark", None)
    if mark is None:
        position = getattr(problem, "position", None)
        offset = position if isinstance(position, int) and 0 <= position <= len(text) else 0
        row = text.count("\n", 0, offset)
        column = offset - (text.rfind("\n", 0, offset) + 1)
        return Mistake(row + 1, column + 1, 1, "a character that YAML does not allow", "remove the control character")
    context = getattr(problem, "context_mark", None)
    scene = _Scene(
        lines,
        mark.line,
        mark.column,
        _same_words(str(getattr(problem, "problem", "") or ""), str(getattr(problem, "context", "") or "")),
        str(getattr(problem, "context", "") or ""),
        context.line if context is not None else mark.line,
        context.column if context is not None else mark.column,
    )
    for recognise in _HABITS:
        mistake = recognise(scene)
        if mistake is not None:
            return mistake
    return scene.at(scene.row, scene.column, 1, "this is not readable as YAML", _plainly(scene))


def _same_words(problem: str, context: str) -> str:
    """The parser in Python says some things differently from libyaml: here they become libyaml's words."""
    if problem.startswith("expected <block end>"):
        return "did not find expected '-' indicator" if "collection" in context else "did not find expected key"
    if problem.startswith("sequence entries are not allowed"):
        return "block sequence entries are not allowed in this context"
    return problem


def _plainly(scene: _Scene) -> str:
    return f"the YAML reader says: {scene.problem}" if scene.problem else ""


def _conflict(scene: _Scene) -> Mistake | None:
    for row, line in enumerate(scene.lines):
        if re.match(r"(<{7}|>{7}|\|{7})( |$)|={7}\s*$", line):
            message = "a merge conflict is left here"
            return scene.at(row, 0, len(line), message, "keep one side, and remove the lines of <<<, === and >>>")
    return None


def _fence(scene: _Scene) -> Mistake | None:
    for row, line in enumerate(scene.lines):
        if line.startswith("```"):
            return scene.at(row, 0, len(line), "this line is Markdown, not YAML", "remove it")
    return None


def _odd_blank(scene: _Scene) -> Mistake | None:
    """A blank of a web page or word processor, which YAML takes for a letter."""
    for row in range(min(scene.row, len(scene.lines) - 1), max(-1, scene.row - 3), -1):
        found = re.match(r"([ \t]*)[\u00a0\u2000-\u200b\u202f\u3000\ufeff]", scene.lines[row]) or re.match(
            r"(\s*[\w-]+:)[\u00a0\u2000-\u200b\u202f\u3000]", scene.lines[row]
        )
        if found is not None:
            message = f"a blank that is none in YAML (U+{ord(scene.lines[row][found.end() - 1]):04X})"
            return scene.at(row, found.end() - 1, 1, message, "it came with copied text: type the blank anew")
    return None


def _tab(scene: _Scene) -> Mistake | None:
    for row in range(scene.row, max(-1, scene.row - 3), -1):
        if row < len(scene.lines) and re.match(r" *\t", scene.lines[row]):
            column = scene.lines[row].index("\t")
            return scene.at(row, column, 1, "a tab is used to indent", "indent with spaces")
    return None


def _unclosed_quote(scene: _Scene) -> Mistake | None:
    if "quoted scalar" in scene.context and ("end of stream" in scene.problem or "document indicator" in scene.problem):
        return scene.at(
            scene.context_row, scene.context_column, 1, "this quote is never closed", "add the closing quote"
        )
    return None


def _runaway_quote(scene: _Scene) -> Mistake | None:
    """A quote that nobody closed on its line, and that ended at the next one further down."""
    if "did not find expected" not in scene.problem and "quoted scalar" not in scene.context:
        return None
    for quote in ('"', "'"):
        if quote not in scene.line[: scene.column + 1]:
            continue
        for row in range(scene.row - 1, max(-1, scene.row - 40), -1):
            line = scene.lines[row]
            if quote in line:
                opened = re.match(rf"\s*(?:-\s+)*(?:[^\s'\"][^'\"]*:\s+)?({quote})[^{quote}]*$", line)
                if opened is None:
                    break
                return scene.at(row, opened.start(1), 1, "this quote is never closed", "add the closing quote")
    return None


def _braces(scene: _Scene) -> Mistake | None:
    """``- {{ data.x }} > 5``, as templates have it: YAML takes the sign for something of its own."""
    found = re.search(r"\{\{\s*([^{}]*?)\s*\}\}", scene.line)
    if found is None or scene.line[: found.start()].strip(" -").rpartition(":")[2].strip():
        return None
    hint = f"write ${{{found[1]}}} in a value; in a condition {found[1]} alone"
    return scene.at(scene.row, found.start(), len(found[0]), "'{{ }}' begins no value", hint)


def _bad_escape(scene: _Scene) -> Mistake | None:
    if "quoted scalar" in scene.context:
        return scene.at(
            scene.row,
            scene.column,
            2,
            "a backslash in double quotes begins an escape that YAML does not know",
            "write \\\\ for a backslash, or use single quotes",
        )
    return None


def _value_start(scene: _Scene) -> Mistake | None:
    column = scene.context_column if "alias" in scene.context or "anchor" in scene.context else scene.column
    row = scene.context_row if column != scene.column else scene.row
    line = scene.lines[row] if row < len(scene.lines) else ""
    if not ("alphabetic or numeric" in scene.problem or "cannot start any token" in scene.problem):
        return None
    character = line[column : column + 1]
    meaning = {
        "*": "it means a YAML alias",
        "&": "it means a YAML anchor",
        "@": "YAML reserves it",
        "`": "YAML reserves it",
        "%": "it means a YAML directive",
    }.get(character)
    if meaning is None:
        return None
    value = line[column:].strip()
    if re.search(r"[{\[]", line[:column]):
        value = re.split(r"[,}\]]", value)[0].strip() or value
    quote = '"' if "'" in value else "'"
    return scene.at(
        row,
        column,
        1,
        f"a value cannot start with '{character}' ({meaning})",
        f"write it in quotes: {quote}{value}{quote}",
    )


def _flow_expression(scene: _Scene) -> Mistake | None:
    if "flow" not in scene.context and "flow" not in scene.problem and "',' or" not in scene.problem:
        return None
    for match in re.finditer(r"(?:([\w.-]+)\s*:\s*)?(\$\{[^{}]*\})", scene.line):
        before = scene.line[: match.start(2)]
        if before.count('"') % 2 or before.count("'") % 2 or not re.search(r"[{\[]", before):
            continue
        key, value = match[1], match[2]
        example = f'{{{key}: "{value}"}}' if key else f'["{value}"]'
        return scene.at(
            scene.row, match.start(2), len(value), "${...} inside { } or [ ] needs quotes", f"for example: {example}"
        )
    return None


def _inner_quotes(scene: _Scene) -> Mistake | None:
    head = scene.line[: scene.column]
    if "did not find expected" not in scene.problem or '"' not in head or "${" not in head:
        return None
    opened = re.search(r'"[^"]*\$\{[^}"]*"(?=[^"\s])', scene.line)
    if opened is None or opened.end() > scene.column + 1:
        return None
    inner = re.match(r'([^"]*)"', scene.line[opened.end() :])
    example = inner[1] if inner else "text"
    return scene.at(
        scene.row,
        opened.end() - 1,
        1,
        "the text in double quotes ends here",
        f"inside ${{ }} write text in single quotes: '{example}'",
    )


def _after_quotes(scene: _Scene) -> Mistake | None:
    if "did not find expected" not in scene.problem or "flow" in scene.context:
        return None
    found = re.match(r"""(\s*(?:-\s+)*(?:[^\s'"][^:]*:\s+)?)("[^"]*"|'[^']*')\s*([^\s#:].*)$""", scene.line)
    if found is None:
        return None
    value = scene.line[found.start(2) :].rstrip()
    quote = "'" if '"' in found[2] else '"'
    if quote in value:
        hint = "put the whole value on the next line after 'key: >-'"
    else:
        hint = f"put the whole value in the other kind of quotes: {quote}{value}{quote}"
    return scene.at(scene.row, found.start(2), len(value), "text follows a quoted value", hint)


def _second_colon(scene: _Scene) -> Mistake | None:
    if "mapping values are not allowed" not in scene.problem:
        return None
    first = re.match(r"\s*(?:-\s+)*[^\s:'\"][^:]*:\s", scene.line)
    if first is not None and scene.column >= first.end():
        curly = re.search("[“”„]", scene.line[: scene.column])
        hint = "these quotes are a word processor's: type \" anew" if curly else "put the value in quotes"
        return scene.at(scene.row, scene.column, 1, "a second ': ' inside the value", hint)
    return scene.at(
        scene.row,
        len(scene.line) - len(scene.line.lstrip()),
        len(scene.line.strip()),
        "this line is indented differently from the ones it belongs to",
        "the line above already has a value: indent both lines alike",
    )


def _missing_colon(scene: _Scene) -> Mistake | None:
    if "could not find expected ':'" not in scene.problem:
        return None
    row = scene.context_row
    line = scene.lines[row] if row < len(scene.lines) else ""
    start = scene.context_column
    if row < scene.row and scene.row < len(scene.lines) and scene.line.strip():
        return scene.at(scene.row, scene.column, 1, "the line above is missing a ':'", "write 'key: value'")
    return scene.at(row, start, len(line[start:].strip()), "this line is missing a ':'", "write 'key: value'")


def _unclosed_bracket(scene: _Scene) -> Mistake | None:
    if "flow node" in scene.context or "node content" in scene.problem:
        if scene.row >= len(scene.lines) or not "".join(scene.lines[scene.row :])[scene.column :].strip():
            row = len(scene.lines) - 1
            while row > 0 and not scene.lines[row].strip():
                row -= 1
            return scene.at(row, len(scene.lines[row]), 1, "a '[' or '{' is never closed", "add the ']' or '}'")
        return scene.at(scene.row, scene.column, 1, "a value is missing here", "write it, or take the ',' away")
    if "flow mapping" in scene.context or "flow sequence" in scene.context:
        opened, closing = ("{", "}") if "mapping" in scene.context else ("[", "]")
        if scene.row != scene.context_row or not scene.line[scene.column :].strip():
            return scene.at(
                scene.context_row, scene.context_column, 1, f"this '{opened}' is never closed", f"add the '{closing}'"
            )
        return scene.at(
            scene.row, scene.column, 1, f"expected ',' or '{closing}' here", "separate items with ',' and quote text"
        )
    return None


def _dash_in_value(scene: _Scene) -> Mistake | None:
    if "block sequence entries are not allowed" in scene.problem:
        return scene.at(
            scene.row, scene.column, 1, "a list cannot begin on the line of its key", "put it on the next line"
        )
    return None


def _block_header(scene: _Scene) -> Mistake | None:
    if "block scalar" in scene.context:
        line = scene.lines[scene.context_row]
        return scene.at(
            scene.context_row,
            scene.context_column,
            1,
            f"'{line[scene.context_column : scene.context_column + 1]}' begins a text of several lines",
            "begin the text on the next line, or put the value in quotes",
        )
    return None


def _indentation(scene: _Scene) -> Mistake | None:
    if "did not find expected key" in scene.problem:
        kind = "keys"
    elif "'-' indicator" in scene.problem:
        kind = "list"
    else:
        return None
    hint = f"the {kind} above {'start' if kind == 'keys' else 'starts'} in column {scene.context_column + 1}"
    return scene.at(scene.row, scene.column, 1, "this line is indented differently from the ones it belongs to", hint)


_HABITS: tuple[Callable[[_Scene], Mistake | None], ...] = (
    _conflict,
    _fence,
    _tab,
    _odd_blank,
    _unclosed_quote,
    _runaway_quote,
    _bad_escape,
    _braces,
    _value_start,
    _flow_expression,
    _inner_quotes,
    _after_quotes,
    _second_colon,
    _missing_colon,
    _unclosed_bracket,
    _dash_in_value,
    _block_header,
    _indentation,
)
