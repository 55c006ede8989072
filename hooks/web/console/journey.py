"""What the page of an event is drawn of: which record each step left at its vendor, and the rule's own lines lit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_LINES = 80
"""Lines of one rule that are shown."""


def with_records(run: Mapping[str, Any]) -> dict[str, Any]:
    """The run with, for each step, the ``record`` that its vendor named, and whether an outcome is ``unknown``."""
    steps = [{**step, "record": record_of(step.get("output"))} for step in run.get("steps", ())]
    unknown = run["state"] in ("held", "failed") and any(_unknown(step) for step in steps)
    return {**run, "steps": steps, "unknown": unknown}


def record_of(output: Any) -> str | None:
    """The id in an answer: ``id``, or the first key that ends in Id."""
    if not isinstance(output, Mapping):
        return None
    keys = [key for key in output if key.lower() == "id"] + [key for key in output if key.endswith(("Id", "_id"))]
    for key in keys:
        value = output[key]
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value):
            return str(value)[:60]
    return None


def _unknown(step: Mapping[str, Any]) -> bool:
    last = [attempt["verdict"] for attempt in step.get("attempts") or ()][-1:]
    return bool(step["state"] == "intended" or (step["state"] == "failed" and last == ["unknown"]))


def lit_lines(text: str | None, first: int, clauses: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines of a rule as its author wrote them: ``{number, text, verdict, clauses}``.

    ``first`` is the line that it begins on. The rule ends before the next line that is not further to the right.
    Clauses that stand on no line of it, because a template has them, are left to the caller. Without the text, none.
    """
    if text is None or first < 1:
        return []
    lines = text.splitlines()
    made: list[dict[str, Any]] = []
    depth = _depth(lines[first - 1]) if first <= len(lines) else 0
    for number, line in enumerate(lines[first - 1 : first - 1 + MOST_LINES], start=first):
        if number > first and line.strip() and _depth(line) <= depth:
            break
        here = [clause for clause in clauses if clause["line"] == number]
        made.append({"number": number, "text": line, "verdict": _worst(here), "clauses": here})
    while made and not made[-1]["text"].strip():
        made.pop()
    while made and made[-1]["text"].lstrip().startswith("#") and not made[-1]["clauses"]:
        made.pop()  # a comment in front of the next rule
    return made


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _worst(clauses: Sequence[Mapping[str, Any]]) -> str:
    verdicts = [clause["verdict"] for clause in clauses]
    return next((verdict for verdict in ("error", "missing", "false", "true") if verdict in verdicts), "")
