"""A proxy between servers and their database: it drops connections, swallows what is said, or leads elsewhere."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from pathlib import Path


class Proxy:
    """Leads from a TCP port of this machine to a PostgreSQL's socket. Use it with ``async with``."""

    def __init__(self, sockets: Path) -> None:
        self.target = sockets / ".s.PGSQL.5432"
        self.port = 0
        self.connections = 0
        """Made since the start."""
        self.starting = 0
        """So many connections from now on are told that the database is starting up."""
        self._open = asyncio.Event()
        self._open.set()
        self._refusing = False
        self._ways: set[asyncio.StreamWriter] = set()
        self._leading: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._come, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None, "it was entered"
        self._open.set()
        self._server.close()
        self.reset()
        if self._leading:
            await asyncio.wait(self._leading)

    def dsn(self, direct: str) -> str:
        """The address that leads to the same database through here."""
        return f"postgresql://hooks@127.0.0.1:{self.port}/{direct.partition('?')[0].rpartition('/')[2]}"

    def reset(self) -> None:
        """Drop every connection as it is, in the middle of whatever is said on it."""
        for writer in list(self._ways):
            writer.transport.abort()

    def swallow(self) -> None:
        """From now on nothing comes through, in either direction, and nobody is told."""
        self._open.clear()

    def refuse(self) -> None:
        """Drop what there is, and every connection that is made from now on."""
        self._refusing = True
        self.reset()

    def lead(self, sockets: Path | None = None) -> None:
        """Let through again, to another server if one is named; what was swallowed stays so."""
        if sockets is not None:
            self.target = sockets / ".s.PGSQL.5432"
        self.reset()
        self._refusing = False
        self._open.set()

    def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._led(reader, writer))
        self._leading.add(task)
        task.add_done_callback(self._leading.discard)

    async def _led(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        ours = {writer}
        self._ways.add(writer)
        try:
            await self._open.wait()
            if self._refusing or writer.is_closing():
                return
            if self.starting:
                self.starting -= 1
                await _put_off(reader, writer)
                return
            back, forth = await asyncio.open_unix_connection(str(self.target))
            ours.add(forth)
            self._ways.add(forth)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, forth))
                group.create_task(self._pass(back, writer))
        except* OSError:
            pass
        finally:
            for way in ours:
                way.transport.abort()
                self._ways.discard(way)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(65536):
            await self._open.wait()
            with suppress(ConnectionError):
                writer.write(said)
                await writer.drain()
        raise ConnectionResetError


ENCRYPTION = (80877103, 80877104)
"""What a client asks first, in place of a version: may it speak TLS, or GSSAPI?"""


async def _put_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a PostgreSQL does that reads its log after a crash."""
    while True:
        size, asked = struct.unpack("!II", await reader.readexactly(8))
        await reader.readexactly(size - 8)
        if asked not in ENCRYPTION:
            break
        writer.write(b"N")
    fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
    writer.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
    writer.write_eof()
    await reader.read()
