"""A source that has gone quiet: what is told of it, as events of our own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

QUIET: Final = "hooks.source.quiet"
HEARD: Final = "hooks.source.heard"

SELF_TEST_AGENT: Final = "hooks-self-test"
"""How the self-test of a source names itself: what we have sent ourselves is no sign that its sender lives."""


class Silence(BaseModel):
    """A source of which nothing was heard for longer than its `quiet_after`."""

    source: str = Field(description="The name of the source.")
    vendor: str = Field(description="Its vendor.")
    quiet_after: str = Field(description="How long nothing may come, as the rules file says: `2d`.")
    quiet_within: str | None = Field(description="The calendar whose hours count.")
    last_received_at: str | None = Field(description="When the last came before the silence; null if nothing ever has.")
    heard_at: str | None = Field(description="When it was heard again; null in `hooks.source.quiet`.")
    duration: str = Field(description="How long it has been quiet, for people: `2d 3h`.")
    seconds: int = Field(description="The same in seconds.")
    refused: int = Field(description="How many webhooks were refused meanwhile.")
    quarantined: int = Field(description="How many could not be read.")
    text: str = Field(description="All this in a sentence, with what to do.")


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a source: when its sender gave the last sign of life, and since when it is quiet.

    A sign of life is a delivery that is accepted or a duplicate, and a ping. ``quiet_since`` is None while it is heard.
    """

    last_received_at: datetime | None = None
    quiet_since: datetime | None = None
