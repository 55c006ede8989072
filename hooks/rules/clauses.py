"""The conditions of a rule, compiled, and what becomes of each for an event. Pure; judging never raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from hooks.rules.expression import Expression, path_value
from hooks.rules.faults import EvaluationError

ClauseVerdict = Literal["true", "false", "missing", "error"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition of a rule and where it stands."""

    text: str
    line: int
    column: int
    expression: Expression

    def judge(self, names: Mapping[str, Any]) -> Judgement:
        """What became of the condition. ``missing``: it does not hold and something it reads is not there."""
        try:
            holds = self.expression.holds(names)
        except EvaluationError as error:
            return Judgement(self, "error", error.message)
        if holds:
            return Judgement(self, "true")
        for path in self.expression.paths:
            if path_value(path, names) is None:
                return Judgement(self, "missing")
        return Judgement(self, "false")


class Judgement(NamedTuple):
    """A clause and its verdict. ``message`` tells what went wrong where the verdict is ``error``."""

    clause: Clause
    verdict: ClauseVerdict
    message: str = ""


class Match(NamedTuple):
    """Whether a rule's conditions hold for an event: all clauses up to and with the first that does not."""

    matched: bool
    verdicts: tuple[Judgement, ...] = ()

    @property
    def error(self) -> str | None:
        """What could not be evaluated, if that is why the rule did not match."""
        for judgement in self.verdicts:
            if judgement.verdict == "error":
                return judgement.message
        return None
