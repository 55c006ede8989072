"""One step of a rule, checked and compiled: when it applies, and the request that it makes of an event. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from hooks.errors import Permanent
from hooks.events import Request
from hooks.ports import Action, OnUnknown
from hooks.rules.clauses import Clause
from hooks.rules.faults import EvaluationError
from hooks.rules.invalid import NEEDED
from hooks.rules.kinds import describe_value
from hooks.rules.model import Retry
from hooks.rules.shape import OPEN, Shape
from hooks.rules.with_tree import Fields, origins_of, render_tree, show_field


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
