"""Deliver: whether a connection works, found out by one harmless call: its address, its credentials, its rights.

What is wrong is told with how to mend it. No answer of a vendor is kept: it may hold people's data.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, SecretStr

from hooks.errors import DeliveryError, Permanent, SettingsError, Unconfigured
from hooks.ports import Call, ConnectionSettings, Vendor

SECONDS = 20.0
"""For one connection: a token and a call."""

Result = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Probed:
    """What became of testing a connection. ``problem`` and ``mend`` are sentences; "" where nothing is wrong."""

    connection: str
    vendor: str
    base_url: str
    result: Result
    asked: str = ""
    status: int | None = None
    duration_ms: int = 0
    problem: str = ""
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "connection": self.connection,
            "vendor": self.vendor,
            "base_url": self.base_url,
            "result": self.result,
            "asked": self.asked or None,
            "status": self.status,
            "duration_ms": self.duration_ms,
            "problem": self.problem or None,
            "mend": self.mend or None,
        }


async def probe(name: str, vendor: Vendor, settings: ConnectionSettings, *, timeout: float = SECONDS) -> Probed:
    """Open the connection, make its vendor's test call, close it. Raises nothing that a vendor can cause."""

    def outcome(result: Result, **found: Any) -> Probed:
        return Probed(name, vendor.name, settings.base_url, result, **found)

    row = vendor.probe
    action = None if row is None else vendor.action(row.action)
    if row is None or action is None or vendor.connect is None:
        return outcome("skipped", problem=f"{vendor.title} has no harmless call to test with", mend="")
    inputs: dict[str, Any] = dict(row.inputs)
    for field, key in row.given.items():
        inputs[field] = getattr(settings, key)
        if inputs[field] is None:
            return outcome(
                "skipped",
                problem="nothing was sent: no path is known that may be asked",
                mend=f"set `{key}` of connections.{name} to a path that GET may be sent to",
            )
    began = time.monotonic()
    asked = ""

    def took() -> int:
        return round((time.monotonic() - began) * 1000)

    try:
        client = vendor.connect(name, settings)
    except SettingsError as error:
        return outcome("failed", problem=str(error), mend=f"mend connections.{name}")
    try:
        request = action.render(inputs, settings)
        asked = f"{request.method} {client.url(request)}"
        async with asyncio.timeout(1.25 * timeout):  # a client keeps the deadline itself; this is for one that does not
            await action.send(client, Call(inputs, f"probe-{name}", timeout, request=request))
    except (DeliveryError, TimeoutError) as error:
        problem = error.message if isinstance(error, DeliveryError) else f"no answer within {timeout:g} s"
        status = error.status if isinstance(error, DeliveryError) else None
        return outcome(
            "failed",
            asked=asked,
            status=status,
            duration_ms=took(),
            problem=problem,
            mend=_mend(name, vendor, settings, error),
        )
    finally:
        await client.aclose()
    return outcome("ok", asked=asked, duration_ms=took())


async def probe_all(connections: Mapping[str, tuple[Vendor, ConnectionSettings]]) -> list[Probed]:
    """All of them, at once, in their order."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(probe(name, vendor, settings)) for name, (vendor, settings) in connections.items()]
    return [task.result() for task in started]


def _mend(name: str, vendor: Vendor, settings: ConnectionSettings, error: Exception) -> str:
    """What the operator can do, from what kind of error it was."""
    status = error.status if isinstance(error, DeliveryError) else None
    keys = ", ".join(f"`{key}`" for key in secret_keys(settings)) or "its keys"
    where = f"of connections.{name}"
    addresses = " and ".join(f"`{key}`" for key in address_keys(settings))
    if status == 403:
        return f"the credentials are known but may not make this call: give the account that right at {vendor.title}"
    if status is not None and (status in (404, 405) or 300 <= status < 400):
        return f"check {addresses} {where}: something answers there, but not this API"
    if isinstance(error, Unconfigured):
        return f"check {keys} {where}: the value, and that it belongs to this address"
    if isinstance(error, Permanent):
        return f"check {keys} and {addresses} {where}"
    if status is not None and (status == 429 or status >= 500):
        return f"{vendor.title} has trouble or turns calls away: test again later; runs are tried again by themselves"
    if status is not None:
        return f"check {addresses} {where}: something answers there, but not this API"
    return f"check {addresses} {where}, and that this machine may reach it (name, port, firewall, proxy)"


def address_keys(settings: BaseModel) -> list[str]:
    """The keys of a connection that hold addresses, also inside its parts (``auth.token_url``), and that are set."""
    found: list[str] = []
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            found += [f"{name}.{key}" for key in address_keys(value)]
        elif name.endswith("_url") and isinstance(value, str) and value:
            found.append(name)
    return found


def secret_keys(settings: BaseModel) -> list[str]:
    """The keys of a connection that hold secrets, also inside their parts, and that are set."""
    found: list[str] = []
    for name, field in type(settings).model_fields.items():
        kinds = _kinds(field.annotation)
        nested = any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds)
        if (SecretStr in kinds or nested) and getattr(settings, name):
            found.append(name)
    return found


def _kinds(annotation: Any) -> set[Any]:
    inner = get_args(annotation)
    return {annotation}.union(*map(_kinds, inner)) if inner else {annotation}
