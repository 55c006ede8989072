"""The format of rule tests, beside a rule or in ``tests/*.yaml``: what is given, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictStr,
    Tag,
    WithJsonSchema,
    model_validator,
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _instant(text: str) -> str:
    try:
        zone = datetime.fromisoformat(text).tzinfo
    except ValueError:
        zone = None
    if zone is None:
        raise ValueError("write an instant such as 2026-05-06T17:30:00Z")
    return text


_Instant = Annotated[
    StrictStr, AfterValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]


class GivenEvent(_Strict):
    """An event as `hooks events show` writes it. What is left out is made up to fit the rule."""

    specversion: Literal["1.0"] | None = None
    id: StrictStr | None = None
    type: StrictStr | None = Field(None, description="The event type; the rule's own when left out.")
    source: StrictStr | None = Field(None, description="The source; the rule's own when left out.")
    vendor: StrictStr | None = None
    vendor_type: StrictStr | None = None
    subject: StrictStr | None = None
    time: _Instant | None = None
    received_at: _Instant | None = None
    receipt: StrictStr | None = None
    data: Any = Field(default_factory=dict, description="The event's object, in our own words.")
    raw: Any = Field(None, description="The vendor's body.")
    flag: StrictStr | None = None


class Given(_Strict):
    """Where a test's event comes from: one of `sample`, `event` and `payload`; and what is known beside it."""

    sample: StrictStr | None = Field(None, description="A recorded sample: <vendor>/<name>.")
    event: GivenEvent | None = Field(None, description="An event's attributes: type, source, data, raw.")
    payload: Any = Field(None, description="A body as a sender would post it; needs source.")
    source: StrictStr | None = Field(None, description="The source that the payload or sample arrives at.")
    data: dict[str, Any] | None = Field(None, description="Fields to put over the event's data.")
    put: dict[str, Any] = Field(
        default_factory=dict, alias="set", description="Values to put at paths: data.total_cents: 5000."
    )
    unset: list[StrictStr] = Field(default_factory=list, description="Paths to take away: data.customer.email.")
    steps: dict[str, Any] = Field(default_factory=dict, description="Answers of steps by id, for the steps after them.")
    fails: dict[str, StrictStr] = Field(
        default_factory=dict, description="Steps by id that give up, with the error: then the fallback is carried out."
    )
    now: _Instant | None = Field(None, description="When the sample or payload arrives.")


class Expected(_Strict):
    """A request that a test expects: the action, and those parts that matter."""

    step: StrictStr | None = Field(None, description="The id of the step that makes it.")
    action: StrictStr
    inputs: dict[str, Any] | None = Field(None, alias="with", description="Inputs of the action that must be so.")
    body: Any = Field(None, description="Parts of the body that must be so.")


class Outcome(_Strict):
    """What must come of it, in so many words."""

    calls: list[Expected] | None = Field(None, description="The requests that must be made, in order.")
    matched: StrictBool | None = Field(None, description="Whether the rule must match.")
    because: StrictStr | None = Field(None, description="The condition for which it does not match, as it is written.")
    error: StrictStr | None = Field(None, description="A part of the error with which the run must fail.")
    once_per: Any = Field(None, description="The value of `once_per` for which the rule acts once.")
    begins: _Instant | None = Field(
        None, description="When the run begins, as `delay` and `within` say: 2026-05-04T12:00:00Z."
    )
    never: list[StrictStr] | None = Field(None, description="Actions that must not be called; * stands for anything.")

    @model_validator(mode="after")
    def _says_something(self) -> Outcome:
        if not self.model_fields_set:
            raise ValueError("say what must come of it: calls, matched, because, error, once_per, begins or never")
        if self.because is not None and self.matched:
            raise ValueError("because: says why the rule does not match")
        return self


def _form(value: object) -> str:
    if isinstance(value, (list, str)):
        return "list" if isinstance(value, list) else "word"
    return "map"


Expectation = Annotated[
    Annotated[list[Expected], Tag("list")]
    | Annotated[Literal["none", "error"], Tag("word")]
    | Annotated[Outcome, Tag("map")],
    Discriminator(_form),
]


class Case(_Strict):
    """A test of a rule."""

    rule: StrictStr | None = Field(
        None, description="The id of the rule that it tests; beside that rule it may be left out."
    )
    name: StrictStr = Field(description="What the test shows.")
    given: Given = Field(description="The event to run the rule with.")
    expect: Expectation = Field(
        description="The requests that must be made, in order; `none` for no request; `error` for a run that cannot be "
        "made; or a map of `calls`, `matched`, `because`, `error`, `once_per`, `begins` and `never`."
    )

    @property
    def outcome(self) -> Outcome:
        """What is expected, whichever way it was written."""
        if isinstance(self.expect, Outcome):
            return self.expect
        if isinstance(self.expect, list):
            return Outcome(calls=self.expect)
        return Outcome(error="") if self.expect == "error" else Outcome(calls=[])


class CasesFile(_Strict):
    """``tests/*.yaml``."""

    rule: StrictStr | None = Field(None, description="The rule that all tests of this file are about.")
    tests: list[Case]


@dataclass(frozen=True, slots=True)
class PlacedCase:
    """A test, the rule it is about and where it stands."""

    case: Case
    rule: str
    file: str
    line: int
