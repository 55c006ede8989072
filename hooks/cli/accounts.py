"""Connections of the rules file, as commands open them: for a look, a test, or a subscription."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hooks.cli.loading import catalogue
from hooks.cli.output import plain, wrong_use
from hooks.ports import Call, Client, Vendor
from hooks.rules.ruleset import ConnectionConfig, RuleSet

SECONDS = 60.0


def pick_connection(rules: RuleSet, name: str | None, vendor: str | None = None) -> ConnectionConfig:
    """The connection of this name; without one, the only one of the vendor. Ends the command when that is not one."""
    known = ", ".join(sorted(rules.connections)) or "none"
    if name is not None:
        found = rules.connections.get(name)
        if found is None:
            raise wrong_use(f"there is no connection {plain(name)!r} in the rules file: it has {known}")
        if vendor not in (None, found.vendor):
            raise wrong_use(f"the connection {name} is one of {found.vendor}, not of {vendor}")
        return found
    fitting = [one for one in rules.connections.values() if vendor in (None, one.vendor) and not one.built_in]
    if len(fitting) != 1:
        which = ", ".join(one.name for one in fitting) or "the rules file has none of that vendor"
        raise wrong_use(f"say which connection with --connection: {which}")
    return fitting[0]


def vendor_of(connection: ConnectionConfig) -> Vendor:
    """The vendor of a connection."""
    return catalogue()[connection.vendor]


@asynccontextmanager
async def opened(connection: ConnectionConfig) -> AsyncIterator[Client]:
    """The connection, open inside. Nothing is sent by opening it."""
    connect = vendor_of(connection).connect
    assert connect is not None, "the loader refuses connections of vendors that have none"
    client = connect(connection.name, connection.settings)
    try:
        yield client
    finally:
        await client.aclose()


async def carry_out(connection: ConnectionConfig, action: str, **inputs: Any) -> Any:
    """The output of one action of the connection's vendor. Raises DeliveryError."""
    row = vendor_of(connection).action(action)
    assert row is not None, f"{connection.vendor} has no action {action}"
    async with opened(connection) as client:
        request = row.render(inputs, connection.settings)
        done = await row.send(client, Call(inputs, f"hooks-{action}", SECONDS, request=request))
    return done.output
