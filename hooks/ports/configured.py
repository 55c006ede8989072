"""The keys that every source and every connection of routes.yaml takes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, StrictBool, ValidationInfo, field_validator

from hooks.addresses import refusal
from hooks.values import Duration, Lasting


class SourceSettings(BaseModel):
    """The keys that every source takes; a vendor's own settings extend it. Times in seconds."""

    model_config = {"extra": "forbid", "frozen": True, "arbitrary_types_allowed": True, "defer_build": True}

    type: str | None = Field(None, min_length=1, description="The event's type.")
    respond_status: int = Field(202, ge=200, le=299, description="What a sender is answered whose delivery is kept.")
    unavailable_status: Literal[503, 429] = Field(503, description="What it is answered while nothing can be kept.")
    max_bytes: int = Field(1024 * 1024, ge=1, description="How large a body may be, in bytes.")
    duplicate_window: Duration = Field(30 * 86400.0, description="How long a delivery is known again, such as 30d.")
    quiet_after: Lasting | None = Field(
        None, description="How long nothing may come from the sender before that is told, such as 2d."
    )
    quiet_within: str | None = Field(
        None, description="A calendar: only its hours count for `quiet_after`.", min_length=1
    )


class ConnectionSettings(BaseModel):
    """The keys that every connection takes; a vendor's own settings extend it. Times in seconds."""

    model_config = {"extra": "forbid", "frozen": True, "arbitrary_types_allowed": True, "defer_build": True}

    allow_private: StrictBool = Field(False, description="Let the address be on a private network or this machine.")
    ca_file: str | None = Field(
        None, description="A file of certificates in PEM: the only authorities that are believed."
    )
    base_url: str
    rate: float | None = Field(None, gt=0, description="Calls per second, such as 5 or 0.5; no limit without it.")
    concurrency: int = Field(8, ge=1, description="How many calls may be under way at once.")
    timeout: Lasting = Field(30.0, description="The deadline of one try of a step, such as 15s.")
    paused: StrictBool = Field(False, description="true holds everything that is for this connection.")
    lookup_wait: Duration = Field(
        10.0, description="How long an unknown outcome may take to appear at the vendor before it is sent again."
    )

    @field_validator("base_url", "auth_url", check_fields=False)
    @classmethod
    def _may_be_called(cls, url: str, info: ValidationInfo) -> str:
        if told := refusal(url, private=bool(info.data.get("allow_private"))):
            raise ValueError(told)
        return url
