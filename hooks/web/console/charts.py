"""Small charts as SVG, drawn on the server: they need no script, and their colours come from the page's style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

WIDTH, HEIGHT = 600, 64


def buckets(
    rows: Sequence[tuple[datetime, str, str, int]],
    kinds: Mapping[str, str],
    since: datetime,
    step: timedelta,
    count: int,
) -> dict[str, list[int]]:
    """Rows of `hooks.ports.History.traffic` in ``count`` equal steps, summed for each label of ``kinds``."""
    made = {label: [0] * count for label in dict.fromkeys(kinds.values())}
    for minute, kind, _, number in rows:
        place = int((minute - since) / step)
        if kind in kinds and 0 <= place < count:
            made[kinds[kind]][place] += number
    return made


def columns(series: Mapping[str, Sequence[int]], title: str) -> Markup:
    """Stacked columns, one part for each series in its order; the class of a part is ``bar-<label>``."""
    length = max((len(values) for values in series.values()), default=0)
    totals = [sum(values[place] for values in series.values()) for place in range(length)]
    top = max([*totals, 1])
    width = WIDTH / max(length, 1)
    parts: list[Markup] = []
    for place in range(length):
        bottom = float(HEIGHT)
        for label, values in series.items():
            if not values[place]:
                continue
            tall = max(2.0, values[place] / top * (HEIGHT - 4))
            bottom -= tall
            parts.append(
                Markup('<rect class="bar-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    label, place * width + 0.5, bottom, max(width - 1, 1), tall
                )
            )
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}</svg>'
    ).format(WIDTH, HEIGHT, title, Markup("").join(parts))
