"""Connections within this process, on which each request is answered by bytes that were given."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any


class _Pipe(asyncio.Transport):
    """A transport that answers a request with pieces, one in each turn of the loop, and then ends if it ``ends``."""

    def __init__(self, protocol: asyncio.Protocol, pieces: list[bytes], near: socket.socket, *, ends: bool) -> None:
        super().__init__({"socket": near})
        self._protocol = protocol
        self._answer = pieces
        self._pieces: list[bytes] = []
        self._ends = ends
        self._closing = False

    def write(self, data: Any) -> None:
        self._pieces = list(self._answer)
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        if self._closing:
            return
        if self._pieces:
            self._protocol.data_received(self._pieces.pop(0))
            asyncio.get_running_loop().call_soon(self._next)
        elif self._ends:
            self.abort()

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self._closing

    def abort(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)


class PipeNetwork:
    """Connections on which each request is answered by these pieces. They end after the first answer if they ``end``.

    ``near`` is a socket on which nothing ever comes.
    """

    def __init__(self, pieces: list[bytes], near: socket.socket, *, end: bool = True) -> None:
        self._pieces = pieces
        self._near = near
        self._end = end

    async def connect(self, protocol: Callable[[], asyncio.Protocol], *_: object) -> asyncio.Protocol:
        made = protocol()
        made.connection_made(_Pipe(made, self._pieces, self._near, ends=self._end))
        return made
