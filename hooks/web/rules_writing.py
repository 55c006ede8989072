"""The part of the admin API for editors of the rules file: its text, its schema, its picture, and trying a draft."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import RulesDraft, RulesWriting
from hooks.web.bodies import ExplainDraft
from hooks.web.engine_shapes import Checked, DraftExplained, RulesSchema, RulesTexts
from hooks.web.json_bodies import json_answer, sent
from hooks.web.openapi import Endpoint

_API = "/api/v1/rules"
SVG = "image/svg+xml"


class RulesWritingApi:
    """The operations, one method each."""

    def __init__(self, writing: RulesWriting) -> None:
        self._writing = writing

    def endpoints(self) -> Sequence[Endpoint]:
        """Further rows for the table of `hooks.web.admin`."""
        return (
            Endpoint("GET", f"{_API}/text", self.text, "The texts of the rules in force", answer=RulesTexts),
            Endpoint("GET", f"{_API}/schema", self.schema, "The JSON Schema of a rules file", answer=RulesSchema),
            Endpoint("GET", f"{_API}/diagram", self.diagram, "The rules as a picture", media_type=SVG, problems=(404,)),
            Endpoint(
                "POST",
                f"{_API}/explain",
                self.try_on,
                "Which rules of a draft would match an event, and why",
                body=ExplainDraft,
                problems=(404, 409, 422, 503),
                answer=DraftExplained,
                refusal=Checked,
            ),
        )

    async def text(self, request: Request) -> Response:
        return json_answer({"files": dict(self._writing.texts())})

    async def schema(self, request: Request) -> Response:
        text = await self._writing.schema()
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        return Response(text, media_type="application/json", headers={"etag": tag})

    async def diagram(self, request: Request) -> Response:
        drawn = await self._writing.diagram()
        if drawn is None:
            raise HTTPException(404)
        return Response(drawn, media_type=SVG)

    async def try_on(self, request: Request) -> Response:
        body = await sent(request, ExplainDraft)
        told = await self._writing.try_on(RulesDraft(body.text, body.files), body.event)
        if told is None:
            raise HTTPException(404)
        return json_answer(told, 200 if told["ok"] else 422)
