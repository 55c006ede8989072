"""The keys that every source and every connection of routes.yaml takes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from hooks.addresses import refusal
from hooks.values import Duration


class SourceSettings(BaseModel):
    """The keys that every source takes; a vendor's own settings extend it. Times in seconds."""

    model_config = {"extra": "forbid", "frozen": True, "arbitrary_types_allowed": True}

    type: str | None = None
    respond_status: int = 202
    unavailable_status: Literal[503, 429] = 503
    max_bytes: int = 1024 * 1024
    duplicate_window: Duration = 30 * 86400.0


class ConnectionSettings(BaseModel):
    """The keys that every connection takes; a vendor's own settings extend it. Times in seconds."""

    model_config = {"extra": "forbid", "frozen": True, "arbitrary_types_allowed": True}

    allow_private: bool = Field(False, description="Let the address be on a private network or this machine.")
    ca_file: str | None = Field(
        None, description="A file of certificates in PEM: the only authorities that are believed."
    )
    base_url: str
    rate: float | None = None
    concurrency: int = 8
    timeout: Duration = 30.0
    paused: bool = False
    lookup_wait: Duration = 10.0

    @field_validator("base_url", "auth_url", check_fields=False)
    @classmethod
    def _may_be_called(cls, url: str, info: ValidationInfo) -> str:
        if told := refusal(url, private=bool(info.data.get("allow_private"))):
            raise ValueError(told)
        return url
