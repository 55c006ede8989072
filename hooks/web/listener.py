"""A listener: one application on one socket, in the loop that is already running, started and stopped by hand.

It wraps `uvicorn.Server` without its signal handlers, so that several can live in one loop and the program decides
when each stops. `stop` finishes what is in progress before it closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

from hooks.errors import SettingsError
from hooks.web.protocol import Limits, guarded

Application = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


_BACKLOG = 2048
_LOOK = 0.01
"""Seconds between two looks at what is still in progress at the end."""


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves at once when it is told to, where uvicorn looks every tenth of a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self._leaving = asyncio.Event()
        self._grace = 0.0

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals belong to the program."""
        yield

    def leave(self, grace: float) -> None:
        """Accept nothing new, and give what is in progress so many seconds."""
        self._grace = grace
        self.should_exit = True
        self._leaving.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.up.set()

    async def main_loop(self) -> None:
        """Once a second set the date that answers bear, until it is time to leave."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state, now = self.server_state, asyncio.get_running_loop().time
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(state.connections):
            connection.shutdown()
        deadline = now() + self._grace
        while (state.connections or state.tasks) and now() < deadline:  # noqa: ASYNC110  # nobody says when they end
            await asyncio.sleep(_LOOK)
        for task in state.tasks:
            task.cancel()


class Listener:
    """Serves ``app`` at ``host:port``; port 0 takes a free one. Lifespan is not run: the program starts its parts."""

    def __init__(
        self, app: Application, host: str = "127.0.0.1", port: int = 8080, *, limits: Limits | None = None
    ) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._limits = limits or Limits(connections=_room_for_connections())
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def host(self) -> str:
        return self._host

    @property
    def port(self) -> int:
        """The port that is really bound, once started."""
        return self._port

    @property
    def connections(self) -> int:
        """How many are open now."""
        return 0 if self._server is None else len(self._server.server_state.connections)

    async def start(self) -> None:
        """Bind and serve. When this returns, connections are accepted. Raises SettingsError when it cannot bind."""
        bound = _bind(self._host, self._port)
        self._port = int(bound.getsockname()[1])
        config = uvicorn.Config(
            self._app,
            http=guarded(self._limits),
            ws="none",
            loop="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            workers=1,  # else uvicorn looks into the environment
            proxy_headers=False,
            server_header=False,
            date_header=True,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[bound]), name=f"listener {self._port}")
        up = asyncio.create_task(self._server.up.wait())
        await asyncio.wait({self._serving, up}, return_when=asyncio.FIRST_COMPLETED)
        if self._serving.done():  # pragma: no cover  # the socket listens already, so nothing is left that can fail
            up.cancel()
            bound.close()
            self._serving.result()

    async def wait(self) -> None:
        """Return when it has stopped, or raise what broke it."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self, grace: float) -> None:
        """Accept nothing new, answer what is in progress for up to ``grace`` seconds, then cut what is left."""
        server, serving = self._server, self._serving
        if server is None or serving is None:
            return
        server.leave(grace)
        try:
            await asyncio.shield(serving)
        finally:
            for connection in list(server.server_state.connections):
                connection.transport.abort()


def _room_for_connections() -> int:
    """As many as leave this process file handles for its database and for calls to vendors."""
    handles = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        used = len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        used = 64
    return max(8, min(10_000, handles - used - min(256, handles // 4)))


def _bind(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(_BACKLOG)
            bound.setblocking(False)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        raise SettingsError(
            f"cannot listen at {host}:{port}: {error.strerror or error}; "
            "choose another address or port, or stop what has it"
        ) from None
    return bound
