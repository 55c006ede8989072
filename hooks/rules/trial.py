"""Trying a rule's test: the rule is rehearsed for the given events, and what comes of it held against what is expected.

Pure; nothing is sent. A failure says what was expected, what was found, where that value came from and on which line.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hooks.events import Event, parse_utc, utc_text
from hooks.rules.cases import Case, Expected, Outcome, PlacedCase
from hooks.rules.differences import ABSENT, Difference, shortfalls
from hooks.rules.expression import path_value
from hooks.rules.faults import EvaluationError
from hooks.rules.given import CaseInvalid
from hooks.rules.placeholders import step_placeholders
from hooks.rules.rehearsal import Answers, Made, Rehearsal, rehearse
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.step import StepSpec
from hooks.rules.with_tree import line_of, show_field

Verdict = Literal["passed", "failed", "invalid"]

EventsOf = Callable[[PlacedCase, Rule], Sequence[Event]]
"""The events of a test. Raises CaseInvalid."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is not as expected. ``origin`` is where the found value came from, ``line`` where it stands."""

    message: str
    field: str = ""
    expected: Any = ABSENT
    found: Any = ABSENT
    origin: str = ""
    line: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "message": self.message,
            "field": self.field or None,
            "expected": None if self.expected is ABSENT else self.expected,
            "found": None if self.found is ABSENT else self.found,
            "origin": self.origin or None,
            "line": self.line or None,
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """A test and what came of it. ``invalid``: its event cannot be made."""

    test: PlacedCase
    verdict: Verdict
    failures: tuple[Failure, ...] = ()
    seen: tuple[tuple[Event, Rehearsal], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.test.rule,
            "name": self.test.case.name,
            "file": self.test.file,
            "line": self.test.line,
            "verdict": self.verdict,
            "failures": [failure.as_json() for failure in self.failures],
        }


def try_case(rules: RuleSet, rule: Rule, test: PlacedCase, events_of: EventsOf) -> Trial:
    """Rehearse the rule for the test's events, all of them, and judge."""
    try:
        events = events_of(test, rule)
    except CaseInvalid as problem:
        return Trial(test, "invalid", (Failure(problem.message, line=test.line),))
    answers = _answers(rule, test.case)
    seen = tuple((event, rehearse(rules, rule, event, answers, test.case.given.fails)) for event in events)
    failures = tuple(_Judging(rules, rule, test.case.outcome, seen).failures())
    return Trial(test, "failed" if failures else "passed", failures, seen)


def _answers(rule: Rule, case: Case) -> Answers:
    answers = {**step_placeholders(rule.all_steps), **case.given.steps}
    return lambda step: answers.get(step.id)


class _Judging:
    """One test's rehearsals against its outcome."""

    def __init__(self, rules: RuleSet, rule: Rule, outcome: Outcome, seen: Sequence[tuple[Event, Rehearsal]]) -> None:
        self._rules = rules
        self._rule = rule
        self._outcome = outcome
        self._seen = seen
        self._made = [made for _, rehearsal in seen for made in rehearsal.made]
        self._matched = any(rehearsal.matched for _, rehearsal in seen)
        self._acts = any(rehearsal.acts for _, rehearsal in seen)

    def failures(self) -> list[Failure]:
        outcome = self._outcome
        if outcome.matched is False or outcome.because is not None:
            found = self._expect_no_match()
        elif outcome.matched and not self._matched:
            found = self._why_not()
        else:
            found = []
        if outcome.error is not None:
            found += self._expect_error(outcome.error)
        elif outcome.calls is not None or outcome.matched:
            found += self._unexpected_errors()
        if outcome.calls is not None:
            found += self._compare(outcome.calls)
        if "once_per" in outcome.model_fields_set:
            found += self._once_per(outcome.once_per)
        if outcome.begins is not None:
            found += self._begins(parse_utc(outcome.begins))
        for pattern in outcome.never or ():
            found += [
                Failure(f"{made.step.action_name} must never be called", line=made.step.line)
                for made in self._made
                if fnmatch.fnmatchcase(made.step.action_name, pattern)
            ]
        return found

    # --- matching ---

    def _expect_no_match(self) -> list[Failure]:
        if self._matched:
            line = next(made.step.line for made in self._made) if self._made else 0
            return [Failure("the rule matches, and was expected not to", line=line)]
        wanted = self._outcome.because
        stops = [rehearsal for _, rehearsal in self._seen]
        if wanted is None or any(_plain(wanted) == _plain(each.stopped) for each in stops):
            return []
        return [
            Failure("it does not match for another reason", "because", wanted, each.stopped, line=each.at)
            for each in stops
        ]

    def _why_not(self) -> list[Failure]:
        failures = []
        for event, rehearsal in self._seen:
            values = ""
            if rehearsal.verdicts:
                names = self._rules.names(event)
                paths = rehearsal.verdicts[-1].clause.expression.paths
                values = ", ".join(f"{path} = {show_value(_value(path, names))}" for path in paths)
            said = f"the rule does not match: {rehearsal.stopped}"
            failures.append(Failure(said + (f" ({values})" if values else ""), line=rehearsal.at))
        return failures or [Failure("there is no event")]

    def _once_per(self, wanted: Any) -> list[Failure]:
        if self._rule.once_per is None:
            return [Failure("the rule has no once_per", line=self._rule.line)]
        found = []
        for event, seen in self._seen:
            if not seen.acts:
                continue
            try:
                value = self._rule.once_key(self._rules.names(event))
            except EvaluationError as error:
                found.append(Failure(f"once_per: {error.message}", "once_per", wanted, line=self._rule.once_per.line))
                continue
            if value != wanted:
                found.append(
                    Failure("it acts once for another value", "once_per", wanted, value, line=self._rule.once_per.line)
                )
        return found if self._acts or self._outcome.matched else self._why_not()

    def _begins(self, wanted: datetime) -> list[Failure]:
        if not self._acts:
            return [] if self._outcome.matched or self._outcome.calls else self._why_not()
        line = self._rule.within.line if self._rule.within is not None else self._rule.line
        begun = [self._rule.begins(event.received_at) for event, seen in self._seen if seen.acts]
        return [
            Failure("it begins at another time", "begins", utc_text(wanted), at and utc_text(at), line=line)
            for at in begun
            if at != wanted
        ]

    # --- errors ---

    def _errors(self) -> list[Rehearsal]:
        """Those that failed for good; one that its fallback rescued did not."""
        return [rehearsal for _, rehearsal in self._seen if rehearsal.error is not None and not rehearsal.rescued]

    def _expect_error(self, wanted: str) -> list[Failure]:
        errors = self._errors()
        if any(wanted in (each.error or "") for each in errors):
            return []
        if not errors:
            return [Failure("an error was expected, and there is none", "error", wanted or ABSENT)]
        return [Failure("it fails with another error", "error", wanted, each.error, line=each.at) for each in errors]

    def _unexpected_errors(self) -> list[Failure]:
        return [Failure(f"it fails: {each.error}", line=each.at) for each in self._errors()]

    # --- requests ---

    def _compare(self, wanted: Sequence[Expected]) -> list[Failure]:
        if not wanted:
            return [
                Failure(f"no request was expected, and {_call(made.step)} is made", line=made.step.line)
                for made in self._made
            ]
        if not self._acts:
            return [] if self._outcome.matched else self._why_not()
        if len(wanted) != len(self._made) or not all(map(_is_call, wanted, self._made)):
            if self._errors() and self._outcome.error is None:
                return []  # the error, told already, is why
            return [
                Failure(
                    "other requests are made than expected",
                    "calls",
                    [_wanted(each) for each in wanted],
                    [_call(made.step) for made in self._made],
                )
            ]
        return [failure for each, made in zip(wanted, self._made, strict=True) for failure in _unlike(each, made)]


def _unlike(wanted: Expected, made: Made) -> list[Failure]:
    found = [("with", each) for each in shortfalls(wanted.inputs or {}, dict(made.inputs))]
    if "body" in wanted.model_fields_set:
        found += [("body", each) for each in shortfalls(wanted.body, made.body)]
    return [_failure(made, part, each) for part, each in found]


def _failure(made: Made, part: str, unlike: Difference) -> Failure:
    try:
        origins = made.step.origins(made.names)
    except EvaluationError:
        origins = {}
    path = unlike.path
    origin = next(
        (origins[show_field(path[:end])] for end in range(len(path), 0, -1) if show_field(path[:end]) in origins), ""
    )
    field = f"{part}.{show_field(path)}" if path else part
    line = line_of(made.step.inputs, path) or made.step.line
    return Failure(f"{_call(made.step)}: {field}", field, unlike.old, unlike.new, origin, line)


def _is_call(wanted: Expected, made: Made) -> bool:
    step = made.step
    names = {step.action_name, *(f"{step.vendor}.{alias}" for alias in step.action.aliases)}
    return wanted.action in names and wanted.step in (None, step.id)


def _wanted(wanted: Expected) -> str:
    return wanted.action if wanted.step is None else f"{wanted.action} (step {wanted.step})"


def _call(step: StepSpec) -> str:
    return f"{step.action_name} (step {step.id})"


def _plain(text: str) -> str:
    return " ".join(text.split())


def _value(path: str, names: Any) -> Any:
    try:
        return path_value(path, names)
    except EvaluationError:
        return ABSENT


def show_value(value: Any) -> str:
    """A value in a sentence, not too long."""
    if value is ABSENT:
        return repr(ABSENT)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:197] + "..."
