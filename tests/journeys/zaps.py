"""Zaps as Zapier switches them on and off, for journeys."""

from __future__ import annotations

from typing import Any

import httpx

from tests.journeys.world import LEADS_KEY, World

KEY = {"X-Api-Key": LEADS_KEY}
SIGNED = 'hcp: {vendor: housecall_pro, signing_secret: "${secret.HCP_SIGNING_SECRET}"}'
RULES = """\
version: 1
sources:
  %s
  leads:
    vendor: zapier
    key: "${secret.LEADS_KEY}"
    hooks: {events: ["job.*", lead.created], hosts: ["HOST"]%s}
rules: []
"""


async def serve(world: World, more: str = "") -> None:
    host = world.sandbox_url.removeprefix("http://")
    await world.serve((RULES % (SIGNED, more)).replace("HOST", host))


class Zap:
    """A Zap as Zapier switches it on and off, whose address is at the sandbox."""

    def __init__(self, world: World, name: str = "maya", event: str = "job.completed") -> None:
        self.world, self.name, self.event = world, name, event
        self.url = f"{world.sandbox_url}/zapier/hooks/standard/77/{name}/"
        self.id = ""

    async def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] = KEY) -> httpx.Response:
        address = f"{self.world.inbox}/in/leads{path}"
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            return await client.request(method, address, json=body, headers=headers)

    async def on(self, **fields: Any) -> httpx.Response:
        answer = await self.ask("POST", "/hooks", {"hookUrl": self.url, "event": self.event, **fields})
        if answer.status_code == 201:
            self.id = answer.json()["id"]
        return answer

    async def off(self) -> httpx.Response:
        return await self.ask("DELETE", f"/hooks/{self.id}")

    def told(self) -> list[Any]:
        return [one["data"] for one in self.world.records("zapier", "caught") if one["hook"] == self.name]
