"""Servers under measurement, each a process of its own on a free loopback port."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECRET = "benchmark-signing-secret"

ROUTES = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.BENCH_SECRET}"}
connections:
  sink: {vendor: http, base_url: "http://127.0.0.1:9"}
rules:
  - id: not-this-one
    event: customer.created
    do:
      - action: http.request
        with: {method: POST, path: /, json: {id: "${id}"}}
"""


def environment(**changed: str) -> dict[str, str]:
    """Ours, for a program under measurement: it finds its modules compiled, as those of an installation are."""
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**given, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "hooks-bench-compiled"), **changed}


@dataclass(frozen=True)
class Server:
    """A process under measurement. ``admin`` and ``data`` are those of a `hooks serve`."""

    port: int
    process: subprocess.Popen[bytes]
    admin: int = 0
    data: Path = Path()

    def cpu(self) -> float:
        """Seconds of processor time that it has used, all threads, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Bytes of memory that are its own or mapped in."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]) * 4096


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(url: str, process: subprocess.Popen[bytes], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the server did not come up")


@contextlib.contextmanager
def bare() -> Iterator[Server]:
    """uvicorn and Starlette alone."""
    port = free_port()
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("bare.py")), str(port)])
    try:
        wait_until_up(f"http://127.0.0.1:{port}/in/hcp", process)
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def hooks(routes: str = ROUTES, *, role: str = "all", data: Path | None = None) -> Iterator[Server]:
    """A real `hooks serve`, on a folder of its own or the one that is given."""
    port, admin = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="hooks-bench-") as folder:
        data = data or Path(folder) / "data"
        file = Path(folder) / "routes.yaml"
        file.write_text(routes, encoding="utf-8")
        command = [sys.executable, "-m", "hooks", "serve", "--routes", str(file), "--data", str(data), "--role", role]
        command += ["--port", str(port), "--admin", f"127.0.0.1:{admin}"]
        given = environment(BENCH_SECRET=SECRET, HOOKS_FREE_SPACE="0")
        process = subprocess.Popen(command, env=given, stderr=subprocess.DEVNULL)
        try:
            wait_until_up(f"http://127.0.0.1:{port}/healthz", process)
            yield Server(port, process, admin, data)
        finally:
            process.terminate()
            process.wait()


def stats(server: Server) -> dict[str, dict[str, int]]:
    """What the server says of itself."""
    token = (server.data / "admin.token").read_text(encoding="utf-8").strip()
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.admin}/api/v1/stats", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, dict[str, int]] = json.load(answer)
    return found
