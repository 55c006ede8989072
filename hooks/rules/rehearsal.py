"""Carrying a rule out for an event without sending anything: what `hooks test` and `hooks backtest` look at.

It goes the way of `hooks.pipeline.deliver`: conditions, steps in order, each with the answers of those before it, and
the fallback when one gives up. Answers come from the caller. Pure; secrets never appear, their names stand for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlencode

from pydantic import BaseModel

from hooks.events import Event, Request
from hooks.rules.clauses import Judgement
from hooks.rules.faults import EvaluationError
from hooks.rules.index import type_matches
from hooks.rules.placeholders import placeheld
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.step import StepSpec

_ENCODED = re.compile(r"%3Csteps\.[^/?&]*?%3E", re.IGNORECASE)

Answers = Callable[[StepSpec], Any]
"""What a step is answered, once it is made."""


@dataclass(frozen=True, slots=True)
class Made:
    """One request that a step makes. ``names`` is what its expressions could name."""

    step: StepSpec
    inputs: Mapping[str, Any]
    request: Request
    url: str
    names: Mapping[str, Any]

    @property
    def body(self) -> Any:
        return body_of(self.request)

    def shown(self) -> dict[str, Any]:
        """The request for people and as JSON."""
        shown: dict[str, Any] = {
            "action": self.step.action_name,
            "connection": self.step.connection,
            "method": self.request.method,
            "url": self.url,
            "body": self.body,
        }
        headers = {name: value for name, value in self.request.headers.items() if name.lower() != "content-type"}
        return {**shown, "headers": headers} if headers else shown


@dataclass(frozen=True, slots=True)
class Reached:
    """A step whose ``if`` was asked, with the names at that point. ``applies`` is None when it could not be told."""

    step: StepSpec
    names: Mapping[str, Any]
    applies: bool | None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What became of it. ``stopped`` is the condition for which the rule does not match, as the file writes it;
    ``otherwise``: the rule has steps for that, and they were carried out.

    ``error`` is the sentence with which a step, or a condition, failed; ``rescued``: the fallback took over. ``at`` is
    the line of what failed or stopped.
    """

    matched: bool
    otherwise: bool = False
    verdicts: tuple[Judgement, ...] = ()
    stopped: str = ""
    made: tuple[Made, ...] = ()
    reached: tuple[Reached, ...] = ()
    error: str | None = None
    rescued: bool = False
    at: int = 0

    @property
    def acts(self) -> bool:
        """Whether steps were carried out: those of ``do``, or those of ``else``."""
        return self.matched or self.otherwise


def rehearse(
    rules: RuleSet, rule: Rule, event: Event, answers: Answers, fails: Mapping[str, str] | None = None
) -> Rehearsal:
    """The requests that a rule makes of an event. Steps named in ``fails`` are made and then give up."""
    stopped = _not_for(rule, event)
    if stopped is not None:
        return stopped
    names = rules.names(event)
    match = rule.match(names)
    if not match.matched:
        last = match.verdicts[-1]
        stopped = Rehearsal(
            False, verdicts=match.verdicts, stopped=last.clause.text, error=match.error, at=last.clause.line
        )
        if not rule.otherwise or match.error is not None:
            return stopped
        return _Rehearsing(rules, rule.other, names, answers, fails or {}).carry_out(stopped)
    return _Rehearsing(rules, rule, names, answers, fails or {}).carry_out(Rehearsal(True, verdicts=match.verdicts))


def _not_for(rule: Rule, event: Event) -> Rehearsal | None:
    if not any(type_matches(pattern, event.type) for pattern in rule.events):
        return Rehearsal(False, stopped="event: " + ", ".join(rule.events), at=rule.event_line)
    if rule.sources and event.source not in rule.sources:
        return Rehearsal(False, stopped="source: " + ", ".join(rule.sources), at=rule.source_line)
    if event.flag is not None:
        return Rehearsal(False, stopped=f"the event could not be read: {event.flag}", at=rule.event_line)
    return None


class _Rehearsing:
    """One rule on its way through its steps."""

    def __init__(
        self, rules: RuleSet, rule: Rule, names: Mapping[str, Any], answers: Answers, fails: Mapping[str, str]
    ) -> None:
        self._rules = rules
        self._rule = rule
        self._names = dict(names)
        self._answers = answers
        self._fails = fails
        self._made: list[Made] = []
        self._reached: list[Reached] = []

    def carry_out(self, begun: Rehearsal) -> Rehearsal:
        failed = self._steps(self._rule.steps)
        rescued = False
        if failed is not None and self._rule.fallback:
            step, message = failed
            self._names["error"] = {"step": step.id, "message": message, "action": step.action_name}
            again = self._steps(self._rule.fallback)
            rescued, failed = again is None, again or failed
        return replace(
            begun,
            otherwise=not begun.matched,
            made=tuple(self._made),
            reached=tuple(self._reached),
            error=None if failed is None else failed[1],
            rescued=rescued,
            at=begun.at or self._rule.line if failed is None else failed[0].line,
        )

    def _steps(self, steps: tuple[StepSpec, ...]) -> tuple[StepSpec, str] | None:
        """Carry steps out; gives the one that failed, and why."""
        for step in steps:
            applies: bool | None = None
            asked = step.condition is not None
            try:
                asked = asked and not step.stands_back(self._names)
                applies = step.applies(self._names)
                answer = self._make(step) if applies else None
            except EvaluationError as error:
                return step, error.message
            finally:
                if asked:
                    self._reached.append(Reached(step, self._names, applies))
            if applies and step.id in self._fails:
                return step, self._fails[step.id]
            self._names = {**self._names, "steps": {**self._names["steps"], step.id: answer}}
        return None

    def _make(self, step: StepSpec) -> Any:
        named = replace(step, secrets={name: f"${{secret.{name}}}" for name in step.secrets}) if step.secrets else step
        inputs = placeheld(named, named.values(self._names))
        settings = self._rules.settings(step)
        request = named.request(inputs, settings)
        self._made.append(Made(named, inputs, request, readable_url(plain_url(settings, request)), self._names))
        return self._answers(step)


def plain_url(settings: BaseModel, request: Request) -> str:
    """The full address of a request, as the settings and the request alone give it."""
    query = "?" + urlencode(request.query) if request.query else ""
    return str(getattr(settings, "base_url", "")).rstrip("/") + request.path + query


def readable_url(url: str) -> str:
    """The address with placeholders as they are written, not percent-encoded."""
    return _ENCODED.sub(lambda found: unquote(found[0]), url)


def body_of(request: Request) -> Any:
    """The body as JSON values where it is JSON, else as text."""
    if request.body is None:
        return None
    try:
        return json.loads(request.body)
    except ValueError:
        return request.body.decode("utf-8", "replace")
