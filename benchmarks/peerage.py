"""What `benchmarks.peers` compares with: how each is installed, set up for the same work, and started.

Each stands in a folder of its own below the one that is given; what is there already is used again. Raises `Missing`
with the reason when it cannot be installed here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.end_to_end import ROUTES
from benchmarks.servers import SECRET, free_port, wait_until_up

INSTALL = 900.0
"""Seconds for one installation."""

START = 120.0


class Missing(Exception):
    """It cannot be installed or run here."""


@dataclass(frozen=True)
class Running:
    """A process under measurement, and those that it has started."""

    port: int
    path: str
    process: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Seconds of processor time of it and its children, those that have ended too."""
        parents: dict[int, int] = {}
        times: dict[int, int] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                number = int(stat.parent.name)
                parents[number] = int(fields[1])
                times[number] = sum(int(fields[at]) for at in (11, 12, 13, 14))
        family = {self.process.pid}
        while more := {child for child, parent in parents.items() if parent in family} - family:
            family |= more
        return sum(times.get(member, 0) for member in family) / os.sysconf("SC_CLK_TCK")

    def kill(self, number: signal.Signals) -> None:
        """Send the signal to it and to all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


Started = tuple[Sequence[str | Path], Mapping[str, str]]

Command = Callable[[Path, int, int, Path], Started]
"""Writes settings into a folder and gives how it is started, and with what environment besides ours. Takes where it is
installed, its port, the sink's port, and the folder for what it keeps."""


@dataclass(frozen=True)
class Peer:
    """One of them, installed. ``share``: how much of the events it is given, because it is that much slower.

    ``path`` takes the webhooks, ``up`` answers when it is there; ``found``: with anything but an error or a page, when
    it is ready.
    """

    name: str
    folder: Path
    version: str
    promise: str
    command: Command
    path: str = "/in"
    up: str = "/"
    found: bool = False
    share: float = 1.0

    @contextlib.contextmanager
    def started(self, sink: int, state: Path | None = None) -> Iterator[Running]:
        """Run it, calling the sink at this port. ``state``: what it keeps; a fresh folder when none is given."""
        with tempfile.TemporaryDirectory(prefix="hooks-peer-") as fresh:
            port = free_port()
            command, environment = self.command(self.folder, port, sink, state or Path(fresh))
            process = subprocess.Popen(
                [str(part) for part in command],
                env={**os.environ, **environment},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            running = Running(port, self.path, process)
            try:
                wait_until_up(f"http://127.0.0.1:{port}{self.up}", process, START)
                while self.found and not _is_found(f"http://127.0.0.1:{port}{self.up}"):
                    time.sleep(0.05)
                yield running
            finally:
                running.kill(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    running.kill(signal.SIGKILL)
                    process.wait()


def hooks(folder: Path) -> Peer:
    promise = (
        "the 2xx leaves after the signature, the check for duplicates, and the sync to the disk; calls are recorded"
    )
    return Peer("hooks", folder, version("hooks"), promise, _hooks, path="/in/hcp", up="/healthz")


def _hooks(folder: Path, port: int, sink: int, state: Path) -> Started:
    routes = state / "routes.yaml"
    routes.write_text(ROUTES % sink, encoding="utf-8")
    command: list[str | Path] = [sys.executable, "-m", "hooks", "serve", "--routes", routes, "--data", state / "data"]
    command += ["--port", str(port), "--admin", f"127.0.0.1:{free_port()}"]
    return command, {"BENCH_SECRET": SECRET, "HOOKS_FREE_SPACE": "0"}


def node_red(folder: Path) -> Peer:
    _npm(folder, "node-red@4")
    promise = "nothing: the 2xx is sent by the flow, and the message is in memory only"
    return Peer("node-red", folder, _npm_version(folder, "node-red"), promise, _node_red, up="/up", found=True)


def _node_red(folder: Path, port: int, sink: int, state: Path) -> Started:
    (state / "settings.js").write_text(
        "module.exports = {uiHost: '127.0.0.1', disableEditor: true, telemetry: {enabled: false}, "
        "logging: {console: {level: 'off'}}, flowFile: 'flows.json'}\n"
    )
    shape = "return {payload: {event: msg.payload.job.id}, headers: {'content-type': 'application/json'}};"
    flow = [
        {"id": "t", "type": "tab", "label": "bench"},
        {"id": "i", "type": "http in", "z": "t", "url": "/in", "method": "post", "wires": [["o", "s"]]},
        {"id": "u", "type": "http in", "z": "t", "url": "/up", "method": "get", "wires": [["o"]]},
        {"id": "o", "type": "http response", "z": "t", "statusCode": "200", "headers": {}, "wires": []},
        {"id": "s", "type": "function", "z": "t", "func": shape, "outputs": 1, "wires": [["c"]]},
        {"id": "c", "type": "http request", "z": "t", "method": "POST", "ret": "txt", "persist": True,
         "url": f"http://127.0.0.1:{sink}/jobs", "wires": [[]]},
    ]  # fmt: skip
    (state / "flows.json").write_text(json.dumps(flow))
    main = folder / "node_modules/node-red/red.js"
    command: list[str | Path] = [
        "node",
        main,
        "--port",
        str(port),
        "--userDir",
        state,
        "--settings",
        state / "settings.js",
    ]
    return command, {}


def n8n(folder: Path) -> Peer:
    # It wants a reader of spreadsheets from another server than npm's: the one that npm has does as well, unused.
    (folder / "package.json").write_text(json.dumps({"private": True, "overrides": {"xlsx": "0.18.5"}}))
    _npm(folder, "n8n@1")
    if not list((folder / "node_modules/sqlite3").glob("build/**/*.node")):
        _run(["npm", "rebuild", "--silent", "sqlite3"], folder)
    promise = "nothing: it answers when a workflow has begun, and what was running at a crash is not taken up again"
    return Peer(
        "n8n",
        folder,
        _npm_version(folder, "n8n"),
        promise,
        _n8n,
        path="/webhook/in",
        up="/webhook/up",
        found=True,
        share=0.1,
    )


def _n8n(folder: Path, port: int, sink: int, state: Path) -> Started:
    program: list[str | Path] = ["node", folder / "node_modules/n8n/bin/n8n"]
    environment = {
        "N8N_USER_FOLDER": str(state),
        "N8N_LISTEN_ADDRESS": "127.0.0.1",
        "N8N_PORT": str(port),
        "N8N_EXPRESSION_ENGINE": "legacy",  # the other one needs a newer Node
        "N8N_LOG_LEVEL": "error",
        **dict.fromkeys(_N8N_OFF, "false"),  # nothing that calls its makers
    }
    if not (state / ".n8n").exists():
        shape = "={{ JSON.stringify({event: $json.body.job.id}) }}"
        call = {"method": "POST", "url": f"http://127.0.0.1:{sink}/jobs", "sendBody": True}
        nodes: list[dict[str, Any]] = [
            {"id": name, "name": name, "type": "n8n-nodes-base.webhook", "typeVersion": 2, "webhookId": name,
             "parameters": {"httpMethod": method, "path": name, "responseMode": "onReceived", "options": {}}}
            for name, method in (("in", "POST"), ("up", "GET"))
        ]  # fmt: skip
        nodes.append(
            {"id": "call", "name": "call", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2,
             "parameters": {**call, "specifyBody": "json", "jsonBody": shape, "options": {}}}
        )  # fmt: skip
        workflow = {
            "id": "bench",
            "name": "bench",
            "settings": {"executionOrder": "v1"},
            "nodes": [{**node, "position": [0, 0]} for node in nodes],
            "connections": {"in": {"main": [[{"node": "call", "type": "main", "index": 0}]]}},
        }
        (state / "workflow.json").write_text(json.dumps([workflow]))
        _run([*program, "import:workflow", f"--input={state / 'workflow.json'}"], folder, environment)
        _run([*program, "update:workflow", "--all", "--active=true"], folder, environment)
    return [*program, "start"], environment


_N8N_OFF = (
    "N8N_DIAGNOSTICS_ENABLED",
    "N8N_VERSION_NOTIFICATIONS_ENABLED",
    "N8N_TEMPLATES_ENABLED",
    "N8N_LICENSE_AUTO_RENEW_ENABLED",
    "N8N_PERSONALIZATION_ENABLED",
    "N8N_RUNNERS_ENABLED",
)


def debian_webhook(folder: Path) -> Peer:
    program = folder / "usr/bin/webhook"
    if not program.exists():
        _run(["apt-get", "download", "webhook"], folder)
        for package in folder.glob("webhook_*.deb"):
            _run(["dpkg-deb", "-x", package, folder], folder)
    if shutil.which("curl") is None:
        raise Missing("there is no curl, which it calls with")
    promise = "nothing: it answers, then starts a program (here curl) for each"
    return Peer(
        "webhook", folder, _run([program, "-version"], folder).split()[-1], promise, _debian_webhook, path="/hooks/in"
    )


def _debian_webhook(folder: Path, port: int, sink: int, state: Path) -> Started:
    script = state / "call.sh"
    script.write_text(
        f"#!/bin/sh\nexec curl -s -o /dev/null -H 'content-type: application/json' "
        f'-d "{{\\"event\\":\\"$1\\"}}" http://127.0.0.1:{sink}/jobs\n'
    )
    script.chmod(0o700)
    hook = {
        "id": "in",
        "execute-command": str(script),
        "pass-arguments-to-command": [{"source": "payload", "name": "job.id"}],
    }
    (state / "hooks.json").write_text(json.dumps([hook]))
    program = folder / "usr/bin/webhook"
    return [program, "-ip", "127.0.0.1", "-port", str(port), "-hooks", state / "hooks.json"], {}


def ansible_rulebook(folder: Path) -> Peer:
    if shutil.which("java") is None:
        raise Missing("it needs Java 17, and there is none")
    python = folder / "venv/bin/python"
    if not python.exists():
        _run([sys.executable, "-m", "venv", folder / "venv"], folder)
        _run([python, "-m", "pip", "install", "--quiet", "ansible-rulebook", "ansible-core"], folder)
    told = _run([folder / "venv/bin/ansible-rulebook", "--version"], folder)
    promise = (
        "nothing: the event is in memory only; each rule that fits runs Ansible's module uri in a process of its own"
    )
    return Peer(
        "ansible-rulebook", folder, told.split("[", 1)[1].split("]", 1)[0], promise, _ansible_rulebook, share=0.005
    )


def _ansible_rulebook(folder: Path, port: int, sink: int, state: Path) -> Started:
    (state / "rules.yml").write_text(
        "- name: bench\n  hosts: localhost\n  gather_facts: false\n  execution_strategy: parallel\n  sources:\n"
        f"    - eda.builtin.webhook: {{host: 127.0.0.1, port: {port}}}\n"
        "  rules:\n    - name: jobs\n      condition: event.payload.event == 'job.completed'\n      action:\n"
        "        run_module:\n          name: ansible.builtin.uri\n          module_args:\n"
        f"            url: http://127.0.0.1:{sink}/jobs\n            method: POST\n            body_format: json\n"
        '            body: {event: "{{ event.payload.job.id }}"}\n'
    )
    scripts = folder / "venv/bin"
    (state / "inventory.yml").write_text(
        "all: {hosts: {localhost: {ansible_connection: local, "
        f"ansible_python_interpreter: {scripts / 'python'}}}}}\n"
    )
    command: list[str | Path] = [
        scripts / "ansible-rulebook",
        "--rulebook",
        state / "rules.yml",
        "-i",
        state / "inventory.yml",
    ]
    return command, {"PATH": f"{scripts}:{os.environ['PATH']}", "ANSIBLE_HOME": str(state)}


def _is_found(url: str) -> bool:
    """Whether it answers as itself: n8n has a page for whoever comes while it starts."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return "html" not in answer.headers.get("content-type", "")
    except urllib.error.HTTPError:
        return False


def _npm(folder: Path, package: str) -> None:
    if shutil.which("npm") is None:
        raise Missing("there is no npm")
    if not (folder / "node_modules" / package.partition("@")[0]).exists():
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"]
        _run([*command, "--ignore-scripts", "--prefix", folder, package], folder)


def _npm_version(folder: Path, name: str) -> str:
    package = folder / "node_modules" / name / "package.json"
    found: str = json.loads(package.read_text(encoding="utf-8"))["version"]
    return found


def _run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """Run it and give what it said, with this environment besides ours. Raises Missing."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL,
            check=True,
        )
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{Path(command[0]).name} took longer than {INSTALL:g} s") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "no word").strip().splitlines() or ["no word"]
        raise Missing(f"{Path(command[0]).name} failed: {said[-1][:200]}") from None
    return done.stdout


PEERS: Mapping[str, Callable[[Path], Peer]] = {
    "hooks": hooks,
    "node-red": node_red,
    "n8n": n8n,
    "webhook": debian_webhook,
    "ansible-rulebook": ansible_rulebook,
}
"""Each installs itself into a folder if it is not there already. Raises Missing."""
