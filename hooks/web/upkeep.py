"""The operations of the admin API that keep the database in order, for whoever runs the server."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from hooks.ports import Upkeep
from hooks.values import parse_duration
from hooks.web.engine_shapes import BackupMade, Pruned
from hooks.web.openapi import Endpoint
from hooks.web.parameters import BadParameter, read_query
from hooks.web.problem import JSON, as_json
from hooks.web.shapes import Health

_PRUNE = {
    "older_than": "How long ago it must have ended (30d); what the server was set to if not given.",
    "start": "Where the round before ended: its next.",
    "dry_run": "true: count what would go, and delete nothing.",
}


def upkeep_endpoints(upkeep: Upkeep) -> Sequence[Endpoint]:
    """Further rows for the table of `hooks.web.admin`."""
    api = _Upkeep(upkeep)
    return (
        Endpoint(
            "POST",
            "/api/v1/prune",
            api.prune,
            "Delete what ended long ago",
            query=_PRUNE,
            problems=(409, 422, 503),
            answer=Pruned,
        ),
        Endpoint("GET", "/api/v1/health", api.health, "What is wrong, and what to do about it", answer=Health),
        Endpoint(
            "POST",
            "/api/v1/backups",
            api.backup,
            "Copy the database as it is now",
            problems=(409, 503),
            answer=BackupMade,
            status=201,
        ),
    )


class _Upkeep:
    def __init__(self, upkeep: Upkeep) -> None:
        self._upkeep = upkeep

    async def prune(self, request: Request) -> Response:
        given = read_query(request.query_params, _PRUNE)
        older_than = None
        if "older_than" in given:
            try:
                older_than = parse_duration(given["older_than"])
            except ValueError as error:
                raise BadParameter("older_than", str(error)) from None
        dry_run = given.get("dry_run", "false")
        if dry_run not in ("true", "false"):
            raise BadParameter("dry_run", "it must be true or false")
        report = await self._upkeep.prune(older_than, given.get("start"), dry_run == "true")
        return Response(as_json(report), media_type=JSON.decode())

    async def backup(self, request: Request) -> Response:
        return Response(as_json(await self._upkeep.backup()), 201, media_type=JSON.decode())

    async def health(self, request: Request) -> Response:
        return Response(as_json(self._upkeep.health()), media_type=JSON.decode())
