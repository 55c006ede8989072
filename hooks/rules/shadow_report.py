"""A rule in shadow beside the live rule that it may replace: event by event, what each sent or would have sent. Pure.

What the shadow could not know, the answers of its earlier steps, is filled in from the answers that the live rule got;
where there is none either, an unknown value is no difference.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from hooks.rules.backtest import EFFECTS, Change, Effect, FieldChange
from hooks.rules.differences import ABSENT, differences
from hooks.rules.expression import path_value
from hooks.rules.nodes import show_keys
from hooks.rules.ruleset import Rule, RuleSet

PastRun = Mapping[str, Any]
"""A run as `hooks.ports.RuleRecords.runs` gives it."""

_PLACEHOLDER = re.compile(r"<(steps\.[^<>\s]+)>")
_UNDER_WAY = frozenset({"waiting", "running", "held"})
_LEAST_ALIKE = 0.5


@dataclass(slots=True)
class ShadowReport:
    """What came of one shadow rule. ``against`` is None when there is no live rule to compare with.

    ``open``: events whose live run has not ended yet, so that they cannot be compared.
    """

    rule: str
    against: str | None
    counts: dict[Effect, int] = field(default_factory=lambda: dict.fromkeys(EFFECTS, 0))
    changes: list[Change] = field(default_factory=list)
    open: int = 0

    def as_json(self, most: int | None = None) -> dict[str, Any]:
        """With at most so many of the events that differ."""
        return {
            "rule": self.rule,
            "against": self.against,
            "summary": dict(self.counts),
            "open": self.open,
            "events": [change.as_json() for change in self.changes[:most]],
        }


def live_counterpart(rules: RuleSet, shadow: Rule) -> str | None:
    """The live rule that a shadow most likely stands beside: the same events, and the most similar name."""
    alike = [
        (difflib.SequenceMatcher(None, shadow.id, rule.id).ratio(), rule.id)
        for rule in rules.rules
        if rule.mode == "live" and rule.id != shadow.id and set(rule.events) & set(shadow.events)
    ]
    best = max(alike, default=(0.0, ""))
    return best[1] if best[0] >= _LEAST_ALIKE else None


def report_shadow(
    rule: str, against: str | None, runs: Iterable[PastRun], in_shadow: Callable[[str], bool]
) -> ShadowReport:
    """Compare the runs of both rules, given newest first. ``in_shadow``: whether a version had the rule in shadow."""
    by_event: dict[str, dict[str, PastRun]] = {}
    for run in runs:
        by_event.setdefault(run["event"], {})[run["rule"]] = run
    report = ShadowReport(rule, against)
    for event, both in by_event.items():
        shadow, live = both.get(rule), both.get(against) if against is not None else None
        version = (shadow or live or {}).get("rules_version", "")
        if not in_shadow(version):
            continue
        if shadow is not None and not _is_shadow(shadow):
            continue  # its person was forgotten, and with them what it would have sent
        if live is not None and live["state"] in _UNDER_WAY:
            report.open += 1
            continue
        would, did = _acts_in_shadow(shadow), live is not None and live["state"] in ("done", "failed")
        if not would and not did:
            continue
        effect: Effect = "added" if not did else "removed" if not would else "same"
        fields = _fields(live if did else None, shadow if would else None)
        if effect == "same" and fields:
            effect = "changed"
        report.counts[effect] += 1
        if effect != "same":
            report.changes.append(Change(event, rule, effect, fields))
    return report


def _acts_in_shadow(run: PastRun | None) -> bool:
    return run is not None and _is_shadow(run) and bool(run["steps"])


def _is_shadow(run: PastRun) -> bool:
    return (run["reason"] or "").startswith("shadow")


def _fields(live: PastRun | None, shadow: PastRun | None) -> tuple[FieldChange, ...]:
    before = [] if live is None else [step for step in live["steps"] if step["request"] is not None]
    after = [] if shadow is None else [step for step in shadow["steps"] if step["request"] is not None]
    pairs = _pairs(before, after)
    answers = {two["id"]: one["output"] for one, two in pairs if one is not None and two is not None}
    found: list[FieldChange] = []
    for one, two in pairs:
        if one is None or two is None:
            if one is None and live is not None and live["state"] == "failed":
                continue  # it gave up before it came that far: nobody knows what it would have sent
            step = two if one is None else one
            assert step is not None, "a pair has one side at least"
            shown = _shown(step)
            found.append(FieldChange(step["id"], None if one is None else shown, None if two is None else shown))
            continue
        for each in differences(_shown(one), _filled(_shown(two), answers)):
            if not _is_unknown(each.new):
                path = two["id"] + show_keys(each.path)
                found.append(FieldChange(path, _plain(each.old), _plain(each.new)))
    return tuple(found)


def _pairs(
    live: Sequence[Mapping[str, Any]], shadow: Sequence[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]]:
    """Steps that belong together: by place as far as the actions are the same, else by id."""
    actions = [[step["action"] for step in steps] for steps in (live, shadow)]
    if all(one == two for one, two in zip(*actions, strict=False)):
        most = max(len(live), len(shadow))
        return [(live[at] if at < len(live) else None, shadow[at] if at < len(shadow) else None) for at in range(most)]
    before, after = ({step["id"]: step for step in steps} for steps in (live, shadow))
    return [(before.get(id), after.get(id)) for id in dict.fromkeys([*after, *before])]


def _shown(step: Mapping[str, Any]) -> dict[str, Any]:
    request = step["request"]
    headers = {name: value for name, value in request["headers"].items() if name.lower() != "content-type"}
    shown: dict[str, Any] = {
        "action": step["action"],
        "connection": step["connection"],
        "method": request["method"],
        "path": unquote(request["path"]),
        "body": request["body"],
    }
    if request["query"]:
        shown["query"] = request["query"]
    return {**shown, "headers": headers} if headers else shown


def _filled(value: Any, answers: Mapping[str, Any]) -> Any:
    """The value with placeholders replaced by what the live rule was answered, where that is known."""
    if isinstance(value, dict):
        return {key: _filled(below, answers) for key, below in value.items()}
    if isinstance(value, list):
        return [_filled(below, answers) for below in value]
    if not isinstance(value, str) or "<steps." not in value:
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole is not None:
        known = path_value(whole[1], {"steps": answers})
        return value if known is None else known
    return _PLACEHOLDER.sub(lambda found: _text(path_value(found[1], {"steps": answers}), found[0]), value)


def _text(known: Any, otherwise: str) -> str:
    return otherwise if known is None or isinstance(known, (dict, list)) else str(known)


def _is_unknown(value: Any) -> bool:
    return isinstance(value, str) and _PLACEHOLDER.search(value) is not None


def _plain(value: Any) -> Any:
    return None if value is ABSENT else value
