"""What the admin's door may ask of the running engine, by subject."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from hooks.ports.history import RunFilter, Span
from hooks.ports.steering import Edit, ReplayMode, ReplaySelection, ResolutionOutcome, RunsAct


@dataclass(frozen=True, slots=True)
class RulesDraft:
    """Rules as somebody would have them on disk: the main file's text, and those of ``files`` that it includes.

    ``files`` are named as in `RulesWriting.texts`; what is not among them stays as it is in force.
    """

    text: str
    files: Mapping[str, str] = field(default_factory=dict)


class Desk(Protocol):
    """What the admin API can ask of the running engine. All results are ready for JSON."""

    def ready(self) -> bool:
        """Whether this server takes and carries out events now."""
        ...

    def rules(self) -> Sequence[Mapping[str, Any]]:
        """The loaded rules in the order of the file: ``{id, description, event, source, enabled, mode, ...}``."""
        ...

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """``{name, vendor, path, last_received_at, quiet, ...}``, without secrets."""
        ...

    def connections(self) -> Sequence[Mapping[str, Any]]:
        """``{name, vendor, base_url, paused, ...}``, without secrets."""
        ...

    async def vendors(self) -> Sequence[Mapping[str, Any]]:
        """As ``hooks vendors --json``: ``{vendor, actions: [...], events: [...]}``."""
        ...

    async def reload(self) -> Mapping[str, Any]:
        """Load the rule file again, all or nothing: ``{"ok": bool, "findings": [...], ...}``."""
        ...

    async def check(self, draft: RulesDraft) -> Mapping[str, Any]:
        """What loading these rules would say: ``{"ok": bool, "findings": [...]}``. Changes nothing."""
        ...

    async def explain(self, event_id: str) -> Mapping[str, Any] | None:
        """Which rules match the event and why, as ``hooks explain --json``; None when there is no such event."""
        ...

    async def retry(self, run_id: str) -> Mapping[str, Any] | None:
        """Try a failed or held run again now: the run, or None when there is none. Raises Conflict."""
        ...

    async def cancel(self, run_id: str) -> Mapping[str, Any] | None:
        """Give a run up that has not ended: the run, or None when there is none. Raises Conflict."""
        ...

    def subscribers(self) -> Sequence[Mapping[str, Any]]:
        """Who outside is told of events: ``{id, source, event, host, created_at, expires_at}``, oldest first."""
        ...

    async def unsubscribe(self, id: str) -> Mapping[str, Any] | None:
        """Tell a subscriber no more: ``{id, ended: true}``, or None when there is none."""
        ...

    async def test_connection(self, name: str) -> Mapping[str, Any] | None:
        """Ask the connection's vendor one harmless question: ``{connection, vendor, base_url, result: ok | failed |
        skipped, asked, status, duration_ms, problem, mend}``, or None when there is no such connection."""
        ...


class Upkeep(Protocol):
    """What keeps a server's database in order, as the admin API asks it. All results are ready for JSON."""

    async def prune(self, older_than: float | None, start: str | None, dry_run: bool) -> Mapping[str, Any]:
        """Delete what ended so many seconds ago (None: what is set), for a second or two, from where ``start`` says.

        ``{"events", "runs", "receipts", "keys", "kept", "next"}``: how many, and where to go on, None at the end.
        Raises Conflict when nothing says how old.
        """
        ...

    def health(self) -> Mapping[str, Any]:
        """``{"status": "green" | "yellow" | "red", "ready", "findings": [{"level", "what", "mend"}], "clock"}``."""
        ...

    async def backup(self) -> Mapping[str, Any]:
        """Copy the database as it is now: ``{"file", "at", "bytes"}``. Raises Conflict, StoreError."""
        ...


class RulesDesk(Protocol):
    """What the admin API can ask about the rules and their history. All results are ready for JSON.

    What changes the rules gives ``{"ok": true, "number", "version", "rules", "findings": warnings, "set_aside": [paths
    of files that were never in force and stood in the way]}``, or ``{"ok": false, "findings": [...]}`` and changes
    nothing; it raises Conflict when other rules are in force than the caller has seen (``expected``).
    """

    def state(self) -> Mapping[str, Any]:
        """The rule file and what of it is in force: ``{path, ok, findings, number, version, rules, loaded_at}``."""
        ...

    def figures(self) -> Mapping[str, int]:
        """For stats and metrics: ``rules_in_force``, ``rules_number`` and ``rules_file_errors``."""
        ...

    async def versions(self, before: int | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """As `RuleRecords.versions`."""
        ...

    async def version(self, number: int, against: int | None) -> Mapping[str, Any] | None:
        """As `RuleRecords.version`, with ``diff``: how its texts differ from ``against``, else the version before."""
        ...

    async def publish(self, draft: RulesDraft, edit: Edit, expected: str | None) -> Mapping[str, Any]:
        """Write each text in its file's place and put them in force, all or nothing."""
        ...

    async def rollback(self, number: int, edit: Edit, expected: str | None) -> Mapping[str, Any] | None:
        """Write an earlier version back and put it in force as the newest; None when there is none of this number."""
        ...

    async def backtest(self, draft: RulesDraft, span: Span, rule: str | None) -> Mapping[str, Any]:
        """Take stored events through the rules in force and through this draft, and compare; sends nothing.

        ``{"ok": true}`` with the result of ``hooks backtest --json`` and ``looked_at``, ``of`` (how many events there
        are) and ``complete``; or ``{"ok": false, "findings": [...]}``. One at a time: raises Conflict.
        """
        ...

    async def shadow_report(
        self, rule: str | None, against: str | None, since: datetime | None
    ) -> Mapping[str, Any] | None:
        """What rules in shadow would have done: ``{"rules": [{rule, against, summary, open, events}], "truncated"}``.

        Without ``rule`` all that are in shadow now. None when there is no rule in shadow of this name.
        """
        ...


class RulesWriting(Protocol):
    """What an editor of rules asks, beside `RulesDesk`. All results are ready for JSON."""

    def texts(self) -> Mapping[str, str]:
        """The texts in force by file name, the main file first; while none is, what the main file says on disk."""
        ...

    async def diagram(self) -> str | None:
        """The rules in force as a picture (SVG), None while there are none."""
        ...

    async def sentences(self, ids: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """These of the rules in force in plain sentences: ``{id, sentences, steps, ...}``."""
        ...

    async def schema(self) -> str:
        """The JSON Schema of the file, as text."""
        ...

    async def try_on(self, draft: RulesDraft, event_id: str) -> Mapping[str, Any] | None:
        """`Desk.explain` by the rules of this draft: ``{"ok": true, "explained"}`` or ``{"ok": false, "findings"}``."""
        ...


class DeliveryDesk(Protocol):
    """How people steer what goes out. All results are ready for JSON; None means that there is no such thing."""

    async def pause(self, name: str, reason: str | None) -> Mapping[str, Any] | None:
        """Hold all runs of a connection until `resume`, restarts included: the connection."""
        ...

    async def resume(self, name: str, drain_rate: float | None) -> Mapping[str, Any] | None:
        """Let them go on, oldest first, at most ``drain_rate`` a second: the connection. Raises Conflict."""
        ...

    async def resolve(self, run_id: str, outcome: ResolutionOutcome, output: Any) -> Mapping[str, Any] | None:
        """What became of a step whose outcome is unknown: the run. Raises Conflict."""
        ...

    async def replay(
        self, selection: ReplaySelection, mode: ReplayMode, *, dry_run: bool, after: str | None, limit: int
    ) -> Mapping[str, Any]:
        """Carry events out once more, or say what that would do.

        ``{"mode", "dry_run", "events", "make", "retry", "nothing", "made", "items": [{"event", "rule", "action",
        "run", "replay_of", "why"}], "forecast": [{"connection", "requests", "rate", "seconds",
        "seconds_when_busy"}], "next"}``. Raises Conflict when no rules are loaded, UnknownName for a rule or a source
        that there is not and has not been.
        """
        ...

    async def each(self, act: RunsAct, chosen: Sequence[str] | RunFilter, *, dry_run: bool) -> Mapping[str, Any]:
        """Let many runs go on or give them up, each as `Desk` does one, or say what that would do.

        ``chosen`` are ids, or the runs of one page of such a list. ``{"act", "dry_run", "runs", "done", "refused",
        "items": [{"run", "rule", "event", "state", "done", "why"}], "next"}``. Raises UnknownName for a list that is
        empty because no rule or connection has that name.
        """
        ...

    async def reconcile(self, connection: str | None, *, mend: bool, limit: int) -> Mapping[str, Any]:
        """Ask the vendors about every outcome that is unknown. ``mend`` adopts what is found.

        ``{"items": [{"run", "step", "action", "connection", "state", "found", "mended", "why"}], "found", "mended"}``.
        Raises UnknownName for a connection that there is not.
        """
        ...
