"""Who changed what, and when."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from hooks.ports.history import Page

ChangeOutcome = Literal["begun", "done", "refused", "failed"]
"""``begun``: the server ended before it could say how it went. ``refused``: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that somebody had the server do. ``who`` is the name that was given, "" where none was.

    ``via`` is where it was asked: ``console``, ``cli``, ``api``, or ``file`` for an edited rules file. ``what`` names
    it, ``runs.retry``, and ``target`` the run, event, connection or person it was done to. ``before`` and ``after``
    say in a few words how that stood; neither ever holds what a vendor sent.
    """

    id: str
    at: datetime
    who: str
    via: Literal["console", "cli", "api", "file"]
    what: str
    target: str = ""
    before: str | None = None
    after: str | None = None
    outcome: ChangeOutcome = "begun"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which changes to list. What is None does not narrow; as in `EventFilter`."""

    what: str | None = None
    target: str | None = None
    who: str | None = None
    since: datetime | None = None
    cursor: str | None = None
    limit: int = 50


class Audit(Protocol):
    """The list of changes: kept for good, and never changed but by how a change ended."""

    def during(self, change: Change) -> AbstractContextManager[None]:
        """While inside, the first transaction that changes something also keeps this change, as ``begun``."""
        ...

    async def keep(self, change: Change) -> None:
        """Keep a change, or how the one of this id ended."""
        ...

    async def changes(self, filter: AuditFilter) -> Page:
        """``{id, at, who, via, what, target, before, after, outcome}``, newest first."""
        ...
