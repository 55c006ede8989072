"""The keys of a rule that say when it acts, checked and compiled."""

from __future__ import annotations

from collections.abc import Callable

from hooks.rules.check_expression import Scope
from hooks.rules.clauses import Clause
from hooks.rules.document import Path
from hooks.rules.model import Expect as ExpectModel
from hooks.rules.model import Rule as RuleModel
from hooks.rules.report import Report, SourceFile, value_at
from hooks.rules.timing import Debounce, Expect, InOrder, Throttle, TimingKeys

LONGEST_OF_WAITS = 10
"""How many times ``wait`` a debounce waits at most, when it does not say."""

_APART = {
    ("once_per", "debounce"): "debounce makes one run of many already",
    ("delay", "debounce"): "debounce waits already: make its wait longer",
    ("delay", "expect"): "expect waits already: make its within longer",
    ("debounce", "expect"): "write two rules",
}
"""Keys that cannot stand in one rule, and what to do instead."""

ClauseOf = Callable[[SourceFile, Path, str | None, Scope], Clause | None]
ClausesOf = Callable[[SourceFile, Path, list[str] | None, Scope], list[Clause]]
ScopeOf = Callable[[SourceFile, Path, ExpectModel], Scope]


class TimingBuilder:
    """Builds those of one rule. What is wrong is in the report, and its key is left out."""

    def __init__(
        self, report: Report, file: SourceFile, path: Path, clause: ClauseOf, clauses: ClausesOf, expected: ScopeOf
    ) -> None:
        self._report = report
        self._file = file
        self._path = path
        self._clause = clause
        self._clauses = clauses
        self._expected = expected

    def build(self, model: RuleModel, scope: Scope) -> TimingKeys:
        given = [
            key
            for key in ("delay", "throttle", "debounce", "in_order_by", "expect")
            if value_at(self._file.document.data, (*self._path, key)) is not None
        ]
        self._check_together(model)
        return TimingKeys(
            self._throttle(model, scope),
            self._debounce(model, scope),
            self._in_order(model, scope),
            self._expect(model, scope),
            {key: self._file.key_line((*self._path, key)) for key in given},
        )

    def _check_together(self, model: RuleModel) -> None:
        for (one, other), hint in _APART.items():
            if getattr(model, one) is not None and getattr(model, other) is not None:
                place = (*self._path, other)
                self._report.at_key(self._file, place, f"'{other}' and '{one}' cannot be in one rule", hint)
        if model.throttle is not None and model.throttle.over == "skip":
            for other in ("debounce", "expect"):
                if getattr(model, other) is not None:
                    self._report.at(
                        self._file,
                        (*self._path, "throttle", "over"),
                        f"with '{other}' nobody knows yet whether the run will act, so it cannot be skipped",
                        "over: queue lets it wait until there is room",
                    )

    def _throttle(self, model: RuleModel, scope: Scope) -> Throttle | None:
        throttle = model.throttle
        if throttle is None:
            return None
        path = (*self._path, "throttle")
        self._longer(path, "per", throttle.per)
        return Throttle(
            self._clause(self._file, (*path, "by"), throttle.by, scope), throttle.most, throttle.per, throttle.over
        )

    def _debounce(self, model: RuleModel, scope: Scope) -> Debounce | None:
        debounce = model.debounce
        if debounce is None:
            return None
        path = (*self._path, "debounce")
        self._longer(path, "wait", debounce.wait)
        longest = debounce.wait * LONGEST_OF_WAITS if debounce.max_wait is None else debounce.max_wait
        if longest < debounce.wait:
            self._report.at(
                self._file,
                (*path, "max_wait"),
                "'max_wait' is shorter than 'wait'",
                "max_wait is the longest that the first of many events waits, wait the shortest",
            )
        by = self._clause(self._file, (*path, "by"), debounce.by, scope)
        return None if by is None else Debounce(by, debounce.wait, longest, debounce.keep)

    def _in_order(self, model: RuleModel, scope: Scope) -> InOrder | None:
        if model.in_order_by is None:
            return None
        by = self._clause(self._file, self._inner(("in_order_by",), "by"), model.in_order_by.by, scope)
        return None if by is None else InOrder(by, model.in_order_by.on_stuck)

    def _expect(self, model: RuleModel, scope: Scope) -> Expect | None:
        expect = model.expect
        if expect is None:
            return None
        path = (*self._path, "expect")
        self._longer(path, "within", expect.within)
        awaited = self._expected(self._file, path, expect)
        clauses = self._clauses(self._file, (*path, "when"), expect.when, awaited)
        by = expect.by
        first = self._clause(self._file, self._inner(("expect", "by"), "first"), by.first, scope)
        if by.then is not None:
            then = self._clause(self._file, (*path, "by", "then"), by.then, awaited)
        else:
            then = first
            if first is not None and not scope.check(by.first, first.expression.node).problems:
                self._check_in(awaited, first, " or ".join(expect.event))
        if first is None or then is None:
            return None
        return Expect(
            model.id, tuple(expect.event), tuple(expect.source or ()), tuple(clauses), first, then, expect.within
        )

    def _check_in(self, awaited: Scope, by: Clause, events: str) -> None:
        """Whether the expected event has what the one that opens the wait is told apart by."""
        for problem in awaited.check(by.text, by.expression.node).problems:
            self._report.inside(
                self._file,
                self._inner(("expect", "by"), "first"),
                problem.start,
                problem.length,
                f"in {events}: {problem.message}",
                f"when the two events call it differently: by: {{first: {by.text}, then: ...}}",
                problem.severity,
            )

    def _inner(self, keys: tuple[str, ...], name: str) -> Path:
        """Where an expression stands that may be written bare or as a key of a map."""
        path: Path = (*self._path, *keys)
        return (*path, name) if isinstance(value_at(self._file.document.data, path), dict) else path

    def _longer(self, path: Path, key: str, seconds: float) -> None:
        if seconds < 0.001:
            self._report.at(self._file, (*path, key), f"'{key}' must be longer than 0s", "such as 1m")
