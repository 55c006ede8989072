"""Deliver: connections to checked addresses only, so that no name can lead a call to where it must not go.

A host's name is resolved here, every address it has is judged (`hooks.addresses`), and the connection goes to one of
those that passed: what the name resolves to a moment later does not matter. TLS still checks the certificate against
the name. Checked addresses are kept for half a minute, and asked for again when none of them answers.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import httpx

from hooks.addresses import allowed, reach_of, sentence
from hooks.errors import Unconfigured

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, best first. Raises OSError when it has none."""

KEEP_SECONDS: Final = 30.0
MAX_ADDRESSES: Final = 6

P = TypeVar("P", bound=asyncio.Protocol)


async def resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedNetwork:
    """Connects to hosts by their checked addresses. Raises Unconfigured when a host has none that may be called."""

    def __init__(self, *, private: bool, resolve: Resolve) -> None:
        self._private = private
        self._resolve = resolve
        self._checked: dict[tuple[str, int], tuple[float, list[str]]] = {}

    async def connect(
        self, protocol: Callable[[], P], host: str, port: int, tls: ssl.SSLContext | None, timeout: float
    ) -> P:
        """A protocol of this kind on a new connection. Connecting and the handshake get ``timeout`` seconds each.

        Raises httpx.ConnectError or httpx.ConnectTimeout when there is none: nothing was sent then.
        """
        until = time.monotonic() + timeout
        addresses = await self._addresses(host, port, timeout)
        failure: Exception = httpx.ConnectError("it has no address")
        for number, address in enumerate(addresses):
            # An address that does not answer leaves time for the others.
            left = max(0.001, (until - time.monotonic()) / (len(addresses) - number))
            try:
                reached = await _reached(address, port, left)
            except TimeoutError:
                failure = httpx.ConnectTimeout("")
            except OSError:
                failure = httpx.ConnectError("All connection attempts failed")
            else:
                return await _spoken(reached, protocol, host, tls, timeout)
        self._checked.pop((host, port), None)
        raise failure

    async def _addresses(self, host: str, port: int, timeout: float) -> list[str]:
        kept = self._checked.get((host, port))
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        found = self._passed(host, await self._found(host, port, timeout))
        self._checked[host, port] = (time.monotonic() + KEEP_SECONDS, found)
        return found

    async def _found(self, host: str, port: int, timeout: float) -> list[str]:
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
            raise httpx.ConnectTimeout("its name is not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError("its name cannot be resolved") from error

    def _passed(self, host: str, found: list[str]) -> list[str]:
        reaches = {address: reach_of(address) for address in found}
        fit = allowed(host, private=self._private)
        passed = [address for address, reach in reaches.items() if reach in fit][:MAX_ADDRESSES]
        if found and not passed:
            address, reach = next(iter(reaches.items()))
            told = sentence(address, reach)
            raise Unconfigured(told if address == host else f"{host} resolves to {address}: {told}")
        return passed


async def _reached(address: str, port: int, timeout: float) -> socket.socket:
    """A connected socket. Raises OSError, TimeoutError among them."""
    found = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setblocking(False)
        async with asyncio.timeout(timeout):
            await asyncio.get_running_loop().sock_connect(found, (address, port))
    except BaseException:
        found.close()
        raise
    return found


async def _spoken(
    reached: socket.socket, protocol: Callable[[], P], host: str, tls: ssl.SSLContext | None, timeout: float
) -> P:
    """The protocol on a connected socket, after the handshake where there is one."""
    loop = asyncio.get_running_loop()
    try:
        if tls is None:
            return (await loop.create_connection(protocol, sock=reached))[1]
        # The handshake's own limit, and not a cancellation, ends it: so its transport is closed in good order.
        _, made = await loop.create_connection(
            protocol, sock=reached, ssl=tls, server_hostname=host, ssl_handshake_timeout=timeout
        )
    except (ConnectionAbortedError, TimeoutError) as error:
        raise httpx.ConnectTimeout("") from error
    except OSError as error:  # ssl.SSLError is one
        raise httpx.ConnectError(str(error)) from error
    return made
