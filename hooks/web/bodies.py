"""The shapes of what the admin API is sent: one model validates a body and describes it in ``/openapi.json``.

What a model cannot know (whether an instant lies in the future, whether an id is there) is left to the operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic import model_validator as whole_validator

from hooks.ports import ReplayMode, ReplayState, ResolutionOutcome

MAX_REASON = 500
MAX_IDS = 500
DEFAULT_EVENTS, MAX_EVENTS = 1000, 10_000
DEFAULT_RUNS = 200
MAX_LOOK_UPS = 100
MAX_FILES = 1000
SELECTING = ("events", "source", "type", "state", "rule", "since", "until", "flagged")
"""Members of `Replays` that say which events: one of them is needed."""


def _on_one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it must be text on one line, without control characters")
    return text


Line = Annotated[str, StringConstraints(max_length=MAX_REASON), AfterValidator(_on_one_line)]
"""Text on one line."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_on_one_line)]
Word = Annotated[str, StringConstraints(max_length=200), AfterValidator(_on_one_line)]
RunId = Annotated[str, StringConstraints(pattern=r"^run_[0-9a-f]{32}$")]
EventId = Annotated[str, StringConstraints(pattern=r"^evt_[0-9a-f]{32}$")]


class Sent(BaseModel):
    """A body: a JSON object whose members are all known, none of them taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


# --- rules ---


class RulesText(Sent):
    """A draft of the rules, as it would be on disk."""

    text: str = Field(description="The whole rules file.")
    files: Mapping[str, str] = Field(
        default_factory=dict,
        max_length=MAX_FILES,
        description="Texts of included files, by the names of rules/text; the others stay as they are in force.",
    )


class _Edited(Sent):
    author: Annotated[str, StringConstraints(max_length=100), AfterValidator(_on_one_line)] = Field(
        "", description="Who changes the rules: kept in the history."
    )
    note: Line | None = Field(None, description="Why: kept in the history.")
    expected: str | int | None = Field(
        None, description="The number or version that the caller has seen in force: another one is a conflict (409)."
    )


class PublishRules(RulesText, _Edited):
    """Rules to put in force."""


class RollBackRules(_Edited):
    """A version to go back to."""

    to: int = Field(ge=1, lt=10**9, description="The number of a version.")


class ExplainDraft(RulesText):
    """A draft to try on a stored event."""

    event: EventId = Field(description="The id of a stored event.")


class BacktestDraft(RulesText):
    """A draft to take stored events through."""

    since: Word | None = Field(None, description="Events received from then on: an instant, a date, or 14d.")
    until: Word | None = Field(None, description="Events received before; as since.")
    rule: Word | None = Field(None, description="Only this rule.")
    source: Word | None = Field(None, description="Only events of this source.")
    limit: int = Field(DEFAULT_EVENTS, ge=1, le=MAX_EVENTS, description="The newest so many events.")


# --- what goes out ---


class PauseConnection(Sent):
    """A connection to leave alone."""

    reason: Line | None = Field(None, description="Why: shown with the connection.")


class ResumeConnection(Sent):
    """A connection to use again."""

    drain_rate: float | None = Field(
        None,
        ge=0.001,
        le=1000,
        description="How many of the held runs go on per second; all at once if not given.",
    )


class ResolveRun(Sent):
    """What became of a step whose outcome is unknown."""

    outcome: ResolutionOutcome = Field(
        description="sent: it was carried out. not_sent: it was not, send it again. give_up: leave it."
    )
    output: Any = Field(None, description="For sent: the vendor's answer, what later steps read as steps.<id>.")

    @field_validator("output")
    @classmethod
    def _of_what_was_sent(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("outcome") != "sent":
            raise ValueError("only what was sent has an output")
        return value


class ReplayEvent(Sent):
    """How to carry an event out once more."""

    mode: ReplayMode = "missing-only"
    force: bool = Field(False, description="Short for the mode force: act again at the vendors.")
    dry_run: bool = Field(False, description="Say what would happen, and do nothing.")
    rule: Line | None = Field(None, description="Only runs of this rule.")

    @property
    def way(self) -> ReplayMode:
        """The mode that is meant."""
        return "force" if self.force else self.mode

    @whole_validator(mode="after")
    def _of_one_mind(self) -> Self:
        if self.force and "mode" in self.model_fields_set and self.mode != "force":
            raise ValueError(f"force is a mode itself, so it does not go with {self.mode}")
        return self


class Replays(ReplayEvent):
    """Which events to carry out once more: at least one member that selects."""

    events: Annotated[list[EventId], Field(min_length=1, max_length=MAX_IDS)] | None = Field(
        None, description="Ids of events."
    )
    source: Line | None = Field(None, description="Only events that came in by this source.")
    type: Line | None = Field(None, description="Only of this type; * stands for anything.")
    state: ReplayState | None = Field(None, description="Only with or without a match, or with such a run.")
    since: Line | None = Field(None, description="Received at or after: an instant, a date, or so long ago (24h).")
    until: Line | None = Field(None, description="Received before; as since.")
    flagged: bool | None = Field(
        None, description="true: only events that could not be read, which are read anew; false: none of them."
    )
    after: EventId | None = Field(None, description="Go on after this event: the next of the answer before.")
    limit: int = Field(DEFAULT_EVENTS, ge=1, le=MAX_EVENTS)

    @whole_validator(mode="after")
    def _selecting(self) -> Self:
        if not any(getattr(self, name) for name in SELECTING):
            raise ValueError(f"say which events: {', '.join(SELECTING)}")
        return self


class ManyRuns(Sent):
    """Which runs: their ids, or those of a state, narrowed by the others, as `GET /api/v1/runs` lists them."""

    runs: Annotated[list[RunId], Field(min_length=1, max_length=MAX_IDS)] | None = Field(None, description="Their ids.")
    state: Literal["failed", "held", "waiting"] | None = Field(None, description="All that are in this state.")
    rule: Line | None = Field(None, description="Only of this rule.")
    event: EventId | None = Field(None, description="Only of this event.")
    connection: Line | None = Field(None, description="Only those that act next, or have acted last, in it.")
    since: Line | None = Field(None, description="Made at or after: an instant, a date, or so long ago (24h).")
    until: Line | None = Field(None, description="Made before; as since.")
    given_up: bool = Field(False, description="The failed ones that a person has given up, instead of the others.")
    dry_run: bool = Field(False, description="Say what would happen, and do nothing.")
    after: RunId | None = Field(None, description="Go on after this run: the next of the answer before.")
    limit: int = Field(DEFAULT_RUNS, ge=1, le=MAX_IDS, description="How many in one answer; it says where to go on.")

    @whole_validator(mode="after")
    def _selecting(self) -> Self:
        if (self.runs is None) == (self.state is None):
            raise ValueError("say which runs: runs (their ids), or state (failed, held, waiting)")
        narrowing = (self.rule, self.event, self.connection, self.since, self.until, self.after)
        if self.runs is not None and any(one is not None for one in narrowing):
            raise ValueError("ids of runs need no further choice: leave rule, event, connection, since, until, after")
        return self


class Reconcile(Sent):
    """Which unknown outcomes to ask the vendors about."""

    mend: bool = Field(False, description="Adopt what is found; else only say so.")
    connection: Line | None = Field(None, description="Only steps that act in this connection.")
    limit: int = Field(MAX_LOOK_UPS, ge=1, le=MAX_LOOK_UPS)


# --- people ---


class LinkPeople(Sent):
    """Two who are one."""

    one: Name = Field(description="The id of a person.")
    other: Name = Field(description="The id of another person, who becomes this one.")


class UnlinkPeople(Sent):
    """Two who were taken for one."""

    person: Name = Field(description="The id of a person.")
    record: Name = Field(description="A record (titan/123, or its id alone), or the id of another person.")


_WORDS: Mapping[str, str] = {
    "missing": "it is needed",
    "string_type": "it must be text",
    "string_unicode": "it must be text in UTF-8",
    "string_too_long": "it must be text of at most {max_length} characters",
    "string_too_short": "it must not be empty",
    "string_pattern_mismatch": "it must be an id such as {prefix} and 32 hexadecimal digits",
    "bool_type": "it must be true or false",
    "int_type": "it must be a whole number",
    "float_type": "it must be a number",
    "finite_number": "it must be a number",
    "greater_than_equal": "it must be at least {ge}",
    "less_than_equal": "it must be at most {le}",
    "less_than": "it must be less than {lt}",
    "literal_error": "it must be one of {expected}",
    "list_type": "it must be a list",
    "dict_type": "it must be an object",
    "too_short": "it must not be empty",
    "too_long": "it must have at most {max_length} entries",
}


def said_of(error: Mapping[str, Any]) -> str:
    """What pydantic found, in our words and without what was sent."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    told = _WORDS.get(error["type"])
    given = dict(error.get("ctx") or {})
    prefix = str(given.get("pattern", ""))[1:5]
    return "it cannot be used" if told is None else told.format_map({**given, "prefix": prefix})
