"""What an editor of rules needs of a running server: texts, picture, sentences, schema, and how a draft would act."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hooks.desk.engine import EngineDesk, event_from_json
from hooks.errors import Conflict
from hooks.ports import Catalogue, History, RulesDraft, RulesWriting
from hooks.rulebook.book import Rulebook
from hooks.rulebook.files import text_of
from hooks.rules.describe import describe_rules
from hooks.rules.diagram import svg
from hooks.rules.explain import explain
from hooks.rules.findings import RulesInvalid
from hooks.rules.schema import routes_schema


class EngineRulesWriting:
    """The editor's desk of one running server."""

    def __init__(self, rulebook: Rulebook, history: History, desk: EngineDesk, catalogue: Catalogue) -> None:
        self._rulebook = rulebook
        self._history = history
        self._desk = desk
        self._catalogue = catalogue
        self._schema: str | None = None

    def texts(self) -> Mapping[str, str]:
        if self._rulebook.in_file is not None:
            return dict(self._rulebook.in_file.texts)
        written = text_of(self._rulebook.path)
        return {} if written is None else {str(self._rulebook.path): written}

    async def diagram(self) -> str | None:
        rules = self._rulebook.in_file
        if rules is None:
            return None
        return await asyncio.to_thread(lambda: svg(describe_rules(rules, self._catalogue)))

    async def sentences(self, ids: Collection[str]) -> Sequence[Mapping[str, Any]]:
        rules = self._rulebook.in_file
        if rules is None:
            return []
        described = await asyncio.to_thread(describe_rules, rules, self._catalogue, ids)
        return list(described["rules"])

    async def schema(self) -> str:
        if self._schema is None:
            made = await asyncio.to_thread(routes_schema, self._catalogue)
            self._schema = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
        return self._schema

    async def try_on(self, draft: RulesDraft, event_id: str) -> Mapping[str, Any] | None:
        stored = await self._history.event(event_id)
        if stored is None:
            return None
        if stored["state"] == "pending":
            raise Conflict("the event has not been read yet")
        try:
            rules = await self._rulebook.read(draft)
        except RulesInvalid as invalid:
            return {"ok": False, "findings": invalid.as_json()}
        return {"ok": True, "explained": explain(rules, event_from_json(stored), url_for=self._desk.url)}


_: type[RulesWriting] = EngineRulesWriting
