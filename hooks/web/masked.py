"""Fields that the operator chose to hide (``HOOKS_MASKED``): in every list and in the stream for everybody, and in
whatever a token that may only read is shown. Whoever may act sees them where he opens one record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from hooks.ports import EventFilter, Heard, History, Page, ReceiptFilter, RunFilter

HIDDEN = "***"

reads_only: ContextVar[bool] = ContextVar("reads_only", default=False)
"""Whether whoever asks may only read; set by the guard for each request."""


class Masking:
    """Replaces the values of fields of these names, at any depth, in any style (``lastName``, ``last_name``).

    With a part of a name goes ``display_name``, which is made of the parts.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        plain = {_plain(field) for field in fields}
        self._fields = frozenset(plain | ({"displayname"} if plain & {"firstname", "lastname"} else set()))

    def covers(self, name: str) -> bool:
        """Whether a field of this name, or the field that a path ends in, is hidden; a plural is too."""
        last = _plain(re.sub(r"\[\d+\]", "", name).rpartition(".")[2])
        return bool(self._fields) and (last in self._fields or last.removesuffix("s") in self._fields)

    def of(self, value: Any) -> Any:
        """The value with what is hidden replaced; what is empty stays, and so does the number of items."""
        if isinstance(value, Mapping):
            return {
                name: self._hidden(below) if self.covers(str(name)) else self.of(below) for name, below in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.of(below) for below in value]
        return value

    def body(self, body: Any) -> Any:
        """A body as it was on the wire: JSON text, else nothing of it, because its fields cannot be told apart."""
        if not self._fields or body is None or body == "":
            return body
        if not isinstance(body, str):
            return self.of(body)
        try:
            return json.dumps(self.of(json.loads(body)), ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            return HIDDEN

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event, listed or in full: what was sent, and what its runs sent."""
        shown = {**event, **{name: self.of(event[name]) for name in ("data", "raw") if name in event}}
        return {**shown, "runs": [self.run(run) for run in event["runs"]]}

    def run(self, run: Mapping[str, Any]) -> dict[str, Any]:
        shown = {**run, **({"about": self.of(run["about"])} if "about" in run else {})}
        return {**shown, "steps": [self._step(step) for step in run["steps"]]} if "steps" in run else shown

    def explained(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """An explanation, as whoever asks may see it: values stand by their paths, and hints may hold them."""
        if not self._fields or not reads_only.get():
            return told
        rules = []
        for rule in told["rules"]:
            clauses = [
                {
                    **clause,
                    "values": self._read(clause.get("values") or {}),
                    "hint": None,
                }
                for clause in rule["clauses"]
            ]
            timing = [{**each, "by": self._read(each["by"])} for each in rule.get("timing") or ()]
            requests = [
                {**each, "url": each.get("url") and self._url(each["url"]), "body": self.body(each.get("body"))}
                for each in rule["requests"]
            ]
            rules.append({**rule, "clauses": clauses, "timing": timing, "requests": requests})
        return {**told, "event": {**told["event"], "data": self.of(told["event"].get("data"))}, "rules": rules}

    def _read(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by the expressions that they come from, hidden where one of these names a hidden field."""
        return {
            text: self._hidden(value)
            if any(self.covers(part) for part in re.findall(r"'[^']*'|\"[^\"]*\"|\w+", text))
            else self.of(value)
            for text, value in values.items()
        }

    def _step(self, step: Mapping[str, Any]) -> dict[str, Any]:
        attempts = [
            {
                **attempt,
                "exchanges": [
                    {
                        **each,
                        "url": self._url(each["url"]),
                        "request": self.body(each.get("request")),
                        "answer": self.body(each.get("answer")),
                    }
                    for each in attempt["exchanges"]
                ],
            }
            for attempt in step["attempts"]
        ]
        request = step["request"]
        if request is not None:
            request = {**request, "url": self._url(request["url"]), "body": self.body(request["body"])}
        return {**step, "request": request, "output": self.of(step["output"]), "attempts": attempts}

    def _url(self, url: str) -> str:
        address, mark, query = url.partition("?")
        pairs = [(name, HIDDEN if self.covers(name) else value) for name, value in parse_qsl(query, True)]
        return address + mark + urlencode(pairs, safe="*")

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._hidden(below) for name, below in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._hidden(below) for below in value]
        return value if value is None or value == "" or isinstance(value, bool) else HIDDEN


class MaskedHistory:
    """A history with fields hidden where they are to be."""

    def __init__(self, history: History, masking: Masking) -> None:
        self._history = history
        self._masking = masking

    async def events(self, filter: EventFilter) -> Page:
        page = await self._history.events(filter)
        return replace(page, items=[self._masking.event(item) for item in page.items])

    async def event(self, event_id: str) -> Mapping[str, Any] | None:
        event = await self._history.event(event_id)
        return event if event is None or not reads_only.get() else self._masking.event(event)

    async def runs(self, filter: RunFilter) -> Page:
        page = await self._history.runs(filter)
        return replace(page, items=[self._masking.run(item) for item in page.items])

    async def run(self, run_id: str) -> Mapping[str, Any] | None:
        run = await self._history.run(run_id)
        return run if run is None or not reads_only.get() else self._masking.run(run)

    async def receipts(self, filter: ReceiptFilter) -> Page:
        page = await self._history.receipts(filter)
        return replace(page, items=[self._receipt(item) for item in page.items])

    async def receipt(self, receipt_id: str) -> Mapping[str, Any] | None:
        receipt = await self._history.receipt(receipt_id)
        return receipt if receipt is None or not reads_only.get() else self._receipt(receipt)

    async def traffic(self, since: datetime) -> Sequence[tuple[datetime, str, str, int]]:
        return await self._history.traffic(since)

    async def heard(self, sources: Collection[str]) -> Mapping[str, Heard]:
        return await self._history.heard(sources)

    async def stats(self) -> Mapping[str, Any]:
        return await self._history.stats()

    def _receipt(self, receipt: Mapping[str, Any]) -> Mapping[str, Any]:
        query = [[name, HIDDEN if self._masking.covers(name) else value] for name, value in receipt.get("query", ())]
        return {**receipt, "query": query}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_: type[History] = MaskedHistory
