"""A bar for each ratio, as an SVG of a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Bar = tuple[str, float]

_WIDTH, _LEFT, _ROW, _ROOM = 760, 340, 22, 330


def draw(drawn: Sequence[Bar], machine: str) -> str:
    """An SVG with a line where the yardstick is. It reads well on light and on dark."""
    longest = max((ratio for _, ratio in drawn), default=1.0)
    unit = _ROOM / max(1.0, longest)
    height = _ROW * (len(drawn) + 2)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{escape(machine)}</title>",
    ]
    for number, (label, ratio) in enumerate(drawn):
        top = _ROW * number + 8
        lines.append(f'<text x="{_LEFT - 8}" y="{top + 11}" text-anchor="end" fill="#888">{escape(label)}</text>')
        lines.append(f'<rect x="{_LEFT}" y="{top}" width="{ratio * unit:.1f}" height="14" rx="2" fill="#3b82c4"/>')
        lines.append(f'<text x="{_LEFT + ratio * unit + 6:.1f}" y="{top + 11}" fill="#888">{ratio:g}</text>')
    yardstick = _LEFT + unit
    lines.append(f'<path d="M{yardstick:.1f} 4V{height - 26}" stroke="#c2410c" stroke-dasharray="3 3"/>')
    lines.append(f'<text x="{yardstick:.1f}" y="{height - 10}" text-anchor="middle" fill="#c2410c">yardstick</text>')
    return "\n".join([*lines, "</svg>", ""])
