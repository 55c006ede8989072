"""Small charts as SVG, drawn on the server: they need no script, and their colours come from the page's style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from hooks.events import parse_utc
from hooks.values import show_duration

WIDTH, HEIGHT = 600, 64
_TIME_WIDTH, _LABEL, _ROW = 720, 130, 24


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


def timeline(run: Mapping[str, Any], now: datetime) -> Markup:
    """A run's tries over time, a line for each step: what waited, what was tried, and what each try came to.

    Empty for a run without tries.
    """
    tried = [(step, attempt) for step in run.get("steps", ()) for attempt in step["attempts"]]
    if not tried:
        return Markup("")
    begin = parse_utc(run["created_at"])
    last = max(_ends(attempt) for _, attempt in tried)
    end = max(last, begin + timedelta(milliseconds=1)) if run["state"] in ("done", "failed", "skipped") else now
    whole = max((end - begin).total_seconds(), 0.001)
    names = list(dict.fromkeys(step["id"] for step, _ in tried))
    parts: list[Markup] = []
    for row, name in enumerate(names):
        top = row * _ROW + 6
        parts.append(Markup('<text x="0" y="{}">{}</text>').format(top + 10, name[:20]))
        parts.append(Markup('<path class="track" d="M{} {}H{}"/>').format(_LABEL, top + 6, _TIME_WIDTH))
    for step, attempt in tried:
        at = (parse_utc(attempt["started_at"]) - begin).total_seconds() / whole
        long = attempt["duration_ms"] / 1000 / whole
        room = _TIME_WIDTH - _LABEL
        x = _LABEL + min(max(at, 0.0), 1.0) * (room - 8)
        wide = min(max(8.0, long * room), _TIME_WIDTH - x)
        told = f"{step['id']}, try {attempt['number']}: {attempt['verdict']}, {attempt['duration_ms']} ms"
        parts.append(
            Markup('<rect class="try {}" x="{:.1f}" y="{}" width="{:.1f}" height="12" rx="3"><title>{}</title></rect>')
            .format(attempt["verdict"], x, names.index(step["id"]) * _ROW + 6, wide, told)
        )  # fmt: skip
    height = len(names) * _ROW + 20
    spent = _spent(whole)
    parts.append(Markup('<text class="end" x="{}" y="{}">{}</text>').format(_TIME_WIDTH, height - 4, spent))
    label = f"{'1 try' if len(tried) == 1 else f'{len(tried):,} tries'} in {spent}"
    return Markup('<svg class="timeline" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _TIME_WIDTH, height, label, Markup("").join(parts)
    )


def _spent(seconds: float) -> str:
    """In the two largest units: tries go on for days."""
    if seconds < 10:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.0f} s" if seconds < 60 else " ".join(show_duration(seconds).split()[:2])


def _ends(attempt: Mapping[str, Any]) -> datetime:
    return parse_utc(attempt["started_at"]) + timedelta(milliseconds=attempt["duration_ms"])
