"""The format of ``routes.yaml``, defined once: loading, messages, the JSON Schema and the guide all come from here.

Strict: unknown keys are refused and nothing is converted.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StrictBool,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue

from hooks.ports import OnUnknown
from hooks.rules.cases import Case
from hooks.values import Duration, Lasting, parse_duration

Backoff = Literal["fixed", "exponential"]


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _condition(value: object) -> object:
    if value is True or value is False:
        return "true" if value else "false"
    return value


_Texts = Annotated[
    list[Annotated[StrictStr, Field(min_length=1)]],
    BeforeValidator(_as_list),
    Field(min_length=1),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
    ),
]
_Condition = Annotated[
    StrictStr, BeforeValidator(_condition), WithJsonSchema({"type": ["string", "boolean"]}), Field(min_length=1)
]
_Conditions = Annotated[
    list[_Condition],
    BeforeValidator(_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "boolean"]},
                {"type": "array", "items": {"type": ["string", "boolean"]}},
            ]
        }
    ),
]
_RuleId = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
_StepId = Annotated[StrictStr, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
_Name = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


_TemplateName = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}@[1-9][0-9]{0,5}$")]
_ParameterName = Annotated[StrictStr, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Retry(_Strict):
    """How a step is tried again. Without one, the usual schedule holds: 1s, 5s, 30s, 2m, 10m ... up to three days."""

    attempts: Annotated[StrictInt, Field(ge=1, le=100)] = Field(
        description="How many times a step is tried in all; 1 means once."
    )
    backoff: Backoff = Field("exponential", description="`fixed` waits the same each time, `exponential` doubles.")
    first_wait: Duration = Field(5.0, description="The wait before the second try, such as 5s.")
    max_wait: Duration = Field(
        900.0, description="The longest wait between two tries; 15m when left out, or `first_wait` if that is longer."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if "max_wait" in self.model_fields_set and self.max_wait < self.first_wait:
            raise ValueError("'max_wait' is shorter than 'first_wait'")
        return self

    @property
    def longest_wait(self) -> float:
        """``max_wait``, or what holds without one."""
        return self.max_wait if "max_wait" in self.model_fields_set else max(self.max_wait, self.first_wait)


class Step(_Strict):
    """One action of a rule."""

    id: _StepId | None = Field(None, description="A name for the step's answer: steps.<id>.<field> in later steps.")
    action: StrictStr = Field(description="What to do: <vendor>.<operation>, such as homebase360.create_job.")
    connection: StrictStr | None = Field(
        None, description="The connection to act in; may be left out where the vendor has exactly one."
    )
    inputs: dict[str, Any] = Field(
        default_factory=dict, alias="with", description="The action's inputs, by the vendor's own field names."
    )
    condition: _Condition | None = Field(None, alias="if", description="The step is left out unless this holds.")
    otherwise: Annotated[list[Step], Field(min_length=1)] | None = Field(
        None, alias="else", description="Steps in place of this one when its `if` does not hold."
    )
    timeout: Lasting | None = Field(None, description="The deadline of one try, such as 15s.")
    retry: Retry | None = Field(
        None, description="How this step is tried again, such as {attempts: 6, first_wait: 5s}."
    )
    on_unknown: OnUnknown | None = Field(
        None,
        description="When nobody knows whether a try was carried out: repeat it, look first, or hold.",
    )


def _as_by(value: object) -> object:
    return value if isinstance(value, dict) else {"by": value}


def _as_first(value: object) -> object:
    return value if isinstance(value, dict) else {"first": value}


class _OrExpression:
    """In the JSON Schema: a bare expression may stand in place of the map."""

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": ["string", "boolean"]}, handler(core)]}


def _replay(value: object) -> object:
    if value in ("always", "never"):
        return None if value == "always" else 0.0
    try:
        return parse_duration(value)
    except ValueError:
        raise ValueError("write always, never, or how old an event may be, such as 24h") from None


class _OrText:
    """In the JSON Schema: a text may stand in place of the map."""

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core)]}


class Throttle(_Strict):
    """At most so many runs of the rule begin in any stretch of time."""

    most: Annotated[StrictInt, Field(ge=1, le=10_000)] = Field(alias="max", description="How many runs may begin.")
    per: Duration = Field(description="In which time, such as 1m.")
    by: _Condition | None = Field(None, description="An expression: the limit holds for each of its values.")
    over: Literal["queue", "skip"] = Field(
        "queue", description="What becomes of the others: queue lets them wait until there is room, skip leaves them."
    )


class Debounce(_Strict):
    """Many quick events become one run."""

    by: _Condition = Field(description="An expression: events with the same value belong together.")
    wait: Duration = Field(description="How long it must have been quiet, such as 2m.")
    max_wait: Duration | None = Field(
        None, description="How long the first event waits at most, such as 15m; ten times `wait` when left out."
    )
    keep: Literal["last", "first"] = Field("last", description="Which event the run is made for.")


class InOrder(_Strict):
    """Runs go one after the other, in the order in which their events were accepted."""

    by: _Condition = Field(description="An expression: runs with the same value keep their order.")
    on_stuck: Literal["skip", "wait"] = Field(
        "skip",
        description="When a run has failed or waits for a person: skip goes on with the next one, wait does not.",
    )


class ExpectBy(_Strict):
    """What tells that two events belong together, when it is called differently in the two."""

    first: _Condition = Field(description="An expression over the event that opens the wait.")
    then: _Condition | None = Field(None, description="The same thing in the event that is expected.")


class Expect(_Strict):
    """The steps are carried out unless another event comes in time."""

    event: _Texts = Field(description="The event types that are expected, one or a list; * stands for any characters.")
    source: _Texts | None = Field(None, description="Where they come from, one or a list; all when left out.")
    when: _Conditions | None = Field(None, description="What must hold for them.")
    by: Annotated[ExpectBy, BeforeValidator(_as_first), _OrExpression()] = Field(
        description="An expression that has the same value in both events, or `{first: ..., then: ...}`."
    )
    within: Duration = Field(description="How long to wait, such as 15m.")


def _as_template(value: object) -> object:
    return {"template": value} if isinstance(value, str) else value


class Use(_Strict):
    """The template that a rule is made of."""

    template: StrictStr = Field(description="Its name and version: lead-to-booking@2.")
    given: dict[str, Any] = Field(default_factory=dict, alias="with", description="The values of its parameters.")


class Rule(_Strict):
    """What to do when an event comes."""

    id: _RuleId = Field(description="Unique and stable: history and runs hang on it.")
    description: StrictStr | None = Field(None, description="A sentence for people.")
    enabled: StrictBool = Field(True, description="false switches the rule off.")
    mode: Literal["live", "shadow"] = Field(
        "live", description="live acts; shadow works out what it would send, keeps that, and sends nothing."
    )
    use: Annotated[Use, BeforeValidator(_as_template), _OrText()] | None = Field(
        None, description="The template that the rule is made of; its own keys win over the template's."
    )
    event: _Texts = Field(description="Event types, one or a list; * stands for any characters: job.*")
    source: _Texts | None = Field(None, description="Sources, one or a list; all when left out.")
    when: _Conditions | None = Field(None, description="One expression, or a list that must all hold.")
    do: Annotated[list[Step], Field(min_length=1)] = Field(description="The steps, carried out in order.")
    otherwise: Annotated[list[Step], Field(min_length=1)] | None = Field(
        None, alias="else", description="Steps for when `when` does not hold, in place of those of do."
    )
    fallback: list[Step] | None = Field(None, description="Steps for when one of the steps has given up.")
    once_per: _Condition | None = Field(None, description="An expression: act once for each of its values.")
    once_within: Lasting | None = Field(None, description="How long once_per remembers, such as 24h.")
    delay: Duration | None = Field(None, description="Wait this long before the first step.")
    within: _Name | None = Field(
        None, description="The name of a calendar: outside its hours the rule waits until they begin."
    )
    throttle: Throttle | None = Field(None, description="At most so many runs in a time, such as {max: 60, per: 1m}.")
    debounce: Debounce | None = Field(None, description="Many quick events become one run: {by: data.id, wait: 2m}.")
    in_order_by: Annotated[InOrder, BeforeValidator(_as_by), _OrExpression()] | None = Field(
        None, description="An expression, or `{by: ..., on_stuck: ...}`: one after the other for each of its values."
    )
    expect: Expect | None = Field(
        None,
        description="Carry the steps out unless this comes in time: {event: job.created, by: data.id, within: 1h}.",
    )
    replay: Annotated[
        float | None,
        BeforeValidator(_replay),
        WithJsonSchema(
            {"anyOf": [{"enum": ["always", "never"]}, {"type": "string", "pattern": r"^\s*\d"}], "default": "always"}
        ),
    ] = Field(
        None, description="Whether replays are for this rule: always, never, or while an event is younger than this."
    )
    retry: Retry | None = Field(
        None, description="How its steps are tried again, such as {attempts: 6, first_wait: 5s}."
    )
    timeout: Lasting | None = Field(None, description="The deadline of one try of a step, such as 15s.")
    on_unknown: OnUnknown | None = Field(None, description="For all steps of this rule, see the step's key.")
    tests: list[Case] | None = Field(None, description="Tests that hooks test runs.")


class Calendar(_Strict):
    """When a business is open, by the wall clock of its zone."""

    zone: StrictStr = Field(description="The time zone, such as America/New_York.")
    hours: Annotated[dict[str, _Texts], Field(min_length=1)] = Field(
        description="The hours of each day of the week: `mon-fri: 08:00-18:00`; days that are not named are closed."
    )
    holidays: _Texts | None = Field(
        None,
        description="Closed days: 2026-12-25, 2026-12-24..2026-12-26, or 12-25 for every year.",
    )
    special: dict[str, _Texts] = Field(
        default_factory=dict, description="Days with other hours: `2026-12-24: 08:00-12:00`."
    )


class Parameter(_Strict):
    """A parameter of a template. One without a default must be given."""

    description: StrictStr | None = Field(None, description="What belongs there.")
    default: Any = Field(None, description="Its value where none is given.")


def _as_parameter(value: object) -> object:
    return {"description": value} if isinstance(value, str) else value


class Template(_Strict):
    """A rule with parameters, for any number of rules that `use` it."""

    description: StrictStr | None = Field(None, description="A sentence for people.")
    parameters: dict[_ParameterName, Annotated[Parameter, BeforeValidator(_as_parameter), _OrText()]] = Field(
        default_factory=dict, description="What rules may say: a description, or `{description: ..., default: ...}`."
    )
    rule: dict[str, Any] = Field(
        description="The keys of a rule, with `param.<name>` in expressions and `${param.<name>}` elsewhere."
    )


class Defaults(_Strict):
    """What holds for every rule that does not say otherwise."""

    retry: Retry | None = None
    timeout: Lasting | None = None


def _no_truth_value(value: object) -> object:
    return "true" if value is True else value  # which is equal to 1


class RoutesFile(_Strict):
    """routes.yaml."""

    version: Annotated[Literal[1], BeforeValidator(_no_truth_value)] = Field(
        1, description="The version of this format."
    )
    include: _Texts | None = Field(None, description="Further files, as globs relative to this one.")
    sources: dict[_Name, dict[str, Any]] = Field(default_factory=dict, description="Inbound ends: /in/<name>.")
    connections: dict[_Name, dict[str, Any]] = Field(default_factory=dict, description="Accounts to act in.")
    vars: dict[str, Any] = Field(default_factory=dict, description="Plain values for expressions: vars.<name>.")
    calendars: dict[_Name, Calendar] = Field(
        default_factory=dict, description="Opening hours by name, for the key `within` of rules."
    )
    defaults: Defaults = Field(default_factory=Defaults, description="Retry and timeout for every rule.")
    templates: dict[_TemplateName, Template] = Field(
        default_factory=dict, description="Rules with parameters, by name and version: lead-to-booking@2."
    )
    rules: list[Rule] = Field(default_factory=list, description="What to do with events.")


STEP_KEYS = frozenset(field.alias or name for name, field in Step.model_fields.items())
"""The keys of a step, as they are written."""

RULE_KEYS = frozenset(field.alias or name for name, field in Rule.model_fields.items())
"""The keys of a rule, as they are written."""
