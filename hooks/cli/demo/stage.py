"""The stage of the demo: stand-ins for the vendors on one free port, a real server on two others, a folder of its own.

The server is `hooks serve` in a process of its own, over real sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hooks.cli.reader import Server, find_server
from hooks.cli.sandboxes import credentials, sandboxes, together
from hooks.cli.wire import Unreachable, call
from hooks.errors import HooksError
from hooks.settings import Settings, child_environment

if TYPE_CHECKING:
    from hooks.web.listener import Listener

_START_SECONDS = 30.0
_WRITTEN_PORT = "http://127.0.0.1:9099/"
_INBOUND = ("SUMMIT_SIGNING_SECRET", "HARBOR_SIGNING_SECRET", "LEADS_KEY", "LAWN_KEY")


class StageFailed(HooksError):
    """The demo's server did not start."""


class Stage:
    """All parts of the demo that run. Enter it to start them; leaving it stops them and removes the folder."""

    def __init__(self, rules: Path) -> None:
        self._rules = rules
        self._folder = tempfile.TemporaryDirectory(prefix="hooks-demo-")
        self._listener: Listener | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._server: Server | None = None
        self.secrets = {name: secrets.token_urlsafe(32) for name in _INBOUND}

    @property
    def folder(self) -> Path:
        return Path(self._folder.name)

    @property
    def server(self) -> Server:
        """The running server."""
        assert self._server is not None, "the stage was not entered"
        return self._server

    @property
    def sandbox_address(self) -> str:
        assert self._listener is not None, "the stage was not entered"
        return f"http://127.0.0.1:{self._listener.port}"

    async def __aenter__(self) -> Self:
        try:
            await self._start_sandboxes()
            await self._start_server()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop the server as an operator does, then the sandboxes, and remove the folder."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it may have ended between the two lines
                self._process.terminate()
            await self._process.wait()
        if self._listener is not None:
            await self._listener.stop(grace=1.0)
        self._folder.cleanup()

    async def _start_sandboxes(self) -> None:
        from hooks.web.listener import Listener

        self._listener = Listener(together(sandboxes()), port=0)
        await self._listener.start()

    async def sandbox(self, method: str, vendor: str, control: str, value: object = None) -> Any:
        """Use a control of a vendor's sandbox: ``records``, ``faults``."""
        body = None if value is None else json.dumps(value).encode()
        url = f"{self.sandbox_address}/{vendor}/_sandbox/{control}"
        return (await asyncio.to_thread(call, method, url, body=body)).json()

    async def _start_server(self) -> None:
        rules = self.folder / "routes.yaml"
        text = self._rules.read_text(encoding="utf-8")
        rules.write_text(text.replace(_WRITTEN_PORT, f"{self.sandbox_address}/"), encoding="utf-8")
        kept = self.folder / "secrets"
        kept.mkdir(mode=0o700)
        for name, value in {**self.secrets, **_accounts()}.items():
            (kept / name).write_text(value, encoding="utf-8")
        log = self.folder / "server.log"
        data = self.folder / "data"
        with log.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "hooks", "serve", "--routes", str(rules), "--data", str(data)),
                *("--port", "0", "--admin", "127.0.0.1:0"),
                env=child_environment(HOOKS_SECRETS=str(kept), HOOKS_DURABILITY="relaxed", HOOKS_FREE_SPACE="0"),
                stdout=output,
                stderr=output,
            )
        settings = Settings(routes=rules, data=data)
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while self._server is None:
            if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise StageFailed(f"the demo's server did not start:\n{log.read_text(errors='replace')[-4000:]}")
            await asyncio.sleep(0.05)
            found = await asyncio.to_thread(find_server, settings)
            if found is not None and await asyncio.to_thread(_ready, found):
                self._server = found


def _accounts() -> Mapping[str, str]:
    """The secrets of the demo's connections: what signs in at the sandboxes."""
    known = {name: credentials(name) for name in ("homebase360", "servicetitan", "jobcloser")}
    return {
        "HOMEBASE360_API_KEY": known["homebase360"]["api_key"],
        "ST_APP_KEY": known["servicetitan"]["app_key"],
        "ST_CLIENT_ID": known["servicetitan"]["client_id"],
        "ST_CLIENT_SECRET": known["servicetitan"]["client_secret"],
        "JOBCLOSER_KEY": known["jobcloser"]["key"],
    }


def _ready(server: Server) -> bool:
    try:
        return call("GET", f"{server.inbox}/readyz", timeout=5).status == 200
    except Unreachable:
        return False
