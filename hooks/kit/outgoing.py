"""Deliver: connections to checked addresses only, so that no name can lead a call to where it must not go.

A host's name is resolved here, every address it has is judged (`hooks.addresses`), and the connection goes to one of
those that passed: what the name resolves to a moment later does not matter. TLS still checks the certificate against
the name. Checked addresses are kept for half a minute, and asked for again when none of them answers.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from importlib.util import find_spec
from typing import Any, Final

import httpcore
import httpx

from hooks.addresses import allowed, reach_of, sentence
from hooks.errors import Unconfigured

if find_spec("sniffio") is None:
    # httpcore imports it several times in every call, to learn that it runs on asyncio. Python looks for a module that
    # is not there anew each time, in all folders, which took as long as all the rest of a call; this says so once.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, best first. Raises OSError when it has none."""

KEEP_SECONDS: Final = 30.0
MAX_ADDRESSES: Final = 6


async def resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


_STREAM: Final = 1  # socket.SOCK_STREAM


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to hosts by their checked addresses. Raises Unconfigured when a host has none that may be called."""

    def __init__(self, *, private: bool, resolve: Resolve) -> None:
        self._private = private
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()
        self._checked: dict[tuple[str, int], tuple[float, list[str]]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        until = None if timeout is None else time.monotonic() + timeout
        addresses = await self._addresses(host, port, timeout)
        failure: Exception = httpcore.ConnectError("it has no address")
        for number, address in enumerate(addresses):
            # An address that does not answer leaves time for the others.
            left = None if until is None else max(0.001, (until - time.monotonic()) / (len(addresses) - number))
            try:
                return await self._inner.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        self._checked.pop((host, port), None)
        raise failure

    async def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        kept = self._checked.get((host, port))
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        found = self._passed(host, await self._found(host, port, timeout))
        self._checked[host, port] = (time.monotonic() + KEEP_SECONDS, found)
        return found

    async def _found(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            reach_of(host)
        except ValueError:
            pass
        else:
            return [host]
        try:
            async with asyncio.timeout(timeout):
                return await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("its name is not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("its name cannot be resolved") from error

    def _passed(self, host: str, found: list[str]) -> list[str]:
        reaches = {address: reach_of(address) for address in found}
        fit = allowed(host, private=self._private)
        passed = [address for address, reach in reaches.items() if reach in fit][:MAX_ADDRESSES]
        if found and not passed:
            address, reach = next(iter(reaches.items()))
            told = sentence(address, reach)
            raise Unconfigured(told if address == host else f"{host} resolves to {address}: {told}")
        return passed

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("calls go over the network only")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class CheckedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport on a pool that connects by a `CheckedNetwork`: httpx hands no network backend through."""

    def __init__(self, network: CheckedNetwork, tls: ssl.SSLContext, *, connections: int, keep_alive: float) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=keep_alive,
            network_backend=network,
        )
