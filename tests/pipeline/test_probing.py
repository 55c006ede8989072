"""What testing a connection does where the vendor offers nothing, or does not keep to its own deadline."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from hooks.errors import SettingsError
from hooks.events import Done, Request
from hooks.pipeline.probing import probe, probe_all
from hooks.ports import Client, ConnectionSettings, Probe
from hooks.registry import CATALOGUE

HOMEBASE = CATALOGUE["homebase360"]


def settings() -> ConnectionSettings:
    assert HOMEBASE.connection_settings is not None
    return HOMEBASE.connection_settings.model_validate({"base_url": "http://127.0.0.1:1", "api_key": "a-key"})


class Deaf:
    """A client whose vendor never answers, and that forgets its deadline."""

    settings = settings()
    closed = False

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        await asyncio.Event().wait()
        raise AssertionError("nobody answers")

    def url(self, request: Request) -> str:
        return request.path

    async def aclose(self) -> None:
        Deaf.closed = True


async def test_a_vendor_without_a_probe_is_skipped() -> None:
    found = await probe("homebase", replace(HOMEBASE, probe=None), settings())

    assert ("skipped", "") == (found.result, found.asked)
    assert "Homebase360 has no harmless call" in found.problem


async def test_a_client_that_forgets_its_deadline_is_given_up_and_closed() -> None:
    found = await probe("homebase", replace(HOMEBASE, connect=lambda name, _: Deaf()), settings(), timeout=0.2)

    assert ("failed", "GET /ping", None) == (found.result, found.asked, found.status)
    assert "no answer within" in found.problem
    assert Deaf.closed


async def test_a_connection_that_cannot_be_opened_says_why() -> None:
    def connect(name: str, _: Any) -> Client:
        raise SettingsError("base_url is not an address")

    found = await probe("homebase", replace(HOMEBASE, connect=connect), settings())

    assert ("failed", "base_url is not an address") == (found.result, found.problem)
    assert "connections.homebase" in found.mend


async def test_all_are_tried_at_once_and_told_in_their_order() -> None:
    skipped = replace(HOMEBASE, probe=None)
    found = await probe_all({"a": (skipped, settings()), "b": (HOMEBASE, settings()), "c": (skipped, settings())})

    assert [("a", "skipped"), ("b", "failed"), ("c", "skipped")] == [(one.connection, one.result) for one in found]


def test_a_probe_names_an_action_and_its_inputs() -> None:
    assert Probe("ping", {}, {}) == HOMEBASE.probe
