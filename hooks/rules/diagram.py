"""A rules file as a picture: sources on the left, rules in the middle, the accounts they act in on the right. Pure.

Drawn of what `hooks.rules.describe` found, as Mermaid text for pages that render it, or as an SVG that needs nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _GAP, _LINE, _PAD, _TOP = 250, 150, 18, 10, 46
_MOST = 32
_MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class _Box:
    """One box: its key, the lines in it, and whether it is at rest (switched off, in shadow, paused)."""

    key: str
    lines: tuple[str, ...]
    resting: bool = False

    @property
    def texts(self) -> list[str]:
        """The lines without characters that are no part of a text and that XML does not take."""
        return ["".join(each if each.isprintable() else " " for each in line) for line in self.lines]

    @property
    def wrapped(self) -> list[str]:
        """The lines as they fit into the box; of a long text its beginning."""
        shown: list[str] = []
        for line in self.texts:
            parts = textwrap.wrap(line, _MOST) or [""]
            rest = " …" if len(parts) > _MOST_LINES else ""
            shown += [*parts[: _MOST_LINES - 1], *(part + rest for part in parts[_MOST_LINES - 1 : _MOST_LINES])]
        return shown

    @property
    def height(self) -> int:
        return 2 * _PAD + _LINE * len(self.wrapped)


@dataclass(frozen=True, slots=True)
class _Picture:
    """Three columns of boxes and the arrows between them, each with its label."""

    columns: tuple[tuple[str, tuple[_Box, ...]], ...]
    arrows: tuple[tuple[str, str, str], ...]


def mermaid(described: Mapping[str, Any]) -> str:
    """The picture as a Mermaid flowchart."""
    picture = _picture(described)
    numbers = {box.key: f"n{number}" for number, box in enumerate(_boxes(picture))}
    lines = ["flowchart LR"]
    for title, boxes in picture.columns:
        lines.append(f"  subgraph {title}")
        lines += [f'    {numbers[box.key]}["{"<br/>".join(map(_for_mermaid, box.texts))}"]' for box in boxes]
        lines.append("  end")
    for start, end, label in picture.arrows:
        shown = f' "{_for_mermaid(label)}" --' if label else ""
        lines.append(f"  {numbers[start]} --{shown}> {numbers[end]}")
    if resting := [numbers[box.key] for box in _boxes(picture) if box.resting]:
        lines += ["  classDef resting stroke-dasharray: 4 3", f"  class {','.join(resting)} resting"]
    return "\n".join(lines) + "\n"


def svg(described: Mapping[str, Any]) -> str:
    """The picture as an SVG document, readable on light and dark pages."""
    picture = _picture(described)
    places: dict[str, tuple[int, int, _Box]] = {}
    bottom = 0
    for number, (_, boxes) in enumerate(picture.columns):
        y = _TOP
        for box in boxes:
            places[box.key] = (20 + number * (_WIDTH + _GAP), y, box)
            y += box.height + 16
        bottom = max(bottom, y)
    width, height = 40 + 3 * _WIDTH + 2 * _GAP, bottom + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Sources, rules and accounts">',
        "<style>text{fill:#1b1f24}rect{fill:#f6f8fa;stroke:#57606a}path{fill:none;stroke:#57606a}.label{font-size:11px}"
        ".resting{stroke-dasharray:4 3}@media(prefers-color-scheme:dark){text{fill:#e6edf3}"
        "rect{fill:#161b22;stroke:#8b949e}path{stroke:#8b949e}}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8"/></marker></defs>',
    ]
    for number, (title, _) in enumerate(picture.columns):
        lines.append(f'<text x="{20 + number * (_WIDTH + _GAP)}" y="28" font-weight="600">{escape(title)}</text>')
    lines += _arrows(picture.arrows, places)
    for x, y, box in places.values():
        resting = ' class="resting"' if box.resting else ""
        lines.append(f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{box.height}" rx="6"{resting}/>')
        for number, text in enumerate(box.wrapped):
            weight = ' font-weight="600"' if number == 0 else ""
            at = y + _PAD + 13 + _LINE * number
            lines.append(f'<text x="{x + 12}" y="{at}"{weight}>{escape(text)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


# --- inside ---


def _picture(described: Mapping[str, Any]) -> _Picture:
    sources = [_Box(f"s {each['name']}", (each["name"], each["title"])) for each in described["sources"]]
    accounts = [
        _Box(f"c {each['name']}", (each["name"], each["title"]), each["paused"]) for each in described["connections"]
    ]
    known = {box.key for box in accounts}
    rules: list[_Box] = []
    arrows: list[tuple[str, str, str]] = []
    for rule in described["rules"]:
        key = f"r {rule['id']}"
        state = () if rule["enabled"] and rule["mode"] == "live" else ("off" if not rule["enabled"] else "shadow",)
        about = (rule["description"],) if rule["description"] else ()
        name = " ".join((rule["id"], *(f"({word})" for word in state)))
        rules.append(_Box(key, (name, ", ".join(rule["events"]), *about), bool(state)))
        arrows += [(f"s {name}", key, "") for name in rule["from"]]
        for target, actions in _targets(rule["to"]).items():
            if target not in known:
                known.add(target)
                accounts.append(_Box(target, (target.removeprefix("c "),)))
            arrows.append((key, target, ", ".join(actions)))
    return _Picture(
        (("Sources", tuple(sources)), ("Rules", tuple(rules)), ("Accounts", tuple(accounts))), tuple(arrows)
    )


def _targets(steps: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By account, what a rule does there; an action without account stands for itself by its vendor's name."""
    found: dict[str, list[str]] = {}
    for step in steps:
        actions = found.setdefault(f"c {step['connection'] or step['vendor']}", [])
        name = step["action"].partition(".")[2]
        if name not in actions:
            actions.append(name)
    return found


def _boxes(picture: _Picture) -> Iterator[_Box]:
    for _, boxes in picture.columns:
        yield from boxes


def _arrows(arrows: Sequence[tuple[str, str, str]], places: Mapping[str, tuple[int, int, _Box]]) -> Iterator[str]:
    for start, end, label in arrows:
        x, y, box = places[start]
        from_x, from_y = x + _WIDTH, y + box.height // 2
        to_x, y, box = places[end]
        to_y = y + box.height // 2
        middle = (from_x + to_x) // 2
        yield f'<path d="M{from_x} {from_y}C{middle} {from_y} {middle} {to_y} {to_x} {to_y}" marker-end="url(#tip)"/>'
        if label:
            at = f'x="{middle}" y="{(from_y + to_y) // 2 - 4}"'
            yield f'<text class="label" {at} text-anchor="middle">{escape(_cut(label, 24))}</text>'


def _for_mermaid(text: str) -> str:
    """Text that Mermaid shows as it is: its own signs become entities."""
    marks = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "&": "#38;", "\\": "#92;"}
    return "".join(marks.get(character, character) for character in _cut(text, 80))


def _cut(text: str, most: int = _MOST) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
