"""Match: the loaded rules, found by event type and source, and what each makes of an event.

Everything here is immutable and pure: matching and rendering take the names of an event and give values. Matching
never raises; a condition that cannot be evaluated does not hold, and says why.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from hooks.errors import Permanent
from hooks.events import Event, Request
from hooks.ports import Action, ConnectionSettings, OnUnknown, SourceSettings
from hooks.rules.calendar import Within
from hooks.rules.cases import PlacedCase
from hooks.rules.expression import Expression, path_value
from hooks.rules.faults import EvaluationError
from hooks.rules.findings import Finding
from hooks.rules.index import Index
from hooks.rules.kinds import describe_value
from hooks.rules.model import Retry
from hooks.rules.report import NEEDED
from hooks.rules.shape import OPEN, Shape
from hooks.rules.timing import Expect, TimingKeys
from hooks.rules.with_tree import Fields, is_empty, origins_of, render_tree, show_field
from hooks.values import show_duration

ClauseVerdict = Literal["true", "false", "missing", "error"]


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """A configured inbound end.

    ``emitted``: types of the events that rules put in there, ``*`` for one that is not known before; None where events
    come from outside.
    """

    name: str
    vendor: str
    settings: SourceSettings
    emitted: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """A configured account to act in. ``built_in``: it stands in no file."""

    name: str
    vendor: str
    settings: ConnectionSettings
    built_in: bool = False


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


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of a rule, checked and compiled. ``action_name`` is the full one, ``homebase360.create_job``.

    ``connection`` is "" for the actions of a vendor that has no accounts. ``line`` is where the step stands.
    """

    id: str
    action_name: str
    vendor: str
    action: Action
    connection: str
    condition: Clause | None
    timeout: float | None
    retry: Retry | None
    on_unknown: OnUnknown | None
    line: int
    inputs: Fields
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    output: Shape = OPEN
    """What the action's answer holds as far as it is documented."""
    unless: tuple[Clause, ...] = ()
    """The conditions of the steps that this one stands in for (``else``): it is done where none of them holds."""

    def applies(self, names: Mapping[str, Any]) -> bool:
        """Whether the step is to be done. Raises EvaluationError."""
        return self.why_not(names) is None

    def why_not(self, names: Mapping[str, Any]) -> str | None:
        """Why the step is left out; None when it is done. Raises EvaluationError."""
        if self.stands_back(names):
            return "it is an `else`, and the `if` it belongs to holds"
        if self.condition is not None and not self.condition.expression.holds(names):
            return "its `if` does not hold"
        return None

    def stands_back(self, names: Mapping[str, Any]) -> bool:
        """Whether the step that this one would stand in for is done itself. Raises EvaluationError."""
        return any(clause.expression.holds(names) for clause in self.unless)

    def render(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """The step's inputs as JSON values, valid for the action. Raises EvaluationError, naming the field only."""
        return self.validate(render_tree(self.inputs, self._names(names)))

    def values(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs before the action's model has seen them. Raises EvaluationError."""
        rendered = render_tree(self.inputs, self._names(names))
        assert isinstance(rendered, dict)
        return rendered

    def validate(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs as the action's model dumps them. Raises EvaluationError, naming the field and no value."""
        try:
            model: BaseModel = self.action.inputs.model_validate(values)
            dumped: dict[str, Any] = model.model_dump(exclude_unset=True, by_alias=True, mode="json")
        except ValidationError as error:
            raise EvaluationError(describe_invalid(error)) from None
        return dumped

    def request(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        """The request that the inputs make. Raises EvaluationError when a value cannot be put into one."""
        try:
            return self.action.render(inputs, settings)
        except Permanent as error:
            raise EvaluationError(error.message) from None

    def origins(self, names: Mapping[str, Any]) -> dict[str, str]:
        """For every field of the inputs where its value came from. Raises EvaluationError."""
        full = self._names(names)
        return origins_of(self.inputs, render_tree(self.inputs, full), full)

    def _names(self, names: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**names, "secret": dict(self.secrets)} if self.secrets else names


_TELLING = 4
"""Letters from which on a value could tell something; shorter ones are in sentences by chance."""


_NUMBER = ": number(...) reads a number from a text"
_MADE = {
    ("a number", "text"): ": text(...) writes a number as text",
    ("text", "a number"): _NUMBER,
    ("text", "a whole number"): _NUMBER,
}
"""How what was found is made what is needed."""


def describe_invalid(error: ValidationError) -> str:
    """The first fault of a model's answer in a sentence without any value."""
    fault = error.errors(include_url=False, include_context=False)[0]
    name = show_field(tuple(part for part in fault["loc"] if isinstance(part, (str, int))))
    if fault["type"] == "missing":
        return f"required field '{name}' came out empty"
    if fault["type"] == "extra_forbidden":
        return f"the action has no field '{name}'"
    if name and (wanted := NEEDED.get(fault["type"])) is not None:
        found = describe_value(fault["input"])
        return f"field '{name}' needs {wanted}, this is {found}{_MADE.get((found, wanted), '')}"
    sentence = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"].startswith(("assert", "union_")) or _quotes(sentence, fault["input"]):
        sentence = "its value is not one that the action takes"
    return f"field '{name}': {sentence[0].lower()}{sentence[1:]}" if name else sentence


def _quotes(sentence: str, value: Any) -> bool:
    """Whether a validator's sentence holds a value or a part of one, as those of Python itself do."""
    if isinstance(value, Mapping):
        return any(_quotes(sentence, below) for below in value.values())
    if isinstance(value, (list, tuple)):
        return any(_quotes(sentence, below) for below in value)
    return len(str(value)) >= _TELLING and str(value) in sentence


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, checked and compiled. ``sources`` is empty when it takes all of them."""

    id: str
    description: str
    enabled: bool
    mode: Literal["live", "shadow"]
    events: tuple[str, ...]
    sources: tuple[str, ...]
    clauses: tuple[Clause, ...]
    steps: tuple[StepSpec, ...]
    otherwise: tuple[StepSpec, ...]
    """The steps of ``else``: for when one of the clauses does not hold."""
    fallback: tuple[StepSpec, ...]
    once_per: Clause | None
    once_within: float | None
    delay: float | None
    within: Within | None
    replay: float | None
    """For how many seconds after its acceptance an event may be replayed for this rule; None: always."""
    timing: TimingKeys
    tests: tuple[PlacedCase, ...]
    file: str
    line: int
    event_line: int
    source_line: int

    def as_json(self) -> dict[str, Any]:
        """What every list of rules tells of one."""
        return {
            "id": self.id,
            "description": self.description,
            "event": list(self.events),
            "source": list(self.sources),
            "enabled": self.enabled,
            "mode": self.mode,
            "file": self.file,
            "line": self.line,
        }

    def match(self, names: Mapping[str, Any]) -> Match:
        """Whether the conditions hold; type and source have been looked at by `RuleSet.candidates`. Never raises."""
        verdicts: list[Judgement] = []
        for clause in self.clauses:
            judgement = clause.judge(names)
            verdicts.append(judgement)
            if judgement.verdict != "true":
                return Match(False, tuple(verdicts))
        return Match(True, tuple(verdicts))

    def branch(self, names: Mapping[str, Any]) -> Rule | None:
        """The rule as it acts for an event: with the steps of its ``else`` where a condition does not hold.

        None when it does not act. A condition that cannot be evaluated decides for neither. Never raises.
        """
        try:
            for clause in self.clauses:
                if not clause.expression.holds(names):
                    return self.other if self.otherwise else None
        except EvaluationError:
            return None
        return self

    @property
    def other(self) -> Rule:
        """The rule as it acts when its conditions do not hold."""
        return replace(self, steps=self.otherwise, otherwise=())

    @property
    def all_steps(self) -> tuple[StepSpec, ...]:
        """Those of ``do``, of ``else`` and of ``fallback``."""
        return (*self.steps, *self.otherwise, *self.fallback)

    def begins(self, at: datetime) -> datetime | None:
        """When a run begins whose event comes at this time, as far as ``delay`` and ``within`` say; None: never."""
        at += timedelta(seconds=self.delay or 0.0)
        return at if self.within is None else self.within.calendar.next_open(at)

    def not_again(self, event: Event, now: datetime) -> str | None:
        """Why the event is not replayed for this rule; None when it may be."""
        if self.replay is None or (self.replay and now - event.received_at <= timedelta(seconds=self.replay)):
            return None
        said = f"replay: {show_duration(self.replay)}" if self.replay else "replay: never"
        return f"its rule says {said}"

    def once_key(self, names: Mapping[str, Any]) -> Any:
        """The value of ``once_per``, None when there is none: then the run is not held back. Raises EvaluationError."""
        if self.once_per is None:
            return None
        value = self.once_per.expression.evaluate(names)
        return None if is_empty(value) else value

    def step(self, id: str) -> StepSpec | None:
        """By id, among all steps."""
        for step in self.all_steps:
            if step.id == id:
                return step
        return None


class RuleSet:
    """All that ``routes.yaml`` and its included files say. ``version`` is the SHA-256 of their texts."""

    def __init__(
        self,
        *,
        version: str,
        rules: Iterable[Rule] = (),
        sources: Mapping[str, SourceConfig] | None = None,
        connections: Mapping[str, ConnectionConfig] | None = None,
        variables: Mapping[str, Any] | None = None,
        warnings: Iterable[Finding] = (),
        files: Iterable[Any] = (),
        texts: Mapping[str, str] | None = None,
    ) -> None:
        self.version = version
        self.texts: Mapping[str, str] = dict(texts or {})
        """The files' texts by name, the main file first: what `hooks.rules.load.load_texts` loads again."""
        self.rules = tuple(rules)
        self.sources: Mapping[str, SourceConfig] = dict(sources or {})
        self.watched = frozenset(source.vendor for source in self.sources.values())
        """Vendors whose webhooks come in."""
        self.connections: Mapping[str, ConnectionConfig] = dict(connections or {})
        self.vars: dict[str, Any] = dict(variables or {})
        self.warnings = tuple(warnings)
        self.files = tuple(files)
        self._by_id = {rule.id: rule for rule in self.rules}
        enabled = [rule for rule in self.rules if rule.enabled]
        self._index = Index(enabled)
        self._expecting = Index(rule.timing.expect for rule in enabled if rule.timing.expect is not None)
        self._beside: Index[Rule] = Index(())
        self._again: Callable[[str], Rule | None] = lambda id: None

    def beside(self, more: Iterable[Rule], again: Callable[[str], Rule | None]) -> RuleSet:
        """The same with rules that stand in no file, which are found after its own.

        ``again`` gives such a rule by its id when it is no more, for the runs that it began.
        """
        made = copy.copy(self)
        added = tuple(more)
        made.rules = (*self.rules, *added)
        made._by_id = self._by_id | {rule.id: rule for rule in added}
        made._beside = Index(added)
        made._again = again
        return made

    def rule(self, id: str) -> Rule | None:
        return self._by_id.get(id) or self._again(id)

    def settings(self, step: StepSpec) -> BaseModel:
        """Of the connection that a step acts in; empty ones where it needs none."""
        config = self.connections.get(step.connection)
        return step.action.inputs.model_construct() if config is None else config.settings

    def candidates(self, type: str, source: str) -> tuple[Rule, ...]:
        """The enabled rules for an event type from a source, in the order of the files."""
        return self._index.find(type, source) + self._beside.find(type, source)

    def expecting(self, type: str, source: str) -> tuple[Expect, ...]:
        """What enabled rules wait for that an event of this type from this source may be."""
        return self._expecting.find(type, source)

    def names(
        self,
        event: Event,
        steps: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """What expressions can name: the event, ``vars``, answers of earlier steps by id, and in a fallback ``error``.

        ``error`` holds ``message``, ``step`` and ``action``.
        """
        return {
            **event.names(),
            "vars": self.vars,
            "steps": dict(steps or {}),
            "error": None if error is None else dict(error),
        }
