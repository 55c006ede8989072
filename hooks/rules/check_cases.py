"""Checking rule tests when a file loads: sources, steps, actions and paths that a test names must exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hooks.ports import Action, Vendor
from hooks.rules.cases import Case, Expected, Outcome
from hooks.rules.document import Path
from hooks.rules.expression import compile_expression
from hooks.rules.faults import ExpressionError
from hooks.rules.findings import choice, did_you_mean
from hooks.rules.nodes import PathNode, Root
from hooks.rules.report import Report, SourceFile
from hooks.rules.ruleset import SourceConfig
from hooks.rules.shape import shape_of

CHANGEABLE = ("data", "raw", "subject", "type", "source", "time", "received_at", "id", "vendor")
"""What ``set`` and ``unset`` may begin with."""


def keys_of(path: str) -> tuple[str | int, ...] | None:
    """The keys of a path that ``set`` and ``unset`` take, its name first; None when it is not one."""
    try:
        node = compile_expression(path).node
    except ExpressionError:
        return None
    if isinstance(node, Root) and node.name in CHANGEABLE:
        return (node.name,)
    if isinstance(node, PathNode) and isinstance(node.target, Root) and node.target.name in CHANGEABLE:
        return (node.target.name, *node.keys)
    return None


class CaseCheck:
    """Reports what is wrong with tests. ``actions`` are all actions by full name and alias."""

    def __init__(
        self,
        report: Report,
        sources: Mapping[str, SourceConfig | None],
        actions: Mapping[str, tuple[Vendor, Action]],
    ) -> None:
        self._report = report
        self._sources = sources
        self._actions = actions

    def check(self, file: SourceFile, path: Path, case: Case, steps: Sequence[str]) -> None:
        """``steps`` are the ids of the rule's steps."""
        self._given(file, path, case)
        for key, named in (("steps", case.given.steps), ("fails", case.given.fails)):
            for id in named:
                self._step(file, (*path, "given", key, id), id, steps, at_key=True)
        below: Path = ("expect", "calls") if isinstance(case.expect, Outcome) else ("expect",)
        for number, expected in enumerate(case.outcome.calls or ()):
            self._expected(file, (*path, *below, number), expected, steps)

    def _given(self, file: SourceFile, path: Path, case: Case) -> None:
        given = case.given
        forms = [key for key in ("sample", "event", "payload") if key in given.model_fields_set]
        if len(forms) != 1:
            self._report.at_key(
                file,
                (*path, "given"),
                "a test needs one of 'sample', 'event' and 'payload'",
                "such as sample: zapier/lead.created",
            )
        if given.source is not None and given.source not in self._sources:
            self._report.at(
                file,
                (*path, "given", "source"),
                f"unknown source '{given.source}'",
                did_you_mean(given.source, self._sources) or choice("sources", self._sources),
            )
        places = [("set", text) for text in given.put] + [("unset", number) for number in range(len(given.unset))]
        for key, part in places:
            text = part if isinstance(part, str) else given.unset[part]
            if keys_of(text) is None:
                self._report.at_key(
                    file,
                    (*path, "given", key, part),
                    f"'{text}' is not a path of the event",
                    "such as data.customer.email or raw.job",
                )

    def _step(self, file: SourceFile, path: Path, id: str, steps: Sequence[str], *, at_key: bool = False) -> None:
        if id not in steps:
            hint = did_you_mean(id, steps) or "steps: " + ", ".join(steps)
            report = self._report.at_key if at_key else self._report.at
            report(file, path, f"the rule has no step '{id}'", hint)

    def _expected(self, file: SourceFile, path: Path, expected: Expected, steps: Sequence[str]) -> None:
        if expected.step is not None:
            self._step(file, (*path, "step"), expected.step, steps)
        known = self._actions.get(expected.action)
        if known is None:
            hint = did_you_mean(expected.action, self._actions) or "`hooks vendors` lists the vendors and their actions"
            self._report.at(file, (*path, "action"), f"unknown action '{expected.action}'", hint)
            return
        shape = shape_of(known[1].inputs)
        for key in expected.inputs or ():
            if not shape.is_open and shape.field(key) is None:
                hint = did_you_mean(key, shape.fields) or choice("inputs", shape.fields)
                self._report.at_key(file, (*path, "with", key), f"'{expected.action}' has no input '{key}'", hint)
